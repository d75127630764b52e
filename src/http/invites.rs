//! `/rooms/{roomId}/invites`, `/users/me/invites` and `/invites/{token}`: ways into a room.

use std::time::Duration;

use actix_web::web::{Data, Json, Path};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::{Created, Done};
use super::body::Body;
use super::extract::{Caller, Writer};
use super::problem::Problem;
use super::rooms::view;
use super::{Http, private};
use crate::auth::refresh;
use crate::domain::refusal::Invalid;
use crate::domain::{
    Invite as Invitation, InviteId, Operation, Refusal, RoomId, Timestamp, UserEntry, UserId,
};
use crate::protocol::wire;
use crate::store::{NewInvite, PendingInvite, StoreError};

/// How long an invitation lasts if nothing is said, and at most.
const WEEK: u64 = 7 * 24 * 3_600;
const YEAR: u64 = 366 * 24 * 3_600;
/// How many may come in by one link, at most.
const USES: u32 = 100_000;
/// Links that a room may have at a time.
const LINKS: usize = 100;

/// Whom to invite, or what sort of link to make.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewInvitation {
    /// Whom to invite; absent: whoever has the link.
    user_id: Option<Uuid>,
    /// Seconds for which it is good: a week if absent. {{"minimum":60,"maximum":31622400,"default":604800}}
    expires_in: Option<u64>,
    /// How many may come in by the link; without bound if absent. {{"minimum":1,"maximum":100000,"example":10}}
    max_uses: Option<u32>,
}

/// An invitation that is open.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invite {
    id: Uuid,
    room_id: Uuid,
    /// Who made it.
    invited_by: Uuid,
    /// Whom it is for; absent: whoever has the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    /// What `/invites/{token}` wants: told once, when the link is made, and kept by nobody but you.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// By the server's clock. {{"format":"date-time"}}
    created_at: String,
    /// Until when it is good. {{"format":"date-time","nullable":true}}
    expires_at: Option<String>,
    /// How many may come in by it. {{"nullable":true}}
    max_uses: Option<u32>,
    /// How many have.
    uses: u32,
}

impl From<Invitation> for Invite {
    fn from(invite: Invitation) -> Self {
        Self {
            id: invite.id.0,
            room_id: invite.room.0,
            invited_by: invite.by.0,
            user_id: invite.user.map(|user| user.0),
            token: None,
            created_at: wire::rfc3339(invite.created_at),
            expires_at: invite.expires_at.map(wire::rfc3339),
            max_uses: invite.max_uses,
            uses: invite.uses,
        }
    }
}

/// The invitations of a room.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct Invites {
    /// Oldest first.
    invites: Vec<Invite>,
}

/// An invitation, and the room it leads to.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct Preview {
    invite: Invite,
    /// Without its members.
    room: wire::Room,
}

impl From<PendingInvite> for Preview {
    fn from(pending: PendingInvite) -> Self {
        Self { room: wire::Room::of(&pending.room), invite: pending.invite.into() }
    }
}

/// What you are invited to.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct Previews {
    /// Newest first.
    invites: Vec<Preview>,
}

#[api_v2_operation(
    summary = "Invite somebody, or make a link",
    description = "With `userId` that person is told by `invite.received` and may accept; inviting twice answers the first invitation. Without, a link is made, whose token is told once. Into a public room any member invites, into a private one its owner and administrators, who also make links. It ends when who made it leaves, is put out, or might not make it any more.",
    operation_id = "createInvite",
    tags(Invitations)
)]
pub(super) async fn create(
    Writer(caller): Writer,
    http: Data<Http>,
    room: Path<Uuid>,
    body: Body<NewInvitation>,
) -> Result<Created<Invite>, Problem> {
    let (room, by, now) = (RoomId(*room), caller.user.id, http.pod.clock.now());
    let seconds = body.expires_in.unwrap_or(WEEK);
    if !(60..=YEAR).contains(&seconds) {
        return Err(Invalid::new("expiresIn", "must be from a minute to a year").into());
    }
    if body.max_uses.is_some_and(|uses| !(1..=USES).contains(&uses)) {
        return Err(Invalid::new("maxUses", format!("must be from 1 to {USES}")).into());
    }
    let user = body.user_id.map(UserId);
    let invite = Invitation {
        id: InviteId(http.pod.clock.id()),
        room,
        by,
        user,
        created_at: now,
        expires_at: Some(now.plus(Duration::from_secs(seconds))),
        // Who is invited comes in once.
        max_uses: if user.is_some() { Some(1) } else { body.max_uses },
        uses: 0,
    };
    let token = user.is_none().then(|| refresh::opaque(&*http.pod.clock));
    let new = NewInvite { invite, token_hash: token.as_deref().map(refresh::hash), most: LINKS };
    let work = http.clone();
    let made = told(&http, async move {
        let (invite, told) = work.pod.store.invite(new).await?;
        Ok((invite, told))
    });
    Ok(Created::new(Invite { token, ..made.await?.into() }))
}

