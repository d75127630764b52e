//! `/.well-known/jwks.json`: what others check access tokens with.

use actix_web::web::Data;
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;

use super::Http;
use super::answer::Public;
use super::problem::Problem;

/// A public key (RFC 8037).
#[derive(Serialize, Apiv2Schema)]
pub(super) struct Jwk {
    /// {{"enum":["OKP"]}}
    kty: &'static str,
    /// {{"enum":["Ed25519"]}}
    crv: &'static str,
    /// {{"enum":["EdDSA"]}}
    alg: &'static str,
    /// {{"enum":["sig"]}}
    r#use: &'static str,
    /// The `kid` of tokens that this key signed. {{"example":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}}
    kid: String,
    /// The key. {{"example":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}
    x: String,
}

/// A key set (RFC 7517).
#[derive(Serialize, Apiv2Schema)]
pub(super) struct JwkSet {
    /// The one that signs comes first. None, where tokens are signed with a secret.
    keys: Vec<Jwk>,
}

#[api_v2_operation(
    summary = "Get the keys that sign access tokens",
    description = "For services that check access tokens themselves: EdDSA, and the `kid` says which key. Whether the login was ended meanwhile only this server knows.",
    operation_id = "getKeys",
    tags(Authentication)
)]
pub(super) async fn keys(http: Data<Http>) -> Result<Public<JwkSet>, Problem> {
    let view = |key: &crate::auth::keys::PublicKey| Jwk {
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        r#use: "sig",
        kid: key.id.clone(),
        x: key.x.clone(),
    };
    // A new key is here for longer than that before it signs, if the guide is followed.
    Ok(Public(JwkSet { keys: http.accounts.tokens.public_keys().iter().map(view).collect() }))
}
