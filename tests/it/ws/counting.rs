//! What is unread, and who is mentioned, on devices that only follow a room: exact without being asked.

use serde_json::{Value, json};

use crate::support::{Person, TestClient, TestServer, number};

fn edit(room: &str, id: &Value, content: &str) -> Value {
    json!({"t": "message.edit", "room": room, "d": {"id": id, "content": content}})
}

fn delete(room: &str, id: &Value) -> Value {
    json!({"t": "message.delete", "room": room, "d": {"id": id}})
}

/// Unread and mentions by the documented rule: those of the last exact count, and the growth of
/// `messages` since.
struct Counter {
    client: TestClient,
    room: String,
    exact: (u64, u64, u64),
    messages: u64,
}

impl Counter {
    fn of(server: &TestServer, person: &Person, room: &str) -> Self {
        let client = server.connect(person).hearing_bumps();
        let rows = client.heads.iter().flat_map(|heads| heads["rooms"].as_array().expect("rooms"));
        let row = rows.into_iter().find(|row| row["room"] == room).expect("the room").clone();
        let mut counter = Self { client, room: room.to_owned(), exact: (0, 0, 0), messages: 0 };
        counter.hear(&row);
        counter
    }

    fn hear(&mut self, d: &Value) {
        if let Some(messages) = d["messages"].as_u64() {
            self.messages = self.messages.max(messages);
        }
        if d["unread"].is_u64() {
            let messages = d["messages"].as_u64().unwrap_or(self.messages);
            self.exact = (messages, number(d, "unread"), number(d, "mentions"));
        }
    }

    fn counts(&self) -> (u64, u64) {
        let (messages, unread, mentions) = self.exact;
        (unread + self.messages - messages, mentions)
    }

    /// Listens until there are so many messages, and counts and mentions are so.
    #[track_caller]
    fn comes_to(&mut self, messages: u64, counts: (u64, u64)) {
        while (self.messages, self.counts()) != (messages, counts) {
            let told =
                format!("{messages} with {counts:?}; it is {} with {:?}", self.messages, self.counts());
            let room = self.room.clone();
            let of_room = |frame: &Value| match frame["t"].as_str() {
                Some("room.bump") => frame["room"] == room.as_str(),
                Some("mark.moved") => frame["d"]["roomId"] == room.as_str(),
                _ => false,
            };
            let frame = self.client.until(&told, of_room);
            self.hear(&frame["d"]);
        }
    }
}

#[test]
fn what_one_writes_on_one_device_is_unread_on_none() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    server.send_many(&bob, &room, ["one".to_owned()]);
    let (mut phone, mut laptop) = (server.connect(&alice), Counter::of(&server, &alice, &room));
    let mut other = Counter::of(&server, &bob, &room);
    assert_eq!((laptop.counts(), other.counts()), ((1, 0), (0, 0)));
    phone.say(&room, "two");
    laptop.comes_to(2, (0, 0));
    other.comes_to(2, (1, 0));
    server.send(&alice, &room, &crate::support::new_id(), "three, by HTTP").expect(201);
    laptop.comes_to(3, (0, 0));
    other.comes_to(3, (2, 0));
    // And it goes on from there.
    server.send_many(&bob, &room, ["four".to_owned()]);
    laptop.comes_to(4, (1, 0));
    other.comes_to(4, (0, 0));
}

#[test]
fn who_is_mentioned_in_a_room_that_he_only_follows_is_told_at_once() {
    let server = TestServer::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let room = server.room(&alice, &[&bob, &carol]);
    let mut writer = server.connect(&alice);
    let [mut his, mut hers] = [&bob, &carol].map(|person| Counter::of(&server, person, &room));
    writer.say(&room, "hey @bob");
    his.comes_to(1, (1, 1));
    hers.comes_to(1, (1, 0));
    writer.say(&room, "all of you: @room");
    his.comes_to(2, (2, 2));
    hers.comes_to(2, (2, 1));
    // From a plain member it is only text.
    server.send_many(&carol, &room, ["@room".to_owned()]);
    his.comes_to(3, (3, 2));
    hers.comes_to(3, (0, 0));
}

#[test]
fn a_message_that_is_deleted_is_unread_nowhere() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), Counter::of(&server, &bob, &room));
    let kept = writer.say(&room, "kept, @bob");
    let gone = writer.say(&room, "gone, @bob");
    reader.comes_to(2, (2, 2));
    writer.acked(delete(&room, &gone["id"]));
    reader.comes_to(2, (1, 1));
    writer.acked(delete(&room, &kept["id"]));
    reader.comes_to(2, (0, 0));
}

#[test]
fn an_edit_adds_a_mention_and_takes_it_back() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut afar) = (server.connect(&alice), Counter::of(&server, &bob, &room));
    // Who reads the room has each event, and cannot know whom a text means.
    let mut near = Counter::of(&server, &bob, &room);
    near.client.subscribe(&room, None);
    let said = writer.say(&room, "nobody");
    afar.comes_to(1, (1, 0));
    writer.acked(edit(&room, &said["id"], "now @bob"));
    afar.comes_to(1, (1, 1));
    near.comes_to(1, (1, 1));
    writer.acked(edit(&room, &said["id"], "nobody again"));
    afar.comes_to(1, (1, 0));
    near.comes_to(1, (1, 0));
}

#[test]
fn a_room_that_one_is_added_to_begins_with_what_counts() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[]);
    server.send_many(&alice, &room, ["before".to_owned()]);
    let mut comer = server.connect(&bob).hearing_bumps();
    server.join(&bob, &room);
    comer.until_type("room.added");
    let of_room = |frame: &Value| frame["t"] == "room.bump" && frame["d"]["unread"].is_u64();
    let base = comer.until("what counts", of_room);
    assert_eq!(base["room"], room.as_str());
    let expected = json!({"head": 3, "messages": 1, "received": 3, "read": 3, "unread": 0, "mentions": 0});
    assert_eq!(base["d"], expected);
    // Somebody comes: the room grows, and nothing is unread.
    let carol = server.person("carol");
    server.join(&carol, &room);
    let grown = comer.until("the bump", |frame| frame["t"] == "room.bump" && frame["d"]["head"] == 4);
    assert_eq!(grown["d"], json!({"head": 4, "messages": 1, "memberCount": 3}));
}

#[test]
fn what_a_mark_counted_is_not_counted_again_by_the_growth_that_follows() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    let mut afar = Counter::of(&server, &bob, &room);
    // The first is told at once, what follows within the second is told at its end; the mark is not.
    let first = number(&writer.say(&room, "one"), "seq");
    afar.comes_to(1, (1, 0));
    let id = writer.say(&room, "two")["id"].clone();
    writer.acked(json!({"t": "reaction.add", "room": room, "d": {"id": id, "emoji": "\u{1f44d}"}}));
    writer.acked(json!({"t": "reaction.add", "room": room, "d": {"id": id, "emoji": "\u{2764}"}}));
    reader.acked(json!({"t": "mark.read", "room": room, "d": {"seq": first}}));
    afar.comes_to(2, (1, 0));
    assert!(afar.client.drained().is_empty(), "it was right, and then told otherwise");
}
