//! What a store keeps so that nothing committed stays unannounced, whoever dies when.

use futures_util::FutureExt as _;

use super::Answer;
use crate::domain::{Epoch, LogHead, SessionId, Timestamp};

/// The outbox and other traces that repairs follow. A store that serves one process keeps no
/// outbox: a process that starts reads the store.
pub trait Repair: Send + Sync + 'static {
    /// Whether [`super::Log::append`] and the other writes leave a row in the outbox, in the same
    /// transaction, until [`Repair::announced`] takes it away.
    fn keeps_outbox(&self) -> bool;

    /// Logs that grew before `before` and were not announced since, at most `limit`. Each is
    /// handed out once until `now` plus the time between its commit and `before`: of several
    /// sweepers one gets it.
    fn unannounced(&self, before: Timestamp, now: Timestamp, limit: usize) -> Answer<'_, Vec<LogHead>>;

    /// These logs were announced up to these positions: a reader of the announcement who lacks an
    /// earlier entry notices the gap.
    fn announced(&self, heads: Vec<LogHead>) -> Answer<'_, ()>;

    /// How many logs grew by what is not known to be announced, and since when the oldest waits: since
    /// its commit, or since it was last handed out.
    fn unannounced_now(&self) -> Answer<'_, (u64, Option<Timestamp>)> {
        async { Ok((0, None)) }.boxed()
    }

    /// Logins that were revoked at or after `since`: what a process that may have missed an
    /// announcement has to close.
    fn logins_revoked_since(&self, since: Timestamp) -> Answer<'_, Vec<SessionId>>;

    /// Declares the history another one: every client resets.
    fn renew_epoch(&self, epoch: Epoch) -> Answer<'_, ()>;

    /// Keeps a single-use ticket; for when there is no faster place.
    fn keep_ticket(&self, hash: [u8; 32], ticket: Vec<u8>, expires: Timestamp) -> Answer<'_, ()>;

    /// Takes a ticket that has not expired: of any number of takers one gets it.
    fn take_ticket(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<Vec<u8>>>;
}
