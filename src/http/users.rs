//! `/users`: people.

use actix_web::web::{Data, Json, Path, Query};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Http;
use super::body::{Body, given};
use super::extract::Caller;
use super::problem::Problem;
use crate::domain::refusal::Invalid;
use crate::domain::{ProfileChange, Refusal, UserId, Username};
use crate::limits::Key;
use crate::protocol::wire;
use crate::store::StoreError;

/// People that one lookup answers.
const MOST: usize = 20;
/// Characters that a name is looked up by, at least: fewer would list everybody.
const LEAST: usize = 2;

#[api_v2_operation(
    summary = "Get yourself",
    description = "With the real e-mail address, which others do not see.",
    operation_id = "getMe",
    tags(Users)
)]
pub(super) async fn me(caller: Caller, http: Data<Http>) -> Result<Json<wire::User>, Problem> {
    let second_factor = Some(http.accounts.has_second_factor(caller.user.id).await?);
    let me = wire::User { second_factor, ..wire::User::own(&caller.user) };
    Ok(Json(online(&http, me)))
}

/// What you tell of yourself; what is left out stays, and null clears.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeProfile {
    /// The name that you want to be shown; trimmed, in Unicode normal form C, without control characters. {{"maxLength":50,"nullable":true,"example":"Alice Liddell"}}
    #[serde(default, deserialize_with = "given")]
    display_name: Option<Option<String>>,
    /// A line about yourself; the same rules. {{"maxLength":140,"nullable":true,"example":"Down the hole"}}
    #[serde(default, deserialize_with = "given")]
    status_text: Option<Option<String>>,
}

#[api_v2_operation(
    summary = "Change what you tell of yourself",
    description = "Your other devices hear `profile.updated`. Others see it when they next read the room, its members or you.",
    operation_id = "changeProfile",
    tags(Users)
)]
pub(super) async fn change(
    caller: Caller,
    http: Data<Http>,
    body: Body<ChangeProfile>,
) -> Result<Json<wire::User>, Problem> {
    fn text(given: &Option<Option<String>>) -> Option<Option<&str>> {
        given.as_ref().map(|text| text.as_deref())
    }
    let change = ProfileChange::parse(text(&body.display_name), text(&body.status_text))?;
    let (work, user, now) = (http.clone(), caller.user.id, http.pod.clock.now());
    // A request that is cut takes its handler with it, but not a commit that has begun.
    let changed = tokio::spawn(async move {
        let (user, told) = work.pod.store.change_profile(user, change, now).await?;
        work.pod.tell_users(told.into_iter().collect());
        Ok::<_, StoreError>(user)
    });
    let user = changed.await.unwrap_or_else(|error| Err(StoreError::InDoubt(error.to_string())))?;
    Ok(Json(online(&http, wire::User::own(&user))))
}

#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lookup {
    /// How the name begins, without regard to case. {{"minLength":2,"maxLength":30,"example":"ali"}}
    username: String,
    /// How many at most; more than 20 count as 20. {{"type":"integer","minimum":1,"default":20}}
    limit: Option<String>,
}

/// People found.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FoundUsers {
    /// By name.
    users: Vec<wire::User>,
}

#[api_v2_operation(
    summary = "Find people by the beginning of their names",
    description = "By name, at most 20; accounts that are closed are left out. Limited per account, so that nobody lists everybody.",
    operation_id = "findUsers",
    tags(Users)
)]
pub(super) async fn find(
    caller: Caller,
    http: Data<Http>,
    lookup: Query<Lookup>,
) -> Result<Json<FoundUsers>, Problem> {
    let limit = super::page::limit(lookup.limit.as_deref())?.min(MOST);
    let prefix = Username::from_stored(lookup.username.trim().to_owned()).key();
    let length = prefix.chars().count();
    if !(LEAST..=Username::MAX).contains(&length) {
        return Err(Invalid::new("username", "must have 2 to 30 characters").into());
    }
    asks(&http, caller.user.id)?;
    let found = http.pod.store.users_by_prefix(prefix, limit).await?;
    let view = |user| online(&http, wire::User::seen_by(user, &caller.user));
    Ok(Json(FoundUsers { users: found.iter().map(view).collect() }))
}

#[api_v2_operation(
    summary = "Get somebody",
    description = "Also of an account that was deleted: under the name that it has since.",
    operation_id = "getUser",
    tags(Users)
)]
pub(super) async fn read(
    caller: Caller,
    http: Data<Http>,
    user: Path<Uuid>,
) -> Result<Json<wire::User>, Problem> {
    asks(&http, caller.user.id)?;
    let found = http.pod.store.user(UserId(*user)).await?.ok_or(Refusal::NotFound("user"))?;
    Ok(Json(online(&http, wire::User::seen_by(&found, &caller.user))))
}

/// Counts a question about others.
fn asks(http: &Http, user: UserId) -> Result<(), Refusal> {
    let asked = http.limiter.check(Key::Lookup(user), http.pod.clock.now());
    asked.map_err(|retry_after| Refusal::RateLimited { retry_after })
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
