//! `/messages/{messageId}/report`, `/rooms/{roomId}/reports`, `/admin/reports`, `/reports`: what people say
//! of messages to those who look after others.

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::Done;
use super::body::Body;
use super::extract::{Caller, Peer, Writer};
use super::problem::{Problem, only};
use super::roles::Moderator;
use super::{Http, cursor, page, private};
use crate::domain::refusal::Invalid;
use crate::domain::{
    Actor, AuditEvent, MessageId, Operation, Reason, Refusal, Report as Reported, ReportAction, ReportId,
    Resolution as Resolved, RoomId, ServerRole, UserId,
};
use crate::limits::Key;
use crate::protocol::{Links, wire};
use crate::store::{NewReport, ReportFilter};

pub(super) fn routes(config: &mut web::ServiceConfig<'_>) {
    config
        .service(
            web::resource("/messages/{messageId}/report")
                .route(web::post().to(report))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/rooms/{roomId}/reports")
                .route(web::get().to(of_room))
                .default_service(only("GET")),
        )
        .service(web::resource("/admin/reports").route(web::get().to(all)).default_service(only("GET")))
        .service(
            web::resource("/reports/{reportId}/resolve")
                .route(web::post().to(resolve))
                .default_service(only("POST")),
        );
}

/// What is wrong with a message.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct ReportMessage {
    /// For those who look after the room or the server. {{"minLength":1,"maxLength":500,"example":"spam"}}
    reason: String,
}

#[derive(Deserialize, Apiv2Schema)]
pub(super) struct Which {
    /// Only those that are `open`, or `resolved`. {{"enum":["open","resolved"]}}
    status: Option<String>,
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// What is to be done about a report.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct ResolveReport {
    /// `delete` deletes the message. {{"enum":["dismiss","delete"],"example":"delete"}}
    action: String,
    /// Why; of a deletion everybody in the room is told. {{"maxLength":500,"example":"spam"}}
    reason: Option<String>,
}

/// A message that was reported.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    id: Uuid,
    /// As it is now.
    message: wire::Message,
    /// Who reported it, the first first; at most 50.
    reporters: Vec<Reporter>,
    /// {{"format":"date-time"}}
    created_at: String,
    /// {{"enum":["open","resolved"]}}
    status: &'static str,
    /// What came of it; null while it is open. {{"nullable":true}}
    resolution: Option<Resolution>,
}

/// Somebody who reported a message.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reporter {
    user_id: Uuid,
    reason: String,
    /// When that was said. {{"format":"date-time"}}
    created_at: String,
}

/// What came of a report.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resolution {
    /// {{"enum":["dismiss","delete"]}}
    action: &'static str,
    /// Who resolved it.
    by: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// {{"format":"date-time"}}
    created_at: String,
}

/// A page of reports.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportPage {
    /// Newest first.
    reports: Vec<Report>,
    /// Leads to older ones; null when there are none. {{"nullable":true}}
    next_cursor: Option<String>,
}

impl Report {
    fn of(report: &Reported, viewer: UserId, links: &Links) -> Self {
        let reporters = report.reporters.iter().map(|reporter| Reporter {
            user_id: reporter.user.0,
            reason: reporter.reason.as_str().to_owned(),
            created_at: wire::rfc3339(reporter.at),
        });
        let resolution = report.resolution.as_ref().map(|resolution| Resolution {
            action: resolution.action.as_str(),
            by: resolution.by.0,
            reason: resolution.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            created_at: wire::rfc3339(resolution.at),
        });
        Self {
            id: report.id.0,
            message: wire::Message::of(&report.message, Some(viewer), links),
            reporters: reporters.collect(),
            created_at: wire::rfc3339(report.created_at),
            status: if resolution.is_some() { "resolved" } else { "open" },
            resolution,
        }
    }
}

#[api_v2_operation(
    summary = "Report a message",
    description = "To those who look after the room, and to those who moderate the server. Whose message it is, is not told. Again it replaces your reason.",
    operation_id = "reportMessage",
    tags(Messages)
)]
pub(super) async fn report(
    Writer(caller): Writer,
    http: Data<Http>,
    peer: Peer,
    message: Path<Uuid>,
    body: Body<ReportMessage>,
) -> Result<Done, Problem> {
    let (clock, by) = (&http.pod.clock, caller.user.id);
    let (message, reason, now) = (MessageId(*message), Reason::parse(&body.reason)?, clock.now());
    http.limiter.check(Key::Report(by), now).map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    let record = http.accounts.audit(AuditEvent::MessageReported, Actor::User(by), &peer.0);
    let record = record.detail(format!("message {message}"));
    let id = ReportId(clock.id());
    http.pod.store.report(NewReport { id, message, by, reason, now, record: record.clone() }).await?;
    http.accounts.audited.tell(&record);
    Ok(Done)
}

