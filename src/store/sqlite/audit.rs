//! What happened to accounts. Next: [`crate::store::Audits`] for the promises.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::fault::{self, Fault};
use super::rooms::{cut, one_more};
use super::rows::Key;
use super::schema::audit;
use crate::domain::{Actor, AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp, UserId};
use crate::store::{Answer, AuditPage, Audits};

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(Sqlite))]
struct AuditRow {
    id: Key,
    at: i64,
    event: String,
    actor: String,
    actor_id: Option<Key>,
    subject_id: Option<Key>,
    network: Option<String>,
    request_id: Option<String>,
    detail: Option<String>,
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id.into(),
            at: Timestamp::from_millis(row.at),
            event: AuditEvent::from_stored(row.event),
            actor: Actor::from_stored(&row.actor, row.actor_id.map(UserId::from)),
            subject: row.subject_id.map(UserId::from),
            network: row.network,
            request: row.request_id,
            detail: row.detail,
        }
    }
}

/// Also for records that go with something else, in its transaction. `subject` is whose account it
/// is about, where the record does not say so.
pub(super) fn insert(
    conn: &mut SqliteConnection,
    record: Option<&AuditRecord>,
    subject: Option<UserId>,
) -> Result<(), Fault> {
    let Some(record) = record else { return Ok(()) };
    diesel::insert_into(audit::table)
        .values((
            audit::id.eq(Key::from(record.id)),
            audit::at.eq(record.at.millis()),
            audit::event.eq(record.event.as_str()),
            audit::actor.eq(record.actor.as_str()),
            audit::actor_id.eq(record.actor.user().map(Key::from)),
            audit::subject_id.eq(record.subject.or(subject).map(Key::from)),
            audit::network.eq(record.network.as_deref()),
            audit::request_id.eq(record.request.as_deref()),
            audit::detail.eq(record.detail.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}

fn page(
    conn: &mut SqliteConnection,
    filter: &AuditFilter,
    limit: usize,
    before: Option<AuditId>,
) -> Result<AuditPage, Fault> {
    let mut query = audit::table
        .order(audit::id.desc())
        .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(user) = filter.user.map(Key::from) {
        query = query.filter(audit::actor_id.eq(user).or(audit::subject_id.eq(user)));
    }
    if let Some(event) = &filter.event {
        query = query.filter(audit::event.eq(event));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit::at.ge(since.millis()));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit::at.lt(until.millis()));
    }
    if let Some(before) = before {
        query = query.filter(audit::id.lt(Key::from(before)));
    }
    let mut rows: Vec<AuditRow> = query.load(conn)?;
    let more = cut(&mut rows, limit);
    let records: Vec<AuditRecord> = rows.into_iter().map(AuditRecord::from).collect();
    let next = records.last().map(|record| record.id).filter(|_| more);
    Ok(AuditPage { records, next })
}

diesel::define_sql_function! {
    /// Milliseconds by the database's own clock, before which a record may go: as the table's trigger
    /// counts them.
    fn strftime(format: diesel::sql_types::Text, when: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// How long a record stays, whatever is asked; the table's trigger says the same.
const LEAST_MS: i64 = 30 * 86_400_000;

fn prune(conn: &mut SqliteConnection, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    fault::write(conn, |conn| {
        let seconds: String = diesel::select(strftime("%s", "now")).get_result(conn)?;
        let young = seconds.parse::<i64>().unwrap_or(0).saturating_mul(1_000) - LEAST_MS;
        let old: Vec<Key> = audit::table
            .filter(audit::at.lt(before.millis().min(young)))
            .order(audit::at)
            .limit(i64::try_from(limit.min(500)).unwrap_or(500))
            .select(audit::id)
            .load(conn)?;
        Ok(diesel::delete(audit::table.filter(audit::id.eq_any(old))).execute(conn)?)
    })
}

impl Audits for SqliteStore {
    fn record(&self, record: AuditRecord) -> Answer<'_, ()> {
        self.executor.write(move |conn| fault::write(conn, |conn| insert(conn, Some(&record), None)))
    }

    fn audit_page(
        &self,
        filter: AuditFilter,
        limit: usize,
        before: Option<AuditId>,
    ) -> Answer<'_, AuditPage> {
        self.executor.read(move |conn| page(conn, &filter, limit, before))
    }

    fn prune_audit(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write(move |conn| prune(conn, before, limit))
    }
}
