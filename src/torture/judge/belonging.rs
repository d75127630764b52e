//! People who come and go: I10, that nobody sees what is not his; and that who was let in, put out or
//! kept out is so, once (I1, I22).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::aligned::{Step, explains};
use super::timely::{Excuses, HOLE};
use super::{Facts, Verdict, Violation};
use crate::torture::books::LogRow;
use crate::torture::deeds::{Act, ActSheet, Fate};
use crate::torture::history::History;
use crate::torture::moment::Moment;
use crate::torture::record::{Sighting, What};

/// From the joining on, until the leaving if there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    pub from: u64,
    pub to: Option<u64>,
}

impl Stay {
    /// Whether an entry is from while he was in.
    #[must_use]
    pub fn holds(&self, seq: u64) -> bool {
        self.from <= seq && self.lasts_to(seq)
    }

    fn lasts_to(&self, seq: u64) -> bool {
        self.to.is_none_or(|to| seq < to)
    }
}

/// Of each guest of a room, by the indices of both, when he was in, as the log tells it.
#[must_use]
pub fn stays(history: &History) -> BTreeMap<(usize, usize), Vec<Stay>> {
    let clients = clients(history);
    let places = history.places();
    let mut stays: BTreeMap<(usize, usize), Vec<Stay>> = BTreeMap::new();
    for row in &history.books.log {
        let place = places.get(&row.room).copied().filter(|room| history.rooms[*room].is_lively());
        let client = row.user.and_then(|user| clients.get(&user)).copied();
        let (Some(room), Some(client)) = (place, client) else { continue };
        let own = stays.entry((room, client)).or_default();
        match row.kind.as_str() {
            "member.joined" => own.push(Stay { from: row.seq, to: None }),
            "member.left" => {
                if let Some(last) = own.last_mut().filter(|last| last.to.is_none()) {
                    last.to = Some(row.seq);
                }
            }
            _ => {}
        }
    }
    stays
}

fn clients(history: &History) -> BTreeMap<Uuid, usize> {
    history.clients.iter().enumerate().map(|(client, sheet)| (sheet.user, client)).collect()
}

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    doors(history, facts, verdict);
    let excuses = Excuses::new(history);
    for (room, sheet) in history.rooms.iter().enumerate().filter(|(_, sheet)| sheet.is_lively()) {
        let not_before = not_before(history, facts, room);
        for guest in &sheet.guests {
            let stays = facts.stays.get(&(room, *guest)).map(Vec::as_slice).unwrap_or_default();
            let view = View { history, facts, room, guest: *guest, stays, not_before: &not_before };
            view.judge(&excuses, verdict);
        }
    }
}

/// Kinds of what happens at a door.
fn class_of_row(row: &LogRow) -> Option<usize> {
    let is_ban = row.data.as_deref().is_some_and(|data| data.contains("\"banned\":true"));
    match row.kind.as_str() {
        "member.joined" => Some(0),
        "member.left" if !is_ban => Some(1),
        "member.left" | "member.banned" => Some(2),
        "member.unbanned" => Some(3),
        _ => None,
    }
}

const fn class_of_act(act: Act) -> usize {
    match act {
        Act::Add | Act::Join => 0,
        Act::Leave | Act::Remove => 1,
        Act::Ban => 2,
        Act::Unban => 3,
    }
}

/// I1, I22: what the log of a room tells of its people is what was done at its door.
fn doors(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let (clients, places) = (clients(history), history.places());
    let mut rows: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for row in &history.books.log {
        let place = places.get(&row.room).copied().filter(|room| history.rooms[*room].is_lively());
        let (Some(room), Some(class)) = (place, class_of_row(row)) else { continue };
        let client = row.user.and_then(|user| clients.get(&user)).copied();
        let known = client.filter(|client| history.rooms[room].knows(*client));
        verdict.require("I22", known.is_some(), || {
            let what =
                format!("{} at {} of room {room} is of nobody who has to do with it", row.kind, row.seq);
            Violation::new("I22", history.end, what).of_entry(room, row.seq)
        });
        rows.entry((room, known.unwrap_or(usize::MAX))).or_default().push(class);
    }
    for (room, sheet) in history.rooms.iter().enumerate().filter(|(_, sheet)| sheet.is_lively()) {
        for owner in &sheet.members {
            let right = rows.get(&(room, *owner)).is_some_and(|rows| rows == &[0]);
            verdict.require("I22", right, || {
                let what = format!("the owner of room {room} came in otherwise than once");
                Violation::new("I22", history.end, what).of_client(*owner).of_entry(room, 1)
            });
        }
        for guest in &sheet.guests {
            let acts = || history.acts.iter().filter(|act| act.room == room && act.guest == *guest);
            let step = |act: &ActSheet| Step { class: class_of_act(act.what), fate: act.outcome.fate() };
            let steps: Vec<Step> = acts().map(step).collect();
            let rows = rows.get(&(room, *guest)).map(Vec::as_slice).unwrap_or_default();
            let done = steps.iter().filter(|step| step.fate == Fate::Done).count();
            let promise = if rows.len() < done { "I1" } else { "I22" };
            let name = || &history.clients[*guest].name;
            verdict.require(promise, explains(&steps, rows), || {
                let done: Vec<_> =
                    acts().map(|act| (act.what, act.pod, act.asked, act.answered, &act.outcome)).collect();
                let what = format!("{} at the door of room {room}: done is {done:?}, told {rows:?}", name());
                Violation::new(promise, history.end, what).of_client(*guest).of_entry(room, 0)
            });
            let stays = facts.stays.get(&(room, *guest)).map(Vec::as_slice).unwrap_or_default();
            let is_in = stays.last().is_some_and(|last| last.to.is_none());
            let stored = history.books.members.contains(&(sheet.id, history.clients[*guest].user));
            verdict.require("I1", is_in == stored, || {
                let what = format!("{} in room {room}: in by the log {is_in}, by the table {stored}", name());
                Violation::new("I1", history.end, what).of_client(*guest).of_entry(room, 0)
            });
        }
    }
}

