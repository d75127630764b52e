//! Proofs that somebody reads the mail of an address: values that are good once and for a while.

use super::{Email, Timestamp, User, UserId};

/// Such a value as it is stored: only its SHA-256, never itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub hash: [u8; 32],
    pub purpose: Purpose,
    pub user: UserId,
    /// Where it was sent to. It proves nothing of any other address.
    pub address: Email,
    pub expires_at: Timestamp,
}

/// What a proof is good for, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The address is confirmed.
    VerifyEmail,
    /// A new password is set.
    ResetPassword,
    /// Whoever reads the present address wants another one.
    ConfirmOldEmail,
    /// Whoever reads the new address wants it.
    ConfirmNewEmail,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::VerifyEmail, Self::ResetPassword, Self::ConfirmOldEmail, Self::ConfirmNewEmail];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verifyEmail",
            Self::ResetPassword => "resetPassword",
            Self::ConfirmOldEmail => "confirmOldEmail",
            Self::ConfirmNewEmail => "confirmNewEmail",
        }
    }
}

/// An address that somebody wants instead of the present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    pub user: UserId,
    pub address: Email,
    /// Whether the present address has agreed. One that nobody has shown to read is not asked.
    pub old_confirmed: bool,
    /// Until when both confirmations must have come.
    pub expires_at: Timestamp,
}

/// What came of a confirmation of such a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailStep {
    /// The other address has not confirmed yet.
    Waiting,
    /// Both have: the person with the new address, and the one before.
    Changed { user: User, before: Email },
    /// Unknown, used, or too late.
    Refused,
}
