//! Work on people's own data. Next: [`crate::store::Jobs`] for the promises.

use diesel::dsl::{count_star, min};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::rows::MessageRow;
use super::schema::{
    blocks, conduct, email_changes, files, invites, job_parts, jobs, letters, logins, mentions, messages,
    proofs, recovery_codes, refresh_tokens, reporters, second_factors, user_log, users,
};
use super::statements::statement;
use super::{PgStore, accounts, audit, transaction};
use crate::domain::job::anonymous;
use crate::domain::{
    AuditRecord, ClientMsgId, Job, JobCounts, JobId, JobKind, JobPlace, JobState, JobStep, Message,
    SessionId, Timestamp, UserId,
};
use crate::store::{Answer, Jobs};

const QUEUED: &str = JobState::Queued.as_str();
const RUNNING: &str = JobState::Running.as_str();

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
struct JobRow {
    id: Uuid,
    user_id: Uuid,
    kind: String,
    options: Option<String>,
    state: String,
    progress: i64,
    created_at: i64,
    finished_at: Option<i64>,
    attempts: i64,
    at: Option<String>,
    parts: i64,
}

impl JobRow {
    /// `None` for a kind that only a newer version knows.
    fn job(self) -> Option<Job> {
        Some(Job {
            id: JobId(self.id),
            user: UserId(self.user_id),
            kind: JobKind::from_stored(&self.kind, self.options.as_deref())?,
            state: JobState::from_stored(&self.state),
            progress: u16::try_from(self.progress).unwrap_or(0),
            created_at: Timestamp::from_millis(self.created_at),
            finished_at: self.finished_at.map(Timestamp::from_millis),
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            at: self.at.as_deref().and_then(JobPlace::from_stored),
            parts: u32::try_from(self.parts).unwrap_or(0),
        })
    }
}

async fn insert(conn: &mut AsyncPgConnection, job: &Job) -> Result<(), Fault> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(job.id.0),
            jobs::user_id.eq(job.user.0),
            jobs::kind.eq(job.kind.as_str()),
            jobs::options.eq(job.kind.options()),
            jobs::state.eq(job.state.as_str()),
            jobs::created_at.eq(job.created_at.millis()),
            jobs::due_at.eq(job.created_at.millis()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn ask_export(conn: &mut AsyncPgConnection, job: &Job, record: &AuditRecord) -> Result<Job, Fault> {
    transaction::write(conn, async |conn| {
        // Held, so that of two wishes at once the second finds the first.
        let held = users::table.find(job.user.0).select(users::id).for_no_key_update();
        let _: Uuid = held.get_result(conn).await?;
        let own = || {
            jobs::table.filter(jobs::user_id.eq(job.user.0)).filter(jobs::kind.eq(JobKind::Export.as_str()))
        };
        let under_way = own().filter(jobs::state.eq_any([QUEUED, RUNNING])).select(JobRow::as_select());
        let under_way: Option<JobRow> = under_way.first(conn).await.optional()?;
        if let Some(job) = under_way.and_then(JobRow::job) {
            return Ok(job);
        }
        diesel::delete(own()).execute(conn).await?;
        insert(conn, job).await?;
        audit::insert(conn, Some(record), Some(job.user)).await?;
        Ok(job.clone())
    })
    .await
}

async fn close(
    conn: &mut AsyncPgConnection,
    job: &Job,
    record: &AuditRecord,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let now = job.created_at;
    transaction::write(conn, async |conn| {
        let open = users::table.find(job.user.0).filter(users::deleted_at.is_null());
        if diesel::update(open).set(users::deleted_at.eq(now.millis())).execute(conn).await? == 0 {
            return Ok(None);
        }
        let ended = accounts::revoke_logins(conn, job.user, None, now).await?;
        insert(conn, job).await?;
        audit::insert(conn, Some(record), Some(job.user)).await?;
        Ok(Some(ended))
    })
    .await
}

async fn jobs_of(conn: &mut AsyncPgConnection, user: UserId) -> Result<Vec<Job>, Fault> {
    let of_user = jobs::table.filter(jobs::user_id.eq(user.0));
    let rows: Vec<JobRow> = of_user.order(jobs::id.desc()).select(JobRow::as_select()).load(conn).await?;
    Ok(rows.into_iter().filter_map(JobRow::job).collect())
}

statement! {
    /// What another worker takes at this moment is left to it.
    Take { now: i64 => BigInt, known: Vec<&'static str> => Array<Text>, until: i64 => BigInt } -> SqlUuid,
    "WITH due AS MATERIALIZED (SELECT id FROM jobs WHERE state IN ('queued', 'running') AND due_at <= ? \
       AND kind = ANY(?) ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) \
     UPDATE jobs j SET state = 'running', due_at = ?, attempts = j.attempts + 1 FROM due \
     WHERE j.id = due.id RETURNING j.id"
}

async fn take(conn: &mut AsyncPgConnection, now: Timestamp, until: Timestamp) -> Result<Option<Job>, Fault> {
    let take = Take { now: now.millis(), known: JobKind::KNOWN.to_vec(), until: until.millis() };
    let taken: Option<Uuid> = take.get_result(conn).await.optional()?;
    let Some(taken) = taken else { return Ok(None) };
    let row: JobRow = jobs::table.find(taken).select(JobRow::as_select()).get_result(conn).await?;
    Ok(row.job())
}

async fn step(
    conn: &mut AsyncPgConnection,
    job: JobId,
    attempt: u32,
    step: &JobStep,
    until: Timestamp,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        let held = jobs::table
            .find(job.0)
            .filter(jobs::attempts.eq(i64::from(attempt)))
            .filter(jobs::state.eq(RUNNING));
        let parts: Option<i64> =
            held.select(jobs::parts).for_no_key_update().get_result(conn).await.optional()?;
        let Some(parts) = parts else { return Ok(false) };
        if let Some(body) = &step.part {
            diesel::insert_into(job_parts::table)
                .values((job_parts::job_id.eq(job.0), job_parts::part.eq(parts), job_parts::body.eq(body)))
                .execute(conn)
                .await?;
        }
        diesel::update(jobs::table.find(job.0))
            .set((
                jobs::at.eq(step.at.stored()),
                jobs::progress.eq(i64::from(step.progress)),
                jobs::parts.eq(parts + i64::from(step.part.is_some())),
                jobs::due_at.eq(until.millis()),
            ))
            .execute(conn)
            .await?;
        Ok(true)
    })
    .await
}

