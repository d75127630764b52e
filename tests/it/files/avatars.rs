//! Pictures of people.

use serde_json::json;

use super::samples::{CANARY, pdf, photograph, png};
use super::support::*;
use crate::support::http::{Raw, ask_raw};
use crate::support::{TestServer, text};

fn seen(server: &TestServer, url: &str) -> Raw {
    let path = &url[url.find("/avatars/").expect("an address")..];
    ask_raw(server.address(), "GET", path, &[], &[]).expect("an answer")
}

#[test]
fn a_picture_of_oneself_is_seen_by_everybody_who_knows_where() {
    let server = TestServer::with(|settings| settings.public_url = Some("https://chat.example.com".into()));
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (kind, body) = form("file", "me.jpg", &photograph(400, 300, 6));
    let user = send(&server, &alice, "PUT", "/users/me/avatar", &kind, &body).head.expect(200);
    let first = text(&user, "avatar");
    assert!(first.starts_with("https://chat.example.com/avatars/"), "{first}");
    assert_eq!(server.get(&alice, "/users/me").expect(200)["avatar"], first.as_str());
    let members = server.get(&bob, &format!("/rooms/{room}/members")).expect(200);
    assert_eq!(members["members"][0]["avatar"], first.as_str());
    assert_eq!(
        server.get(&bob, &format!("/rooms/{room}")).expect(200)["members"][0]["avatar"],
        first.as_str()
    );

    let answer = seen(&server, &first);
    assert_eq!(answer.head.status, 200);
    assert_eq!(answer.head.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(answer.head.header("content-type"), Some("image/jpeg"));
    assert!(!answer.bytes.windows(CANARY.len()).any(|window| window == CANARY));
    let picture = image::load_from_memory(&answer.bytes).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (256, 256));

    // Another one, as the body itself, is at another address.
    let user = send(&server, &alice, "PUT", "/users/me/avatar", "image/png", &png(64, 64)).head.expect(200);
    let second = text(&user, "avatar");
    assert_ne!(first, second);
    assert_eq!(seen(&server, &second).head.status, 200);
    server.ask(Some(&alice), "DELETE", "/users/me/avatar", None).expect(204);
    assert_eq!(server.get(&alice, "/users/me").expect(200)["avatar"], json!(null));
}

#[test]
fn what_is_no_picture_or_too_large_is_refused() {
    let server = TestServer::with(|settings| settings.files.avatar_bytes = 4_000);
    let alice = server.person("alice");
    let change = |kind: &str, body: &[u8]| send(&server, &alice, "PUT", "/users/me/avatar", kind, body).head;
    assert_eq!(change("application/pdf", &pdf("")).problem(415), "unsupportedMedia");
    assert_eq!(change("image/png", b"<svg/>").problem(415), "unsupportedMedia");
    assert_eq!(change("image/png", &vec![0; 4_001]).problem(413), "tooLarge");
    assert_eq!(change("image/png", b"").problem(400), "badRequest");
    assert_eq!(server.get(&alice, "/users/me").expect(200)["avatar"], json!(null));
    let none = ask_raw(server.address(), "GET", "/avatars/00000000-0000-0000-0000-000000000000", &[], &[]);
    assert_eq!(none.expect("an answer").head.problem(404), "notFound");
    // An attachment is not read as somebody's picture.
    let file = uploaded(&server, &alice, "a.png", &png(8, 8));
    let path = path_of(&file).replace("attachments", "avatars");
    assert_eq!(ask_raw(server.address(), "GET", &path, &[], &[]).expect("an answer").head.status, 404);
}
