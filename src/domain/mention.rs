//! Whom a text names: `@username`. Finds the names that may be meant; who of them is a member is
//! for the caller to know.

use super::{UserId, Username};

/// Mentions in one text. What comes after them is only text: naming everyone is no mention.
pub const MAX: usize = 50;

/// The keys (see [`Username::key`]) of all names that `text` may mean, each once. None for most
/// texts, so that nothing needs to be looked up.
#[must_use]
pub fn candidates(text: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in mentions(text).flat_map(readings) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Whom `text` mentions, each once, in the order of the text. `known` answers who may be meant by
/// a key; of the readings of one mention the longest that is known counts.
pub fn mentioned(text: &str, known: impl Fn(&str) -> Option<UserId>) -> Vec<UserId> {
    let mut people = Vec::new();
    for user in mentions(text).filter_map(|run| readings(run).find_map(|key| known(&key))) {
        if !people.contains(&user) {
            people.push(user);
        }
    }
    people
}

/// Whether `text` may mean anybody at all.
#[must_use]
pub fn names_somebody(text: &str) -> bool {
    let Groups { everyone, present } = groups(text);
    everyone || present || !candidates(text).is_empty()
}

/// Names that nobody new is given, as they stand for many.
pub const GROUPS: [&str; 2] = ["room", "here"];

/// Whom a text names at once, if its author may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// `@room`: every member.
    pub everyone: bool,
    /// `@here`: every member who is there now.
    pub present: bool,
}

/// The groups that `text` names.
#[must_use]
pub fn groups(text: &str) -> Groups {
    let [everyone, present] = GROUPS.map(|group| {
        mentions(text).any(|run| run.trim_end_matches(may_end_a_sentence).eq_ignore_ascii_case(group))
    });
    Groups { everyone, present }
}

/// What follows each `@` that begins a mention. One inside a word, a path or an address begins
/// none, and nor does one whose name another `@` ends.
fn mentions(text: &str) -> impl Iterator<Item = &str> {
    let begins = |before: &str| {
        !before.chars().next_back().is_some_and(|c| Username::allows(c) || matches!(c, '@' | '/' | '+' | '%'))
    };
    text.match_indices('@')
        .filter_map(move |(at, sign)| {
            // Both are boundaries: `match_indices` found the sign between them.
            let (before, rest) = (text.get(..at)?, text.get(at + sign.len()..)?);
            let end = rest.find(|c| !Username::allows(c)).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(end)?;
            (begins(before) && !after.starts_with('@')).then_some(run)
        })
        .take(MAX)
}

/// The keys that one mention may stand for, longest name first: what may end a name may also end
/// the sentence that it stands in.
fn readings(run: &str) -> impl Iterator<Item = String> {
    // No more of it can be a name, and it may be as long as the text.
    let end = run.char_indices().nth(Username::MAX).map_or(run.len(), |(end, _)| end);
    let sure = run.trim_end_matches(may_end_a_sentence);
    let longest = run.get(..end).filter(|_| sure.len() <= end);
    std::iter::successors(longest, |name| name.strip_suffix(may_end_a_sentence))
        .filter_map(|name| Username::parse(name).ok())
        .map(|name| name.key())
}

fn may_end_a_sentence(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_after_an_at_sign_may_be_meant_whatever_its_case() {
        assert_eq!(candidates("@Alice, (@bob) and\n@ÄLICE: hi"), ["alice", "bob", "älice"]);
        assert_eq!(candidates("@bob @BOB"), ["bob"]);
        assert_eq!(candidates("@x.y-z_1"), ["x.y-z_1"]);
    }

    #[test]
    fn inside_a_word_an_address_or_a_path_nobody_is_meant() {
        for text in [
            "bob@example.com",
            "b.@example",
            "a+@bob",
            "@bob@example.com",
            "@@bob",
            "https://example.com/@bob",
            "@ bob",
            "@bo",
            "bob",
            "",
        ] {
            assert!(candidates(text).is_empty(), "{text}");
        }
        assert!(candidates(&format!("@{}", "x".repeat(31))).is_empty());
    }

    #[test]
    fn a_full_stop_may_end_the_name_or_the_sentence() {
        assert_eq!(candidates("@bob.."), ["bob..", "bob.", "bob"]);
        let (bob, dotted) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let both = |key: &str| match key {
            "bob" => Some(bob),
            "bob." => Some(dotted),
            _ => None,
        };
        assert_eq!(mentioned("@bob.. @bob", both), [dotted, bob]);
        assert_eq!(mentioned("@bob... @bob", |key| (key == "bob").then_some(bob)), [bob]);
        assert_eq!(candidates("@bob.example").len(), 1);
    }

    #[test]
    fn groups_are_named_like_people() {
        let of = |text| (groups(text).everyone, groups(text).present);
        assert_eq!(of("hi @room, and (@HERE)..."), (true, true));
        assert_eq!(of("@Room."), (true, false));
        assert_eq!(of("@here-"), (false, true));
        for text in
            ["room", "@rooms", "@hereby", "x@here", "here@example.com", "@@room", "@room@example.com", ""]
        {
            assert_eq!(of(text), (false, false), "{text}");
        }
    }

    #[test]
    fn a_long_tail_costs_no_more_than_a_name() {
        assert_eq!(candidates(&format!("@bob{}", ".".repeat(8_000))).len(), Username::MAX - 2);
        assert_eq!(candidates(&(0..500).map(|n| format!("@user{n} ")).collect::<String>()).len(), MAX);
    }

    proptest! {
        #[test]
        fn a_name_set_off_by_blanks_is_found_in_any_text(
            name in "[a-zA-Z0-9äÖß_.-]{3,20}", before in "[^@]{0,20}", after in "\\PC{0,20}",
        ) {
            let key = Username::parse(&name).expect("a name").key();
            let text = format!("{before} @{} {after}", name.to_lowercase());
            prop_assert!(candidates(&text).contains(&key), "{text}");
            let user = UserId(Uuid::from_u128(1));
            prop_assert_eq!(mentioned(&text, |found| (found == key).then_some(user)), [user]);
        }

        #[test]
        fn only_candidates_are_mentioned_and_their_number_is_bounded(text in "[@a-c._ \\-ä/]{0,200}") {
            let keys = candidates(&text);
            prop_assert!(keys.len() <= MAX * Username::MAX);
            let asked = std::cell::RefCell::new(Vec::new());
            let _nobody = mentioned(&text, |key| {
                asked.borrow_mut().push(key.to_owned());
                None
            });
            prop_assert!(asked.into_inner().iter().all(|key| keys.contains(key)));
        }
    }
}
