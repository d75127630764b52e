//! Tickets in the memory of the one process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::busy;
use crate::domain::session::Identity;
use crate::domain::{SessionId, Timestamp, User};
use crate::error::Fault;

/// Tickets that are alive at once, of all users.
const MOST: usize = 65_536;

#[derive(Debug)]
pub(super) struct Ticket {
    pub user: User,
    pub identity: Identity,
    pub origin: Option<String>,
    pub expires_at: Timestamp,
}

#[derive(Debug, Default)]
struct Contents {
    tickets: HashMap<[u8; 32], Ticket>,
    /// In the order of their making, which is that of their end: all live equally long.
    order: VecDeque<([u8; 32], Timestamp)>,
}

impl Contents {
    fn tidy(&mut self, now: Timestamp) {
        while let Some((key, _)) = self.order.front().filter(|(_, end)| *end <= now).copied() {
            self.order.pop_front();
            self.tickets.remove(&key);
        }
    }
}

/// The tickets of this process.
#[derive(Debug, Default)]
pub(super) struct Drawer(Mutex<Contents>);

impl Drawer {
    /// # Errors
    /// `unavailable` when too many are alive.
    pub(super) fn keep(&self, key: [u8; 32], ticket: Ticket, now: Timestamp) -> Result<(), Fault> {
        let mut drawer = self.lock();
        drawer.tidy(now);
        if drawer.order.len() >= MOST {
            return Err(busy("too many sockets are being opened; try again", Duration::from_secs(1)));
        }
        drawer.order.push_back((key, ticket.expires_at));
        drawer.tickets.insert(key, ticket);
        Ok(())
    }

    pub(super) fn take(
        &self,
        key: [u8; 32],
        origin: Option<&str>,
        now: Timestamp,
    ) -> Option<(User, Identity)> {
        let ticket = self.lock().tickets.remove(&key)?;
        (now < ticket.expires_at && ticket.origin.as_deref() == origin)
            .then_some((ticket.user, ticket.identity))
    }

    pub(super) fn forget(&self, session: SessionId) {
        self.lock().tickets.retain(|_, ticket| ticket.identity.session != session);
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // A panic while holding the lock cannot leave a ticket half made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Email, UserId, Username};
    use crate::error::Code;

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
            email_verified: true,
            server_role: crate::domain::ServerRole::User,
            status: crate::domain::AccountStatus::Active,
            profile: crate::domain::Profile::default(),
        }
    }

    const KEY: [u8; 32] = [7; 32];

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Made at 0, for 30 s.
    fn ticket(session: u128, origin: Option<&str>) -> Ticket {
        let origin = origin.map(str::to_owned);
        Ticket { user: user(), identity: identity(session), origin, expires_at: at(30_000) }
    }

    fn with(ticket: Ticket) -> Drawer {
        let drawer = Drawer::default();
        drawer.keep(KEY, ticket, at(0)).expect("kept");
        drawer
    }

    #[test]
    fn a_ticket_works_once() {
        let drawer = with(ticket(1, None));
        assert_eq!(drawer.take(KEY, None, at(0)), Some((user(), identity(1))));
        assert_eq!(drawer.take(KEY, None, at(0)), None);
    }

    #[test]
    fn a_ticket_ends_after_its_time() {
        assert_eq!(with(ticket(1, None)).take(KEY, None, at(30_000)), None);
    }

    #[test]
    fn a_ticket_is_for_the_origin_that_asked_and_is_gone_after_another_tried() {
        let ours = "https://chat.example.com";
        let drawer = with(ticket(1, Some(ours)));
        assert_eq!(drawer.take(KEY, Some("https://evil.example"), at(0)), None);
        assert_eq!(drawer.take(KEY, Some(ours), at(0)), None);
        let drawer = with(ticket(1, Some(ours)));
        assert_eq!(drawer.take(KEY, Some(ours), at(0)), Some((user(), identity(1))));
    }

    #[test]
    fn tickets_of_an_ended_login_are_worthless() {
        let drawer = with(ticket(1, None));
        drawer.keep([8; 32], ticket(2, None), at(0)).expect("kept");
        drawer.forget(identity(1).session);
        assert_eq!(drawer.take(KEY, None, at(0)), None);
        assert_eq!(drawer.take([8; 32], None, at(0)), Some((user(), identity(2))));
    }

    #[test]
    fn their_number_is_bounded_and_old_ones_make_room() {
        let drawer = Drawer::default();
        for n in 0..MOST {
            let mut key = KEY;
            key[..8].copy_from_slice(&n.to_le_bytes());
            drawer.keep(key, ticket(1, None), at(0)).expect("kept");
        }
        assert_eq!(drawer.keep(KEY, ticket(1, None), at(0)).expect_err("full").code, Code::Unavailable);
        assert!(drawer.keep(KEY, ticket(1, None), at(30_000)).is_ok());
        assert_eq!(drawer.lock().order.len(), 1);
    }

    #[test]
    fn of_two_uses_at_once_one_gets_it() {
        let drawer = with(ticket(1, None));
        let take = || usize::from(drawer.take(KEY, None, at(0)).is_some());
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(taken, 1);
    }
}