async fn over(
    conn: &mut AsyncPgConnection,
    job: JobId,
    attempt: u32,
    state: JobState,
    now: Timestamp,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        let held = jobs::table
            .find(job.0)
            .filter(jobs::attempts.eq(i64::from(attempt)))
            .filter(jobs::state.eq(RUNNING));
        let progress = if state == JobState::Done { 1_000 } else { 0 };
        let ended = diesel::update(held).set((
            jobs::state.eq(state.as_str()),
            jobs::progress.eq(progress),
            jobs::finished_at.eq(now.millis()),
        ));
        Ok(ended.execute(conn).await? > 0)
    })
    .await
}

async fn later(
    conn: &mut AsyncPgConnection,
    job: JobId,
    attempt: u32,
    due: Timestamp,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        let held = jobs::table
            .find(job.0)
            .filter(jobs::attempts.eq(i64::from(attempt)))
            .filter(jobs::state.eq(RUNNING));
        Ok(diesel::update(held).set(jobs::due_at.eq(due.millis())).execute(conn).await? > 0)
    })
    .await
}

async fn own_messages(
    conn: &mut AsyncPgConnection,
    user: UserId,
    after: Option<ClientMsgId>,
    limit: usize,
) -> Result<Vec<Message>, Fault> {
    // No key is the nil one, which would come first.
    let after = after.map_or(Uuid::nil(), |key| key.0);
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::author_id.eq(user.0))
        .filter(messages::client_msg_id.gt(after))
        .order(messages::client_msg_id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

async fn anonymise(conn: &mut AsyncPgConnection, user: UserId) -> Result<(), Fault> {
    let (key, gone) = (user.0, anonymous(user));
    transaction::write(conn, async |conn| {
        let closed = users::table.find(key).filter(users::deleted_at.is_not_null());
        let changed = diesel::update(closed)
            .set((
                (users::username.eq(&gone.name), users::username_key.eq(&gone.name)),
                (users::email.eq(&gone.email), users::email_key.eq(&gone.email)),
                (users::password_hash.eq(gone.password_hash), users::avatar.eq(None::<String>)),
                (users::display_name.eq(None::<String>), users::status_text.eq(None::<String>)),
                (users::last_seen.eq(None::<i64>), users::email_verified_at.eq(None::<i64>)),
                users::user_first_retained.eq(users::user_seq + 1),
            ))
            .execute(conn)
            .await?;
        if changed == 0 {
            return Ok(());
        }
        let own = logins::table.filter(logins::user_id.eq(key));
        let sessions: Vec<Uuid> = own.select(logins::id).load(conn).await?;
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(sessions)))
            .execute(conn)
            .await?;
        // The rows stay: other processes still look for logins that ended.
        diesel::update(own)
            .set((logins::device.eq(None::<String>), logins::network.eq(None::<String>)))
            .execute(conn)
            .await?;
        diesel::delete(proofs::table.filter(proofs::user_id.eq(key))).execute(conn).await?;
        diesel::delete(letters::table.filter(letters::user_id.eq(key))).execute(conn).await?;
        diesel::delete(email_changes::table.find(key)).execute(conn).await?;
        diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(key))).execute(conn).await?;
        diesel::delete(second_factors::table.find(key)).execute(conn).await?;
        // Pictures, and what was never sent: the collector takes them.
        let shown_by_nothing =
            files::table.filter(files::owner_id.eq(key)).filter(files::message_id.is_null());
        diesel::update(shown_by_nothing).set(files::unused_since.eq(0)).execute(conn).await?;
        diesel::delete(blocks::table.filter(blocks::user_id.eq(key).or(blocks::blocked_id.eq(key))))
            .execute(conn)
            .await?;
        diesel::delete(mentions::table.filter(mentions::user_id.eq(key))).execute(conn).await?;
        diesel::delete(reporters::table.filter(reporters::user_id.eq(key))).execute(conn).await?;
        diesel::delete(conduct::table.filter(conduct::user_id.eq(key))).execute(conn).await?;
        diesel::delete(invites::table.filter(invites::user_id.eq(key))).execute(conn).await?;
        diesel::delete(user_log::table.filter(user_log::user_id.eq(key))).execute(conn).await?;
        let exports =
            jobs::table.filter(jobs::user_id.eq(key)).filter(jobs::kind.eq(JobKind::Export.as_str()));
        diesel::delete(exports).execute(conn).await?;
        Ok(())
    })
    .await
}

