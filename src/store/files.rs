//! What lies outside the database, and who has it. The blobs themselves are the business of
//! `crate::files`.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Answer;
use crate::domain::{Attachment, FileId, FileName, RoomId, Timestamp, UserId};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePurpose {
    Attachment,
    Avatar,
}

impl FilePurpose {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Avatar => "avatar",
        }
    }

    /// `None` for what only a newer version knows, which collects it.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Attachment, Self::Avatar].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// A file whose blobs are about to be stored.
#[derive(Clone, Debug)]
pub struct NewFile {
    pub owner: UserId,
    pub purpose: FilePurpose,
    pub attachment: Attachment,
    /// Bytes of all its blobs.
    pub stored_size: u64,
    /// Of the bytes that are served.
    pub sha256: [u8; 32],
    pub now: Timestamp,
}

/// A file that somebody may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadableFile {
    pub attachment: Attachment,
    /// Of the bytes that are served.
    pub sha256: [u8; 32],
    /// Where its message is; none while there is no message.
    pub room: Option<RoomId>,
}

/// From when on unused files are collected.
#[derive(Clone, Copy, Debug)]
pub struct Unused {
    /// Files that no message ever had, and pictures that were replaced.
    pub never_sent: Timestamp,
    /// Files of messages that were deleted.
    pub deleted: Timestamp,
}

/// Files.
pub trait Files: Send + Sync + 'static {
    /// Notes a file before its blobs are stored. It counts as unused from now on, so that what is
    /// never finished is collected.
    ///
    /// # Errors
    /// `OverQuota` when all files of the owner together would have more bytes than `quota`.
    fn reserve_file(&self, file: NewFile, quota: u64) -> Answer<'_, ()>;

    /// All blobs of the file are stored: it may be used. `false` when it is being collected
    /// already, or never was.
    fn complete_file(&self, id: FileId) -> Answer<'_, bool>;

    /// Makes a complete avatar of the user's own his picture, or takes the picture away; the one
    /// before is unused from the beginning of time.
    ///
    /// # Errors
    /// `NotFound` when there is no such avatar.
    fn set_avatar(&self, user: UserId, avatar: Option<FileId>) -> Answer<'_, ()>;

    /// An attachment, for someone who may read its message, and for its owner until it has one.
    ///
    /// # Errors
    /// `NotFound` for everybody else, and when the message was deleted.
    fn file(&self, id: FileId, viewer: UserId) -> Answer<'_, ReadableFile>;

    /// An attachment of a message of which a report is open, for somebody who moderates the server:
    /// that he does is asked elsewhere. His own is none of his to judge.
    ///
    /// # Errors
    /// `NotFound` for every other.
    fn reported_file(&self, id: FileId, moderator: UserId) -> Answer<'_, ReadableFile>;

    /// Hands out files that are due to be collected, the longest unused first, at most `limit`:
    /// to one collector at a time until `until`, and never to be used again.
    fn take_unused_files(
        &self,
        due: Unused,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Answer<'_, Vec<(FileId, FilePurpose)>>;

    /// The blobs of a file that was handed out are gone: forgets it.
    fn file_gone(&self, id: FileId) -> Answer<'_, ()>;
}

/// An attachment in the column of its message.
#[derive(Serialize, Deserialize)]
struct Listed {
    id: Uuid,
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    size: u64,
    #[serde(default)]
    thumbnail: bool,
}

/// What the column of a message holds; nothing for none.
pub(crate) fn listed(attachments: &[Attachment]) -> Option<String> {
    let row = |file: &Attachment| Listed {
        id: file.id.0,
        name: file.name.as_str().to_owned(),
        media_type: file.media_type.clone(),
        size: file.size,
        thumbnail: file.has_thumbnail,
    };
    let rows: Vec<_> = attachments.iter().map(row).collect();
    // Texts and numbers always have their JSON.
    (!rows.is_empty()).then(|| serde_json::to_string(&rows).unwrap_or_default())
}

/// What a message shows of its files. A deleted one shows none: an older server may have deleted
/// it, which left the column as it was.
pub(crate) fn shown(column: Option<String>, is_deleted: bool) -> Vec<Attachment> {
    let Some(text) = column.filter(|_| !is_deleted) else { return Vec::new() };
    let rows: Vec<Listed> = serde_json::from_str(&text).unwrap_or_else(|error| {
        log::error!("the attachments of a message cannot be read: {error}");
        Vec::new()
    });
    let file = |row: Listed| Attachment {
        id: FileId(row.id),
        name: FileName::from_stored(row.name),
        media_type: row.media_type,
        size: row.size,
        has_thumbnail: row.thumbnail,
    };
    rows.into_iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_shown_unless_the_message_was_deleted() {
        let file = |n, name: &str| Attachment {
            id: FileId(Uuid::from_u128(n)),
            name: FileName::from_stored(name.to_owned()),
            media_type: "image/png".to_owned(),
            size: 1 << 40,
            has_thumbnail: n == 1,
        };
        let files = vec![file(1, "a\"b.png"), file(2, "☕.png")];
        let column = listed(&files);
        assert_eq!(shown(column.clone(), false), files);
        assert!(shown(column, true).is_empty());
        assert_eq!(listed(&[]), None);
        assert!(shown(None, false).is_empty() && shown(Some("nonsense".into()), false).is_empty());
    }
}
