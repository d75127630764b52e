//! What clients saw, as sequences: I4, I5, I7, I9, and holes on one socket (I6).

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{Facts, Verdict, Violation};
use crate::torture::history::History;
use crate::torture::moment::Moment;
use crate::torture::record::{self, Bubble, ClientSheet, Sighting, Way, What};

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    // What the first client saw at each place: I5.
    let mut first: Vec<HashMap<u64, (u64, usize)>> = vec![HashMap::new(); history.rooms.len()];
    for (client, sheet) in history.clients.iter().enumerate() {
        sockets(client, sheet, verdict);
        let (last, words) = (BTreeMap::new(), BTreeMap::new());
        let mut reader = Reader { client, sheet, facts, last, words };
        for sighting in &sheet.seen {
            reader.begins_late(history, sighting);
            reader.apply(sighting, history, &mut first, verdict);
        }
        reader.end(history, verdict);
        pipelined(client, sheet, facts, verdict);
    }
}

/// On one socket the numbers of a room rise by one, from where the server said they would begin.
fn sockets(client: usize, sheet: &ClientSheet, verdict: &mut Verdict) {
    let mut expected: HashMap<(u32, u32), Option<u64>> = HashMap::new();
    for sighting in &sheet.seen {
        let Sighting { at, socket, room, what } = *sighting;
        match what {
            What::Subscribed { next, .. } => {
                expected.insert((socket, room), Some(next));
            }
            // What is on its way still comes, and is no promise.
            What::Lowered | What::Reset => {
                expected.insert((socket, room), None);
            }
            What::Lagged { .. } => {}
            What::Entry { seq, .. } => match expected.get_mut(&(socket, room)) {
                Some(Some(next)) => {
                    let wanted = *next;
                    *next = seq + 1;
                    let promise = if seq < wanted { "I4" } else { "I6" };
                    verdict.require(promise, seq == wanted, || {
                        let what = format!(
                            "{}: on socket {socket} in room {room} came {seq} where {wanted} had to come",
                            sheet.name
                        );
                        Violation::new(promise, at, what).of_client(client).of_entry(room as usize, seq)
                    });
                }
                Some(None) => {}
                None => verdict.require("I6", false, || {
                    let what =
                        format!("{}: on socket {socket} came {seq} of room {room}, unasked", sheet.name);
                    Violation::new("I6", at, what).of_client(client).of_entry(room as usize, seq)
                }),
            },
        }
    }
}

/// What is told of an entry that is hidden.
fn hidden() -> u64 {
    record::digest("entry.hidden", Uuid::nil(), Uuid::nil(), "")
}

/// The rule of the SDK: the next number is applied, a smaller one dropped.
struct Reader<'a> {
    client: usize,
    sheet: &'a ClientSheet,
    facts: &'a Facts<'a>,
    last: BTreeMap<u32, u64>,
    /// What it shows of each message, by room.
    words: BTreeMap<u32, BTreeMap<Uuid, u64>>,
}

