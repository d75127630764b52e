//! Edits, deletions and reactions: what all is well looks like, and each thing that is not.
#![cfg(test)]

use uuid::Uuid;

use super::scene::{BOB, FIRST, MESSAGES, ROOM, USERS, at, good};
use crate::torture::books::{LogRow, ReactionRow};
use crate::torture::deeds::{DeedSheet, Doing, LookSheet, Outcome, Shown};
use crate::torture::history::History;
use crate::torture::judge::judge;
use crate::torture::record::{Bubble, Sighting, Way, What, digest, said};

/// Alice's messages that she changes: edits and then deletes the first, edits the second.
const DELETED: usize = 0;
const EDITED: usize = 1;

fn done(seq: u64) -> Option<Outcome> {
    Some(Outcome::Done { seq: Some(seq), duplicate: false })
}

/// One more entry, seen by everybody, and the deed that it comes of.
fn enter(history: &mut History, client: usize, message: usize, what: Doing, seq: u64) {
    let row = history.books.messages[message].clone();
    let (user, sign) = match what.sign() {
        "" => (None, ""),
        sign => (Some(USERS[client]), sign),
    };
    history.books.log.push(LogRow {
        room: ROOM,
        seq,
        kind: what.kind().to_owned(),
        message: Some(row.id),
        user,
        data: (!sign.is_empty()).then(|| sign.to_owned()),
    });
    let count = &mut history.counts[0];
    (count.head, count.rows, count.greatest) = (seq, seq, seq);
    let words = match &what {
        Doing::Edit(content) => {
            history.books.messages[message].content = content.clone();
            said(content, false)
        }
        Doing::Delete => {
            history.books.messages[message].is_deleted = true;
            said("", true)
        }
        _ => said("", false),
    };
    let digest = digest(what.kind(), row.id, user.unwrap_or(row.author), sign);
    let what_came = What::Entry { seq, digest, said: words, bubble: Bubble::None };
    for (index, sheet) in history.clients.iter_mut().enumerate() {
        let socket = u32::from(index == BOB);
        sheet.seen.push(Sighting { at: at(16_050), socket, room: 0, what: what_came });
    }
    let answer = done(seq).map(|outcome| (at(16_040), outcome));
    let deed = DeedSheet { room: 0, message: row.id, what, way: Way::Socket(0), asked: at(16_010), answer };
    history.clients[client].deeds.push(deed);
}

/// The good history, in which some things are changed at the end.
fn changed() -> History {
    let mut history = good();
    let mut seq = FIRST + MESSAGES - 1;
    let mut next = || {
        seq += 1;
        seq
    };
    enter(&mut history, 0, DELETED, Doing::Edit("first".to_owned()), next());
    enter(&mut history, 0, DELETED, Doing::Edit("second".to_owned()), next());
    enter(&mut history, BOB, EDITED, Doing::React("👍"), next());
    enter(&mut history, BOB, EDITED, Doing::Unreact("👍"), next());
    enter(&mut history, BOB, EDITED, Doing::React("👍"), next());
    enter(&mut history, 0, DELETED, Doing::Delete, next());
    enter(&mut history, 0, EDITED, Doing::Edit("another".to_owned()), next());
    let message = history.books.messages[EDITED].id;
    history.books.reactions.push(ReactionRow { message, user: USERS[BOB], sign: "👍".to_owned() });
    // Refused: without effect.
    let code = "forbidden".to_owned();
    let answer = Some((at(16_060), Outcome::Refused { code, retryable: false }));
    let what = Doing::Edit("not mine".to_owned());
    let deed = DeedSheet { room: 0, message, what, way: Way::Rest(0), asked: at(16_050), answer };
    history.clients[BOB].deeds.push(deed);
    let mut seen: Vec<Shown> = history.books.messages.iter().map(|row| shown(&history, row.id)).collect();
    seen.reverse();
    history.looks.push(LookSheet { room: 0, client: 0, at: at(20_000), seen: Ok(seen) });
    history
}

fn shown(history: &History, id: Uuid) -> Shown {
    let row = history.books.messages.iter().find(|row| row.id == id).expect("stored");
    let own = history.books.reactions.iter().filter(|reaction| reaction.message == id);
    let reactions = own.map(|reaction| (reaction.sign.clone(), 1)).collect();
    Shown { id, seq: row.seq, said: said(&row.content, row.is_deleted), reactions }
}

fn broken(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
    let mut history = changed();
    spoil(&mut history);
    judge(&history).named().collect()
}

#[track_caller]
fn finds(promise: &str, spoil: impl FnOnce(&mut History)) {
    let named = broken(spoil);
    assert!(named.contains(&promise), "{promise} is not among {named:?}");
}

/// The n-th of the entries that were added, from 0.
fn place(n: u64) -> u64 {
    FIRST + MESSAGES + n
}

fn entry(history: &mut History, client: usize, seq: u64) -> &mut What {
    let is_it = |s: &&mut Sighting| matches!(s.what, What::Entry { seq: it, .. } if it == seq);
    &mut history.clients[client].seen.iter_mut().find(is_it).expect("seen").what
}

