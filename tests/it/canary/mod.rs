//! I10 as one story: a room full of canaries, and everybody who must not hear them sing. By every route
//! of the document and over the socket: somebody who never was in, who left, was removed, was banned,
//! and who came later into a room that shows nothing from before. On both databases, as each has
//! questions of its own.

mod socket;
mod walk;

use std::time::Duration;

use chat::clock::{Clock as _, SystemClock};
use chat::protocol::wire::rfc3339;
use chat::settings::Secret;
use serde_json::{Value, json};

use self::walk::{Answered, Place, Walk};
use crate::files::samples::{pdf, png};
use crate::files::support::{say_with, uploaded};
use crate::postgres;
use crate::support::{Person, TestClient, TestServer, eventually, number, text};

/// Is in everything that is said before the late one comes and after the others went.
const BEFORE: &str = "canarybefore";
const AFTER: &str = "canaryafter";
/// Is in what a private room says of itself. What a public one says is everybody's.
const ROOM: &str = "canaryroom";

/// What one part of the story left in the room.
#[derive(Clone, Default)]
struct Traces {
    messages: Vec<String>,
    files: Vec<String>,
}

/// What keeps the room.
#[derive(Clone, Copy)]
enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    fn server(self) -> TestServer {
        match self {
            Self::Sqlite => TestServer::start(),
            Self::Postgres => {
                let url = postgres::server().url(&postgres::database());
                TestServer::with(|settings| {
                    settings.database_url = Some(url);
                    settings.jwt_secret = vec![Secret::new("0123456789abcdef0123456789abcdef")];
                })
            }
        }
    }
}

/// The room and who is in it.
struct Stage {
    server: TestServer,
    room: String,
    alice: Person,
    bob: Person,
}

impl Stage {
    fn new(database: Database, is_private: bool, members: &[&str]) -> (Self, Vec<Person>) {
        let server = database.server();
        // Whoever comes first looks after the whole server, and reads what is reported anywhere.
        server.person("operator");
        let (alice, bob) = (server.person("alice"), server.person("bob"));
        let others: Vec<Person> = members.iter().map(|name| server.person(name)).collect();
        let of_itself = if is_private { ROOM } else { "a room" };
        let ids: Vec<&String> = [&bob].into_iter().chain(&others).map(|person| &person.id).collect();
        let body = json!({
            "name": of_itself, "description": of_itself, "topic": of_itself, "isPrivate": is_private,
            "historyVisibility": "sinceJoined", "members": ids,
        });
        let room = text(&server.post(&alice, "/rooms", &body).expect(201), "id");
        (Self { server, room, alice, bob }, others)
    }

    fn put(&self, who: &Person, path: &str, body: &Value, status: u16) {
        self.server.ask(Some(who), "PUT", path, Some(body)).expect(status);
    }

    fn say(&self, who: &Person, body: &Value) -> String {
        text(&self.server.post(who, "/messages", body).expect(201), "id")
    }

    /// Everything that a room can hold a text in, each with this one.
    fn sing(&self, canary: &str) -> Traces {
        let (server, room, alice, bob) = (&self.server, &self.room, &self.alice, &self.bob);
        let say = |who: &Person, content: String| self.say(who, &json!({"roomId": room, "content": content}));
        let plain = say(alice, format!("{canary} says hello to @leo, @rita, @ben, @lara and @nora"));
        let edited = say(alice, "something else".to_owned());
        let content = json!({"content": format!("{canary} has changed it")});
        server.ask(Some(alice), "PATCH", &format!("/messages/{edited}"), Some(&content)).expect(200);
        let reply = json!({"roomId": room, "content": format!("{canary} answers"), "replyTo": plain});
        let reply = self.say(bob, &reply);
        self.put(alice, &format!("/messages/{plain}/pin"), &json!({}), 204);
        self.put(bob, &format!("/messages/{plain}/reactions/%F0%9F%91%8D"), &json!({}), 204);
        let reason = json!({"reason": format!("{canary} does not like it")});
        server.post(bob, &format!("/messages/{plain}/report"), &reason).expect(204);
        // Of what she wrote herself she sees no reports.
        server.post(alice, &format!("/messages/{reply}/report"), &reason).expect(204);
        let removed = say(bob, format!("{canary} will be removed"));
        let why = format!("/messages/{removed}?reason={canary}");
        server.ask(Some(alice), "DELETE", &why, None).expect(204);
        let member = format!("/rooms/{room}/members/{}/mute", bob.id);
        let until = rfc3339(SystemClock.now().plus(Duration::from_secs(3_600)));
        self.put(alice, &member, &json!({"until": until, "reason": canary}), 204);
        server.ask(Some(alice), "DELETE", &member, None).expect(204);
        let files = [
            (format!("{canary}.pdf"), pdf(&format!("/Title({canary})"))),
            (format!("{canary}.png"), png(600, 20)),
        ];
        let files = files.map(|(name, bytes)| uploaded(server, alice, &name, &bytes));
        let shown = text(&say_with(server, alice, room, &files.each_ref()), "id");
        // Who moderates the server may then look at them, and nobody else.
        server.post(bob, &format!("/messages/{shown}/report"), &reason).expect(204);
        let found = || server.get(alice, &format!("/messages/search?query={canary}")).expect(200);
        eventually("all is found", || found()["results"].as_array().is_some_and(|all| all.len() >= 3));
        Traces {
            messages: vec![plain, edited, reply, removed, shown],
            files: files.iter().map(|file| text(file, "id")).collect(),
        }
    }

