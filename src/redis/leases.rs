//! Leases in Redis: one key for each process, which it renews, and beside it the people who are
//! connected to it. What is not renewed ends by itself.
//!
//! `presence:pods` is the set of processes, `presence:{pod}:lease` the lease (`1`, and `0` when its
//! process has ended),
//! `presence:{pod}:people` a hash of `user -> connections|last seen` that ends with the lease. The
//! process keeps the same in memory, and writes all of it again where Redis lost it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_redis::redis::{self, Pipeline, Value};
use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::RedisFault;
use super::desk::{Desk, Order};
use super::lanes::Lanes;
use crate::clock::SharedClock;
use crate::domain::presence::Presence;
use crate::domain::{PodId, Timestamp, UserId};
use crate::presence::{Answer, Leases, LeasesAway, People};

/// How long an order may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long somebody who is gone stays in the hash, so that others learn when he was there last.
const GONE: Duration = Duration::from_secs(60);
/// People written by one command.
const CHUNK: usize = 500;

/// What is written as the lease of a process.
const HELD: &str = "1";
const ENDED: &str = "0";

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lease {
    Held,
    /// It said goodbye; its people are there to be read, with no connections.
    Ended,
    Lapsed,
}

/// How leases are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long a lease holds that is not renewed.
    pub life: Duration,
    /// How often it is renewed.
    pub renew: Duration,
    /// The shortest time between two writes of changes.
    pub batch: Duration,
}

impl Default for LeaseTimes {
    /// What [`crate::domain::presence::PresenceRules`] counts on.
    fn default() -> Self {
        let (life, renew) = (Duration::from_secs(15), Duration::from_secs(5));
        Self { life, renew, batch: Duration::from_millis(250) }
    }
}

#[derive(Default)]
struct State {
    people: People,
    /// Of whom Redis does not know the latest.
    changed: BTreeSet<UserId>,
    /// Who was gone for long: to be taken out of the hash.
    forgotten: BTreeSet<UserId>,
    released: bool,
    /// Processes in the index that were found without a lease, and since when.
    missing: BTreeMap<PodId, Instant>,
}

/// [`Leases`] in Redis. A task of its own writes and renews.
pub struct RedisLeases {
    desk: Desk,
    lanes: Lanes,
    pod: PodId,
    times: LeaseTimes,
    clock: SharedClock,
    state: Mutex<State>,
    /// Held while Redis is written to, so that giving back comes after what was under way.
    writing: tokio::sync::Mutex<()>,
    changed: Notify,
    pods: Arc<AtomicU32>,
}

impl RedisLeases {
    pub(super) fn new(
        desk: Desk,
        lanes: Lanes,
        pod: PodId,
        times: LeaseTimes,
        clock: SharedClock,
        pods: Arc<AtomicU32>,
    ) -> Self {
        let (state, writing) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { desk, lanes, pod, times, clock, state, writing, changed: Notify::new(), pods }
    }

    /// Renews and writes until it is dropped or released.
    pub(super) async fn run(self: Arc<Self>) {
        let mut renewal = Instant::now();
        loop {
            let is_due = tokio::select! {
                () = tokio::time::sleep_until(renewal) => true,
                () = self.changed.notified() => false,
            };
            if self.lock().released {
                return;
            }
            if is_due {
                renewal = Instant::now() + self.times.renew;
            }
            if let Err(fault) = self.write(is_due).await {
                log::debug!("presence was not written: {fault}");
                // What was not written is written with the next renewal, or with a change before it.
            }
            tokio::time::sleep(self.times.batch).await;
        }
    }

    /// Writes what changed; with a renewal, everything where Redis does not have it.
    async fn write(&self, renew: bool) -> Result<(), RedisFault> {
        let _alone = self.writing.lock().await;
        if self.lock().released {
            return Ok(());
        }
        let (changed, forgotten) = self.take_changes(renew);
        let outcome = self.write_some(&changed, &forgotten, renew).await;
        if outcome.is_err() {
            let mut state = self.lock();
            state.changed.extend(changed.iter().map(|(user, _)| *user));
            state.forgotten.extend(forgotten);
        }
        outcome
    }

