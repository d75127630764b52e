//! People who come and go.
#![cfg(test)]

use uuid::Uuid;

use super::scene::{USERS, at, good};
use crate::torture::books::{LogRow, MessageRow, RoomCount};
use crate::torture::deeds::{Act, ActSheet, LookSheet, Outcome};
use crate::torture::history::History;
use crate::torture::judge::judge;
use crate::torture::record::{Bubble, RoomSheet, Sighting, What, digest, said};

const LIVELY: Uuid = Uuid::from_u128(77);
const OWNER: usize = 0;
/// Bob, by his second socket.
const GUEST: usize = 1;

/// Of each entry of the lively room when it was committed, of what kind it is, and of whom.
const LOG: [(u64, &str, usize); 7] = [
    (9_000, "member.joined", OWNER),
    (9_100, "member.joined", GUEST),
    (9_200, "member.left", GUEST),
    (9_300, "member.banned", GUEST),
    (9_400, "member.unbanned", GUEST),
    (12_500, "member.joined", GUEST),
    (12_600, "member.left", GUEST),
];

fn row(seq: usize) -> LogRow {
    let (_, kind, who) = LOG[seq - 1];
    let data = (kind == "member.left" && seq == 3).then(|| "{\"by\":\"x\",\"banned\":false}".to_owned());
    let user = Some(USERS[who]);
    LogRow { room: LIVELY, seq: seq as u64, kind: kind.to_owned(), message: None, user, data }
}

fn see(history: &mut History, client: usize, millis: u64, what: What) {
    let socket = u32::from(client == GUEST);
    let sheet = &mut history.clients[client];
    let later = sheet.seen.iter().position(|s| s.at > at(millis)).unwrap_or(sheet.seen.len());
    sheet.seen.insert(later, Sighting { at: at(millis), socket, room: 1, what });
}

fn entry(seq: usize) -> What {
    let (_, kind, who) = LOG[seq - 1];
    let digest = digest(kind, Uuid::nil(), USERS[who], "");
    What::Entry { seq: seq as u64, digest, said: said("", false), bubble: Bubble::None }
}

fn act(what: Act, millis: u64, outcome: Outcome) -> ActSheet {
    let (asked, answered) = (at(millis - 20), at(millis + 5));
    ActSheet { room: 1, guest: GUEST, what, pod: 0, asked, answered, outcome }
}

const DONE: Outcome = Outcome::Done { seq: None, duplicate: false };

/// The good history with a lively room: a guest is let in, put out, banned, let in and goes.
fn visited(since_joined: bool) -> History {
    let mut h = good();
    h.rooms.push(RoomSheet { id: LIVELY, members: vec![OWNER], guests: vec![GUEST], since_joined });
    h.heads.iter_mut().for_each(|(at_, heads)| heads.push(if *at_ < at(15_000) { 0 } else { 7 }));
    h.books.log.extend((1..=LOG.len()).map(row));
    h.books.members.insert((LIVELY, USERS[OWNER]));
    h.counts.push(RoomCount { room: LIVELY, head: 7, first: 1, rows: 7, least: 1, greatest: 7 });
    see(&mut h, OWNER, 8_900, What::Subscribed { next: 1, live: true, reset: false });
    for seq in 1..=LOG.len() {
        see(&mut h, OWNER, LOG[seq - 1].0 + 5, entry(seq));
    }
    let begin = What::Subscribed { next: if since_joined { 3 } else { 1 }, live: true, reset: since_joined };
    see(&mut h, GUEST, 9_110, begin);
    if !since_joined {
        see(&mut h, GUEST, 9_120, entry(1));
        see(&mut h, GUEST, 9_121, entry(2));
    }
    see(&mut h, GUEST, 9_205, What::Reset);
    let begin = What::Subscribed { next: if since_joined { 7 } else { 3 }, live: true, reset: since_joined };
    see(&mut h, GUEST, 12_510, begin);
    if !since_joined {
        (3..=6).for_each(|seq| see(&mut h, GUEST, 12_520, entry(seq)));
    }
    see(&mut h, GUEST, 12_605, What::Reset);
    let banned = Outcome::Refused { code: "forbidden".to_owned(), retryable: false };
    h.acts = vec![
        act(Act::Add, 9_100, DONE),
        act(Act::Remove, 9_200, DONE),
        act(Act::Ban, 9_300, DONE),
        act(Act::Join, 9_350, banned),
        act(Act::Unban, 9_400, DONE),
        act(Act::Join, 12_500, DONE),
        act(Act::Leave, 12_600, DONE),
    ];
    // A message before the second joining shows that it had not come by then.
    let look = |client, seen| LookSheet { room: 1, client, at: at(20_000), seen };
    h.looks = vec![look(OWNER, Ok(Vec::new())), look(GUEST, Err("notMember".to_owned()))];
    h
}

