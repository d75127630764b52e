//! The bus of a process on a shared database without Redis: it reaches nobody.
//!
//! Other processes may be on that database, and nobody says so. So everything that repairs silence
//! is at work: heads are compared, logins and the epoch are looked at. What was announced counts as
//! announced, because those comparisons are the only way there is; so the outbox empties.

use tokio::sync::mpsc;

use super::announced::Announced;
use super::{Announcement, Bus, Shard};
use crate::domain::LogHead;

/// One process by itself, perhaps beside others that it cannot reach.
#[derive(Default)]
pub struct AloneBus(Announced);

impl Bus for AloneBus {
    fn publish(&self, _: Shard, announcement: Announcement) {
        self.0.confirm(std::iter::once(&announcement));
    }

    fn take_announced(&self) -> Vec<LogHead> {
        self.0.take()
    }

    /// Nothing that it needs is missing: a single process on a database of its own is not ill.
    fn is_up(&self) -> bool {
        true
    }

    fn connects(&self) -> bool {
        false
    }

    /// Nothing ever comes: the receiver is at its end from the beginning.
    fn subscribe(&self, _: Shard) -> mpsc::Receiver<Announcement> {
        mpsc::channel(1).1
    }

    fn is_lossy(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{RoomId, Seq, SessionId};

    #[test]
    fn what_was_published_counts_as_announced_once() {
        let bus = AloneBus::default();
        let head = LogHead::Room(RoomId(Uuid::from_u128(1)), Seq::new(3).expect("small"));
        bus.publish(Shard::of_log(head), Announcement::Head(head));
        let session = SessionId(Uuid::from_u128(2));
        bus.publish(Shard::of_id(session.0), Announcement::LoginEnded(session));
        assert_eq!(bus.take_announced(), [head]);
        assert!(bus.take_announced().is_empty());
    }

    #[test]
    fn it_is_well_and_reaches_nobody() {
        let bus = AloneBus::default();
        assert!(bus.is_up() && bus.is_lossy() && !bus.connects() && !bus.passes());
        let shard = Shard::of_id(Uuid::from_u128(1));
        assert!(bus.subscribe(shard).try_recv().is_err());
    }
}
