//! What the program reports to Sentry, as a Sentry gets it: a real process, and a receiver that
//! opens its envelopes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::http;
use crate::support::process::{ChatProcess, complaint, run};

/// What people and programs keep to themselves.
const SECRETS: [&str; 4] =
    ["Bearer ", "a password that is nobody's", "alice.secret@example.com", "a name that is nobody's"];

/// A Sentry of one project.
struct Sentry {
    dsn: String,
    items: Receiver<Item>,
}

/// One item of an envelope: what it is, and what it holds.
type Item = (String, Value);

impl Sentry {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let dsn = format!("http://key@{}/7", listener.local_addr().expect("an address"));
        let (tell, items) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                thread::spawn(move || receive(stream, &tell));
            }
        });
        Self { dsn, items }
    }

    /// The next item of this kind that is wanted.
    #[track_caller]
    fn next(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (of, item) = self.items.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {kind} came"));
            let text = item.to_string();
            assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
            if of == kind && wanted(&item) {
                return item;
            }
        }
    }

    /// The next event of this type.
    #[track_caller]
    fn event(&self, of: &str) -> Value {
        self.next("event", |event| event["exception"]["values"][0]["type"] == of)
    }
}

/// Takes what is posted on one connection.
fn receive(stream: TcpStream, tell: &Sender<Item>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        assert!(line.is_empty() || line.starts_with("POST /api/7/envelope/ HTTP/1.1"), "{line}");
        let mut length = 0;
        while line.trim() != "" {
            line.clear();
            lines.read_line(&mut line).ok()?;
            let (name, value) = line.split_once(':').unwrap_or_default();
            assert!(!name.eq_ignore_ascii_case("content-encoding"), "{line}");
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a number");
            }
        }
        let mut envelope = vec![0; length];
        lines.read_exact(&mut envelope).ok()?;
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").ok()?;
        opened(&envelope).into_iter().try_for_each(|item| tell.send(item)).ok()?;
    }
}

/// The items of an envelope: a line for all of it, then for each a line about it and itself.
fn opened(envelope: &[u8]) -> Vec<Item> {
    let mut rest = envelope.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').expect("a line about the item");
        let about: Value = serde_json::from_slice(&rest[..end]).expect("JSON");
        let length = usize::try_from(about["length"].as_u64().expect("a length")).expect("small");
        let item = &rest[end + 1..end + 1 + length];
        items.push((
            about["type"].as_str().expect("a type").to_owned(),
            serde_json::from_slice(item).expect("JSON"),
        ));
        rest = rest.get(end + 2 + length..).unwrap_or_default();
    }
    items
}

/// Alice, with a room of hers.
fn alice(chat: &ChatProcess) -> (impl Fn(&str, &str, &Value) -> http::Answer + use<>, String) {
    let address = chat.address;
    let (email, password) = ("alice.secret@example.com", "a password that is nobody's");
    let register = json!({"username": "alice", "email": email, "password": password});
    let answer = http::ask(address, "POST", "/auth/register", &[], Some(&register)).expect("it answers");
    let bearer = format!("Bearer {}", answer.expect(201)["token"].as_str().expect("a token"));
    let post = move |path: &str, id: &str, body: &Value| {
        let headers = [("authorization", bearer.as_str()), ("cookie", "a=b"), ("x-request-id", id)];
        http::ask(address, "POST", path, &headers, Some(body)).expect("it answers")
    };
    let room = post("/rooms", "r-1", &json!({"name": "a name that is nobody's"})).expect(201)["id"].clone();
    (post, room.as_str().expect("an id").to_owned())
}

/// A process that stumbles over messages that tell it to, and reports it.
fn stumbling(data: &tempfile::TempDir, sentry: &Sentry, environment: &str) -> ChatProcess {
    let env = [
        ("SENTRY_DSN", sentry.dsn.as_str()),
        ("NODE_ENV", environment),
        ("CHAT_LOG_FORMAT", "text"),
        ("CHAT_BROKEN", "stumble"),
    ];
    ChatProcess::serve(data.path(), 0, &env)
}