fn broken(since_joined: bool, spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
    let mut history = visited(since_joined);
    spoil(&mut history);
    judge(&history).named().collect()
}

#[track_caller]
fn finds(promise: &str, since_joined: bool, spoil: impl FnOnce(&mut History)) {
    let named = broken(since_joined, spoil);
    assert!(named.contains(&promise), "{promise} is not among {named:?}");
}

#[test]
fn comings_and_goings_that_are_in_order_pass() {
    for since_joined in [false, true] {
        let verdict = judge(&visited(since_joined));
        assert!(verdict.holds(), "{since_joined}: {:?}", verdict.violations);
        assert!(verdict.tallies["I10"].checked > 0);
    }
}

#[test]
fn an_entry_of_after_the_leaving_is_found() {
    finds("I10", false, |h| see(h, GUEST, 16_000, entry(7)));
    finds("I10", true, |h| see(h, GUEST, 9_210, entry(4)));
}

#[test]
fn an_entry_of_before_the_joining_is_found_where_it_is_hidden() {
    finds("I10", true, |h| see(h, GUEST, 12_550, entry(5)));
    let shown = broken(false, |h| see(h, GUEST, 12_550, entry(5)));
    assert!(!shown.contains(&"I10"), "{shown:?}");
}

#[test]
fn an_entry_that_came_before_its_reader_is_found() {
    use crate::torture::deeds::{DeedSheet, Doing};
    use crate::torture::record::Way;
    // Somebody asked for what is the fifth entry at 12 s, so the sixth came after that.
    let asked_late = |h: &mut History| {
        let answer = Some((at(12_400), Outcome::Done { seq: Some(5), duplicate: false }));
        let (what, way) = (Doing::Delete, Way::Socket(0));
        let message = Uuid::from_u128(1);
        h.clients[0].deeds.push(DeedSheet { room: 1, message, what, way, asked: at(12_000), answer });
    };
    finds("I10", false, |h| {
        asked_late(h);
        see(h, GUEST, 11_000, entry(4));
    });
    let in_time = broken(false, |h| {
        asked_late(h);
        see(h, GUEST, 12_550, entry(4));
    });
    assert!(!in_time.contains(&"I10"), "{in_time:?}");
}

#[test]
fn what_still_comes_long_after_somebody_was_put_out_is_found() {
    finds("I10", false, |h| see(h, GUEST, 15_000, entry(6)));
    finds("I10", false, |h| {
        see(h, GUEST, 15_000, What::Subscribed { next: 7, live: true, reset: false });
    });
    let on_its_way = broken(false, |h| see(h, GUEST, 13_000, entry(6)));
    assert!(!on_its_way.contains(&"I10"), "{on_its_way:?}");
}

