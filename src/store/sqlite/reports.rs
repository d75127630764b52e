//! What people report. Next: [`crate::store::Reports`] for the promises.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::fault::{self, Fault};
use super::rooms::{self, cut, one_more, room_row};
use super::rows::{Key, MessageRow};
use super::schema::{members, messages, reporters, reports};
use super::{SqliteStore, audit};
use crate::domain::{
    AuditRecord, OwnReport, Reason, Refusal, Report, ReportAction, ReportId, Reporter, Resolution, Role,
    RoomId, Seq, Timestamp, UserId,
};
use crate::store::reports::{gathered, may_report, may_review};
use crate::store::{Answer, NewReport, ReportFilter, ReportPage, Reports};

#[derive(Queryable, Selectable)]
#[diesel(table_name = reports, check_for_backend(Sqlite))]
struct ReportRow {
    id: Key,
    created_at: i64,
    resolved_at: Option<i64>,
    resolved_by: Option<Key>,
    action: Option<String>,
    reason: Option<String>,
}

impl ReportRow {
    fn report(self, message: MessageRow) -> Report {
        let resolved = self.resolved_at.zip(self.resolved_by).zip(self.action);
        let resolution = resolved.map(|((at, by), action)| Resolution {
            action: ReportAction::from_stored(&action),
            by: by.into(),
            reason: self.reason.map(Reason::from_stored),
            at: Timestamp::from_millis(at),
        });
        Report {
            id: self.id.into(),
            message: message.into(),
            reporters: Vec::new(),
            created_at: Timestamp::from_millis(self.created_at),
            resolution,
        }
    }
}

fn report(conn: &mut SqliteConnection, new: &NewReport) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let message = rooms::message(conn, new.message, new.by)?;
        may_report(&message, new.by)?;
        let row = (
            reports::id.eq(Key::from(new.id)),
            reports::message_id.eq(Key::from(new.message)),
            reports::room_id.eq(Key::from(message.room)),
            reports::created_at.eq(new.now.millis()),
        );
        diesel::insert_or_ignore_into(reports::table).values(row).execute(conn)?;
        let report: Key = reports::table
            .filter(reports::message_id.eq(Key::from(new.message)))
            .filter(reports::resolved_at.is_null())
            .select(reports::id)
            .get_result(conn)?;
        let said = (reporters::reason.eq(new.reason.as_str()), reporters::created_at.eq(new.now.millis()));
        let again = reporters::table.find((report, Key::from(new.by)));
        if diesel::update(again).set(said).execute(conn)? == 0 {
            let said_so_far = reporters::table.filter(reporters::report_id.eq(report));
            let people: i64 = said_so_far.count().get_result(conn)?;
            if usize::try_from(people).unwrap_or(usize::MAX) >= Report::REPORTERS {
                return Ok(());
            }
            let row =
                (reporters::report_id.eq(report), reporters::user_id.eq(Key::from(new.by)), said.0, said.1);
            diesel::insert_into(reporters::table).values(row).execute(conn)?;
        }
        // About nobody: an export tells people what is recorded about them, and not who reported them.
        audit::insert(conn, Some(&new.record), None)
    })
}

/// From where on somebody may see what is reported in a room.
///
/// # Errors
/// `NotFound`/`NotMember` for who is outside, `Forbidden` by role.
fn reviewed_from(conn: &mut SqliteConnection, room: RoomId, user: UserId) -> Result<Seq, Fault> {
    let row = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?;
    let membership = members::table.find((Key::from(room), Key::from(user)));
    let membership = membership.select((members::role, members::joined_seq));
    let membership: Option<(String, i64)> = membership.get_result(conn).optional()?;
    may_review(membership.as_ref().map(|(role, _)| Role::from_stored(role)), row.is_private)?;
    let joined = membership.map_or(Seq::START, |(_, joined)| Seq::from_stored(joined));
    Ok(row.visible_from(joined))
}

fn page(
    conn: &mut SqliteConnection,
    filter: ReportFilter,
    limit: usize,
    before: Option<ReportId>,
) -> Result<ReportPage, Fault> {
    fault::read(conn, |conn| {
        let mut query = reports::table
            .inner_join(messages::table.on(messages::id.eq(reports::message_id)))
            .filter(messages::author_id.ne(Key::from(filter.viewer)))
            .order(reports::id.desc())
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select((ReportRow::as_select(), MessageRow::as_select()))
            .into_boxed();
        if let Some(room) = filter.room {
            let visible_from = reviewed_from(conn, room, filter.viewer)?;
            query = query.filter(reports::room_id.eq(Key::from(room)));
            query = query.filter(messages::seq.ge(visible_from.stored()));
        }
        match filter.is_open {
            Some(true) => query = query.filter(reports::resolved_at.is_null()),
            Some(false) => query = query.filter(reports::resolved_at.is_not_null()),
            None => {}
        }
        if let Some(before) = before {
            query = query.filter(reports::id.lt(Key::from(before)));
        }
        let mut rows: Vec<(ReportRow, MessageRow)> = query.load(conn)?;
        let more = cut(&mut rows, limit);
        let reports = with_reporters(conn, rows)?;
        let next = reports.last().map(|report| report.id).filter(|_| more);
        Ok(ReportPage { reports, next })
    })
}

