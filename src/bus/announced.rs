//! Which logs' growth was surely announced, until somebody asks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Announcement;
use crate::domain::{LogHead, RoomId, Seq, UserId};

/// Logs that are remembered between two questions. One beyond that stays in the outbox, and is
/// announced once more.
const MOST: usize = 65_536;

#[derive(Default)]
struct Heads {
    rooms: HashMap<RoomId, Seq>,
    users: HashMap<UserId, Seq>,
}

/// One position per log, the last.
#[derive(Default)]
pub struct Announced(Mutex<Heads>);

impl Announced {
    /// Notes what was announced.
    pub fn confirm<'a>(&self, written: impl Iterator<Item = &'a Announcement>) {
        // A panic while holding the lock cannot leave a position half written.
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for announcement in written {
            match announcement {
                Announcement::Room(news) => {
                    if let Some(last) = news.entries.last() {
                        heads.note(LogHead::Room(news.room, last.seq));
                    }
                }
                Announcement::Users(entries) => {
                    for entry in entries.iter() {
                        heads.note(LogHead::User(entry.user, entry.seq));
                    }
                }
                Announcement::Head(head) => heads.note(*head),
                Announcement::LoginEnded(_)
                | Announcement::Whisper(_)
                | Announcement::Asked { .. }
                | Announcement::Noted { .. } => {}
            }
        }
    }

    /// What was noted since this was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<LogHead> {
        let heads = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let rooms = heads.rooms.into_iter().map(|(room, seq)| LogHead::Room(room, seq));
        rooms.chain(heads.users.into_iter().map(|(user, seq)| LogHead::User(user, seq))).collect()
    }
}

impl Heads {
    fn note(&mut self, head: LogHead) {
        let full = self.rooms.len() + self.users.len() >= MOST;
        match head {
            LogHead::Room(room, seq) => raise(&mut self.rooms, room, seq, full),
            LogHead::User(user, seq) => raise(&mut self.users, user, seq, full),
        }
    }
}

fn raise<K: std::hash::Hash + Eq>(heads: &mut HashMap<K, Seq>, log: K, seq: Seq, full: bool) {
    match heads.get_mut(&log) {
        Some(head) => *head = (*head).max(seq),
        None if full => {}
        None => drop(heads.insert(log, seq)),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn head(room: u128, seq: u64) -> Announcement {
        Announcement::Head(LogHead::Room(RoomId(Uuid::from_u128(room)), Seq::new(seq).expect("small")))
    }

    #[test]
    fn each_log_is_told_once_with_its_last_position() {
        let announced = Announced::default();
        announced.confirm([head(1, 5), head(2, 1), head(1, 7), head(1, 6)].iter());
        assert_eq!(announced.take().len(), 2);
        assert!(announced.take().is_empty());
        announced.confirm([head(1, 8), head(1, 7)].iter());
        assert_eq!(
            announced.take(),
            [LogHead::Room(RoomId(Uuid::from_u128(1)), Seq::new(8).expect("small"))]
        );
    }

    #[test]
    fn their_number_is_bounded() {
        let announced = Announced::default();
        for room in 0..MOST as u128 + 10 {
            announced.confirm([head(room, 1)].iter());
        }
        announced.confirm([head(0, 2)].iter());
        assert_eq!(announced.take().len(), MOST);
    }
}
