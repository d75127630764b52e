//! Access tokens: JWT, HS256, with the key's id, so that a secret can be replaced while tokens of
//! the previous one live on.

use std::fmt::Write as _;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::session::Identity;
use crate::domain::{SessionId, Timestamp, UserId};
use crate::error::{Code, Fault};
use crate::settings::Secret;

const ISSUER: &str = "chat";
/// For whom a token of an operator is; that of a user is for nobody by name.
const ADMINISTRATION: &str = "chat-admin";
/// How long an operator's token lives: as long as one question takes.
const OPERATOR: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
    iss: String,
}

/// What an operator's token says: that whoever made it has the secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OperatorClaims {
    aud: String,
    iat: i64,
    exp: i64,
    iss: String,
}

/// Signs access tokens with the current secret and accepts those of all.
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    accepted: Vec<(String, DecodingKey)>,
    validation: Validation,
    life: Duration,
}

impl Tokens {
    /// The current secret signs; `life` is the life of a token.
    #[must_use]
    pub fn new(current: &Secret, previous: &[Secret], life: Duration) -> Self {
        let accepted = std::iter::once(current)
            .chain(previous)
            .map(|secret| (key_id(secret), DecodingKey::from_secret(secret.expose())))
            .collect();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.set_issuer(&[ISSUER]);
        // Against our own clock, below: the library would read the machine's.
        validation.validate_exp = false;
        Self {
            header: Header { kid: Some(key_id(current)), ..Header::new(Algorithm::HS256) },
            signing: EncodingKey::from_secret(current.expose()),
            accepted,
            validation,
            life,
        }
    }

    /// A token for a login.
    ///
    /// # Errors
    /// `internal` when signing fails, which no input can bring about.
    pub fn sign(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<String, Fault> {
        let claims = Claims {
            sub: user.0,
            sid: session.0,
            iat: seconds(now),
            exp: seconds(now.plus(self.life)),
            iss: ISSUER.to_owned(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing).map_err(|e| Fault::internal(&e))
    }

    /// Who a token speaks for. Whether the login still lives is the store's to say.
    ///
    /// # Errors
    /// `unauthorized` for anything but an unexpired token that we signed.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, Fault> {
        let refused = || Fault::new(Code::Unauthorized, "the access token is not valid");
        let claims: Claims = self.read(token, &self.validation).ok_or_else(refused)?;
        let expires_at = unexpired(claims.exp, now)?;
        Ok(Identity { user: UserId(claims.sub), session: SessionId(claims.sid), expires_at })
    }

    /// A token of a minute for who has the secret, to ask a running server as its operator.
    ///
    /// # Errors
    /// `internal` when signing fails, which no input can bring about.
    pub fn sign_operator(&self, now: Timestamp) -> Result<String, Fault> {
        let claims = OperatorClaims {
            aud: ADMINISTRATION.to_owned(),
            iat: seconds(now),
            exp: seconds(now.plus(OPERATOR)),
            iss: ISSUER.to_owned(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing).map_err(|e| Fault::internal(&e))
    }

    /// Whether an operator made this token.
    ///
    /// # Errors
    /// `unauthorized` for anything else, the token of any user included.
    pub fn verify_operator(&self, token: &str, now: Timestamp) -> Result<(), Fault> {
        let mut validation = self.validation.clone();
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_audience(&[ADMINISTRATION]);
        let refused = || Fault::new(Code::Unauthorized, "the token is not an operator's");
        let claims: OperatorClaims = self.read(token, &validation).ok_or_else(refused)?;
        unexpired(claims.exp, now).map(drop)
    }

    /// The claims of a token that we signed.
    fn read<T: DeserializeOwned + Clone>(&self, token: &str, validation: &Validation) -> Option<T> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid;
        let (_, key) = self.accepted.iter().find(|(id, _)| Some(id) == kid.as_ref())?;
        Some(jsonwebtoken::decode(token, key, validation).ok()?.claims)
    }
}

fn unexpired(exp: i64, now: Timestamp) -> Result<Timestamp, Fault> {
    let expires_at = Timestamp::from_millis(exp.saturating_mul(1_000));
    if now >= expires_at {
        return Err(Fault::new(Code::Unauthorized, "the access token has expired"));
    }
    Ok(expires_at)
}

/// The first eight hexadecimal digits of the secret's SHA-256: names it without telling it.
fn key_id(secret: &Secret) -> String {
    let digest = Sha256::digest(secret.expose());
    digest.iter().take(4).fold(String::with_capacity(8), |mut id, byte| {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

const fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const LIFE: Duration = Duration::from_secs(900);

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; 32])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis((1_800_000_000 + seconds) * 1_000)
    }

