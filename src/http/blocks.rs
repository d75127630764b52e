//! `/users/me/blocks`: whom one does not want to be put anywhere by.

use actix_web::web::{Data, Json, Path};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;
use uuid::Uuid;

use super::answer::Done;
use super::extract::Caller;
use super::problem::Problem;
use super::{Http, users};
use crate::domain::UserId;
use crate::domain::refusal::Invalid;
use crate::protocol::wire;

/// People that one may block.
const MOST: usize = 1_000;

/// Whom you block.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blocks {
    /// The last blocked first.
    users: Vec<wire::User>,
}

#[api_v2_operation(
    summary = "List whom you block",
    description = "At most 1,000 people.",
    operation_id = "listBlocks",
    tags(Users)
)]
pub(super) async fn list(caller: Caller, http: Data<Http>) -> Result<Json<Blocks>, Problem> {
    let found = http.pod.store.blocks_of(caller.user.id).await?;
    let view = |user| users::online(&http, wire::User::seen_by(user, &caller.user));
    Ok(Json(Blocks { users: found.iter().map(view).collect() }))
}

#[api_v2_operation(
    summary = "Block somebody",
    description = "He cannot put you into rooms or invite you any more, and in a conversation of the two of you neither writes to the other. He is not told. Rooms that both of you are in go on. Blocking twice changes nothing.",
    operation_id = "blockUser",
    tags(Users)
)]
pub(super) async fn add(caller: Caller, http: Data<Http>, user: Path<Uuid>) -> Result<Done, Problem> {
    let (blocked, own) = (UserId(*user), caller.user.id);
    if blocked == own {
        return Err(Invalid::new("userId", "is yourself").into());
    }
    http.pod.store.block(own, blocked, MOST, http.pod.clock.now()).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Block somebody no longer",
    description = "Whom you do not block stays unblocked.",
    operation_id = "unblockUser",
    tags(Users)
)]
pub(super) async fn remove(caller: Caller, http: Data<Http>, user: Path<Uuid>) -> Result<Done, Problem> {
    http.pod.store.unblock(caller.user.id, UserId(*user)).await?;
    Ok(Done)
}
