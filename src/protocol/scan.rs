//! What is looked at before, and apart from, the shape of a frame: its depth and its `ref`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Reference;

pub(super) fn reference_of(raw: &RawValue) -> Option<Reference> {
    const MAX_SAFE: u64 = 1 << 53;
    if let Ok(number) = serde_json::from_str::<i64>(raw.get()) {
        return (number.unsigned_abs() < MAX_SAFE).then_some(Reference::Number(number));
    }
    let text = serde_json::from_str::<Box<str>>(raw.get()).ok()?;
    (text.len() <= 64).then_some(Reference::Text(text))
}

/// The `ref` of an object that is no envelope, so that its sender can tell what failed.
pub(super) fn salvage(text: &str) -> Option<Reference> {
    #[derive(Deserialize)]
    struct Ref<'a> {
        #[serde(borrow, rename = "ref")]
        reference: Option<&'a RawValue>,
    }
    serde_json::from_str::<Ref<'_>>(text).ok()?.reference.and_then(reference_of)
}

/// Whether brackets nest deeper than `depth`: looked at before any parser recurses.
pub(super) fn deeper_than(text: &str, depth: usize) -> bool {
    let (mut open, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                open += 1;
                if open > depth {
                    return true;
                }
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    false
}
