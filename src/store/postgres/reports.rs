//! What people report. Next: [`crate::store::Reports`] for the promises.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::rooms::{self, cut, one_more, room_row};
use super::rows::MessageRow;
use super::schema::{members, messages, reporters, reports};
use super::{PgStore, audit, transaction};
use crate::domain::{
    AuditRecord, MessageId, OwnReport, Reason, Refusal, Report, ReportAction, ReportId, Reporter, Resolution,
    Role, RoomId, Seq, Timestamp, UserId,
};
use crate::store::reports::{gathered, may_report, may_review};
use crate::store::{Answer, NewReport, ReportFilter, ReportPage, Reports};

#[derive(Queryable, Selectable)]
#[diesel(table_name = reports, check_for_backend(diesel::pg::Pg))]
struct ReportRow {
    id: Uuid,
    created_at: i64,
    resolved_at: Option<i64>,
    resolved_by: Option<Uuid>,
    action: Option<String>,
    reason: Option<String>,
}

impl ReportRow {
    fn report(self, message: MessageRow) -> Report {
        let resolved = self.resolved_at.zip(self.resolved_by).zip(self.action);
        let resolution = resolved.map(|((at, by), action)| Resolution {
            action: ReportAction::from_stored(&action),
            by: UserId(by),
            reason: self.reason.map(Reason::from_stored),
            at: Timestamp::from_millis(at),
        });
        Report {
            id: ReportId(self.id),
            message: message.into(),
            reporters: Vec::new(),
            created_at: Timestamp::from_millis(self.created_at),
            resolution,
        }
    }
}

async fn report(conn: &mut AsyncPgConnection, new: &NewReport) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        let message = rooms::message(conn, new.message, new.by).await?;
        may_report(&message, new.by)?;
        // Of two at once the second waits for the first, and finds its report.
        let row = (
            reports::id.eq(new.id.0),
            reports::message_id.eq(new.message.0),
            reports::room_id.eq(message.room.0),
            reports::created_at.eq(new.now.millis()),
        );
        diesel::insert_into(reports::table).values(row).on_conflict_do_nothing().execute(conn).await?;
        let open = reports::table
            .filter(reports::message_id.eq(new.message.0))
            .filter(reports::resolved_at.is_null())
            .select(reports::id)
            .for_no_key_update();
        let report: Uuid = open
            .get_result(conn)
            .await
            .optional()?
            .ok_or(Refusal::Conflict("the report was resolved just now"))?;
        let said = (reporters::reason.eq(new.reason.as_str()), reporters::created_at.eq(new.now.millis()));
        let again = reporters::table.find((report, new.by.0));
        if diesel::update(again).set(said).execute(conn).await? == 0 {
            let said_so_far = reporters::table.filter(reporters::report_id.eq(report));
            let people: i64 = said_so_far.count().get_result(conn).await?;
            if usize::try_from(people).unwrap_or(usize::MAX) >= Report::REPORTERS {
                return Ok(());
            }
            let row = (reporters::report_id.eq(report), reporters::user_id.eq(new.by.0), said.0, said.1);
            diesel::insert_into(reporters::table).values(row).execute(conn).await?;
        }
        // About nobody: an export tells people what is recorded about them, and not who reported them.
        audit::insert(conn, Some(&new.record), None).await
    })
    .await
}

/// From where on somebody may see what is reported in a room.
///
/// # Errors
/// `NotFound`/`NotMember` for who is outside, `Forbidden` by role.
async fn reviewed_from(conn: &mut AsyncPgConnection, room: RoomId, user: UserId) -> Result<Seq, Fault> {
    let row = room_row(conn, room).await?.ok_or(Refusal::NotFound("room"))?;
    let membership = members::table.find((room.0, user.0));
    let membership = membership.select((members::role, members::joined_seq));
    let membership: Option<(String, i64)> = membership.get_result(conn).await.optional()?;
    may_review(membership.as_ref().map(|(role, _)| Role::from_stored(role)), row.is_private)?;
    let joined = membership.map_or(Seq::START, |(_, joined)| Seq::from_stored(joined));
    Ok(row.visible_from(joined))
}

async fn page(
    conn: &mut AsyncPgConnection,
    filter: ReportFilter,
    limit: usize,
    before: Option<ReportId>,
) -> Result<ReportPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        let mut query = reports::table
            .inner_join(messages::table.on(messages::id.eq(reports::message_id)))
            .filter(messages::author_id.ne(filter.viewer.0))
            .order(reports::id.desc())
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select((ReportRow::as_select(), MessageRow::as_select()))
            .into_boxed();
        if let Some(room) = filter.room {
            let visible_from = reviewed_from(conn, room, filter.viewer).await?;
            query = query.filter(reports::room_id.eq(room.0));
            query = query.filter(messages::seq.ge(visible_from.stored()));
        }
        match filter.is_open {
            Some(true) => query = query.filter(reports::resolved_at.is_null()),
            Some(false) => query = query.filter(reports::resolved_at.is_not_null()),
            None => {}
        }
        if let Some(before) = before {
            query = query.filter(reports::id.lt(before.0));
        }
        let mut rows: Vec<(ReportRow, MessageRow)> = query.load(conn).await?;
        let more = cut(&mut rows, limit);
        let reports = with_reporters(conn, rows).await?;
        let next = reports.last().map(|report| report.id).filter(|_| more);
        Ok(ReportPage { reports, next })
    })
    .await
}

