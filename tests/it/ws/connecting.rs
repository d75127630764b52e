//! Signing in on a socket: by header, by first frame; and what comes first.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::auth::Tokens;
use chat::auth::secret;
use chat::clock::{Clock, SystemClock};
use chat::domain::{SessionId, UserId};
use chat::settings::Secret;
use serde_json::{Value, json};

use crate::support::wire::{TEXT, encode, whole};
use crate::support::{Person, TestServer, eventually, new_id, text};

#[test]
fn a_bearer_token_opens_a_socket_that_is_ready_at_once() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let client = server.upgrade().bearer(&alice.token).protocols("chat.v1.json").ready();
    assert_eq!(client.protocol.as_deref(), Some("chat.v1.json"));
    assert_eq!(client.ready["user"], json!({"id": alice.id, "username": "alice"}));
    assert_eq!(client.head_of(&room), Some(1), "the owner's own joining");
}

#[test]
fn without_a_subprotocol_none_is_chosen() {
    let server = TestServer::start();
    let alice = server.person("alice");
    assert_eq!(server.connect(&alice).protocol, None);
}

#[test]
fn hello_tells_every_limit_and_an_epoch_that_outlives_a_restart() {
    let mut server = TestServer::start();
    let alice = server.person("alice");
    let hello = server.connect(&alice).hello;
    assert_eq!(hello["version"], "chat.v1");
    assert_eq!(hello["features"], json!(["resume", "levels", "marks", "typing", "presence", "receipts"]));
    assert_eq!(hello["heartbeatMs"], 25_000);
    for (limit, value) in [
        ("frameBytes", 65_536),
        ("resumeFrameBytes", 262_144),
        ("jsonDepth", 16),
        ("contentChars", 8_000),
        ("attachments", 10),
        ("fileBytes", 9_961_472),
        ("editWindowSeconds", 300),
        ("connectionsPerUser", 20),
        ("connectionsPerIp", 200),
        ("framesPerSecond", 20),
        ("framesBurst", 40),
        ("sendsPerSecond", 5),
        ("sendsBurst", 10),
        ("ticketsPerMinute", 10),
    ] {
        assert_eq!(hello["limits"][limit], value, "{limit}");
    }
    server.restart();
    let again = server.connect(&alice).hello;
    assert_eq!(again["epoch"], hello["epoch"]);
    assert_ne!(again["connId"], hello["connId"]);
}

#[test]
fn hello_tells_the_time_by_which_the_server_judges() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let sent = |content| text(&server.send(&alice, &room, &new_id(), content).expect(201), "createdAt");
    let before = sent("before");
    let hello = server.connect(&alice).hello;
    let now = text(&hello, "now");
    // Written alike, so their order is that of the times.
    assert!(before <= now && now <= sent("after"), "{now}");
}

#[test]
fn the_heads_of_many_rooms_come_two_hundred_a_frame() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let rooms: Vec<_> = (0..201).map(|_| server.room(&alice, &[])).collect();
    server.send(&alice, &rooms[0], &new_id(), "the latest").expect(201);
    let client = server.connect(&alice);
    let sizes: Vec<_> = client.heads.iter().map(|h| h["rooms"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(sizes, [200, 1]);
    assert_eq!(client.heads[0]["more"], true);
    assert_eq!(client.heads[0]["rooms"][0]["room"], rooms[0].as_str(), "newest activity first");
    assert!(rooms.iter().all(|room| client.head_of(room).is_some()));
}

#[test]
fn the_first_frame_can_sign_in() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let mut client = server.upgrade().open();
    let hello = client.expect("hello");
    client.send(&json!({"t": "auth", "ref": "first", "d": {"token": alice.token}}));
    // What is sent behind it waits until it is decided.
    client.send(&json!({"t": "ping", "ref": 2}));
    let ready = client.expect("ready");
    assert_eq!((&ready["ref"], &ready["d"]["user"]["id"]), (&json!("first"), &json!(alice.id)));
    client.expect("heads");
    client.expect("pong");
    assert!(hello["d"]["epoch"].is_string());
    let again = json!({"t": "auth", "d": {"token": alice.token}});
    assert_eq!(client.refused(again), "conflict");
    client.expect_alive();
}

#[test]
fn a_wrong_token_in_the_first_frame_is_an_error_and_the_end() {
    let server = TestServer::start();
    let mut client = server.upgrade().open();
    client.expect("hello");
    client.send(&json!({"t": "auth", "ref": 1, "d": {"token": "nonsense"}}));
    let before = client.expect_close(4301);
    assert_eq!(before[0]["d"]["code"], "unauthorized");
    assert_eq!(before[0]["ref"], 1);
}

#[test]
fn silence_before_signing_in_ends_within_the_deadline() {
    let server = TestServer::with(|s| s.timing.auth_deadline = Duration::from_secs(1));
    let alice = server.person("alice");
    let mut known = server.connect(&alice);
    let begun = Instant::now();
    let mut client = server.upgrade().open();
    client.expect("hello");
    client.expect_close(4300);
    // Deadlines are looked at four times a second.
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
    known.expect_alive();
}

