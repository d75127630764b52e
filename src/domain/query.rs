//! What people ask when they search: words, phrases in quotes, and filters. All of it must hold.

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use uuid::Uuid;

use super::refusal::Invalid;
use super::search::{Has, Indexed, Term, fold};
use super::{Message, RoomId, Timestamp, UserId, Username};

/// Characters of the longest query.
pub const MAX_CHARS: usize = 500;
/// Words and phrases of one query.
const MAX_WORDS: usize = 16;
/// Characters of a word, folded, by which an index is asked. Shorter ones are only looked for in what
/// the others find.
const LEAST: usize = 2;
/// Terms of words that an index is asked for: more would tell it nothing new.
const TERMS: usize = 32;
const DAY: Duration = Duration::from_secs(86_400);

/// Whose messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    Me,
    /// By the key of the name.
    Named(String),
    /// No name is as long as an id.
    Id(UserId),
}

/// A search. Empty lists and `None` ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Folded; each is somewhere in the message.
    pub words: Vec<String>,
    pub from: Option<From>,
    /// The name of a room, as it was written, or its id.
    pub room: Option<String>,
    pub has: Vec<Has>,
    /// Written from then on.
    pub since: Option<Timestamp>,
    /// Written before then.
    pub until: Option<Timestamp>,
}

fn wrong(message: impl Into<String>) -> Invalid {
    Invalid::new("query", message)
}

impl Query {
    /// # Errors
    /// On `query`, for words of which all are too short, filters that there are not, and too much of it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.chars().count() > MAX_CHARS {
            return Err(wrong(format!("may have at most {MAX_CHARS} characters")));
        }
        // No message holds it, and PostgreSQL takes no text with it.
        if text.contains('\0') {
            return Err(wrong("must not hold the character U+0000"));
        }
        let mut query = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (filter, after) = filter(rest);
            let (value, after) = value(after);
            match filter {
                Some(filter) => query.narrow(&filter.to_ascii_lowercase(), value)?,
                None => query.add_word(value)?,
            }
            rest = after.trim_start();
        }
        if query == Self::default() {
            return Err(wrong("must hold a word or a filter"));
        }
        let is_long = |word: &String| word.chars().count() >= LEAST;
        if !query.words.is_empty() && !query.words.iter().any(is_long) {
            return Err(wrong(format!("must hold a word of at least {LEAST} characters")));
        }
        Ok(query)
    }

    fn add_word(&mut self, word: &str) -> Result<(), Invalid> {
        let word = fold(word);
        if !word.is_empty() && !self.words.contains(&word) {
            self.words.push(word);
        }
        if self.words.len() > MAX_WORDS {
            return Err(wrong(format!("may hold at most {MAX_WORDS} words")));
        }
        Ok(())
    }

    fn narrow(&mut self, filter: &str, value: &str) -> Result<(), Invalid> {
        let value = value.trim();
        match filter {
            _ if value.is_empty() => Err(wrong(format!("says nothing behind {filter}:"))),
            "from" => {
                let name = value.strip_prefix('@').unwrap_or(value);
                let from = match (name, Uuid::try_parse(name)) {
                    ("me", _) => From::Me,
                    (_, Ok(id)) => From::Id(UserId(id)),
                    (name, Err(_)) => From::Named(Username::from_stored(name.to_owned()).key()),
                };
                set(&mut self.from, from, filter)
            }
            "in" => set(&mut self.room, value.to_owned(), filter),
            "has" => {
                let known = Has::ALL.into_iter().find(|has| has.word().eq_ignore_ascii_case(value));
                let has = known.ok_or_else(|| wrong("knows has:file, has:image and has:link"))?;
                if !self.has.contains(&has) {
                    self.has.push(has);
                }
                Ok(())
            }
            "before" => set(&mut self.until, midnight(value, filter)?, filter),
            "after" => set(&mut self.since, midnight(value, filter)?.plus(DAY), filter),
            _ => Err(wrong(
                "knows the filters from:, in:, has:, before: and after:; text with a colon stands in quotes",
            )),
        }
    }

    /// Terms of its words, which a message has that is meant. Of a single character there are none.
    #[must_use]
    pub fn terms(&self) -> Vec<Term> {
        let mut terms: Vec<Term> = self.words.iter().flat_map(|word| Term::asked_of(word)).collect();
        terms.sort_unstable();
        terms.dedup();
        terms.truncate(TERMS);
        terms
    }

    /// What else it has: what is asked for, and its author.
    #[must_use]
    pub fn filters(&self, author: Option<UserId>) -> Vec<Term> {
        self.has.iter().copied().map(Term::has).chain(author.map(Term::author)).collect()
    }

    /// Whether it asks for a room of this id and name.
    #[must_use]
    pub fn is_about(&self, room: RoomId, name: &str) -> bool {
        self.room.as_deref().is_none_or(|wanted| {
            Uuid::try_parse(wanted).is_ok_and(|id| id == room.0) || fold(wanted) == fold(name)
        })
    }

    /// Whether a message is meant, as it is now; rooms and permission are not looked at.
    #[must_use]
    pub fn matches(&self, message: &Message, author: Option<UserId>) -> bool {
        let Some(Indexed { folded, .. }) = Indexed::of(message) else { return false };
        self.words.iter().all(|word| folded.contains(word))
            && self.has.iter().all(|has| has.is_in(message, &folded))
            && author.is_none_or(|author| author == message.author)
            && self.since.is_none_or(|since| message.created_at >= since)
            && self.until.is_none_or(|until| message.created_at < until)
    }
}

