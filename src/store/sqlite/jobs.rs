//! Work on people's own data. Next: [`crate::store::Jobs`] for the promises.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::fault::{self, Fault};
use super::rows::{Key, MessageRow};
use super::schema::{
    blocks, conduct, email_changes, files, invites, job_parts, jobs, letters, logins, mentions, messages,
    proofs, recovery_codes, refresh_tokens, reporters, second_factors, user_log, users,
};
use super::{SqliteStore, accounts, audit};
use crate::domain::job::anonymous;
use crate::domain::{
    AuditRecord, ClientMsgId, Job, JobCounts, JobId, JobKind, JobPlace, JobState, JobStep, Message,
    SessionId, Timestamp, UserId,
};
use crate::store::{Answer, Jobs};

const QUEUED: &str = JobState::Queued.as_str();
const RUNNING: &str = JobState::Running.as_str();

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Sqlite))]
struct JobRow {
    id: Key,
    user_id: Key,
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
            id: self.id.into(),
            user: self.user_id.into(),
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

fn insert(conn: &mut SqliteConnection, job: &Job) -> Result<(), Fault> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(Key::from(job.id)),
            jobs::user_id.eq(Key::from(job.user)),
            jobs::kind.eq(job.kind.as_str()),
            jobs::options.eq(job.kind.options()),
            jobs::state.eq(job.state.as_str()),
            jobs::created_at.eq(job.created_at.millis()),
            jobs::due_at.eq(job.created_at.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

fn ask_export(conn: &mut SqliteConnection, job: &Job, record: &AuditRecord) -> Result<Job, Fault> {
    fault::write(conn, |conn| {
        let own = || {
            jobs::table
                .filter(jobs::user_id.eq(Key::from(job.user)))
                .filter(jobs::kind.eq(JobKind::Export.as_str()))
        };
        let under_way = own().filter(jobs::state.eq_any([QUEUED, RUNNING])).select(JobRow::as_select());
        let under_way: Option<JobRow> = under_way.first(conn).optional()?;
        if let Some(job) = under_way.and_then(JobRow::job) {
            return Ok(job);
        }
        diesel::delete(own()).execute(conn)?;
        insert(conn, job)?;
        audit::insert(conn, Some(record), Some(job.user))?;
        Ok(job.clone())
    })
}

fn close(
    conn: &mut SqliteConnection,
    job: &Job,
    record: &AuditRecord,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let now = job.created_at;
    fault::write(conn, |conn| {
        let open = users::table.find(Key::from(job.user)).filter(users::deleted_at.is_null());
        if diesel::update(open).set(users::deleted_at.eq(now.millis())).execute(conn)? == 0 {
            return Ok(None);
        }
        let ended = accounts::revoke_all(conn, job.user, None, now)?;
        insert(conn, job)?;
        audit::insert(conn, Some(record), Some(job.user))?;
        Ok(Some(ended))
    })
}

fn jobs_of(conn: &mut SqliteConnection, user: UserId) -> Result<Vec<Job>, Fault> {
    let of_user = jobs::table.filter(jobs::user_id.eq(Key::from(user)));
    let rows: Vec<JobRow> = of_user.order(jobs::id.desc()).select(JobRow::as_select()).load(conn)?;
    Ok(rows.into_iter().filter_map(JobRow::job).collect())
}

fn take(conn: &mut SqliteConnection, now: Timestamp, until: Timestamp) -> Result<Option<Job>, Fault> {
    fault::write(conn, |conn| {
        let due: Option<Key> = jobs::table
            .filter(jobs::state.eq_any([QUEUED, RUNNING]))
            .filter(jobs::kind.eq_any(JobKind::KNOWN))
            .filter(jobs::due_at.le(now.millis()))
            .order((jobs::due_at, jobs::id))
            .select(jobs::id)
            .first(conn)
            .optional()?;
        let Some(due) = due else { return Ok(None) };
        diesel::update(jobs::table.find(due))
            .set((
                jobs::state.eq(RUNNING),
                jobs::due_at.eq(until.millis()),
                jobs::attempts.eq(jobs::attempts + 1),
            ))
            .execute(conn)?;
        let row: JobRow = jobs::table.find(due).select(JobRow::as_select()).get_result(conn)?;
        Ok(row.job())
    })
}

fn step(
    conn: &mut SqliteConnection,
    job: JobId,
    attempt: u32,
    step: &JobStep,
    until: Timestamp,
) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let held = jobs::table
            .find(Key::from(job))
            .filter(jobs::attempts.eq(i64::from(attempt)))
            .filter(jobs::state.eq(RUNNING));
        let parts: Option<i64> = held.select(jobs::parts).get_result(conn).optional()?;
        let Some(parts) = parts else { return Ok(false) };
        if let Some(body) = &step.part {
            diesel::insert_into(job_parts::table)
                .values((
                    job_parts::job_id.eq(Key::from(job)),
                    job_parts::part.eq(parts),
                    job_parts::body.eq(body),
                ))
                .execute(conn)?;
        }
        diesel::update(jobs::table.find(Key::from(job)))
            .set((
                jobs::at.eq(step.at.stored()),
                jobs::progress.eq(i64::from(step.progress)),
                jobs::parts.eq(parts + i64::from(step.part.is_some())),
                jobs::due_at.eq(until.millis()),
            ))
            .execute(conn)?;
        Ok(true)
    })
}

