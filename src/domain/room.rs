//! Rooms and their members.

use unicode_normalization::UnicodeNormalization;

use super::policy::EditWindow;
use super::refusal::Invalid;
use super::search::fold;
use super::text::{is_blank, line};
use super::{RoomId, Seq, SlowMode, Timestamp, UserId};

/// A room's name: 1 to 80 characters on one line. Names need not be unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// Characters of a name.
    pub const MAX: usize = 80;

    /// # Errors
    /// When it shows nothing, is too long, or holds control characters or marks that turn the
    /// direction of reading.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("name", format!("must have 1 to {} characters", Self::MAX));
        line("name", Self::MAX, raw)?.map(Self).ok_or_else(wrong)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From a stored row, which was valid when it was written.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }
}

/// What a room is for: at most 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Characters of a description.
    pub const MAX: usize = 1_000;

    /// A text that shows nothing is no description.
    ///
    /// # Errors
    /// When it is too long or holds U+0000.
    pub fn parse(raw: &str) -> Result<Option<Self>, Invalid> {
        let text: String = raw.trim().nfc().collect();
        if text.chars().count() > Self::MAX {
            return Err(Invalid::new("description", format!("may have at most {} characters", Self::MAX)));
        }
        if text.contains('\0') {
            return Err(Invalid::new("description", "may not hold U+0000"));
        }
        Ok((!is_blank(&text)).then_some(Self(text)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From a stored row, which was valid when it was written.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// What a room talks about just now: one line of at most 250 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic(String);

impl Topic {
    /// Characters of a topic.
    pub const MAX: usize = 250;

    /// A text that shows nothing is no topic.
    ///
    /// # Errors
    /// When it is too long, or holds control characters or marks that turn the direction of reading.
    pub fn parse(raw: &str) -> Result<Option<Self>, Invalid> {
        Ok(line("topic", Self::MAX, raw)?.map(Self))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From a stored row, which was valid when it was written.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// What sort of room it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// People come and go.
    Room,
    /// A conversation between the people it was made with: nobody comes, and of two nobody goes.
    Direct,
}

impl RoomKind {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Direct => "direct",
        }
    }

    /// An unknown word of a later version is a room.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        if word == "direct" { Self::Direct } else { Self::Room }
    }
}

/// How much of a room's log its members may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryVisibility {
    /// From its beginning.
    All,
    /// From their own `member.joined` on.
    SinceJoined,
}

impl HistoryVisibility {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::SinceJoined => "sinceJoined",
        }
    }

    /// An unknown word of a later version shows least.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        if word == "all" { Self::All } else { Self::SinceJoined }
    }

    /// # Errors
    /// When it is neither of the words.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        [Self::All, Self::SinceJoined]
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or_else(|| Invalid::new("historyVisibility", "must be \"all\" or \"sinceJoined\""))
    }

    /// The first `seq` that a member may read who joined with this one.
    #[must_use]
    pub const fn visible_from(self, joined: Seq) -> Seq {
        match self {
            Self::All => Seq::START,
            Self::SinceJoined => joined,
        }
    }
}

/// What a member may do, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Member,
    Administrator,
    Owner,
}

impl Role {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Administrator => "administrator",
            Self::Owner => "owner",
        }
    }

    /// # Errors
    /// When it is no role that can be given: a room has one owner, and is transferred to another.
    pub fn parse_given(word: &str) -> Result<Self, Invalid> {
        [Self::Member, Self::Administrator]
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| Invalid::new("role", "must be \"member\" or \"administrator\""))
    }

    /// An unknown word of a later version is the least powerful role.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        match word {
            "owner" => Self::Owner,
            "administrator" => Self::Administrator,
            _ => Self::Member,
        }
    }
}

/// A person's membership of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub role: Role,
    pub joined_at: Timestamp,
    /// The `seq` of the person's own `member.joined`.
    pub joined_seq: Seq,
}

/// A room without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub id: RoomId,
    pub name: RoomName,
    pub description: Option<Description>,
    pub topic: Option<Topic>,
    pub kind: RoomKind,
    pub is_private: bool,
    pub history: HistoryVisibility,
    pub archived_at: Option<Timestamp>,
    /// How long authors may edit and delete here, where it is not as everywhere.
    pub edit_window: Option<EditWindow>,
    pub slow_mode: SlowMode,
    pub created_by: UserId,
    pub created_at: Timestamp,
    /// The last `seq` given in this room.
    pub head: Seq,
    /// The first `seq` that the log still holds; pruning removes a prefix only.
    pub first_retained: Seq,
    pub member_count: u64,
}

