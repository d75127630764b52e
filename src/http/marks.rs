//! `/rooms/{roomId}/marks` and `/rooms/{roomId}/receipts`: how far one has read, and others have.

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::body::Body;
use super::cursor::Listing;
use super::directory::Paging;
use super::extract::Caller;
use super::problem::Problem;
use super::{Http, cursor, page, private};
use crate::domain::refusal::Invalid;
use crate::domain::{MarkMove, RoomId, Seq};
use crate::error::Fault;

/// Marks to be moved; one that is absent stays.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoveMarks {
    /// Everything up to this `seq` is read, and so received. {{"minimum":0,"maximum":9007199254740991}}
    read: Option<u64>,
    /// Everything up to this `seq` has reached a device. {{"minimum":0,"maximum":9007199254740991}}
    received: Option<u64>,
}

/// Your marks in a room, and what is unread above them.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Marks {
    received: u64,
    read: u64,
    /// Messages by others above `read` that are not deleted.
    unread: u64,
    /// Those of them that name you.
    mentions: u64,
}

/// One member's marks.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    user_id: Uuid,
    received: u64,
    read: u64,
}

/// A page of members' marks.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptPage {
    /// In the order in which the members joined.
    receipts: Vec<Receipt>,
    /// Leads to the next page; null on the last. {{"nullable":true}}
    next_cursor: Option<String>,
}

#[api_v2_operation(
    summary = "Move your marks in a room",
    description = "Marks only move forward: a position behind them changes nothing, and one beyond the \
                   room's head counts as the head. Your other devices are told.",
    operation_id = "moveMarks",
    tags(Rooms)
)]
pub(super) async fn update(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
    body: Body<MoveMarks>,
) -> Result<Json<Marks>, Problem> {
    let wish = MarkMove {
        user: caller.user.id,
        room: RoomId(*room),
        received: position("received", body.received)?,
        read: position("read", body.read)?,
    };
    private::check(&http, &caller, wish.room).await?;
    let moved = http.registry.mark(wish).await?;
    Ok(Json(Marks {
        received: moved.marks.received.get(),
        read: moved.marks.read.get(),
        unread: moved.unread.messages,
        mentions: moved.unread.mentions,
    }))
}

#[api_v2_operation(
    summary = "List how far members have read",
    description = "Where each member's marks stand. In rooms of up to 50 members the socket's `receipts` \
                   tell what moves from then on.",
    operation_id = "listReceipts",
    tags(Rooms)
)]
pub(super) async fn receipts(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
    paging: Query<Paging>,
) -> Result<Json<ReceiptPage>, Problem> {
    let (room, viewer) = (RoomId(*room), caller.user.id);
    let limit = page::limit(paging.limit.as_deref())?;
    let after = paging.cursor.as_deref().map(|text| cursor::parse_in_room(Listing::Receipts, room, text));
    private::check(&http, &caller, room).await?;
    let found = http.pod.store.marks_of(room, viewer, limit, after.transpose()?).await?;
    let receipt = |(user, marks): &(crate::domain::UserId, crate::domain::Marks)| Receipt {
        user_id: user.0,
        received: marks.received.get(),
        read: marks.read.get(),
    };
    Ok(Json(ReceiptPage {
        receipts: found.marks.iter().map(receipt).collect(),
        next_cursor: found.next.map(|seq| cursor::in_room(Listing::Receipts, room, seq)),
    }))
}

fn position(field: &'static str, at: Option<u64>) -> Result<Seq, Problem> {
    let seq = at.map_or(Some(Seq::START), Seq::new);
    seq.ok_or_else(|| Fault::from(Invalid::new(field, "must be below 2^53")).into())
}
