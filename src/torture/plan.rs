//! The schedule of faults, made from a seed before the first process starts.
//!
//! Faults stand on tracks: processes, Redis, the database, the network, the senders. On one track they
//! come one after the other, so that never more than one process is away; tracks overlap freely.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::chance::Chance;

/// What can be done to a cluster; [`Kind::doc`] says what each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Kill,
    Stop,
    Drain,
    Rollout,
    Blackhole,
    RedisKill,
    RedisFlush,
    RedisTrim,
    DatabaseRestart,
    DatabaseCut,
    CutOne,
    CutMany,
    Race,
}

/// Faults of one track come one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    Processes,
    Redis,
    Database,
    Network,
    Senders,
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::Kill,
        Self::Stop,
        Self::Drain,
        Self::Rollout,
        Self::Blackhole,
        Self::RedisKill,
        Self::RedisFlush,
        Self::RedisTrim,
        Self::DatabaseRestart,
        Self::DatabaseCut,
        Self::CutOne,
        Self::CutMany,
        Self::Race,
    ];

    /// The word of `--faults` and of the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Drain => "drain",
            Self::Rollout => "rollout",
            Self::Blackhole => "blackhole",
            Self::RedisKill => "redis-kill",
            Self::RedisFlush => "redis-flush",
            Self::RedisTrim => "redis-trim",
            Self::DatabaseRestart => "database-restart",
            Self::DatabaseCut => "database-cut",
            Self::CutOne => "cut-one",
            Self::CutMany => "cut-many",
            Self::Race => "race",
        }
    }

    /// What it does, for people.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL to a process, which starts anew after a while.",
            Self::Stop => "SIGSTOP to a process, then SIGCONT.",
            Self::Drain => "SIGTERM to a process, which has to end well; then it starts anew.",
            Self::Rollout => {
                "A new release: for every process in turn another one is started in its place, and then it is told to end."
            }
            Self::Blackhole => {
                "The network in front of a process takes everything and brings nothing, for a while."
            }
            Self::RedisKill => "SIGKILL to Redis, which starts anew after a while, empty.",
            Self::RedisFlush => "`FLUSHALL`.",
            Self::RedisTrim => "Every stream is trimmed to its last entry.",
            Self::DatabaseRestart => {
                "The database is stopped in the mode `immediate`, as by a crash, and started."
            }
            Self::DatabaseCut => {
                "Every connection to the database is ended while transactions wait in the middle: none of what they tried may count."
            }
            Self::CutOne => "One connection is cut: by a reset, or by silence.",
            Self::CutMany => "A third of all connections are cut at once.",
            Self::Race => {
                "One message is sent through every process over HTTP and over the socket, all at once."
            }
        }
    }

    #[must_use]
    pub const fn track(self) -> Track {
        match self {
            Self::Kill | Self::Stop | Self::Drain | Self::Rollout | Self::Blackhole => Track::Processes,
            Self::RedisKill | Self::RedisFlush | Self::RedisTrim => Track::Redis,
            Self::DatabaseRestart | Self::DatabaseCut => Track::Database,
            Self::CutOne | Self::CutMany => Track::Network,
            Self::Race => Track::Senders,
        }
    }

    /// Whether it can be made to last.
    const fn can_last(self) -> bool {
        !self.is_sudden() || matches!(self, Self::DatabaseRestart)
    }

    /// Whether it happens at once where nobody asks for more; others last.
    const fn is_sudden(self) -> bool {
        matches!(
            self,
            Self::Drain
                | Self::Rollout
                | Self::RedisFlush
                | Self::RedisTrim
                | Self::DatabaseRestart
                | Self::DatabaseCut
                | Self::CutOne
                | Self::CutMany
                | Self::Race
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(|kind| kind.word()).collect();
            format!("{word:?} is none of: all, {}", words.join(", "))
        })
    }
}

impl Track {
    const ALL: [Self; 5] = [Self::Processes, Self::Redis, Self::Database, Self::Network, Self::Senders];

    /// How much time one fault of this track should have for itself, with the calm after it.
    const fn slot(self) -> Duration {
        Duration::from_secs(match self {
            Self::Processes => 10,
            Self::Redis => 14,
            Self::Database => 26,
            Self::Network => 12,
            Self::Senders => 20,
        })
    }
}

/// A fault to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// From the beginning of the faults.
    pub at: Duration,
    pub kind: Kind,
    /// Which process, where it is about one.
    pub pod: usize,
    /// How long it lasts; nothing for one that happens at once.
    pub lasting: Duration,
    /// A cut is a reset; otherwise silence.
    pub reset: bool,
}

/// Everything that will happen, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub faults: Vec<Planned>,
}

