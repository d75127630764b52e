//! What second factors are made with: secrets of TOTP (RFC 6238), how they are sealed, and recovery
//! codes. Next: [`super::second_factor`], the flows.

use std::fmt::Write as _;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use totp_rs::{Builder, Totp};

use super::refresh;
use crate::clock::Clock;
use crate::domain::second_factor::{RECOVERY_CODES, RecoveryHash, SealedSecret};
use crate::domain::{Timestamp, UserId};
use crate::error::Fault;
use crate::settings::Secret;

/// 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// 80 bits of a recovery code.
const RECOVERY_BYTES: usize = 10;
/// Separates what is derived from the server's secret for this from all else.
const SALT: &[u8] = b"chat second factor 1";

/// What a new second factor is told to its owner as, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// In base32, to be typed.
    pub secret: String,
    /// `otpauth://…`, to be shown as a QR code.
    pub uri: String,
}

/// Seals with the key derived from the present secret of the server, opens with those of the
/// previous ones too.
pub struct Factors {
    current: Sealing,
    previous: Vec<Sealing>,
    issuer: String,
}

struct Sealing {
    id: String,
    key: LessSafeKey,
}

impl Factors {
    /// `issuer` is what an app shows beside the account.
    #[must_use]
    pub fn new(current: &Secret, previous: &[Secret], issuer: &str) -> Self {
        let issuer = issuer.replace(':', " ");
        Self { current: Sealing::of(current), previous: previous.iter().map(Sealing::of).collect(), issuer }
    }

    /// Names the key that seals now.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.current.id
    }

    /// A fresh secret: what its owner is told, and what is kept of it.
    ///
    /// # Errors
    /// `internal`, which no input can bring about.
    pub fn enrol(
        &self,
        user: UserId,
        name: &str,
        clock: &dyn Clock,
    ) -> Result<(Enrolment, SealedSecret), Fault> {
        let mut secret = [0; SECRET_BYTES];
        clock.random(&mut secret);
        let codes = self.codes(&secret, name)?;
        let uri = codes.to_url().map_err(|error| Fault::internal(&error))?;
        let sealed = self.seal(user, &secret, clock)?;
        Ok((Enrolment { secret: codes.secret().to_base32(), uri }, sealed))
    }

    /// The step that this code is of, if it is of now, the step before, or the next.
    ///
    /// # Errors
    /// `internal` when the secret was sealed with a key that is gone.
    pub fn step_of(
        &self,
        user: UserId,
        sealed: &SealedSecret,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<u64>, Fault> {
        let secret = self.open(user, sealed).ok_or_else(|| {
            Fault::internal(&"JWT_SECRET: a second factor is sealed with a secret that is gone")
        })?;
        let seconds = u64::try_from(now.millis() / 1_000).unwrap_or(0);
        Ok(self.codes(&secret, "of nobody")?.check(code, seconds))
    }

    /// The same secret, sealed with the present key; `None` when it is already, or cannot be opened.
    ///
    /// # Errors
    /// `internal`, which no input can bring about.
    pub fn reseal(
        &self,
        user: UserId,
        sealed: &SealedSecret,
        clock: &dyn Clock,
    ) -> Result<Option<SealedSecret>, Fault> {
        if sealed.key_id == self.current.id {
            return Ok(None);
        }
        self.open(user, sealed).map(|secret| self.seal(user, &secret, clock)).transpose()
    }

    fn codes(&self, secret: &[u8], name: &str) -> Result<Totp, Fault> {
        // SHA-1, six digits, 30 seconds, one step to either side: what every app does.
        Builder::new()
            .with_secret(secret)
            .with_issuer(Some(self.issuer.as_str()))
            .with_account_name(name)
            .build()
            .map_err(|error| Fault::internal(&error))
    }

    fn seal(&self, user: UserId, secret: &[u8], clock: &dyn Clock) -> Result<SealedSecret, Fault> {
        let mut nonce = [0; NONCE_LEN];
        clock.random(&mut nonce);
        let mut sealed = secret.to_vec();
        self.current
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(user.0.into_bytes()),
                &mut sealed,
            )
            .map_err(|error| Fault::internal(&error))?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        Ok(SealedSecret { key_id: self.current.id.clone(), bytes })
    }

    fn open(&self, user: UserId, sealed: &SealedSecret) -> Option<Vec<u8>> {
        let all = std::iter::once(&self.current).chain(&self.previous);
        let sealing = all.into_iter().find(|sealing| sealing.id == sealed.key_id)?;
        let (nonce, rest) = sealed.bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut rest = rest.to_vec();
        let aad = Aad::from(user.0.into_bytes());
        let secret = sealing.key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut rest).ok()?;
        Some(secret.to_vec())
    }
}

/// Bytes that HKDF is asked for.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

impl Sealing {
    fn of(secret: &Secret) -> Self {
        let derived = Salt::new(HKDF_SHA256, SALT).extract(secret.expose());
        let fill = |info: &[u8], out: &mut [u8]| {
            // Fails for more than 255 hashes alone, which these lengths are not.
            derived.expand(&[info], Bytes(out.len())).and_then(|derived| derived.fill(out)).is_ok()
        };
        let (mut key, mut id) = ([0; 32], [0; 4]);
        let derived = fill(b"key", &mut key) && fill(b"id", &mut id);
        debug_assert!(derived);
        let id = id.iter().fold(String::new(), |mut id, byte| {
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
            id
        });
        // A key of the algorithm's length, which is 32 bytes.
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes");
        Self { id, key: LessSafeKey::new(key) }
    }
}

