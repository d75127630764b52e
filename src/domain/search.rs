//! How messages are found: texts are folded, and what they hold is cut into terms.
//!
//! A term stands for two or three neighbouring characters, for a room, an author, or a sort of
//! message. Whatever holds a text holds all its pairs and triples, in every script and with no idea
//! of words; so an index of terms finds all candidates, and the folded text tells which of them are
//! meant. Pairs find the shortest texts; triples are far rarer, and find all others. Next:
//! [`super::query`] for what people ask.

use unicode_normalization::UnicodeNormalization;

use super::{Message, RoomId, Seq, Timestamp, UserId};

/// A text as it is compared: compatibility forms and cases are one, and so is all white space.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return joined(&text.to_ascii_lowercase());
    }
    // Up and down again, as `ß` and `ς` are small letters of their own; and character by character,
    // so that a part of a word is folded as it is within the word. Composing may make a letter that
    // folds again, so it is done until nothing changes: twice, for all that is known.
    let mut folded = once(text);
    for _ in 0..3 {
        let again = once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    joined(&folded)
}

fn once(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

fn joined(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut all = String::with_capacity(text.len());
    all.push_str(words.next().unwrap_or_default());
    for word in words {
        all.push(' ');
        all.push_str(word);
    }
    all
}

/// What an index holds of a message. Two things may share a term by chance, which costs a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(i32);

impl Term {
    /// Each sort of term counts from a place of its own. Never changes: it is stored.
    fn of(sort: u8, bytes: &[u8]) -> Self {
        // FNV-1a.
        let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        Self(bytes.iter().fold(step(0x811c_9dc5, &sort), step).cast_signed())
    }

    fn run(letters: &[char]) -> Self {
        let mut bytes = [0; 12];
        for (place, letter) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(letters) {
            *place = u32::from(*letter).to_be_bytes();
        }
        Self::of(0, &bytes)
    }

    #[must_use]
    pub fn room(room: RoomId) -> Self {
        Self::of(1, room.0.as_bytes())
    }

    #[must_use]
    pub fn author(author: UserId) -> Self {
        Self::of(2, author.0.as_bytes())
    }

    #[must_use]
    pub fn has(has: Has) -> Self {
        Self::of(3, has.word().as_bytes())
    }

    /// What an index has of a folded text: its pairs and its triples.
    #[must_use]
    pub fn all_of(folded: &str) -> Vec<Self> {
        let letters: Vec<char> = folded.chars().collect();
        letters.windows(2).chain(letters.windows(3)).map(Self::run).collect()
    }

    /// What an index is asked for who looks for a folded text: the rarest that it has of it.
    #[must_use]
    pub fn asked_of(folded: &str) -> Vec<Self> {
        let letters: Vec<char> = folded.chars().collect();
        letters.windows(letters.len().clamp(2, 3)).map(Self::run).collect()
    }

    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// What a message may have beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Has {
    File,
    Image,
    Link,
}

impl Has {
    pub const ALL: [Self; 3] = [Self::File, Self::Image, Self::Link];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Image => "image",
            Self::Link => "link",
        }
    }

    /// Whether a message has it, whose folded text this is.
    #[must_use]
    pub fn is_in(self, message: &Message, folded: &str) -> bool {
        match self {
            Self::File => !message.attachments.is_empty(),
            Self::Image => message.attachments.iter().any(|file| file.media_type.starts_with("image/")),
            Self::Link => folded.contains("https://") || folded.contains("http://"),
        }
    }
}

/// Where a message stands among all: by time, then by its place in its room. Two may share one by
/// chance, in which case the index moves one of them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(i64);

impl Place {
    /// Of each time so many.
    const BITS: u32 = 20;
    /// The last millisecond that has places, some centuries on.
    const LAST: i64 = (1 << 43) - 1;

    /// The first place of a time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(time.millis().clamp(0, Self::LAST) << Self::BITS)
    }

    fn of(time: Timestamp, room: RoomId, seq: Seq) -> Self {
        let room = i64::from(Term::room(room).number() & 0xff);
        Self(Self::at(time).0 | (seq.stored() & 0xfff) << 8 | room)
    }

    #[must_use]
    pub const fn from_stored(number: i64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn stored(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A message as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    pub place: Place,
    pub folded: String,
    /// In their order, each once.
    pub terms: Vec<Term>,
}

impl Indexed {
    /// Nothing of a deleted message.
    #[must_use]
    pub fn of(message: &Message) -> Option<Self> {
        if message.deleted_at.is_some() {
            return None;
        }
        let folded = fold(&message.content);
        let has = Has::ALL.into_iter().filter(|has| has.is_in(message, &folded)).map(Term::has);
        let mut terms = Term::all_of(&folded);
        terms.extend(has.chain([Term::room(message.room), Term::author(message.author)]));
        terms.sort_unstable();
        terms.dedup();
        Some(Self { place: Place::of(message.created_at, message.room, message.seq), folded, terms })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_people_take_for_the_same_are_the_same() {
        for (one, other) in [
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("οδός", "ΟΔΌΣ"),
            ("Cafe\u{301}", "CAFÉ"),
            ("ＡＢＣ　１", "abc 1"),
            ("ﬁnd", "FIND"),
            ("a\n\t b ", "A b"),
            ("İstanbul", "i\u{307}stanbul"),
            ("가", "\u{1100}\u{1161}"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("é"), fold("e"));
    }

    /// A part of a word is folded as it is within the word.
    #[test]
    fn a_part_is_found_in_the_whole() {
        for (whole, part) in [
            ("ΟΔΟΣ", "ΟΔ"),
            ("ΟΔΟΣ ΜΟΥ", "ΟΔΟΣ"),
            ("Straßenbahn", "ASSEN"),
            ("東京都庁", "京都"),
            ("👍🏽!", "👍🏽"),
        ] {
            assert!(fold(whole).contains(&fold(part)), "{part}");
        }
    }

    proptest! {
        #[test]
        fn what_is_folded_stays(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn who_holds_a_text_has_its_terms(before in ".{0,9}", text in ".{2,9}", after in ".{0,9}") {
            let (whole, asked) = (Term::all_of(&format!("{before}{text}{after}")), Term::asked_of(&text));
            prop_assert!(!asked.is_empty() && asked.iter().all(|term| whole.contains(term)));
        }
    }
}
