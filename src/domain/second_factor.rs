//! The second factor: codes of an app, after RFC 6238, and recovery codes for who lost it.

use super::{Timestamp, UserId};

/// How many recovery codes there are at once.
pub const RECOVERY_CODES: usize = 10;

/// Somebody's second factor as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    pub user: UserId,
    /// The secret that the codes are made of, sealed.
    pub sealed: SealedSecret,
    /// When its owner showed to have it; until then it is asked of nobody.
    pub confirmed_at: Option<Timestamp>,
    /// The last step whose code was accepted: that one and those before are accepted no more.
    pub last_step: u64,
}

/// A secret that a key of the server opens, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    pub key_id: String,
    pub bytes: Vec<u8>,
}

/// What is kept of a recovery code: its SHA-256.
pub type RecoveryHash = [u8; 32];
