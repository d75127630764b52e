//! The judge, judged: a history in which all is well passes, and each promise broken in it by hand
//! is found by its name.

mod changes;
mod files;
mod guests;
mod scene;
mod timing;

use std::time::Duration;

use uuid::Uuid;

use self::scene::{BOB, CAROL, FIRST, MESSAGES, ROOM, at, good, span, waiting};
use super::{demand_everything, judge};
use crate::torture::books::{LogRow, MessageRow};
use crate::torture::history::{Census, CutSheet, FaultSheet, History, Scrape, Waiting};
use crate::torture::moment::Spans;
use crate::torture::plan::Kind;
use crate::torture::pod::End;
use crate::torture::record::{Answer, Attempt, Bubble, Ending, Glimpse, Sighting, Times, Way, What, Wrong};

/// The promises found broken after something was done to the good history.
fn broken(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
    let mut history = good();
    spoil(&mut history);
    judge(&history).named().collect()
}

fn finds(promise: &str, spoil: impl FnOnce(&mut History)) {
    let named = broken(spoil);
    assert!(named.contains(&promise), "{promise} is not among {named:?}");
}

/// The n-th sighting of an entry by a client.
fn sighting(history: &mut History, client: usize, seq: u64) -> usize {
    let is_it = |s: &Sighting| matches!(s.what, What::Entry { seq: it, .. } if it == seq);
    history.clients[client].seen.iter().position(is_it).expect("seen")
}

#[test]
fn a_history_in_which_all_is_well_passes_and_everything_was_looked_at() {
    let verdict = judge(&good());
    assert!(verdict.holds(), "{:?}", verdict.violations);
    for promise in [
        "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I11", "I13", "I16", "I17", "I22", "I23",
        "I25", "doorbell",
    ] {
        assert!(verdict.tallies.get(promise).is_some_and(|tally| tally.checked > 0), "{promise}");
    }
}

#[test]
fn an_acknowledged_message_that_is_not_stored_is_found() {
    finds("I1", |h| drop(h.books.messages.remove(500)));
    finds("I1", |h| h.books.messages[500].content.push('!'));
    finds("I1", |h| h.books.messages[500].seq += 1);
}

#[test]
fn a_hole_in_a_log_is_found() {
    finds("I2", |h| drop(h.books.log.remove(700)));
    finds("I2", |h| h.counts[0].rows -= 1);
    finds("I2", |h| h.holes.push((at(4_000), "a room".to_owned())));
}

#[test]
fn keys_that_do_not_do_what_they_should_are_found() {
    finds("I3", |h| {
        let again = MessageRow { id: Uuid::from_u128(1), seq: 2_000, ..h.books.messages[10].clone() };
        h.books.messages.push(again);
    });
    finds("I3", |h| {
        let mut again = h.clients[0].sends[5].attempts[0].clone();
        again.answer = Some((at(9_000), Answer::Stored { id: Uuid::from_u128(1), seq: 77, duplicate: true }));
        h.clients[0].sends[5].attempts.push(again);
    });
    finds("I3", |h| {
        let code = "idempotencyConflict".to_owned();
        h.clients[0].sends[5].attempts[0].answer =
            Some((at(9_000), Answer::Refused { code, retryable: false }));
    });
    finds("I3", |h| {
        h.clients[0].probes[0].answer = Answer::Stored { id: Uuid::nil(), seq: 1, duplicate: true };
    });
    finds("I3", |h| {
        let row =
            MessageRow { key: Uuid::from_u128(3), id: Uuid::from_u128(4), ..h.books.messages[10].clone() };
        h.books.messages.push(row);
    });
    finds("I3", |h| {
        h.clients[0].sends[5].attempts[0].answer = None;
        let key = h.clients[0].sends[5].key;
        h.books.messages.retain(|row| row.key != key);
    });
    let retried = broken(|h| {
        let unavailable = Answer::Refused { code: "unavailable".to_owned(), retryable: true };
        let failed = Attempt { at: at(2_000), way: Way::Socket(0), answer: Some((at(2_001), unavailable)) };
        h.clients[0].sends[5].attempts.insert(0, failed);
    });
    assert!(retried.is_empty(), "an attempt may fail: {retried:?}");
}

