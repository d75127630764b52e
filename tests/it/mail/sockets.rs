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
