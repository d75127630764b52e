//! Reactions: what members express about a message with a sign, each sign once.

use unicode_normalization::UnicodeNormalization;

use super::refusal::Invalid;
use super::{MessageId, UserId};

/// A sign: an emoji, or a few characters that are no words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(String);

impl Emoji {
    /// Bytes of the longest: families with skin tones are long.
    pub const MAX: usize = 64;
    /// Kinds of signs that a message may have.
    pub const KINDS: usize = 20;

    /// # Errors
    /// When it is empty, too long, or holds letters, digits alone, white space or control characters.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let text: String = raw.nfc().collect();
        // Some signs are letters too: enclosed ones, and those that information and trade marks are.
        let is_letter =
            |c: char| c.is_alphabetic() && !matches!(c, '\u{2100}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}');
        let is_sign = |c: char| !is_letter(c) && !c.is_whitespace() && !c.is_control();
        if text.is_empty() || text.len() > Self::MAX || !text.chars().all(is_sign) || text.is_ascii() {
            return Err(Invalid::new("emoji", "must be an emoji"));
        }
        Ok(Self(text))
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

/// One sign of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    pub message: MessageId,
    pub emoji: Emoji,
    /// How many people.
    pub count: u64,
    /// The first of them.
    pub users: Vec<UserId>,
    /// Whether the viewer is among them all.
    pub is_own: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_taken_and_words_are_not() {
        for sign in ["👍", "❤️", "👩🏽‍🚀", "1️⃣", "🏳️‍🌈", "🇩🇪", "🅰️", "ℹ️", "…"]
        {
            assert_eq!(Emoji::parse(sign).expect(sign).as_str(), sign);
        }
        for word in ["", " ", "ok", "1", ":)", "👍 ", "é", "ж", "a\u{0}", &"👍".repeat(17)] {
            assert!(Emoji::parse(word).is_err(), "{word:?}");
        }
    }
}
