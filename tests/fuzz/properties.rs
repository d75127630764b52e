//! What must hold of any input. The fuzzing looks for inputs by coverage; `tests/it/strangers.rs` puts
//! some to it with every change. Each answers what it saw, as what is refused holds whatever is said
//! of it.

use bytes::Bytes;
use chat::domain::query::{MAX_CHARS, Query};
use chat::domain::search::{Term, fold};
use chat::files::judge::{Rules, avatar, judge};
use chat::protocol::client::{Limits, Reference, decode};

// Small, so that what is large is met soon.
const RULES: Rules = Rules { pixels: 20_000, frames: 8, unpacked: 100_000, thumbnail: 32, avatar: 16 };
const LIMITS: Limits = Limits {
    frame_bytes: 2_000,
    resume_frame_bytes: 4_000,
    json_depth: 8,
    content_chars: 100,
    attachments: 2,
    subscriptions: 4,
    watched: 4,
};
/// Bytes of a name that a client gives a request.
const REFERENCE: usize = 64;
/// Characters that one may become by folding.
const WIDEST: usize = 20;

/// What is taken would be taken again, as the same sort: what is kept is no worse than what was judged.
/// Answers whether it is, and whether it is shown as somebody's picture.
pub fn file(bytes: &[u8]) -> (bool, bool) {
    let bytes = Bytes::copy_from_slice(bytes);
    let (taken, shown) = (judge(&bytes, &RULES), avatar(&bytes, &RULES));
    if let Ok(taken) = &taken {
        let again = judge(&taken.bytes, &RULES).expect("what is kept is fit");
        assert_eq!(again.kind, taken.kind);
        if let Some(thumbnail) = &taken.thumbnail {
            let small = judge(&thumbnail.bytes, &RULES).expect("a thumbnail is a picture");
            assert_eq!(small.kind, thumbnail.kind);
        }
    }
    if let Ok(shown) = &shown {
        judge(&shown.bytes, &RULES).expect("what is shown of somebody is a picture");
    }
    (taken.is_ok(), shown.is_ok())
}

/// A frame is a command or a refusal, and what is echoed of it is short. Answers whether it is a command,
/// and whether something is echoed.
pub fn frame(text: &str) -> (bool, bool) {
    let (is_command, reference) = match decode(text, &LIMITS) {
        Ok(frame) => (frame.command.is_ok(), frame.reference),
        Err(malformed) => (false, malformed.reference),
    };
    if let Some(Reference::Text(text)) = &reference {
        assert!(text.len() <= REFERENCE);
    }
    (is_command, reference.is_some())
}

/// Any part of a text finds it; no word is longer than can be looked for, nor are all too short. Answers how many
/// words found it.
pub fn query(text: &str, query: &str) -> usize {
    let text = fold(text);
    assert_eq!(fold(&text), text, "folded twice is folded once");
    let Ok(query) = Query::parse(query) else { return 0 };
    let indexed = Term::all_of(&text);
    let lengths: Vec<usize> = query.words.iter().map(|word| word.chars().count()).collect();
    assert!(lengths.iter().all(|length| (1..=MAX_CHARS * WIDEST).contains(length)), "{query:?}");
    assert!(lengths.is_empty() || lengths.iter().any(|length| *length >= 2), "{query:?}");
    let mut found = 0;
    for word in &query.words {
        if text.contains(word.as_str()) {
            assert!(Term::asked_of(word).iter().all(|term| indexed.contains(term)), "{word:?} is not found");
            found += 1;
        }
    }
    found
}
