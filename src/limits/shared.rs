//! One rate for several processes. Each decides at once by what it knows; what was taken since is
//! told to the others in the background, and their part is taken off here.
//!
//! Whoever carries it (`crate::redis`) asks [`Limiter::to_tell`] after [`Limiter::used`], and hands
//! the answers to [`Limiter::told`]. While nothing can be told each process holds its part of every
//! rate: [`Limiter::part_of`].

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::{Key, LONGEST_PENALTY, Limiter, lock, rate_of};
use crate::domain::Timestamp;
use crate::domain::rate::Rate;

/// What the others do not know yet of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untold {
    taken: u32,
    failures: u32,
    /// The right password came; failures since are counted above.
    forgiven: bool,
    /// Nothing happened, but it matters what happened elsewhere.
    asks: bool,
}

impl Untold {
    pub(super) const fn nothing() -> Self {
        Self { taken: 0, failures: 0, forgiven: false, asks: false }
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Self::nothing()
    }

    pub(super) const fn take(&mut self) {
        self.taken = self.taken.saturating_add(1);
    }

    pub(super) const fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    pub(super) const fn succeed(&mut self) {
        (self.failures, self.forgiven) = (0, true);
    }

    pub(super) const fn ask(&mut self) {
        self.asks = true;
    }
}

/// What a limiter that shares has besides.
#[derive(Debug)]
pub(super) struct Sharing {
    parts: AtomicU32,
    woken: Notify,
}

impl Default for Sharing {
    fn default() -> Self {
        Self { parts: AtomicU32::new(1), woken: Notify::new() }
    }
}

impl Sharing {
    pub(super) fn parts(&self) -> u32 {
        self.parts.load(Ordering::Relaxed)
    }

    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }
}

/// What happened to one key since the others were told last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Used {
    pub key: Key,
    pub rate: Rate,
    /// Taken, and not refilled since.
    pub taken: u32,
    /// Where failures are counted.
    pub attempts: Option<Attempts>,
}

/// What happened to a key that failures to sign in are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Failures, after the right password if it came.
    pub failures: u32,
    /// The right password came.
    pub forgiven: bool,
    /// Failures as this process counts them, the new ones included: where nobody else remembers any.
    pub all: u32,
    /// The rest of the wait that they brought, as this process counts.
    pub wait: Duration,
    /// Failures without a wait.
    pub free: u32,
    /// The longest wait.
    pub longest: Duration,
}

/// Where a key stands in all processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The time until the bucket is full again.
    pub full_in: Duration,
    /// Failures, and the rest of the wait that they brought.
    pub failures: Option<(u32, Duration)>,
}

impl Key {
    /// A name for this key that tells nobody without `salt` what it stands for: addresses are few
    /// enough to be guessed.
    #[must_use]
    pub fn veiled(&self, salt: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(salt);
        let mut part = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update(bytes);
        };
        match self {
            Self::Send(user, room) => {
                part(0, user.0.as_bytes());
                part(0, room.0.as_bytes());
            }
            Self::Ticket(user) => part(1, user.0.as_bytes()),
            Self::LoginAccount(account) => part(2, account),
            Self::LoginIp(ip) => part(3, ip.to_string().as_bytes()),
            Self::RegisterIp(ip) => part(4, ip.to_string().as_bytes()),
            Self::RefreshIp(ip) => part(5, ip.to_string().as_bytes()),
            Self::CreateRoom(user) => part(6, user.0.as_bytes()),
            Self::Request(user) => part(7, user.0.as_bytes()),
            Self::MailTo(address) => part(8, address),
            Self::MailIp(ip) => part(9, ip.to_string().as_bytes()),
            Self::ProofIp(ip) => part(10, ip.to_string().as_bytes()),
            Self::Lookup(user) => part(11, user.0.as_bytes()),
            Self::RequestIp(ip) => part(12, ip.to_string().as_bytes()),
            Self::HealthIp(ip) => part(13, ip.to_string().as_bytes()),
            Self::Act(user) => part(14, user.0.as_bytes()),
            Self::Upload(user) => part(15, user.0.as_bytes()),
            Self::Search(user) => part(16, user.0.as_bytes()),
            Self::Report(user) => part(17, user.0.as_bytes()),
        }
        hash.finalize().into()
    }
}

impl Limiter {
    /// Answers when there is something to tell; may answer when there is not. Never, for a limiter
    /// that does not share.
    pub async fn used(&self) {
        match &self.sharing {
            Some(sharing) => sharing.woken.notified().await,
            None => std::future::pending().await,
        }
    }

    /// At most `most` keys, with what happened to them since the last call. What is not told then is
    /// lost for the others, and for nobody else.
    pub fn to_tell(&self, most: usize, now: Timestamp) -> Vec<Used> {
        let mut used = Vec::new();
        for shard in &self.shards {
            let mut counts = lock(shard);
            let many = counts.to_tell.len().min(most - used.len());
            let keys: Vec<_> = counts.to_tell.drain(..many).collect();
            for key in keys {
                let Some(count) = counts.by_key.get_mut(&key) else { continue };
                let untold = std::mem::replace(&mut count.untold, super::Untold::nothing());
                let rate = rate_of(&self.limits, key);
                let taken = count.bucket.still_missing(rate, untold.taken, now);
                let attempts = key.counts_failures().then(|| Attempts {
                    failures: untold.failures,
                    forgiven: untold.forgiven,
                    all: count.failures,
                    wait: count.blocked_until.since(now),
                    free: self.free(key),
                    longest: LONGEST_PENALTY,
                });
                if taken > 0 || attempts.is_some() {
                    used.push(Used { key, rate, taken, attempts });
                }
            }
            if !counts.to_tell.is_empty()
                && let Some(sharing) = &self.sharing
            {
                sharing.wake();
            }
        }
        used
    }

