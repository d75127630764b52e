//! What happened to accounts.

use super::Answer;
use crate::domain::{AuditFilter, AuditId, AuditRecord, Timestamp};

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Newest first.
    pub records: Vec<AuditRecord>,
    /// Where the older ones begin: strictly below this id.
    pub next: Option<AuditId>,
}

/// Records for those who answer for security. Calls that change accounts write theirs in the
/// transaction of the change; nothing ever changes one, which the database itself sees to.
pub trait Audits: Send + Sync + 'static {
    /// Writes a record of what changes nothing else.
    fn record(&self, record: AuditRecord) -> Answer<'_, ()>;

    /// A page of records, newest first.
    fn audit_page(&self, filter: AuditFilter, limit: usize, before: Option<AuditId>)
    -> Answer<'_, AuditPage>;

    /// Forgets records from before `before`, about `limit` in one go. Those of the last 30 days by
    /// the database's own clock stay, whatever is asked. Answers how many were forgotten.
    fn prune_audit(&self, before: Timestamp, limit: usize) -> Answer<'_, usize>;
}
