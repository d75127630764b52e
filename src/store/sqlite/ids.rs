//! Many ids as one value: a statement that asks for so many things is planned once for all of them.

use crate::domain::MessageId;

/// A list of them, as JSON has it.
pub(super) struct Ids(String);

impl Ids {
    pub(super) fn of(messages: &[MessageId]) -> Self {
        let quoted: Vec<String> = messages.iter().map(|id| format!("\"{}\"", id.0.simple())).collect();
        Self(format!("[{}]", quoted.join(",")))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a statement holds such a list: a `?` of its own.
macro_rules! ids {
    () => {
        "(SELECT unhex(value) FROM json_each(?))"
    };
}

pub(super) use ids;
