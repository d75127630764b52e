//! What a proof that came by mail does, and what changes a password.

use super::Answer;
use crate::domain::{
    AuditRecord, EmailChange, EmailStep, Letter, Proof, Purpose, SessionId, Timestamp, User, UserId,
};

/// One-time proofs, addresses and passwords. A `record` is written in the same transaction, if that
/// changed anything. Whatever uses up a proof does so in the transaction
/// that does what it is for: of any number of users of one proof one succeeds.
pub trait Proofs: Send + Sync + 'static {
    /// Keeps a proof. Some that are over go along.
    fn keep_proof(&self, proof: Proof, now: Timestamp) -> Answer<'_, ()>;

    /// Whose proof this is, while it is good. Does not use it up.
    fn proof_user(&self, hash: [u8; 32], purpose: Purpose, now: Timestamp) -> Answer<'_, Option<User>>;

    /// Uses up the proof: the address is verified if it is still the user's. Proofs of one user for
    /// this purpose go together.
    fn verify_email(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<User>>;

    /// Uses up the proof: sets the password, ends every login, answers whose it was and the logins
    /// that ended. Who got the proof reads the address, so that it is verified too. Every proof of
    /// the user is used up, and a wish for another address forgotten.
    fn reset_password(
        &self,
        hash: [u8; 32],
        password_hash: String,
        notice: Option<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Option<(UserId, Vec<SessionId>)>>;

    /// Sets a password if the present hash still is the first of the two, and ends every login but `keep`;
    /// answers those that ended, or `None` when the password is another one by now. Proofs that
    /// would set a password are used up, and a wish for another address is forgotten: whoever
    /// changes a password may fear that somebody knew it.
    fn change_password(
        &self,
        user: UserId,
        before_and_after: (String, String),
        keep: Option<SessionId>,
        notice: Option<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Option<Vec<SessionId>>>;

    /// Puts another hash of the same password in the place of `before`, if it is still there.
    fn rehash_password(&self, user: UserId, before: String, after: String) -> Answer<'_, ()>;

    /// The stored hash of a user's password.
    fn password_of(&self, user: UserId) -> Answer<'_, Option<String>>;

    /// Keeps the wish for another address, in the place of an earlier one, whose proofs are used
    /// up; puts the letters into the queue.
    ///
    /// # Errors
    /// `Conflict` when somebody has the address.
    fn wish_email(&self, change: EmailChange, letters: Vec<Letter>) -> Answer<'_, ()>;

    /// The address that a user wants instead of his own, while he may still have it.
    fn wished_email(&self, user: UserId, now: Timestamp) -> Answer<'_, Option<EmailChange>>;

    /// Uses up a proof of one of the two addresses. With the second the address is changed, and is
    /// verified; `notices` go into the queue then.
    ///
    /// # Errors
    /// `Conflict` when somebody else took the address meanwhile.
    fn confirm_email(
        &self,
        hash: [u8; 32],
        notices: Vec<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, EmailStep>;
}
