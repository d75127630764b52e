//! Files of people: what is taken, where the bytes lie, and who looks after them.
//!
//! A file is judged by its content before a byte of it is stored ([`judge`]), noted in the database
//! before it is stored ([`Intake`]), and forgotten there after its bytes are gone ([`Collector`]): a
//! crash at any moment leaves nothing that nobody knows of. Knows the domain and the store's traits;
//! no actor, no HTTP. Next: [`Blobs`], then `objects`, the adapter.

pub mod clamd;
pub mod collector;
mod intake;
pub mod judge;
pub mod objects;
mod pool;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
pub use collector::Collector;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
pub use intake::{Counts, Intake, Outcome};

use crate::domain::FileId;
use crate::store::FilePurpose;

/// One of the things that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blob {
    Attachment(FileId),
    Thumbnail(FileId),
    Avatar(FileId),
}

impl Blob {
    /// Everything that may be kept of a file.
    #[must_use]
    pub fn all_of(id: FileId, purpose: FilePurpose) -> Vec<Self> {
        match purpose {
            FilePurpose::Attachment => vec![Self::Thumbnail(id), Self::Attachment(id)],
            FilePurpose::Avatar => vec![Self::Avatar(id)],
        }
    }
}

/// How a blob is to be shown by whoever hands it out without us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    pub media_type: String,
    /// The value of `Content-Disposition`.
    pub disposition: String,
}

/// A part of a blob, or all of it.
pub struct Piece {
    /// Of the whole blob.
    pub size: u64,
    pub range: Range<u64>,
    pub bytes: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({:?} of {})", self.range, self.size)
    }
}

/// Why a blob was not stored or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// There is no such blob.
    Absent,
    /// The store of blobs did not do it; the text is for the log.
    Unavailable(String),
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no such blob"),
            Self::Unavailable(cause) => write!(f, "the store of files: {cause}"),
        }
    }
}

impl std::error::Error for BlobError {}

/// What each call answers.
pub type Done<'a, T> = BoxFuture<'a, Result<T, BlobError>>;

/// Where bytes lie.
pub trait Blobs: Send + Sync + 'static {
    /// Stores all of it, or nothing. Storing the same again is no error.
    fn put(&self, blob: Blob, bytes: Bytes, labels: Labels) -> Done<'_, ()>;

    /// Reads these bytes, or all. A range that goes beyond the end is cut.
    fn get(&self, blob: Blob, range: Option<Range<u64>>) -> Done<'_, Piece>;

    /// An address at which whoever has it reads the blob for so long, where the store has such.
    fn link(&self, blob: Blob, life: Duration) -> Done<'_, Option<String>>;

    /// Takes it away. What is not there is no error.
    fn delete(&self, blob: Blob) -> Done<'_, ()>;

    /// Answers when the store does.
    fn ping(&self) -> Done<'_, ()>;
}

/// The value of `Content-Disposition`: a picture may be shown where it stands, everything else is
/// for saving. The name as RFC 6266 has it: once for everybody, once for those who know UTF-8.
#[must_use]
pub fn disposition(is_image: bool, name: &str) -> String {
    use fmt::Write as _;
    let how = if is_image { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let mut value = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            value.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition(true, "a \"b\".png"),
            "inline; filename=\"a__b_.png\"; filename*=UTF-8''a%20%22b%22.png"
        );
        assert_eq!(
            disposition(false, "é\r\n%.pdf"),
            "attachment; filename=\"____.pdf\"; filename*=UTF-8''%C3%A9%0D%0A%25.pdf"
        );
    }
}
