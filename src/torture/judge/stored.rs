//! What is in the tables: I1, I2, I3, I22.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Facts, Verdict, Violation};
use crate::torture::history::History;
use crate::torture::record::{Answer, PROBE, SendSheet, said};

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    acknowledged(history, facts, verdict);
    gapless(history, verdict);
    keys(history, facts, verdict);
    probes(history, facts, verdict);
    entries(history, verdict);
}

/// I1: what was acknowledged is stored as it was told.
fn acknowledged(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    for (client, sheet) in history.clients.iter().enumerate() {
        for send in &sheet.sends {
            for attempt in &send.attempts {
                let Some((at, Answer::Stored { id, seq, .. })) = &attempt.answer else { continue };
                let stored = facts.messages.get(id).is_some_and(|row| {
                    row.seq == *seq
                        && row.room == history.rooms[send.room].id
                        && row.author == sheet.user
                        && row.key == send.key
                        && facts.first_words(*id) == Some(said(&send.content, false))
                });
                verdict.require("I1", stored, || {
                    let row = facts.by_key.get(&(sheet.user, send.key));
                    let what = format!(
                        "{} was told by {:?} that {} is stored as {id} at {seq} of room {}, and the table has {row:?}",
                        sheet.name, attempt.way, send.key, send.room
                    );
                    Violation::new("I1", *at, what).of_client(client).of_entry(send.room, *seq).of_key(send.key)
                });
            }
        }
    }
}

/// I2: every log is whole, in the end and in each snapshot on the way.
fn gapless(history: &History, verdict: &mut Verdict) {
    verdict.checked("I2", history.snapshots * history.rooms.len());
    let places = history.places();
    for (at, what) in &history.holes {
        verdict.broken(Violation::new("I2", *at, format!("in a snapshot {what}")));
    }
    for count in &history.counts {
        let wrong = count.wrong();
        verdict.require("I2", wrong.is_none(), || {
            let what = format!("in the end {}", wrong.unwrap_or_default());
            let violation = Violation::new("I2", history.end, what);
            match places.get(&count.room) {
                Some(room) => violation.of_entry(*room, count.head),
                None => violation,
            }
        });
    }
    let mut last: BTreeMap<Uuid, u64> = BTreeMap::new();
    for row in &history.books.log {
        let before = last.insert(row.room, row.seq).unwrap_or(0);
        verdict.require("I2", row.seq == before + 1, || {
            let what = format!("in the log of {} stands {} after {before}", row.room, row.seq);
            let violation = Violation::new("I2", history.end, what);
            match places.get(&row.room) {
                Some(room) => violation.of_entry(*room, row.seq),
                None => violation,
            }
        });
    }
}

/// I3: one key, one row, one answer; and a failed attempt leaves the key free.
fn keys(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let mut rows: BTreeMap<(Uuid, Uuid), usize> = BTreeMap::new();
    for row in &history.books.messages {
        *rows.entry((row.author, row.key)).or_default() += 1;
    }
    let mut composed = BTreeSet::new();
    for (client, sheet) in history.clients.iter().enumerate() {
        for send in &sheet.sends {
            composed.insert((sheet.user, send.key));
            let is_guest = history.rooms[send.room].guests.contains(&client);
            let wrong = wrong_key(send, rows.get(&(sheet.user, send.key)).copied().unwrap_or(0), is_guest);
            verdict.require("I3", wrong.is_none(), || {
                let row = facts.by_key.get(&(sheet.user, send.key));
                let what = format!(
                    "{}: key {}: {}; the table has {row:?}",
                    sheet.name,
                    send.key,
                    wrong.unwrap_or_default()
                );
                let violation = Violation::new("I3", send.composed, what).of_client(client).of_key(send.key);
                row.map_or(violation.clone(), |row| violation.of_entry(send.room, row.seq))
            });
        }
    }
    for row in &history.books.messages {
        verdict.require("I3", composed.contains(&(row.author, row.key)), || {
            Violation::new("I3", history.end, format!("nobody composed {row:?}"))
        });
    }
}

