//! Which stream carries a shard, and which streams are written and read together.

use crate::bus::{SHARDS, Shard};

/// The grouping of shards into lanes. Streams of one lane share a hash tag, so in a Redis Cluster
/// they lie in one slot: one command reads them all, and one pipeline writes them.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    prefix: String,
    count: u16,
}

impl Lanes {
    /// Every process of a cluster must come to the same grouping, so `count` follows from the kind
    /// of Redis and is no setting.
    pub(super) fn new(prefix: &str, count: u16) -> Self {
        Self { prefix: prefix.to_owned(), count: count.clamp(1, SHARDS) }
    }

    pub(super) const fn count(&self) -> u16 {
        self.count
    }

    pub(super) fn lane_of(&self, shard: Shard) -> usize {
        shard.index() % usize::from(self.count)
    }

    /// `bus:{lane}:shard`.
    pub(super) fn stream(&self, shard: Shard) -> String {
        format!("{}bus:{{{}}}:{}", self.prefix, self.lane_of(shard), shard.index())
    }

    /// `bus:{lane}:question`: where nothing lies, to ask whether something could.
    pub(super) fn question(&self, lane: usize) -> String {
        format!("{}bus:{{{lane}}}:question", self.prefix)
    }

    /// The shards of one lane.
    pub(super) fn shards(&self, lane: usize) -> impl Iterator<Item = Shard> + '_ {
        Shard::all().filter(move |shard| self.lane_of(*shard) == lane)
    }

    /// A key of another sort in a lane: `name:{lane}:rest`.
    pub(super) fn key(&self, name: &str, lane: u16, rest: &str) -> String {
        format!("{}{name}:{{{lane}}}:{rest}", self.prefix)
    }

    /// A key that belongs to no lane.
    pub(super) fn own(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_has_one_stream_in_one_lane() {
        for count in [1, 8] {
            let lanes = Lanes::new("", count);
            let of_all: Vec<_> = (0..usize::from(count)).flat_map(|lane| lanes.shards(lane)).collect();
            assert_eq!(of_all.len(), usize::from(SHARDS));
        }
    }

    #[test]
    fn the_names_never_change() {
        let last = Shard::all().last().expect("there are shards");
        assert_eq!(Lanes::new("", 1).stream(last), "bus:{0}:63");
        assert_eq!(Lanes::new("chat:", 8).stream(last), "chat:bus:{7}:63");
        assert_eq!(Lanes::new("", 8).key("limit", 3, "abc"), "limit:{3}:abc");
    }
}