#[api_v2_operation(
    summary = "List what is reported in a room",
    description = "For its owner and administrators, but for reports of their own messages. Newest first.",
    operation_id = "listReports",
    tags(Rooms)
)]
pub(super) async fn of_room(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
    which: Query<Which>,
) -> Result<Json<ReportPage>, Problem> {
    let room = RoomId(*room);
    private::check(&http, &caller, room).await?;
    list(&http, caller.user.id, Some(room), &which).await
}

#[api_v2_operation(
    summary = "List what is reported anywhere",
    description = "For those who moderate the server, in whatever room it is; not of their own messages. Newest first. Reading it is recorded.",
    operation_id = "listAllReports",
    tags(Administration)
)]
pub(super) async fn all(
    Moderator(caller): Moderator,
    http: Data<Http>,
    peer: Peer,
    which: Query<Which>,
) -> Result<Json<ReportPage>, Problem> {
    let found = list(&http, caller.user.id, None, &which).await?;
    // Of one look through many pages once.
    if which.cursor.is_none() {
        let record = http.accounts.audit(AuditEvent::ReportsRead, Actor::User(caller.user.id), &peer.0);
        http.accounts.record(record).await?;
    }
    Ok(found)
}

async fn list(
    http: &Http,
    viewer: UserId,
    room: Option<RoomId>,
    which: &Which,
) -> Result<Json<ReportPage>, Problem> {
    let limit = page::limit(which.limit.as_deref())?;
    let before = which.cursor.as_deref().map(cursor::parse_in_reports).transpose()?;
    let is_open = match which.status.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("resolved") => Some(false),
        Some(_) => return Err(Invalid::new("status", "must be \"open\" or \"resolved\"").into()),
    };
    let found = http.pod.store.reports(ReportFilter { viewer, room, is_open }, limit, before).await?;
    let reports = found.reports.iter().map(|report| Report::of(report, viewer, &http.pod.links));
    Ok(Json(ReportPage { reports: reports.collect(), next_cursor: found.next.map(cursor::in_reports) }))
}

#[api_v2_operation(
    summary = "Resolve a report",
    description = "By those who look after the room, and by those who moderate the server; not by who wrote the message. Of several at once one succeeds.",
    operation_id = "resolveReport",
    tags(Rooms)
)]
pub(super) async fn resolve(
    Writer(caller): Writer,
    http: Data<Http>,
    peer: Peer,
    report: Path<Uuid>,
    body: Body<ResolveReport>,
) -> Result<Done, Problem> {
    let (id, by) = (ReportId(*report), caller.user.id);
    let (action, reason) = (ReportAction::parse(&body.action)?, Reason::optional(body.reason.as_deref())?);
    let oversees = caller.user.must_be(ServerRole::Moderator).is_ok();
    let found = http.pod.store.report_for(id, by, oversees).await?;
    if found.resolution.is_some() {
        return Err(Refusal::Conflict("the report is resolved").into());
    }
    let (message, room) = (found.message.id, found.message.room);
    // First the deletion: if this ends in between, the report is still open.
    if action == ReportAction::Delete {
        let record = Box::new(http.accounts.audit(AuditEvent::MessageRemoved, Actor::User(by), &peer.0));
        let reason = reason.clone();
        let delete = if oversees {
            Operation::TakeDown { by, message, reason, record }
        } else {
            Operation::Delete { by, message, reason, record }
        };
        http.registry.submit(room, delete).await?;
    }
    let record = http.accounts.audit(AuditEvent::ReportResolved, Actor::User(by), &peer.0);
    let record = record.detail(format!("report {id} of message {message}: {}", action.as_str()));
    let resolved = Resolved { action, by, reason, at: http.pod.clock.now() };
    http.pod.store.resolve_report(id, resolved, record.clone()).await?;
    http.accounts.audited.tell(&record);
    Ok(Done)
}