#[test]
fn a_first_frame_that_is_no_proof_is_an_error_and_the_end() {
    let server = TestServer::start();
    for (frame, code) in [
        (r#"{"t":"ping","ref":1}"#, "unauthorized"),
        (r#"{"t":"message.send","ref":1,"d":{}}"#, "unauthorized"),
        (r#"{"t":"auth","ref":1}"#, "unauthorized"),
        (r#"{"no":"envelope","ref":1}"#, "badRequest"),
    ] {
        let mut client = server.upgrade().open();
        client.expect("hello");
        client.send_text(frame);
        let before = client.expect_close(4300);
        assert_eq!(before[0]["d"]["code"], code, "{frame}");
        assert_eq!(before[0]["ref"], 1, "{frame}");
    }
}

#[test]
fn a_stranger_may_send_four_kibibytes_and_no_more() {
    let server = TestServer::start();
    let mut client = server.upgrade().open();
    client.expect("hello");
    client.send_raw(&encode(whole(TEXT), &[b' '; 4_097]));
    client.expect_close(1009);
    let mut client = server.upgrade().open();
    client.expect("hello");
    client.send_raw(&encode(whole(TEXT), &[b' '; 4_096]));
    client.expect_close(4300);
}

#[test]
fn tokens_that_are_not_ours_open_nothing() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let ours = secret::load_or_make(server.data_dir(), &SystemClock).expect("made at the start");
    let (_, session) = ids(&server, &alice);
    let user = UserId(alice.id.parse().expect("a UUID"));
    let life = Duration::from_secs(900);
    let sign = |secret: &Secret, millis_ago: i64, user, session| {
        let at = chat::domain::Timestamp::from_millis(SystemClock.now().millis() - millis_ago);
        Tokens::new(secret, &[], life).sign(user, session, at).expect("signed")
    };
    let other_secret = Secret::new("another secret of at least 32 bytes");
    let mut parts: Vec<String> = alice.token.split('.').map(str::to_owned).collect();
    let header = decode(&parts[0]);
    let mut none = header.clone();
    none["alg"] = json!("none");
    let mut longer = header;
    longer["alg"] = json!("HS512");
    let with_header = |header: &Value, signature: &str| {
        format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()), parts[1])
    };
    let mut wrong = vec![
        sign(&other_secret, 0, user, session),
        sign(&ours, 900_001, user, session),
        sign(&ours, 0, UserId(SystemClock.id()), session),
        sign(&ours, 0, user, SessionId(SystemClock.id())),
        with_header(&none, ""),
        with_header(&none, &parts[2]),
        with_header(&longer, &parts[2]),
        "a.b.c".to_owned(),
        String::new(),
    ];
    let mut claims = decode(&parts[1]);
    claims["exp"] = json!(4_000_000_000_u64);
    parts[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
    wrong.push(parts.join("."));
    for token in &wrong {
        server.upgrade().bearer(token).open().expect_close(4301);
    }
    // The same way of signing, with nothing wrong.
    server.upgrade().bearer(&sign(&ours, 0, user, session)).ready();
}

#[test]
fn other_schemes_open_nothing() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let basic = format!("Basic {}", alice.token);
    server.upgrade().header("authorization", &basic).open().expect_close(4301);
}

#[test]
fn a_token_in_the_address_is_not_looked_at() {
    let server = TestServer::with(|s| s.timing.auth_deadline = Duration::from_millis(250));
    let alice = server.person("alice");
    for name in ["token", "access_token", "ticket"] {
        let mut client = server.upgrade().path(&format!("/ws?{name}={}", alice.token)).open();
        client.expect("hello");
        assert!(client.expect_close(4300).is_empty(), "not even ready");
    }
}

#[test]
fn a_request_that_is_no_upgrade_is_told_so() {
    let server = TestServer::start();
    let alice = server.person("alice");
    assert_eq!(server.get(&alice, "/ws").problem(400), "badRequest");
}

#[test]
fn a_version_that_is_not_spoken_here_is_refused_with_those_that_are() {
    let server = TestServer::start();
    let alice = server.person("alice");
    // A browser hears the code only when one of its offers was taken; a ticket is none.
    for (names, taken) in [
        ("chat.v2.json", Some("chat.v2.json")),
        ("ticket.abc, graphql-ws, chat.v1.msgpack", Some("graphql-ws")),
        ("ticket.abc", None),
    ] {
        let mut client = server.upgrade().bearer(&alice.token).protocols(names).open();
        assert_eq!(client.protocol.as_deref(), taken);
        assert!(client.expect_close(4002).is_empty(), "{names}");
    }
    server.upgrade().bearer(&alice.token).protocols("chat.v2.json, chat.v1.json").ready();
}

#[test]
fn a_login_that_ended_opens_nothing() {
    let server = TestServer::start();
    let alice = server.person("alice");
    server.ask(Some(&alice), "POST", "/auth/logout", None).expect(204);
    server.upgrade().bearer(&alice.token).open().expect_close(4301);
    eventually("the socket is gone", || server.pod().telemetry.sockets() == 0);
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

/// The user and the login that a person's token names.
fn ids(server: &TestServer, person: &Person) -> (String, SessionId) {
    let ready = server.connect(person).ready;
    let session = text(&ready, "sessionId").parse().expect("a UUID");
    (text(&ready["user"], "id"), SessionId(session))
}
