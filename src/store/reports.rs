//! What people report, for those who look after others.

use super::Answer;
use crate::domain::powers::{self, Action};
use crate::domain::{
    AuditRecord, Message, MessageId, OwnReport, Reason, Refusal, Report, ReportId, Reporter, Resolution,
    Role, RoomId, Timestamp, UserId, policy,
};

/// A message that somebody reports.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Of the report, if there is none that is open.
    pub id: ReportId,
    pub message: MessageId,
    pub by: UserId,
    pub reason: Reason,
    pub now: Timestamp,
    pub record: AuditRecord,
}

/// Which reports somebody wants to see. Those about what he wrote himself are none of his.
#[derive(Clone, Copy, Debug)]
pub struct ReportFilter {
    pub viewer: UserId,
    /// Of this room, for who looks after it; otherwise of all, for who moderates the server, which is
    /// asked elsewhere.
    pub room: Option<RoomId>,
    /// Only those that are, or are not.
    pub is_open: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct ReportPage {
    /// Newest first.
    pub reports: Vec<Report>,
    /// Continues before this one.
    pub next: Option<ReportId>,
}

/// Reports.
pub trait Reports: Send + Sync + 'static {
    /// Keeps what somebody says of a message, with the report of it that is open, or with a new one. Said
    /// again by the same person it replaces what he said. The record is kept with it.
    ///
    /// # Errors
    /// `NotFound` when there is no such message, or he may not read it; `Forbidden` for his own;
    /// `Conflict` for a deleted one.
    fn report(&self, new: NewReport) -> Answer<'_, ()>;

    /// A page of reports. Of a room that shows nothing from before one's joining, neither are reports
    /// of messages from before it shown.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` for who is outside the room, `Forbidden` by role.
    fn reports(&self, filter: ReportFilter, limit: usize, before: Option<ReportId>)
    -> Answer<'_, ReportPage>;

    /// One report: for who looks after its room, and with `oversees` for who moderates the server.
    ///
    /// # Errors
    /// `NotFound` for everybody else, for who wrote the message, and for who may not read it.
    fn report_for(&self, report: ReportId, viewer: UserId, oversees: bool) -> Answer<'_, Report>;

    /// What somebody reported, the first first: for himself alone.
    fn reports_by(&self, user: UserId) -> Answer<'_, Vec<OwnReport>>;

    /// Resolves a report that is open, and keeps the record with it.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Conflict` when it is resolved: of racing resolvers one succeeds.
    fn resolve_report(&self, report: ReportId, resolution: Resolution, record: AuditRecord)
    -> Answer<'_, ()>;
}

/// May somebody report this message, which he may read?
pub(super) fn may_report(message: &Message, by: UserId) -> Result<(), Refusal> {
    if message.author == by {
        return Err(Refusal::Forbidden("that is your own message"));
    }
    if message.deleted_at.is_some() { Err(Refusal::Conflict("the message was deleted")) } else { Ok(()) }
}

/// May somebody with this role in the room, if he is in it, see what is reported there?
pub(super) fn may_review(role: Option<Role>, is_private: bool) -> Result<(), Refusal> {
    powers::may(role.ok_or_else(|| policy::outsider(is_private))?, Action::Review, is_private)
}

/// Puts reports together with who said what, which comes in the order in which it was said.
pub(super) fn gathered(
    mut reports: Vec<Report>,
    reporters: impl IntoIterator<Item = (ReportId, Reporter)>,
) -> Vec<Report> {
    for (id, reporter) in reporters {
        if let Some(report) = reports.iter_mut().find(|report| report.id == id) {
            report.reporters.push(reporter);
        }
    }
    reports
}
