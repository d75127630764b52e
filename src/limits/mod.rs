//! How often someone may do something, and how many sockets someone may hold open.
//!
//! Decided here at once, by what this process knows; what several processes tell each other in the
//! background comes in by [`shared`]. Knows the settings and the domain's buckets; no actor, no HTTP.

mod connections;
pub mod shared;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::rate::{Bucket, Rate, penalty};
use crate::domain::{RoomId, Timestamp, UserId};
use crate::settings::Limits;

pub use connections::{ConnectionGuard, Connections, Refused};
use shared::{Sharing, Untold};

const SHARDS: usize = 16;
/// Keys that one shard remembers; some megabytes for all of them.
const KEYS_PER_SHARD: usize = 8_192;
/// The longest wait that failures can bring upon an account.
const LONGEST_PENALTY: Duration = Duration::from_secs(15 * 60);

/// What is counted, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Messages of a user in a room.
    Send(UserId, RoomId),
    /// WebSocket tickets of a user.
    Ticket(UserId),
    /// Attempts to sign in to the account of an address, named by the SHA-256 of its key.
    LoginAccount([u8; 32]),
    /// Attempts to sign in from a network address.
    LoginIp(IpAddr),
    /// Accounts made from a network address.
    RegisterIp(IpAddr),
    /// Refresh tokens presented from a network address.
    RefreshIp(IpAddr),
    /// Rooms made by a user.
    CreateRoom(UserId),
    /// Files uploaded by a user.
    Upload(UserId),
    /// Requests of a user over HTTP.
    Request(UserId),
    /// Mails to an address that somebody asked for, named by the SHA-256 of its key.
    MailTo([u8; 32]),
    /// Mails asked for from a network address.
    MailIp(IpAddr),
    /// Proofs that came by mail, or are said to, presented from a network address.
    ProofIp(IpAddr),
}

impl Key {
    /// What each kind is called, in the order of [`Self::kind`].
    pub const KINDS: [&'static str; 12] = [
        "send",
        "ticket",
        "login_account",
        "login_address",
        "register_address",
        "refresh_address",
        "create_room",
        "request",
        "mail_to",
        "mail_address",
        "proof_address",
        "upload",
    ];

