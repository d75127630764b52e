//! `/admin`: for those who look after the server.

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::extract::Peer;
use super::problem::Problem;
use super::roles::Overseer;
use super::{Http, users};
use crate::domain::journey::{Facts, Station, Step, Verdict};
use crate::domain::{AuditEvent, MessageId, UserId};
use crate::protocol::wire;

/// Whose view it is about.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whose {
    user_id: Uuid,
}

/// Why somebody has a message, or has it not.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Journey {
    message_id: Uuid,
    room_id: Uuid,
    /// The message's place in the room's log.
    seq: u64,
    created_at: String,
    user_id: Uuid,
    /// One word. {{"example":"received"}}
    verdict: &'static str,
    /// The same for people.
    because: &'static str,
    /// Whether the user has a connection now.
    is_online: bool,
    /// When the user was last connected, if that is known and not now.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    /// Up to where a client of the user confirmed the room; absent for who is no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u64>,
    /// Up to where the user read the room; absent for who is no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<u64>,
    /// Whether the way of this message is noted at all.
    is_followed: bool,
    /// What the processes noted, by time.
    steps: Vec<NotedStep>,
}

/// A message passed a station.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotedStep {
    at: String,
    /// The process.
    pod: Uuid,
    /// Where it came by. {{"example":"written"}}
    station: &'static str,
    /// The user's connection that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    conn_id: Option<Uuid>,
    /// Sockets that it was offered to.
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<u32>,
}

impl From<&Step> for NotedStep {
    fn from(step: &Step) -> Self {
        Self {
            at: wire::rfc3339(step.at),
            pod: step.pod.0,
            station: step.station.as_str(),
            conn_id: step.station.device().map(|device| device.conn.0),
            sockets: match step.station {
                Station::Offered { sockets } => Some(sockets),
                _ => None,
            },
        }
    }
}

#[api_v2_operation(
    summary = "Why has somebody a message, or has it not?",
    description = "What is stored of the message and the user's marks, and what the processes noted of its way: \
                   of one message in 64, unless set otherwise, and of the last thousands of steps. For \
                   administrators, and for the operator: `chat admin why` asks with a token of its own. \
                   That it was read is recorded.",
    operation_id = "getJourney",
    tags(Administration)
)]
pub(super) async fn journey(
    Overseer(by): Overseer,
    http: Data<Http>,
    peer: Peer,
    message: Path<Uuid>,
    whose: Query<Whose>,
) -> Result<Json<Journey>, Problem> {
    let pod = &http.pod;
    let standing = pod.store.standing(MessageId(*message), UserId(whose.user_id)).await?;
    let (message, member) = (&standing.message, standing.member);
    let record = http.accounts.audit(AuditEvent::JourneyRead, by, &peer.0).about(standing.user.id);
    http.accounts.record(record.detail(format!("message {}", message.id))).await?;
    let person = users::online(&http, wire::User::own(&standing.user));
    let steps = pod.journey(message.id, standing.user.id).await;
    let is_online = person.is_online.unwrap_or_default();
    let verdict = Verdict::of(&Facts {
        seq: message.seq,
        is_author: message.author == standing.user.id,
        is_unannounced: standing.is_unannounced,
        member: member.map(|member| (member.joined, member.marks)),
        is_hidden: member.is_some_and(|member| message.seq < member.visible_from),
        is_online,
        last: steps.iter().rev().map(|step| step.station).find(|station| station.device().is_some()),
    });
    Ok(Json(Journey {
        message_id: message.id.0,
        room_id: message.room.0,
        seq: message.seq.get(),
        created_at: wire::rfc3339(message.created_at),
        user_id: standing.user.id.0,
        verdict: verdict.as_str(),
        because: verdict.because().trim(),
        is_online,
        last_seen: if is_online { None } else { person.last_seen },
        received: member.map(|member| member.marks.received.get()),
        read: member.map(|member| member.marks.read.get()),
        is_followed: pod.follows(message.id),
        steps: steps.iter().map(NotedStep::from).collect(),
    }))
}
