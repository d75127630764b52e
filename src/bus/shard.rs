//! Which shard a room belongs to: a stable hash, the same in every version and on every machine.

use uuid::Uuid;

use crate::domain::{LogHead, RoomId, UserId};

/// Shards of the registry. Fixed: a change would split a running cluster.
pub const SHARDS: u16 = 64;

/// One of [`SHARDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u16);

impl Shard {
    /// The shard of a room's registry, and of its log's announcements.
    #[must_use]
    pub fn of(room: RoomId) -> Self {
        Self::of_id(room.0)
    }

    /// The shard that carries a user's own log.
    #[must_use]
    pub fn of_user(user: UserId) -> Self {
        Self::of_id(user.0)
    }

    /// The shard that carries a log.
    #[must_use]
    pub fn of_log(head: LogHead) -> Self {
        match head {
            LogHead::Room(room, _) => Self::of(room),
            LogHead::User(user, _) => Self::of_user(user),
        }
    }

    /// The shard of anything else that has an id: FNV-1a (64 bit, Fowler-Noll-Vo,
    /// draft-eastlake-fnv) over the sixteen bytes of the id, the halves folded by exclusive or,
    /// modulo [`SHARDS`].
    #[must_use]
    pub fn of_id(id: Uuid) -> Self {
        let hash = id.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let folded = (hash >> 32) ^ hash;
        Self(u16::try_from(folded % u64::from(SHARDS)).unwrap_or(0))
    }

    /// Every shard.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: u128) -> u16 {
        Shard::of(RoomId(Uuid::from_u128(id))).0
    }

    #[test]
    fn the_vectors_never_change() {
        let ids = [0, 1, 2, u128::MAX, 0x0193_7f4e_5b1a_7c2d_9e3f_0011_2233_4455];
        assert_eq!(ids.map(shard), VECTORS);
    }

    /// Computed apart from this code, from the definition above.
    const VECTORS: [u16; 5] = [28, 11, 6, 29, 8];

    #[test]
    fn rooms_spread_over_all_shards() {
        let mut counts = [0_u32; SHARDS as usize];
        for id in 0..6_400_u128 {
            let room = RoomId(Uuid::from_u128(id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)));
            if let Some(count) = counts.get_mut(Shard::of(room).index()) {
                *count += 1;
            }
        }
        assert!(counts.iter().all(|n| (50..200).contains(n)), "{counts:?}");
    }
}
