//! Proof of identity: passwords, access tokens, refresh families, tickets, and the flows of
//! accounts made of them.
//!
//! Knows the domain, the store's traits, mail and its own libraries; no actor, no HTTP. Next:
//! [`accounts`] (register, login, refresh, logout), [`recovery`] (what mail is a part of), [`courier`]
//! (who carries it), then [`bearer`] (who is asking).

pub mod accounts;
pub mod audit;
pub mod bearer;
pub mod courier;
pub mod factors;
pub mod keys;
mod logins;
mod own_data;
pub mod password;
pub mod post;
mod recovery;
pub mod refresh;
mod second_factor;
pub mod secret;
pub mod ticket;
pub mod token;
mod wording;

pub use accounts::{AccountFlows, Registration, SignedIn};
pub use bearer::Authenticator;
pub use courier::Courier;
pub use factors::Factors;
pub use password::Passwords;
pub use post::Post;
pub use ticket::{SharedDrawer, TicketRefused, Tickets};
pub use token::Tokens;

use std::time::Duration;

use crate::error::{Code, Fault};
use crate::store::StoreError;

/// What a caller is told when the store gave no answer; the cause goes to the log.
pub(crate) fn store_fault(error: StoreError) -> Fault {
    match error {
        StoreError::Refused(refusal) => refusal.into(),
        StoreError::Unavailable(cause) | StoreError::InDoubt(cause) => {
            log::warn!(code = Code::Unavailable.as_str(); "store: {cause}");
            busy("the database does not answer; try again", Duration::from_secs(1))
        }
    }
}

/// `unavailable`, with the time after which to come back.
pub(crate) fn busy(detail: &str, retry_after: Duration) -> Fault {
    Fault { retry_after: Some(retry_after), ..Fault::new(Code::Unavailable, detail) }
}
