//! The keys that others check access tokens with.

use actix_web::http::header;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::support::Site;

#[actix_web::test]
async fn who_has_the_key_set_can_check_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("one.pem");
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(&place)
        .status();
    assert!(made.unwrap().success());
    let site = Site::with(|settings| settings.jwt_keys = vec![place.to_str().unwrap().into()]).await;
    let alice = site.register("alice").await;
    site.get("/users/me", &alice).await.expect(200);

    let answer = site.call("GET", "/.well-known/jwks.json", None, None).await;
    assert_eq!(answer.header(header::CACHE_CONTROL.as_str()), Some("public, max-age=300"));
    let set: JwkSet = serde_json::from_value(answer.expect(200)).unwrap();
    let kid = jsonwebtoken::decode_header(&alice.token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["chat"]);
    // Of the clock of this story.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&alice.token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], alice.id);
}

#[actix_web::test]
async fn of_a_secret_nothing_is_told() {
    let site = Site::new().await;
    let keys = site.call("GET", "/.well-known/jwks.json", None, None).await.expect(200);
    assert_eq!(keys, json!({ "keys": [] }));
}
