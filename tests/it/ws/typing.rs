//! Who is typing: told to the others who read the room, never stored, never too often.

use serde_json::json;

use crate::support::{TestServer, text};

#[test]
fn the_others_see_who_types_and_who_stopped() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut typist, mut reader) = (server.connect(&alice), server.connect(&bob));
    typist.subscribe(&room, None);
    reader.subscribe(&room, None);
    let start = json!({"t": "typing.start", "room": room});
    typist.acked(start.clone());
    let told = reader.until_type("typing");
    assert_eq!(told["d"]["userId"], alice.id.as_str());
    let until = text(&told["d"], "until");
    // Said again at once, it is not told again.
    typist.acked(start);
    typist.acked(json!({"t": "typing.stop", "room": room}));
    let stopped = reader.until_type("typing");
    assert!(text(&stopped["d"], "until") < until, "{stopped} after {until}");
    assert!(typist.drained().iter().all(|frame| frame["t"] != "typing"), "told to himself");
    assert!(reader.drained().is_empty());
}

#[test]
fn an_outsider_cannot_be_seen_typing() {
    let server = TestServer::start();
    let (alice, eve) = (server.person("alice"), server.person("eve"));
    let room = server.private_room(&alice, &[]);
    let (mut member, mut outsider) = (server.connect(&alice), server.connect(&eve));
    member.subscribe(&room, None);
    assert_eq!(outsider.refused(json!({"t": "typing.start", "room": room})), "notFound");
    outsider.send(&json!({"t": "typing.stop", "room": room}));
    outsider.expect_alive();
    assert!(member.drained().is_empty());
}