#[test]
fn what_a_client_lacks_or_has_twice_is_found() {
    finds("I4", |h| {
        // A client whose last entries never came.
        h.clients[CAROL].seen.truncate(500);
        h.clients[CAROL].sockets[0].ended = Some((at(5_000), Ending::Closed(4_100)));
    });
    finds("I4", |h| {
        let place = sighting(h, 0, 400);
        let again = h.clients[0].seen[place];
        h.clients[0].seen.insert(place + 1, again);
    });
    finds("I4", |h| {
        let place = sighting(h, 0, 400);
        h.clients[0].seen[place].what = What::Entry { seq: 400, digest: 1, said: 1, bubble: Bubble::Own };
    });
    let dropped = broken(|h| {
        // The old socket brings once more what the new one had.
        let place = sighting(h, BOB, FIRST + 650);
        let again = Sighting { socket: 0, ..h.clients[BOB].seen[place] };
        h.clients[BOB].seen.insert(place + 1, again);
    });
    assert!(dropped.is_empty(), "repeats between sockets are dropped: {dropped:?}");
}

#[test]
fn two_who_saw_something_else_are_found() {
    finds("I5", |h| {
        let place = sighting(h, BOB, 400);
        h.clients[BOB].seen[place].what =
            What::Entry { seq: 400, digest: 1, said: 1, bubble: Bubble::Others };
    });
}

#[test]
fn a_silent_hole_on_a_socket_is_found() {
    finds("I6", |h| {
        let place = sighting(h, 0, 400);
        h.clients[0].seen.remove(place);
    });
    finds("I6", |h| {
        // Everything from 15.5 s on comes too late, and everything after it.
        let seen = h.clients[0].seen.iter_mut().filter(|s| s.at >= at(15_500));
        seen.for_each(|s| s.at = s.at.plus(Duration::from_millis(2_500)));
    });
    finds("I6", |h| {
        let place = sighting(h, 0, FIRST + 900);
        h.clients[0].seen.truncate(place);
    });
    finds("I6", |h| h.clients[0].seen.remove(0).at = at(0));
}

#[test]
fn a_delay_is_excused_by_what_delays_and_by_nothing_else() {
    let late = |h: &mut History| {
        let seen = h.clients[0].seen.iter_mut().filter(|s| s.at >= at(15_500));
        seen.for_each(|s| s.at = s.at.plus(Duration::from_millis(2_500)));
    };
    let stopped = |pod| FaultSheet {
        kind: Kind::Stop,
        pod: Some(pod),
        span: span(15_400, 17_500),
        note: String::new(),
    };
    for excuse in [
        Box::new(move |h: &mut History| h.faults.push(stopped(0))) as Box<dyn Fn(&mut History)>,
        Box::new(|h| h.database_away = Spans::new([span(15_400, 17_000)])),
        Box::new(|h| h.starved = Spans::new([span(15_400, 17_500)])),
        Box::new(|h| h.clients[0].stalls.push((0, span(15_400, 17_500)))),
        Box::new(|h| h.clients[0].slow = true),
        Box::new(|h| h.cuts.push(CutSheet { at: at(15_400), pod: 0, peer: 40_000, silent: true })),
    ] {
        let named = broken(|h| {
            late(h);
            excuse(h);
        });
        assert!(!named.contains(&"I6"), "{named:?}");
    }
    for other in [
        Box::new(move |h: &mut History| h.faults.push(stopped(1))) as Box<dyn Fn(&mut History)>,
        Box::new(|h| h.redis_away = Spans::new([span(15_400, 17_000)])),
        Box::new(|h| h.cuts.push(CutSheet { at: at(15_400), pod: 0, peer: 40_001, silent: true })),
    ] {
        finds("I6", |h| {
            late(h);
            other(h);
        });
    }
}

#[test]
fn pipelined_sends_out_of_order_are_found() {
    let swap = |h: &mut History| {
        let (a, b) = (h.clients[0].sends[20].key, h.clients[0].sends[21].key);
        for row in &mut h.books.messages {
            if row.key == a {
                row.key = b;
            } else if row.key == b {
                row.key = a;
            }
        }
    };
    finds("I7", swap);
    let by_rest = broken(|h| {
        swap(h);
        h.clients[0].sends[20].attempts.push(Attempt { at: at(9_000), way: Way::Rest(1), answer: None });
    });
    assert!(!by_rest.contains(&"I7"), "requests over HTTP have no order");
}

#[test]
fn a_history_that_lacks_what_was_acknowledged_is_found() {
    finds("I8", |h| h.clients[0].witnesses[0].found = Some(false));
}

#[test]
fn keys_on_the_wrong_side_are_found() {
    for bubble in [Bubble::OwnUnknown, Bubble::OthersKeyed] {
        finds("I9", |h| {
            let place = sighting(h, 0, 400);
            if let What::Entry { bubble: it, .. } = &mut h.clients[0].seen[place].what {
                *it = bubble;
            }
        });
    }
}

