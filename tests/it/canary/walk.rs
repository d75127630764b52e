//! Every operation of the document, asked by somebody with everything that he might have found out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::http::ask_raw;
use crate::support::{Person, TestServer, eventually, text};

/// What reads texts of rooms.
pub const TELLS: [&str; 11] = [
    "listMessages",
    "searchMessages",
    "getMessage",
    "listThread",
    "listPins",
    "listReports",
    "readAttachment",
    "getJobResult",
    "listRooms",
    "getRoom",
    "getInvite",
];
/// Of these, what tells only what a room says of itself.
pub const OF_ITSELF: [&str; 3] = ["listRooms", "getRoom", "getInvite"];
/// What reads no text of a room that is private; a picture counts by whether it is shown at all.
pub const SILENT: [&str; 18] = [
    "getKeys",
    "readThumbnail",
    "listSessions",
    "readAvatar",
    "listDirectory",
    "getHealth",
    "getReadiness",
    "listBans",
    "listInvites",
    "listMembers",
    "listReceipts",
    "findUsers",
    "getMe",
    "listBlocks",
    "listMyInvites",
    "listJobs",
    "getJob",
    "getUser",
];
/// For those who look after the whole server: to everybody here a refusal.
pub const OVERSIGHT: [&str; 3] = ["listAudit", "getJourney", "listAllReports"];

/// Left out of what somebody outside tries: these lead in, which is allowed, or are about his account.
const LEAD_IN: [&str; 2] = ["joinRoom", "acceptInvite"];

/// What one may have found out.
#[derive(Clone, Default)]
pub struct Place {
    pub room: String,
    pub messages: Vec<String>,
    pub files: Vec<String>,
    pub owner: String,
    pub token: String,
    pub job: String,
}

/// An operation that was asked for.
pub struct Answered {
    pub operation: String,
    pub path: String,
    pub status: u16,
    /// What is no text, as far as it is one.
    pub body: String,
    /// Whether the path names a message or a file.
    pub names_hidden: bool,
}

pub struct Walk<'s> {
    server: &'s TestServer,
    who: Person,
    place: Place,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    queries: BTreeSet<String>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(chat::http::openapi::json()).expect("JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let queries = parameters.iter().filter(|it| it["in"] == "query").map(|it| text(it, "name"));
            let (id, method, path) = (id.to_owned(), method.to_uppercase(), path.clone());
            found.push(Operation { id, method, path, queries: queries.collect() });
        }
    }
    found
}

/// The ids of all operations that read.
pub fn getters() -> Vec<String> {
    operations().into_iter().filter(|it| it.method == "GET").map(|it| it.id).collect()
}

impl<'s> Walk<'s> {
    pub fn new(server: &'s TestServer, who: Person, place: Place) -> Self {
        Self { server, who, place }
    }

    /// He has a link.
    pub fn know(&mut self, token: String) {
        self.place.token = token;
    }

    /// He has taken his data along.
    #[track_caller]
    pub fn know_export(&mut self) {
        let job = text(&self.server.post(&self.who, "/users/me/export", &json!({})).expect(202), "id");
        let path = format!("/users/me/jobs/{job}");
        eventually("the job is done", || self.server.get(&self.who, &path).expect(200)["state"] == "done");
        self.place.job = job;
    }

    /// Everything that can be read, by every way.
    pub fn reads(&self) -> Vec<Answered> {
        let mut answers = Vec::new();
        for operation in operations().into_iter().filter(|it| it.method == "GET") {
            for path in self.filled(&operation.path) {
                let queries = self.queries(&operation);
                for query in &queries {
                    answers.push(self.ask(&operation, &format!("{path}{query}")));
                }
                // As many pages as there are, in small steps.
                if operation.queries.contains("cursor") {
                    let base = queries.first().cloned().unwrap_or_default();
                    let step = format!("{path}{base}{}limit=1", if base.is_empty() { "?" } else { "&" });
                    let mut cursor = String::new();
                    for _ in 0..40 {
                        let page = self.ask(&operation, &format!("{step}{cursor}"));
                        let next = serde_json::from_str::<Value>(&page.body).unwrap_or_default();
                        answers.push(page);
                        let Some(next) = next["nextCursor"].as_str() else { break };
                        cursor = format!("&cursor={next}");
                    }
                }
            }
        }
        answers
    }