#[test]
fn in_production_faults_and_panics_are_reported_and_nothing_else() {
    let (data, sentry) = (tempfile::tempdir().expect("a folder"), Sentry::start());
    let chat = stumbling(&data, &sentry, "production");
    let (post, room) = alice(&chat);
    assert_eq!(post("/messages", "r-2", &json!({"roomId": room, "content": ""})).problem(400), "badRequest");

    let fault = json!({"roomId": room, "content": "fault"});
    assert_eq!(post("/messages?ticket=a-secret", "r-3", &fault).problem(500), "internal");
    let event = sentry.event("internal");
    assert_eq!(event["exception"]["values"][0]["value"], "a fault on purpose");
    assert_eq!(event["environment"], "production");
    assert_eq!(event["release"], concat!("chat@", env!("CARGO_PKG_VERSION")));
    assert_eq!(event["fingerprint"], json!(["internal", "src/actors/broken.rs"]));
    assert_eq!(event["tags"]["code"], "internal");

    let panic = json!({"roomId": room, "content": "panic"});
    assert_eq!(post("/messages", "r-4", &panic).problem(500), "internal");
    let event = sentry.event("panic");
    assert_eq!(event["exception"]["values"][0]["value"], "a panic on purpose");
    assert_eq!(event["level"], "fatal");
    let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().expect("frames");
    assert!(frames.iter().any(|frame| frame["function"].as_str().is_some_and(|f| f.contains("stumble"))));
    // The room is there again, and what is left is reported before the end.
    post("/messages", "r-5", &json!({"roomId": room, "content": "hello"})).expect(201);
    assert!(chat.terminate().success());
    let left: Vec<_> = sentry.items.try_iter().filter(|(kind, _)| kind == "event").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_loses_a_vital_part_ends_to_be_started_again() {
    let (data, sentry) = (tempfile::tempdir().expect("a folder"), Sentry::start());
    let chat = stumbling(&data, &sentry, "production");
    let (post, room) = alice(&chat);
    let last = json!({"roomId": room, "content": "the end"});
    assert_eq!(post("/messages", "r-2", &last).problem(503), "unavailable");
    let event = sentry.event("panic");
    assert_eq!(event["exception"]["values"][0]["value"], "the end of the writer, on purpose");
    assert_eq!(chat.ended().code(), Some(1));
}

#[test]
fn while_it_is_made_refusals_and_the_times_of_requests_are_reported_too() {
    let (data, sentry) = (tempfile::tempdir().expect("a folder"), Sentry::start());
    let chat = stumbling(&data, &sentry, "test");
    let (post, room) = alice(&chat);
    let empty = json!({"roomId": room, "content": ""});
    assert_eq!(post("/messages?ticket=a-secret", "r-2", &empty).problem(400), "badRequest");
    let event = sentry.event("badRequest");
    assert_eq!(event["fingerprint"], json!(["badRequest", "{{ transaction }}"]));
    let request = event["request"].as_object().expect("a request");
    assert_eq!(request["method"], "POST");
    assert_eq!(request["headers"]["x-request-id"], "r-2");
    for left_out in ["url", "data", "query_string", "cookies", "env"] {
        assert!(!request.contains_key(left_out), "{request:?}");
    }
    let headers: Vec<_> = request["headers"].as_object().expect("headers").keys().collect();
    assert!(headers.iter().all(|name| !["authorization", "cookie", "host"].contains(&name.as_str())));

    let times = sentry.next("transaction", |times| times["transaction"] == "POST /messages");
    assert_eq!(times["contexts"]["trace"]["op"], "http.server");
    assert!(times["request"]["url"].is_null(), "{times}");
    assert!(chat.terminate().success());
}

#[test]
fn what_is_no_dsn_is_refused_and_not_repeated() {
    let output = run(&["check-config"], &[("SENTRY_DSN", "https://sentry.example.com/a-secret")]);
    assert_eq!(output.status.code(), Some(78));
    let said = complaint(&output);
    assert!(said.starts_with("chat: SENTRY_DSN: must be"), "{said}");
    assert!(!said.contains("a-secret"), "{said}");
}
