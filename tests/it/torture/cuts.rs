//! Two hundred people in one room, each of them cut off again and again.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::device::{Device, Habits, Orders, finish, judge};
use crate::sim::chance::Chance;
use crate::support::{Person, TestServer, number, text};

/// I1 to I5 as a client sees them.
#[test]
fn two_hundred_people_who_are_cut_again_and_again_all_see_everything_once() {
    let server = TestServer::with(|s| {
        // Also readers that are behind for a moment are cut, and replay goes page by page.
        s.limits.outbox_frames = 128;
        s.limits.replay_per_room = 100;
        s.store.room_cache = 64;
    });
    let people: Vec<Person> = (0..200).map(|n| server.person(&format!("person-{n}"))).collect();
    let members: Vec<_> = people[1..].iter().map(|person| &person.id).collect();
    let body = json!({"name": "everyone", "members": members});
    let room = text(&server.post(&people[0], "/rooms", &body).expect(201), "id");
    let orders = Orders::default();
    let habits = Habits { cuts: 25, by_http: 10, pause: 700, messages: 4 };
    let mut chance = Chance::new(7);
    let records = thread::scope(|scope| {
        let devices: Vec<_> = people
            .iter()
            .map(|person| {
                let device = Device::new(server.address(), person, &room, &orders, habits, chance.fork());
                scope.spawn(move || device.live())
            })
            .collect();
        thread::sleep(Duration::from_secs(4));
        let head = || number(&server.get(&people[0], &format!("/rooms/{room}")).expect(200), "head");
        finish(&orders, people.len(), head);
        devices.into_iter().map(|device| device.join().expect("a device")).collect::<Vec<_>>()
    });
    let said = server.history(&people[0], &room);
    let joinings = (1..=200).map(|seq| (seq, String::new()));
    let log: Vec<_> = joinings.chain(said.iter().map(|m| (number(m, "seq"), text(m, "content")))).collect();
    judge(&records, &log);
    let connections: u32 = records.iter().map(|record| record.connections).sum();
    assert!(connections > 400, "{connections} connections: hardly anyone was cut");
    assert!(said.len() > 200, "only {} messages", said.len());
}