    fn token(tokens: &Tokens) -> String {
        tokens.sign(UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)), at(0)).expect("signed")
    }

    #[test]
    fn an_operators_token_and_a_users_are_not_each_other() {
        let tokens = Tokens::new(&secret(1), &[], LIFE);
        let operator = tokens.sign_operator(at(0)).expect("signed");
        assert_eq!(tokens.verify_operator(&operator, at(59)), Ok(()));
        assert!(tokens.verify_operator(&operator, at(60)).is_err());
        assert!(tokens.verify(&operator, at(1)).is_err());
        assert!(tokens.verify_operator(&token(&tokens), at(1)).is_err());
        let others = Tokens::new(&secret(2), &[], LIFE);
        assert!(others.verify_operator(&operator, at(1)).is_err());
    }

    #[test]
    fn a_token_names_its_login_until_it_expires() {
        let tokens = Tokens::new(&secret(1), &[], LIFE);
        let identity = tokens.verify(&token(&tokens), at(899)).expect("valid");
        assert_eq!(identity.user, UserId(Uuid::from_u128(1)));
        assert_eq!(identity.session, SessionId(Uuid::from_u128(2)));
        assert_eq!(identity.expires_at, at(900));
        assert_eq!(tokens.verify(&token(&tokens), at(900)).expect_err("over").code, Code::Unauthorized);
    }

    #[test]
    fn a_previous_secret_is_accepted_and_a_forgotten_one_is_not() {
        let old = Tokens::new(&secret(1), &[], LIFE);
        let rotated = Tokens::new(&secret(2), &[secret(1)], LIFE);
        let later = Tokens::new(&secret(3), &[secret(2)], LIFE);
        assert!(rotated.verify(&token(&old), at(1)).is_ok());
        assert!(old.verify(&token(&rotated), at(1)).is_err());
        assert!(later.verify(&token(&old), at(1)).is_err());
    }

    #[test]
    fn other_algorithms_and_changed_claims_are_refused() {
        let tokens = Tokens::new(&secret(1), &[], LIFE);
        let good = token(&tokens);
        let mut parts = good.split('.');
        let (header, claims, signature) =
            (parts.next().expect("header"), parts.next().expect("claims"), parts.next().expect("signature"));
        let kid = key_id(&secret(1));
        let none = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{kid}"}}"#));
        let hs512 = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS512","kid":"{kid}"}}"#));
        let other = URL_SAFE_NO_PAD.encode(r#"{"sub":"x"}"#);
        for bad in [
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{hs512}.{claims}.{signature}"),
            format!("{header}.{other}.{signature}"),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            assert!(tokens.verify(&bad, at(1)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_of_another_issuer_is_refused() {
        let tokens = Tokens::new(&secret(1), &[], LIFE);
        let claims = Claims {
            sub: Uuid::nil(),
            sid: Uuid::nil(),
            iat: 0,
            exp: 1_900_000_000,
            iss: "elsewhere".into(),
        };
        let foreign = jsonwebtoken::encode(&tokens.header, &claims, &tokens.signing).expect("signed");
        assert!(tokens.verify(&foreign, at(1)).is_err());
    }
}
