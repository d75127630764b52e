//! A ticket as a cluster keeps it. The person is not in it: he is looked up when it is used.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::session::Identity;
use crate::domain::{SessionId, Timestamp, UserId};
use crate::error::Fault;

/// What is known of a ticket by its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub identity: Identity,
    pub origin: Option<String>,
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct KeptDto {
    user: Uuid,
    session: Uuid,
    /// Of the login.
    until: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    origin: Option<String>,
    expires: i64,
}

impl Kept {
    pub(super) fn seal(self) -> Result<Vec<u8>, Fault> {
        let Self { identity, origin, expires_at } = self;
        let kept = KeptDto {
            user: identity.user.0,
            session: identity.session.0,
            until: identity.expires_at.millis(),
            origin,
            expires: expires_at.millis(),
        };
        serde_json::to_vec(&kept).map_err(|error| Fault::internal(&error))
    }

    /// `None` for what another version sealed in another way.
    pub(super) fn open(sealed: &[u8]) -> Option<Self> {
        let KeptDto { user, session, until, origin, expires } = serde_json::from_slice(sealed).ok()?;
        let identity = Identity {
            user: UserId(user),
            session: SessionId(session),
            expires_at: Timestamp::from_millis(until),
        };
        Some(Self { identity, origin, expires_at: Timestamp::from_millis(expires) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened() {
        let identity = Identity {
            user: UserId(Uuid::from_u128(1)),
            session: SessionId(Uuid::from_u128(2)),
            expires_at: Timestamp::from_millis(3),
        };
        for origin in [None, Some("https://chat.example.com".to_owned())] {
            let kept = Kept { identity, origin, expires_at: Timestamp::from_millis(4) };
            assert_eq!(Kept::open(&kept.clone().seal().expect("sealed")), Some(kept));
        }
        assert_eq!(Kept::open(b"something else"), None);
    }
}
