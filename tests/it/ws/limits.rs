//! How fast, and how many: over a limit there is an error that says how long to wait, and for those
//! who go on all the same a close.

use serde_json::{Value, json};

use crate::support::{TestClient, TestServer, new_id, number};

fn strict() -> TestServer {
    TestServer::with(|s| s.limits.rates_on = true)
}

#[track_caller]
fn rate_limited(answer: &Value) -> u64 {
    assert_eq!(answer["t"], "error", "{answer}");
    assert_eq!(answer["d"]["code"], "rateLimited");
    assert_eq!(answer["d"]["retryable"], true);
    number(&answer["d"], "retryAfterMs")
}

#[test]
fn a_person_may_have_twenty_sockets() {
    let server = strict();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut open: Vec<_> = (0..20).map(|_| server.connect(&alice)).collect();
    assert!(server.upgrade().bearer(&alice.token).open().expect_close(4106).is_empty());
    let mut late = server.upgrade().open();
    late.expect("hello");
    late.send(&json!({"t": "auth", "d": {"token": alice.token}}));
    late.expect_close(4106);
    server.connect(&bob);
    open.iter_mut().for_each(TestClient::expect_alive);
    // One goes, another may come.
    open.pop().expect("twenty").cut();
    crate::support::eventually("there is room again", || {
        let mut client = server.upgrade().bearer(&alice.token).open();
        matches!(client.event(crate::support::PATIENCE), crate::support::Event::Frame(_))
    });
}

#[test]
fn an_address_may_have_so_many_sockets_signed_in_or_not() {
    let server = TestServer::with(|s| {
        s.limits.rates_on = true;
        s.limits.connections_per_ip = 5;
    });
    let alice = server.person("alice");
    let mut strangers: Vec<_> = (0..5).map(|_| server.upgrade().open()).collect();
    strangers.iter_mut().for_each(|client| drop(client.expect("hello")));
    assert!(server.upgrade().open().expect_close(4106).is_empty());
    server.upgrade().bearer(&alice.token).open().expect_close(4106);
    // A refused one is not counted.
    strangers.pop().expect("five").cut();
    server.wait_for_sockets(4);
    server.connect(&alice);
}

#[test]
fn forty_frames_at_once_pass_and_the_third_refusal_ends_it() {
    let server = strict();
    let alice = server.person("alice");
    let mut client = server.connect(&alice);
    let ping = |n: i32| json!({"t": "ping", "ref": n});
    // One write, so that time plays no part.
    let all: Vec<u8> = (0..80)
        .flat_map(|n| {
            use crate::support::wire::{TEXT, encode, whole};
            encode(whole(TEXT), ping(n).to_string().as_bytes())
        })
        .collect();
    client.send_raw(&all);
    let before = client.expect_close(4102);
    let (pongs, errors): (Vec<_>, Vec<_>) = before.iter().partition(|frame| frame["t"] == "pong");
    assert!((40..60).contains(&pongs.len()), "{} passed", pongs.len());
    assert_eq!(errors.len(), 3);
    for error in errors {
        assert!((1..=50).contains(&rate_limited(error)));
        assert!(error["ref"].is_number(), "{error}");
    }
}

#[test]
fn messages_of_a_person_in_a_room_are_limited_and_other_rooms_are_not() {
    let server = strict();
    let alice = server.person("alice");
    let (room, other) = (server.room(&alice, &[]), server.room(&alice, &[]));
    let (mut client, mut second) = (server.connect(&alice), server.connect(&alice));
    let mut passed = 0;
    let wait = loop {
        let sender = if passed % 2 == 0 { &mut client } else { &mut second };
        let answer = sender.request(TestClient::message(&room, &new_id(), "quick"));
        if answer["t"] == "error" {
            break rate_limited(&answer);
        }
        passed += 1;
        assert!(passed < 100, "no limit");
    };
    assert!(passed >= 10, "{passed} passed");
    assert!((1..=200).contains(&wait), "{wait} ms");
    client.say(&other, "another room");
    // HTTP draws from the same bucket.
    let mut answers = (0..5).map(|_| server.send(&alice, &room, &new_id(), "by post"));
    let refused = answers.find(|answer| answer.status != 201).expect("refused");
    assert_eq!(refused.problem(429), "rateLimited");
    assert!(refused.header("retry-after").is_some());
    client.expect_alive();
}