fn over(
    conn: &mut SqliteConnection,
    job: JobId,
    attempt: u32,
    state: JobState,
    now: Timestamp,
) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let held = jobs::table
            .find(Key::from(job))
            .filter(jobs::attempts.eq(i64::from(attempt)))
            .filter(jobs::state.eq(RUNNING));
        let progress = if state == JobState::Done { 1_000 } else { 0 };
        let ended = diesel::update(held).set((
            jobs::state.eq(state.as_str()),
            jobs::progress.eq(progress),
            jobs::finished_at.eq(now.millis()),
        ));
        Ok(ended.execute(conn)? > 0)
    })
}

fn later(conn: &mut SqliteConnection, job: JobId, attempt: u32, due: Timestamp) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let held = jobs::table
            .find(Key::from(job))
            .filter(jobs::attempts.eq(i64::from(attempt)))
            .filter(jobs::state.eq(RUNNING));
        Ok(diesel::update(held).set(jobs::due_at.eq(due.millis())).execute(conn)? > 0)
    })
}

fn own_messages(
    conn: &mut SqliteConnection,
    user: UserId,
    after: Option<ClientMsgId>,
    limit: usize,
) -> Result<Vec<Message>, Fault> {
    // No key is the nil one, which would come first.
    let after = Key::from(after.unwrap_or(ClientMsgId(uuid::Uuid::nil())));
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::author_id.eq(Key::from(user)))
        .filter(messages::client_msg_id.gt(after))
        .order(messages::client_msg_id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(MessageRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Message::from).collect())
}

fn anonymise(conn: &mut SqliteConnection, user: UserId) -> Result<(), Fault> {
    let (key, gone) = (Key::from(user), anonymous(user));
    fault::write(conn, |conn| {
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
            .execute(conn)?;
        if changed == 0 {
            return Ok(());
        }
        let own = logins::table.filter(logins::user_id.eq(key));
        let sessions: Vec<Key> = own.select(logins::id).load(conn)?;
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(sessions)))
            .execute(conn)?;
        // The rows stay: other processes still look for logins that ended.
        diesel::update(own)
            .set((logins::device.eq(None::<String>), logins::network.eq(None::<String>)))
            .execute(conn)?;
        diesel::delete(proofs::table.filter(proofs::user_id.eq(key))).execute(conn)?;
        diesel::delete(letters::table.filter(letters::user_id.eq(key))).execute(conn)?;
        diesel::delete(email_changes::table.find(key)).execute(conn)?;
        diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(key))).execute(conn)?;
        diesel::delete(second_factors::table.find(key)).execute(conn)?;
        // Pictures, and what was never sent: the collector takes them.
        let shown_by_nothing =
            files::table.filter(files::owner_id.eq(key)).filter(files::message_id.is_null());
        diesel::update(shown_by_nothing).set(files::unused_since.eq(0)).execute(conn)?;
        diesel::delete(blocks::table.filter(blocks::user_id.eq(key).or(blocks::blocked_id.eq(key))))
            .execute(conn)?;
        diesel::delete(mentions::table.filter(mentions::user_id.eq(key))).execute(conn)?;
        diesel::delete(reporters::table.filter(reporters::user_id.eq(key))).execute(conn)?;
        diesel::delete(conduct::table.filter(conduct::user_id.eq(key))).execute(conn)?;
        diesel::delete(invites::table.filter(invites::user_id.eq(key))).execute(conn)?;
        diesel::delete(user_log::table.filter(user_log::user_id.eq(key))).execute(conn)?;
        let exports =
            jobs::table.filter(jobs::user_id.eq(key)).filter(jobs::kind.eq(JobKind::Export.as_str()));
        diesel::delete(exports).execute(conn)?;
        Ok(())
    })
}

