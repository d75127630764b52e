//! Stopping: everyone is told, nobody new is let in, and the end comes in time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::upgrade::Upgrade;
use crate::support::{Event, TestClient, TestServer, contents, eventually, http, new_id, number, text};

fn slow_to_stop(drain: Duration) -> TestServer {
    TestServer::with(|s| s.timing.drain = drain)
}

#[test]
fn every_socket_is_told_when_to_come_back_and_then_closed() {
    let mut server = slow_to_stop(Duration::from_secs(2));
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let address = server.address();
    let mut clients: Vec<_> = (0..20).map(|_| server.connect(&alice)).collect();
    clients[0].subscribe(&room, None);
    let stopping = server.begin_stop();
    for client in &mut clients {
        let told = client.until_type("server.draining");
        assert!(number(&told["d"], "delayMs") <= 1_200, "{told}");
        assert!(text(&told["d"], "deadline").ends_with('Z'));
    }
    // Meanwhile the rest of it works.
    clients[1].say(&room, "a last word");
    assert_eq!(contents(&[clients[0].entry(&room)]), ["a last word"]);
    let ready = http::ask(address, "GET", "/health/ready", &[], None).expect("an answer");
    assert_eq!(ready.problem(503), "unavailable");
    http::ask(address, "GET", "/health", &[], None).expect("an answer").expect(200);
    let refused = Upgrade::new(address).bearer(&alice.token).refused();
    assert_eq!(refused.problem(503), "unavailable");
    assert!(refused.header("retry-after").is_some());

    let begun = Instant::now();
    for client in &mut clients {
        assert!(client.expect_close(4200).is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    stopping.wait();
    server.start_again();
    assert_eq!(server.history(&alice, &room).len(), 1);
}

#[test]
fn proxies_know_before_sockets_are_told_and_each_socket_comes_at_its_own_time() {
    let wait = Duration::from_secs(1);
    let mut server = TestServer::with(|s| {
        s.timing.drain_wait = wait;
        s.timing.drain = Duration::from_secs(3);
    });
    let alice = server.person("alice");
    let address = server.address();
    let mut clients: Vec<_> = (0..20).map(|_| server.connect(&alice)).collect();
    let begun = Instant::now();
    let stopping = server.begin_stop();
    eventually("it is no longer ready", || {
        http::ask(address, "GET", "/health/ready", &[], None).expect("an answer").status == 503
    });
    assert!(Upgrade::new(address).bearer(&alice.token).refused().header("retry-after").is_some());
    for client in &mut clients {
        assert!(matches!(client.event(Duration::ZERO), Event::Silence), "told before proxies can know");
    }
    let told = clients.iter_mut().map(|client| client.until_type("server.draining"));
    let delays: BTreeSet<_> = told.map(|told| number(&told["d"], "delayMs")).collect();
    assert!(begun.elapsed() >= wait, "told after {:?}", begun.elapsed());
    // By chance a few of twenty are the same among 1,800.
    assert!(delays.len() > 15 && delays.iter().all(|delay| *delay <= 1_800), "{delays:?}");
    drop(clients);
    stopping.wait();
}

#[test]
fn when_everyone_left_the_end_comes_at_once() {
    let mut server = slow_to_stop(Duration::from_secs(60));
    let alice = server.person("alice");
    let mut clients: Vec<_> = (0..5).map(|_| server.connect(&alice)).collect();
    let stopping = server.begin_stop();
    clients.iter_mut().for_each(|client| drop(client.until_type("server.draining")));
    drop(clients);
    let took = stopping.wait();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_stop_is_short_when_little_time_is_given() {
    for drain in [Duration::ZERO, Duration::from_millis(10), Duration::from_secs(1)] {
        let mut server = slow_to_stop(drain);
        let alice = server.person("alice");
        let mut client = server.connect(&alice);
        let stopping = server.begin_stop();
        let before = client.expect_close(4200);
        assert_eq!(before[0]["t"], "server.draining");
        let took = stopping.wait();
        assert!(took < Duration::from_secs(6), "{drain:?} took {took:?}");
    }
}

#[test]
fn sockets_that_do_not_answer_the_close_are_cut() {
    let mut server = slow_to_stop(Duration::from_millis(100));
    let alice = server.person("alice");
    let _mute: Vec<_> = (0..3).map(|_| server.connect(&alice)).collect();
    let took = server.stop();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn strangers_are_told_too() {
    let mut server = slow_to_stop(Duration::from_millis(500));
    let mut stranger = server.upgrade().open();
    stranger.expect("hello");
    let stopping = server.begin_stop();
    stranger.until_type("server.draining");
    stranger.expect_close(4200);
    stopping.wait();
}

#[test]
fn what_was_sent_in_the_last_moment_is_stored_or_was_never_acknowledged() {
    let mut server = slow_to_stop(Duration::from_millis(200));
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    for _ in 0..300 {
        client.send(&TestClient::message(&room, &new_id(), "quick"));
    }
    let stopping = server.begin_stop();
    let before = client.expect_close(4200);
    let acked: Vec<_> =
        before.iter().filter(|frame| frame["t"] == "ack").map(|frame| text(&frame["d"], "id")).collect();
    stopping.wait();
    server.start_again();
    let stored: Vec<_> = server.history(&alice, &room).iter().map(|m| text(m, "id")).collect();
    eventually("stored", || acked.iter().all(|id| stored.contains(id)));
}
