//! WebSocket tickets: 256 random bits that open one socket once, within seconds.
//!
//! A browser cannot set a header on a WebSocket, and what it can set is written to logs; so what
//! it sends there is worthless after its first use.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::busy;
use super::refresh::{hash, opaque};
use crate::clock::Clock;
use crate::domain::session::Identity;
use crate::domain::{SessionId, Timestamp, User};
use crate::error::Fault;

/// Tickets that are alive at once, of all users.
const MOST: usize = 65_536;

#[derive(Debug)]
struct Ticket {
    user: User,
    identity: Identity,
    origin: Option<String>,
    expires_at: Timestamp,
}

#[derive(Debug, Default)]
struct Drawer {
    tickets: HashMap<[u8; 32], Ticket>,
    /// In the order of their making, which is that of their end: all live equally long.
    order: VecDeque<([u8; 32], Timestamp)>,
}

impl Drawer {
    fn tidy(&mut self, now: Timestamp) {
        while let Some((key, _)) = self.order.front().filter(|(_, end)| *end <= now).copied() {
            self.order.pop_front();
            self.tickets.remove(&key);
        }
    }
}

/// The tickets of this process.
#[derive(Debug)]
pub struct Tickets {
    life: Duration,
    drawer: Mutex<Drawer>,
}

impl Tickets {
    #[must_use]
    pub fn new(life: Duration) -> Self {
        Self { life, drawer: Mutex::default() }
    }

    /// How long a ticket lives.
    #[must_use]
    pub const fn life(&self) -> Duration {
        self.life
    }

    /// A ticket for one socket of this person, opened from `origin` (the header of the request that
    /// asks for it).
    ///
    /// # Errors
    /// `unavailable` when too many are alive.
    pub fn issue(
        &self,
        user: User,
        identity: Identity,
        origin: Option<String>,
        clock: &dyn Clock,
    ) -> Result<String, Fault> {
        let now = clock.now();
        let expires_at = now.plus(self.life);
        let value = opaque(clock);
        let key = hash(&value);
        let mut drawer = self.lock();
        drawer.tidy(now);
        if drawer.order.len() >= MOST {
            return Err(busy("too many sockets are being opened; try again", Duration::from_secs(1)));
        }
        drawer.tickets.insert(key, Ticket { user, identity, origin, expires_at });
        drawer.order.push_back((key, expires_at));
        Ok(value)
    }

    /// Uses a ticket up and says whom it was made for. It is gone even when the origin differs or
    /// the time is over; of two uses at once, one gets it. No query is needed: the ticket of a login
    /// that ended was forgotten with it.
    pub fn take(&self, value: &str, origin: Option<&str>, now: Timestamp) -> Option<(User, Identity)> {
        let ticket = self.lock().tickets.remove(&hash(value))?;
        (now < ticket.expires_at && ticket.origin.as_deref() == origin)
            .then_some((ticket.user, ticket.identity))
    }

    /// Forgets the tickets of a login that ended.
    pub fn forget(&self, session: SessionId) {
        self.lock().tickets.retain(|_, ticket| ticket.identity.session != session);
    }

    fn lock(&self) -> MutexGuard<'_, Drawer> {
        // A panic while holding the lock cannot leave a ticket half made.
        self.drawer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use uuid::Uuid;

    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::{Email, UserId, Username};
    use crate::error::Code;

    struct Manual(AtomicI64);

    impl Clock for Manual {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }

        fn random(&self, bytes: &mut [u8]) {
            SystemClock.random(bytes);
        }
    }

    fn identity(session: u128) -> Identity {
        Identity {
            user: UserId(Uuid::from_u128(1)),
            session: SessionId(Uuid::from_u128(session)),
            expires_at: Timestamp::from_millis(1_000_000),
        }
    }

    fn user() -> User {
        User {
            id: UserId(Uuid::from_u128(1)),
            username: Username::from_stored("alice".into()),
            email: Email::from_stored("alice@example.com".into()),
            avatar: None,
            created_at: Timestamp::default(),
            last_seen: None,
        }
    }

    fn setup() -> (Tickets, Manual) {
        (Tickets::new(Duration::from_secs(30)), Manual(AtomicI64::new(0)))
    }

    #[test]
    fn a_ticket_works_once() {
        let (tickets, clock) = setup();
        let value = tickets.issue(user(), identity(1), None, &clock).expect("issued");
        assert_eq!(tickets.take(&value, None, clock.now()), Some((user(), identity(1))));
        assert_eq!(tickets.take(&value, None, clock.now()), None);
    }

    #[test]
    fn a_ticket_ends_after_its_time() {
        let (tickets, clock) = setup();
        let value = tickets.issue(user(), identity(1), None, &clock).expect("issued");
        assert_eq!(tickets.take(&value, None, Timestamp::from_millis(30_000)), None);
    }

    #[test]
    fn a_ticket_is_for_the_origin_that_asked_and_is_gone_after_another_tried() {
        let (tickets, clock) = setup();
        let ours = "https://chat.example.com";
        let value = tickets.issue(user(), identity(1), Some(ours.into()), &clock).expect("issued");
        assert_eq!(tickets.take(&value, Some("https://evil.example"), clock.now()), None);
        assert_eq!(tickets.take(&value, Some(ours), clock.now()), None);
        let value = tickets.issue(user(), identity(1), Some(ours.into()), &clock).expect("issued");
        assert_eq!(tickets.take(&value, Some(ours), clock.now()), Some((user(), identity(1))));
    }

    #[test]
    fn tickets_of_an_ended_login_are_worthless() {
        let (tickets, clock) = setup();
        let ended = tickets.issue(user(), identity(1), None, &clock).expect("issued");
        let alive = tickets.issue(user(), identity(2), None, &clock).expect("issued");
        tickets.forget(identity(1).session);
        assert_eq!(tickets.take(&ended, None, clock.now()), None);
        assert_eq!(tickets.take(&alive, None, clock.now()), Some((user(), identity(2))));
    }

    #[test]
    fn their_number_is_bounded_and_old_ones_make_room() {
        let (tickets, clock) = setup();
        for _ in 0..MOST {
            tickets.issue(user(), identity(1), None, &clock).expect("issued");
        }
        assert_eq!(
            tickets.issue(user(), identity(1), None, &clock).expect_err("full").code,
            Code::Unavailable
        );
        clock.0.store(30_000, Ordering::Relaxed);
        assert!(tickets.issue(user(), identity(1), None, &clock).is_ok());
        assert_eq!(tickets.lock().order.len(), 1);
    }

    #[test]
    fn of_two_uses_at_once_one_gets_it() {
        let (tickets, clock) = setup();
        let value = tickets.issue(user(), identity(1), None, &clock).expect("issued");
        let take = || usize::from(tickets.take(&value, None, Timestamp::default()).is_some());
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(taken, 1);
    }
}
