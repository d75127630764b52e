//! Work on somebody's own data that takes longer than an answer: an export of all that is kept of
//! him, or the end of his account. It waits in the database, so that it survives whoever does it.

use std::time::Duration;

use uuid::Uuid;

use super::{ClientMsgId, JobId, Timestamp, UserId};

/// How often work is begun before it is given up.
pub const MOST_ATTEMPTS: u32 = 10;
/// The wait after a first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How long a result can be fetched.
pub const RESULT_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// All that is kept of somebody is put together.
    Export,
    /// An account ends.
    Deletion { messages: Messages },
}

/// What becomes of the messages of somebody who goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// They stay, under a name that says nothing.
    Keep,
    /// Their text goes; their places stay.
    Delete,
}

impl Messages {
    /// By its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "keep" => Some(Self::Keep),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Delete => "delete",
        }
    }
}

impl JobKind {
    /// The words of those that this version does.
    pub const KNOWN: [&'static str; 2] = ["export", "deletion"];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Deletion { .. } => "deletion",
        }
    }

    /// What the database keeps beside the word.
    #[must_use]
    pub const fn options(self) -> Option<&'static str> {
        match self {
            Self::Export => None,
            Self::Deletion { messages } => Some(messages.as_str()),
        }
    }

    /// From a stored row; `None` for a kind that only a newer version knows.
    #[must_use]
    pub fn from_stored(word: &str, options: Option<&str>) -> Option<Self> {
        match word {
            "export" => Some(Self::Export),
            "deletion" => Some(Self::Deletion { messages: Messages::parse(options?)? }),
            _ => None,
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Nobody has begun.
    Queued,
    Running,
    Done,
    /// Given up.
    Failed,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// From a stored row. What is not known counts as given up.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Failed)
    }
}

/// A piece of such work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub user: UserId,
    pub kind: JobKind,
    pub state: JobState,
    /// Of a thousand.
    pub progress: u16,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// How often it was begun. Whoever works on it names the attempt that is his: one who was thought
    /// dead changes nothing any more.
    pub attempts: u32,
    /// Where the last attempt that got anywhere stopped.
    pub at: Option<JobPlace>,
    /// Parts of the result so far.
    pub parts: u32,
}

impl Job {
    /// One that nobody has begun.
    #[must_use]
    pub const fn new(id: JobId, user: UserId, kind: JobKind, now: Timestamp) -> Self {
        let state = JobState::Queued;
        let (progress, attempts, parts) = (0, 0, 0);
        Self {
            id,
            user,
            kind,
            state,
            progress,
            created_at: now,
            finished_at: None,
            attempts,
            at: None,
            parts,
        }
    }
}

/// A place in the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobPlace {
    /// After this one of his messages: they are read in the order of their keys.
    Message(ClientMsgId),
    /// The messages are done.
    Rest,
}

impl JobPlace {
    /// As the database keeps it.
    #[must_use]
    pub fn stored(self) -> String {
        match self {
            Self::Message(key) => key.to_string(),
            Self::Rest => "rest".into(),
        }
    }

    /// From a stored row; what cannot be read is as if nothing had been done.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        if text == "rest" {
            return Some(Self::Rest);
        }
        Uuid::try_parse(text).ok().map(|key| Self::Message(ClientMsgId(key)))
    }
}

/// How far a step got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStep {
    pub at: JobPlace,
    pub progress: u16,
    /// What it adds to the result.
    pub part: Option<String>,
}

/// What waits, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub queued: u64,
    pub running: u64,
    pub failed: u64,
    /// When the oldest that is not over was asked for.
    pub oldest: Option<Timestamp>,
}

impl JobCounts {
    /// From how many there are of each state, and when the oldest of them was asked for.
    #[must_use]
    pub fn of(rows: Vec<(String, i64, Option<i64>)>) -> Self {
        let mut counts = Self::default();
        for (state, count, oldest) in rows {
            let count = u64::try_from(count).unwrap_or(0);
            let oldest = oldest.map(Timestamp::from_millis);
            match JobState::from_stored(&state) {
                JobState::Queued => counts.queued += count,
                JobState::Running => counts.running += count,
                JobState::Failed => counts.failed += count,
                JobState::Done => {}
            }
            if matches!(JobState::from_stored(&state), JobState::Queued | JobState::Running) {
                counts.oldest = counts.oldest.into_iter().chain(oldest).min();
            }
        }
        counts
    }
}

/// What is left of somebody whose account ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymous {
    /// Also the key of the name.
    pub name: String,
    /// At a domain that nobody can have; also the key of the address.
    pub email: String,
    /// The hash of no password.
    pub password_hash: &'static str,
}

/// How the names of accounts that ended begin.
const ENDED: &str = "deleted-";

/// Whether a name, by its key, is one that nobody may take: an account that ends will need it.
#[must_use]
pub fn is_reserved(key: &str) -> bool {
    key.starts_with(ENDED)
}

/// The same for the same account, and for no other: from the part of its id that is chance.
#[must_use]
pub fn anonymous(user: UserId) -> Anonymous {
    let id = user.0.simple().to_string();
    let chance = id.get(12..).unwrap_or_default();
    Anonymous {
        name: format!("{ENDED}{chance}"),
        email: format!("{user}@deleted.invalid"),
        password_hash: "!",
    }
}

/// How long after a failed attempt the next begins.
#[must_use]
pub fn wait_after(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

/// `done` of `all`, of a thousand: the end is told by the state, and never by this.
#[must_use]
pub fn progress(done: u64, all: u64) -> u16 {
    let of_thousand = done.saturating_mul(1_000).checked_div(all).unwrap_or(0).min(999);
    u16::try_from(of_thousand).unwrap_or(999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_back_with_what_belongs_to_them() {
        let (messages, other) = (Messages::Keep, Messages::Delete);
        for kind in [JobKind::Export, JobKind::Deletion { messages }, JobKind::Deletion { messages: other }] {
            assert_eq!(JobKind::from_stored(kind.as_str(), kind.options()), Some(kind));
        }
        assert_eq!(JobKind::from_stored("deletion", None), None);
        assert_eq!(JobKind::from_stored("moonLanding", None), None);
    }

    #[test]
    fn places_come_back_as_they_were() {
        for place in [JobPlace::Rest, JobPlace::Message(ClientMsgId(Uuid::from_u128(7)))] {
            assert_eq!(JobPlace::from_stored(&place.stored()), Some(place));
        }
        assert_eq!(JobPlace::from_stored("elsewhere"), None);
    }

    #[test]
    fn what_is_left_of_somebody_is_a_valid_name_of_his_own() {
        let [one, two] = [1, 2].map(|n| anonymous(UserId(Uuid::from_u128(n))));
        assert_ne!((&one.name, &one.email), (&two.name, &two.email));
        assert!(crate::domain::Username::parse(&one.name).is_ok_and(|name| name.key() == one.name));
        assert!(crate::domain::Email::parse(&one.email).is_ok_and(|email| email.key() == one.email));
    }

    #[test]
    fn progress_never_says_that_it_is_over() {
        assert_eq!(
            [(0, 0), (0, 10), (5, 10), (10, 10), (20, 10)].map(|(a, b)| progress(a, b)),
            [0, 0, 500, 999, 999]
        );
    }

    #[test]
    fn waits_double_up_to_ten_minutes() {
        assert_eq!([1, 2, 3].map(|attempts| wait_after(attempts).as_secs()), [5, 10, 20]);
        assert_eq!(wait_after(100), LONGEST_WAIT);
    }
}