impl Plan {
    /// Spreads faults of these kinds over `length`. Every kind of a track comes equally often, in
    /// rounds of changing order, and at least once. `lasting` is how long a fault lasts that can,
    /// instead of a time by chance.
    #[must_use]
    pub fn make(seed: u64, length: Duration, kinds: &[Kind], pods: usize, lasting: Option<Duration>) -> Self {
        let mut chance = Chance::new(seed);
        let mut faults = Vec::new();
        for track in Track::ALL {
            let mut chance = chance.fork();
            let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| kind.track() == track).collect();
            if kinds.is_empty() {
                continue;
            }
            let least = lasting.map_or(Duration::ZERO, |lasting| lasting.mul_f64(1.5));
            let wanted = track.slot().max(least) * u32::try_from(kinds.len()).unwrap_or(u32::MAX);
            let rounds = length.as_millis().checked_div(wanted.as_millis()).unwrap_or(1).max(1);
            let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
            let slot = length / rounds / u32::try_from(kinds.len()).unwrap_or(1);
            for round in 0..rounds {
                let mut order = kinds.clone();
                chance.shuffle(&mut order);
                for (place, kind) in order.into_iter().enumerate() {
                    let begin = slot * (round * u32::try_from(kinds.len()).unwrap_or(1))
                        + slot * u32::try_from(place).unwrap_or(0);
                    let at = begin + chance.between(Duration::ZERO, slot.mul_f64(0.25));
                    let longest = slot.mul_f64(0.5).min(Duration::from_secs(5));
                    let by_chance = chance.between(longest / 3, longest);
                    let by_chance = if kind.is_sudden() { Duration::ZERO } else { by_chance };
                    let asked = lasting.filter(|_| kind.can_last()).map(|time| time.min(slot.mul_f64(0.7)));
                    faults.push(Planned {
                        at,
                        kind,
                        pod: chance.index(pods),
                        lasting: asked.unwrap_or(by_chance),
                        reset: chance.permille(600),
                    });
                }
            }
        }
        faults.sort_by_key(|fault| fault.at);
        Self { faults }
    }

    /// Those of one track, in order.
    pub fn of(&self, track: Track) -> impl Iterator<Item = &Planned> {
        self.faults.iter().filter(move |fault| fault.kind.track() == track)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            let Planned { at, kind, pod, lasting, reset } = fault;
            let (at, lasting) = (at.as_secs_f64(), lasting.as_secs_f64());
            writeln!(f, "{at:9.3} {kind:<17} pod {pod} for {lasting:.3} s, reset {reset}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(plan: &Plan, kind: Kind) -> usize {
        plan.faults.iter().filter(|fault| fault.kind == kind).count()
    }

    const LONG: Duration = Duration::from_secs(540);

    #[test]
    fn the_same_seed_makes_the_same_schedule() {
        assert_eq!(Plan::make(3, LONG, &Kind::ALL, 3, None), Plan::make(3, LONG, &Kind::ALL, 3, None));
        assert_ne!(Plan::make(3, LONG, &Kind::ALL, 3, None), Plan::make(4, LONG, &Kind::ALL, 3, None));
    }

    #[test]
    fn in_ten_minutes_every_kind_comes_ten_times_and_in_a_short_run_once() {
        let long = Plan::make(1, LONG, &Kind::ALL, 3, None);
        let short = Plan::make(1, Duration::from_secs(14), &Kind::ALL, 3, None);
        for kind in Kind::ALL {
            assert!(count(&long, kind) >= 10, "{kind}: {}", count(&long, kind));
            assert!(count(&short, kind) >= 1, "{kind}");
        }
    }

    #[test]
    fn only_what_was_asked_for_is_planned_and_all_of_it_in_time() {
        let plan = Plan::make(9, LONG, &[Kind::Kill, Kind::RedisFlush], 3, None);
        assert!(plan.faults.iter().all(|f| matches!(f.kind, Kind::Kill | Kind::RedisFlush)));
        assert!(plan.faults.iter().all(|f| f.at + f.lasting < LONG && f.pod < 3));
        assert!(Plan::make(9, LONG, &[], 3, None).faults.is_empty());
    }

    #[test]
    fn on_one_track_a_fault_ends_before_the_next_begins() {
        for seed in 0..20 {
            let plan = Plan::make(seed, LONG, &Kind::ALL, 3, None);
            for track in Track::ALL {
                let faults: Vec<_> = plan.of(track).collect();
                assert!(
                    faults.windows(2).all(|two| two[0].at + two[0].lasting < two[1].at),
                    "{seed} {track:?}"
                );
            }
        }
    }

    #[test]
    fn what_can_last_lasts_as_long_as_asked_for_and_ends_before_the_next() {
        let asked = Duration::from_secs(45);
        let kinds = [Kind::RedisKill, Kind::RedisFlush, Kind::DatabaseRestart];
        let plan = Plan::make(5, LONG, &kinds, 3, Some(asked));
        for fault in &plan.faults {
            let lasting = if fault.kind == Kind::RedisFlush { Duration::ZERO } else { asked };
            assert_eq!(fault.lasting, lasting, "{}", fault.kind);
        }
        let of_redis: Vec<_> = plan.of(Track::Redis).collect();
        assert!(of_redis.len() > 4 && of_redis.windows(2).all(|two| two[0].at + asked < two[1].at));
        let short = Plan::make(5, Duration::from_secs(20), &kinds, 3, Some(asked));
        assert!(short.faults.iter().all(|fault| fault.at + fault.lasting < Duration::from_secs(20)));
    }

    #[test]
    fn kinds_are_named_by_their_words() {
        for kind in Kind::ALL {
            assert_eq!(kind.word().parse::<Kind>(), Ok(kind));
        }
        assert!("flood".parse::<Kind>().is_err_and(|why| why.contains("redis-trim")));
    }
}
