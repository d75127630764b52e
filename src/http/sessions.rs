//! `/auth/sessions`: a person's own logins.

use actix_web::web::{Data, Json, Path};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;
use uuid::Uuid;

use super::Http;
use super::answer::Done;
use super::extract::{Caller, Peer};
use super::problem::Problem;
use crate::domain::{Login, SessionId};
use crate::protocol::wire;

/// One of your logins: a device or a browser.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginSession {
    /// Names it, and nothing else: who knows it can do nothing with it.
    id: Uuid,
    /// What the device called itself when it signed in. {{"nullable":true,"example":"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}}
    device: Option<String>,
    /// The network it signed in from; the address itself is not kept. {{"nullable":true,"example":"203.0.113.0/24"}}
    network: Option<String>,
    /// When it signed in. {{"format":"date-time"}}
    created_at: String,
    /// When it last got new tokens, which one in use does every few minutes. {{"format":"date-time"}}
    last_used_at: String,
    /// Whether it is the one that asks.
    is_current: bool,
}

/// Your logins.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginSessions {
    /// The last used first.
    sessions: Vec<LoginSession>,
}

#[api_v2_operation(
    summary = "List your logins",
    description = "Those that live: neither ended nor too old to get new tokens.",
    operation_id = "listSessions",
    tags(Authentication)
)]
pub(super) async fn list(caller: Caller, http: Data<Http>) -> Result<Json<LoginSessions>, Problem> {
    let current = caller.identity.session;
    let view = |Login { session, last_used_at }: Login| LoginSession {
        id: session.id.0,
        device: session.device,
        network: session.network,
        created_at: wire::rfc3339(session.created_at),
        last_used_at: wire::rfc3339(last_used_at),
        is_current: session.id == current,
    };
    let logins = http.accounts.logins(caller.user.id).await?;
    Ok(Json(LoginSessions { sessions: logins.into_iter().map(view).collect() }))
}

#[api_v2_operation(
    summary = "End one of your logins",
    description = "Its tokens and tickets are worthless from now on, and its sockets are closed.",
    operation_id = "endSession",
    tags(Authentication)
)]
pub(super) async fn end(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    session: Path<Uuid>,
) -> Result<Done, Problem> {
    http.accounts.end_login(caller.user.id, SessionId(*session), &peer.0).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "End all your logins",
    description = "Everywhere, this one included.",
    operation_id = "logoutAll",
    tags(Authentication)
)]
pub(super) async fn end_all(caller: Caller, http: Data<Http>, peer: Peer) -> Result<Done, Problem> {
    http.accounts.end_all_logins(caller.user.id, &peer.0).await?;
    Ok(Done)
}