#[test]
fn changes_that_were_kept_pass() {
    let verdict = judge(&changed());
    assert!(verdict.holds(), "{:?}", verdict.violations);
}

#[test]
fn an_acknowledged_change_that_is_lost_is_found() {
    for n in 0..7 {
        finds("I1", |h| h.books.log.retain(|row| row.seq != place(n)));
    }
    finds("I1", |h| h.books.messages[EDITED].content = "before".to_owned());
    finds("I1", |h| h.books.messages[DELETED].is_deleted = false);
    finds("I1", |h| h.books.reactions.clear());
}

#[test]
fn changes_told_at_a_place_where_they_are_not_are_found() {
    finds("I1", |h| h.clients[0].deeds[0].answer = done(place(1)).map(|outcome| (at(16_040), outcome)));
    finds("I1", |h| {
        let row = h.books.log.iter_mut().find(|row| row.seq == place(6)).expect("there");
        row.kind = "message.deleted".to_owned();
    });
}

#[test]
fn a_change_that_was_made_twice_or_by_nobody_is_found() {
    finds("I22", |h| {
        let again = h.books.log.iter().find(|row| row.seq == place(6)).expect("there").clone();
        h.books.log.push(LogRow { seq: place(7), ..again });
    });
    finds("I22", |h| drop(h.clients[BOB].deeds.remove(0)));
    finds("I22", |h| {
        // A refusal that had an effect all the same.
        let mut refused = h.clients[0].deeds.pop().expect("the last edit");
        let code = "editWindowClosed".to_owned();
        refused.answer = Some((at(16_060), Outcome::Refused { code, retryable: false }));
        h.clients[0].deeds.push(refused);
    });
}

#[test]
fn an_open_change_is_whole_or_not_there() {
    let there = broken(|h| h.clients[0].deeds.last_mut().expect("the last edit").answer = None);
    assert!(there.is_empty(), "{there:?}");
    let unavailable = Outcome::Refused { code: "unavailable".to_owned(), retryable: true };
    let refused = broken(|h| {
        h.clients[0].deeds.last_mut().expect("the last edit").answer = Some((at(16_060), unavailable));
    });
    assert!(refused.is_empty(), "a commit whose answer was lost: {refused:?}");
    let not_there = broken(|h| {
        let message = h.books.messages[3].id;
        let what = Doing::Edit("never".to_owned());
        let asked = at(16_070);
        h.clients[0].deeds.push(DeedSheet {
            room: 0,
            message,
            what,
            way: Way::Socket(0),
            asked,
            answer: None,
        });
    });
    assert!(not_there.is_empty(), "{not_there:?}");
    finds("I1", |h| {
        // Its entry is there and its words are not.
        h.clients[0].deeds.last_mut().expect("the last edit").answer = None;
        h.books.messages[EDITED].content = "no. 1".to_owned();
    });
}

#[test]
fn words_of_another_time_are_found() {
    finds("I4", |h| {
        // An entry that brings what was said before it.
        if let What::Entry { said: words, .. } = entry(h, 0, place(1)) {
            *words = said("first", false);
        }
    });
    finds("I4", |h| {
        if let What::Entry { said: words, .. } = entry(h, BOB, place(5)) {
            *words = said("second", false);
        }
    });
    finds("I4", |h| {
        // The other person's refused edit.
        if let What::Entry { said: words, .. } = entry(h, BOB, place(6)) {
            *words = said("not mine", false);
        }
    });
    let replayed = broken(|h| {
        // Who comes back is told the message as it is now.
        if let What::Entry { said: words, .. } = entry(h, BOB, FIRST) {
            *words = said("", true);
        }
    });
    assert!(replayed.is_empty(), "{replayed:?}");
}

#[test]
fn a_device_that_shows_something_else_in_the_end_is_found() {
    finds("I4", |h| {
        if let What::Entry { said: words, .. } = entry(h, 0, place(6)) {
            *words = said("no. 1", false);
        }
    });
    finds("I4", |h| {
        // A sign that is not the one of the log.
        if let What::Entry { digest: it, .. } = entry(h, 0, place(2)) {
            *it = digest("reaction.added", Uuid::from_u128(10_001), USERS[BOB], "👀");
        }
    });
}

#[test]
fn a_history_that_shows_something_else_is_found() {
    let page = |h: &mut History| h.looks[0].seen.clone().expect("shown");
    finds("I8", |h| {
        let mut seen = page(h);
        seen.remove(5);
        h.looks[0].seen = Ok(seen);
    });
    finds("I8", |h| {
        let mut seen = page(h);
        seen.last_mut().expect("the deleted one").said = said("second", false);
        h.looks[0].seen = Ok(seen);
    });
    finds("I8", |h| {
        let mut seen = page(h);
        seen.iter_mut().for_each(|shown| shown.reactions.clear());
        h.looks[0].seen = Ok(seen);
    });
    finds("I8", |h| {
        let mut seen = page(h);
        seen.swap(3, 4);
        h.looks[0].seen = Ok(seen);
    });
    finds("I8", |h| h.looks[0].seen = Err("notMember".to_owned()));
}
