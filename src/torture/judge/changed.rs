//! Changes of messages: what was acknowledged is in the log, once and in order, and is what is stored
//! in the end; what was refused is nowhere; and what nobody knows of is there whole or not at all. I1
//! for what is lost, I22 for what nobody asked for.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::aligned::{Step, explains};
use super::{Facts, Verdict, Violation};
use crate::torture::books::LogRow;
use crate::torture::deeds::{DeedSheet, Doing, Fate};
use crate::torture::history::History;
use crate::torture::record::said;

/// What a message said, from which entry on; ascending.
#[derive(Clone, Debug, Default)]
pub struct Versions(Vec<(u64, u64)>);

impl Versions {
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.0.first().map(|(_, said)| *said)
    }

    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, said)| *said)
    }

    /// Whether the entry at `seq` may bring these words: those of its own time, or later ones, as it
    /// is told again.
    #[must_use]
    pub fn may_say(&self, seq: u64, said: u64) -> bool {
        let since = self.0.iter().rev().find(|(_, it)| *it == said).map(|(from, _)| *from);
        let in_force = self.0.iter().rev().find(|(from, _)| *from <= seq).map(|(from, _)| *from);
        since >= in_force && since.is_some()
    }
}

/// Whose deeds of one kind have to be seen together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot<'a> {
    Edits(Uuid),
    Deletion(Uuid),
    /// Of a message, by somebody, with a sign.
    Reaction(Uuid, Uuid, &'a str),
}

impl Slot<'_> {
    const fn message(self) -> Uuid {
        match self {
            Self::Edits(message) | Self::Deletion(message) | Self::Reaction(message, ..) => message,
        }
    }
}

/// Everything about one slot.
#[derive(Default)]
struct Case<'a> {
    rows: Vec<&'a LogRow>,
    /// Each with who did it; of one person in the order of doing.
    deeds: Vec<(usize, &'a DeedSheet)>,
}

fn slot_of_row(row: &LogRow) -> Option<Slot<'_>> {
    let message = row.message?;
    match row.kind.as_str() {
        "message.updated" => Some(Slot::Edits(message)),
        "message.deleted" => Some(Slot::Deletion(message)),
        "reaction.added" | "reaction.removed" => Some(Slot::Reaction(
            message,
            row.user.unwrap_or_default(),
            row.data.as_deref().unwrap_or_default(),
        )),
        _ => None,
    }
}

const fn slot_of_deed(user: Uuid, deed: &DeedSheet) -> Slot<'_> {
    match &deed.what {
        Doing::Edit(_) => Slot::Edits(deed.message),
        Doing::Delete => Slot::Deletion(deed.message),
        what @ (Doing::React(_) | Doing::Unreact(_)) => Slot::Reaction(deed.message, user, what.sign()),
    }
}

fn cases(history: &History) -> BTreeMap<Slot<'_>, Case<'_>> {
    let mut cases: BTreeMap<Slot<'_>, Case<'_>> = BTreeMap::new();
    let places = history.places();
    for row in history.books.log.iter().filter(|row| places.contains_key(&row.room)) {
        if let Some(slot) = slot_of_row(row) {
            cases.entry(slot).or_default().rows.push(row);
        }
    }
    for (client, sheet) in history.clients.iter().enumerate() {
        for deed in &sheet.deeds {
            cases.entry(slot_of_deed(sheet.user, deed)).or_default().deeds.push((client, deed));
        }
    }
    cases
}

/// What every message said and when. Only its author edits a message, one edit after the other, and
/// only the last one may be open: so they stand in the log in the order of asking.
#[must_use]
pub fn versions(history: &History) -> BTreeMap<Uuid, Versions> {
    let composed: BTreeMap<(Uuid, Uuid), &str> = history
        .clients
        .iter()
        .flat_map(|sheet| sheet.sends.iter().map(|send| ((sheet.user, send.key), send.content.as_str())))
        .collect();
    let mut versions: BTreeMap<Uuid, Versions> = BTreeMap::new();
    for row in &history.books.messages {
        let content = composed.get(&(row.author, row.key)).copied().unwrap_or(&row.content);
        versions.entry(row.id).or_default().0.push((row.seq, said(content, false)));
    }
    for (slot, case) in cases(history) {
        let (of_message, rows) = (versions.entry(slot.message()).or_default(), &case.rows);
        match slot {
            Slot::Edits(_) => {
                let edits = [Fate::Done, Fate::Open].into_iter().flat_map(|fate| {
                    case.deeds.iter().filter(move |(_, deed)| deed.fate() == fate).map(|(_, deed)| *deed)
                });
                for (row, edit) in rows.iter().zip(edits) {
                    if let Doing::Edit(content) = &edit.what {
                        of_message.0.push((row.seq, said(content, false)));
                    }
                }
            }
            Slot::Deletion(_) => of_message.0.extend(rows.iter().map(|row| (row.seq, said("", true)))),
            Slot::Reaction(..) => {}
        }
    }
    versions.values_mut().for_each(|versions| versions.0.sort_unstable());
    versions
}

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    for (slot, case) in &cases(history) {
        told(history, case, verdict);
        whole(history, facts, *slot, case, verdict);
    }
    words(history, facts, verdict);
    reactions(history, facts, verdict);
}

