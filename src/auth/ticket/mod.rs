//! WebSocket tickets: 256 random bits that open one socket once, within seconds.
//!
//! A browser cannot set a header on a WebSocket, and what it can set is written to logs; so what
//! it sends there is worthless after its first use, in the whole cluster.
//!
//! A single process keeps them in [`local`]. Several keep them in a [`SharedDrawer`], and in the
//! database while that is away or where there is none; a ticket begins with a letter that says where
//! it lies.

mod kept;
mod local;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::kept::Kept;
use self::local::Drawer;
use super::refresh::{hash, opaque};
use super::store_fault;
use crate::clock::Clock;
use crate::domain::session::Identity;
use crate::domain::{SessionId, Timestamp, User};
use crate::error::Fault;
use crate::store::Store;

/// What a drawer answers.
pub type DrawerAnswer<'a, T> = BoxFuture<'a, Result<T, DrawerAway>>;

/// The drawer gave no answer. The text is for the log.
#[derive(Clone, Debug)]
pub struct DrawerAway(pub String);

/// A place for tickets that every process of the cluster reaches. It may be away, and what is in it
/// may get lost: then the client asks for another ticket.
pub trait SharedDrawer: Send + Sync + 'static {
    /// Keeps what was sealed under this hash, for so long.
    fn keep(&self, hash: [u8; 32], sealed: Vec<u8>, life: Duration) -> DrawerAnswer<'_, ()>;

    /// Takes it out: of any number of takers, one gets it.
    fn take(&self, hash: [u8; 32]) -> DrawerAnswer<'_, Option<Vec<u8>>>;
}

/// Why a ticket opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketRefused {
    /// It was used, is over, belongs to another page or to a login that ended, or never was one.
    Invalid,
    /// Where it lies does not answer. It may be gone already: another one is needed.
    Unavailable,
}

impl fmt::Display for TicketRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "the ticket is not valid",
            Self::Unavailable => "the ticket could not be looked up",
        })
    }
}

impl std::error::Error for TicketRefused {}

enum Place {
    Process(Drawer),
    Cluster { drawer: Option<Arc<dyn SharedDrawer>>, store: Arc<dyn Store> },
}

/// Where a ticket of a cluster lies: its first letter.
const IN_DRAWER: char = 'r';
const IN_STORE: char = 'd';
/// Letters of 256 bits after it.
const LETTERS: usize = 43;

/// The tickets.
pub struct Tickets {
    life: Duration,
    place: Place,
}

impl Tickets {
    /// For a single process: they are kept in memory.
    #[must_use]
    pub fn new(life: Duration) -> Self {
        Self { life, place: Place::Process(Drawer::default()) }
    }

    /// For several processes with one database.
    #[must_use]
    pub fn shared(life: Duration, drawer: Arc<dyn SharedDrawer>, store: Arc<dyn Store>) -> Self {
        Self { life, place: Place::Cluster { drawer: Some(drawer), store } }
    }

    /// For several processes that share nothing but the database.
    #[must_use]
    pub fn stored(life: Duration, store: Arc<dyn Store>) -> Self {
        Self { life, place: Place::Cluster { drawer: None, store } }
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
    /// `unavailable` when too many are alive, or when nobody can keep it now.
    pub async fn issue(
        &self,
        user: User,
        identity: Identity,
        origin: Option<String>,
        clock: &dyn Clock,
    ) -> Result<String, Fault> {
        let (now, value) = (clock.now(), opaque(clock));
        let expires_at = now.plus(self.life);
        let (drawer, store) = match &self.place {
            Place::Process(drawer) => {
                drawer.keep(hash(&value), local::Ticket { user, identity, origin, expires_at }, now)?;
                return Ok(value);
            }
            Place::Cluster { drawer, store } => (drawer, store),
        };
        let sealed = Kept { identity, origin, expires_at }.seal()?;
        if let Some(drawer) = drawer {
            let ticket = format!("{IN_DRAWER}{value}");
            match drawer.keep(hash(&ticket), sealed.clone(), self.life).await {
                Ok(()) => return Ok(ticket),
                Err(DrawerAway(why)) => log::debug!("a ticket goes to the database: {why}"),
            }
        }
        let ticket = format!("{IN_STORE}{value}");
        store.keep_ticket(hash(&ticket), sealed, expires_at).await.map_err(store_fault)?;
        Ok(ticket)
    }

    /// Uses a ticket up and says whom it was made for. It is gone even when the origin differs or
    /// the time is over; of two uses at once, one gets it.
    ///
    /// What cannot be a ticket is looked up nowhere, anything else in one place. In a cluster the
    /// login is looked up after that, because it may have ended meanwhile; in a single process the
    /// tickets of a login that ended were forgotten with it.
    ///
    /// # Errors
    /// See [`TicketRefused`].
    pub async fn take(
        &self,
        value: &str,
        origin: Option<&str>,
        now: Timestamp,
    ) -> Result<(User, Identity), TicketRefused> {
        let (drawer, store) = match &self.place {
            Place::Process(drawer) => {
                return drawer.take(hash(value), origin, now).ok_or(TicketRefused::Invalid);
            }
            Place::Cluster { drawer, store } => (drawer, store),
        };
        if !looks_right(value) {
            return Err(TicketRefused::Invalid);
        }
        let away = |why: &dyn fmt::Display| {
            log::warn!("a ticket was not looked up: {why}");
            TicketRefused::Unavailable
        };
        let sealed = match drawer {
            _ if value.starts_with(IN_STORE) => {
                store.take_ticket(hash(value), now).await.map_err(|error| away(&error))?
            }
            Some(drawer) => drawer.take(hash(value)).await.map_err(|DrawerAway(why)| away(&why))?,
            None => None,
        };
        let kept = sealed.and_then(|sealed| Kept::open(&sealed)).ok_or(TicketRefused::Invalid)?;
        if now >= kept.expires_at || kept.origin.as_deref() != origin {
            return Err(TicketRefused::Invalid);
        }
        let user = store.login_user(kept.identity.session).await.map_err(|error| away(&error))?;
        user.map(|user| (user, kept.identity)).ok_or(TicketRefused::Invalid)
    }

    /// Forgets the tickets of a login that ended.
    pub fn forget(&self, session: SessionId) {
        if let Place::Process(drawer) = &self.place {
            drawer.forget(session);
        }
    }
}

fn looks_right(value: &str) -> bool {
    let rest = value.strip_prefix([IN_DRAWER, IN_STORE]);
    rest.is_some_and(|rest| {
        rest.len() == LETTERS && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn what_cannot_be_a_ticket_is_told_by_its_looks() {
        let value = opaque(&SystemClock);
        assert!(looks_right(&format!("r{value}")) && looks_right(&format!("d{value}")));
        for wrong in [String::new(), value.clone(), format!("x{value}"), format!("r{value}="), "r".into()] {
            assert!(!looks_right(&wrong), "{wrong}");
        }
        assert!(!looks_right(&format!("r{}*", &value[1..])));
    }
}
