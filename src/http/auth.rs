//! `/auth`: register, login, refresh, logout.

use actix_web::http::header::HeaderValue;
use actix_web::web::{Data, Json};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::answer::{Created, Done};
use super::body::Body;
use super::cookie::{self, Leaver, PageCookie, WithCookie};
use super::extract::Peer;
use super::problem::Problem;
use super::{Http, users};
use crate::auth::accounts::Credentials;
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
    /// Puts the refresh token into a cookie that no script can read, instead of the answer: for pages. {{"default":false}}
    refresh_cookie: Option<bool>,
}

/// A person who has an account.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Login {
    /// As given on registering. {{"format":"email","example":"alice@example.com"}}
    email: String,
    /// As given on registering. {{"format":"password","example":"correct horse battery"}}
    password: String,
    /// Where the account has a second factor: six digits of the app, or a recovery code. {{"example":"287082"}}
    code: Option<String>,
    /// Puts the refresh token into a cookie that no script can read, instead of the answer: for pages. {{"default":false}}
    refresh_cookie: Option<bool>,
}

/// A refresh token, good for one use.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refresh {
    /// The newest one of this login. Without it that of the cookie counts. {{"example":"8J0KtoyJm3Y1nZ1dOZk5bYv3n0yT0c5o0m3v0c1V5Xc"}}
    refresh_token: Option<String>,
    /// Puts the next one into a cookie instead of the answer; with a cookie it always goes there. {{"default":false}}
    refresh_cookie: Option<bool>,
}

/// A person with the tokens of a new login.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    user: wire::User,
    /// The access token, for `Authorization: Bearer`; good for minutes.
    token: String,
    /// Gets the next pair of tokens, once. Absent where it went into a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// The next pair of tokens of a login.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenPair {
    /// The access token, for `Authorization: Bearer`; good for minutes.
    token: String,
    /// Gets the next pair of tokens, once. Absent where it went into a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Session {
    fn of(http: &Http, signed_in: SignedIn, in_cookie: bool) -> (Self, Option<HeaderValue>) {
        let SignedIn { user, second_factor, token, refresh_token } = signed_in;
        let user = wire::User { second_factor: Some(second_factor), ..wire::User::own(&user) };
        let (refresh_token, cookie) = cookie::put(&http.pod.settings, in_cookie, refresh_token);
        (Self { user: users::online(http, user), token, refresh_token }, cookie)
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
    body: Body<Register>,
) -> Result<WithCookie<Created<Session>>, Problem> {
    let Register { username, email, password, refresh_cookie } = body.into_inner();
    let signed_in = http.accounts.register(Registration { username, email, password }, peer.0).await?;
    let (session, cookie) = Session::of(&http, signed_in, refresh_cookie == Some(true));
    Ok(WithCookie(Created::new(session), cookie))
}

#[api_v2_operation(
    summary = "Login user",
    description = "An unknown address and a wrong password get the same answer in the same time. Where the account has a second factor, the right password alone is answered 401 `secondFactorRequired`: sign in again with `code`; a wrong one is 401 `secondFactorInvalid`, and counts like a wrong password.",
    operation_id = "login",
    tags(Authentication)
)]
pub(super) async fn login(
    http: Data<Http>,
    peer: Peer,
    body: Body<Login>,
) -> Result<WithCookie<Json<Session>>, Problem> {
    let Login { email, password, code, refresh_cookie } = &*body;
    let given = Credentials { email, password, code: code.as_deref() };
    let signed_in = http.accounts.login(given, peer.0).await?;
    let (session, cookie) = Session::of(&http, signed_in, *refresh_cookie == Some(true));
    Ok(WithCookie(Json(session), cookie))
}

#[api_v2_operation(
    summary = "Exchange a refresh token for new tokens",
    description = "Each refresh token is good for one use. Two tabs that use the same one within seconds both get new tokens; a later use means that somebody copied it, and ends the login. A page that keeps it in a cookie sends `{}`, with `X-Requested-With: chat` and from an allowed origin, or the answer is 403.",
    operation_id = "refresh",
    tags(Authentication)
)]
pub(super) async fn refresh(
    http: Data<Http>,
    peer: Peer,
    cookie: PageCookie,
    body: Body<Refresh>,
) -> Result<WithCookie<Json<TokenPair>>, Problem> {
    let Refresh { refresh_token, refresh_cookie } = body.into_inner();
    let in_cookie = refresh_cookie == Some(true) || refresh_token.is_none();
    let given = refresh_token.map_or_else(|| cookie.token(), Ok)?;
    let SignedIn { token, refresh_token, .. } = http.accounts.refresh(&given, peer.0).await?;
    let (refresh_token, cookie) = cookie::put(&http.pod.settings, in_cookie, refresh_token);
    Ok(WithCookie(Json(TokenPair { token, refresh_token }), cookie))
}

#[api_v2_operation(
    summary = "End this login",
    description = "Its tokens and tickets are worthless from now on, and its sockets are closed. Without an access token a page's cookie says which login it is, with `X-Requested-With: chat` and from an allowed origin, or the answer is 403.",
    operation_id = "logout",
    tags(Authentication)
)]
pub(super) async fn logout(
    leaver: Leaver,
    http: Data<Http>,
    peer: Peer,
) -> Result<WithCookie<Done>, Problem> {
    let Leaver { session, cookie } = leaver;
    let has_cookie = cookie.is_there();
    match session {
        Some(identity) => http.accounts.logout(identity.user, identity.session, &peer.0).await?,
        None => http.accounts.logout_by_refresh(&cookie.token()?, &peer.0).await?,
    }
    if has_cookie {
        return Ok(WithCookie::without(Done, &http.pod.settings));
    }
    Ok(WithCookie(Done, None))
}
