//! `/directory`: what there is to join.

use actix_web::web::{Data, Json, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::extract::Caller;
use super::problem::Problem;
use super::{Http, cursor, page};
use crate::protocol::wire;

#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paging {
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    pub(super) limit: Option<String>,
    /// The `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A page of public rooms.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomPage {
    /// Newest first, without members.
    rooms: Vec<wire::Room>,
    /// Leads to the next page; null on the last. {{"nullable":true}}
    next_cursor: Option<String>,
}

#[api_v2_operation(
    summary = "List public rooms",
    description = "Newest first, whether or not you are in them.",
    operation_id = "listDirectory",
    tags(Directory)
)]
pub(super) async fn list(
    caller: Caller,
    http: Data<Http>,
    paging: Query<Paging>,
) -> Result<Json<RoomPage>, Problem> {
    let limit = page::limit(paging.limit.as_deref())?;
    let after = paging.cursor.as_deref().map(cursor::parse_in_directory).transpose()?;
    let found = http.pod.store.directory(limit, after).await?;
    let rooms = found.rooms.iter().map(|room| wire::Room::of(room, &[], caller.user.id)).collect();
    Ok(Json(RoomPage { rooms, next_cursor: found.next.map(cursor::in_directory) }))
}
