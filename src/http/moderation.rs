//! Looking after how people treat each other: mutes. Next: [`super::manage`] for rooms and roles.

use actix_web::web::{Data, Path};
use paperclip::actix::{Apiv2Schema, api_v2_operation, web};
use serde::Deserialize;
use uuid::Uuid;

use super::Http;
use super::answer::Done;
use super::body::Body;
use super::extract::{Peer, Writer};
use super::problem::{Problem, only};
use crate::domain::refusal::Invalid;
use crate::domain::{Actor, AuditEvent, Operation, Reason, RoomId, UserId};
use crate::protocol::wire;

pub(super) fn routes(config: &mut web::ServiceConfig<'_>) {
    config.service(
        web::resource("/rooms/{roomId}/members/{userId}/mute")
            .route(web::put().to(mute))
            .route(web::delete().to(unmute))
            .default_service(only("PUT, DELETE")),
    );
}

/// For how long a member may not write.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MuteMember {
    /// Within 28 days. {{"format":"date-time"}}
    until: String,
    /// Why; everybody in the room is told. As long as the mute lasts it stands beside it as `muteReason`. {{"maxLength":500,"example":"spam"}}
    reason: Option<String>,
}

#[api_v2_operation(
    summary = "Mute a member",
    description = "Until then the person sends, edits and adds reactions no more, and reads on. By those whose role is above the person's. Everybody in the room is told by `member.updated`. Leaving and coming back lifts nothing. Again it replaces time and reason.",
    operation_id = "muteMember",
    tags(Rooms)
)]
pub(super) async fn mute(
    Writer(caller): Writer,
    http: Data<Http>,
    peer: Peer,
    place: Path<(Uuid, Uuid)>,
    body: Body<MuteMember>,
) -> Result<Done, Problem> {
    let ((room, user), by) = (*place, caller.user.id);
    let until = wire::parse_rfc3339(&body.until)
        .ok_or_else(|| Invalid::new("until", "must be a time as in RFC 3339"))?;
    let reason = Reason::optional(body.reason.as_deref())?;
    let record = Box::new(http.accounts.audit(AuditEvent::MemberMuted, Actor::User(by), &peer.0));
    let mute = Operation::Mute { by, user: UserId(user), until, reason, record };
    http.registry.submit(RoomId(room), mute).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Let a muted member write again",
    description = "By those whose role is above the person's.",
    operation_id = "unmuteMember",
    tags(Rooms)
)]
pub(super) async fn unmute(
    Writer(caller): Writer,
    http: Data<Http>,
    peer: Peer,
    place: Path<(Uuid, Uuid)>,
) -> Result<Done, Problem> {
    let ((room, user), by) = (*place, caller.user.id);
    let record = Box::new(http.accounts.audit(AuditEvent::MemberUnmuted, Actor::User(by), &peer.0));
    http.registry.submit(RoomId(room), Operation::Unmute { by, user: UserId(user), record }).await?;
    Ok(Done)
}
