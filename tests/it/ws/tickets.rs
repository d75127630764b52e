//! Tickets: what a browser opens a socket with.

use std::thread;
use std::time::Duration;

use crate::support::upgrade::Upgraded;
use crate::support::{Event, PATIENCE, TestServer};

#[test]
fn a_ticket_opens_one_socket_once_and_is_not_repeated_by_the_server() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let ticket = server.ticket(&alice, None);
    let client = server.upgrade().ticket(&ticket).ready();
    assert_eq!(client.protocol.as_deref(), Some("chat.v1.json"));
    assert_eq!(client.ready["user"]["username"], "alice");
    assert!(server.upgrade().ticket(&ticket).open().expect_close(4302).is_empty());
}

#[test]
fn of_many_who_use_a_ticket_at_once_one_gets_in() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let ticket = server.ticket(&alice, None);
    let address = server.address();
    let racers: Vec<_> = (0..8)
        .map(|_| {
            let ticket = ticket.clone();
            thread::spawn(move || {
                let upgrade = crate::support::upgrade::Upgrade::new(address).ticket(&ticket);
                let Ok(Upgraded::Open(mut client)) = upgrade.ask() else { panic!("not upgraded") };
                match client.event(PATIENCE) {
                    Event::Frame(frame) => {
                        assert_eq!(frame["t"], "hello");
                        1
                    }
                    Event::Close(4302, _) => 0,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let opened: u32 = racers.into_iter().map(|racer| racer.join().expect("a racer")).sum();
    assert_eq!(opened, 1);
}

#[test]
fn a_ticket_is_good_only_where_it_was_asked_for() {
    let server = TestServer::with(|s| {
        s.allowed_origins = vec!["https://a.example.com".to_owned(), "https://b.example.com".to_owned()];
    });
    let alice = server.person("alice");
    let from = |origin| server.ticket(&alice, origin);
    let (a, b) = ("https://a.example.com", "https://b.example.com");
    server.upgrade().ticket(&from(Some(a))).origin(a).ready();
    server.upgrade().ticket(&from(Some(a))).origin(b).open().expect_close(4302);
    server.upgrade().ticket(&from(Some(a))).open().expect_close(4302);
    server.upgrade().ticket(&from(None)).origin(a).open().expect_close(4302);
    // An attempt from the wrong page uses the ticket up.
    let ticket = from(Some(a));
    server.upgrade().ticket(&ticket).origin(b).open().expect_close(4302);
    server.upgrade().ticket(&ticket).origin(a).open().expect_close(4302);
}

#[test]
fn an_old_ticket_opens_nothing() {
    let server = TestServer::with(|s| s.accounts.ticket = Duration::from_millis(1));
    let alice = server.person("alice");
    let ticket = server.ticket(&alice, None);
    thread::sleep(Duration::from_millis(2));
    server.upgrade().ticket(&ticket).open().expect_close(4302);
}

#[test]
fn a_ticket_ends_with_its_login() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let ticket = server.ticket(&alice, None);
    server.ask(Some(&alice), "POST", "/auth/logout", None).expect(204);
    server.upgrade().ticket(&ticket).open().expect_close(4302);
}

#[test]
fn a_made_up_ticket_opens_nothing_even_beside_a_good_token() {
    let server = TestServer::start();
    let alice = server.person("alice");
    server.upgrade().ticket("made-up").open().expect_close(4302);
    server.upgrade().ticket("made-up").bearer(&alice.token).open().expect_close(4302);
}

#[test]
fn a_login_that_ends_while_its_socket_is_being_opened_takes_the_socket_with_it() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let other = server.login(&alice);
    let (ticket, kept) = (server.ticket(&alice, None), server.ticket(&other, None));
    let session = server.upgrade().bearer(&alice.token).ready().ready["sessionId"].clone();
    let session = session.as_str().expect("an id").parse().expect("an id");
    // The end goes round before the socket can be found, and after its ticket was issued: the
    // engine is told directly, so that the ticket itself is still good.
    chat::actors::Registry::new(server.pod().clone()).end_login(session);
    server.upgrade().ticket(&ticket).open().expect_close(4303);
    server.upgrade().ticket(&kept).ready();
}
