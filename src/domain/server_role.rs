//! What somebody may do on the server as a whole, beside what he may do in rooms.

/// A role on the server. A later one may do what an earlier one may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerRole {
    /// What everybody may.
    #[default]
    User,
    /// Looks after how people treat each other.
    Moderator,
    /// Looks after accounts, and sees what is kept of them.
    Administrator,
}

impl ServerRole {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::User, Self::Moderator, Self::Administrator];

    /// The word in the database, in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Administrator => "administrator",
        }
    }

    /// By its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// From a stored row. A word that only a newer version knows gives nothing.
    #[must_use]
    pub fn from_stored(word: &str) -> Self {
        Self::parse(word).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_by_their_words_and_an_unknown_one_gives_nothing() {
        for role in ServerRole::ALL {
            assert_eq!(ServerRole::parse(role.as_str()), Some(role));
        }
        assert_eq!(ServerRole::parse("root"), None);
        assert_eq!(ServerRole::from_stored("root"), ServerRole::User);
    }

    #[test]
    fn a_later_role_contains_the_earlier_ones() {
        assert!(ServerRole::ALL.is_sorted());
        assert!(ServerRole::Administrator > ServerRole::Moderator);
    }
}
