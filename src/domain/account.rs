//! Logins and their refresh tokens.

use super::{SessionId, Timestamp, UserId};

/// A login: one device or browser. Its refresh tokens form one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSession {
    pub id: SessionId,
    pub user: UserId,
    pub created_at: Timestamp,
    /// What the client called itself; shown to its owner, never trusted.
    pub device: Option<String>,
    /// The network it came from, such as `203.0.113.0/24`; shown to its owner only.
    pub network: Option<String>,
}

/// A login that lives, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub session: LoginSession,
    /// When tokens were last given for it.
    pub last_used_at: Timestamp,
}

/// A refresh token as it is stored: only its SHA-256, never itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    pub hash: [u8; 32],
    pub session: SessionId,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What came of presenting a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is stored. Also within the grace after a first use (two tabs at once).
    Renewed { user: UserId, session: SessionId },
    /// Used before and outside the grace: stolen or replayed. The whole family is revoked.
    Reused { user: UserId, session: SessionId },
    /// Unknown, expired, or of a revoked family.
    Refused,
}
