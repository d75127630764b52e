//! Long sockets and short tokens: a warning, a fresh token in band, an end; and logging out.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{TestClient, TestServer, new_id};

/// Tokens of so many seconds; deadlines are looked at twice a second.
fn server(seconds: u64) -> TestServer {
    TestServer::with(|s| {
        s.accounts.access_token = Duration::from_secs(seconds);
        s.timing.idle_timeout = Duration::from_secs(1);
        s.timing.heartbeat = Duration::from_millis(250);
    })
}

#[test]
fn the_end_of_a_token_is_told_ahead_and_comes() {
    let server = server(4);
    let alice = server.person("alice");
    let mut client = server.connect(&alice);
    let notice = client.until_type("auth.expiring");
    assert!(notice["d"]["expiresAt"].is_string());
    let before = client.expect_close(4301);
    assert!(before.is_empty(), "told once: {before:?}");
}

#[test]
fn nothing_is_done_with_a_token_that_ended() {
    // Long enough to make the room on a machine that is busy with everything else.
    let server = server(4);
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let mut last = None;
    let end = Instant::now() + Duration::from_secs(20);
    // It may be closed by the first frame after the end, or by the clock.
    loop {
        assert!(Instant::now() < end, "it never ended");
        let message = TestClient::message(&room, &new_id(), "still here");
        let bytes = {
            use crate::support::wire::{TEXT, encode, whole};
            encode(whole(TEXT), message.to_string().as_bytes())
        };
        if client.wire.write(&bytes).is_err() {
            break;
        }
        match client.event(Duration::from_millis(20)) {
            crate::support::Event::Frame(frame) => last = Some(frame),
            crate::support::Event::Silence => {}
            crate::support::Event::Close(4301, _) => break,
            other => panic!("{other:?} after {last:?}"),
        }
    }
    server.upgrade().bearer(&alice.token).open().expect_close(4301);
    assert_eq!(server.get(&alice, "/users/me").problem(401), "unauthorized");
}

#[test]
fn a_fresh_token_keeps_the_socket() {
    let server = server(10);
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.subscribe(&room, None);
    let mut alice = alice;
    for _ in 0..2 {
        client.until_type("auth.expiring");
        alice = server.refresh(&alice);
        client.acked(json!({"t": "auth.refresh", "d": {"token": alice.token}}));
    }
    client.say(&room, "still here");
    assert_eq!(client.entry(&room)["d"]["content"], "still here");
}

#[test]
fn a_socket_never_changes_hands() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let other_login = server.login(&alice);
    let mut client = server.connect(&alice);
    for token in [&bob.token, &other_login.token, &"nonsense".to_owned()] {
        assert_eq!(client.refused(json!({"t": "auth.refresh", "d": {"token": token}})), "unauthorized");
    }
    client.expect_alive();
}

#[test]
fn logging_out_closes_every_socket_of_that_login_and_no_other() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let phone = server.login(&alice);
    let mut ended: Vec<_> = (0..4).map(|_| server.connect(&alice)).collect();
    let refreshed = server.refresh(&alice);
    ended.push(server.connect(&refreshed));
    let mut others = [server.connect(&phone), server.connect(&bob)];
    let begun = Instant::now();
    server.ask(Some(&alice), "POST", "/auth/logout", None).expect(204);
    for client in &mut ended {
        let before = client.expect_close(4303);
        assert_eq!(before.last().expect("a word first")["t"], "session.revoked");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    others.iter_mut().for_each(TestClient::expect_alive);
    drop(ended);
    server.wait_for_sockets(2);
    let mut client = server.connect(&bob);
    assert_eq!(client.refused(json!({"t": "auth.refresh", "d": {"token": refreshed.token}})), "unauthorized");
}

#[test]
fn a_stolen_refresh_token_ends_the_login_and_its_sockets() {
    let server = TestServer::with(|s| s.accounts.refresh_grace = Duration::ZERO);
    let alice = server.person("alice");
    let mut client = server.connect(&alice);
    server.refresh(&alice);
    let again = json!({"refreshToken": alice.refresh_token});
    assert_eq!(server.ask(None, "POST", "/auth/refresh", Some(&again)).problem(401), "unauthorized");
    let before = client.expect_close(4303);
    assert_eq!(before[0]["t"], "session.revoked");
}
