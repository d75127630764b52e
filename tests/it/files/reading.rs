//! Reading files: who may, which part, and what a browser must not do with them.

use serde_json::json;

use super::samples::{jpeg, pdf, png};
use super::support::*;
use crate::support::http::ask_raw;
use crate::support::{TestServer, new_id, text};

#[test]
fn a_file_is_for_those_who_see_its_message_and_as_long_as_they_do() {
    let server = TestServer::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let room = server.private_room(&alice, &[&bob]);
    let file = uploaded(&server, &alice, "a.png", &png(600, 20));
    let (path, thumbnail) = (path_of(&file), format!("{}/thumbnail", path_of(&file)));
    assert_eq!(read(&server, &alice, &path, &[]).head.status, 200, "her own, before it is sent");
    assert_eq!(read(&server, &bob, &path, &[]).head.problem(404), "notFound");
    let sent = say_with(&server, &alice, &room, &[&file]);
    for path in [&path, &thumbnail] {
        assert_eq!(read(&server, &bob, path, &[]).head.status, 200);
        let absent = read(&server, &carol, path, &[]).head;
        assert_eq!(absent.problem(404), "notFound");
        let none = read(&server, &carol, &format!("/attachments/{}", new_id()), &[]).head;
        assert_eq!(none.problem(404), "notFound");
        let nobody = ask_raw(server.address(), "GET", path, &[], &[]).expect("an answer").head;
        assert_eq!(nobody.problem(401), "unauthorized");
    }
    server.leave(&bob, &room);
    assert_eq!(read(&server, &bob, &path, &[]).head.problem(404), "notFound");
    assert_eq!(read(&server, &bob, &thumbnail, &[]).head.problem(404), "notFound");
    server.ask(Some(&alice), "DELETE", &format!("/messages/{}", text(&sent, "id")), None).expect(204);
    assert_eq!(read(&server, &alice, &path, &[]).head.problem(404), "notFound");
    assert_eq!(read(&server, &alice, &thumbnail, &[]).head.problem(404), "notFound");
    assert_eq!(server.history(&alice, &room)[0]["attachments"], serde_json::json!([]));
}

#[test]
fn who_moderates_the_server_sees_reported_files_while_the_report_is_open_and_it_is_recorded() {
    let server = TestServer::start();
    // Whoever comes first looks after the whole server.
    let judge = server.person("judge");
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let room = server.private_room(&alice, &[&bob]);
    let file = uploaded(&server, &alice, "a.png", &png(600, 20));
    let other = uploaded(&server, &alice, "b.png", &png(8, 8));
    let (path, thumbnail) = (path_of(&file), format!("{}/thumbnail", path_of(&file)));
    let sent = text(&say_with(&server, &alice, &room, &[&file]), "id");
    say_with(&server, &alice, &room, &[&other]);
    let absent = |who, path: &str| assert_eq!(read(&server, who, path, &[]).head.problem(404), "notFound");
    absent(&judge, &path);
    server.post(&bob, &format!("/messages/{sent}/report"), &json!({"reason": "ugly"})).expect(204);
    assert_eq!(read(&server, &judge, &path, &[]).bytes, png(600, 20));
    assert_eq!(read(&server, &judge, &thumbnail, &[]).head.status, 200);
    for hidden in [&path, &thumbnail] {
        absent(&carol, hidden);
    }
    absent(&judge, &path_of(&other));
    assert_eq!(server.get(&judge, &format!("/messages/{sent}")).problem(404), "notFound");
    let records = server.get(&judge, "/admin/audit?event=reportedFileRead").expect(200);
    let records = records["records"].as_array().expect("a list").clone();
    assert_eq!(records.len(), 2, "the file and its picture: {records:?}");
    assert!(records.iter().all(|record| record["detail"] == format!("attachment {}", text(&file, "id"))));
    let report = server.get(&judge, "/admin/reports").expect(200)["reports"][0].clone();
    let resolve = format!("/reports/{}/resolve", text(&report, "id"));
    server.post(&judge, &resolve, &json!({"action": "dismiss"})).expect(204);
    absent(&judge, &path);
    absent(&judge, &thumbnail);
}

#[test]
fn a_picture_is_shown_and_a_document_is_saved() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let drawing = png(1_000, 500);
    let picture = uploaded(&server, &alice, "Käse.png", &drawing);
    let answer = read(&server, &alice, &path_of(&picture), &[("accept-encoding", "gzip")]);
    assert_eq!(answer.bytes, drawing);
    assert_eq!(picture["size"], drawing.len());
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename=\"K_se.png\"; filename*=UTF-8''K%C3%A4se.png"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(answer.head.header(name), Some(value), "{name}");
    }
    assert!(answer.head.header("content-security-policy").expect("a policy").starts_with("sandbox"));
    let small = read(&server, &alice, &format!("{}/thumbnail", path_of(&picture)), &[]);
    let shown = image::load_from_memory(&small.bytes).expect("a picture");
    assert_eq!((shown.width(), shown.height()), (480, 240));
    assert_eq!(small.head.header("content-type"), Some("image/png"));

    let document = uploaded(&server, &alice, "plan.pdf", &pdf(""));
    let answer = read(&server, &alice, &path_of(&document), &[]);
    assert_eq!(answer.bytes, pdf(""));
    assert_eq!(answer.head.header("content-type"), Some("application/pdf"));
    let how = answer.head.header("content-disposition").expect("a disposition");
    assert!(how.starts_with("attachment; "), "{how}");
    let none = read(&server, &alice, &format!("{}/thumbnail", path_of(&document)), &[]).head;
    assert_eq!(none.problem(404), "notFound");
}

