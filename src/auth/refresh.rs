//! Refresh tokens: 256 random bits, known to the client only; the store keeps their SHA-256.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::domain::{RefreshToken, SessionId, Timestamp};

/// A fresh opaque value of 256 bits.
#[must_use]
pub fn opaque(clock: &dyn Clock) -> String {
    let mut random = [0; 32];
    clock.random(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

/// What is kept of an opaque value. A look-up by it tells a guesser nothing by its time.
#[must_use]
pub fn hash(value: &str) -> [u8; 32] {
    Sha256::digest(value.as_bytes()).into()
}

/// A new refresh token of a login: its value for the client, and what the store keeps.
#[must_use]
pub fn mint(clock: &dyn Clock, session: SessionId, now: Timestamp, life: Duration) -> (String, RefreshToken) {
    let value = opaque(clock);
    let token = RefreshToken { hash: hash(&value), session, issued_at: now, expires_at: now.plus(life) };
    (value, token)
}