/// What is wrong with the answers to one key, if something is.
fn wrong_key(send: &SendSheet, rows: usize, is_guest: bool) -> Option<String> {
    let answers =
        || send.attempts.iter().filter_map(|attempt| attempt.answer.as_ref().map(|(_, answer)| answer));
    let told: BTreeSet<(Uuid, u64)> = answers().filter_map(Answer::stored).collect();
    let refused = answers().find_map(|answer| match answer {
        Answer::Refused { code, retryable: false } => Some(code),
        _ => None,
    });
    // A guest who was put out is refused, and what was refused each time is not there.
    if is_guest && told.is_empty() && refused.is_some() {
        let open = |answer: &Option<(_, Answer)>| {
            !matches!(answer, Some((_, Answer::Refused { retryable: false, .. })))
        };
        let is_open = send.attempts.iter().any(|attempt| open(&attempt.answer));
        return (rows > usize::from(is_open)).then(|| format!("it was refused and has {rows} rows"));
    }
    if told.len() > 1 {
        return Some(format!("its answers differ: {told:?}"));
    }
    if rows > 1 {
        return Some(format!("it has {rows} rows"));
    }
    if let Some(code) = refused.filter(|_| !is_guest) {
        return Some(format!("an honest attempt was refused for good: {code}"));
    }
    (rows == 0).then(|| format!("none of {} attempts got it stored", send.attempts.len()))
}

/// I3: a key that is used again for something else is refused, and nothing is written.
fn probes(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    for (client, sheet) in history.clients.iter().enumerate() {
        for probe in &sheet.probes {
            let send = &sheet.sends[probe.send];
            let right = match &probe.answer {
                Answer::Refused { code, retryable } => code == "idempotencyConflict" || *retryable,
                Answer::Failed(_) => continue,
                Answer::Stored { .. } => false,
            };
            let same = facts.by_key.get(&(sheet.user, send.key)).is_none_or(|row| row.content != PROBE);
            verdict.require("I3", right && same, || {
                let what = format!("key {} was used again for another content: {:?}", send.key, probe.answer);
                Violation::new("I3", probe.at, what).of_client(client).of_key(send.key)
            });
        }
    }
}

/// I22: a log has an entry for each member that came in and for each message, and nothing else but
/// what `changed` and `belonging` look at.
fn entries(history: &History, verdict: &mut Verdict) {
    let mut logged: BTreeMap<Uuid, (usize, BTreeSet<Uuid>, usize)> = BTreeMap::new();
    for row in &history.books.log {
        let (joined, messages, others) = logged.entry(row.room).or_default();
        match (row.kind.as_str(), row.message) {
            ("member.joined", _) => *joined += 1,
            ("message.created", Some(message)) if messages.insert(message) => {}
            ("message.updated" | "message.deleted" | "reaction.added" | "reaction.removed", Some(_)) => {}
            ("member.left" | "member.banned" | "member.unbanned", None) => {}
            _ => *others += 1,
        }
    }
    let mut written: BTreeMap<Uuid, usize> = BTreeMap::new();
    for row in &history.books.messages {
        *written.entry(row.room).or_default() += 1;
    }
    for (index, room) in history.rooms.iter().enumerate() {
        let (joined, messages, others) = logged.get(&room.id).cloned().unwrap_or_default();
        let stored = written.get(&room.id).copied().unwrap_or(0);
        let right =
            (joined == room.members.len() || room.is_lively()) && messages.len() == stored && others == 0;
        verdict.require("I22", right, || {
            let what = format!(
                "the log of room {index} has {joined} joinings of {} members, {} of {stored} messages, and {others} \
                 other entries",
                room.members.len(),
                messages.len()
            );
            Violation::new("I22", history.end, what).of_entry(index, 0)
        });
    }
}
