//! Mails to be written: to whom and what about. What one says is decided when it goes, so nothing
//! that waits in the queue would let anybody in.

use std::time::Duration;

use super::{Email, LetterId, Timestamp, UserId};

/// The wait after the first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// A mail that waits to be written and delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: LetterId,
    pub kind: LetterKind,
    /// Whom it is about. Of somebody who forgot his password only the address is known, which may
    /// be nobody's.
    pub user: Option<UserId>,
    pub address: Email,
    pub created_at: Timestamp,
    /// Attempts to deliver it, one under way included.
    pub attempts: u32,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What a letter is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LetterKind {
            $($(#[$doc])* $name,)*
        }

        impl LetterKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the database and in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// Asks a newcomer to confirm the address.
    VerifyEmail = "verifyEmail";
    /// Lets somebody choose a new password, if the address is anybody's.
    ResetPassword = "resetPassword";
    /// Tells that the password was changed.
    PasswordChanged = "passwordChanged";
    /// Asks at the present address whether it may be changed.
    ConfirmOldEmail = "confirmOldEmail";
    /// Asks at the new address whether it is theirs.
    ConfirmNewEmail = "confirmNewEmail";
    /// Tells that the address was changed.
    EmailChanged = "emailChanged";
    /// Tells that signing in asks for a code from now on.
    SecondFactorSet = "secondFactorSet";
    /// Tells that it does no more.
    SecondFactorRemoved = "secondFactorRemoved";
    /// Tells that there are other recovery codes.
    RecoveryCodesRenewed = "recoveryCodesRenewed";
}

impl LetterKind {
    /// By its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// How long after a failed attempt the next is made: half of it fixed, half by `chance`, which
/// answers a number below the one that it is given.
pub fn wait_after(attempts: u32, chance: impl FnOnce(u64) -> u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let whole = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
    let half = u64::try_from(whole.as_millis() / 2).unwrap_or(u64::MAX);
    Duration::from_millis(half + chance(half + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_differ() {
        let longest = |attempts| wait_after(attempts, |below| below - 1);
        assert_eq!([1, 2, 3, 4].map(longest).map(|wait| wait.as_secs()), [10, 20, 40, 80]);
        assert_eq!(longest(1_000), LONGEST_WAIT);
        assert_eq!(wait_after(1, |_| 0), Duration::from_secs(5));
    }

    #[test]
    fn kinds_are_found_by_their_words() {
        for kind in LetterKind::ALL {
            assert_eq!(LetterKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(LetterKind::parse("loveLetter"), None);
    }
}