fn set<T>(place: &mut Option<T>, value: T, filter: &str) -> Result<(), Invalid> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(wrong(format!("may hold {filter}: once"))),
    }
}

/// The filter that a text begins with: letters and a colon, but no link. And what is behind it.
fn filter(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((filter, after))
            if !filter.is_empty()
                && filter.bytes().all(|byte| byte.is_ascii_alphabetic())
                && !after.starts_with("//") =>
        {
            (Some(filter), after)
        }
        _ => (None, text),
    }
}

/// The word or the phrase that a text begins with, and what is behind it. A quote that is not closed
/// goes to the end. Telephones write quotes of their own.
fn value(text: &str) -> (&str, &str) {
    const QUOTES: [char; 3] = ['"', '“', '”'];
    match text.strip_prefix(QUOTES) {
        Some(quoted) => quoted.split_once(QUOTES).unwrap_or((quoted, "")),
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    }
}

/// The beginning of a day, in UTC.
fn midnight(text: &str, filter: &str) -> Result<Timestamp, Invalid> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    // Years have four digits, and no sign.
    let day = day.filter(|_| text.len() == 10 && text.starts_with(|first: char| first.is_ascii_digit()));
    let day = day.ok_or_else(|| wrong(format!("wants a day behind {filter}: as in 2026-01-31")))?;
    Ok(Timestamp::from_millis(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        Query::parse(text).expect("a query").words
    }

    #[test]
    fn words_and_phrases_are_told_apart() {
        for (text, expected) in [
            ("deploy", &["deploy"][..]),
            ("  Deploy   FAILED ", &["deploy", "failed"]),
            ("\"disk  is full\" now", &["disk is full", "now"]),
            ("“disk is full”", &["disk is full"]),
            ("\"never closed", &["never closed"]),
            ("it's 12:30", &["it's", "12:30"]),
            ("https://example.com/a?b", &["https://example.com/a?b"]),
            ("\"note: x\"", &["note: x"]),
            (":smile:", &[":smile:"]),
            ("東京 京都", &["東京", "京都"]),
            ("same SAME", &["same"]),
            ("fix a bug", &["fix", "a", "bug"]),
            ("\"\" ab", &["ab"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn filters_are_read_in_any_order_and_case() {
        let query = Query::parse(
            "From:@Bob has:LINK in:\"Big Room\" oops before:2026-01-31 has:file after:2026-01-01",
        );
        let day = |text| midnight(text, "before").expect("a day");
        let expected = Query {
            words: vec!["oops".into()],
            from: Some(From::Named("bob".into())),
            room: Some("Big Room".into()),
            has: vec![Has::Link, Has::File],
            since: Some(day("2026-01-02")),
            until: Some(day("2026-01-31")),
        };
        assert_eq!(query, Ok(expected));
        assert_eq!(Query::parse("from:me").expect("a query").from, Some(From::Me));
        let id = Uuid::from_u128(7);
        assert_eq!(Query::parse(&format!("from:{id}")).expect("a query").from, Some(From::Id(UserId(id))));
        assert_eq!(day("1970-01-02").millis(), 86_400_000);
    }

    #[test]
    fn what_nobody_can_mean_is_refused_on_the_query() {
        let long = "x".repeat(MAX_CHARS + 1);
        let many = (10..30).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        for text in [
            "",
            "   ",
            "a",
            "a b \"c\"",
            "a from:bob",
            "\"\"",
            "\" \"",
            "from:",
            "from: bob",
            "has:legs",
            "by:bob",
            "before:today",
            "before:2026-1-31",
            "before:2026-02-30",
            "after:+026-01-01",
            "from:a from:b",
            "in:x in:y",
            "a\0b",
            "from:a\0b",
            &long,
            &many,
        ] {
            assert_eq!(Query::parse(text).expect_err(text).field, "query");
        }
    }

    #[test]
    fn a_room_is_meant_by_its_id_or_its_name() {
        let id = RoomId(Uuid::from_u128(7));
        let about = |text: &str| Query::parse(text).expect("a query").is_about(id, "Große Halle");
        assert!(about("in:\"GROSSE HALLE\"") && about(&format!("in:{}", id.0)) && about("anything"));
        assert!(!about("in:große") && !about("in:00000000-0000-0000-0000-000000000008"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            if let Ok(query) = Query::parse(&text) {
                prop_assert!(query.words.iter().all(|word| !word.is_empty() && fold(word) == *word));
                prop_assert!(query.words.is_empty() || !query.terms().is_empty());
                prop_assert!(query.terms().len() <= TERMS);
            }
        }

        #[test]
        fn a_phrase_in_quotes_is_one_word(text in "[a-zäß:]{1,9}( [a-zäß:]{1,9}){1,3}") {
            prop_assert_eq!(words(&format!("\"{text}\"")), [fold(&text)]);
        }
    }
}