impl Reader<'_> {
    /// Who sees nothing from before he joined begins where the answer says, with nothing.
    fn begins_late(&mut self, history: &History, sighting: &Sighting) {
        if let What::Subscribed { next, reset: true, .. } = sighting.what
            && history.rooms.get(sighting.room as usize).is_some_and(|room| room.since_joined)
        {
            let last = self.last.entry(sighting.room).or_default();
            *last = (*last).max(next - 1);
            self.words.remove(&sighting.room);
        }
    }

    fn apply(
        &mut self,
        sighting: &Sighting,
        history: &History,
        first: &mut [HashMap<u64, (u64, usize)>],
        verdict: &mut Verdict,
    ) {
        let Sighting { at, room, what, .. } = *sighting;
        let What::Entry { seq, digest, said, bubble } = what else { return };
        let (client, name) = (self.client, &self.sheet.name);
        let blame =
            |promise, what| Violation::new(promise, at, what).of_client(client).of_entry(room as usize, seq);
        match bubble {
            Bubble::None | Bubble::Others => {}
            Bubble::Own => verdict.checked("I9", 1),
            Bubble::OwnUnknown => verdict
                .broken(blame("I9", format!("{name}: its own {seq} of room {room} came without its key"))),
            Bubble::OthersKeyed => {
                verdict
                    .broken(blame("I9", format!("{name}: {seq} of room {room} carries somebody else's key")));
            }
        }
        // Once or twice, early or late: it never says what was no longer said when it was written.
        let entry = self.facts.entry(room as usize, seq);
        let is_hidden = history
            .rooms
            .get(room as usize)
            .is_some_and(|sheet| self.facts.hides(sheet, room as usize, client, seq));
        let message = entry.and_then(|entry| entry.message).filter(|_| !is_hidden);
        if is_hidden {
            verdict.require("I10", digest == hidden(), || {
                blame("I10", format!("{name}: {seq} of room {room} tells of a message from before it came"))
            });
        }
        if let Some(message) = message {
            let is_true = self.facts.versions.get(&message).is_some_and(|it| it.may_say(seq, said));
            verdict.require("I4", is_true, || {
                blame(
                    "I4",
                    format!("{name}: {seq} of room {room} brought words that {message} did not have then"),
                )
            });
        }
        let last = self.last.entry(room).or_default();
        if seq != *last + 1 {
            return;
        }
        *last = seq;
        if let Some(message) = message {
            self.words.entry(room).or_default().insert(message, said);
        }
        if is_hidden {
            return;
        }
        let stored = entry.and_then(|entry| entry.digest);
        verdict.require("I4", stored == Some(digest), || {
            blame("I4", format!("{name}: what came as {seq} of room {room} is not what is stored there"))
        });
        let Some(first) = first.get_mut(room as usize) else { return };
        let (same, by) = *first.entry(seq).or_insert((digest, client));
        verdict.require("I5", same == digest, || {
            blame("I5", format!("{name} saw something else as {seq} of room {room} than client {by}"))
        });
    }

    /// I4: what came of all entries, one after the other, is what is stored.
    fn shows(&self, room: usize, history: &History, verdict: &mut Verdict) {
        let words = u32::try_from(room).ok().and_then(|room| self.words.get(&room));
        for (message, shown) in words.into_iter().flatten() {
            let right = self.facts.versions.get(message).is_some_and(|it| it.last() == Some(*shown));
            verdict.require("I4", right, || {
                let what = format!(
                    "{} shows in the end of {message} in room {room} what it does not say any more",
                    self.sheet.name
                );
                let seq = self.facts.messages.get(message).map_or(0, |row| row.seq);
                Violation::new("I4", history.end, what).of_client(self.client).of_entry(room, seq)
            });
        }
    }

    /// I4: in the end everything is there.
    fn end(&self, history: &History, verdict: &mut Verdict) {
        for (room, sheet) in history.rooms.iter().enumerate() {
            let is_in = history.books.members.contains(&(sheet.id, self.sheet.user));
            let is_due =
                sheet.members.contains(&self.client) || (sheet.guests.contains(&self.client) && is_in);
            if !is_due {
                continue;
            }
            let stored = self.facts.rooms[room].iter().filter(|entry| entry.digest.is_some()).count() as u64;
            let last = u32::try_from(room).ok().and_then(|room| self.last.get(&room)).copied().unwrap_or(0);
            verdict.require("I4", last == stored, || {
                let what = format!("{} has {last} of {stored} entries of room {room}", self.sheet.name);
                let violation = Violation::new("I4", history.end, what).of_client(self.client);
                violation.of_entry(room, last + 1)
            });
            if last == stored {
                self.shows(room, history, verdict);
            }
        }
    }
}

/// I7: what was sent over sockets only, first on the same one, has numbers in the order of sending.
fn pipelined(client: usize, sheet: &ClientSheet, facts: &Facts<'_>, verdict: &mut Verdict) {
    let mut last: BTreeMap<(usize, usize), (u64, Moment)> = BTreeMap::new();
    for send in &sheet.sends {
        let mut ways = send.attempts.iter().map(|attempt| attempt.way);
        let Some(Way::Socket(socket)) = ways.next() else { continue };
        if ways.any(|way| matches!(way, Way::Rest(_))) {
            continue;
        }
        let Some(row) = facts.by_key.get(&(sheet.user, send.key)) else { continue };
        let at = send.attempts.first().map_or(send.composed, |attempt| attempt.at);
        if let Some((before, _)) = last.insert((socket, send.room), (row.seq, at)) {
            verdict.require("I7", before < row.seq, || {
                let what = format!(
                    "{}: on socket {socket} to room {} {} was sent after what got {before}, and got {}",
                    sheet.name, send.room, send.key, row.seq
                );
                let violation = Violation::new("I7", at, what).of_client(client).of_key(send.key);
                violation.of_entry(send.room, row.seq)
            });
        }
    }
}