#[test]
fn actions_of_a_person_are_counted_over_all_sockets() {
    let server = TestServer::with(|s| {
        s.limits.rates_on = true;
        (s.limits.actions_per_second_per_user, s.limits.actions_burst) = (1, 20);
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut one, mut two, mut other) =
        (server.connect(&alice), server.connect(&alice), server.connect(&bob));
    let act = json!({"t": "room.unsubscribe", "room": room});
    let mut passed = 0;
    loop {
        let client = if passed % 2 == 0 { &mut one } else { &mut two };
        let answer = client.request(act.clone());
        if answer["t"] == "error" {
            rate_limited(&answer);
            break;
        }
        passed += 1;
    }
    assert!((20..40).contains(&passed), "{passed} passed, as if each socket counted for itself");
    // Messages and heartbeats have nothing to do with it, nor has anybody else.
    one.say(&room, "still here");
    two.expect_alive();
    other.acked(act);
}

#[test]
fn who_waits_as_told_gets_through() {
    let server = strict();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let message = TestClient::message(&room, &new_id(), "the last");
    for _ in 0..10 {
        client.say(&room, "quick");
    }
    let mut answer = client.request(message.clone());
    while answer["t"] == "error" {
        std::thread::sleep(std::time::Duration::from_millis(rate_limited(&answer)));
        answer = client.request(message.clone());
    }
    assert_eq!(answer["d"]["duplicate"], false, "the refused attempt left the key free");
}

#[test]
fn the_third_refused_message_ends_the_connection() {
    let server = TestServer::with(|s| {
        s.limits.rates_on = true;
        s.limits.sends_burst = 1;
        s.limits.sends_per_second = 1;
    });
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    for n in 0..8 {
        let mut message = TestClient::message(&room, &new_id(), "spam");
        message["ref"] = json!(n);
        client.send(&message);
    }
    let before = client.expect_close(4102);
    let errors = before.iter().filter(|frame| frame["t"] == "error").count();
    assert_eq!(errors, 3);
}

#[test]
fn tickets_are_limited() {
    let server = strict();
    let alice = server.person("alice");
    for _ in 0..10 {
        server.ticket(&alice, None);
    }
    let refused = server.ask(Some(&alice), "POST", "/ws/ticket", None);
    assert_eq!(refused.problem(429), "rateLimited");
}

#[test]
fn without_rates_everything_passes() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let _open: Vec<_> = (0..30).map(|_| server.connect(&alice)).collect();
    let mut client = server.connect(&alice);
    for n in 0..200 {
        let mut message = TestClient::message(&room, &new_id(), "quick");
        message["ref"] = json!(n);
        client.send(&message);
    }
    for _ in 0..200 {
        client.expect("ack");
    }
}

#[test]
fn a_socket_follows_so_many_rooms_and_no_more() {
    let server = TestServer::with(|s| s.limits.subscriptions = 3);
    let alice = server.person("alice");
    let rooms: Vec<_> = (0..4).map(|_| server.room(&alice, &[])).collect();
    let mut client = server.connect(&alice);
    for room in &rooms[..3] {
        client.subscribe(room, None);
    }
    assert_eq!(client.refused(json!({"t": "room.subscribe", "room": rooms[3]})), "tooLarge");
    let resume = json!({"t": "resume", "d": {"rooms": [[rooms[3], "full", null]]}});
    assert_eq!(client.refused(resume), "tooLarge");
    client.acked(json!({"t": "room.unsubscribe", "room": rooms[0]}));
    client.subscribe(&rooms[3], None);
}
