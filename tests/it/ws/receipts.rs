//! Receipts: how far the others have read, told seldom and in small rooms.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{TestServer, number};

fn read_up_to(room: &str, seq: u64) -> Value {
    json!({"t": "mark.read", "room": room, "d": {"seq": seq}})
}

#[test]
fn receipts_are_told_in_rooms_of_fifty_and_not_of_fifty_one() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let others: Vec<_> = (1..51).map(|n| server.person(&format!("person{n}"))).collect();
    let all: Vec<_> = others.iter().collect();
    let (small, large) = (server.room(&alice, &all[1..]), server.room(&alice, &all));
    let (mut watcher, mut reader) = (server.connect(&alice), server.connect(all[1]));
    for room in [&large, &small] {
        watcher.subscribe(room, None);
        reader.acked(read_up_to(room, 3));
    }
    // Marks are told in the order in which they moved.
    let told = watcher.until_type("receipts");
    assert_eq!(told["room"], small.as_str(), "{told}");
    assert_eq!(told["d"]["users"][0]["userId"], all[1].id.as_str());
    assert!(watcher.drained().iter().all(|frame| frame["t"] != "receipts"));
    let page = server.get(&alice, &format!("/rooms/{large}/receipts")).expect(200);
    let of_reader =
        page["receipts"].as_array().expect("a list").iter().find(|r| r["userId"] == all[1].id.as_str());
    assert_eq!(number(of_reader.expect("his"), "read"), 3, "whoever asks is told");
}

#[test]
fn receipts_are_told_once_per_second_and_room() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    writer.subscribe(&room, None);
    let (begun, mut receipts, mut last) = (Instant::now(), Vec::new(), 0);
    while receipts.len() < 3 {
        last = number(&writer.say(&room, "hi"), "seq");
        reader.acked(read_up_to(&room, last));
        receipts.extend(writer.drained().into_iter().filter(|frame| frame["t"] == "receipts"));
    }
    // What was read last is told, if it was not yet.
    let read = |frame: &Value| number(&frame["d"]["users"][0], "read");
    while receipts.last().map(read) != Some(last) {
        receipts.push(writer.until_type("receipts"));
    }
    let least = Duration::from_secs(receipts.len() as u64 - 1);
    assert!(begun.elapsed() >= least, "{} receipts within {:?}", receipts.len(), begun.elapsed());
    assert!(receipts.windows(2).all(|pair| read(&pair[0]) < read(&pair[1])), "{receipts:?}");
}
