//! Marks, what is unread, receipts, and the user's own log on all his devices.

use serde_json::{Value, json};

use crate::support::wire::{TEXT, encode, whole};
use crate::support::{TestClient, TestServer, eventually, new_id, number, text};

fn read_up_to(room: &str, seq: u64) -> Value {
    json!({"t": "mark.read", "room": room, "d": {"seq": seq}})
}

fn row<'a>(client: &'a TestClient, room: &str) -> &'a Value {
    let rows = client.heads.iter().flat_map(|heads| heads["rooms"].as_array().expect("rooms"));
    rows.into_iter().find(|row| row["room"] == room).expect("the room")
}

#[test]
fn what_is_unread_is_counted_from_the_mark() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut writer = server.connect(&alice);
    for said in ["one", "two, @bob", "three", "write to me@bob.example"] {
        writer.say(&room, said);
    }
    let mut reader = server.connect(&bob);
    let heads = row(&reader, &room);
    assert_eq!((number(heads, "unread"), number(heads, "mentions"), number(heads, "messages")), (4, 1, 4));
    let moved = reader.acked(read_up_to(&room, 4));
    assert_eq!((number(&moved, "read"), number(&moved, "unread"), number(&moved, "mentions")), (4, 2, 0));
    // Back and beyond the head change nothing that is not so.
    assert_eq!(number(&reader.acked(read_up_to(&room, 1)), "read"), 4);
    let moved = reader.acked(read_up_to(&room, 9_000));
    assert_eq!((number(&moved, "read"), number(&moved, "unread")), (6, 0));
    assert_eq!(row(&server.connect(&bob), &room)["unread"], 0);
    assert_eq!(row(&server.connect(&alice), &room)["unread"], 0, "one's own messages are read");
}

#[test]
fn who_is_here_is_mentioned_by_who_looks_after_the_room() {
    let server = TestServer::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let room = server.room(&alice, &[&bob, &carol]);
    let (mut owner, mut here) = (server.connect(&alice), server.connect(&bob));
    eventually("bob is here", || server.pod().roster().online().count() == 2);
    here.say(&room, "@here and @room are only text from me");
    owner.say(&room, "@here, come");
    assert_eq!(number(row(&server.connect(&bob), &room), "mentions"), 1);
    assert_eq!(number(row(&server.connect(&carol), &room), "mentions"), 0);
    owner.say(&room, "@room, all of you");
    assert_eq!(number(row(&server.connect(&bob), &room), "mentions"), 2);
    assert_eq!(number(row(&server.connect(&carol), &room), "mentions"), 1);
    assert_eq!(number(row(&server.connect(&alice), &room), "mentions"), 0);
}

#[test]
fn other_devices_hear_of_a_mark_at_once_and_in_order() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    server.send_many(&alice, &room, (0..3).map(|n| n.to_string()));
    let (mut phone, mut laptop) = (server.connect(&bob), server.connect(&bob));
    let before = number(&laptop.ready, "userSeq");
    phone.acked(read_up_to(&room, 3));
    phone.acked(read_up_to(&room, 5));
    for (useq, read, unread) in [(before + 1, 3, 2), (before + 2, 5, 0)] {
        let told = laptop.until_type("mark.moved");
        assert_eq!(number(&told, "useq"), useq);
        assert_eq!(told["d"]["roomId"], room.as_str());
        assert_eq!((number(&told["d"], "read"), number(&told["d"], "unread")), (read, unread));
    }
}

