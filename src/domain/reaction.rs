//! Reactions: what members express about a message with a sign, each sign once.

use unicode_properties::emoji::is_regional_indicator;
use unicode_properties::{EmojiStatus, UnicodeEmoji as _};

use super::refusal::Invalid;
use super::{MessageId, UserId};

/// Joins emoji to one.
const JOINER: char = '\u{200d}';
/// Says that what stands before it is an emoji, and no sign of a text.
const SELECTOR: char = '\u{fe0f}';
/// Emoji that may be joined to one: a family of four.
const JOINED: usize = 4;

/// A sign: one emoji.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(String);

impl Emoji {
    /// Bytes of the longest: families with skin tones are long.
    pub const MAX: usize = 64;
    /// Kinds of signs that a message may have.
    pub const KINDS: usize = 20;

    /// One emoji as Unicode builds them (UTS #51), with U+FE0F exactly where a fully-qualified one has
    /// it: however a heart was written, it is one kind.
    ///
    /// # Errors
    /// When it is anything else: a part of an emoji, two of them, a letter, nothing.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let text = Some(raw).filter(|raw| raw.len() <= Self::MAX).and_then(qualified);
        let fits = text.filter(|text| text.len() <= Self::MAX);
        fits.map(Self).ok_or_else(|| Invalid::new("emoji", "must be one emoji"))
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

fn qualified(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    for (n, element) in raw.split(JOINER).enumerate() {
        if n == JOINED {
            return None;
        }
        if n > 0 {
            text.push(JOINER);
        }
        text.push_str(&one(element, n > 0)?);
    }
    Some(text)
}

/// One emoji, or one of those that are joined.
fn one(element: &str, is_joined: bool) -> Option<String> {
    use EmojiStatus as Is;

    let mut chars = element.chars();
    let base = chars.next()?;
    let rest = chars.as_str();
    let mut text = String::from(base);
    if is_regional_indicator(base) {
        // A flag: two letters of a country.
        let other = only(rest).filter(|other| is_regional_indicator(*other))?;
        text.push(other);
        return Some(text);
    }
    let (is_picture, takes_tone) = match base.emoji_status() {
        // Digits, for keys.
        Is::EmojiOtherAndEmojiComponent => {
            text.push_str("\u{fe0f}\u{20e3}");
            return matches!(rest, "\u{20e3}" | "\u{fe0f}\u{20e3}").then_some(text);
        }
        // Hair, which somebody has.
        Is::EmojiPresentationAndEmojiComponent if is_joined => (true, false),
        Is::EmojiPresentation => (true, false),
        Is::EmojiPresentationAndModifierBase => (true, true),
        Is::EmojiModifierBase => (false, true),
        Is::EmojiOther => (false, false),
        _ => return None,
    };
    let rest = rest.strip_prefix(SELECTOR).unwrap_or(rest);
    let is_tone = |c: &char| c.emoji_status() == Is::EmojiPresentationAndModifierAndEmojiComponent;
    if rest.is_empty() {
        if !is_picture {
            text.push(SELECTOR);
        }
    } else if takes_tone && let Some(tone) = only(rest).filter(is_tone) {
        text.push(tone);
    } else if base == '\u{1f3f4}' && is_part_of_a_country(rest) {
        text.push_str(rest);
    } else {
        return None;
    }
    Some(text)
}

fn only(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// Whether it is what follows a black flag to make it that of England: tags, and their end.
fn is_part_of_a_country(tags: &str) -> bool {
    let tags = tags.strip_suffix('\u{e007f}').unwrap_or_default();
    let is_tag = |c| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    (3..=6).contains(&tags.chars().count()) && tags.chars().all(is_tag)
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
    fn one_emoji_is_taken() {
        for sign in [
            "👍",
            "👍🏽",
            "❤️",
            "❤️‍🔥",
            "👩🏽‍🚀",
            "🧑‍⚕️",
            "👨‍🦰",
            "👩🏻‍❤️‍💋‍👨🏻",
            "👨🏻‍👩🏻‍👧🏻‍👦🏻",
            "1️⃣",
            "#️⃣",
            "🏳️‍🌈",
            "🏳️‍⚧️",
            "🇩🇪",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "🅰️",
            "ℹ️",
            "☝🏽",
            "⛹🏽‍♂️",
            "👁️‍🗨️",
            "©️",
            "🫠",
        ] {
            assert_eq!(Emoji::parse(sign).expect(sign).as_str(), sign);
        }
    }

    #[test]
    fn however_it_is_written_it_is_one_kind() {
        for (written, kind) in [
            ("❤", "❤️"),
            ("👍\u{fe0f}", "👍"),
            ("1\u{20e3}", "1️⃣"),
            ("🏳‍🌈", "🏳️‍🌈"),
            ("❤‍🔥", "❤️‍🔥"),
            ("☝\u{fe0f}🏽", "☝🏽"),
        ] {
            assert_eq!(Emoji::parse(written).expect(written), Emoji::parse(kind).expect(kind));
            assert_eq!(Emoji::parse(written).expect(written).as_str(), kind);
        }
    }

    #[test]
    fn parts_of_emoji_two_of_them_and_words_are_refused() {
        for no in [
            "",
            " ",
            "ok",
            "1",
            ":)",
            "👍 ",
            "é",
            "ж",
            "a\u{0}",
            "…",
            "\u{200d}",
            "\u{fe0f}",
            "🏽",
            "🇩",
            "🦰",
            "👍👍",
            "🇩🇪🇫🇷",
            "👍\u{200d}",
            "\u{200d}👍",
            "👍\u{20e3}",
            "🚀🏽",
            "❤\u{fe0e}",
            "\u{e0067}\u{e007f}",
            "👍\u{202e}",
            "1\u{fe0f}",
            "👍‍👍‍👍‍👍‍👍",
        ] {
            assert!(Emoji::parse(no).is_err(), "{no:?}");
        }
        assert!(Emoji::parse(&"👍".repeat(17)).is_err());
    }
}
