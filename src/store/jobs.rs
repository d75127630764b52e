//! Work on people's own data that waits and survives whoever does it.

use super::Answer;
use crate::domain::{
    AuditRecord, ClientMsgId, Job, JobCounts, JobId, JobState, JobStep, Message, SessionId, Timestamp, UserId,
};

/// Jobs, and what they read and change. Who works on one names his attempt with each step: when
/// another has begun meanwhile, because the first was thought dead, the first changes nothing more.
pub trait Jobs: Send + Sync + 'static {
    /// Keeps an export that somebody asks for, and drops what is left of those before; one that is
    /// not over is answered in its place.
    fn ask_export(&self, job: Job, record: AuditRecord) -> Answer<'_, Job>;

    /// Closes an account for ever, ends its logins, and keeps the job that does the rest, all in one
    /// transaction; answers the logins that ended, or `None` when it was closed before.
    fn close_account(&self, job: Job, record: AuditRecord) -> Answer<'_, Option<Vec<SessionId>>>;

    /// Somebody's jobs, the newest first.
    fn jobs_of(&self, user: UserId) -> Answer<'_, Vec<Job>>;

    /// A part of a result, from 0.
    fn job_part(&self, job: JobId, part: u32) -> Answer<'_, Option<String>>;

    /// Hands out the job that is due for longest, and counts the attempt. Until `until` it is due for
    /// nobody: of several workers one gets it. Kinds that this server does not know are left.
    fn take_job(&self, now: Timestamp, until: Timestamp) -> Answer<'_, Option<Job>>;

    /// Keeps how far it got and what that adds to the result, and the job until `until`; `false` when
    /// it is another's by now.
    fn job_step(&self, job: JobId, attempt: u32, step: JobStep, until: Timestamp) -> Answer<'_, bool>;

    /// The job is over: done or failed.
    fn job_over(&self, job: JobId, attempt: u32, state: JobState, now: Timestamp) -> Answer<'_, bool>;

    /// The attempt failed; the next may begin at `due`.
    fn job_later(&self, job: JobId, attempt: u32, due: Timestamp) -> Answer<'_, bool>;

    /// Somebody's own messages wherever they are, deleted ones included, in the order of their keys.
    fn own_messages(
        &self,
        user: UserId,
        after: Option<ClientMsgId>,
        limit: usize,
    ) -> Answer<'_, Vec<Message>>;

    /// How many they are.
    fn own_message_count(&self, user: UserId) -> Answer<'_, u64>;

    /// Takes away all that tells who the owner of a closed account was; it keeps its id, under a name
    /// that says nothing. Doing it again changes nothing.
    fn anonymise(&self, user: UserId) -> Answer<'_, ()>;

    /// What waits, and what became of it.
    fn job_counts(&self) -> Answer<'_, JobCounts>;

    /// Drops jobs that were over before `before`, with their results; at most `limit` of them.
    fn prune_jobs(&self, before: Timestamp, limit: usize) -> Answer<'_, usize>;
}