    const fn kind(&self) -> usize {
        match self {
            Self::Send(..) => 0,
            Self::Ticket(_) => 1,
            Self::LoginAccount(_) => 2,
            Self::LoginIp(_) => 3,
            Self::RegisterIp(_) => 4,
            Self::RefreshIp(_) => 5,
            Self::CreateRoom(_) => 6,
            Self::Request(_) => 7,
            Self::MailTo(_) => 8,
            Self::MailIp(_) => 9,
            Self::ProofIp(_) => 10,
            Self::Upload(_) => 11,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Count {
    bucket: Bucket,
    failures: u32,
    blocked_until: Timestamp,
    untold: Untold,
}

impl Count {
    const fn fresh() -> Self {
        let blocked_until = Timestamp::from_millis(0);
        Self { bucket: Bucket::full(), failures: 0, blocked_until, untold: Untold::nothing() }
    }

    /// Whether nothing is remembered that matters: failures are forgotten as long after the block
    /// as the block can last.
    fn is_spent(&self, now: Timestamp) -> bool {
        let forgiven = self.failures == 0 || now >= self.blocked_until.plus(LONGEST_PENALTY);
        self.bucket.is_full(now) && forgiven
    }
}

#[derive(Debug, Default)]
struct Counts {
    by_key: HashMap<Key, Count>,
    /// Keys of which the other processes are to be told; each once.
    to_tell: Vec<Key>,
}

/// Token buckets by key, with growing waits after failures to sign in.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    hasher: RandomState,
    shards: Vec<Mutex<Counts>>,
    connections: Connections,
    sharing: Option<Sharing>,
    /// By kind.
    refusals: [AtomicU64; Key::KINDS.len()],
}

impl Limiter {
    /// For a single process.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let connections = Connections::new(limits.clone());
        Self {
            limits,
            hasher: RandomState::new(),
            shards,
            connections,
            sharing: None,
            refusals: Default::default(),
        }
    }

    /// How often a limit of this kind was reached: the place in [`Key::KINDS`].
    #[must_use]
    pub fn refusals(&self, kind: usize) -> u64 {
        self.refusals.get(kind).map_or(0, |refusals| refusals.load(Ordering::Relaxed))
    }

    /// For several processes that tell each other what was taken; see [`shared`].
    #[must_use]
    pub fn shared(limits: Limits) -> Self {
        Self { sharing: Some(Sharing::default()), ..Self::new(limits) }
    }

    /// The count of open sockets.
    #[must_use]
    pub const fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long until the next may be taken. Nothing is taken then.
    pub fn check(&self, key: Key, now: Timestamp) -> Result<(), Duration> {
        if !self.limits.rates_on {
            return Ok(());
        }
        let rate = self.rate(key);
        let taken = self.with(tidy(key), now, |count| {
            let blocked = count.blocked_until.since(now);
            if blocked > Duration::ZERO {
                // Elsewhere the right password may have come meanwhile.
                count.untold.ask();
                return Err(blocked);
            }
            count.bucket.take(rate, now)?;
            count.untold.take();
            Ok(())
        });
        if taken.is_err()
            && let Some(refusals) = self.refusals.get(key.kind())
        {
            refusals.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Notes that an attempt to sign in failed: beyond the free ones, each further failure doubles
    /// the wait.
    pub fn failed(&self, key: Key, now: Timestamp) {
        if !self.limits.rates_on {
            return;
        }
        let free = self.limits.logins_per_minute;
        self.with(tidy(key), now, |count| {
            if count.is_spent(now) {
                count.failures = 0;
            }
            count.failures = count.failures.saturating_add(1);
            count.untold.fail();
            count.blocked_until = now.plus(penalty(count.failures, free, LONGEST_PENALTY));
        });
    }

    /// Forgets the failures: the right password came.
    pub fn succeeded(&self, key: Key, now: Timestamp) {
        if self.limits.rates_on {
            self.with(tidy(key), now, |count| {
                count.failures = 0;
                count.blocked_until = now;
                count.untold.succeed();
            });
        }
    }

    fn rate(&self, key: Key) -> Rate {
        let whole = self.whole_rate(key);
        self.sharing.as_ref().map_or(whole, |sharing| whole.divided(sharing.parts()))
    }

    /// Of all processes together.
    fn whole_rate(&self, key: Key) -> Rate {
        let limits = &self.limits;
        match key {
            Key::Send(..) => Rate::per_second(limits.sends_per_second, limits.sends_burst),
            Key::Ticket(_) => Rate::per_minute(limits.tickets_per_minute),
            Key::LoginAccount(_) => Rate::per_minute(limits.logins_per_minute),
            Key::LoginIp(_) => Rate::per_minute(limits.logins_per_minute_per_ip),
            Key::RegisterIp(_) => Rate::per_minute(limits.registrations_per_minute_per_ip),
            Key::RefreshIp(_) => Rate::per_minute(limits.refreshes_per_minute_per_ip),
            Key::Upload(_) => Rate::per_minute(limits.uploads_per_minute),
            Key::CreateRoom(_) => Rate::per_minute(limits.rooms_per_minute),
            Key::Request(_) => Rate::per_second(limits.requests_per_second_per_user, limits.requests_burst),
            Key::MailTo(_) => Rate::per_hour(limits.mails_per_hour),
            Key::MailIp(_) => Rate::per_hour(limits.mails_per_hour_per_ip),
            Key::ProofIp(_) => Rate::per_minute(limits.proofs_per_minute_per_ip),
        }
    }

    fn with<T>(&self, key: Key, now: Timestamp, act: impl FnOnce(&mut Count) -> T) -> T {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(index) else {
            // The index is below the number of shards; a fresh count would do no harm.
            return act(&mut Count::fresh());
        };
        let mut counts = lock(shard);
        let Counts { by_key, to_tell } = &mut *counts;
        if by_key.len() >= KEYS_PER_SHARD && !by_key.contains_key(&key) {
            make_room(by_key, now);
            to_tell.retain(|key| by_key.contains_key(key));
        }
        let count = by_key.entry(key).or_insert_with(Count::fresh);
        let was_told = count.untold.is_nothing();
        let outcome = act(count);
        if let Some(sharing) = &self.sharing
            && was_told
            && !count.untold.is_nothing()
        {
            to_tell.push(key);
            sharing.wake();
        }
        outcome
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).by_key.len()).sum()
    }
}

/// Forgets what is spent; when a flood of keys left nothing spent, forgets every second key, so
/// that memory stays bounded and the work for it rare.
fn make_room(counts: &mut HashMap<Key, Count>, now: Timestamp) {
    counts.retain(|_, count| !count.is_spent(now));
    if counts.len() > KEYS_PER_SHARD / 2 {
        let mut keep = false;
        counts.retain(|_, _| {
            keep = !keep;
            keep
        });
    }
}

fn tidy(key: Key) -> Key {
    match key {
        Key::LoginIp(ip) => Key::LoginIp(network(ip)),
        Key::RegisterIp(ip) => Key::RegisterIp(network(ip)),
        Key::RefreshIp(ip) => Key::RefreshIp(network(ip)),
        Key::MailIp(ip) => Key::MailIp(network(ip)),
        Key::ProofIp(ip) => Key::ProofIp(network(ip)),
        other => other,
    }
}

/// Whom an address stands for: one line of IPv6 owns 2^64 addresses, so its first half counts.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & (u128::MAX << 64))),
    }
}

