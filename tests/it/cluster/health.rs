//! What a process says of itself while Redis or the database is gone.

use chat::torture::postgres::{Setup, Stop};

use super::{health, pod};
use crate::support::{contents, eventually};
use crate::{postgres, redis};

#[test]
fn without_redis_it_is_degraded_and_works_and_with_it_ready_again() {
    let mut bus = redis::server();
    let url = postgres::server().url(&postgres::database());
    let [here, there] = [(); 2].map(|()| pod(&url, Some(&bus.url())));
    let both = |word: &str| health(&here) == word && health(&there) == word;
    eventually("ready", || both("ready"));
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (here.connect(&alice), there.connect(&bob));
    reader.subscribe(&room, None);
    bus.kill().expect("killed");
    eventually("degraded", || both("degraded"));
    writer.say(&room, "without");
    assert_eq!(contents(&[reader.entry(&room)]), ["without"]);
    bus.start_again().expect("a Redis");
    eventually("ready again", || both("ready"));
    writer.say(&room, "with");
    assert_eq!(contents(&[reader.entry(&room)]), ["with"]);
}

#[test]
fn without_the_database_it_is_not_ready_until_that_is_back() {
    let mut database = postgres::own_server(Setup::default());
    database.create_database("chat", None).expect("a database");
    let bus = redis::server();
    let server = pod(&database.url("chat"), Some(&bus.url()));
    eventually("ready", || health(&server) == "ready");
    database.stop(Stop::Immediate).expect("stopped");
    let ask = || server.ask(None, "GET", "/health/ready", None);
    eventually("not ready", || ask().status == 503);
    assert_eq!(ask().problem(503), "unavailable");
    // It lives: no reason to start it again.
    server.ask(None, "GET", "/health", None).expect(200);
    database.restart().expect("started");
    eventually("ready again", || ask().status == 200);
    server.person("alice");
}
