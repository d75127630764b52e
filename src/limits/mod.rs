//! How often someone may do something, and how many sockets someone may hold open.
//!
//! Decided here at once, by what this process knows; what several processes tell each other in the
//! background comes in by [`shared`]. Knows the settings and the domain's buckets; no actor, no HTTP.

mod connections;
pub mod noted;
pub mod policies;
pub mod shared;
mod tests;

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
use noted::Note;
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
    /// Questions of a user about others.
    Lookup(UserId),
    /// Requests over HTTP from a network address, whoever makes them.
    RequestIp(IpAddr),
    /// Questions after the server's health, from a network address.
    HealthIp(IpAddr),
    /// What a user does over sockets, but for messages and heartbeats.
    Act(UserId),
    /// Searches of a user.
    Search(UserId),
    /// Messages that a user reports.
    Report(UserId),
}

impl Key {
    /// What each kind is called, in the order of [`Self::kind`].
    pub const KINDS: [&'static str; 18] = [
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
        "lookup",
        "request_address",
        "health_address",
        "act",
        "upload",
        "search",
        "report",
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
            Self::Lookup(_) => 11,
            Self::RequestIp(_) => 12,
            Self::HealthIp(_) => 13,
            Self::Act(_) => 14,
            Self::Upload(_) => 15,
            Self::Search(_) => 16,
            Self::Report(_) => 17,
        }
    }

    /// Whether failures bring waits that grow.
    pub(crate) const fn counts_failures(&self) -> bool {
        matches!(self, Self::LoginAccount(_) | Self::ProofIp(_))
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
            Ok(count.bucket.left(rate, now))
        });
        let whole = rate_of(&self.limits, key);
        noted::note(|| match taken {
            Ok((left, reset)) => Note { left, reset, ..Note::full(key.kind(), whole) },
            Err(wait) => Note { left: 0, reset: wait, ..Note::full(key.kind(), whole) },
        });
        if taken.is_err()
            && let Some(refusals) = self.refusals.get(key.kind())
        {
            refusals.fetch_add(1, Ordering::Relaxed);
        }
        taken.map(drop)
    }

    /// Notes that an attempt to sign in, or a proof, failed: beyond the free ones, each further failure doubles
    /// the wait.
    pub fn failed(&self, key: Key, now: Timestamp) {
        if !self.limits.rates_on {
            return;
        }
        let free = self.free(key);
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

    /// Failures that bring no wait.
    const fn free(&self, key: Key) -> u32 {
        match key {
            Key::ProofIp(_) => self.limits.proofs_per_minute_per_ip,
            _ => self.limits.logins_per_minute,
        }
    }

    fn rate(&self, key: Key) -> Rate {
        let whole = rate_of(&self.limits, key);
        self.sharing.as_ref().map_or(whole, |sharing| whole.divided(sharing.parts()))
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

/// Of all processes together.
#[must_use]
pub fn rate_of(limits: &Limits, key: Key) -> Rate {
    match key {
        Key::Send(..) => Rate::per_second(limits.sends_per_second, limits.sends_burst),
        Key::Ticket(_) => Rate::per_minute(limits.tickets_per_minute),
        Key::LoginAccount(_) => Rate::per_minute(limits.logins_per_minute),
        Key::LoginIp(_) => Rate::per_minute(limits.logins_per_minute_per_ip),
        Key::RegisterIp(_) => Rate::per_minute(limits.registrations_per_minute_per_ip),
        Key::RefreshIp(_) => Rate::per_minute(limits.refreshes_per_minute_per_ip),
        Key::CreateRoom(_) => Rate::per_minute(limits.rooms_per_minute),
        Key::Request(_) => Rate::per_second(limits.requests_per_second_per_user, limits.requests_burst),
        Key::MailTo(_) => Rate::per_hour(limits.mails_per_hour),
        Key::MailIp(_) => Rate::per_hour(limits.mails_per_hour_per_ip),
        Key::ProofIp(_) => Rate::per_minute(limits.proofs_per_minute_per_ip),
        Key::Upload(_) => Rate::per_minute(limits.uploads_per_minute),
        Key::Search(_) => Rate::per_minute(limits.searches_per_minute),
        Key::Lookup(_) => Rate::per_minute(limits.lookups_per_minute),
        Key::Report(_) => Rate::per_minute(limits.reports_per_minute),
        Key::RequestIp(_) | Key::HealthIp(_) => {
            Rate::per_second(limits.requests_per_second_per_ip, limits.requests_burst_per_ip)
        }
        Key::Act(_) => Rate::per_second(limits.actions_per_second_per_user, limits.actions_burst),
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
        Key::RequestIp(ip) => Key::RequestIp(network(ip)),
        Key::HealthIp(ip) => Key::HealthIp(network(ip)),
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