#[api_v2_operation(
    summary = "List a room's invitations",
    description = "Those that are open: all for its owner and administrators, your own otherwise. Tokens are not among it.",
    operation_id = "listInvites",
    tags(Invitations)
)]
pub(super) async fn list(
    caller: Caller,
    http: Data<Http>,
    room: Path<Uuid>,
) -> Result<Json<Invites>, Problem> {
    let (room, now) = (RoomId(*room), http.pod.clock.now());
    private::check(&http, &caller, room).await?;
    let found = http.pod.store.invites_of_room(room, caller.user.id, now).await?;
    Ok(Json(Invites { invites: found.into_iter().map(Invite::from).collect() }))
}

#[api_v2_operation(
    summary = "Take an invitation back",
    description = "Your own; those of others by the owner and administrators. Nobody comes in by it from then on.",
    operation_id = "revokeInvite",
    tags(Invitations)
)]
pub(super) async fn revoke(
    caller: Caller,
    http: Data<Http>,
    place: Path<(Uuid, Uuid)>,
) -> Result<Done, Problem> {
    let ((room, invite), now) = (*place, http.pod.clock.now());
    private::check(&http, &caller, RoomId(room)).await?;
    let work = http.clone();
    told(&http, async move {
        let revoked = work.pod.store.revoke_invite(RoomId(room), caller.user.id, InviteId(invite), now);
        Ok(((), revoked.await?))
    })
    .await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "List what you are invited to",
    description = "Newest first; rooms that you are in or banned from are left out.",
    operation_id = "listMyInvites",
    tags(Invitations)
)]
pub(super) async fn mine(caller: Caller, http: Data<Http>) -> Result<Json<Previews>, Problem> {
    let found = http.pod.store.invites_of(caller.user.id, http.pod.clock.now()).await?;
    let is_open = private::are_open(&http, &caller);
    let seen = found.into_iter().filter(|pending| is_open || !pending.room.is_private);
    Ok(Json(Previews { invites: seen.map(Preview::from).collect() }))
}

#[api_v2_operation(
    summary = "Accept an invitation of yours",
    description = "You are a member of the room from then on.",
    operation_id = "acceptMyInvite",
    tags(Invitations)
)]
pub(super) async fn accept_mine(
    caller: Caller,
    http: Data<Http>,
    invite: Path<Uuid>,
) -> Result<Json<wire::Room>, Problem> {
    let (user, invite) = (caller.user.id, InviteId(*invite));
    let found = http.pod.store.invites_of(user, http.pod.clock.now()).await?;
    let pending = found.into_iter().find(|pending| pending.invite.id == invite);
    let room = pending.ok_or(Refusal::NotFound("invitation"))?.room;
    private::check_invited(&http, &caller, &room)?;
    let room = room.id;
    http.registry.submit(room, Operation::Accept { user, invite }).await?;
    Ok(Json(view(&http, room, &caller.user).await?))
}

#[api_v2_operation(
    summary = "Decline an invitation of yours",
    description = "It is gone; who made it is not told.",
    operation_id = "declineMyInvite",
    tags(Invitations)
)]
pub(super) async fn decline(caller: Caller, http: Data<Http>, invite: Path<Uuid>) -> Result<Done, Problem> {
    let (invite, now) = (InviteId(*invite), http.pod.clock.now());
    let work = http.clone();
    told(
        &http,
        async move { Ok(((), Some(work.pod.store.decline_invite(caller.user.id, invite, now).await?))) },
    )
    .await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "See where a link leads",
    description = "For whoever is signed in and has it.",
    operation_id = "getInvite",
    tags(Invitations)
)]
pub(super) async fn preview(
    caller: Caller,
    http: Data<Http>,
    token: Path<String>,
) -> Result<Json<Preview>, Problem> {
    let pending = by_token(&http, &token, caller.user.id).await?;
    private::check_invited(&http, &caller, &pending.room)?;
    Ok(Json(pending.into()))
}

#[api_v2_operation(
    summary = "Come in by a link",
    description = "You are a member of the room from then on. Who is in it already uses nothing up.",
    operation_id = "acceptInvite",
    tags(Invitations)
)]
pub(super) async fn accept(
    caller: Caller,
    http: Data<Http>,
    token: Path<String>,
) -> Result<Json<wire::Room>, Problem> {
    let user = caller.user.id;
    let PendingInvite { invite, room } = by_token(&http, &token, user).await?;
    private::check_invited(&http, &caller, &room)?;
    http.registry.submit(room.id, Operation::Accept { user, invite: invite.id }).await?;
    Ok(Json(view(&http, room.id, &caller.user).await?))
}

async fn by_token(http: &Http, token: &str, viewer: UserId) -> Result<PendingInvite, Problem> {
    let now: Timestamp = http.pod.clock.now();
    Ok(http.pod.store.invite_by_token(refresh::hash(token), viewer, now).await?)
}

/// Does what writes into somebody's own log, and tells it. A request that is cut takes its handler
/// with it, but not a commit that has begun: whom it concerns has to be told.
pub(super) async fn told<T: Send + 'static>(
    http: &Data<Http>,
    work: impl Future<Output = Result<(T, Option<UserEntry>), StoreError>> + Send + 'static,
) -> Result<T, Problem> {
    let registry = http.registry.clone();
    let done = tokio::spawn(async move {
        let (answer, told) = work.await?;
        registry.announce(Vec::new(), told.into_iter().collect());
        Ok(answer)
    });
    Ok(done.await.unwrap_or_else(|error| Err(StoreError::InDoubt(error.to_string())))?)
}