impl Room {
    /// What its owner and administrators may change of it.
    #[must_use]
    pub fn facts(&self) -> RoomFacts {
        RoomFacts {
            name: self.name.clone(),
            description: self.description.clone(),
            topic: self.topic.clone(),
            history: self.history,
            archived_at: self.archived_at,
            edit_window: self.edit_window,
            slow_mode: self.slow_mode,
        }
    }

    /// Whether each of these [`search_words`] is somewhere in its name or its description: in what
    /// strangers see of it.
    #[must_use]
    pub fn matches(&self, words: &[String]) -> bool {
        let name = fold(self.name.as_str());
        let description = self.description.as_ref().map(|text| fold(text.as_str())).unwrap_or_default();
        words.iter().all(|word| name.contains(word) || description.contains(word))
    }
}

/// What somebody looks for among rooms, as texts are compared who looks for messages.
#[must_use]
pub fn search_words(text: &str) -> Vec<String> {
    fold(text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What can be changed of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFacts {
    pub name: RoomName,
    pub description: Option<Description>,
    pub topic: Option<Topic>,
    pub history: HistoryVisibility,
    pub archived_at: Option<Timestamp>,
    pub edit_window: Option<EditWindow>,
    pub slow_mode: SlowMode,
}

/// A wish to change a room; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomPatch {
    pub name: Option<RoomName>,
    pub description: Option<Option<Description>>,
    pub topic: Option<Option<Topic>>,
    pub history: Option<HistoryVisibility>,
    /// `Some(None)`: as everywhere.
    pub edit_window: Option<Option<EditWindow>>,
    pub slow_mode: Option<SlowMode>,
}

impl RoomPatch {
    /// The room after the change.
    #[must_use]
    pub fn applied(&self, before: RoomFacts) -> RoomFacts {
        RoomFacts {
            name: self.name.clone().unwrap_or(before.name),
            description: self.description.clone().unwrap_or(before.description),
            topic: self.topic.clone().unwrap_or(before.topic),
            history: self.history.unwrap_or(before.history),
            archived_at: before.archived_at,
            edit_window: self.edit_window.unwrap_or(before.edit_window),
            slow_mode: self.slow_mode.unwrap_or(before.slow_mode),
        }
    }
}

/// What a member is told of a room by way of notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notifications {
    #[default]
    All,
    Mentions,
    None,
}

impl Notifications {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::None => "none",
        }
    }

    /// An unknown word of a later version is the default.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        Self::parse(word).unwrap_or_default()
    }

    /// # Errors
    /// When it is none of the words.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        [Self::All, Self::Mentions, Self::None]
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or_else(|| Invalid::new("notifications", "must be \"all\", \"mentions\" or \"none\""))
    }
}

/// What a member has set for himself in a room. Forgotten with the membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomSettings {
    pub notifications: Notifications,
    pub muted_until: Option<Timestamp>,
    pub is_favourite: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_since_joining_reads_from_there() {
        let joined = Seq::START.plus(7);
        assert_eq!(HistoryVisibility::All.visible_from(joined), Seq::START);
        assert_eq!(HistoryVisibility::SinceJoined.visible_from(joined), joined);
        assert_eq!(HistoryVisibility::from_stored("whatever"), HistoryVisibility::SinceJoined);
    }

    #[test]
    fn a_search_knows_no_case_and_no_way_of_writing() {
        assert_eq!(search_words(" Cafe\u{301} "), search_words("CAF\u{c9}"));
        assert_eq!(search_words("ＡＢＣ  Straße"), ["abc", "strasse"]);
    }

    #[test]
    fn a_topic_is_one_line() {
        assert_eq!(Topic::parse("  ").expect("valid"), None);
        assert!(Topic::parse("a\nb").is_err());
        assert!(Topic::parse(&"é".repeat(251)).is_err());
        assert_eq!(Topic::parse(&"é".repeat(250)).expect("valid").map(|t| t.as_str().len()), Some(500));
    }
}
