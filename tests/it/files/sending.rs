//! Uploading, and sending messages with what was uploaded: over HTTP and over sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use super::samples::{docx, jpeg, pdf, png};
use super::support::*;
use crate::support::{TestServer, contents, eventually, new_id, text};

fn count(server: &TestServer, outcome: &str) -> u64 {
    let metrics = server.ask(None, "GET", "/metrics", None).body;
    let line = format!("file_uploads_total{{outcome=\"{outcome}\"}} ");
    let found = metrics.lines().find_map(|shown| shown.strip_prefix(&line));
    found.and_then(|number| number.parse().ok()).expect("a count")
}

fn files_in(server: &TestServer) -> usize {
    let folders =
        ["attachments", "thumbnails", "avatars"].map(|name| server.data_dir().join("files").join(name));
    folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).map(Iterator::count).sum()
}

#[test]
fn a_picture_is_uploaded_sent_and_seen() {
    let server = TestServer::with(|settings| settings.public_url = Some("https://chat.example.com/".into()));
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let cat = uploaded(&server, &alice, "../cat.jpeg", &jpeg(900, 600));
    let id = text(&cat, "id");
    assert_eq!(cat["name"], "cat.jpeg");
    assert_eq!(cat["type"], "image/jpeg");
    assert_eq!(cat["url"], format!("https://chat.example.com/attachments/{id}"));
    assert_eq!(cat["thumbnailUrl"], format!("https://chat.example.com/attachments/{id}/thumbnail"));
    let plan = uploaded(&server, &alice, "plan.docx", &docx(&[]));
    assert_eq!(plan["thumbnailUrl"], json!(null));
    assert_eq!(plan["size"], docx(&[]).len());

    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    let sent = say_with(&server, &alice, &room, &[&plan, &cat]);
    assert_eq!(sent["attachments"], json!([plan, cat]));
    let event = reader.entry(&room);
    assert_eq!(event["d"]["attachments"], sent["attachments"]);
    assert_eq!(server.history(&bob, &room)[0]["attachments"], sent["attachments"]);
    assert_eq!(count(&server, "stored"), 2);
    // Replayed to who comes later, and after a restart.
    drop(reader);
    let seen = server.get(&bob, &format!("/messages/{}", text(&sent, "id"))).expect(200);
    assert_eq!(seen["attachments"], sent["attachments"]);
}

#[test]
fn a_socket_sends_files_and_a_text_may_be_empty_beside_them() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let file = uploaded(&server, &alice, "a.png", &png(8, 8));
    let mut socket = server.connect(&alice);
    socket.subscribe(&room, None);
    let key = new_id();
    let d = json!({ "clientMsgId": key, "content": " ", "attachments": [file["id"]] });
    let send = json!({ "t": "message.send", "room": room, "d": d });
    assert_eq!(socket.acked(send.clone())["duplicate"], false);
    let event = socket.entry(&room);
    assert_eq!((&event["d"]["content"], &event["d"]["attachments"]), (&json!(""), &json!([file])));
    // A retry answers the same; over HTTP, too.
    assert_eq!(socket.acked(send)["duplicate"], true);
    let body = json!({ "roomId": room, "content": "", "attachments": [file["id"]] });
    let again = server.ask_with(Some(&alice), "POST", "/messages", &[("idempotency-key", &key)], Some(&body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    // Another message cannot have it, and without any the text must say something.
    assert_eq!(server.post(&alice, "/messages", &body).problem(400), "badRequest");
    assert_eq!(
        server.post(&alice, "/messages", &json!({ "roomId": room, "content": "" })).problem(400),
        "badRequest"
    );
    let history = server.history(&alice, &room);
    assert_eq!(history.len(), 1);
    assert_eq!(contents(&[json!({ "d": history[0] })]), [""]);
}

#[test]
fn a_file_of_somebody_else_looks_absent() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let file = uploaded(&server, &alice, "a.png", &png(8, 8));
    let body = json!({ "roomId": room, "content": "mine", "attachments": [file["id"]] });
    let his = server.post(&bob, "/messages", &body);
    let none = json!({ "roomId": room, "content": "mine", "attachments": [new_id()] });
    assert_eq!(his.problem(400), server.post(&bob, "/messages", &none).problem(400));
    assert_eq!(his.json()["detail"], server.post(&bob, "/messages", &none).json()["detail"]);
    say_with(&server, &alice, &room, &[&file]);
}

