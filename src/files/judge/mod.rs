//! What a file is, by its content alone, and what of it is kept. A function of bytes: no I/O.
//!
//! Pictures are taken apart and put together again from what is needed to show them, so that
//! neither a place nor a second file inside stays; documents are looked through and taken as they
//! are, or refused. Whatever is not sure is refused. Next: [`pictures`], [`documents`], [`pdf`].

mod documents;
mod gif;
mod jpeg;
mod marks;
mod pdf;
mod pictures;
mod png;
mod xml;

use bytes::Bytes;

use crate::domain::FileKind;

pub use pictures::avatar;

/// What is taken.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Width times height of a picture.
    pub pixels: u64,
    /// Frames of a moving picture.
    pub frames: u32,
    /// Bytes that a document may have when it is unpacked.
    pub unpacked: u64,
    /// The longer side of a thumbnail, in pixels.
    pub thumbnail: u32,
    /// The side of somebody's picture, in pixels.
    pub avatar: u32,
}

/// So many times the pixels of one picture may all frames of a moving one have together.
const MOVING: u64 = 16;

impl Rules {
    /// Whether a picture of this size is none too many.
    fn fits(&self, width: u32, height: u32) -> Result<(), Unfit> {
        let (pixels, most) = (u64::from(width) * u64::from(height), self.pixels);
        let wrong =
            || Unfit::TooLarge(format!("a picture may have at most {most} pixels, this has {pixels}"));
        (pixels <= most).then_some(()).ok_or_else(wrong)
    }

    /// The same of one that moves: so many frames, with so many pixels together.
    fn fits_moving(&self, frames: u32, pixels: u64) -> Result<(), Unfit> {
        let (most, together) = (self.frames, self.pixels.saturating_mul(MOVING));
        if frames > most {
            let why = format!("a moving picture may have at most {most} frames, this has {frames}");
            return Err(Unfit::TooLarge(why));
        }
        let wrong = || {
            Unfit::TooLarge(format!(
                "all frames of a moving picture may have at most {together} pixels together, these have {pixels}"
            ))
        };
        (pixels <= together).then_some(()).ok_or_else(wrong)
    }

    fn unpacks_to_too_much(&self) -> Unfit {
        Unfit::TooLarge(format!("a document may have at most {} bytes when it is unpacked", self.unpacked))
    }
}

/// A file that is taken.
#[derive(Clone, Debug)]
pub struct Judged {
    pub kind: FileKind,
    /// As it is kept.
    pub bytes: Bytes,
    /// A small picture of it, as JPEG or PNG.
    pub thumbnail: Option<Thumbnail>,
}

/// A small picture.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    pub kind: FileKind,
    pub bytes: Bytes,
}

/// Why a file is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// None of the sorts that are taken, or damaged, or with something in it that does not belong there.
    Refused(&'static str),
    /// It is what it says, and too much of it: how much there may be.
    TooLarge(String),
}

/// The sort that the first bytes speak of; whether it is one is seen later.
fn sort(bytes: &[u8]) -> Option<FileKind> {
    const SORTS: [(&[u8], FileKind); 7] = [
        (b"\xff\xd8\xff", FileKind::Jpeg),
        (b"\x89PNG\r\n\x1a\n", FileKind::Png),
        (b"GIF87a", FileKind::Gif),
        (b"GIF89a", FileKind::Gif),
        (b"%PDF-", FileKind::Pdf),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind::Doc),
        (b"PK\x03\x04", FileKind::Docx),
    ];
    SORTS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind)
}

/// The media type of a picture that was made here.
#[must_use]
pub fn shown_as(bytes: &[u8]) -> &'static str {
    sort(bytes).filter(|kind| kind.is_image()).unwrap_or(FileKind::Jpeg).media_type()
}

/// Judges a file.
///
/// # Errors
/// See [`Unfit`].
pub fn judge(bytes: &Bytes, rules: &Rules) -> Result<Judged, Unfit> {
    let kind = sort(bytes).ok_or(Unfit::Refused(NONE_OF_THEM))?;
    match kind {
        FileKind::Jpeg | FileKind::Png | FileKind::Gif => return pictures::judge(kind, bytes, rules),
        FileKind::Pdf => pdf::judge(bytes, rules)?,
        FileKind::Doc => documents::doc(bytes)?,
        FileKind::Docx => documents::docx(bytes, rules)?,
    }
    Ok(Judged { kind, bytes: bytes.clone(), thumbnail: None })
}

/// What is said of everything else.
pub const NONE_OF_THEM: &str =
    "only JPEG, PNG, GIF, PDF, DOC and DOCX files are taken, as their content says";
