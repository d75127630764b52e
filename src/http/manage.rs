//! `/rooms/{roomId}` and below it: what owners and administrators do. Next: [`super::invites`].

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::Done;
use super::body::{Body, given};
use super::directory::Paging;
use super::extract::{Caller, Writer};
use super::problem::Problem;
use super::rooms::view;
use super::{Http, cursor, page, private, users};
use crate::domain::policy::EditWindow;
use crate::domain::{
    Description, HistoryVisibility, Operation, Role, RoomId, RoomName, RoomPatch, SlowMode, Topic, UserId,
};
use crate::protocol::wire;

/// What is to be another; what is absent or null stays, but for the edit window.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeRoom {
    /// Need not be unique. {{"minLength":1,"maxLength":80,"example":"general"}}
    name: Option<String>,
    /// What the room is for; an empty text takes it away. {{"maxLength":1000}}
    description: Option<String>,
    /// What it talks about just now; an empty text takes it away. {{"maxLength":250,"example":"the picnic on Sunday"}}
    topic: Option<String>,
    /// How much of its history members may read. {{"enum":["all","sinceJoined"]}}
    history_visibility: Option<String>,
    /// For how many seconds members may edit and delete what they wrote; null: as everywhere on the server. {{"minimum":0,"maximum":2678400,"nullable":true,"example":3600}}
    #[serde(default, deserialize_with = "given")]
    edit_window_seconds: Option<Option<u64>>,
    /// How many seconds a member who is no administrator waits between two messages; 0 is off. {{"minimum":0,"maximum":21600,"example":30}}
    slow_mode_seconds: Option<u64>,
}

/// Whom it concerns.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whom {
    user_id: Uuid,
}

/// A role to be given.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GiveRole {
    /// The owner's is not given but transferred. {{"enum":["member","administrator"],"example":"administrator"}}
    role: String,
}

/// Somebody who may not come in.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ban {
    user: wire::User,
    /// Who banned the person.
    banned_by: Uuid,
    /// By the server's clock. {{"format":"date-time"}}
    banned_at: String,
}

/// A page of bans.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BanPage {
    bans: Vec<Ban>,
    /// Leads to the next page; null on the last. {{"nullable":true}}
    next_cursor: Option<String>,
}

