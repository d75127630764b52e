//! `/users/me/second-factor`: codes of an app beside the password.

use actix_web::web::{Data, Json};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::{Deserialize, Serialize};

use super::Http;
use super::answer::{Created, Done};
use super::body::Body;
use super::extract::{Caller, Peer};
use super::problem::Problem;

/// Your password.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct BeginSecondFactor {
    /// As it is now. {{"format":"password","example":"correct horse battery"}}
    password: String,
}

/// A secret for an app that makes codes.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct SecondFactorSecret {
    /// To be typed into an app: base32. {{"example":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}}
    secret: String,
    /// To be shown as a QR code. {{"format":"uri","example":"otpauth://totp/chat.example.com:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=chat.example.com"}}
    uri: String,
}

/// A code of the app that got the secret.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct ConfirmSecondFactor {
    /// Six digits. {{"example":"287082"}}
    code: String,
}

/// Codes for who lost the app.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecoveryCodes {
    /// Ten; each is good once in the place of a code. They are told this once. {{"example":["5f0c-91d4-07aa-3be2-88c1"]}}
    recovery_codes: Vec<String>,
}

/// Both factors.
#[derive(Deserialize, Apiv2Schema)]
pub(super) struct BothFactors {
    /// As it is now. {{"format":"password","example":"correct horse battery"}}
    password: String,
    /// Six digits, or a recovery code. {{"example":"287082"}}
    code: String,
}

#[api_v2_operation(
    summary = "Begin a second factor",
    description = "Gives a secret for an app that makes codes (TOTP, RFC 6238: SHA-1, six digits, 30 seconds). Nothing is asked for until a code of it was confirmed; asking again replaces a secret that was not.",
    operation_id = "beginSecondFactor",
    tags(Users)
)]
pub(super) async fn begin(
    caller: Caller,
    http: Data<Http>,
    body: Body<BeginSecondFactor>,
) -> Result<Created<SecondFactorSecret>, Problem> {
    let enrolment = http.accounts.begin_second_factor(&caller.user, &body.password).await?;
    Ok(Created::new(SecondFactorSecret { secret: enrolment.secret, uri: enrolment.uri }))
}

#[api_v2_operation(
    summary = "Confirm a second factor",
    description = "From now on signing in, another password and another address need a code too. Logins that live go on.",
    operation_id = "confirmSecondFactor",
    tags(Users)
)]
pub(super) async fn confirm(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    body: Body<ConfirmSecondFactor>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let recovery_codes = http.accounts.confirm_second_factor(&caller.user, &body.code, &peer.0).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

#[api_v2_operation(
    summary = "Renew recovery codes",
    description = "The ones before are worthless from now on.",
    operation_id = "renewRecoveryCodes",
    tags(Users)
)]
pub(super) async fn renew_recovery_codes(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    body: Body<BothFactors>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let both = (body.password.as_str(), body.code.as_str());
    let recovery_codes = http.accounts.renew_recovery_codes(&caller.user, both, &peer.0).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

#[api_v2_operation(
    summary = "Switch the second factor off",
    description = "Its recovery codes are worthless from now on.",
    operation_id = "removeSecondFactor",
    tags(Users)
)]
pub(super) async fn remove(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    body: Body<BothFactors>,
) -> Result<Done, Problem> {
    http.accounts.remove_second_factor(&caller.user, (&body.password, &body.code), &peer.0).await?;
    Ok(Done)
}