/// A panic while holding the lock cannot leave a count half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use uuid::Uuid;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn ten_tickets_a_minute_and_each_user_for_himself() {
        let limiter = Limiter::new(Limits::default());
        assert!((0..10).all(|_| limiter.check(Key::Ticket(user(1)), at(0)).is_ok()));
        assert_eq!(limiter.check(Key::Ticket(user(1)), at(0)), Err(Duration::from_secs(6)));
        assert!(limiter.check(Key::Ticket(user(2)), at(0)).is_ok());
        assert!(limiter.check(Key::Ticket(user(1)), at(6_000)).is_ok());
    }

    #[test]
    fn failures_to_sign_in_double_the_wait_and_success_forgets_them() {
        let limiter = Limiter::new(Limits::default());
        let key = Key::LoginAccount([7; 32]);
        for i in 0..5 {
            assert!(limiter.check(key, at(i)).is_ok());
            limiter.failed(key, at(i));
        }
        assert!(limiter.check(key, at(5)).is_err(), "the penalty of the fifth failure");
        let later = 600_000;
        assert!(limiter.check(key, at(later)).is_ok());
        limiter.failed(key, at(later));
        assert_eq!(limiter.check(key, at(later)), Err(Duration::from_secs(2)));
        limiter.succeeded(key, at(later));
        assert!(limiter.check(key, at(later)).is_ok());
    }

    #[test]
    fn everything_passes_when_rates_are_off() {
        let limits = Limits { rates_on: false, connections_per_user: 1, ..Limits::default() };
        let limiter = Limiter::new(limits.clone());
        assert!((0..1_000).all(|_| limiter.check(Key::LoginIp(HOME), at(0)).is_ok()));
        let connections = Connections::new(limits);
        let guards: Vec<_> = (0..5).map(|_| connections.enter_user(user(1), 7)).collect();
        assert!(guards.iter().all(Result::is_ok));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let limiter = Limiter::new(Limits::default());
        for n in 0..(SHARDS * KEYS_PER_SHARD + 20_000) as u128 {
            let _ = limiter.check(Key::Ticket(user(n)), at(0));
        }
        assert!(limiter.keys() <= SHARDS * KEYS_PER_SHARD);
    }

    #[test]
    fn an_address_of_version_six_counts_by_its_first_half() {
        let one: IpAddr = "2001:db8::1".parse().expect("an address");
        let two: IpAddr = "2001:db8::ffff:1".parse().expect("an address");
        let other: IpAddr = "2001:db8:0:1::1".parse().expect("an address");
        assert_eq!(network(one), network(two));
        assert_ne!(network(one), network(other));
        assert_eq!(network("::ffff:127.0.0.1".parse().expect("an address")), HOME);
    }
}
