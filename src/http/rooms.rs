//! `/rooms`: rooms and who is in them.

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::{Created, Done};
use super::body::Body;
use super::cursor::Listing;
use super::directory::Paging;
use super::extract::{Caller, Writer};
use super::problem::Problem;
use super::{Http, cursor, page, private, users};
use crate::domain::refusal::Invalid;
use crate::domain::{
    Description, HistoryVisibility, Muted, Operation, Refusal, RoomId, RoomName, Topic, User, UserId,
};
use crate::error::Fault;
use crate::limits::Key;
use crate::protocol::wire;
use crate::store::{Insider, NewRoom, RoomView, StoreError};

/// Members that come with a room; the others are a page away.
const EMBEDDED: usize = 100;
/// Members that a room may be made with; others are added or join.
const INITIAL: usize = 500;

/// A room to be made.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateRoom {
    /// Need not be unique. {{"minLength":1,"maxLength":80,"example":"general"}}
    name: String,
    /// What the room is for. {{"maxLength":1000,"nullable":true}}
    description: Option<String>,
    /// What it talks about just now. {{"maxLength":250,"nullable":true}}
    topic: Option<String>,
    /// How much of its history members may read. {{"enum":["all","sinceJoined"],"default":"all"}}
    history_visibility: Option<String>,
    /// Whether it looks absent to everyone outside. {{"default":false}}
    is_private: Option<bool>,
    /// Users to be in it from the start, beside yourself. {{"maxItems":500}}
    members: Option<Vec<Uuid>>,
}

/// A page of members.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberPage {
    /// In the order in which they joined.
    members: Vec<wire::User>,
    /// Leads to the next page; null on the last. {{"nullable":true}}
    next_cursor: Option<String>,
}

#[api_v2_operation(
    summary = "Get user's rooms",
    description = "Newest activity first, each with at most 100 of its members.",
    operation_id = "listRooms",
    tags(Rooms)
)]
pub(super) async fn list(caller: Caller, http: Data<Http>) -> Result<Json<Vec<wire::Room>>, Problem> {
    let rooms = http.pod.store.rooms_of(caller.user.id, EMBEDDED).await?;
    let is_open = private::are_open(&http, &caller);
    let open = rooms.iter().filter(|view| is_open || !view.room.is_private);
    Ok(Json(open.map(|view| seen(&http, view, &caller.user)).collect()))
}

