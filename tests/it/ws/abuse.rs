//! Frames that are no envelope, or ask for what there is not: an error each, and patience ends.

use serde_json::{Value, json};

use crate::support::{TestClient, TestServer, new_id, text};

/// A server with a socket of alice's on it.
fn scene() -> (TestServer, TestClient) {
    let server = TestServer::start();
    let alice = server.person("alice");
    let client = server.connect(&alice);
    (server, client)
}

/// `d` of the error that answers this text.
#[track_caller]
fn error(client: &mut TestClient, sent: &str) -> Value {
    client.send_text(sent);
    client.expect("error")
}

#[test]
fn what_is_no_envelope_gets_bad_request_with_its_ref_where_one_can_be_read() {
    let (_server, mut client) = scene();
    for (sent, reference) in [
        ("nonsense", Value::Null),
        ("", Value::Null),
        ("[{\"t\":\"ping\",\"ref\":1}]", Value::Null),
        ("{}", Value::Null),
        (r#"{"ref":7}"#, json!(7)),
        (r#"{"t":5,"ref":"seven"}"#, json!("seven")),
        (r#"{"t":"ping","ref":{}}"#, Value::Null),
        (r#"{"t":"ping","ref":9007199254740992}"#, Value::Null),
    ] {
        let answer = error(&mut client, sent);
        assert_eq!(answer["d"]["code"], "badRequest", "{sent}");
        assert_eq!(answer["d"]["retryable"], false, "{sent}");
        assert_eq!(answer["ref"], reference, "{sent}");
    }
    client.expect_alive();
}

#[test]
fn the_tenth_within_ten_seconds_ends_the_connection() {
    let (_server, mut client) = scene();
    for _ in 0..10 {
        client.send_text("nonsense");
    }
    let before = client.expect_close(4000);
    assert_eq!(before.len(), 10, "each was answered");
}

#[test]
fn wrong_requests_are_no_abuse() {
    let (_server, mut client) = scene();
    for _ in 0..30 {
        assert_eq!(client.refused(json!({"t": "message.shout"})), "unknownType");
    }
    client.expect_alive();
}

#[test]
fn an_action_that_is_unknown_gets_an_error_and_not_a_close() {
    let (_server, mut client) = scene();
    for t in ["message.shout", "hello", "ack", "", "PING", "typing.pause"] {
        assert_eq!(client.refused(json!({"t": t, "d": {"any": "thing"}})), "unknownType", "{t}");
    }
    client.expect_alive();
}

#[test]
fn wrong_data_is_named() {
    let (_server, mut client) = scene();
    let room = new_id();
    for (frame, field) in [
        (json!({"t": "message.send", "room": room}), "d"),
        (json!({"t": "message.send", "room": room, "d": []}), "d"),
        (json!({"t": "message.send", "room": room, "d": {"content": "hi"}}), "d"),
        (json!({"t": "message.send", "room": "r", "d": {"clientMsgId": room, "content": "hi"}}), "room"),
        (json!({"t": "message.send", "d": {"clientMsgId": room, "content": "hi"}}), "room"),
        (json!({"t": "message.send", "room": room, "d": {"clientMsgId": room, "content": " \n"}}), "content"),
        (json!({"t": "room.subscribe", "room": 5}), "room"),
        (json!({"t": "room.subscribe", "room": room, "d": {"after": -1}}), "d"),
        (json!({"t": "room.subscribe", "room": room, "d": {"after": 1_u64 << 53}}), "after"),
        (json!({"t": "room.subscribe", "room": room, "d": {"level": "half"}}), "level"),
        (json!({"t": "resume", "d": {"rooms": [[room]]}}), "d"),
        (json!({"t": "auth.refresh", "d": {"token": 5}}), "d"),
    ] {
        let answer = client.request(frame.clone());
        assert_eq!(answer["t"], "error", "{frame}");
        assert_eq!(answer["d"]["code"], "badRequest", "{frame}");
        assert_eq!(answer["d"]["field"], field, "{frame}");
    }
    client.expect_alive();
}

#[test]
fn a_missing_key_is_named() {
    let (_server, mut client) = scene();
    let answer = client.request(json!({"t": "message.send", "room": new_id(), "d": {"content": "hi"}}));
    assert!(text(&answer["d"], "message").contains("clientMsgId"), "{answer}");
}

#[test]
fn content_has_a_length_and_is_normalised() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let mut client = server.connect(&alice);
    let room = server.room(&alice, &[]);
    let long = TestClient::message(&room, &new_id(), &"ü".repeat(8_001));
    assert_eq!(client.refused(long), "badRequest");
    client.say(&room, &"ü".repeat(8_000));
    client.say(&room, "  e\u{301}  ");
    let said = server.history(&alice, &room);
    assert_eq!(said[1]["content"], "\u{e9}");
}

#[test]
fn nesting_has_a_limit() {
    let (_server, mut client) = scene();
    let deep = |levels| {
        let levels: usize = levels;
        format!(r#"{{"t":"ping","ref":1,"d":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))
    };
    client.send_text(&deep(15));
    client.expect("pong");
    assert_eq!(error(&mut client, &deep(16))["d"]["code"], "badRequest");
    assert_eq!(error(&mut client, &deep(30_000))["d"]["code"], "badRequest");
    client.expect_alive();
}

#[test]
fn a_frame_above_its_size_is_refused_with_its_ref_and_one_far_above_ends_the_connection() {
    let (server, mut client) = scene();
    let sized = |bytes: usize| {
        let frame = r#"{"t":"ping","ref":"big","d":""}"#;
        frame.replace(r#""d":"""#, &format!(r#""d":"{}""#, "x".repeat(bytes - frame.len())))
    };
    client.send_text(&sized(65_536));
    client.expect("pong");
    let answer = error(&mut client, &sized(65_537));
    assert_eq!((&answer["d"]["code"], &answer["ref"]), (&json!("tooLarge"), &json!("big")));
    let answer = error(&mut client, &sized(262_144));
    assert_eq!((&answer["d"]["code"], &answer["ref"]), (&json!("tooLarge"), &json!("big")));
    client.expect_alive();
    client.send_text(&sized(262_145));
    client.expect_close(1009);
    drop(client);
    server.wait_for_sockets(0);
}

#[test]
fn only_a_resume_may_be_longer() {
    let (_server, mut client) = scene();
    let rooms: Vec<_> = (0..1_000).map(|_| json!([new_id(), "full", 5])).collect();
    let many = json!({"t": "resume", "ref": 1, "d": {"rooms": rooms}, "room": "x".repeat(30_000)});
    assert!(many.to_string().len() > 65_536);
    client.send(&many);
    for _ in 0..1_000 {
        let answer = client.expect("room.subscribed");
        assert_eq!(answer["d"]["reason"], "membership");
    }
    client.expect("resumed");
    let mut rooms = rooms;
    rooms.push(json!([new_id(), "full", 5]));
    assert_eq!(client.refused(json!({"t": "resume", "d": {"rooms": rooms}})), "badRequest");
}