    /// Changes what was said, when others have come: each change is an entry of its own.
    fn touch(&self, traces: &Traces) {
        let (server, alice) = (&self.server, &self.alice);
        let [plain, edited, ..] = traces.messages.as_slice() else { panic!("messages") };
        let content = json!({"content": format!("{BEFORE} has changed it again, @lara")});
        server.ask(Some(alice), "PATCH", &format!("/messages/{edited}"), Some(&content)).expect(200);
        let sign = format!("/messages/{plain}/reactions/%F0%9F%8E%89");
        self.put(alice, &sign, &json!({}), 204);
        server.ask(Some(alice), "DELETE", &sign, None).expect(204);
        server.ask(Some(alice), "DELETE", &format!("/messages/{plain}/pin"), None).expect(204);
        self.put(alice, &format!("/messages/{plain}/pin"), &json!({}), 204);
    }

    fn walk(&self, traces: &[&Traces], who: &Person) -> Walk<'_> {
        let place = Place {
            room: self.room.clone(),
            messages: traces.iter().flat_map(|traces| traces.messages.clone()).collect(),
            files: traces.iter().flat_map(|traces| traces.files.clone()).collect(),
            owner: self.alice.id.clone(),
            ..Place::default()
        };
        Walk::new(&self.server, who.clone(), place)
    }

    /// Whether a person's walk hears nothing of what is kept from him: no text anywhere, and of what is
    /// hidden no answer but a refusal.
    #[track_caller]
    fn hears_nothing(&self, who: &Person, kept: &[&str], hidden: &Traces, is_outside: bool) {
        let mut walk = self.walk(&[hidden], who);
        walk.know(self.invite());
        walk.know_export();
        for answered in walk.reads().into_iter().chain(walk.writes(is_outside)) {
            let Answered { operation, path, status, body, names_hidden } = answered;
            for canary in kept {
                // Who holds a link is shown where it leads.
                let is_link = operation == "getInvite" && *canary == ROOM;
                assert!(
                    is_link || !body.contains(canary),
                    "{} heard {canary}: {operation} {path}: {body}",
                    who.username
                );
            }
            assert!(
                !names_hidden || status >= 400,
                "{}: {operation} {path} is answered {status}: {body}",
                who.username
            );
        }
    }

    /// A link into the room.
    fn invite(&self) -> String {
        let path = format!("/rooms/{}/invites", self.room);
        text(&self.server.post(&self.alice, &path, &json!({"maxUses": 1})).expect(201), "token")
    }

    fn connect(&self, who: &Person) -> TestClient {
        self.server.connect(who).hearing_bumps()
    }
}

#[test]
fn every_route_that_reads_is_considered() {
    let listed: Vec<&str> = walk::TELLS.into_iter().chain(walk::SILENT).chain(walk::OVERSIGHT).collect();
    for operation in walk::getters() {
        let times = listed.iter().filter(|id| **id == operation).count();
        assert_eq!(
            times, 1,
            "{operation} reads: say in the story of the canaries whether it tells texts of rooms"
        );
    }
    assert_eq!(walk::getters().len(), listed.len(), "some are listed that are no more");
}

#[test]
fn the_canaries_of_a_private_room_are_heard_by_its_members_alone() {
    story(Database::Sqlite, true);
}

#[test]
fn the_canaries_of_a_public_room_are_heard_by_its_members_alone() {
    story(Database::Sqlite, false);
}

#[test]
fn the_canaries_of_a_private_room_on_postgres_are_heard_by_its_members_alone() {
    story(Database::Postgres, true);
}

#[test]
fn the_canaries_of_a_public_room_on_postgres_are_heard_by_its_members_alone() {
    story(Database::Postgres, false);
}