/// Fresh recovery codes: for their owner, and what is kept of them.
pub(super) fn recovery_codes(user: UserId, clock: &dyn Clock) -> (Vec<String>, Vec<RecoveryHash>) {
    let code = |_| {
        let mut random = [0; RECOVERY_BYTES];
        clock.random(&mut random);
        let mut code = String::new();
        for (n, byte) in random.iter().enumerate() {
            // In groups of four. Writing to a String cannot fail.
            let _ = write!(code, "{}{byte:02x}", if n > 0 && n % 2 == 0 { "-" } else { "" });
        }
        code
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(code).collect();
    let hashes = codes.iter().map(|code| recovery_hash(user, &tidy(code))).collect();
    (codes, hashes)
}

/// A code as it was meant, however it was typed.
pub(super) fn tidy(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_ascii_lowercase()
}

/// Of a tidied code. With whose it is, so that one search does not find everybody's.
pub(super) fn recovery_hash(user: UserId, code: &str) -> RecoveryHash {
    refresh::hash(&format!("{user} {code}"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::SystemClock;

    const ALICE: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; 32])
    }

    fn factors() -> Factors {
        Factors::new(&secret(1), &[], "chat.example.com:8080")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// Appendix B of RFC 6238, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let factors = factors();
        let sealed = factors.seal(ALICE, b"12345678901234567890", &SystemClock).expect("sealed");
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            let step = |seconds| factors.step_of(ALICE, &sealed, code, at(seconds)).expect("opened");
            let its = u64::try_from(seconds / 30).expect("a step");
            assert_eq!(step(seconds), Some(its));
            assert_eq!(
                (step(seconds - 30), step(seconds + 30)),
                (Some(its), Some(its)),
                "one step early or late"
            );
            assert_eq!((step(seconds + 60), step(seconds + 90)), (None, None));
        }
        for garbage in ["", "0", "12345", "1234567", "abcdef", "-12345", "+12345", "🦀🦀", "00000\0"] {
            assert_eq!(
                factors.step_of(ALICE, &sealed, garbage, at(59)).expect("opened"),
                None,
                "{garbage:?}"
            );
        }
    }

    #[test]
    fn an_app_is_told_what_it_needs() {
        let (enrolment, sealed) = factors().enrol(ALICE, "alice", &SystemClock).expect("enrolled");
        let Enrolment { secret, uri } = enrolment;
        assert_eq!(secret.len(), 32, "160 bits in base32");
        assert!(uri.starts_with("otpauth://totp/chat.example.com%208080:alice?secret="), "{uri}");
        assert!(uri.contains(&secret) && uri.contains("issuer=chat.example.com%208080"), "{uri}");
        assert!(!sealed.bytes.windows(8).any(|bytes| secret.as_bytes().starts_with(bytes)));
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone_and_unchanged() {
        let factors = factors();
        let sealed = factors.seal(ALICE, b"12345678901234567890", &SystemClock).expect("sealed");
        assert_eq!(factors.open(ALICE, &sealed).as_deref(), Some(b"12345678901234567890".as_slice()));
        assert_eq!(factors.open(BOB, &sealed), None, "moved to another account");
        for n in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[n] ^= 1;
            assert_eq!(factors.open(ALICE, &changed), None, "byte {n}");
        }
        let again = factors.seal(ALICE, b"12345678901234567890", &SystemClock).expect("sealed");
        assert_ne!(sealed.bytes, again.bytes, "another nonce each time");
    }

    #[test]
    fn the_servers_secret_can_be_replaced() {
        let old = factors();
        let sealed = old.seal(ALICE, b"12345678901234567890", &SystemClock).expect("sealed");
        let rotated = Factors::new(&secret(2), &[secret(1)], "chat");
        assert!(rotated.open(ALICE, &sealed).is_some());
        let anew = rotated.reseal(ALICE, &sealed, &SystemClock).expect("sealed").expect("with another key");
        assert_eq!(rotated.reseal(ALICE, &anew, &SystemClock).expect("nothing to do"), None);
        let later = Factors::new(&secret(2), &[], "chat");
        assert!(later.open(ALICE, &anew).is_some() && later.open(ALICE, &sealed).is_none());
        assert!(later.step_of(ALICE, &sealed, "287082", at(59)).is_err());
        assert_eq!(later.reseal(ALICE, &sealed, &SystemClock).expect("left as it is"), None);
    }

    #[test]
    fn recovery_codes_are_ten_and_forgive_how_they_are_typed() {
        let (codes, hashes) = recovery_codes(ALICE, &SystemClock);
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        for (code, hash) in codes.iter().zip(&hashes) {
            assert_eq!(code.len(), 24, "{code}");
            let typed = code.to_uppercase().replace('-', " ");
            assert_eq!(recovery_hash(ALICE, &tidy(&typed)), *hash);
            assert_ne!(recovery_hash(BOB, &tidy(code)), *hash);
        }
    }
}
