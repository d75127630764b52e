//! Reports: what people say of messages to those who look after others.

use super::refusal::Invalid;
use super::{Message, MessageId, Reason, ReportId, RoomId, Timestamp, UserId};

/// A message that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub id: ReportId,
    /// As it is now.
    pub message: Message,
    /// Who says what, the first first.
    pub reporters: Vec<Reporter>,
    pub created_at: Timestamp,
    /// `None` while it is open.
    pub resolution: Option<Resolution>,
}

impl Report {
    /// People whose words are kept with one report. What more of them say adds nothing.
    pub const REPORTERS: usize = 50;
}

/// Somebody who reported a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    pub user: UserId,
    pub reason: Reason,
    pub at: Timestamp,
}

/// What somebody reported, as he said it: without what others say of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReport {
    pub message: MessageId,
    pub room: RoomId,
    pub reason: Reason,
    pub at: Timestamp,
}

/// What came of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub action: ReportAction,
    pub by: UserId,
    pub reason: Option<Reason>,
    pub at: Timestamp,
}

/// What is done about a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportAction {
    /// Nothing.
    Dismiss,
    /// The message is deleted.
    Delete,
}

impl ReportAction {
    const ALL: [Self; 2] = [Self::Dismiss, Self::Delete];

    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dismiss => "dismiss",
            Self::Delete => "delete",
        }
    }

    /// # Errors
    /// When it is neither of the words.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|action| action.as_str() == word);
        found.ok_or_else(|| Invalid::new("action", "must be \"dismiss\" or \"delete\""))
    }

    /// From a stored row. What only a newer version does is nothing here.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        Self::parse(word).unwrap_or(Self::Dismiss)
    }
}