/// I1: whoever was told where his change stands finds it there, and each later than the one before.
fn told(history: &History, case: &Case<'_>, verdict: &mut Verdict) {
    let mut last: BTreeMap<usize, u64> = BTreeMap::new();
    for (client, deed) in &case.deeds {
        let Some(seq) = deed.seq() else { continue };
        let is_later = last.insert(*client, seq).is_none_or(|before| before < seq);
        let room = history.rooms[deed.room].id;
        let there =
            case.rows.iter().any(|row| row.room == room && row.seq == seq && row.kind == deed.what.kind());
        verdict.require("I1", there && is_later, || {
            let name = &history.clients[*client].name;
            let what =
                format!("{name} was told that {:?} of {} is {seq}, and it is not", deed.what, deed.message);
            Violation::new("I1", deed.asked, what).of_client(*client).of_entry(deed.room, seq)
        });
    }
}

/// I1, I22: the entries are those of the deeds that were acknowledged, and perhaps of those that
/// are open: each once, and in the order of doing.
fn whole(history: &History, facts: &Facts<'_>, slot: Slot<'_>, case: &Case<'_>, verdict: &mut Verdict) {
    let class = |kind: &str| usize::from(kind == "reaction.removed");
    let rows: Vec<usize> = case.rows.iter().map(|row| class(&row.kind)).collect();
    let step = |deed: &DeedSheet| Step { class: class(deed.what.kind()), fate: deed.fate() };
    let steps: Vec<Step> = case.deeds.iter().map(|(_, deed)| step(deed)).collect();
    let count = |fate| steps.iter().filter(|step| step.fate == fate).count();
    let (done, open) = (count(Fate::Done), count(Fate::Open));
    let right = match slot {
        // Several may delete, and over HTTP nobody is told that another was quicker.
        Slot::Deletion(_) => rows.len() <= usize::from(done + open > 0) && rows.len() >= done.min(1),
        _ => explains(&steps, &rows),
    };
    let is_lost = rows.len() < if let Slot::Deletion(_) = slot { done.min(1) } else { done };
    let promise = if is_lost { "I1" } else { "I22" };
    verdict.require(promise, right, || {
        let row = facts.messages.get(&slot.message());
        let deeds: Vec<_> = case.deeds.iter().map(|(_, deed)| (&deed.what, &deed.answer)).collect();
        let entries: Vec<_> = case.rows.iter().map(|row| (row.seq, row.kind.as_str())).collect();
        let what = format!("{slot:?}: what was done is {deeds:?}, and the log has {entries:?}");
        let at = case.deeds.first().map_or(history.end, |(_, deed)| deed.asked);
        let room = row.and_then(|row| history.rooms.iter().position(|room| room.id == row.room));
        let violation = Violation::new(promise, at, what);
        match (room, row) {
            (Some(room), Some(row)) => violation.of_entry(room, row.seq).of_key(row.key),
            _ => violation,
        }
    });
}

/// I1: a message says in the end what its last entry made it say.
fn words(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    for row in &history.books.messages {
        let now = said(&row.content, row.is_deleted);
        let right = facts.versions.get(&row.id).is_some_and(|versions| versions.last() == Some(now));
        verdict.require("I1", right, || {
            let what = format!("{row:?} does not say what its last entry made it say");
            Violation::new("I1", history.end, what).of_key(row.key)
        });
    }
}

/// I1: what people express about a message in the end is what the log tells, one entry after the other.
fn reactions(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let mut told: BTreeSet<(Uuid, Uuid, &str)> = BTreeSet::new();
    for row in &history.books.log {
        let (Some(message), Some(user), Some(sign)) = (row.message, row.user, row.data.as_deref()) else {
            continue;
        };
        match row.kind.as_str() {
            "reaction.added" => {
                told.insert((message, user, sign));
            }
            "reaction.removed" => {
                told.remove(&(message, user, sign));
            }
            _ => {}
        }
    }
    let lives = |message: &Uuid| facts.messages.get(message).is_some_and(|row| !row.is_deleted);
    let stored = history.books.reactions.iter().map(|row| (row.message, row.user, row.sign.as_str()));
    let stored: BTreeSet<(Uuid, Uuid, &str)> = stored.collect();
    for one in told.union(&stored).filter(|(message, ..)| lives(message)) {
        let right = told.contains(one) && stored.contains(one);
        verdict.require("I1", right, || {
            let what =
                format!("{one:?}: told by the log: {}, stored: {}", told.contains(one), stored.contains(one));
            Violation::new("I1", history.end, what)
        });
    }
}
