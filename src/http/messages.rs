//! `/messages`: history, and sending over HTTP.

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::{Created, Done};
use super::body::Body;
use super::extract::{Caller, IdempotencyKey, Peer, Writer};
use super::problem::Problem;
use super::{Http, cursor, page, private, request};
use crate::domain::refusal::Invalid;
use crate::domain::{
    Actor, AuditEvent, ClientMsgId, Committed, Content, Draft, Emoji, FileId, Message, MessageId, Operation,
    Reason, Refusal, RoomId, Seq, UserId,
};
use crate::error::Fault;
use crate::limits::Key;
use crate::protocol::{Links, wire};
use crate::store::Place;

#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Which {
    /// The room. {{"format":"uuid"}}
    room_id: String,
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    limit: Option<String>,
    /// The `nextCursor` or `newerCursor` of the page before.
    cursor: Option<String>,
    /// A message to jump to: the page is about it. {{"format":"uuid"}}
    around: Option<String>,
    /// A moment to jump to: the page is about the first message of then or later. {{"format":"date-time"}}
    at: Option<String>,
    /// The oldest messages above this `seq`. {{"type":"integer","minimum":0}}
    after: Option<String>,
}

impl Which {
    /// The place that is asked for: one at most.
    fn place(&self, room: RoomId) -> Result<Place, Invalid> {
        match (&self.cursor, &self.around, &self.at, &self.after) {
            (None, None, None, None) => Ok(Place::Newest),
            (Some(cursor), None, None, None) => cursor::parse_in_messages(room, cursor),
            (None, Some(around), None, None) => {
                let id = Uuid::try_parse(around).map_err(|_| Invalid::new("around", "must be a UUID"))?;
                Ok(Place::Around(MessageId(id)))
            }
            (None, None, Some(at), None) => wire::parse_rfc3339(at)
                .map(Place::At)
                .ok_or_else(|| Invalid::new("at", "must be a time as in RFC 3339")),
            (None, None, None, Some(after)) => {
                let after = after.parse().ok().and_then(Seq::new);
                after
                    .map(Place::After)
                    .ok_or_else(|| Invalid::new("after", "must be a whole number below 2^53"))
            }
            _ => Err(Invalid::new("cursor", "only one of cursor, around, at and after may be given")),
        }
    }
}

/// A page of messages.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagePage {
    /// Newest first; deleted ones keep their place with empty content.
    messages: Vec<wire::Message>,
    /// Leads to older messages; null when there are none. {{"nullable":true}}
    next_cursor: Option<String>,
    /// Leads to newer messages; null when there are none. {{"nullable":true}}
    newer_cursor: Option<String>,
}

/// A message to be sent.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendMessage {
    room_id: Uuid,
    /// Trimmed, in Unicode normal form C. Empty only beside attachments. {{"maxLength":8000,"example":"hi"}}
    content: String,
    /// Files that you uploaded and sent nowhere yet, in the order shown. {{"maxItems":10}}
    attachments: Option<Vec<Uuid>>,
    /// The message that this one answers, of the same room.
    reply_to: Option<Uuid>,
}

/// Why a message is deleted.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct Why {
    /// Of what another wrote; everybody in the room is told. {{"maxLength":500}}
    reason: Option<String>,
}

/// A message's new text.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EditMessage {
    /// Trimmed, in Unicode normal form C. {{"minLength":1,"maxLength":8000,"example":"hello"}}
    content: String,
}