fn story(database: Database, is_private: bool) {
    let (stage, others) = Stage::new(database, is_private, &["leo", "rita", "ben"]);
    let (server, room) = (&stage.server, &stage.room);
    let [leo, rita, ben] = &others[..] else { panic!("three people") };
    let (nora, lara) = (server.person("nora"), server.person("lara"));
    let before = stage.sing(BEFORE);

    // All of them have sockets, and those who are in follow the room.
    let mut sockets: Vec<(&Person, TestClient)> =
        [leo, rita, ben, &nora, &lara].into_iter().map(|who| (who, stage.connect(who))).collect();
    for (who, socket) in &mut sockets {
        if [leo, rita, ben].iter().any(|member| member.id == who.id) {
            socket.subscribe(room, Some(0));
            socket.forget();
        }
    }
    server.leave(leo, room);
    server.ask(Some(&stage.alice), "DELETE", &format!("/rooms/{room}/members/{}", rita.id), None).expect(204);
    stage.put(&stage.alice, &format!("/rooms/{room}/bans/{}", ben.id), &json!({}), 204);
    for (who, socket) in &mut sockets {
        if [leo, rita, ben].iter().any(|member| member.id == who.id) {
            // What was on its way to a member came before this.
            let out = socket.until("that he is out", |frame| frame["t"] == "room.reset");
            assert_eq!(out["d"]["reason"], "membership");
            socket.forget();
        }
    }
    let lara_is_in = json!({"userId": lara.id});
    server.post(&stage.alice, &format!("/rooms/{room}/members"), &lara_is_in).expect(204);
    for (who, socket) in &mut sockets {
        if who.id == lara.id {
            let answer = socket.subscribe(room, Some(0));
            assert_eq!((&answer["mode"], &answer["reason"]), (&json!("reset"), &json!("membership")));
        }
    }
    let after = stage.sing(AFTER);
    stage.touch(&before);

    // Who is in hears all of it, by every way that tells texts and no other: so the walk looks everywhere.
    let mut walk = stage.walk(&[&before, &after], &stage.alice);
    walk.know(stage.invite());
    walk.know_export();
    let mut told: Vec<&str> = walk::TELLS.to_vec();
    if !is_private {
        // These tell what a room says of itself.
        told.retain(|id| !walk::OF_ITSELF.contains(id));
    }
    let heard = walk.reads();
    for id in walk::TELLS.into_iter().chain(walk::SILENT).chain(walk::OVERSIGHT) {
        let sings =
            |answered: &&Answered| [BEFORE, AFTER, ROOM].iter().any(|canary| answered.body.contains(canary));
        let is_heard = heard.iter().filter(|answered| answered.operation == id).any(|it| sings(&it));
        assert_eq!(is_heard, told.contains(&id), "{id}: whether it tells a member texts of the room");
    }
    let pictures = |answered: &&Answered| answered.operation == "readThumbnail" && answered.status == 200;
    assert_eq!(heard.iter().filter(pictures).count(), 2);

    let everything = Traces {
        messages: [before.messages.clone(), after.messages.clone()].concat(),
        files: [before.files.clone(), after.files.clone()].concat(),
    };
    for who in [leo, rita, ben, &nora] {
        stage.hears_nothing(who, &[BEFORE, AFTER, ROOM], &everything, true);
    }
    stage.hears_nothing(&lara, &[BEFORE], &before, false);
    // Looking after a room does not make one have been there.
    let role = format!("/rooms/{room}/members/{}/role", lara.id);
    stage.put(&stage.alice, &role, &json!({"role": "administrator"}), 204);
    stage.hears_nothing(&lara, &[BEFORE], &before, false);

    for (who, mut old) in sockets {
        let is_late = who.id == lara.id;
        let (kept, hidden) =
            if is_late { (&[BEFORE][..], &before) } else { (&[BEFORE, AFTER, ROOM][..], &everything) };
        let mut frames = old.drained();
        frames.extend(socket::asks_for_everything(&mut old, room, hidden.messages.as_slice()));
        let mut fresh = stage.connect(who);
        frames.extend(fresh.heads.iter().cloned());
        frames.extend(socket::asks_for_everything(&mut fresh, room, hidden.messages.as_slice()));
        for frame in &frames {
            let text = frame.to_string();
            for canary in kept {
                assert!(!text.contains(canary), "{} heard {canary}: {frame}", who.username);
            }
            // What refuses a question repeats nothing of it but its number.
            for message in &hidden.messages {
                assert!(!text.contains(message.as_str()), "{} heard of {message}: {frame}", who.username);
            }
        }
        let heard = frames.iter().any(|frame| frame.to_string().contains(AFTER));
        assert_eq!(heard, is_late, "{}: whether the canaries of afterwards were heard", who.username);
        let entries = frames.iter().filter(|frame| frame["room"] == *room && frame["seq"].is_u64());
        let first = entries.map(|frame| number(frame, "seq")).min();
        assert_eq!(first.is_some(), is_late, "{}: no entry at all", who.username);
    }
}
