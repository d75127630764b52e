//! Why a rule said no. `crate::error` turns each into its code, HTTP status and frame.

use std::time::Duration;

use thiserror::Error;

/// A value that breaks a rule of its own, before anything is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} {message}")]
pub struct Invalid {
    /// The field's name as the client wrote it (camelCase).
    pub field: &'static str,
    pub message: String,
}

impl Invalid {
    #[must_use]
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// A refusal of an otherwise well-formed request. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("sign in first")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("confirm your e-mail address first")]
    EmailNotVerified,
    /// Told only to who has shown to own the account.
    #[error("this account is disabled")]
    AccountDisabled,
    /// The thing is not there, or the asker may not know that it is.
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("you are not a member of this room")]
    NotMember,
    #[error("{0}")]
    Conflict(&'static str),
    #[error("this key was used for another message")]
    IdempotencyConflict,
    #[error("messages can be changed for {} minutes", .0.as_secs() / 60)]
    EditWindowClosed(Duration),
    #[error("you are muted in this room")]
    Muted { retry_after: Duration },
    #[error("this room is in slow mode: wait before you write again")]
    SlowMode { retry_after: Duration },
    #[error("the room is archived")]
    RoomArchived,
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// In bytes.
    #[error("your files together may have at most {quota} bytes, and have {used} without this one")]
    OverQuota { used: u64, quota: u64 },
    #[error("too many requests")]
    RateLimited { retry_after: Duration },
    /// Nothing was decided; the same request may be sent again.
    #[error("not available right now")]
    Unavailable,
}
