//! Messages: what a person wrote, and what the log keeps of it.

use unicode_normalization::UnicodeNormalization;

use super::refusal::Invalid;
use super::text::is_blank;
use super::{Attachment, ClientMsgId, FileId, MessageAt, MessageId, Reason, RoomId, Seq, Timestamp, UserId};

/// The text of a message: trimmed, in Unicode normal form C; empty only beside files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// `max` is in characters.
    ///
    /// # Errors
    /// When nothing of it can be seen, it is longer than `max`, or it holds U+0000.
    pub fn parse(raw: &str, max: usize) -> Result<Self, Invalid> {
        Self::beside_files(raw, max, 0)
    }

    /// As [`Content::parse`], of a message that has so many files: beside some the text may be
    /// empty.
    ///
    /// # Errors
    /// As there.
    pub fn beside_files(raw: &str, max: usize, files: usize) -> Result<Self, Invalid> {
        let raw = raw.trim();
        // ASCII is composed already, and most of what is written is ASCII.
        let text: String = if raw.is_ascii() { raw.to_owned() } else { raw.nfc().collect() };
        // What is seen begins most texts, so this looks at one character.
        let text = if is_blank(&text) { String::new() } else { text };
        if text.is_empty() && files == 0 {
            return Err(Invalid::new("content", "must not be empty"));
        }
        // Bytes bound characters from above, so most texts need no second walk.
        if text.len() > max && text.chars().count() > max {
            return Err(Invalid::new("content", format!("may have at most {max} characters")));
        }
        if text.contains('\0') {
            return Err(Invalid::new("content", "may not hold U+0000"));
        }
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A message as its author sends it. Two drafts with one key are the same message exactly when
/// they are equal and go to the same room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub client_msg_id: ClientMsgId,
    pub content: Content,
    /// Files, in the author's order.
    pub attachments: Vec<FileId>,
    pub reply_to: Option<MessageId>,
}

impl Draft {
    /// What a retry is compared by: the body **as first sent**, whatever edits came since.
    /// Lengths are written before values, so no two bodies share a text.
    #[must_use]
    pub fn body_key(&self) -> String {
        let mut key = format!("{}:{}", self.content.0.len(), self.content.0);
        key.push_str(&format!("|{}", self.attachments.len()));
        for attachment in &self.attachments {
            key.push_str(&format!(":{attachment}"));
        }
        if let Some(reply_to) = self.reply_to {
            key.push_str(&format!("|{reply_to}"));
        }
        key
    }
}

/// A stored message as it is now. A deleted one keeps its place with empty content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub room: RoomId,
    /// The `seq` of its creation, for ever.
    pub seq: Seq,
    pub author: UserId,
    pub client_msg_id: ClientMsgId,
    /// Empty when deleted.
    pub content: String,
    /// None when deleted.
    pub attachments: Vec<Attachment>,
    pub reply_to: Option<MessageId>,
    /// Of a reply: the message that its thread began with, which is no reply itself.
    pub thread_root: Option<MessageId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// Of a deleted one, where another than its author did it.
    pub removal: Option<Removal>,
}

/// Who took away what another wrote, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    pub by: UserId,
    pub reason: Option<Reason>,
}

impl Message {
    /// How many of a room may be pinned.
    pub const MAX_PINS: usize = 50;

    #[must_use]
    pub const fn at(&self) -> MessageAt {
        MessageAt { id: self.id, seq: self.seq }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn draft(content: &str) -> Draft {
        Draft {
            client_msg_id: ClientMsgId(Uuid::nil()),
            content: Content::parse(content, 100).expect("valid"),
            attachments: Vec::new(),
            reply_to: None,
        }
    }

    #[test]
    fn content_is_trimmed_and_composed() {
        assert_eq!(Content::parse("  cafe\u{301} \n", 10).expect("valid").as_str(), "café");
    }

    #[test]
    fn content_is_counted_in_characters_not_bytes() {
        assert!(Content::parse(&"é".repeat(10), 10).is_ok());
        assert!(Content::parse(&"é".repeat(11), 10).is_err());
    }

    #[test]
    fn nothing_and_the_null_character_are_refused() {
        assert!(Content::parse(" \n\t ", 10).is_err());
        assert!(Content::parse("\u{200b}\u{2060}", 10).is_err());
        assert_eq!(Content::beside_files("\u{200b}", 10, 1).expect("a file is something").as_str(), "");
        assert!(Content::parse("a\0b", 10).is_err());
        assert_eq!(Content::beside_files(" ", 10, 1).expect("a file is something").as_str(), "");
    }

    #[test]
    fn bodies_that_differ_have_other_keys() {
        assert_eq!(draft("a ").body_key(), draft(" a").body_key());
        let mut with_file = draft("a");
        with_file.attachments.push(FileId(Uuid::from_u128(7)));
        let mut reply = draft("a");
        reply.reply_to = Some(MessageId(Uuid::from_u128(7)));
        let keys = [draft("a").body_key(), draft("b").body_key(), with_file.body_key(), reply.body_key()];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|b| a != b), "{a}");
        }
    }
}
