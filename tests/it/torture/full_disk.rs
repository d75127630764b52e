//! A disk that is full: said to be so, by every way, and never half a message kept.

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::process::ChatProcess;
use crate::support::upgrade::Upgrade;
use crate::support::{Person, TestClient, contents, http, new_id, server, text};

/// Beyond its limit a file then cannot be written, which is an error, as on a full disk, and would
/// otherwise be the end of the process.
const LIMITED: &str = "trap '' XFSZ";

fn ask(server: &ChatProcess, who: &Person, method: &str, path: &str, body: Option<(&str, Value)>) -> Answer {
    let bearer = format!("Bearer {}", who.token);
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(body.as_ref().map(|(key, _)| ("idempotency-key", *key)));
    let body = body.as_ref().map(|(_, body)| body);
    http::ask(server.address, method, path, &headers, body).expect("an answer")
}

#[test]
fn a_full_disk_is_unavailable_and_later_the_same_is_stored_whole() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let process = ChatProcess::serve_after(LIMITED, data.path(), 0, &[]);
    let body =
        json!({"username": "alice", "email": "alice@example.com", "password": "correct horse battery"});
    let made = http::ask(process.address, "POST", "/auth/register", &[], Some(&body)).expect("an answer");
    let alice = server::signed_in(&made.expect(201), "alice@example.com".to_owned());
    let room = json!({"name": "a room", "isPrivate": false, "members": []});
    let room = text(&ask(&process, &alice, "POST", "/rooms", Some((&new_id(), room))).expect(201), "id");
    let mut socket = Upgrade::new(process.address).bearer(&alice.token).ready();
    socket.subscribe(&room, None);
    socket.say(&room, "before");
    socket.entry(&room);

    // No file grows beyond its first page.
    process.limit_files("4096");
    let (by_socket, by_http) = (new_id(), new_id());
    let large = "x".repeat(4_000);
    let send = TestClient::message(&room, &by_socket, &format!("socket {large}"));
    let post = || {
        let body = json!({"roomId": room, "content": format!("http {large}")});
        ask(&process, &alice, "POST", "/messages", Some((&by_http, body)))
    };
    for _ in 0..3 {
        let answer = socket.request(send.clone());
        assert_eq!(
            (&answer["t"], &answer["d"]["code"]),
            (&json!("error"), &json!("unavailable")),
            "{answer}"
        );
        assert_eq!(answer["d"]["retryable"], true, "{answer}");
        assert_eq!(post().problem(503), "unavailable");
    }
    // What is there is read as before, and nothing of the others is.
    let history = || {
        let page = ask(&process, &alice, "GET", &format!("/messages?roomId={room}"), None).expect(200);
        let mut messages = page["messages"].as_array().expect("messages").clone();
        messages.sort_unstable_by_key(|message| message["seq"].as_u64());
        messages.iter().map(|message| text(message, "content")).collect::<Vec<_>>()
    };
    assert_eq!(history(), ["before"]);
    assert!(socket.drained().is_empty(), "nobody is told");

    process.limit_files("unlimited");
    assert_eq!(socket.acked(send)["duplicate"], false);
    let answer = post();
    assert!(answer.header("idempotent-replayed").is_none(), "{answer:?}");
    answer.expect(201);
    let whole = [format!("socket {large}"), format!("http {large}")];
    assert_eq!(contents(&socket.entries(&room, 2)), whole);
    assert_eq!(history()[1..], whole);
    assert!(process.terminate().success());
}
