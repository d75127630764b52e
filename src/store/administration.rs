//! What is done to accounts by those who look after the server.

use super::Answer;
use crate::domain::{AuditRecord, ServerRole, SessionId, Timestamp, User, UserId};

/// Accounts from outside. Whatever changes one writes the record of it in the same transaction, and
/// changes none that was deleted.
pub trait Administration: Send + Sync + 'static {
    /// By the key of a name or of an address.
    fn find_user(&self, key: String) -> Answer<'_, Option<User>>;

    /// People by their ids, after `after`.
    fn users_page(&self, limit: usize, after: Option<UserId>) -> Answer<'_, Vec<User>>;

    /// Gives a role; `false` when there is no such account.
    fn set_role(&self, user: UserId, role: ServerRole, record: AuditRecord) -> Answer<'_, bool>;

    /// Closes an account to its owner and ends its logins; answers those that ended, or `None` when
    /// there is no such account. No login of it begins from the commit on.
    fn disable_account(
        &self,
        user: UserId,
        now: Timestamp,
        record: AuditRecord,
    ) -> Answer<'_, Option<Vec<SessionId>>>;

    /// Opens it again; `false` when there is no such account.
    fn enable_account(&self, user: UserId, record: AuditRecord) -> Answer<'_, bool>;

    /// The address counts as confirmed; `false` when there is no such account.
    fn confirm_address(&self, user: UserId, now: Timestamp, record: AuditRecord) -> Answer<'_, bool>;

    /// Sets a password, whatever it was before; otherwise as [`super::Proofs::reset_password`].
    fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        now: Timestamp,
        record: AuditRecord,
    ) -> Answer<'_, Option<Vec<SessionId>>>;
}