#[api_v2_operation(
    summary = "Get messages for a room",
    description = "Newest first, from the newest, or about a message (`around`) or a moment (`at`), or those above a `seq` (`after`). Follow `nextCursor` for older ones until it is null, `newerCursor` for newer ones.",
    operation_id = "listMessages",
    tags(Messages)
)]
pub(super) async fn list(
    caller: Caller,
    http: Data<Http>,
    which: Query<Which>,
) -> Result<Json<MessagePage>, Problem> {
    let room = RoomId(Uuid::try_parse(&which.room_id).map_err(|_| Invalid::new("roomId", "must be a UUID"))?);
    let viewer = caller.user.id;
    let limit = page::limit(which.limit.as_deref())?;
    let place = which.place(room)?;
    private::check(&http, &caller, room).await?;
    let found = http.pod.store.messages_at(room, viewer, limit, place).await?;
    let (next_cursor, newer_cursor) = cursor::of_messages(room, &found);
    Ok(Json(MessagePage {
        messages: as_seen(&http, &found.messages, viewer).await?,
        next_cursor,
        newer_cursor,
    }))
}

#[api_v2_operation(
    summary = "Send a message",
    description = "With an `Idempotency-Key` a retry is safe: it answers the message first stored, with `Idempotent-Replayed: true`. The key is the `clientMsgId` of the socket. At most 5 messages per second to one room, 10 at once.",
    operation_id = "sendMessage",
    tags(Messages)
)]
pub(super) async fn send(
    Writer(caller): Writer,
    http: Data<Http>,
    key: IdempotencyKey,
    body: Body<SendMessage>,
) -> Result<Created<wire::Message>, Problem> {
    let (clock, limits) = (&http.pod.clock, &http.pod.settings.limits);
    let (body, author) = (body.into_inner(), caller.user.id);
    let room = RoomId(body.room_id);
    let attachments = body.attachments.unwrap_or_default();
    if attachments.len() > limits.attachments {
        return Err(Invalid::new("attachments", format!("may hold at most {}", limits.attachments)).into());
    }
    let draft = Draft {
        client_msg_id: key.0.unwrap_or_else(|| ClientMsgId(clock.id())),
        content: Content::beside_files(&body.content, limits.content_chars, attachments.len())?,
        attachments: attachments.into_iter().map(FileId).collect(),
        reply_to: body.reply_to.map(MessageId),
    };
    http.limiter
        .check(Key::Send(author, room), clock.now())
        .map_err(|retry_after| Refusal::RateLimited { retry_after })?;
    let send = Operation::Send { author, message: MessageId(clock.id()), draft };
    let committed = http.registry.submit(room, send).await?;
    let replayed = committed.duplicate;
    let body = message_of(&committed, author, &http.pod.links)?;
    if !replayed && http.pod.follows(MessageId(body.id)) {
        request::wrote(MessageId(body.id));
    }
    Ok(Created { body, replayed })
}

#[api_v2_operation(
    summary = "Get a message",
    description = "As it is now; a deleted one has empty content and `deletedAt`.",
    operation_id = "getMessage",
    tags(Messages)
)]
pub(super) async fn read(
    caller: Caller,
    http: Data<Http>,
    message: Path<Uuid>,
) -> Result<Json<wire::Message>, Problem> {
    let message = http.pod.store.message(MessageId(*message), caller.user.id).await?;
    private::check(&http, &caller, message.room).await?;
    let mut seen = as_seen(&http, std::slice::from_ref(&message), caller.user.id).await?;
    seen.pop().map(Json).ok_or_else(|| Fault::internal(&"a message was lost").into())
}

#[api_v2_operation(
    summary = "Edit a message",
    description = "Your own, for 5 minutes by the server's clock, or the time that the room has for itself; the room's owner and administrators at any time. The same content again changes nothing.",
    operation_id = "editMessage",
    tags(Messages)
)]
pub(super) async fn edit(
    Writer(caller): Writer,
    http: Data<Http>,
    message: Path<Uuid>,
    body: Body<EditMessage>,
) -> Result<Json<wire::Message>, Problem> {
    let (message, by) = (MessageId(*message), caller.user.id);
    let content = Content::parse(&body.content, http.pod.settings.limits.content_chars)?;
    let room = http.pod.store.message(message, by).await?.room;
    let committed = http.registry.submit(room, Operation::Edit { by, message, content }).await?;
    Ok(Json(message_of(&committed, by, &http.pod.links)?))
}

