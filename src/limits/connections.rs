//! How many sockets someone may hold open: a user to all processes together, as far as they know of
//! each other; an address to this one.
//!
//! Next: [`crate::domain::presence::Roster`], which knows of the other processes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use super::{lock, network};
use crate::domain::UserId;
use crate::settings::Limits;

/// Why a socket was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The user has as many as he may.
    User,
    /// The address has as many as it may.
    Ip,
}

#[derive(Debug, Default)]
struct Open {
    users: HashMap<UserId, usize>,
    ips: HashMap<IpAddr, usize>,
}

#[derive(Clone, Copy, Debug)]
enum Counted {
    User(UserId),
    Ip(IpAddr),
}

/// Counts open sockets by user and by address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// Counts a socket for its address; dropping the guard counts it out.
    ///
    /// # Errors
    /// When the address is at the cap; nothing is counted then.
    pub fn enter_address(&self, ip: IpAddr) -> Result<ConnectionGuard, Refused> {
        let ip = network(ip);
        let cap = self.cap(self.limits.connections_per_ip);
        if !enter(&mut lock(&self.open).ips, ip, cap) {
            return Err(Refused::Ip);
        }
        Ok(ConnectionGuard { open: self.open.clone(), counted: Counted::Ip(ip) })
    }

    /// Counts a socket for the user behind it, who has so many elsewhere; dropping the guard counts
    /// it out.
    ///
    /// # Errors
    /// When the user is at the cap; nothing is counted then.
    pub fn enter_user(&self, user: UserId, elsewhere: u32) -> Result<ConnectionGuard, Refused> {
        let elsewhere = usize::try_from(elsewhere).unwrap_or(usize::MAX);
        let cap = self.cap(self.limits.connections_per_user).saturating_sub(elsewhere);
        if !enter(&mut lock(&self.open).users, user, cap) {
            return Err(Refused::User);
        }
        Ok(ConnectionGuard { open: self.open.clone(), counted: Counted::User(user) })
    }

    /// Sockets counted in, by address.
    #[must_use]
    pub fn open(&self) -> usize {
        lock(&self.open).ips.values().sum()
    }

    const fn cap(&self, cap: usize) -> usize {
        if self.limits.rates_on { cap } else { usize::MAX }
    }
}

/// A socket that is counted in for its user or its address.
#[derive(Debug)]
pub struct ConnectionGuard {
    open: Arc<Mutex<Open>>,
    counted: Counted,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        match self.counted {
            Counted::User(user) => release(&mut open.users, user),
            Counted::Ip(ip) => release(&mut open.ips, ip),
        }
    }
}

fn enter<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K, cap: usize) -> bool {
    // Where others have used up the cap it is zero, and then no entry of zero may stay behind.
    let fits = counts.get(&key).copied().unwrap_or(0) < cap;
    if fits {
        *counts.entry(key).or_insert(0) += 1;
    }
    fits
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use uuid::Uuid;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn sockets_are_capped_per_user_and_address_and_freed_on_drop() {
        let limits = Limits { connections_per_user: 1, connections_per_ip: 2, ..Limits::default() };
        let connections = Connections::new(limits);
        let mut guards: Vec<_> =
            (0..2).map(|_| connections.enter_address(HOME).expect("below the cap")).collect();
        assert_eq!(connections.enter_address(HOME).err(), Some(Refused::Ip));
        assert_eq!(connections.open(), 2, "a refused socket is not counted");
        let first = connections.enter_user(user(1), 0).expect("below the cap");
        assert_eq!(connections.enter_user(user(1), 0).err(), Some(Refused::User));
        assert!(connections.enter_user(user(2), 0).is_ok());
        drop(first);
        assert!(connections.enter_user(user(1), 0).is_ok());
        assert_eq!(connections.enter_user(user(1), 1).err(), Some(Refused::User), "one elsewhere");
        assert!(lock(&connections.open).users.is_empty());
        guards.pop();
        assert!(connections.enter_address(HOME).is_ok());
        drop(guards);
        assert_eq!(connections.open(), 0);
    }
}