#[test]
fn who_is_in_and_misses_something_is_found() {
    let stays = |h: &mut History| {
        // He did not go in the end.
        h.books.log.retain(|row| row.room != LIVELY || row.seq != 7);
        h.acts.pop();
        h.books.members.insert((LIVELY, USERS[GUEST]));
        h.counts[1] = RoomCount { room: LIVELY, head: 6, first: 1, rows: 6, least: 1, greatest: 6 };
        h.clients[OWNER].seen.retain(|s| s.room != 1 || !matches!(s.what, What::Entry { seq: 7, .. }));
        h.clients[GUEST].seen.retain(|s| s.room != 1 || s.at < at(12_600) || s.what != What::Reset);
        h.heads[1].1[1] = 6;
        h.looks[1].seen = Ok(Vec::new());
    };
    for since_joined in [false, true] {
        let whole = broken(since_joined, stays);
        assert!(whole.is_empty(), "{whole:?}");
    }
    finds("I4", false, |h| {
        stays(h);
        h.clients[GUEST].seen.retain(|s| s.room != 1 || s.at < at(12_000));
    });
    finds("I8", false, |h| {
        stays(h);
        h.looks[1].seen = Err("notMember".to_owned());
    });
}

#[test]
fn a_history_that_is_shown_to_who_is_outside_is_found() {
    finds("I10", false, |h| h.looks[1].seen = Ok(Vec::new()));
    finds("I10", false, |h| h.looks[1].seen = Err("internal".to_owned()));
}

#[test]
fn acts_that_are_not_what_the_log_tells_are_found() {
    // Acknowledged, and nowhere.
    finds("I1", false, |h| h.acts.push(act(Act::Add, 14_000, DONE)));
    // Told, and nobody did it.
    finds("I22", false, |h| drop(h.acts.remove(2)));
    // Refused, and done all the same.
    finds("I22", false, |h| {
        h.acts[2].outcome = Outcome::Refused { code: "forbidden".to_owned(), retryable: false };
    });
    // The table says something else.
    finds("I1", false, |h| {
        h.books.members.insert((LIVELY, USERS[GUEST]));
    });
    finds("I22", false, |h| h.books.log.last_mut().expect("a row").user = Some(Uuid::from_u128(5)));
    let open = broken(false, |h| h.acts[2].outcome = Outcome::Failed("cut".to_owned()));
    assert!(open.is_empty(), "{open:?}");
}

/// What is said of an entry to who may not know what it is about.
fn hidden(seq: u64) -> What {
    let digest = digest("entry.hidden", Uuid::nil(), Uuid::nil(), "");
    What::Entry { seq, digest, said: said("", false), bubble: Bubble::None }
}

/// He stays, and then a message is deleted that was sent before he came in again.
fn deletes_an_old_one(h: &mut History) -> What {
    let (id, author) = (Uuid::from_u128(501), USERS[OWNER]);
    let old = MessageRow { id, room: LIVELY, seq: 5, is_deleted: true, ..h.books.messages[0].clone() };
    h.books.messages.push(MessageRow { author, key: Uuid::from_u128(502), ..old });
    let last = h.books.log.last_mut().expect("a row");
    (last.kind, last.message, last.user) = ("message.deleted".to_owned(), Some(id), None);
    h.books.members.insert((LIVELY, USERS[GUEST]));
    h.clients[GUEST].seen.retain(|s| s.room != 1 || s.at < at(12_600) || s.what != What::Reset);
    let digest = digest("message.deleted", id, author, "");
    What::Entry { seq: 7, digest, said: said("", true), bubble: Bubble::None }
}

#[test]
fn what_is_told_of_a_message_from_before_the_joining_is_found() {
    finds("I10", true, |h| {
        let told = deletes_an_old_one(h);
        see(h, GUEST, 12_610, told);
    });
    let kept = broken(true, |h| {
        deletes_an_old_one(h);
        see(h, GUEST, 12_610, hidden(7));
    });
    // The owner is told, and the scene does not say it.
    assert!(!kept.contains(&"I10"), "{kept:?}");
    finds("I4", false, |h| {
        deletes_an_old_one(h);
        see(h, GUEST, 12_610, hidden(7));
    });
}