#[test]
fn a_full_run_that_left_something_out_is_found() {
    let history = good();
    let mut verdict = judge(&history);
    demand_everything(&history, &mut verdict);
    let missing: Vec<_> = verdict.violations.iter().map(|violation| violation.what.as_str()).collect();
    assert!(missing.iter().any(|what| what.contains("I14")), "{missing:?}");
    assert!(missing.iter().any(|what| what.contains("redis-kill")), "{missing:?}");
    // Of one promise no more than twenty proofs are kept.
    let mut verdict = judge(&history);
    verdict.figures.redis_back = Times::default();
    demand_everything(&history, &mut verdict);
    assert!(verdict.violations.iter().any(|violation| violation.what.contains("after Redis came back")));
}

#[test]
fn a_drain_that_hurts_is_found() {
    finds("I16", |h| {
        h.lives[1].ended = Some((at(9_000), End::Drained { code: Some(1), took: Duration::ZERO }))
    });
    finds("I16", |h| {
        h.lives[1].ended = Some((at(9_000), End::Drained { code: None, took: Duration::from_secs(30) }))
    });
    finds("I11", |h| h.clients[0].sockets[0].ended = Some((at(1_010), Ending::Closed(4_302))));
    finds("crash", |h| h.lives[1].ended = Some((at(9_000), End::Died)));
    finds("I16", |h| {
        h.clients[0].wrongs.push(Wrong {
            at: at(9_000),
            promise: "I16",
            what: "closed with 4000".to_owned(),
        });
    });
}

#[test]
fn entries_that_nobody_asked_for_are_found() {
    finds("I22", |h| {
        let seq = FIRST + MESSAGES;
        let kind = "presence".to_owned();
        h.books.log.push(LogRow { room: ROOM, seq, kind, message: None, user: None, data: None });
    });
}

#[test]
fn counters_that_lie_are_found() {
    finds("I23", |h| h.census = Some(Census { at: at(5_500), counted: 351, rows: 350 }));
    finds("I23", |h| h.scrapes[2].committed += 1);
    finds("I23", |h| h.scrapes[2].committed -= 400);
    let killed = broken(|h| {
        // What a killed process counted after it was last read is gone with it.
        h.lives[0].ended = Some((at(16_050), End::Killed));
        h.scrapes[2] = Scrape { at: at(15_000), pod: 0, committed: MESSAGES - 100 };
    });
    assert!(!killed.contains(&"I23"), "{killed:?}");
}

#[test]
fn what_stays_in_the_outbox_is_found() {
    finds("I25", |h| h.waiting.push(Waiting { row: waiting(5), span: span(14_000, 18_500) }));
    let away = broken(|h| h.redis_away = Spans::new([span(6_000, 7_500), span(14_000, 16_000)]));
    assert!(!away.contains(&"I25"), "{away:?}");
}

#[test]
fn what_never_came_to_an_end_is_said() {
    finds("progress", |h| h.unsettled.push("somebody".to_owned()));
}

/// Alice goes at 9 s and comes back 32 s later; Bob watches from a socket that stays.
fn absence(told: Option<u64>) -> impl FnOnce(&mut History) {
    move |h: &mut History| {
        h.end = at(60_000);
        h.faults.clear();
        h.clients[0].absences.push(span(9_000, 41_000));
        h.clients[0].sockets[0].ended = Some((at(9_000), Ending::Cut("killed".to_owned())));
        let glimpse = |millis, online| Glimpse { at: at(millis), socket: 1, client: 0, online };
        h.clients[BOB].glimpses.push(glimpse(8_600, true));
        h.clients[BOB].glimpses.extend(told.map(|millis| glimpse(millis, false)));
    }
}

#[test]
fn ghosts_are_found_and_so_is_a_goodbye_of_someone_who_is_there() {
    finds("I14", absence(None));
    finds("I14", absence(Some(40_000)));
    let in_time = broken(absence(Some(30_000)));
    assert!(!in_time.contains(&"I14"), "{in_time:?}");
    finds("I14", |h| {
        h.faults.clear();
        h.clients[BOB].glimpses.push(Glimpse { at: at(30_000), socket: 1, client: CAROL, online: false });
    });
}

#[test]
fn a_ghost_is_found_after_a_minute_whatever_else_went_wrong() {
    let shown = |online| {
        move |h: &mut History| {
            h.end = at(90_000);
            h.clients[0].absences.push(span(9_000, 85_000));
            h.clients[0].sockets[0].ended = Some((at(9_000), Ending::Cut("killed".to_owned())));
            h.clients[BOB].glimpses.push(Glimpse { at: at(75_000), socket: 1, client: 0, online });
        }
    };
    finds("I14", shown(true));
    let well = broken(shown(false));
    assert!(!well.contains(&"I14"), "{well:?}");
}
