//! What the program logs, as those get it who collect the lines of many.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::http;
use crate::support::process::command;
use crate::support::upgrade::Upgrade;

/// The fields that every line has, each with what it begins with.
const ALWAYS: [(&str, &str); 9] = [
    ("@timestamp", "20"),
    ("log.level", ""),
    ("log.logger", ""),
    ("message", ""),
    ("ecs.version", "8."),
    ("service.name", "chat"),
    ("service.version", env!("CARGO_PKG_VERSION")),
    ("service.environment", "production"),
    ("event.dataset", "chat."),
];

#[track_caller]
fn object(line: &str) -> Value {
    let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    for (name, start) in ALWAYS {
        let value = object[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}"));
        assert!(value.starts_with(start), "{name} in {line}");
    }
    assert!(object.as_object().expect("an object").values().all(|value| !value.is_object()), "{line}");
    object
}

#[test]
fn in_production_every_line_is_one_object_and_tells_no_secret() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let env = [
        ("NODE_ENV", "production"),
        ("PORT", "0"),
        ("CHAT_DATA_DIR", data.path().to_str().expect("UTF-8")),
        ("CHAT_BCRYPT_COST", "4"),
        ("CHAT_LOG", "debug"),
    ];
    let mut child = command(&["serve"], &env)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut lines =
        BufReader::new(child.stderr.take().expect("piped")).lines().map(|line| line.expect("UTF-8"));
    let mut seen = Vec::new();
    let address = loop {
        let line = lines.next().expect("it listens before it ends");
        let message = object(&line)["message"].as_str().unwrap_or_default().to_owned();
        seen.push(line);
        if let Some(address) = message.strip_prefix("listening at ") {
            break address.parse().expect("an address");
        }
    };
    let (email, password) = ("alice.secret@example.com", "a password that nobody logs");
    let register = json!({"username": "alice", "email": email, "password": password});
    let answer = http::ask(address, "POST", "/auth/register", &[], Some(&register)).expect("it answers");
    let token = answer.expect(201)["token"].as_str().expect("a token").to_owned();
    let login = json!({"email": email, "password": "another that nobody logs"});
    assert_eq!(
        http::ask(address, "POST", "/auth/login", &[("x-request-id", "req-7")], Some(&login))
            .expect("it answers")
            .status,
        401
    );
    let bearer = format!("Bearer {token}");
    let room = json!({"name": "a name that nobody logs"});
    http::ask(address, "POST", "/rooms", &[("authorization", &bearer)], Some(&room))
        .expect("it answers")
        .expect(201);
    let socket = Upgrade::new(address).bearer(&token).ready();
    Upgrade::new(address).bearer("nonsense").open().expect_close(4301);
    socket.cut();
    while !seen.last().is_some_and(|line| object(line)["chat.close_code"] == 1006) {
        seen.push(lines.next().expect("the cut is noticed"));
    }

    std::process::Command::new("kill").arg(child.id().to_string()).status().expect("told");
    seen.extend(lines);
    assert!(child.wait().expect("it ends").success());
    assert!(seen.iter().all(|line| !object(line)["message"].is_null()));
    assert!(object(seen.last().expect("lines"))["service.node.name"].is_string());
    let of_request = seen.iter().map(|line| object(line)).filter(|line| line["http.request.id"] == "req-7");
    let of_request: Vec<_> = of_request.collect();
    let audited = of_request.iter().find(|line| line["event.dataset"] == "chat.audit");
    let audited = audited.expect("a line for who answers for security");
    assert_eq!(
        (&audited["event.action"], &audited["event.outcome"]),
        (&json!("loginFailed"), &json!("failure"))
    );
    let access = of_request.iter().find(|line| line["log.logger"] == "chat::http::access");
    let access = access.expect("a line for the request");
    assert_eq!(
        (&access["http.response.status_code"], &access["url.path"]),
        (&json!(401), &json!("/auth/login"))
    );
    assert!(access["event.duration"].as_u64().is_some_and(|nanoseconds| nanoseconds > 1_000), "{access}");
    let sockets =
        seen.iter().map(|line| object(line)).filter(|line| line["log.logger"] == "chat::ws::access");
    let mut sockets: Vec<_> = sockets.collect();
    sockets.sort_by_key(|line| line["chat.close_code"].as_u64());
    let codes: Vec<_> = sockets.iter().map(|line| line["chat.close_code"].clone()).collect();
    assert_eq!(codes, [1006, 4301]);
    let named = |name: &str| sockets.iter().map(|line| line[name].is_string()).collect::<Vec<_>>();
    assert_eq!(named("chat.conn.id"), [true, true]);
    assert_eq!((named("user.id"), named("chat.session.id")), (vec![true, false], vec![true, false]));
    let all = seen.concat();
    for secret in [email, password, &token, "another that nobody logs", "a name that nobody logs"] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
}
