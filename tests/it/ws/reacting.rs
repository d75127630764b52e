//! Reactions over sockets and HTTP.

use serde_json::json;

use crate::support::TestServer;

#[test]
fn everybody_sees_who_reacts_and_how() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut author, mut reader) = (server.connect(&alice), server.connect(&bob));
    let id = author.say(&room, "hi")["id"].take();
    author.subscribe(&room, None);
    let add = json!({"t": "reaction.add", "room": room, "d": {"id": id, "emoji": "👍"}});
    reader.acked(add.clone());
    let again = reader.acked(add);
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &id));
    let event = author.entry(&room);
    assert_eq!((&event["t"], &event["seq"]), (&json!("reaction.added"), &json!(4)));
    assert_eq!(event["d"], json!({"id": id, "userId": bob.id, "emoji": "👍"}));
    let path = format!("/messages/{}", id.as_str().expect("an id"));
    let seen = server.get(&bob, &path).expect(200);
    let expected = json!([{"emoji": "👍", "count": 1, "userIds": [bob.id], "isOwn": true}]);
    assert_eq!(seen["reactions"], expected);
    assert_eq!(server.history(&alice, &room)[0]["reactions"][0]["isOwn"], false);
    let sign = format!("{path}/reactions/%F0%9F%91%8D");
    server.ask(Some(&bob), "DELETE", &sign, None).expect(204);
    assert_eq!(author.entry(&room)["t"], "reaction.removed");
    server.ask(Some(&alice), "PUT", &sign, None).expect(204);
    assert_eq!(author.entry(&room)["d"]["userId"], json!(alice.id));
    let word = json!({"t": "reaction.add", "room": room, "d": {"id": id, "emoji": "nice"}});
    assert_eq!(reader.refused(word), "badRequest");
}
