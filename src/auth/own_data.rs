//! The flows of what somebody may do with all that is kept of him: take it along, and have it end.

use super::accounts::{Caller, to_the_end};
use super::{AccountFlows, store_fault};
use crate::domain::job::{Job, JobKind, JobState, Messages};
use crate::domain::{AuditEvent, AuditRecord, JobId, Refusal, User, UserId};
use crate::error::Fault;

impl AccountFlows {
    /// A job that nobody has begun.
    fn job(&self, user: UserId, kind: JobKind) -> Job {
        Job::new(JobId(self.clock.id()), user, kind, self.clock.now())
    }

    /// Asks for all that is kept of somebody. One that is not over is answered in its place.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn ask_export(&self, user: UserId, from: &Caller) -> Result<Job, Fault> {
        let (wish, record) =
            (self.job(user, JobKind::Export), self.own(AuditEvent::ExportRequested, user, from));
        let job = self.store.ask_export(wish.clone(), record.clone()).await.map_err(store_fault)?;
        if job.id == wish.id {
            self.audited.tell(&record);
        }
        Ok(job)
    }

    /// Ends an account for ever, for who knows its password, and the code where one is asked for. It is closed when this answers; the rest
    /// is a job.
    ///
    /// # Errors
    /// `badRequest` naming the password; `rateLimited` as for signing in; `unavailable`.
    pub async fn delete_account(
        &self,
        user: &User,
        (password, code): (&str, Option<&str>),
        messages: Messages,
        from: &Caller,
    ) -> Result<Job, Fault> {
        self.confirm_identity(user, (password, "password"), code).await?;
        self.close_account(user.id, messages, self.own(AuditEvent::AccountDeleted, user.id, from)).await
    }

    async fn close_account(
        &self,
        user: UserId,
        messages: Messages,
        record: AuditRecord,
    ) -> Result<Job, Fault> {
        let job = self.job(user, JobKind::Deletion { messages });
        let (store, ended, kept) = (self.store.clone(), self.ended(), job.clone());
        let audited = self.audited.clone();
        to_the_end(async move {
            let closed = store.close_account(job, record.clone()).await.map_err(store_fault)?;
            closed.ok_or(Refusal::NotFound("user"))?.into_iter().for_each(ended);
            audited.tell(&record);
            Ok(())
        })
        .await?;
        Ok(kept)
    }

    /// Somebody's jobs, the newest first.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn jobs(&self, user: UserId) -> Result<Vec<Job>, Fault> {
        self.store.jobs_of(user).await.map_err(store_fault)
    }

    /// One of them.
    ///
    /// # Errors
    /// `notFound` when it is not his, or dropped; `unavailable`.
    pub async fn job_of(&self, user: UserId, job: JobId) -> Result<Job, Fault> {
        let found = self.jobs(user).await?.into_iter().find(|known| known.id == job);
        found.ok_or_else(|| Refusal::NotFound("job").into())
    }

    /// The job, if it has a result that can be fetched.
    ///
    /// # Errors
    /// `notFound` when there is none, or it was dropped; `conflict` when it is not done.
    pub async fn result_of(&self, user: UserId, job: JobId) -> Result<Job, Fault> {
        let job = self.job_of(user, job).await?;
        match (job.kind, job.state, job.finished_at) {
            (JobKind::Deletion { .. }, ..) | (_, JobState::Failed, _) => {
                Err(Refusal::NotFound("result").into())
            }
            (_, JobState::Done, Some(at)) if self.clock.now().since(at) < crate::domain::job::RESULT_KEPT => {
                Ok(job)
            }
            (_, JobState::Done, _) => Err(Refusal::NotFound("result").into()),
            (_, JobState::Queued | JobState::Running, _) => {
                Err(Refusal::Conflict("the job is not done").into())
            }
        }
    }
}
