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

/// How long messages can be changed, in the largest unit that tells it exactly.
fn window(length: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = length.as_secs();
    let whole = UNITS.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match whole.map(|(unit, name)| (seconds / unit, name)) {
        None => "messages cannot be changed here".to_owned(),
        Some((1, name)) => format!("messages can be changed for 1 {name}"),
        Some((n, name)) => format!("messages can be changed for {n} {name}s"),
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
    #[error("{}", window(*.0))]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_late_is_told_how_long_he_had() {
        for (seconds, told) in [
            (0, "messages cannot be changed here"),
            (1, "messages can be changed for 1 second"),
            (3, "messages can be changed for 3 seconds"),
            (60, "messages can be changed for 1 minute"),
            (90, "messages can be changed for 90 seconds"),
            (300, "messages can be changed for 5 minutes"),
            (7_200, "messages can be changed for 2 hours"),
            (86_400, "messages can be changed for 1 day"),
        ] {
            assert_eq!(Refusal::EditWindowClosed(Duration::from_secs(seconds)).to_string(), told);
        }
    }
}
