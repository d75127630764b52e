//! Rooms and their members.

use unicode_normalization::UnicodeNormalization;

use super::refusal::Invalid;
use super::{RoomId, Seq, Timestamp, UserId};

/// A room's name: 1 to 80 characters on one line. Names need not be unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// Characters of a name.
    pub const MAX: usize = 80;

    /// # Errors
    /// When it is empty, too long, or holds control characters.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let name: String = raw.trim().nfc().collect();
        if name.is_empty() || name.chars().count() > Self::MAX {
            return Err(Invalid::new("name", format!("must have 1 to {} characters", Self::MAX)));
        }
        if name.chars().any(char::is_control) {
            return Err(Invalid::new("name", "may not hold control characters"));
        }
        Ok(Self(name))
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

    /// An empty text is no description.
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
        Ok((!text.is_empty()).then_some(Self(text)))
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
    pub is_private: bool,
    pub created_by: UserId,
    pub created_at: Timestamp,
    /// The last `seq` given in this room.
    pub head: Seq,
    /// The first `seq` that the log still holds; pruning removes a prefix only.
    pub first_retained: Seq,
    pub member_count: u64,
}
