//! Starts and ends the actors of one process, and decides on which threads they live.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Arbiter};

use super::clerk::Clerk;
use super::mail::{Stop, ToHub, deliver};
use super::marker::Marker;
use super::pod::{Actors, Pod};
use super::presence::Presence;
use super::registry::Registry;
use super::shard::RegistryShard;
use super::sweeper::Sweeper;
use super::writer::Writer;
use crate::bus::Shard;
use crate::protocol::CloseCode;

/// Sockets that a drain moves per second.
const DRAIN_RATE: u64 = 500;

/// The shortest time over which sockets are moved, where there is as much.
const LEAST_SPREAD: Duration = Duration::from_secs(2);

/// Over how long so many sockets are told to come back, when all has to end within `longest`: at a
/// rate that the other processes stand, and with time left for those who come late.
fn drain_spread(sockets: u64, longest: Duration) -> Duration {
    let widest = longest.mul_f64(0.6);
    Duration::from_millis(sockets.saturating_mul(1_000) / DRAIN_RATE).clamp(LEAST_SPREAD.min(widest), widest)
}

/// The running actors of one process.
pub struct Engine {
    pod: Arc<Pod>,
    arbiters: Vec<Arbiter>,
}

impl Engine {
    /// Starts shards and writer on `threads` threads of their own; with 0 on the current one, as a
    /// simulation needs it. Rooms live with their shard, away from the sockets' threads, so that a
    /// flooded room cannot starve the sockets. Needs a running actix system.
    #[must_use]
    pub fn start(pod: Arc<Pod>, threads: usize) -> Self {
        let arbiters: Vec<Arbiter> = (0..threads).map(|_| Arbiter::new()).collect();
        let home = |n: usize| match n.checked_rem(arbiters.len()).and_then(|n| arbiters.get(n)) {
            Some(arbiter) => arbiter.handle(),
            None => Arbiter::current(),
        };
        let shards = Shard::all()
            .map(|shard| {
                let pod = pod.clone();
                RegistryShard::start_in_arbiter(&home(shard.index()), move |_| RegistryShard::new(shard, pod))
            })
            .collect();
        let writer = {
            let pod = pod.clone();
            Writer::start_in_arbiter(&home(0), move |_| Writer::new(pod))
        };
        let marker = {
            let pod = pod.clone();
            Marker::start_in_arbiter(&home(1), move |_| Marker::new(pod))
        };
        let sweeper = {
            let pod = pod.clone();
            Sweeper::start_in_arbiter(&home(0), move |_| Sweeper::new(pod))
        };
        let presence = {
            let pod = pod.clone();
            Presence::start_in_arbiter(&home(1), move |_| Presence::new(pod))
        };
        let clerk = {
            let pod = pod.clone();
            Clerk::start_in_arbiter(&home(1), move |_| Clerk::new(pod))
        };
        pod.install(Actors { shards, writer, marker, sweeper, presence, clerk });
        Self { pod, arbiters }
    }

    #[must_use]
    pub const fn pod(&self) -> &Arc<Pod> {
        &self.pod
    }

    #[must_use]
    pub fn registry(&self) -> Registry {
        Registry::new(self.pod.clone())
    }

    /// Refuses new sockets from now on, waits until proxies know, then tells every socket to come
    /// back elsewhere or later, each after its own delay. Answers when all are gone, or closes the rest with 4200 at the deadline
    /// that they were told, within `longest`.
    pub async fn drain(&self, wait: Duration, longest: Duration) {
        self.pod.start_draining();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let sockets = self.pod.telemetry.sockets();
        if sockets == 0 {
            return;
        }
        // Everyone is told to come back within the spread; who has not gone a moment after it is
        // closed, which is what the deadline says.
        let spread = drain_spread(sockets, longest);
        let wait = spread + Duration::from_secs(1).min(longest / 4);
        let deadline = self.pod.clock.now().plus(wait);
        let spread_ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        self.pod.tell_every_hub(|| ToHub::Drain { spread_ms, deadline });
        self.wait_for_sockets(wait).await;
        self.pod.tell_every_hub(|| ToHub::CloseAll { code: CloseCode::Draining });
        self.wait_for_sockets(Duration::from_secs(3)).await;
    }

    async fn wait_for_sockets(&self, longest: Duration) {
        let gone = async {
            while self.pod.telemetry.sockets() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // Sockets that remain are closed by the caller.
        let _remain = tokio::time::timeout(longest, gone).await;
    }

    /// Stops every actor after what was accepted is committed, and waits until none is left.
    pub async fn stop(self) {
        if let Some(actors) = self.pod.actors() {
            // First: he asks the rooms.
            deliver(&actors.clerk, Stop);
            for shard in &actors.shards {
                deliver(shard, Stop);
            }
            deliver(&actors.writer, Stop);
            deliver(&actors.marker, Stop);
            deliver(&actors.sweeper, Stop);
            deliver(&actors.presence, Stop);
        }
        self.pod.stop_hubs();
        let none_left = async {
            while self.pod.actors_alive() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(10), none_left).await.is_err() {
            log::error!("{} actors did not stop", self.pod.actors_alive());
        }
        for arbiter in self.arbiters {
            arbiter.stop();
            // A thread of ours that panicked has said so itself.
            let _panicked = arbiter.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_moved_at_a_rate_and_in_time() {
        for (sockets, longest, spread) in [
            // At least two seconds, however few they are,
            (0, 60_000, 2_000),
            (1, 60_000, 2_000),
            (1_000, 60_000, 2_000),
            // 500 in a second,
            (1_001, 60_000, 2_002),
            (10_000, 60_000, 20_000),
            // and never more than 60 % of the time.
            (18_000, 60_000, 36_000),
            (20_000, 60_000, 36_000),
            (u64::MAX, 60_000, 36_000),
            (1, 1_000, 600),
            (1, 3_000, 1_800),
            (1, 4_000, 2_000),
            (1, 0, 0),
        ] {
            let found = drain_spread(sockets, Duration::from_millis(longest));
            assert_eq!(found, Duration::from_millis(spread), "{sockets} sockets within {longest} ms");
        }
    }
}
