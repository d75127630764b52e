//! Pins: messages that a room keeps in view.

use actix_web::web::{Data, Json, Path};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;
use uuid::Uuid;

use super::answer::Done;
use super::extract::{Caller, Writer};
use super::problem::Problem;
use super::{Http, messages, private};
use crate::domain::{MessageId, Operation, RoomId, UserId};
use crate::protocol::wire;

/// Messages that are pinned.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct Pins {
    /// The last pinned first.
    messages: Vec<wire::Message>,
}

#[api_v2_operation(
    summary = "Pin a message",
    description = "As owner or administrator of its room, or in a direct conversation; everybody in the room is told by `message.pinned`. A room has at most 50 pins. Twice is once.",
    operation_id = "pinMessage",
    tags(Messages)
)]
pub(super) async fn pin(
    Writer(caller): Writer,
    http: Data<Http>,
    message: Path<Uuid>,
) -> Result<Done, Problem> {
    set(&http, caller.user.id, MessageId(*message), true).await
}

#[api_v2_operation(
    summary = "Unpin a message",
    description = "By whoever may pin; everybody in the room is told by `message.unpinned`. A message that is deleted is pinned no more, and nobody is told apart.",
    operation_id = "unpinMessage",
    tags(Messages)
)]
pub(super) async fn unpin(
    Writer(caller): Writer,
    http: Data<Http>,
    message: Path<Uuid>,
) -> Result<Done, Problem> {
    set(&http, caller.user.id, MessageId(*message), false).await
}

async fn set(http: &Http, by: UserId, message: MessageId, on: bool) -> Result<Done, Problem> {
    let room = http.pod.store.message(message, by).await?.room;
    http.registry.submit(room, Operation::Pin { by, message, on }).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "List the pins of a room",
    description = "All of them, the last pinned first.",
    operation_id = "listPins",
    tags(Messages)
)]
pub(super) async fn list(caller: Caller, http: Data<Http>, room: Path<Uuid>) -> Result<Json<Pins>, Problem> {
    let (room, viewer) = (RoomId(*room), caller.user.id);
    private::check(&http, &caller, room).await?;
    let pinned = http.pod.store.pins(room, viewer).await?;
    Ok(Json(Pins { messages: messages::as_seen(&http, &pinned, viewer).await? }))
}
