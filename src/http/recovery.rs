//! `/auth` and `/users/me`, where mail is a part of it: confirming an address, a forgotten password,
//! changing either.

use actix_web::web::{Data, Json};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::Http;
use super::answer::{Accepted, Done};
use super::body::Body;
use super::extract::{Caller, Peer};
use super::problem::Problem;

/// What came by mail.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MailedToken {
    /// The last part of the link in the mail; good once. {{"maxLength":200,"example":"8J0KtoyJm3Y1nZ1dOZk5bYv3n0yT0c5o0m3v0c1V5Xc"}}
    token: String,
}

/// Somebody who forgot the password.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ForgotPassword {
    /// The address of the account. {{"format":"email","maxLength":254,"example":"alice@example.com"}}
    email: String,
}

/// A new password for who got a mail.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResetPassword {
    /// The last part of the link in the mail; good once. {{"maxLength":200,"example":"8J0KtoyJm3Y1nZ1dOZk5bYv3n0yT0c5o0m3v0c1V5Xc"}}
    token: String,
    /// Any characters; none of the passwords that are tried first. {{"format":"password","minLength":8,"maxLength":128,"example":"correct horse battery"}}
    password: String,
}

/// A new password for who knows the present one.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangePassword {
    /// As it is now. {{"format":"password","example":"correct horse battery"}}
    current_password: String,
    /// Any characters; none of the passwords that are tried first. {{"format":"password","minLength":8,"maxLength":128,"example":"staple the battery horse"}}
    new_password: String,
    /// Where the account has a second factor: six digits of the app, or a recovery code. {{"example":"287082"}}
    code: Option<String>,
}

/// Another address.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeEmail {
    /// Where mail shall go from now on. {{"format":"email","maxLength":254,"example":"alice@new.example.com"}}
    email: String,
    /// Your password. {{"format":"password","example":"correct horse battery"}}
    password: String,
    /// Where the account has a second factor: six digits of the app, or a recovery code. {{"example":"287082"}}
    code: Option<String>,
}

/// How far a change of the address is.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmailConfirmed {
    /// Whether both addresses have confirmed, and the change is made; with `false` the other is waited for.
    changed: bool,
}

#[api_v2_operation(
    summary = "Confirm an e-mail address",
    description = "With what was mailed to it on registering. No login is needed: the mail may be read on another device.",
    operation_id = "verifyEmail",
    tags(Authentication)
)]
pub(super) async fn verify_email(
    http: Data<Http>,
    peer: Peer,
    body: Body<MailedToken>,
) -> Result<Done, Problem> {
    http.accounts.verify_email(&body.token, &peer.0).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Mail the confirmation once more",
    description = "To your address. The mails before stay good.",
    operation_id = "resendVerification",
    tags(Authentication)
)]
pub(super) async fn resend_verification(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
) -> Result<Accepted, Problem> {
    http.accounts.resend_verification(&caller.user, &peer.0).await?;
    Ok(Accepted)
}

#[api_v2_operation(
    summary = "Ask for a new password",
    description = "If the address is that of an account, a link is mailed to it. The answer is the same for every address, and comes before anybody looks whether there is an account.",
    operation_id = "forgotPassword",
    tags(Authentication)
)]
pub(super) async fn forgot_password(
    http: Data<Http>,
    peer: Peer,
    body: Body<ForgotPassword>,
) -> Result<Accepted, Problem> {
    http.accounts.forgot_password(&body.email, &peer.0).await?;
    Ok(Accepted)
}

#[api_v2_operation(
    summary = "Set a new password by mail",
    description = "With what was mailed. Every login of the account ends, and its sockets are closed. The address counts as confirmed.",
    operation_id = "resetPassword",
    tags(Authentication)
)]
pub(super) async fn reset_password(
    http: Data<Http>,
    peer: Peer,
    body: Body<ResetPassword>,
) -> Result<Done, Problem> {
    http.accounts.reset_password(&body.token, &body.password, &peer.0).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Change your password",
    description = "This login goes on, every other of the account ends.",
    operation_id = "changePassword",
    tags(Users)
)]
pub(super) async fn change_password(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    body: Body<ChangePassword>,
) -> Result<Done, Problem> {
    let passwords = (body.current_password.as_str(), body.new_password.as_str());
    let code = body.code.as_deref();
    http.accounts.change_password(&caller.user, caller.identity, passwords, &peer.0, code).await?;
    Ok(Done)
}

#[api_v2_operation(
    summary = "Ask for another e-mail address",
    description = "Both addresses are mailed a link, and the change is made when both were followed. An address that was never confirmed is not asked. A later wish replaces an earlier one.",
    operation_id = "changeEmail",
    tags(Users)
)]
pub(super) async fn change_email(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    body: Body<ChangeEmail>,
) -> Result<Accepted, Problem> {
    let ChangeEmail { email, password, code } = &*body;
    http.accounts.change_email(&caller.user, password, code.as_deref(), email, &peer.0).await?;
    Ok(Accepted)
}

#[api_v2_operation(
    summary = "Confirm another e-mail address",
    description = "With what was mailed to the new address, or to the one before. No login is needed.",
    operation_id = "confirmEmail",
    tags(Users)
)]
pub(super) async fn confirm_email(
    http: Data<Http>,
    peer: Peer,
    body: Body<MailedToken>,
) -> Result<Json<EmailConfirmed>, Problem> {
    let changed = http.accounts.confirm_email(&body.token, &peer.0).await?;
    Ok(Json(EmailConfirmed { changed }))
}
