//! What happened to accounts. Next: [`crate::store::Audits`] for the promises.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::PgStore;
use super::fault::Fault;
use super::pipeline::Pipeline;
use super::rooms::{cut, one_more};
use super::schema::audit;
use super::statements::statement;
use crate::domain::{Actor, AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp, UserId};
use crate::store::{Answer, AuditPage, Audits};

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(Pg))]
struct AuditRow {
    id: Uuid,
    at: i64,
    event: String,
    actor: String,
    actor_id: Option<Uuid>,
    subject_id: Option<Uuid>,
    network: Option<String>,
    request_id: Option<String>,
    detail: Option<String>,
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        Self {
            id: AuditId(row.id),
            at: Timestamp::from_millis(row.at),
            event: AuditEvent::from_stored(row.event),
            actor: Actor::from_stored(&row.actor, row.actor_id.map(UserId)),
            subject: row.subject_id.map(UserId),
            network: row.network,
            request: row.request_id,
            detail: row.detail,
        }
    }
}

/// Also for records that go with something else, in its transaction. `subject` is whose account it
/// is about, where the record does not say so.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    record: Option<&AuditRecord>,
    subject: Option<UserId>,
) -> Result<(), Fault> {
    let Some(record) = record else { return Ok(()) };
    diesel::insert_into(audit::table)
        .values((
            audit::id.eq(record.id.0),
            audit::at.eq(record.at.millis()),
            audit::event.eq(record.event.as_str()),
            audit::actor.eq(record.actor.as_str()),
            audit::actor_id.eq(record.actor.user().map(|user| user.0)),
            audit::subject_id.eq(record.subject.or(subject).map(|user| user.0)),
            audit::network.eq(record.network.as_deref()),
            audit::request_id.eq(record.request.as_deref()),
            audit::detail.eq(record.detail.as_deref()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

statement! {
    InsertRecords {
        ids: Vec<Uuid> => Array<SqlUuid>,
        ats: Vec<i64> => Array<BigInt>,
        events: Vec<String> => Array<Text>,
        actors: Vec<&'static str> => Array<Text>,
        actor_ids: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        subjects: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        networks: Vec<Option<String>> => Array<Nullable<Text>>,
        requests: Vec<Option<String>> => Array<Nullable<Text>>,
        details: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> (),
    "INSERT INTO audit (id, at, event, actor, actor_id, subject_id, network, request_id, detail) \
     SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?)"
}

/// Those of a group commit.
pub(super) fn write(pipeline: &mut Pipeline<'_>, records: &[AuditRecord]) {
    pipeline.add(records.len(), || InsertRecords {
        ids: records.iter().map(|record| record.id.0).collect(),
        ats: records.iter().map(|record| record.at.millis()).collect(),
        events: records.iter().map(|record| record.event.as_str().to_owned()).collect(),
        actors: records.iter().map(|record| record.actor.as_str()).collect(),
        actor_ids: records.iter().map(|record| Some(record.actor.user()?.0)).collect(),
        subjects: records.iter().map(|record| Some(record.subject?.0)).collect(),
        networks: records.iter().map(|record| record.network.clone()).collect(),
        requests: records.iter().map(|record| record.request.clone()).collect(),
        details: records.iter().map(|record| record.detail.clone()).collect(),
    });
}

async fn page(
    conn: &mut AsyncPgConnection,
    filter: &AuditFilter,
    limit: usize,
    before: Option<AuditId>,
) -> Result<AuditPage, Fault> {
    let mut query = audit::table
        .order(audit::id.desc())
        .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(user) = filter.user {
        query = query.filter(audit::actor_id.eq(user.0).or(audit::subject_id.eq(user.0)));
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
        query = query.filter(audit::id.lt(before.0));
    }
    let mut rows: Vec<AuditRow> = query.load(conn).await?;
    let more = cut(&mut rows, limit);
    let records: Vec<AuditRecord> = rows.into_iter().map(AuditRecord::from).collect();
    let next = records.last().map(|record| record.id).filter(|_| more);
    Ok(AuditPage { records, next })
}

statement! {
    /// Of those that the table's trigger lets go. What another prunes at this moment is left to it.
    Prune { before: i64 => BigInt, limit: i64 => BigInt } -> BigInt,
    "WITH old AS (SELECT id FROM audit WHERE \
       at < least(?, (extract(epoch FROM now()) * 1000)::BIGINT - 2592000000) \
       ORDER BY at LIMIT ? FOR UPDATE SKIP LOCKED), \
     gone AS (DELETE FROM audit a USING old WHERE a.id = old.id RETURNING 1) SELECT count(*) FROM gone"
}

async fn prune(conn: &mut AsyncPgConnection, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let gone: i64 = Prune { before: before.millis(), limit }.get_result(conn).await?;
    Ok(usize::try_from(gone).unwrap_or(0))
}

impl Audits for PgStore {
    fn record(&self, record: AuditRecord) -> Answer<'_, ()> {
        self.executor.write(record, |conn, record| insert(conn, Some(record), None).boxed())
    }

    fn audit_page(
        &self,
        filter: AuditFilter,
        limit: usize,
        before: Option<AuditId>,
    ) -> Answer<'_, AuditPage> {
        self.executor.read(filter, move |conn, filter| page(conn, filter, limit, before).boxed())
    }

    fn prune_audit(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write((), move |conn, ()| prune(conn, before, limit).boxed())
    }
}
