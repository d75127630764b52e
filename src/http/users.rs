//! `/users`: people.

use actix_web::web::{Data, Json};
use paperclip::actix::api_v2_operation;

use super::Http;
use super::extract::Caller;
use super::problem::Problem;
use crate::domain::UserId;
use crate::protocol::wire;

#[api_v2_operation(
    summary = "Get yourself",
    description = "With the real e-mail address, which others do not see.",
    operation_id = "getMe",
    tags(Users)
)]
pub(super) async fn me(caller: Caller, http: Data<Http>) -> Result<Json<wire::User>, Problem> {
    Ok(Json(online(&http, wire::User::own(&caller.user))))
}

/// The person, with whether he is online now, and where his picture is.
pub(super) fn online(http: &Http, mut user: wire::User) -> wire::User {
    let roster = http.pod.roster();
    let id = UserId(user.id);
    if let Some(Ok(avatar)) = user.avatar.as_deref().map(str::parse) {
        user.avatar = Some(http.pod.links.avatar(avatar));
    }
    user.is_online = Some(roster.is_online(id));
    if let Some(seen) = roster.last_seen(id) {
        user.last_seen = Some(wire::rfc3339(seen));
    }
    user
}

/// The room, with who of those shown is online now.
pub(super) fn online_in(http: &Http, mut room: wire::Room) -> wire::Room {
    room.members = room.members.into_iter().map(|user| online(http, user)).collect();
    room
}