#[api_v2_operation(
    summary = "Change a room",
    description = "By its owner and administrators. Everybody in it is told by `room.updated`. With \
                   `historyVisibility` `sinceJoined` each member reads only what came since joining.",
    operation_id = "updateRoom",
    tags(Rooms)
)]
pub(super) async fn update(
    Writer(caller): Writer,
    http: Data<Http>,
    room: Path<Uuid>,
    body: Body<ChangeRoom>,
) -> Result<Json<wire::Room>, Problem> {
    let (room, by) = (RoomId(*room), caller.user.id);
    let patch = RoomPatch {
        name: body.name.as_deref().map(RoomName::parse).transpose()?,
        description: body.description.as_deref().map(Description::parse).transpose()?,
        topic: body.topic.as_deref().map(Topic::parse).transpose()?,
        history: body.history_visibility.as_deref().map(HistoryVisibility::parse).transpose()?,
        edit_window: match body.edit_window_seconds {
            Some(seconds) => Some(seconds.map(EditWindow::of_room).transpose()?),
            None => None,
        },
        slow_mode: body.slow_mode_seconds.map(SlowMode::of_room).transpose()?,
    };
    http.registry.submit(room, Operation::Update { by, patch }).await?;
    Ok(Json(view(&http, room, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Archive a room",
    description = "Nothing more is written into it, and nobody comes in; what is there can be read. By its owner and administrators.",
    operation_id = "archiveRoom",
    tags(Rooms)
)]
pub(super) async fn archive(
    Writer(caller): Writer,
    http: Data<Http>,
    room: Path<Uuid>,
) -> Result<Json<wire::Room>, Problem> {
    let (room, by) = (RoomId(*room), caller.user.id);
    http.registry.submit(room, Operation::Archive { by, archived: true }).await?;
    Ok(Json(view(&http, room, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Open an archived room again",
    description = "By its owner and administrators.",
    operation_id = "unarchiveRoom",
    tags(Rooms)
)]
pub(super) async fn unarchive(
    Writer(caller): Writer,
    http: Data<Http>,
    room: Path<Uuid>,
) -> Result<Json<wire::Room>, Problem> {
    let (room, by) = (RoomId(*room), caller.user.id);
    http.registry.submit(room, Operation::Archive { by, archived: false }).await?;
    Ok(Json(view(&http, room, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Put somebody into a room",
    description = "By its owner and administrators. Who is in it already stays as he is; who is banned is not put in.",
    operation_id = "addMember",
    tags(Rooms)
)]
pub(super) async fn add(
    Writer(caller): Writer,
    http: Data<Http>,
    room: Path<Uuid>,
    body: Body<Whom>,
) -> Result<Done, Problem> {
    let add = Operation::Add { by: caller.user.id, user: UserId(body.user_id) };
    http.registry.submit(RoomId(*room), add).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Put a member out of a room",
    description = "By the owner, and by administrators where it is a plain member. From then on nothing of the room is shown to the person, who may come back as others do; see bans.",
    operation_id = "removeMember",
    tags(Rooms)
)]
pub(super) async fn remove(
    Writer(caller): Writer,
    http: Data<Http>,
    place: Path<(Uuid, Uuid)>,
) -> Result<Done, Problem> {
    let (room, user) = *place;
    let remove = Operation::Remove { by: caller.user.id, user: UserId(user) };
    http.registry.submit(RoomId(room), remove).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Give a member a role",
    description = "By the owner. An administrator may step down himself.",
    operation_id = "setRole",
    tags(Rooms)
)]
pub(super) async fn set_role(
    Writer(caller): Writer,
    http: Data<Http>,
    place: Path<(Uuid, Uuid)>,
    body: Body<GiveRole>,
) -> Result<Done, Problem> {
    let ((room, user), role) = (*place, Role::parse_given(&body.role)?);
    let set = Operation::SetRole { by: caller.user.id, user: UserId(user), role };
    http.registry.submit(RoomId(room), set).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Make another member the owner",
    description = "By the owner, who becomes an administrator.",
    operation_id = "transferRoom",
    tags(Rooms)
)]
pub(super) async fn transfer(
    Writer(caller): Writer,
    http: Data<Http>,
    room: Path<Uuid>,
    body: Body<Whom>,
) -> Result<Done, Problem> {
    let transfer = Operation::Transfer { by: caller.user.id, user: UserId(body.user_id) };
    http.registry.submit(RoomId(*room), transfer).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Ban somebody from a room",
    description = "A member is put out; nobody who is banned joins, is put in, or comes in by an invitation. By the owner and administrators, members with a role by the owner alone.",
    operation_id = "banUser",
    tags(Rooms)
)]
pub(super) async fn ban(
    Writer(caller): Writer,
    http: Data<Http>,
    place: Path<(Uuid, Uuid)>,
) -> Result<Done, Problem> {
    let (room, user) = *place;
    http.registry.submit(RoomId(room), Operation::Ban { by: caller.user.id, user: UserId(user) }).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Lift a ban",
    description = "The person may come in again, and is not put in by it.",
    operation_id = "unbanUser",
    tags(Rooms)
)]
pub(super) async fn unban(
    Writer(caller): Writer,
    http: Data<Http>,
    place: Path<(Uuid, Uuid)>,
) -> Result<Done, Problem> {
    let (room, user) = *place;
    http.registry.submit(RoomId(room), Operation::Unban { by: caller.user.id, user: UserId(user) }).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "List who is banned from a room",
    description = "For its owner and administrators.",
    operation_id = "listBans",
    tags(Rooms)
)]
pub(super) async fn bans(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
    paging: Query<Paging>,
) -> Result<Json<BanPage>, Problem> {
    let (room, viewer) = (RoomId(*room), caller.user.id);
    let limit = page::limit(paging.limit.as_deref())?;
    let after = paging.cursor.as_deref().map(cursor::parse_user).transpose()?;
    private::check(&http, &caller, room).await?;
    let found = http.pod.store.bans(room, viewer, limit, after).await?;
    let ban = |ban: &crate::store::Ban| Ban {
        user: users::online(&http, wire::User::seen_by(&ban.user, &caller.user)),
        banned_by: ban.by.0,
        banned_at: wire::rfc3339(ban.at),
    };
    Ok(Json(BanPage {
        bans: found.bans.iter().map(ban).collect(),
        next_cursor: found.next.map(cursor::after_user),
    }))
}