#[test]
fn what_is_no_upload_is_refused_and_leaves_nothing() {
    let server = TestServer::with(|settings| {
        settings.files.bytes = 50_000;
        settings.files.avatar_bytes = 50_000;
    });
    let alice = server.person("alice");
    let refused = |kind: &str, body: &[u8], status: u16, code: &str| {
        let answer = send(&server, &alice, "POST", "/attachments", kind, body).head;
        assert_eq!(answer.problem(status), code, "{kind}");
    };
    let (kind, body) = form("picture", "a.png", &png(8, 8));
    refused(&kind, &body, 400, "badRequest");
    let (kind, body) = form("file", "a.png", &[]);
    refused(&kind, &body, 400, "badRequest");
    refused("image/png", &png(8, 8), 415, "unsupportedMedia");
    refused("application/json", b"{}", 415, "unsupportedMedia");
    refused("multipart/form-data", b"no boundary", 400, "badRequest");
    let (kind, body) = form("file", "page.png", b"<html><script>alert(1)</script></html>");
    refused(&kind, &body, 415, "unsupportedMedia");
    let (kind, body) = form("file", "a.pdf", &vec![b'x'; 50_001]);
    refused(&kind, &body, 413, "tooLarge");
    let (kind, body) = form("file", "a.pdf", &vec![b'x'; 5_000_000]);
    refused(&kind, &body, 413, "tooLarge");
    // Two files are one too many.
    let (kind, mut body) = form("file", "a.png", &png(8, 8));
    let boundary = kind.split_once("boundary=").expect("one").1;
    let more = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nx\r\n--{boundary}--\r\n"
    );
    body.truncate(body.len() - boundary.len() - 6);
    body.extend(more.as_bytes());
    refused(&kind, &body, 400, "badRequest");
    assert_eq!(files_in(&server), 0);
    assert_eq!(count(&server, "stored"), 0);
    assert!(count(&server, "refused") >= 5);
    assert_eq!(server.ask(None, "POST", "/attachments", None).problem(401), "unauthorized");
}

#[test]
fn an_upload_that_is_cut_leaves_nothing_behind() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let (kind, body) = form("file", "a.png", &png(300, 300));
    let head = format!(
        "POST /attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        alice.token,
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).expect("connected");
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&body[..body.len() / 2]).expect("sent");
    drop(stream);
    eventually("the cut is counted", || count(&server, "cut") == 1);
    assert_eq!(files_in(&server), 0);
    // One that says that it ends, in the middle of its form.
    let half = &body[..body.len() / 2];
    let answer = send(&server, &alice, "POST", "/attachments", &kind, half).head;
    assert_eq!(answer.problem(400), "badRequest");
    assert_eq!((files_in(&server), count(&server, "cut")), (0, 2));
}

#[test]
fn the_largest_file_and_its_form_pass_a_proxy_that_lets_10_mib_through() {
    const MOST: usize = 9_961_472;
    let server = TestServer::start();
    let alice = server.person("alice");
    let large = |size: usize| pdf(&" ".repeat(size - pdf("").len()));
    assert!(form("file", &"x".repeat(120), &large(MOST)).1.len() < 10 << 20);
    assert_eq!(uploaded(&server, &alice, "large.pdf", &large(MOST))["size"], MOST);
    let answer = upload(&server, &alice, "larger.pdf", &large(MOST + 1)).head;
    assert_eq!(answer.problem(413), "tooLarge");
}

#[test]
fn too_many_at_once_are_told_when_to_come_back() {
    let server = TestServer::with(|settings| settings.files.uploads = 1);
    let alice = server.person("alice");
    let (kind, body) = form("file", "a.png", &png(8, 8));
    let head = format!(
        "POST /attachments HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        alice.token,
        body.len()
    );
    let begin = || {
        let mut slow = TcpStream::connect(server.address()).expect("connected");
        slow.write_all(head.as_bytes()).expect("sent");
        slow.write_all(&body[..40]).expect("sent");
        (slow, upload(&server, &alice, "b.png", &png(8, 8)).head)
    };
    let (mut slow, mut answer) = begin();
    eventually("the slow one comes first", || {
        if answer.status != 503 {
            (slow, answer) = begin();
        }
        answer.status == 503
    });
    assert_eq!((answer.problem(503), answer.header("retry-after")), ("unavailable".into(), Some("2")));
    slow.write_all(&body[40..]).expect("sent");
    let mut text = String::new();
    slow.read_to_string(&mut text).expect("an answer");
    assert!(text.starts_with("HTTP/1.1 201"), "{text}");
    uploaded(&server, &alice, "c.png", &png(8, 8));
}

#[test]
fn a_slow_upload_is_given_up() {
    let server = TestServer::with(|settings| settings.files.upload = std::time::Duration::from_millis(50));
    let alice = server.person("alice");
    let (kind, body) = form("file", "a.png", &png(8, 8));
    let head = format!(
        "POST /attachments HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        alice.token,
        body.len()
    );
    let mut slow = TcpStream::connect(server.address()).expect("connected");
    slow.write_all(head.as_bytes()).expect("sent");
    slow.write_all(&body[..40]).expect("sent");
    let mut text = String::new();
    slow.read_to_string(&mut text).expect("an answer");
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    assert_eq!(count(&server, "cut"), 1);
}

#[test]
fn uploads_have_a_rate_and_all_files_together_a_size() {
    let server = TestServer::with(|settings| {
        settings.limits.rates_on = true;
        settings.limits.uploads_per_minute = 3;
        settings.files.quota = 900;
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    uploaded(&server, &alice, "a.png", &png(8, 8));
    let large = upload(&server, &alice, "b.png", &png(900, 900)).head;
    assert_eq!(large.problem(413), "tooLarge");
    assert!(text(&large.json(), "detail").contains("together"), "{large:?}");
    uploaded(&server, &alice, "c.png", &png(8, 8));
    let fast = upload(&server, &alice, "d.png", &png(8, 8)).head;
    assert_eq!(fast.problem(429), "rateLimited");
    assert!(fast.header("retry-after").is_some());
    uploaded(&server, &bob, "a.png", &png(8, 8));
}
