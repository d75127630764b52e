//! What one connection may do: signed in or not, how fast, how often wrong.
//!
//! The session actor asks here before each effect. No clock: `now` comes with each call.

use std::time::Duration;

use super::rate::{Bucket, Rate, Strikes};
use super::{Refusal, SessionId, Timestamp, UserId};

/// Numbers that one connection is held to.
#[derive(Clone, Copy, Debug)]
pub struct SessionRules {
    /// `None` where rates are off.
    pub frames: Option<Rate>,
    /// Frames that are no envelope, within `abuse_within`, before the socket is closed.
    pub malformed_limit: usize,
    /// Refusals for rate, within `abuse_within`, before the socket is closed.
    pub refused_limit: usize,
    pub abuse_within: Duration,
    /// How long before a token's end its owner is told.
    pub expiry_notice: Duration,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub user: UserId,
    pub session: SessionId,
    /// When the access token ends; refreshed in band.
    pub expires_at: Timestamp,
}

/// What to do with a frame that broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Answer an error, the socket lives on.
    Answer,
    /// Enough: close.
    Close,
}

/// The state of one connection.
#[derive(Debug)]
pub struct Session {
    identity: Option<Identity>,
    told_of_expiry: bool,
    frames: Bucket,
    malformed: Strikes,
    refused: Strikes,
}

/// What a connection's token asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Far,
    /// Tell the client once: it has until then.
    Notice,
    /// The token ended and no other came.
    Over,
}

impl Session {
    #[must_use]
    pub fn new(identity: Option<Identity>) -> Self {
        Self {
            identity,
            told_of_expiry: false,
            frames: Bucket::full(),
            malformed: Strikes::default(),
            refused: Strikes::default(),
        }
    }

    #[must_use]
    pub const fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// The identity, for an action that needs one.
    ///
    /// # Errors
    /// `Unauthorized` before authentication.
    pub fn authorize(&self) -> Result<Identity, Refusal> {
        self.identity.ok_or(Refusal::Unauthorized)
    }

    /// The first proof of identity.
    ///
    /// # Errors
    /// `Conflict` when there is one already: a connection never changes hands.
    pub fn sign_in(&mut self, identity: Identity) -> Result<(), Refusal> {
        if self.identity.is_some() {
            return Err(Refusal::Conflict("this connection is signed in already"));
        }
        self.identity = Some(identity);
        Ok(())
    }

    /// A fresh token on a living connection.
    ///
    /// # Errors
    /// `Unauthorized` unless it is of the same user and login session.
    pub fn renew(&mut self, fresh: Identity) -> Result<(), Refusal> {
        let current = self.authorize()?;
        if (current.user, current.session) != (fresh.user, fresh.session) {
            return Err(Refusal::Unauthorized);
        }
        self.identity = Some(fresh);
        self.told_of_expiry = false;
        Ok(())
    }

    /// Counts a frame.
    ///
    /// # Errors
    /// `RateLimited`, and whether patience ends.
    pub fn count_frame(&mut self, rules: &SessionRules, now: Timestamp) -> Result<(), (Refusal, Patience)> {
        let Some(rate) = rules.frames else { return Ok(()) };
        self.frames
            .take(rate, now)
            .map_err(|retry_after| (Refusal::RateLimited { retry_after }, self.refused(rules, now)))
    }

    /// Notes a refusal for rate, wherever it was decided.
    pub fn refused(&mut self, rules: &SessionRules, now: Timestamp) -> Patience {
        patience(self.refused.strike(now, rules.refused_limit, rules.abuse_within))
    }

    /// Notes a frame that was no envelope.
    pub fn malformed(&mut self, rules: &SessionRules, now: Timestamp) -> Patience {
        patience(self.malformed.strike(now, rules.malformed_limit, rules.abuse_within))
    }

    /// What the token's age asks for.
    pub fn expiry(&mut self, rules: &SessionRules, now: Timestamp) -> Expiry {
        let Some(identity) = self.identity else { return Expiry::Far };
        if now >= identity.expires_at {
            return Expiry::Over;
        }
        if !self.told_of_expiry && identity.expires_at.since(now) <= rules.expiry_notice {
            self.told_of_expiry = true;
            return Expiry::Notice;
        }
        Expiry::Far
    }
}

const fn patience(out: bool) -> Patience {
    if out { Patience::Close } else { Patience::Answer }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const RULES: SessionRules = SessionRules {
        frames: Some(Rate::per_second(20, 40)),
        malformed_limit: 10,
        refused_limit: 3,
        abuse_within: Duration::from_secs(10),
        expiry_notice: Duration::from_secs(60),
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    fn identity(user: u128, expires: i64) -> Identity {
        Identity {
            user: UserId(Uuid::from_u128(user)),
            session: SessionId(Uuid::from_u128(9)),
            expires_at: at(expires),
        }
    }

    #[test]
    fn nothing_is_allowed_before_signing_in_and_no_connection_changes_hands() {
        let mut session = Session::new(None);
        assert_eq!(session.authorize(), Err(Refusal::Unauthorized));
        session.sign_in(identity(1, 900_000)).expect("first");
        assert!(session.sign_in(identity(2, 900_000)).is_err());
        assert_eq!(session.renew(identity(2, 900_000)), Err(Refusal::Unauthorized));
        assert!(session.renew(identity(1, 1_800_000)).is_ok());
    }

    #[test]
    fn the_third_refusal_for_rate_ends_patience() {
        let mut session = Session::new(None);
        let refusals: Vec<_> =
            (0..43).filter_map(|_| session.count_frame(&RULES, at(0)).err()).map(|(_, p)| p).collect();
        assert_eq!(refusals, [Patience::Answer, Patience::Answer, Patience::Close]);
    }

    #[test]
    fn the_tenth_frame_that_is_no_envelope_ends_patience() {
        let mut session = Session::new(None);
        let answers: Vec<_> = (0..10).map(|i| session.malformed(&RULES, at(i * 100))).collect();
        assert_eq!(answers.iter().filter(|p| **p == Patience::Close).count(), 1);
        assert_eq!(answers.last(), Some(&Patience::Close));
    }

    #[test]
    fn the_end_of_a_token_is_told_once_a_minute_ahead() {
        let mut session = Session::new(Some(identity(1, 900_000)));
        assert_eq!(session.expiry(&RULES, at(839_999)), Expiry::Far);
        assert_eq!(session.expiry(&RULES, at(840_000)), Expiry::Notice);
        assert_eq!(session.expiry(&RULES, at(841_000)), Expiry::Far);
        assert_eq!(session.expiry(&RULES, at(900_000)), Expiry::Over);
    }
}
