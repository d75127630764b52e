//! The process dies while twenty people talk, as often as it is told to.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chat::clock::{Clock, SystemClock};
use chat::domain::{Change, Epoch, RoomId, Seq};
use chat::store::Log;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use super::device::{Device, Habits, Orders, finish, judge, kills};
use crate::sim::chance::Chance;
use crate::support::process::{ChatProcess, quiet_port};
use crate::support::{http, number, text};

/// I1 to I5, and the database read by itself at the end. `TORTURE_KILLS` for longer.
#[test]
fn a_server_that_is_killed_again_and_again_loses_nothing() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let port = quiet_port();
    let mut process = ChatProcess::serve(data.path(), port, &[]);
    let address = process.address;
    let people: Vec<_> = (0..20).map(|n| register(address, &format!("person-{n}"))).collect();
    let members: Vec<_> = people[1..].iter().map(|person| &person.id).collect();
    let room =
        text(&post(address, &people[0].token, "/rooms", &json!({"name": "all", "members": members})), "id");
    let orders = Orders::default();
    let habits = Habits { cuts: 2, by_http: 25, pause: 60, messages: usize::MAX };
    let mut chance = Chance::new(11);
    let records = thread::scope(|scope| {
        let devices: Vec<_> = people
            .iter()
            .map(|person| {
                let device = Device::new(address, person, &room, &orders, habits, chance.fork());
                scope.spawn(move || device.live())
            })
            .collect();
        for _ in 0..kills() {
            thread::sleep(Duration::from_millis(300 + chance.below(500)));
            process.kill();
            process = ChatProcess::serve(data.path(), port, &[]);
        }
        let path = format!("/rooms/{room}");
        let head = || number(&get(address, &people[0].token, &path), "head");
        finish(&orders, people.len(), head);
        devices.into_iter().map(|device| device.join().expect("a device")).collect::<Vec<_>>()
    });
    assert!(process.terminate().success());
    let log = read(&data.path().join("chat.db"), &room);
    judge(&records, &log);
    let acked: usize = records.iter().map(|record| record.acked.len()).sum();
    assert!(acked >= 100, "only {acked} messages were acknowledged");
}

fn register(address: std::net::SocketAddr, username: &str) -> crate::support::Person {
    let body = json!({"username": username, "email": format!("{username}@example.com"),
        "password": "correct horse battery"});
    let answer = http::ask(address, "POST", "/auth/register", &[], Some(&body)).expect("an answer");
    crate::support::server::signed_in(&answer.expect(201), format!("{username}@example.com"))
}

fn post(address: std::net::SocketAddr, token: &str, path: &str, body: &Value) -> Value {
    let bearer = format!("Bearer {token}");
    http::ask(address, "POST", path, &[("authorization", &bearer)], Some(body))
        .expect("an answer")
        .expect(201)
}

fn get(address: std::net::SocketAddr, token: &str, path: &str) -> Value {
    let bearer = format!("Bearer {token}");
    http::ask(address, "GET", path, &[("authorization", &bearer)], None).expect("an answer").expect(200)
}

/// The log of a room as the file holds it: place and content.
fn read(path: &std::path::Path, room: &str) -> Vec<(u64, String)> {
    let options = SqliteOptions::new(Epoch(SystemClock.id()));
    let store = Arc::new(SqliteStore::open(path, options).expect("the file is whole"));
    let room = RoomId(room.parse().expect("a UUID"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (mut log, mut after) = (Vec::new(), Seq::START);
    loop {
        let page = runtime.block_on(store.log_page(room, None, after, 500)).expect("readable");
        let Some(last) = page.entries.last() else { return log };
        after = last.seq;
        for entry in &page.entries {
            let content = match &entry.change {
                Change::MessageCreated(message) => message.content.clone(),
                _ => String::new(),
            };
            log.push((entry.seq.get(), content));
        }
    }
}
