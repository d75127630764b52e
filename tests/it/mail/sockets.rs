//! A socket of somebody whose address is not confirmed.

use serde_json::json;

use super::{Catcher, Manner, follow, server};
use crate::support::new_id;

#[test]
fn an_open_socket_may_write_from_the_confirmation_on() {
    let catcher = Catcher::start(Manner::Plain);
    let server = server(&catcher);
    let owner = server.person("owner");
    follow(&server, &catcher.mail(), "verify-email", json!({})).expect(204);
    let room = server.room(&owner, &[]);
    let alice = server.person("alice");
    server.ask(Some(&alice), "POST", &format!("/rooms/{room}/join"), None).expect(200);
    let (mut reader, mut writer) = (server.connect(&owner), server.connect(&alice));
    reader.subscribe(&room, None);
    writer.subscribe(&room, None);
    let hello = reader.say(&room, "hello")["seq"].clone();
    assert_eq!(writer.entry(&room)["seq"], hello, "reading needs no confirmation");
    writer.acked(json!({"t": "mark.read", "room": room, "d": {"seq": hello}}));
    let send = || json!({"t": "message.send", "room": room, "d": {"clientMsgId": new_id(), "content": "hi"}});
    for frame in [send(), json!({"t": "typing.start", "room": room})] {
        let answer = writer.request(frame);
        assert_eq!((&answer["t"], &answer["d"]["code"]), (&json!("error"), &json!("emailNotVerified")));
    }
    follow(&server, &catcher.mail(), "verify-email", json!({})).expect(204);
    // Sent before any is answered they keep their order, though the first has to wait for a look.
    let references = ["one", "two", "three"].map(|_| {
        let reference = writer.reference();
        let mut frame = send();
        frame["ref"] = json!(reference);
        writer.send(&frame);
        reference
    });
    let places = references.map(|reference| writer.answer(&json!(reference))["d"]["seq"].as_u64());
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    writer.acked(json!({"t": "typing.start", "room": room}));
}

#[test]
fn private_rooms_are_closed_to_an_open_socket_until_the_confirmation() {
    let catcher = Catcher::start(Manner::Plain);
    let server = server(&catcher);
    let owner = server.person("owner");
    follow(&server, &catcher.mail(), "verify-email", json!({})).expect(204);
    let alice = server.person("alice");
    let before = server.private_room(&owner, &[&alice]);
    let open = server.room(&owner, &[&alice]);
    let mut socket = server.connect(&alice).hearing_bumps();
    assert!(socket.head_of(&open).is_some());
    assert!(socket.head_of(&before).is_none(), "she is not told how much is said there");
    let during = server.private_room(&owner, &[&alice]);
    socket.until_type("room.added");
    for room in [&before, &during] {
        let code = socket.refused(json!({"t": "room.subscribe", "room": room, "d": {"level": "full"}}));
        assert_eq!(code, "emailNotVerified");
        let code = socket.refused(json!({"t": "room.subscribe", "room": room, "d": {"level": "bump"}}));
        assert_eq!(code, "emailNotVerified");
        let code = socket.refused(json!({"t": "mark.read", "room": room, "d": {"seq": 1}}));
        assert_eq!(code, "emailNotVerified");
        let resume = json!({"t": "resume", "d": {"rooms": [[room, "full", 0]]}});
        assert_eq!(socket.refused(resume), "emailNotVerified");
        server.send(&owner, room, &new_id(), "for members").expect(201);
    }
    server.send(&owner, &open, &new_id(), "for all").expect(201);
    // Had the private rooms been told, their bumps would have come by then.
    socket.until("the open room", |frame| frame["room"] == json!(open) && frame["t"] == "room.bump");
    assert!(
        !socket
            .drained()
            .iter()
            .any(|frame| frame["room"] == json!(before) || frame["room"] == json!(during))
    );

    follow(&server, &catcher.mail(), "verify-email", json!({})).expect(204);
    socket.subscribe(&before, Some(0));
    let said = socket.until("what was said", |frame| frame["t"] == "message.created");
    assert_eq!(said["d"]["content"], "for members");
    // The other is told of again, though nobody asked for it.
    server.send(&owner, &during, &new_id(), "more").expect(201);
    socket.until("a bump", |frame| frame["t"] == "room.bump" && frame["room"] == json!(during));
}
