//! `/admin/audit`: what happened to accounts, for administrators.

use actix_web::web::{Data, Json, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::extract::Peer;
use super::problem::Problem;
use super::roles::Administrator;
use super::{Http, cursor, page};
use crate::domain::refusal::Invalid;
use crate::domain::{Actor, AuditEvent, AuditFilter, AuditRecord, UserId};
use crate::protocol::wire;

#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Which {
    /// Only what this user did, or what is about him. {{"format":"uuid"}}
    user_id: Option<String>,
    /// Only this event. {{"example":"loginFailed"}}
    event: Option<String>,
    /// Only from this time on. {{"format":"date-time"}}
    since: Option<String>,
    /// Only before this time. {{"format":"date-time"}}
    until: Option<String>,
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Something that happened. Never changed.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditEntry {
    /// Sorts by time.
    id: Uuid,
    /// {{"format":"date-time"}}
    at: String,
    /// What happened. {{"example":"loginSucceeded"}}
    event: String,
    /// Who did it: `user`, `operator` (whoever has the machine or its secrets), or `nobody` for who proved nothing. {{"example":"user"}}
    actor: &'static str,
    /// That user.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<Uuid>,
    /// Whose account it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<Uuid>,
    /// The network that it came from; the address itself is not kept. {{"example":"203.0.113.0/24"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// The request, as the answer's `X-Request-Id` and the log name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// A few words more. {{"example":"user -> administrator"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<AuditRecord> for AuditEntry {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.0,
            at: wire::rfc3339(record.at),
            event: record.event.as_str().to_owned(),
            actor: record.actor.as_str(),
            actor_id: record.actor.user().map(|user| user.0),
            subject_id: record.subject.map(|user| user.0),
            network: record.network,
            request_id: record.request,
            detail: record.detail,
        }
    }
}

/// A page of what happened.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditPage {
    /// Newest first.
    records: Vec<AuditEntry>,
    /// Leads to older ones; null when there are none. {{"nullable":true}}
    next_cursor: Option<String>,
}

#[api_v2_operation(
    summary = "List what happened to accounts",
    description = "For administrators. Newest first; the filters hold together. Reading it is itself a record.",
    operation_id = "listAudit",
    tags(Administration)
)]
pub(super) async fn list(
    Administrator(caller): Administrator,
    http: Data<Http>,
    peer: Peer,
    which: Query<Which>,
) -> Result<Json<AuditPage>, Problem> {
    let limit = page::limit(which.limit.as_deref())?;
    let before = which.cursor.as_deref().map(cursor::parse_in_audit).transpose()?;
    let user = which.user_id.as_deref().map(Uuid::try_parse).transpose();
    let filter = AuditFilter {
        user: user.map_err(|_| Invalid::new("userId", "must be a UUID"))?.map(UserId),
        event: which.event.clone(),
        since: time("since", which.since.as_deref())?,
        until: time("until", which.until.as_deref())?,
    };
    let found = http.pod.store.audit_page(filter, limit, before).await?;
    // Of one look through many pages once.
    if before.is_none() {
        let record = http.accounts.audit(AuditEvent::AuditRead, Actor::User(caller.user.id), &peer.0);
        http.accounts.record(record).await?;
    }
    Ok(Json(AuditPage {
        records: found.records.into_iter().map(AuditEntry::from).collect(),
        next_cursor: found.next.map(cursor::in_audit),
    }))
}

fn time(field: &'static str, given: Option<&str>) -> Result<Option<crate::domain::Timestamp>, Invalid> {
    given
        .map(|text| {
            wire::parse_rfc3339(text).ok_or_else(|| Invalid::new(field, "must be a time as in RFC 3339"))
        })
        .transpose()
}