#[api_v2_operation(
    summary = "Create a new room",
    description = "You are its owner and first member.",
    operation_id = "createRoom",
    tags(Rooms)
)]
pub(super) async fn create(
    Writer(caller): Writer,
    http: Data<Http>,
    body: Body<CreateRoom>,
) -> Result<Created<wire::Room>, Problem> {
    let body = body.into_inner();
    let asked = Key::CreateRoom(caller.user.id);
    if let Err(retry_after) = http.limiter.check(asked, http.pod.clock.now()) {
        return Err(Fault::from(Refusal::RateLimited { retry_after }).into());
    }
    if body.members.as_ref().is_some_and(|members| members.len() > INITIAL) {
        let rule = format!("may hold at most {INITIAL}");
        return Err(Fault::from(Invalid::new("members", rule)).into());
    }
    let name = RoomName::parse(&body.name)?;
    let description = body.description.as_deref().map(Description::parse).transpose()?.flatten();
    let mut members = Vec::new();
    let mut seen = std::collections::HashSet::from([caller.user.id]);
    for member in body.members.unwrap_or_default().into_iter().map(UserId) {
        if seen.insert(member) {
            members.push(member);
        }
    }
    let room = NewRoom {
        id: RoomId(http.pod.clock.id()),
        name,
        description,
        topic: body.topic.as_deref().map(Topic::parse).transpose()?.flatten(),
        history: match body.history_visibility.as_deref() {
            Some(word) => HistoryVisibility::parse(word)?,
            None => HistoryVisibility::All,
        },
        is_private: body.is_private.unwrap_or(false),
        owner: caller.user.id,
        members,
        now: http.pod.clock.now(),
    };
    let id = room.id;
    let work = http.clone();
    // A request that is cut takes its handler with it, but not a commit that has begun: whoever was
    // put into the room has to be told.
    let made = tokio::spawn(async move {
        let made = work.pod.store.create_room(room).await?;
        work.registry.announce(made.entries, made.told);
        Ok::<_, StoreError>(())
    });
    made.await.unwrap_or_else(|error| Err(StoreError::InDoubt(error.to_string())))?;
    Ok(Created::new(view(&http, id, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Get a room",
    description = "A room you are in, or a public one, then as strangers see it: without its members and what goes on there.",
    operation_id = "getRoom",
    tags(Rooms)
)]
pub(super) async fn read(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
) -> Result<Json<wire::Room>, Problem> {
    private::check(&http, &caller, RoomId(*room)).await?;
    Ok(Json(view(&http, RoomId(*room), &caller.user).await?))
}

#[api_v2_operation(
    summary = "Join a public room",
    description = "Joining twice changes nothing. Who comes first into a room that everybody has left owns it.",
    operation_id = "joinRoom",
    tags(Rooms)
)]
pub(super) async fn join(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
) -> Result<Json<wire::Room>, Problem> {
    let (room, user) = (RoomId(*room), caller.user.id);
    private::check(&http, &caller, room).await?;
    http.registry.submit(room, Operation::Join { user }).await?;
    Ok(Json(view(&http, room, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Leave a room",
    description = "From then on nothing of it is shown to you. An owner who leaves is followed by the administrator who has been there longest, else by the member who has; your invitations into it end. Neither of a conversation of two leaves it.",
    operation_id = "leaveRoom",
    tags(Rooms)
)]
pub(super) async fn leave(caller: Caller, http: Data<Http>, room: Path<Uuid>) -> Result<Done, Problem> {
    http.registry.submit(RoomId(*room), Operation::Leave { user: caller.user.id }).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "List a room's members",
    description = "In the order in which they joined, each with the role in this room. Who may not write for a time has `mutedUntil`, and `muteReason` if one was given: you see your own, and those of others where you may mute them.",
    operation_id = "listMembers",
    tags(Rooms)
)]
pub(super) async fn members(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
    paging: Query<Paging>,
) -> Result<Json<MemberPage>, Problem> {
    let (room, viewer) = (RoomId(*room), caller.user.id);
    let limit = page::limit(paging.limit.as_deref())?;
    let after = paging.cursor.as_deref().map(|text| cursor::parse_in_room(Listing::Members, room, text));
    private::check(&http, &caller, room).await?;
    let found = http.pod.store.members(room, viewer, limit, after.transpose()?).await?;
    Ok(Json(MemberPage {
        members: found.members.iter().map(|insider| member(&http, insider, &caller.user)).collect(),
        next_cursor: found.next.map(|seq| cursor::in_room(Listing::Members, room, seq)),
    }))
}

pub(super) async fn view(http: &Http, room: RoomId, viewer: &User) -> Result<wire::Room, Problem> {
    Ok(seen(http, &http.pod.store.room(room, viewer.id, EMBEDDED).await?, viewer))
}

fn seen(http: &Http, view: &RoomView, viewer: &User) -> wire::Room {
    let members = view.members.iter().map(|insider| member(http, insider, viewer)).collect();
    match view.mine {
        Some(mine) => {
            let (muted_until, mute_reason) = still(http, view.muted.as_ref());
            let inside = wire::Room::inside(&view.room, members, viewer.id, mine);
            wire::Room { muted_until, mute_reason, ..inside }
        }
        None => wire::Room::of(&view.room),
    }
}

fn member(http: &Http, insider: &Insider, viewer: &User) -> wire::User {
    let role = Some(insider.role.as_str().to_owned());
    let (muted_until, mute_reason) = still(http, insider.muted.as_ref());
    let seen = wire::User::seen_by(&insider.user, viewer);
    users::online(http, wire::User { role, muted_until, mute_reason, ..seen })
}

/// Until when, and why, of a mute that is not over.
fn still(http: &Http, muted: Option<&Muted>) -> (Option<String>, Option<String>) {
    let Some(muted) = muted.filter(|muted| !muted.is_over(http.pod.clock.now())) else {
        return (None, None);
    };
    let reason = muted.reason.as_ref().map(|reason| reason.as_str().to_owned());
    (Some(wire::rfc3339(muted.until)), reason)
}