#[test]
fn a_part_is_read_and_what_is_known_is_not_read_again() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let bytes = jpeg(300, 300);
    let file = uploaded(&server, &alice, "a.jpg", &bytes);
    let path = path_of(&file);
    let all = read(&server, &alice, &path, &[]);
    let (tag, size) = (all.head.header("etag").expect("a tag").to_owned(), all.bytes.len());
    let part = read(&server, &alice, &path, &[("range", "bytes=10-19"), ("accept-encoding", "gzip")]);
    assert_eq!((part.head.status, &part.bytes[..]), (206, &all.bytes[10..20]));
    assert_eq!(part.head.header("content-range"), Some(&*format!("bytes 10-19/{size}")));
    let last = read(&server, &alice, &path, &[("range", "bytes=-5"), ("if-range", &tag)]);
    assert_eq!((last.head.status, &last.bytes[..]), (206, &all.bytes[size - 5..]));
    let other = read(&server, &alice, &path, &[("range", "bytes=-5"), ("if-range", "\"other\"")]);
    assert_eq!((other.head.status, other.bytes.len()), (200, size));
    let beyond = read(&server, &alice, &path, &[("range", &format!("bytes={size}-"))]);
    assert_eq!(beyond.head.problem(416), "rangeNotSatisfiable");
    assert_eq!(beyond.head.header("content-range"), Some(&*format!("bytes */{size}")));
    let known = read(&server, &alice, &path, &[("if-none-match", &tag)]);
    assert_eq!((known.head.status, known.bytes.len()), (304, 0));
}

#[test]
fn whoever_asks_for_the_head_alone_is_told_all_but_the_bytes() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let file = uploaded(&server, &alice, "a.jpg", &jpeg(300, 300));
    let bearer = format!("Bearer {}", alice.token);
    for (path, headers) in [
        (path_of(&file), vec![]),
        (path_of(&file), vec![("range", "bytes=10-19")]),
        (path_of(&file), vec![("range", "bytes=10000000-")]),
        (format!("{}/thumbnail", path_of(&file)), vec![]),
        (format!("/attachments/{}", new_id()), vec![]),
        ("/rooms".to_owned(), vec![("accept-encoding", "gzip")]),
        ("/health".to_owned(), vec![]),
        ("/app/".to_owned(), vec![]),
        ("/auth/login".to_owned(), vec![]),
    ] {
        let mut headers = headers;
        headers.push(("authorization", &bearer));
        let ask = |method| ask_raw(server.address(), method, &path, &headers, &[]).expect("an answer");
        let (whole, head) = (ask("GET"), ask("HEAD"));
        assert!(head.bytes.is_empty() && !whole.bytes.is_empty(), "{path}");
        assert_eq!(head.head.status, whole.head.status, "{path}");
        for name in
            ["content-type", "length", "etag", "content-range", "content-disposition", "allow", "vary"]
        {
            assert_eq!(head.head.header(name), whole.head.header(name), "{path}: {name}");
        }
    }
    // A socket is no page to be looked at.
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    let refused = ask_raw(server.address(), "HEAD", "/ws", &upgrade, &[]).expect("an answer");
    assert!((400..500).contains(&refused.head.status) && refused.bytes.is_empty());
}

#[test]
fn a_browsers_way_of_writing_a_name_is_undone() {
    let server = TestServer::start();
    let alice = server.person("alice");
    for (sent, kept) in [("say %22hi%22.png", "say hi.png"), ("a%0D%0Ab.png", "ab.png"), (".png", "file.png")]
    {
        assert_eq!(uploaded(&server, &alice, sent, &png(4, 4))["name"], kept);
    }
}

#[test]
fn files_outlive_the_server() {
    let mut server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let file = uploaded(&server, &alice, "a.png", &png(8, 8));
    // What a crash leaves half written is swept away at the next start.
    let half = server.data_dir().join("files/attachments/0190#1");
    std::fs::write(&half, b"half").expect("written");
    let file_of_yesterday = std::fs::File::options().write(true).open(&half).expect("a file");
    let yesterday = file_of_yesterday.metadata().expect("known").modified().expect("known");
    let yesterday = yesterday - std::time::Duration::from_secs(86_400);
    file_of_yesterday.set_modified(yesterday).expect("set");
    let young = server.data_dir().join("files/attachments/0190#2");
    std::fs::write(&young, b"half").expect("written");
    say_with(&server, &alice, &room, &[&file]);
    server.restart();
    assert_eq!(read(&server, &alice, &path_of(&file), &[]).bytes, png(8, 8));
    assert!(!half.exists() && young.exists(), "somebody may be writing that one");
}
