//! `/directory`: what there is to join.

use actix_web::web::{Data, Json, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::extract::Caller;
use super::problem::Problem;
use super::{Http, cursor, page};
use crate::domain::refusal::Invalid;
use crate::protocol::wire;

#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paging {
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    pub(super) limit: Option<String>,
    /// The `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// What to list.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search {
    /// Only rooms whose name or description holds each of these words, in any case and order. {{"maxLength":100,"example":"garden"}}
    query: Option<String>,
    /// How many at most; more than 200 count as 200. {{"type":"integer","minimum":1,"default":50}}
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Characters of a search.
const LONGEST: usize = 100;

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
    description = "Newest first, whether or not you are in them; archived ones only if you are. Of each what strangers see. With `query` those that hold its words; a page of a search may then be shorter than asked for, or empty, and another one follow.",
    operation_id = "listDirectory",
    tags(Directory)
)]
pub(super) async fn list(
    caller: Caller,
    http: Data<Http>,
    search: Query<Search>,
) -> Result<Json<RoomPage>, Problem> {
    let limit = page::limit(search.limit.as_deref())?;
    let after = search.cursor.as_deref().map(cursor::parse_in_directory).transpose()?;
    let query = search.query.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if query.is_some_and(|text| text.chars().count() > LONGEST) {
        return Err(Invalid::new("query", format!("may have at most {LONGEST} characters")).into());
    }
    let found = http.pod.store.directory(caller.user.id, limit, after, query.map(str::to_owned)).await?;
    let rooms = found.rooms.iter().map(wire::Room::of).collect();
    Ok(Json(RoomPage { rooms, next_cursor: found.next.map(cursor::in_directory) }))
}
