//! Threads: a message and what answers it.

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::Done;
use super::body::Body;
use super::extract::Caller;
use super::problem::Problem;
use super::{Http, cursor, messages, page, private};
use crate::domain::refusal::Invalid;
use crate::domain::{MessageId, Seq};
use crate::protocol::wire;
use crate::store::Place;

#[derive(Deserialize, Apiv2Schema)]
pub(super) struct Which {
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    limit: Option<String>,
    /// The `nextCursor` or `newerCursor` of the page before.
    cursor: Option<String>,
}

/// A page of a thread.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThreadPage {
    /// The message that the thread began with; absent where it is from before you may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<wire::Message>,
    /// Replies, newest first; deleted ones keep their place with empty content.
    messages: Vec<wire::Message>,
    /// Leads to older replies; null when there are none. {{"nullable":true}}
    next_cursor: Option<String>,
    /// Leads to newer replies; null when there are none. {{"nullable":true}}
    newer_cursor: Option<String>,
}

/// How far a thread was read.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct ReadThread {
    /// Everything up to here, by the number in the room's log. {{"minimum":0,"maximum":9007199254740991,"example":44}}
    seq: u64,
}

#[api_v2_operation(
    summary = "Read a thread",
    description = "The thread of this message, whether it began with it or the message is one of its replies: what answers its root, or answers an answer. Newest first. Where only what came since you joined is yours to read, these are the replies since then, and `root` is absent if it is from before.",
    operation_id = "listThread",
    tags(Messages)
)]
pub(super) async fn list(
    caller: Caller,
    http: Data<Http>,
    message: Path<Uuid>,
    which: Query<Which>,
) -> Result<Json<ThreadPage>, Problem> {
    let (message, viewer) = (MessageId(*message), caller.user.id);
    let limit = page::limit(which.limit.as_deref())?;
    let known = http.pod.store.message(message, viewer).await?;
    private::check(&http, &caller, known.room).await?;
    let root = known.thread_root.unwrap_or(message);
    let place = match &which.cursor {
        Some(cursor) => cursor::parse_in_thread(root, cursor)?,
        None => Place::Newest,
    };
    let found = http.pod.store.thread(message, viewer, limit, place).await?;
    let (next_cursor, newer_cursor) = cursor::of_thread(root, &found.page);
    let mut all = found.page.messages;
    let has_root = found.root.is_some();
    all.extend(found.root);
    let mut messages = messages::as_seen(&http, &all, viewer).await?;
    let root = if has_root { messages.pop() } else { None };
    Ok(Json(ThreadPage { root, messages, next_cursor, newer_cursor }))
}

#[api_v2_operation(
    summary = "Mark a thread as read",
    description = "Your own mark of the thread of this message moves forward to `seq`, never back and not beyond the room's log. Who answers has read what was there.",
    operation_id = "markThread",
    tags(Messages)
)]
pub(super) async fn mark(
    caller: Caller,
    http: Data<Http>,
    message: Path<Uuid>,
    body: Body<ReadThread>,
) -> Result<Done, Problem> {
    let (message, reader) = (MessageId(*message), caller.user.id);
    let read = Seq::new(body.seq).ok_or_else(|| Invalid::new("seq", "must be below 2^53"))?;
    let known = http.pod.store.message(message, reader).await?;
    private::check(&http, &caller, known.room).await?;
    http.pod.store.read_thread(message, reader, read).await?;
    Ok(Done)
}