async fn counts(conn: &mut AsyncPgConnection) -> Result<JobCounts, Fault> {
    let rows: Vec<(String, i64, Option<i64>)> = jobs::table
        .group_by(jobs::state)
        .select((jobs::state, count_star(), min(jobs::created_at)))
        .load(conn)
        .await?;
    Ok(JobCounts::of(rows))
}

async fn prune(conn: &mut AsyncPgConnection, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    transaction::write(conn, async |conn| {
        let over: Vec<Uuid> = jobs::table
            .filter(jobs::finished_at.lt(before.millis()))
            .order(jobs::finished_at)
            .limit(i64::try_from(limit.min(100)).unwrap_or(100))
            .select(jobs::id)
            .load(conn)
            .await?;
        Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(over))).execute(conn).await?)
    })
    .await
}

async fn part_of(conn: &mut AsyncPgConnection, job: JobId, part: u32) -> Result<Option<String>, Fault> {
    let row = job_parts::table.find((job.0, i64::from(part))).select(job_parts::body);
    Ok(row.get_result(conn).await.optional()?)
}

async fn own_message_count(conn: &mut AsyncPgConnection, user: UserId) -> Result<u64, Fault> {
    let own = messages::table.filter(messages::author_id.eq(user.0));
    let count: i64 = own.count().get_result(conn).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

impl Jobs for PgStore {
    fn ask_export(&self, job: Job, record: AuditRecord) -> Answer<'_, Job> {
        self.executor.write((job, record), |conn, (job, record)| ask_export(conn, job, record).boxed())
    }

    fn close_account(&self, job: Job, record: AuditRecord) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write((job, record), |conn, (job, record)| close(conn, job, record).boxed())
    }

    fn jobs_of(&self, user: UserId) -> Answer<'_, Vec<Job>> {
        self.executor.read((), move |conn, ()| jobs_of(conn, user).boxed())
    }

    fn job_part(&self, job: JobId, part: u32) -> Answer<'_, Option<String>> {
        self.executor.read((), move |conn, ()| part_of(conn, job, part).boxed())
    }

    fn take_job(&self, now: Timestamp, until: Timestamp) -> Answer<'_, Option<Job>> {
        self.executor.write((), move |conn, ()| take(conn, now, until).boxed())
    }

    fn job_step(&self, job: JobId, attempt: u32, made: JobStep, until: Timestamp) -> Answer<'_, bool> {
        self.executor.write(made, move |conn, made| step(conn, job, attempt, made, until).boxed())
    }

    fn job_over(&self, job: JobId, attempt: u32, state: JobState, now: Timestamp) -> Answer<'_, bool> {
        self.executor.write((), move |conn, ()| over(conn, job, attempt, state, now).boxed())
    }

    fn job_later(&self, job: JobId, attempt: u32, due: Timestamp) -> Answer<'_, bool> {
        self.executor.write((), move |conn, ()| later(conn, job, attempt, due).boxed())
    }

    fn own_messages(
        &self,
        user: UserId,
        after: Option<ClientMsgId>,
        limit: usize,
    ) -> Answer<'_, Vec<Message>> {
        self.executor.read((), move |conn, ()| own_messages(conn, user, after, limit).boxed())
    }

    fn own_message_count(&self, user: UserId) -> Answer<'_, u64> {
        self.executor.read((), move |conn, ()| own_message_count(conn, user).boxed())
    }

    fn anonymise(&self, user: UserId) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| anonymise(conn, user).boxed())
    }

    fn job_counts(&self) -> Answer<'_, JobCounts> {
        self.executor.read((), |conn, ()| counts(conn).boxed())
    }

    fn prune_jobs(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write((), move |conn, ()| prune(conn, before, limit).boxed())
    }
}