fn with_reporters(
    conn: &mut SqliteConnection,
    rows: Vec<(ReportRow, MessageRow)>,
) -> Result<Vec<Report>, Fault> {
    let ids: Vec<Key> = rows.iter().map(|(row, _)| row.id).collect();
    let said: Vec<(Key, Key, String, i64)> = reporters::table
        .filter(reporters::report_id.eq_any(ids))
        .order((reporters::created_at, reporters::user_id))
        .select((reporters::report_id, reporters::user_id, reporters::reason, reporters::created_at))
        .load(conn)?;
    let said = said.into_iter().map(|(report, user, reason, at)| {
        let (reason, at) = (Reason::from_stored(reason), Timestamp::from_millis(at));
        (report.into(), Reporter { user: user.into(), reason, at })
    });
    Ok(gathered(rows.into_iter().map(|(row, message)| row.report(message)).collect(), said))
}

fn one(conn: &mut SqliteConnection, id: ReportId, viewer: UserId, oversees: bool) -> Result<Report, Fault> {
    fault::read(conn, |conn| {
        let row: Option<(ReportRow, MessageRow)> = reports::table
            .inner_join(messages::table.on(messages::id.eq(reports::message_id)))
            .filter(reports::id.eq(Key::from(id)))
            .filter(messages::author_id.ne(Key::from(viewer)))
            .select((ReportRow::as_select(), MessageRow::as_select()))
            .get_result(conn)
            .optional()?;
        let gone = || Refusal::NotFound("report");
        let found = with_reporters(conn, row.into_iter().collect())?.pop().ok_or_else(gone)?;
        if oversees {
            return Ok(found);
        }
        match reviewed_from(conn, found.message.room, viewer) {
            Ok(visible_from) if found.message.seq >= visible_from => Ok(found),
            Ok(_) | Err(Fault::Refused(_)) => Err(gone().into()),
            Err(fault) => Err(fault),
        }
    })
}

fn made_by(conn: &mut SqliteConnection, user: UserId) -> Result<Vec<OwnReport>, Fault> {
    let rows: Vec<(Key, Key, String, i64)> = reporters::table
        .inner_join(reports::table.on(reports::id.eq(reporters::report_id)))
        .filter(reporters::user_id.eq(Key::from(user)))
        .order((reporters::created_at, reporters::report_id))
        .select((reports::message_id, reports::room_id, reporters::reason, reporters::created_at))
        .load(conn)?;
    let own = |(message, room, reason, at): (Key, Key, String, i64)| OwnReport {
        message: message.into(),
        room: room.into(),
        reason: Reason::from_stored(reason),
        at: Timestamp::from_millis(at),
    };
    Ok(rows.into_iter().map(own).collect())
}

fn resolve(
    conn: &mut SqliteConnection,
    id: ReportId,
    resolution: &Resolution,
    record: &AuditRecord,
) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let open = reports::table.find(Key::from(id)).filter(reports::resolved_at.is_null());
        let resolved = diesel::update(open).set((
            reports::resolved_at.eq(resolution.at.millis()),
            reports::resolved_by.eq(Key::from(resolution.by)),
            reports::action.eq(resolution.action.as_str()),
            reports::reason.eq(resolution.reason.as_ref().map(Reason::as_str)),
        ));
        if resolved.execute(conn)? == 0 {
            let there = diesel::select(diesel::dsl::exists(reports::table.find(Key::from(id))));
            let is_there: bool = there.get_result(conn)?;
            let refusal = if is_there {
                Refusal::Conflict("the report is resolved")
            } else {
                Refusal::NotFound("report")
            };
            return Err(refusal.into());
        }
        audit::insert(conn, Some(record), None)
    })
}

impl Reports for SqliteStore {
    fn report(&self, new: NewReport) -> Answer<'_, ()> {
        self.executor.write(move |conn| report(conn, &new))
    }

    fn reports(
        &self,
        filter: ReportFilter,
        limit: usize,
        before: Option<ReportId>,
    ) -> Answer<'_, ReportPage> {
        self.executor.read(move |conn| page(conn, filter, limit, before))
    }

    fn report_for(&self, report: ReportId, viewer: UserId, oversees: bool) -> Answer<'_, Report> {
        self.executor.read(move |conn| one(conn, report, viewer, oversees))
    }

    fn reports_by(&self, user: UserId) -> Answer<'_, Vec<OwnReport>> {
        self.executor.read(move |conn| made_by(conn, user))
    }

    fn resolve_report(
        &self,
        report: ReportId,
        resolution: Resolution,
        record: AuditRecord,
    ) -> Answer<'_, ()> {
        self.executor.write(move |conn| resolve(conn, report, &resolution, &record))
    }
}