#[test]
fn a_device_that_was_away_catches_up_with_its_users_log() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let first = server.room(&alice, &[&bob]);
    let client = server.connect(&bob);
    let (epoch, after) = (client.hello["epoch"].clone(), number(&client.ready, "userSeq"));
    drop(client);
    let second = server.room(&alice, &[&bob]);
    server.send(&alice, &first, &new_id(), "hello").expect(201);
    let marks = json!({"read": 3});
    server.ask(Some(&bob), "PUT", &format!("/rooms/{first}/marks"), Some(&marks)).expect(200);
    server.leave(&bob, &second);
    let mut again = server.connect(&bob);
    let resume = json!({"t": "resume", "d": {"epoch": epoch, "userAfter": after, "rooms": []}});
    let resumed = again.request(resume);
    assert_eq!(number(&resumed["d"], "userSeq"), after + 3);
    let told: Vec<_> = again.drained().into_iter().filter(|frame| frame["useq"].is_u64()).collect();
    let kinds: Vec<_> = told.iter().map(|frame| (text(frame, "t"), number(frame, "useq"))).collect();
    let expected = ["room.added", "mark.moved", "room.removed"].map(str::to_owned);
    assert_eq!(kinds, expected.into_iter().zip(after + 1..).collect::<Vec<_>>());
    // Without a position nothing old is told, nor with one of another history; what is new is.
    let mut fresh = server.connect(&bob);
    let foreign = json!({"t": "resume", "d": {"epoch": new_id(), "userAfter": after, "rooms": []}});
    assert_eq!(number(&fresh.request(foreign)["d"], "userSeq"), after + 3);
    assert!(fresh.drained().iter().all(|frame| !frame["useq"].is_u64()));
    server.join(&bob, &second);
    assert_eq!(number(&fresh.until_type("room.added"), "useq"), after + 4);
    assert_eq!(number(&again.until_type("room.added"), "useq"), after + 4);
}

#[test]
fn who_resumes_again_before_the_first_is_answered_gets_both_answers() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let client = server.connect(&bob);
    let (epoch, after) = (client.hello["epoch"].clone(), number(&client.ready, "userSeq"));
    drop(client);
    for read in 3..=5 {
        server.send(&alice, &room, &new_id(), "hello").expect(201);
        let marks = json!({"read": read});
        server.ask(Some(&bob), "PUT", &format!("/rooms/{room}/marks"), Some(&marks)).expect(200);
    }
    let mut again = server.connect(&bob);
    let resume = |reference: &str, after| {
        let d = json!({"epoch": epoch, "userAfter": after, "rooms": []});
        json!({"t": "resume", "ref": reference, "d": d}).to_string()
    };
    // In one write: the second is read while the log is read for the first.
    let frames = [resume("first", after + 2), resume("second", after + 1)];
    again.send_raw(&frames.map(|text| encode(whole(TEXT), text.as_bytes())).concat());
    for reference in ["first", "second"] {
        assert_eq!(again.until_type("resumed")["ref"], reference);
    }
    server.join(&bob, &server.room(&alice, &[]));
    assert_eq!(number(&again.until_type("room.added"), "useq"), after + 4);
}

#[test]
fn marks_are_for_members() {
    let server = TestServer::start();
    let (alice, eve) = (server.person("alice"), server.person("eve"));
    let (public, private) = (server.room(&alice, &[]), server.private_room(&alice, &[]));
    let mut client = server.connect(&eve);
    assert_eq!(client.refused(read_up_to(&public, 1)), "notMember");
    assert_eq!(client.refused(read_up_to(&private, 1)), "notFound");
    assert_eq!(client.refused(json!({"t": "mark.read", "room": public, "d": {"seq": -1}})), "badRequest");
    // Without a ref nothing is answered, right or wrong.
    client.send(&read_up_to(&public, 1));
    assert!(client.drained().is_empty());
    for path in [format!("/rooms/{public}/receipts"), format!("/rooms/{public}/marks")] {
        let method = if path.ends_with("marks") { "PUT" } else { "GET" };
        let body = (method == "PUT").then(|| json!({"read": 1}));
        assert_eq!(server.ask(Some(&eve), method, &path, body.as_ref()).problem(403), "notMember");
    }
    let path = format!("/rooms/{private}/receipts");
    assert_eq!(server.get(&eve, &path).problem(404), "notFound");
}

#[test]
fn members_of_a_small_room_see_how_far_others_have_read() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    writer.subscribe(&room, None);
    let seq = number(&writer.say(&room, "hello"), "seq");
    reader.acked(json!({"t": "mark.received", "room": room, "d": {"seq": seq}}));
    reader.acked(read_up_to(&room, seq));
    let receipt = writer.until("the receipt", |frame| {
        frame["t"] == "receipts" && frame["d"]["users"][0]["read"] == json!(seq)
    });
    assert_eq!(receipt["d"]["users"], json!([{"userId": bob.id, "received": seq, "read": seq}]));
    let page = server.get(&alice, &format!("/rooms/{room}/receipts")).expect(200);
    let of_bob = page["receipts"].as_array().expect("a list").iter().find(|r| r["userId"] == bob.id.as_str());
    assert_eq!(of_bob.map(|r| (number(r, "received"), number(r, "read"))), Some((seq, seq)));
}
