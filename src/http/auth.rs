//! `/auth`: register, login, refresh, logout.

use actix_web::web::{Data, Json};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::answer::{Created, Done};
use super::extract::{Caller, Peer};
use super::problem::Problem;
use super::{Http, users};
use crate::auth::{Registration, SignedIn};
use crate::protocol::wire;

/// A person who wants an account.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Register {
    /// Letters, digits, `_`, `-` and `.`; unique without regard to case. {{"minLength":3,"maxLength":30,"example":"alice"}}
    username: String,
    /// Where the person is reached; shown to nobody else. {{"format":"email","maxLength":254,"example":"alice@example.com"}}
    email: String,
    /// Any characters. {{"format":"password","minLength":8,"maxLength":128,"example":"correct horse battery"}}
    password: String,
}

/// A person who has an account.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Login {
    /// As given on registering. {{"format":"email","example":"alice@example.com"}}
    email: String,
    /// As given on registering. {{"format":"password","example":"correct horse battery"}}
    password: String,
}

/// A refresh token, good for one use.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refresh {
    /// The newest one of this login.
    refresh_token: String,
}

/// A person with the tokens of a new login.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    user: wire::User,
    /// The access token, for `Authorization: Bearer`; good for minutes.
    token: String,
    /// Gets the next pair of tokens, once.
    refresh_token: String,
}

/// The next pair of tokens of a login.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenPair {
    /// The access token, for `Authorization: Bearer`; good for minutes.
    token: String,
    /// Gets the next pair of tokens, once.
    refresh_token: String,
}

impl Session {
    fn of(http: &Http, signed_in: SignedIn) -> Self {
        let SignedIn { user, token, refresh_token } = signed_in;
        Self { user: users::online(http, wire::User::own(&user)), token, refresh_token }
    }
}

/// Makes an account and signs it in at once. Names and addresses are taken without regard to case.
#[api_v2_operation(
    summary = "Register a new user",
    description = "Makes an account and signs it in at once. Names and addresses are taken without regard to case.",
    operation_id = "register",
    tags(Authentication)
)]
pub(super) async fn register(
    http: Data<Http>,
    peer: Peer,
    body: Json<Register>,
) -> Result<Created<Session>, Problem> {
    let Register { username, email, password } = body.into_inner();
    let signed_in = http.accounts.register(Registration { username, email, password }, peer.0).await?;
    Ok(Created::new(Session::of(&http, signed_in)))
}

/// An unknown address and a wrong password get the same answer in the same time.
#[api_v2_operation(
    summary = "Login user",
    description = "An unknown address and a wrong password get the same answer in the same time.",
    operation_id = "login",
    tags(Authentication)
)]
pub(super) async fn login(http: Data<Http>, peer: Peer, body: Json<Login>) -> Result<Json<Session>, Problem> {
    let signed_in = http.accounts.login(&body.email, &body.password, peer.0).await?;
    Ok(Json(Session::of(&http, signed_in)))
}

#[api_v2_operation(
    summary = "Exchange a refresh token for new tokens",
    description = "Each refresh token is good for one use. Two tabs that use the same one within seconds both get new tokens; a later use means that somebody copied it, and ends the login.",
    operation_id = "refresh",
    tags(Authentication)
)]
pub(super) async fn refresh(
    http: Data<Http>,
    peer: Peer,
    body: Json<Refresh>,
) -> Result<Json<TokenPair>, Problem> {
    let SignedIn { token, refresh_token, .. } = http.accounts.refresh(&body.refresh_token, peer.0).await?;
    Ok(Json(TokenPair { token, refresh_token }))
}

#[api_v2_operation(
    summary = "End this login",
    description = "Its tokens and tickets are worthless from now on, and its sockets are closed.",
    operation_id = "logout",
    tags(Authentication)
)]
pub(super) async fn logout(caller: Caller, http: Data<Http>, peer: Peer) -> Result<Done, Problem> {
    http.accounts.logout(caller.identity, &peer.0).await?;
    Ok(Done)
}
