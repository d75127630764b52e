//! Second factors and recovery codes.

use super::Answer;
use crate::domain::second_factor::{RecoveryHash, SealedSecret, SecondFactor};
use crate::domain::{AuditRecord, Letter, Timestamp, UserId};

/// What is kept with a change: a record of it, and a letter to whom it concerns.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    pub record: Option<AuditRecord>,
    pub letter: Option<Letter>,
}

/// What a login may ask for beside the password. A code is used up in the statement that looks for
/// it: of any number of users of one, one succeeds.
pub trait SecondFactors: Send + Sync + 'static {
    /// Keeps a secret that its owner has yet to confirm, in the place of an earlier such one;
    /// `false` when a confirmed one is there, which stays.
    fn begin_second_factor(&self, user: UserId, sealed: SealedSecret, now: Timestamp) -> Answer<'_, bool>;

    /// Somebody's second factor, confirmed or not.
    fn second_factor(&self, user: UserId) -> Answer<'_, Option<SecondFactor>>;

    /// Confirms the secret if it still is this one and not confirmed yet, and uses up the step;
    /// the codes replace all that were there.
    fn confirm_second_factor(
        &self,
        user: UserId,
        sealed: SealedSecret,
        step: u64,
        codes: Vec<RecoveryHash>,
        now: Timestamp,
        notes: Notes,
    ) -> Answer<'_, bool>;

    /// Uses up this step and those before; `false` when that was done, or nothing is confirmed.
    fn use_step(&self, user: UserId, step: u64) -> Answer<'_, bool>;

    /// Uses up a recovery code; `false` when there is no such.
    fn use_recovery_code(&self, user: UserId, code: RecoveryHash) -> Answer<'_, bool>;

    /// Puts other recovery codes in the place of all; `false` when nothing is confirmed.
    fn replace_recovery_codes(
        &self,
        user: UserId,
        codes: Vec<RecoveryHash>,
        notes: Notes,
    ) -> Answer<'_, bool>;

    /// Forgets the second factor and its recovery codes.
    fn remove_second_factor(&self, user: UserId, notes: Notes) -> Answer<'_, ()>;

    /// Secrets sealed with another key than this one, by user, after the last one seen.
    fn sealed_otherwise(
        &self,
        key_id: String,
        after: Option<UserId>,
        limit: usize,
    ) -> Answer<'_, Vec<(UserId, SealedSecret)>>;

    /// Puts the same secret, sealed anew, in the place of `before`, if it is still there.
    fn reseal(&self, user: UserId, before: SealedSecret, after: SealedSecret) -> Answer<'_, ()>;
}