    fn take_changes(&self, renew: bool) -> (Vec<(UserId, Presence)>, Vec<UserId>) {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { people, changed, forgotten, .. } = &mut *state;
        if renew {
            people.retain(|user, presence| {
                let stays = presence.connections > 0 || now.since(presence.last_seen) < GONE;
                if !stays {
                    changed.remove(user);
                    forgotten.insert(*user);
                }
                stays
            });
        }
        forgotten.retain(|user| !people.contains_key(user));
        let taken = std::mem::take(changed);
        let taken = taken.into_iter().filter_map(|user| Some((user, *people.get(&user)?))).collect();
        (taken, std::mem::take(forgotten).into_iter().collect())
    }

    async fn write_some(
        &self,
        changed: &[(UserId, Presence)],
        forgotten: &[UserId],
        renew: bool,
    ) -> Result<(), RedisFault> {
        let known = self.lock().people.len();
        let people = self.people_key(self.pod);
        let mut pipeline = redis::pipe();
        put(&mut pipeline, &people, changed);
        for users in forgotten.chunks(CHUNK) {
            let fields: Vec<_> = users.iter().map(ToString::to_string).collect();
            pipeline.cmd("HDEL").arg(&people).arg(fields).ignore();
        }
        if renew {
            pipeline.cmd("SET").arg(self.lease_key(self.pod)).arg(HELD).arg("PX").arg(self.life()).ignore();
        }
        pipeline.cmd("PEXPIRE").arg(&people).arg(self.life()).ignore();
        pipeline.cmd("HLEN").arg(&people);
        let (kept,): (usize,) = self.desk.ask(Order::Many(pipeline), PATIENCE).await?;
        if renew {
            // Somebody who came meanwhile makes a difference too; writing all of them does no harm.
            if kept != known {
                self.write_all().await?;
            }
            self.index("SADD", self.pod).await?;
            let held = self.known().await?.iter().filter(|(_, lease)| *lease == Lease::Held).count();
            self.pods.store(u32::try_from(held).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
        }
        Ok(())
    }

    async fn write_all(&self) -> Result<(), RedisFault> {
        let pipeline = self.everything();
        self.desk.ask::<Value>(Order::Many(pipeline), PATIENCE).await.map(drop)
    }

    /// The writing of all people in the place of those before, at once.
    fn everything(&self) -> Pipeline {
        let all: Vec<_> = self.lock().people.iter().map(|(user, presence)| (*user, *presence)).collect();
        let people = self.people_key(self.pod);
        let mut pipeline = redis::pipe();
        pipeline.atomic().cmd("DEL").arg(&people).ignore();
        put(&mut pipeline, &people, &all);
        pipeline.cmd("PEXPIRE").arg(&people).arg(self.life()).ignore();
        pipeline
    }

    /// Processes that have a lease. One that was found without it twice, a renewal apart, is taken
    /// out of the index. Its keys are its own and end by themselves: it may have been slow only, and
    /// have renewed the lease after it was looked for.
    async fn known(&self) -> Result<Vec<(PodId, Lease)>, RedisFault> {
        let mut ask = redis::cmd("SMEMBERS");
        ask.arg(self.index_key());
        let pods: Vec<String> = self.desk.ask(Order::One(ask), PATIENCE).await?;
        let leases = pods
            .iter()
            .filter_map(|pod| pod.parse().ok())
            .map(|pod: PodId| async move { Ok::<_, RedisFault>((pod, self.lease(pod).await?)) });
        let (lapsed, known): (Vec<_>, Vec<_>) =
            try_join_all(leases).await?.into_iter().partition(|(_, lease)| *lease == Lease::Lapsed);
        let lapsed = lapsed.into_iter().map(|(pod, _)| pod).filter(|pod| *pod != self.pod).collect();
        for pod in self.missing_for_long(lapsed) {
            self.strike(pod).await?;
        }
        Ok(known)
    }

    /// Notes who has no lease now; answers those who had none at an earlier look either.
    fn missing_for_long(&self, lapsed: BTreeSet<PodId>) -> Vec<PodId> {
        let now = Instant::now();
        let missing = &mut self.lock().missing;
        missing.retain(|pod, _| lapsed.contains(pod));
        for pod in lapsed {
            missing.entry(pod).or_insert(now);
        }
        let is_long = |since: &Instant| now.duration_since(*since) >= self.times.renew;
        missing.iter().filter(|(_, since)| is_long(since)).map(|(pod, _)| *pod).collect()
    }

    /// Takes another process out of the index; puts it back when it turns out to live. A process
    /// renews its lease before it enters itself, so one of the two is seen.
    async fn strike(&self, pod: PodId) -> Result<(), RedisFault> {
        self.index("SREM", pod).await?;
        if self.lease(pod).await? == Lease::Lapsed { Ok(()) } else { self.index("SADD", pod).await }
    }

    async fn index(&self, change: &str, pod: PodId) -> Result<(), RedisFault> {
        let mut change = redis::cmd(change);
        change.arg(self.index_key()).arg(pod.to_string());
        self.desk.ask::<Value>(Order::One(change), PATIENCE).await.map(drop)
    }

    async fn lease(&self, pod: PodId) -> Result<Lease, RedisFault> {
        let mut get = redis::cmd("GET");
        get.arg(self.lease_key(pod));
        let lease: Option<String> = self.desk.ask(Order::One(get), PATIENCE).await?;
        Ok(match lease.as_deref() {
            None => Lease::Lapsed,
            Some(ENDED) => Lease::Ended,
            Some(_) => Lease::Held,
        })
    }

    async fn people_of(&self, pod: PodId) -> Result<(PodId, People), RedisFault> {
        let mut ask = redis::cmd("HGETALL");
        ask.arg(self.people_key(pod));
        let fields: BTreeMap<String, String> = self.desk.ask(Order::One(ask), PATIENCE).await?;
        // What another version wrote otherwise is nobody.
        Ok((pod, fields.iter().filter_map(|(user, said)| Some((user.parse().ok()?, parse(said)?))).collect()))
    }

    fn life(&self) -> u64 {
        u64::try_from(self.times.life.as_millis()).unwrap_or(u64::MAX)
    }

    fn index_key(&self) -> String {
        self.lanes.own("presence:pods")
    }

    fn lease_key(&self, pod: PodId) -> String {
        self.lanes.own(&format!("presence:{{{pod}}}:lease"))
    }

    fn people_key(&self, pod: PodId) -> String {
        self.lanes.own(&format!("presence:{{{pod}}}:people"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each person is written at once: a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leases for RedisLeases {
    fn put(&self, changes: Vec<(UserId, Presence)>) -> Answer<'_, ()> {
        let mut state = self.lock();
        for (user, presence) in changes {
            state.people.insert(user, presence);
            state.changed.insert(user);
        }
        drop(state);
        self.changed.notify_one();
        async { Ok(()) }.boxed()
    }

    fn all(&self) -> Answer<'_, BTreeMap<PodId, People>> {
        async move {
            let away = |fault: RedisFault| LeasesAway(fault.to_string());
            let known = self.known().await.map_err(away)?;
            let people = try_join_all(known.into_iter().map(|(pod, _)| self.people_of(pod)));
            people.await.map(|all| all.into_iter().collect()).map_err(away)
        }
        .boxed()
    }

    fn release(&self, now: Timestamp) -> Answer<'_, ()> {
        let mut state = self.lock();
        state.released = true;
        state.people.values_mut().for_each(|presence| *presence = presence.ended(now));
        drop(state);
        self.changed.notify_one();
        async move {
            // A renewal under way would bring the lease back after its end was written.
            let _alone = self.writing.lock().await;
            let mut end = self.everything();
            end.cmd("SET").arg(self.lease_key(self.pod)).arg(ENDED).arg("PX").arg(self.life()).ignore();
            let ended = self.desk.ask::<Value>(Order::Many(end), PATIENCE).await;
            ended.map(drop).map_err(|fault| LeasesAway(fault.to_string()))
        }
        .boxed()
    }
}

fn put(pipeline: &mut Pipeline, key: &str, people: &[(UserId, Presence)]) {
    for people in people.chunks(CHUNK) {
        let set = pipeline.cmd("HSET").arg(key);
        for (user, Presence { connections, last_seen }) in people {
            set.arg(user.to_string()).arg(format!("{connections}|{}", last_seen.millis()));
        }
        set.ignore();
    }
}

fn parse(said: &str) -> Option<Presence> {
    let (connections, last_seen) = said.split_once('|')?;
    let last_seen = Timestamp::from_millis(last_seen.parse().ok()?);
    Some(Presence { connections: connections.parse().ok()?, last_seen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_person_is_read() {
        let presence = Presence { connections: 2, last_seen: Timestamp::from_millis(9) };
        assert_eq!(parse("2|9"), Some(presence));
        assert_eq!(parse("2"), None);
        assert_eq!(parse("-1|9"), None);
    }
}