    /// Everything that changes messages and files; for somebody outside also what changes the room.
    pub fn writes(&self, is_outside: bool) -> Vec<Answered> {
        let mut answers = Vec::new();
        for operation in operations().into_iter().filter(|it| it.method != "GET") {
            let of_room = operation.path.contains("{roomId}") && is_outside;
            let of_what_is_in_it =
                ["{messageId}", "{attachmentId}"].iter().any(|it| operation.path.contains(it));
            if !(of_room || of_what_is_in_it) || LEAD_IN.contains(&operation.id.as_str()) {
                continue;
            }
            for path in self.filled(&operation.path) {
                answers.push(self.ask(&operation, &path));
            }
        }
        answers
    }

    fn ask(&self, operation: &Operation, path: &str) -> Answered {
        let bearer = format!("Bearer {}", self.who.token);
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        let body = match operation.method.as_str() {
            "GET" => String::new(),
            // Of everything that some operation wants.
            _ => json!({
                "content": "mine now", "reason": "why not", "userId": self.place.owner, "role": "member",
                "read": 1, "received": 1, "until": "2126-01-01T00:00:00Z", "name": "mine", "notifications": "all",
                "isFavourite": true, "action": "dismiss",
            })
            .to_string(),
        };
        let answer = ask_raw(self.server.address(), &operation.method, path, &headers, body.as_bytes());
        let answer = answer.expect("the server answers");
        Answered {
            operation: operation.id.clone(),
            path: path.to_owned(),
            status: answer.head.status,
            body: answer.head.body,
            names_hidden: self
                .place
                .messages
                .iter()
                .chain(&self.place.files)
                .any(|id| path.contains(id.as_str())),
        }
    }

    /// The path with everything that each of its parts may be.
    fn filled(&self, path: &str) -> Vec<String> {
        let place = &self.place;
        let nobody = "01937f4e-5b1a-7c2d-9e3f-000000000000".to_owned();
        let known: BTreeMap<&str, Vec<String>> = BTreeMap::from([
            ("roomId", vec![place.room.clone()]),
            ("messageId", place.messages.clone()),
            ("attachmentId", place.files.clone()),
            ("userId", vec![place.owner.clone(), self.who.id.clone()]),
            ("emoji", vec!["%F0%9F%91%8D".to_owned()]),
            ("token", vec![place.token.clone()]),
            ("jobId", vec![place.job.clone()]),
            ("avatarId", vec![nobody.clone()]),
            ("inviteId", vec![nobody.clone()]),
            ("reportId", vec![nobody.clone()]),
            ("sessionId", vec![nobody]),
        ]);
        let mut paths = vec![path.to_owned()];
        while let Some(begin) = paths.first().and_then(|path| path.find('{')) {
            let end = paths[0].find('}').expect("a brace that is closed");
            let name = paths[0][begin + 1..end].to_owned();
            let values =
                known.get(&*name).unwrap_or_else(|| panic!("{path}: what {name} may be is to be considered"));
            let slot = format!("{{{name}}}");
            let with_each =
                |path: &String| values.iter().map(|value| path.replacen(&slot, value, 1)).collect::<Vec<_>>();
            paths = paths.iter().flat_map(with_each).collect();
        }
        paths
    }

    /// What may stand behind the path: what it needs, and with it each thing that it may have.
    fn queries(&self, operation: &Operation) -> Vec<String> {
        let place = &self.place;
        let (mut needed, mut options) = (Vec::new(), Vec::new());
        for name in &operation.queries {
            let values: Vec<String> = match name.as_str() {
                "roomId" => {
                    needed.push(format!("roomId={}", place.room));
                    continue;
                }
                // Asked for step by step.
                "cursor" => continue,
                "limit" => vec!["200".to_owned()],
                "query" => [
                    "canary",
                    "canarybefore",
                    "canaryafter",
                    "answers",
                    "from:alice",
                    "has:file",
                    "after:2020-01-01",
                ]
                .map(|query| query.to_owned())
                .into_iter()
                .chain([format!("in:{}", place.room), format!("canary%20in:{}", place.room)])
                .collect(),
                "around" => place.messages.clone(),
                "at" => vec!["2020-01-01T00:00:00Z".to_owned(), "2126-01-01T00:00:00Z".to_owned()],
                "after" => vec!["0".to_owned(), "1".to_owned()],
                "status" => vec!["open".to_owned(), "resolved".to_owned()],
                "username" => vec!["alice".to_owned()],
                "userId" => vec![place.owner.clone()],
                "event" | "since" | "until" => continue,
                other => panic!("{}: what {other} may be is to be considered", operation.id),
            };
            options.extend(values.into_iter().map(|value| format!("{name}={value}")));
        }
        let with = |option: Option<&String>| {
            let all: Vec<&str> = needed.iter().chain(option).map(String::as_str).collect();
            if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
        };
        std::iter::once(with(None)).chain(options.iter().map(|option| with(Some(option)))).collect()
    }
}