    /// Takes off what the others took.
    pub fn told(&self, key: Key, standing: Standing, now: Timestamp) {
        let rate = rate_of(&self.limits, key);
        self.with(key, now, |count| {
            count.bucket.catch_up(rate, standing.full_in, count.untold.taken, now);
            // What happened here since is on its way, and decides until it is answered.
            if let Some((failures, wait)) = standing.failures
                && count.untold.failures == 0
                && !count.untold.forgiven
            {
                count.failures = failures;
                count.blocked_until = now.plus(wait);
            }
        });
    }

    /// Holds each rate by itself as one of so many parts, from now on; 1 holds it together with the
    /// others.
    pub fn part_of(&self, processes: u32) {
        if let Some(sharing) = &self.sharing {
            sharing.parts.store(processes.max(1), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use uuid::Uuid;

    use super::*;
    use crate::domain::UserId;
    use crate::settings::Limits;

    const KEY: Key = Key::LoginAccount([7; 32]);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    fn ticket() -> Key {
        Key::Ticket(UserId(Uuid::from_u128(1)))
    }

    #[test]
    fn what_was_taken_is_told_once() {
        let limiter = Limiter::shared(Limits::default());
        for _ in 0..3 {
            limiter.check(ticket(), at(0)).expect("allowed");
        }
        let used = limiter.to_tell(10, at(0));
        assert_eq!(used.iter().map(|used| (used.key, used.taken)).collect::<Vec<_>>(), [(ticket(), 3)]);
        assert!(limiter.to_tell(10, at(0)).is_empty());
        limiter.check(ticket(), at(0)).expect("allowed");
        assert_eq!(limiter.to_tell(10, at(60_000)), [], "refilled long ago");
    }

    #[test]
    fn what_others_took_is_refused_here() {
        let limiter = Limiter::shared(Limits::default());
        limiter.check(ticket(), at(0)).expect("allowed");
        assert_eq!(limiter.to_tell(10, at(0)).len(), 1);
        let standing = Standing { full_in: Duration::from_secs(60), failures: None };
        limiter.told(ticket(), standing, at(0));
        assert_eq!(limiter.check(ticket(), at(0)), Err(Duration::from_secs(6)));
    }

    #[test]
    fn a_limiter_of_one_process_tells_nobody() {
        let limiter = Limiter::new(Limits::default());
        limiter.check(ticket(), at(0)).expect("allowed");
        assert!(limiter.to_tell(10, at(0)).is_empty());
    }

    #[test]
    fn the_right_password_elsewhere_ends_the_wait_here() {
        let limiter = Limiter::shared(Limits::default());
        for _ in 0..6 {
            limiter.failed(KEY, at(0));
        }
        let used = limiter.to_tell(10, at(0));
        let attempts = used[0].attempts.expect("failures are counted");
        assert_eq!((attempts.failures, attempts.all, attempts.wait), (6, 6, Duration::from_secs(2)));
        assert!(limiter.check(KEY, at(100)).is_err());
        let asked = limiter.to_tell(10, at(100));
        assert_eq!(asked[0].attempts.map(|attempts| attempts.failures), Some(0));
        limiter.told(KEY, Standing { full_in: Duration::ZERO, failures: Some((0, Duration::ZERO)) }, at(150));
        assert!(limiter.check(KEY, at(150)).is_ok());
    }

    #[test]
    fn a_failure_that_is_on_its_way_is_not_forgotten_by_an_older_answer() {
        let limiter = Limiter::shared(Limits::default());
        for _ in 0..5 {
            limiter.failed(KEY, at(0));
        }
        let _told = limiter.to_tell(10, at(0));
        limiter.failed(KEY, at(10));
        limiter.told(KEY, Standing { full_in: Duration::ZERO, failures: Some((5, Duration::ZERO)) }, at(20));
        assert!(limiter.check(KEY, at(20)).is_err());
    }

    #[test]
    fn alone_each_holds_its_part() {
        let limiter = Limiter::shared(Limits::default());
        limiter.part_of(5);
        let passed = (0..10).filter(|_| limiter.check(ticket(), at(0)).is_ok()).count();
        assert_eq!(passed, 2);
        limiter.part_of(0);
        let other = Key::Ticket(UserId(Uuid::from_u128(2)));
        assert_eq!((0..20).filter(|_| limiter.check(other, at(0)).is_ok()).count(), 10);
    }

    #[test]
    fn names_tell_nothing_and_differ() {
        let ip: IpAddr = "192.0.2.1".parse().expect("an address");
        let keys = [Key::LoginIp(ip), Key::RegisterIp(ip), Key::RefreshIp(ip), KEY, ticket()];
        let mut names: Vec<_> = keys.iter().map(|key| key.veiled(&[1; 32])).collect();
        names.push(KEY.veiled(&[2; 32]));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 6);
    }
}