#[api_v2_operation(
    summary = "Delete a message",
    description = "Your own, for 5 minutes by the server's clock; in a room that you own or are an administrator of, anybody's at any time, and with a `reason` if you like: everybody is told who did it and why. Deleting twice changes nothing.",
    operation_id = "deleteMessage",
    tags(Messages)
)]
pub(super) async fn remove(
    Writer(caller): Writer,
    http: Data<Http>,
    peer: Peer,
    message: Path<Uuid>,
    why: Query<Why>,
) -> Result<Done, Problem> {
    let (message, by) = (MessageId(*message), caller.user.id);
    let reason = Reason::optional(why.reason.as_deref())?;
    let room = http.pod.store.message(message, by).await?.room;
    let record = Box::new(http.accounts.audit(AuditEvent::MessageRemoved, Actor::User(by), &peer.0));
    http.registry.submit(room, Operation::Delete { by, message, reason, record }).await?;
    Ok(Done)
}

/// These messages with what people express about them and whether they are pinned, of deleted ones
/// neither; and with the threads that they began.
pub(super) async fn as_seen(
    http: &Http,
    messages: &[Message],
    viewer: UserId,
) -> Result<Vec<wire::Message>, Problem> {
    let ids = messages.iter().map(|message| message.id).collect();
    let found = http.pod.store.annotations(ids, viewer).await?;
    let mut signs = HashMap::<MessageId, Vec<wire::Reaction>>::new();
    for reaction in &found.reactions {
        signs.entry(reaction.message).or_default().push(reaction.into());
    }
    let seen = |message: &Message| {
        let is_living = message.deleted_at.is_none();
        let reactions = Some(signs.remove(&message.id).filter(|_| is_living).unwrap_or_default());
        let is_pinned = (is_living && found.pinned.contains(&message.id)).then_some(true);
        let thread = found.threads.iter().find(|thread| thread.root == message.id).map(Into::into);
        wire::Message {
            reactions,
            is_pinned,
            thread,
            ..wire::Message::of(message, Some(viewer), &http.pod.links)
        }
    };
    Ok(messages.iter().map(seen).collect())
}

#[api_v2_operation(
    summary = "React to a message",
    description = "With an emoji; everybody in the room is told by `reaction.added`. A message has at most 20 kinds of them. Twice is once.",
    operation_id = "addReaction",
    tags(Messages)
)]
pub(super) async fn react(
    Writer(caller): Writer,
    http: Data<Http>,
    place: Path<(Uuid, String)>,
) -> Result<Done, Problem> {
    set_reaction(&http, caller.user.id, &place, true).await
}

#[api_v2_operation(
    summary = "Take a reaction back",
    description = "Your own; everybody in the room is told by `reaction.removed`.",
    operation_id = "removeReaction",
    tags(Messages)
)]
pub(super) async fn unreact(
    Writer(caller): Writer,
    http: Data<Http>,
    place: Path<(Uuid, String)>,
) -> Result<Done, Problem> {
    set_reaction(&http, caller.user.id, &place, false).await
}

async fn set_reaction(
    http: &Http,
    by: UserId,
    (id, sign): &(Uuid, String),
    on: bool,
) -> Result<Done, Problem> {
    let (message, emoji) = (MessageId(*id), Emoji::parse(sign)?);
    let room = http.pod.store.message(message, by).await?.room;
    http.registry.submit(room, Operation::React { by, message, emoji, on }).await?;
    Ok(Done)
}

/// The message that a message operation is answered with.
fn message_of(committed: &Committed, viewer: UserId, links: &Links) -> Result<wire::Message, Problem> {
    match committed.entry.change.message() {
        Some(message) => Ok(wire::Message::of(message, Some(viewer), links)),
        None => Err(Fault::internal(&"a message operation wrote no message").into()),
    }
}