async fn with_reporters(
    conn: &mut AsyncPgConnection,
    rows: Vec<(ReportRow, MessageRow)>,
) -> Result<Vec<Report>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|(row, _)| row.id).collect();
    let said: Vec<(Uuid, Uuid, String, i64)> = reporters::table
        .filter(reporters::report_id.eq_any(ids))
        .order((reporters::created_at, reporters::user_id))
        .select((reporters::report_id, reporters::user_id, reporters::reason, reporters::created_at))
        .load(conn)
        .await?;
    let said = said.into_iter().map(|(report, user, reason, at)| {
        let (reason, at) = (Reason::from_stored(reason), Timestamp::from_millis(at));
        (ReportId(report), Reporter { user: UserId(user), reason, at })
    });
    Ok(gathered(rows.into_iter().map(|(row, message)| row.report(message)).collect(), said))
}

async fn one(
    conn: &mut AsyncPgConnection,
    id: ReportId,
    viewer: UserId,
    oversees: bool,
) -> Result<Report, Fault> {
    transaction::snapshot(conn, async |conn| {
        let row: Option<(ReportRow, MessageRow)> = reports::table
            .inner_join(messages::table.on(messages::id.eq(reports::message_id)))
            .filter(reports::id.eq(id.0))
            .filter(messages::author_id.ne(viewer.0))
            .select((ReportRow::as_select(), MessageRow::as_select()))
            .get_result(conn)
            .await
            .optional()?;
        let gone = || Refusal::NotFound("report");
        let found = with_reporters(conn, row.into_iter().collect()).await?.pop().ok_or_else(gone)?;
        if oversees {
            return Ok(found);
        }
        match reviewed_from(conn, found.message.room, viewer).await {
            Ok(visible_from) if found.message.seq >= visible_from => Ok(found),
            Ok(_) | Err(Fault::Refused(_)) => Err(gone().into()),
            Err(fault) => Err(fault),
        }
    })
    .await
}

async fn made_by(conn: &mut AsyncPgConnection, user: UserId) -> Result<Vec<OwnReport>, Fault> {
    let rows: Vec<(Uuid, Uuid, String, i64)> = reporters::table
        .inner_join(reports::table.on(reports::id.eq(reporters::report_id)))
        .filter(reporters::user_id.eq(user.0))
        .order((reporters::created_at, reporters::report_id))
        .select((reports::message_id, reports::room_id, reporters::reason, reporters::created_at))
        .load(conn)
        .await?;
    let own = |(message, room, reason, at): (Uuid, Uuid, String, i64)| OwnReport {
        message: MessageId(message),
        room: RoomId(room),
        reason: Reason::from_stored(reason),
        at: Timestamp::from_millis(at),
    };
    Ok(rows.into_iter().map(own).collect())
}

async fn resolve(
    conn: &mut AsyncPgConnection,
    id: ReportId,
    resolution: &Resolution,
    record: &AuditRecord,
) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        let open = reports::table.find(id.0).filter(reports::resolved_at.is_null());
        let resolved = diesel::update(open).set((
            reports::resolved_at.eq(resolution.at.millis()),
            reports::resolved_by.eq(resolution.by.0),
            reports::action.eq(resolution.action.as_str()),
            reports::reason.eq(resolution.reason.as_ref().map(Reason::as_str)),
        ));
        if resolved.execute(conn).await? == 0 {
            let there = diesel::select(diesel::dsl::exists(reports::table.find(id.0)));
            let is_there: bool = there.get_result(conn).await?;
            let refusal = if is_there {
                Refusal::Conflict("the report is resolved")
            } else {
                Refusal::NotFound("report")
            };
            return Err(refusal.into());
        }
        audit::insert(conn, Some(record), None).await
    })
    .await
}

impl Reports for PgStore {
    fn report(&self, new: NewReport) -> Answer<'_, ()> {
        self.executor.write(new, |conn, new| report(conn, new).boxed())
    }

    fn reports(
        &self,
        filter: ReportFilter,
        limit: usize,
        before: Option<ReportId>,
    ) -> Answer<'_, ReportPage> {
        self.executor.read((), move |conn, ()| page(conn, filter, limit, before).boxed())
    }

    fn report_for(&self, report: ReportId, viewer: UserId, oversees: bool) -> Answer<'_, Report> {
        self.executor.read((), move |conn, ()| one(conn, report, viewer, oversees).boxed())
    }

    fn reports_by(&self, user: UserId) -> Answer<'_, Vec<OwnReport>> {
        self.executor.read((), move |conn, ()| made_by(conn, user).boxed())
    }

    fn resolve_report(
        &self,
        report: ReportId,
        resolution: Resolution,
        record: AuditRecord,
    ) -> Answer<'_, ()> {
        self.executor.write((resolution, record), move |conn, (resolution, record)| {
            resolve(conn, report, resolution, record).boxed()
        })
    }
}
