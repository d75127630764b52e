//! What is written down of deeds beside messages: changes of messages, people who come and go, files;
//! and of looks at what came of them in the end.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::moment::Moment;
use super::record::Way;

/// What came of a deed, as far as its doer knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Over HTTP nobody is told at which `seq`.
    Done {
        seq: Option<u64>,
        duplicate: bool,
    },
    Refused {
        code: String,
        retryable: bool,
    },
    /// No answer.
    Failed(String),
}

/// What an outcome means for what may be found later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there.
    Done,
    /// It left nothing.
    Void,
    /// It is there whole, or not at all.
    Open,
}

impl Outcome {
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Done { duplicate: false, .. } => Fate::Done,
            // What was so already needed nothing.
            Self::Done { duplicate: true, .. } => Fate::Void,
            // A commit whose answer was lost ends like one that never was.
            Self::Refused { code, retryable } if *retryable || code == "internal" => Fate::Open,
            Self::Refused { .. } => Fate::Void,
            Self::Failed(_) => Fate::Open,
        }
    }
}

/// A change of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// No two edits of a run have the same content.
    Edit(String),
    Delete,
    React(&'static str),
    Unreact(&'static str),
}

impl Doing {
    /// The entry that tells of it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Edit(_) => "message.updated",
            Self::Delete => "message.deleted",
            Self::React(_) => "reaction.added",
            Self::Unreact(_) => "reaction.removed",
        }
    }

    /// The sign of a reaction.
    #[must_use]
    pub const fn sign(&self) -> &'static str {
        match self {
            Self::React(sign) | Self::Unreact(sign) => sign,
            _ => "",
        }
    }
}

/// Something that a client did to a message. It is tried once; and who does not know what came of it
/// leaves that message alone from then on, so that only the last try of each may be open.
#[derive(Clone, Debug)]
pub struct DeedSheet {
    /// Index among all rooms.
    pub room: usize,
    pub message: Uuid,
    pub what: Doing,
    pub way: Way,
    pub asked: Moment,
    pub answer: Option<(Moment, Outcome)>,
}

impl DeedSheet {
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.answer.as_ref().map_or(Fate::Open, |(_, outcome)| outcome.fate())
    }

    /// Where it stands in the log, if its doer was told.
    #[must_use]
    pub const fn seq(&self) -> Option<u64> {
        match &self.answer {
            Some((_, Outcome::Done { seq, duplicate: false })) => *seq,
            _ => None,
        }
    }
}

/// What can be done to a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// By the owner.
    Add,
    /// By the guest.
    Join,
    Leave,
    Remove,
    Ban,
    Unban,
}

/// Something done at the door of a room.
#[derive(Clone, Debug)]
pub struct ActSheet {
    /// Index among all rooms.
    pub room: usize,
    /// Index among all clients.
    pub guest: usize,
    pub what: Act,
    pub pod: usize,
    pub asked: Moment,
    pub answered: Moment,
    pub outcome: Outcome,
}

/// A file that a client sent.
#[derive(Clone, Debug)]
pub struct UploadSheet {
    /// No two have the same.
    pub name: String,
    pub sha256: [u8; 32],
    pub pod: usize,
    pub asked: Moment,
    /// Whether the client hung up in the middle of it.
    pub is_cut: bool,
    pub answer: Option<(Moment, Uploaded)>,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uploaded {
    Stored(Uuid),
    Refused {
        code: String,
        retryable: bool,
    },
    /// No answer.
    Failed(String),
}

impl UploadSheet {
    /// The id of what was acknowledged.
    #[must_use]
    pub const fn stored(&self) -> Option<Uuid> {
        match &self.answer {
            Some((_, Uploaded::Stored(id))) => Some(*id),
            _ => None,
        }
    }

    #[must_use]
    pub fn fate(&self) -> Fate {
        match &self.answer {
            _ if self.is_cut => Fate::Void,
            Some((_, Uploaded::Stored(_))) => Fate::Done,
            Some((_, Uploaded::Refused { code, retryable })) if !retryable && code != "internal" => {
                Fate::Void
            }
            _ => Fate::Open,
        }
    }
}

/// A message as a page of the history shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub id: Uuid,
    pub seq: u64,
    pub said: u64,
    /// How many express each sign.
    pub reactions: BTreeMap<String, u64>,
}

/// The whole history of a room as somebody read it in the end, newest first; or the code with which
/// it was kept from him.
#[derive(Clone, Debug)]
pub struct LookSheet {
    /// Index among all rooms.
    pub room: usize,
    /// Index among all clients.
    pub client: usize,
    pub at: Moment,
    pub seen: Result<Vec<Shown>, String>,
}

/// A file as somebody got it in the end: the SHA-256 of its bytes, or the code of the refusal.
#[derive(Clone, Debug)]
pub struct FetchSheet {
    pub file: Uuid,
    /// Index among all clients.
    pub client: usize,
    pub at: Moment,
    pub got: Result<[u8; 32], String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_answered_may_be_there_and_what_was_refused_is_not() {
        let refused = |code: &str, retryable| Outcome::Refused { code: code.to_owned(), retryable };
        assert_eq!(Outcome::Done { seq: None, duplicate: false }.fate(), Fate::Done);
        assert_eq!(Outcome::Done { seq: Some(3), duplicate: true }.fate(), Fate::Void);
        assert_eq!(refused("forbidden", false).fate(), Fate::Void);
        assert_eq!(refused("unavailable", true).fate(), Fate::Open);
        assert_eq!(Outcome::Failed("cut".to_owned()).fate(), Fate::Open);
    }
}
