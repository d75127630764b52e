//! Who comes in by one process and reads at the other, when nothing was announced between them.

use serde_json::json;

use super::pods;
use crate::postgres::database;
use crate::redis;

#[test]
fn who_joined_elsewhere_while_redis_was_away_is_let_in() {
    let mut bus = redis::server();
    let [here, there] = pods(&database(), Some(&bus.url()));
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[]);
    bus.kill().expect("killed");
    let mut reader = there.connect(&bob);
    // The room runs there from now on, without anyone who reads it, and knows its members.
    let subscribe = json!({"t": "room.subscribe", "room": room, "d": {}});
    assert_eq!(reader.refused(subscribe), "notMember");
    here.join(&bob, &room);
    assert_eq!(reader.subscribe(&room, None)["mode"], "uptodate");
    here.connect(&alice).say(&room, "welcome");
    assert_eq!(reader.entry(&room)["d"]["content"], "welcome");
}