/// For each entry of a room the latest moment at which it was surely not committed: something before it
/// in the log was not even asked for.
fn not_before(history: &History, facts: &Facts<'_>, room: usize) -> Vec<Moment> {
    let mut asked = vec![Moment::START; facts.rooms[room].len()];
    let mut note = |seq: u64, at: Moment| {
        let place = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        if let Some(asked) = place.and_then(|place| asked.get_mut(place)) {
            *asked = (*asked).max(at);
        }
    };
    for sheet in &history.clients {
        for send in sheet.sends.iter().filter(|send| send.room == room) {
            if let Some(row) = facts.by_key.get(&(sheet.user, send.key)) {
                note(row.seq, send.composed);
            }
        }
        for deed in sheet.deeds.iter().filter(|deed| deed.room == room) {
            if let Some(seq) = deed.seq() {
                note(seq, deed.asked);
            }
        }
    }
    let mut latest = Moment::START;
    for asked in &mut asked {
        latest = latest.max(*asked);
        *asked = latest;
    }
    asked
}

/// What one guest saw of one room.
struct View<'a> {
    history: &'a History,
    facts: &'a Facts<'a>,
    room: usize,
    guest: usize,
    stays: &'a [Stay],
    not_before: &'a [Moment],
}

impl View<'_> {
    fn judge(&self, excuses: &Excuses, verdict: &mut Verdict) {
        let sheet = &self.history.clients[self.guest];
        let here = sheet.seen.iter().filter(|sighting| sighting.room as usize == self.room);
        for sighting in here {
            if let What::Entry { seq, .. } = sighting.what {
                verdict.require("I10", self.may_see(seq, sighting.at), || {
                    let what = format!(
                        "{} saw {seq} of room {} at {}, and was in {:?}",
                        sheet.name, self.room, sighting.at, self.stays
                    );
                    Violation::new("I10", sighting.at, what).of_client(self.guest).of_entry(self.room, seq)
                });
            }
            self.in_time(sighting, excuses, verdict);
        }
    }

    /// When an entry was surely not committed yet.
    fn before(&self, seq: u64) -> Moment {
        let place = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        place.and_then(|place| self.not_before.get(place)).copied().unwrap_or(Moment::START)
    }

    /// Whether some stay allows it: one that had begun by then, and lasted to the entry; and in a room
    /// that shows nothing from before it, one that began before the entry.
    fn may_see(&self, seq: u64, at: Moment) -> bool {
        let since = self.history.rooms[self.room].since_joined;
        self.stays
            .iter()
            .any(|stay| stay.lasts_to(seq) && at >= self.before(stay.from) && (!since || stay.from <= seq))
    }

    /// Nothing at all of the room comes later than two seconds after somebody was put out, until he
    /// may be back.
    fn in_time(&self, sighting: &Sighting, excuses: &Excuses, verdict: &mut Verdict) {
        if !matches!(sighting.what, What::Entry { .. } | What::Subscribed { .. }) {
            return;
        }
        let at = sighting.at;
        for (n, stay) in self.stays.iter().enumerate() {
            let Some(to) = stay.to else { continue };
            let Some(out) = self.facts.entry(self.room, to).map(|entry| entry.commit) else { continue };
            let back = self.stays.get(n + 1).map_or(Moment::END, |next| self.before(next.from));
            if at <= out || at >= back {
                continue;
            }
            let excuses = excuses.of(self.history, self.guest, sighting.socket as usize);
            let late = at.since(excuses.restart(out, at));
            verdict.require("I10", late <= self.history.bound(HOLE), || {
                let what = format!(
                    "{} got {:?} of room {} at {at}, {late:?} after it was out by {to}",
                    self.history.clients[self.guest].name, sighting.what, self.room
                );
                Violation::new("I10", at, what).of_client(self.guest).of_entry(self.room, to)
            });
        }
    }
}