fn counts(conn: &mut SqliteConnection) -> Result<JobCounts, Fault> {
    let rows: Vec<(String, i64, Option<i64>)> = jobs::table
        .group_by(jobs::state)
        .select((jobs::state, count_star(), min(jobs::created_at)))
        .load(conn)?;
    Ok(JobCounts::of(rows))
}

fn prune(conn: &mut SqliteConnection, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    fault::write(conn, |conn| {
        let over: Vec<Key> = jobs::table
            .filter(jobs::finished_at.lt(before.millis()))
            .order(jobs::finished_at)
            .limit(i64::try_from(limit.min(100)).unwrap_or(100))
            .select(jobs::id)
            .load(conn)?;
        Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(over))).execute(conn)?)
    })
}

impl Jobs for SqliteStore {
    fn ask_export(&self, job: Job, record: AuditRecord) -> Answer<'_, Job> {
        self.executor.write(move |conn| ask_export(conn, &job, &record))
    }

    fn close_account(&self, job: Job, record: AuditRecord) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write(move |conn| close(conn, &job, &record))
    }

    fn jobs_of(&self, user: UserId) -> Answer<'_, Vec<Job>> {
        self.executor.read(move |conn| jobs_of(conn, user))
    }

    fn job_part(&self, job: JobId, part: u32) -> Answer<'_, Option<String>> {
        self.executor.read(move |conn| {
            let row = job_parts::table.find((Key::from(job), i64::from(part))).select(job_parts::body);
            Ok(row.get_result(conn).optional()?)
        })
    }

    fn take_job(&self, now: Timestamp, until: Timestamp) -> Answer<'_, Option<Job>> {
        self.executor.write(move |conn| take(conn, now, until))
    }

    fn job_step(&self, job: JobId, attempt: u32, made: JobStep, until: Timestamp) -> Answer<'_, bool> {
        self.executor.write(move |conn| step(conn, job, attempt, &made, until))
    }

    fn job_over(&self, job: JobId, attempt: u32, state: JobState, now: Timestamp) -> Answer<'_, bool> {
        self.executor.write(move |conn| over(conn, job, attempt, state, now))
    }

    fn job_later(&self, job: JobId, attempt: u32, due: Timestamp) -> Answer<'_, bool> {
        self.executor.write(move |conn| later(conn, job, attempt, due))
    }

    fn own_messages(
        &self,
        user: UserId,
        after: Option<ClientMsgId>,
        limit: usize,
    ) -> Answer<'_, Vec<Message>> {
        self.executor.read(move |conn| own_messages(conn, user, after, limit))
    }

    fn own_message_count(&self, user: UserId) -> Answer<'_, u64> {
        self.executor.read(move |conn| {
            let own = messages::table.filter(messages::author_id.eq(Key::from(user)));
            let count: i64 = own.count().get_result(conn)?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn anonymise(&self, user: UserId) -> Answer<'_, ()> {
        self.executor.write(move |conn| anonymise(conn, user))
    }

    fn job_counts(&self) -> Answer<'_, JobCounts> {
        self.executor.read(counts)
    }

    fn prune_jobs(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write(move |conn| prune(conn, before, limit))
    }
}
