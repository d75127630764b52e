//! Access tokens: JWT with the key's id, so that a secret or a key can be replaced while tokens of
//! the previous one live on. HS256 with a secret, or EdDSA with key files ([`super::keys`]).

use std::fmt::Write as _;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::keys::{PublicKey, SigningKey};
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

/// One way to sign, and all ways that are accepted.
struct Ring {
    header: Header,
    signing: EncodingKey,
    accepted: Vec<Accepted>,
}

struct Accepted {
    id: String,
    key: DecodingKey,
    algorithm: Algorithm,
}

impl Ring {
    fn of_secrets(current: &Secret, previous: &[Secret]) -> Self {
        let accepted = std::iter::once(current).chain(previous).map(|secret| Accepted {
            id: key_id(secret),
            key: DecodingKey::from_secret(secret.expose()),
            algorithm: Algorithm::HS256,
        });
        Self {
            header: Header { kid: Some(key_id(current)), ..Header::new(Algorithm::HS256) },
            signing: EncodingKey::from_secret(current.expose()),
            accepted: accepted.collect(),
        }
    }

    fn of_keys(keys: &[SigningKey]) -> Option<Self> {
        let first = keys.first()?;
        let accept = |key: &SigningKey| {
            let id = key.public.id.clone();
            let key = DecodingKey::from_ed_components(&key.public.x).ok()?;
            Some(Accepted { id, key, algorithm: Algorithm::EdDSA })
        };
        Some(Self {
            header: Header { kid: Some(first.public.id.clone()), ..Header::new(Algorithm::EdDSA) },
            signing: EncodingKey::from_ed_der(&first.private),
            accepted: keys.iter().filter_map(accept).collect(),
        })
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String, Fault> {
        jsonwebtoken::encode(&self.header, claims, &self.signing).map_err(|e| Fault::internal(&e))
    }

    /// The claims of a token that we signed. Which key, the token says; which algorithm, the key.
    fn read<T: DeserializeOwned + Clone>(&self, token: &str, audience: Option<&str>) -> Option<T> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid;
        let known = self.accepted.iter().find(|known| Some(&known.id) == kid.as_ref())?;
        let mut validation = Validation::new(known.algorithm);
        validation.set_required_spec_claims(&["exp", "iss", if audience.is_some() { "aud" } else { "sub" }]);
        validation.set_issuer(&[ISSUER]);
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
        }
        // Against our own clock, by the caller: the library would read the machine's.
        validation.validate_exp = false;
        Some(jsonwebtoken::decode(token, &known.key, &validation).ok()?.claims)
    }
}

/// Signs access tokens with the current secret or key and accepts those of all.
pub struct Tokens {
    users: Ring,
    /// Whoever has the secret is the operator, also where keys sign the tokens of users.
    operators: Ring,
    public: Vec<PublicKey>,
    life: Duration,
}

impl Tokens {
    /// The current secret signs; `life` is the life of a token.
    #[must_use]
    pub fn new(current: &Secret, previous: &[Secret], life: Duration) -> Self {
        let ring = || Ring::of_secrets(current, previous);
        Self { users: ring(), operators: ring(), public: Vec::new(), life }
    }

    /// The first of these keys signs users' tokens, and only theirs are accepted; without a key the
    /// secrets stay.
    #[must_use]
    pub fn signed_with(self, keys: &[SigningKey]) -> Self {
        let public = keys.iter().map(|key| key.public.clone()).collect();
        Self { users: Ring::of_keys(keys).unwrap_or(self.users), public, ..self }
    }

    /// What others check users' tokens with; nothing where a secret signs.
    #[must_use]
    pub fn public_keys(&self) -> &[PublicKey] {
        &self.public
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
        self.users.sign(&claims)
    }

    /// Who a token speaks for. Whether the login still lives is the store's to say.
    ///
    /// # Errors
    /// `unauthorized` for anything but an unexpired token that we signed.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, Fault> {
        let refused = || Fault::new(Code::Unauthorized, "the access token is not valid");
        let claims: Claims = self.users.read(token, None).ok_or_else(refused)?;
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
        self.operators.sign(&claims)
    }

    /// Whether an operator made this token.
    ///
    /// # Errors
    /// `unauthorized` for anything else, the token of any user included.
    pub fn verify_operator(&self, token: &str, now: Timestamp) -> Result<(), Fault> {
        let refused = || Fault::new(Code::Unauthorized, "the token is not an operator's");
        let claims: OperatorClaims = self.operators.read(token, Some(ADMINISTRATION)).ok_or_else(refused)?;
        unexpired(claims.exp, now).map(drop)
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

    use super::super::keys::tests as keys;
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
    fn keys_are_replaced_as_secrets_are_and_the_operator_keeps_the_secret() {
        let with = |keys: &[SigningKey]| Tokens::new(&secret(1), &[], LIFE).signed_with(keys);
        let (one, two) = (keys::key(), keys::key());
        let old = with(std::slice::from_ref(&one));
        let rotated = with(&[two.clone(), one.clone()]);
        let later = with(std::slice::from_ref(&two));
        let before = token(&old);
        assert_eq!(old.verify(&before, at(899)).expect("valid").user, UserId(Uuid::from_u128(1)));
        assert!(rotated.verify(&before, at(1)).is_ok() && later.verify(&before, at(1)).is_err());
        assert!(
            later.verify(&token(&rotated), at(1)).is_ok() && old.verify(&token(&rotated), at(1)).is_err()
        );
        assert_eq!(rotated.public_keys(), [two.public, one.public]);
        // Who knows the secret alone makes no user's token; he is the operator.
        let secrets = Tokens::new(&secret(1), &[], LIFE);
        assert!(old.verify(&token(&secrets), at(1)).is_err() && secrets.verify(&before, at(1)).is_err());
        let operator = secrets.sign_operator(at(0)).expect("signed");
        assert!(old.verify_operator(&operator, at(1)).is_ok() && old.verify(&operator, at(1)).is_err());
    }

    /// The public key is public: nobody may use it as a secret.
    #[test]
    fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
        let key = keys::key();
        let tokens = Tokens::new(&secret(1), &[], LIFE).signed_with(std::slice::from_ref(&key));
        let claims =
            Claims { sub: Uuid::nil(), sid: Uuid::nil(), iat: 0, exp: 1_900_000_000, iss: ISSUER.into() };
        for public in [key.public.x.as_bytes(), &URL_SAFE_NO_PAD.decode(&key.public.x).expect("base64")] {
            let header = Header { kid: Some(key.public.id.clone()), ..Header::new(Algorithm::HS256) };
            let forged =
                jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(public)).expect("signed");
            assert!(tokens.verify(&forged, at(1)).is_err());
        }
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
        let foreign = tokens.users.sign(&claims).expect("signed");
        assert!(tokens.verify(&foreign, at(1)).is_err());
    }
}
