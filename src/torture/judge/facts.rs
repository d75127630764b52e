//! What several parts of the judge need to know: each log entry with the earliest sign of its
//! commit, and who committed it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::belonging::{Stay, stays};
use super::changed::{Versions, versions};
use crate::torture::books::MessageRow;
use crate::torture::history::History;
use crate::torture::moment::Moment;
use crate::torture::record::{Answer, RoomSheet, Way, What, digest};

/// One log entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The earliest sign that it was committed: an answer, a delivery, or a look into the database.
    pub commit: Moment,
    /// The process that answered it first.
    pub pod: Option<usize>,
    /// What the tables say of it; nothing when there is no such row.
    pub digest: Option<u64>,
    /// The message whose words it brings.
    pub message: Option<Uuid>,
    /// Where the message was sent that it is about.
    pub about: Option<u64>,
}

impl Entry {
    const UNKNOWN: Self = Self { commit: Moment::END, pod: None, digest: None, message: None, about: None };
}

/// All rooms' entries, and the messages by id.
pub struct Facts<'a> {
    /// By room, then `seq` - 1.
    pub rooms: Vec<Vec<Entry>>,
    pub messages: BTreeMap<Uuid, &'a MessageRow>,
    pub by_key: BTreeMap<(Uuid, Uuid), &'a MessageRow>,
    /// What each message said from which entry on.
    pub versions: BTreeMap<Uuid, Versions>,
    pub stays: BTreeMap<(usize, usize), Vec<Stay>>,
}

impl<'a> Facts<'a> {
    #[must_use]
    pub fn new(history: &'a History) -> Self {
        let mut facts = Self {
            rooms: vec![Vec::new(); history.rooms.len()],
            messages: history.books.messages.iter().map(|row| (row.id, row)).collect(),
            by_key: history.books.messages.iter().map(|row| ((row.author, row.key), row)).collect(),
            versions: versions(history),
            stays: stays(history),
        };
        facts.read_books(history);
        facts.hear_clients(history);
        facts.see_heads(history);
        facts
    }

    fn read_books(&mut self, history: &History) {
        let places = history.places();
        for row in &history.books.log {
            let Some(room) = places.get(&row.room).copied() else { continue };
            let message = row.message.and_then(|id| self.messages.get(&id).copied());
            let is_reaction = row.kind.starts_with("reaction.");
            let (id, author, sign) = match message {
                Some(message) if is_reaction => {
                    (message.id, row.user.unwrap_or_default(), row.data.as_deref().unwrap_or_default())
                }
                Some(message) => (message.id, message.author, ""),
                None => (Uuid::nil(), row.user.unwrap_or_default(), ""),
            };
            let digest = digest(&row.kind, id, author, sign);
            if let Some(entry) = self.entry_mut(room, row.seq) {
                entry.digest = Some(digest);
                entry.message = message.filter(|_| !is_reaction).map(|message| message.id);
                entry.about = message.map(|message| message.seq);
            }
        }
    }

    fn hear_clients(&mut self, history: &History) {
        for client in &history.clients {
            for sighting in &client.seen {
                if let What::Entry { seq, .. } = sighting.what
                    && let Some(entry) = self.entry_mut(sighting.room as usize, seq)
                {
                    entry.commit = entry.commit.min(sighting.at);
                }
            }
            for send in &client.sends {
                for attempt in &send.attempts {
                    let Some((at, Answer::Stored { seq, duplicate, .. })) = &attempt.answer else { continue };
                    let Some(entry) = self.entry_mut(send.room, *seq) else { continue };
                    entry.commit = entry.commit.min(*at);
                    if !duplicate {
                        entry.pod = Some(match attempt.way {
                            Way::Socket(socket) => client.sockets[socket].pod,
                            Way::Rest(pod) => pod,
                        });
                    }
                }
            }
        }
    }

    fn see_heads(&mut self, history: &History) {
        let mut seen = vec![0; history.rooms.len()];
        for (at, heads) in &history.heads {
            for (room, head) in heads.iter().enumerate() {
                for seq in seen[room] + 1..=*head {
                    if let Some(entry) = self.entry_mut(room, seq) {
                        entry.commit = entry.commit.min(*at);
                    }
                }
                seen[room] = seen[room].max(*head);
            }
        }
    }

    /// The entry, made when nothing was known of it. A `seq` beyond reason has none.
    fn entry_mut(&mut self, room: usize, seq: u64) -> Option<&mut Entry> {
        let place = usize::try_from(seq).ok().filter(|seq| *seq < 100_000_000)?.checked_sub(1)?;
        let entries = self.rooms.get_mut(room)?;
        if entries.len() <= place {
            entries.resize(place + 1, Entry::UNKNOWN);
        }
        entries.get_mut(place)
    }

    /// What a message said when it was sent.
    #[must_use]
    pub fn first_words(&self, message: Uuid) -> Option<u64> {
        self.versions.get(&message)?.first()
    }

    /// Whether an entry is about a message from before somebody's stay, of which he may know nothing.
    #[must_use]
    pub fn hides(&self, sheet: &RoomSheet, room: usize, client: usize, seq: u64) -> bool {
        let Some(about) = self.entry(room, seq).and_then(|entry| entry.about) else { return false };
        let stays = self.stays.get(&(room, client)).map(Vec::as_slice).unwrap_or_default();
        sheet.since_joined && stays.iter().any(|stay| about < stay.from && stay.holds(seq))
    }

    #[must_use]
    pub fn entry(&self, room: usize, seq: u64) -> Option<&Entry> {
        let place = usize::try_from(seq).ok()?.checked_sub(1)?;
        self.rooms.get(room)?.get(place)
    }
}
