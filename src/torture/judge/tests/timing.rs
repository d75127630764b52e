//! Bounds of time, and what they are stretched by.

use std::time::Duration;

use super::scene::{BOB, at, good, span};
use super::{broken, finds, judge};
use crate::torture::history::{FaultSheet, History};
use crate::torture::plan::Kind;
use crate::torture::record::{ClientSheet, Ending, Way};

/// Everything reaches BOB later by so much.
fn slower(history: &mut History, from: u64, to: u64, millis: u64) {
    let seen = history.clients[BOB].seen.iter_mut().filter(|s| at(from) <= s.at && s.at <= at(to));
    seen.for_each(|s| s.at = s.at.plus(Duration::from_millis(millis)));
}

#[test]
fn slow_deliveries_are_found_in_each_weather() {
    finds("doorbell", |h| slower(h, 4_000, 5_500, 300));
    finds("I17", |h| slower(h, 6_000, 7_500, 1_500));
    finds("I17", |h| slower(h, 13_000, 16_100, 400));
    finds("I13", |h| slower(h, 9_000, 9_900, 400));
    let faster = broken(|h| slower(h, 6_000, 7_500, 700));
    assert!(!faster.contains(&"I17"), "without Redis a second is allowed: {faster:?}");
}

#[test]
fn the_time_until_an_acknowledgement_is_told_of_sockets_in_the_calm() {
    let calm = span(1_500, 5_500);
    let history = good();
    let attempts = history.clients.iter().flat_map(|client| &client.sends).flat_map(|send| &send.attempts);
    let counted = attempts.filter(|it| matches!(it.way, Way::Socket(_)) && calm.holds(it.at)).count();
    let figures = judge(&history).figures;
    assert!(counted > 100 && figures.acknowledged.count().abs_diff(counted) <= 1, "{counted}");
    assert_eq!(figures.acknowledged.permille(500), Some(Duration::from_millis(4)));
}

/// As many rollouts over the time in which BOB's process tells him to go.
fn rolled_out(history: &mut History, times: usize) {
    let fault = FaultSheet { kind: Kind::Rollout, pod: None, span: span(7_900, 8_600), note: String::new() };
    history.faults.extend(std::iter::repeat_n(fault, times));
}

#[test]
fn being_moved_again_and_again_is_found() {
    let once = broken(|h| rolled_out(h, 50));
    assert!(!once.contains(&"I16"), "{once:?}");
    // Of somebody else's servers nothing else is known.
    let unseen = broken(|h| {
        rolled_out(h, 50);
        h.lives.clear();
    });
    assert!(!unseen.contains(&"I16") && !unseen.contains(&"I23"), "{unseen:?}");
    finds("I16", |h| {
        rolled_out(h, 50);
        let told = h.clients[BOB].sockets[0].clone();
        h.clients[BOB].sockets.extend(std::iter::repeat_n(told, 3));
    });
}

/// So many people whose process tells them to go, and whose socket ends then.
fn moved(history: &mut History, people: usize, end: u64) {
    for n in 0..people {
        let mut sockets = history.clients[BOB].sockets.clone();
        sockets[0].ended = Some((at(end), Ending::Closed(4_200)));
        history.clients.push(ClientSheet { name: format!("more-{n}"), sockets, ..ClientSheet::default() });
    }
}

#[test]
fn moves_that_leave_people_without_a_socket_are_found() {
    finds("I16", |h| moved(h, 100, 8_100));
    for (people, end) in [(100, 8_300), (20, 8_100)] {
        let named = broken(|h| moved(h, people, end));
        assert!(!named.contains(&"I16"), "{people} people, until {end} ms: {named:?}");
    }
}

#[test]
fn a_move_that_had_no_database_to_be_made_with_is_excused() {
    let named = |from, to| {
        broken(|h| {
            moved(h, 100, 8_100);
            h.database_away = crate::torture::moment::Spans::new([span(from, to)]);
        })
    };
    // Told to go at 8,000; live again long after the database was back.
    assert!(!named(8_010, 8_050).contains(&"I16"));
    assert!(named(7_000, 7_900).contains(&"I16"));
}

#[test]
fn patience_stretches_bounds_of_time_and_nothing_else() {
    let late = |h: &mut History| {
        moved(h, 100, 8_100);
        slower(h, 4_000, 5_500, 300);
        slower(h, 6_000, 7_500, 2_500);
    };
    let named = broken(late);
    assert!(["doorbell", "I6", "I16", "I17"].iter().all(|promise| named.contains(promise)), "{named:?}");
    let patient = |h: &mut History| {
        late(h);
        h.patience = 5;
    };
    assert_eq!(broken(patient), Vec::<&str>::new());
    let lost = broken(|h| {
        patient(h);
        h.books.messages.pop();
    });
    assert!(lost.contains(&"I1"), "{lost:?}");
}

#[test]
fn sockets_that_wait_long_for_their_service_are_found() {
    let many = |h: &mut History, millis: u64| {
        let mut socket = h.clients[0].sockets[0].clone();
        socket.ready = Some(socket.asked.plus(Duration::from_millis(millis)));
        h.clients[0].sockets.extend(std::iter::repeat_n(socket, 200));
    };
    finds("I15", |h| many(h, 2_500));
    assert!(!broken(|h| many(h, 1_500)).contains(&"I15"));
}
