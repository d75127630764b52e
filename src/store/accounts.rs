//! People and their logins.

use super::Answer;
use crate::domain::{
    AuditRecord, Letter, Login, LoginSession, RefreshToken, Rotation, SessionId, Timestamp, User, UserId,
};

/// An account to be made, with its first login.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub user: User,
    /// A bcrypt hash, never a password.
    pub password_hash: String,
    pub login: LoginSession,
    pub refresh: RefreshToken,
    /// What the newcomer is written.
    pub welcome: Option<Letter>,
    /// Whether he administers the server if there is no other account.
    pub may_found: bool,
    /// What is kept of it.
    pub record: Option<AuditRecord>,
}

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub user: User,
    pub password_hash: String,
}

/// Accounts, logins and refresh families. A `record` is written in the same transaction, if that
/// changed anything; whose account it is about, the store fills in.
pub trait Accounts: Send + Sync + 'static {
    /// Makes the account, its first login and the letter in one transaction.
    ///
    /// # Errors
    /// `Conflict` when the username (without case) or the e-mail address is taken.
    fn create_account(&self, account: NewAccount) -> Answer<'_, ()>;

    /// By e-mail address, without case.
    fn credentials(&self, email_key: String) -> Answer<'_, Option<Credentials>>;

    /// One person.
    fn user(&self, id: UserId) -> Answer<'_, Option<User>>;

    /// Starts a login with its first refresh token.
    ///
    /// # Errors
    /// `AccountDisabled` when it was closed meanwhile.
    fn start_login(
        &self,
        login: LoginSession,
        refresh: RefreshToken,
        record: Option<AuditRecord>,
    ) -> Answer<'_, ()>;

    /// Presents the refresh token with this hash. Judged and, when renewed, `successor` stored in
    /// one transaction: of two tabs that present the same token within `grace_ms` of its first
    /// use, both are renewed within one family; later reuse revokes the family (I18).
    /// `successor.session` is filled in by the store, and the login counts as used now. `reuse` is
    /// written when the family is revoked.
    fn rotate_refresh(
        &self,
        hash: [u8; 32],
        successor: RefreshToken,
        now: Timestamp,
        grace_ms: i64,
        reuse: Option<AuditRecord>,
    ) -> Answer<'_, Rotation>;

    /// The login that a refresh token belongs to, whether or not either still lives.
    fn refresh_session(&self, hash: [u8; 32]) -> Answer<'_, Option<(UserId, SessionId)>>;

    /// Ends a login: its refresh tokens and access tokens are worthless from now on. Ending an
    /// ended one is no error.
    fn revoke_login(&self, session: SessionId, now: Timestamp, record: Option<AuditRecord>)
    -> Answer<'_, ()>;

    /// The user's living logins, the last used first. One whose refresh tokens are all over cannot
    /// be used any more, and is left out.
    fn logins_of(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<Login>>;

    /// Ends one of the user's logins; `false` when he has no such living one.
    fn revoke_login_of(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, bool>;

    /// Ends all of the user's logins and answers those that ended.
    fn revoke_logins(
        &self,
        user: UserId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Vec<SessionId>>;

    /// Who a living login belongs to; `None` when it was revoked or never was, or the account was
    /// closed.
    fn login_user(&self, session: SessionId) -> Answer<'_, Option<User>>;
}
