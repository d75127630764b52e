//! Documents of Word: taken as they are, after a look at how they are built, or refused. What runs or
//! loads something when a document is opened, and files inside of files, are refused where they can be
//! seen.

use std::io::{Cursor, Read as _};

use super::marks::{has_program, holds, is_another};
use super::{Rules, Unfit, xml};

const BAD_DOC: Unfit = Unfit::Refused("the DOC is damaged, or no document of Word");
const BAD_DOCX: Unfit = Unfit::Refused("the DOCX is damaged, or no document of Word");
const MACROS: Unfit = Unfit::Refused("documents with macros are not taken");
const INSIDE: Unfit = Unfit::Refused("documents with other files inside are not taken");
const PRETENDS: Unfit = Unfit::Refused("a picture in the DOCX is not what it says it is");
const LOADS: Unfit = Unfit::Refused("the document asks another program for data when it is opened");

/// The end of an archive's list.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";
/// Entries of an archive.
const ENTRIES: usize = 2_000;

/// A compound file with a document of Word in it, and neither macros nor packages.
pub(super) fn doc(bytes: &[u8]) -> Result<(), Unfit> {
    let mut file = cfb::CompoundFile::open_strict(Cursor::new(bytes)).map_err(|_| BAD_DOC)?;
    for (n, entry) in file.walk().enumerate() {
        let name = entry.name().trim_start_matches('\u{1}').to_ascii_lowercase();
        if n > ENTRIES {
            return Err(BAD_DOC);
        }
        match name.as_str() {
            "macros" | "vba" | "_vba_project" | "_vba_project_cur" => return Err(MACROS),
            "ole10native" | "package" | "objectpool" => return Err(INSIDE),
            _ => {}
        }
    }
    let mut magic = [0; 2];
    let mut text = file.open_stream("/WordDocument").map_err(|_| BAD_DOC)?;
    text.read_exact(&mut magic).map_err(|_| BAD_DOC)?;
    if u16::from_le_bytes(magic) != 0xa5ec {
        return Err(BAD_DOC);
    }
    let mut rest = Vec::new();
    text.read_to_end(&mut rest).map_err(|_| BAD_DOC)?;
    if asks(&rest) {
        return Err(LOADS);
    }
    // Word itself puts archives of its drawings into a DOC; programs it does not.
    if has_program(bytes) { Err(INSIDE) } else { Ok(()) }
}

/// Whether a field of the text asks another program for data: behind a field's mark, in characters of
/// one byte or of two.
fn asks(text: &[u8]) -> bool {
    memchr::memchr_iter(0x13, text).any(|at| {
        let code = text.get(at + 1..).unwrap_or_default().iter().filter(|byte| **byte != 0);
        let word = code.skip_while(|byte| byte.is_ascii_whitespace()).take(3);
        word.map(u8::to_ascii_uppercase).eq(*b"DDE")
    })
}

/// An archive from the first byte to the last, with the parts of a document of Word and no other.
/// Everything is unpacked once, up to a bound, so that sizes are not taken from who wrote them.
pub(super) fn docx(bytes: &[u8], rules: &Rules) -> Result<(), Unfit> {
    // The list's end is the file's end: neither a remark nor another archive behind it.
    let end = bytes.len().checked_sub(22).and_then(|at| bytes.get(at..)).ok_or(BAD_DOCX)?;
    if !end.starts_with(ARCHIVE_END) || !end.ends_with(&[0, 0]) {
        return Err(BAD_DOCX);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| BAD_DOCX)?;
    if archive.offset() != 0 || archive.len() > ENTRIES || archive.has_duplicate_names() {
        return Err(BAD_DOCX);
    }
    // What two readers would read in two ways, and bombs of parts that share their bytes.
    archive.validate_header_consistency().map_err(|_| BAD_DOCX)?;
    if archive.has_overlapping_files().map_err(|_| BAD_DOCX)? {
        return Err(BAD_DOCX);
    }
    let (mut left, mut is_document, mut has_text) = (rules.unpacked, false, false);
    for n in 0..archive.len() {
        let mut part = archive.by_index(n).map_err(|_| BAD_DOCX)?;
        let name = part.name().map_err(|_| BAD_DOCX)?.into_owned();
        let lower = name.to_ascii_lowercase();
        if part.is_symlink() || part.enclosed_name().is_none() || name.contains('\\') {
            return Err(BAD_DOCX);
        }
        if lower.contains("vbaproject") || lower.contains("vbadata") {
            return Err(MACROS);
        }
        if lower.starts_with("word/embeddings/") || lower.starts_with("word/activex/") {
            return Err(INSIDE);
        }
        let mut content = Vec::new();
        let read = part.by_ref().take(left + 1).read_to_end(&mut content).map_err(|_| BAD_DOCX)?;
        left = left.checked_sub(read as u64).ok_or_else(|| rules.unpacks_to_too_much())?;
        match name.as_str() {
            "[Content_Types].xml" => is_document = xml::types(&content)?,
            _ if name.ends_with('/') && content.is_empty() => {}
            _ => look_at(&lower, &content)?,
        }
        has_text |= name == "word/document.xml";
    }
    if is_document && has_text { Ok(()) } else { Err(BAD_DOCX) }
}

/// One part: of a sort that documents have, what its name says it is, and nothing else besides.
fn look_at(name: &str, content: &[u8]) -> Result<(), Unfit> {
    let file = name.rsplit('/').next().unwrap_or_default();
    let is_so = match file.rsplit_once('.').map(|(_, ending)| ending).ok_or(INSIDE)? {
        "rels" => return xml::relationships(content),
        "xml" | "vml" | "psmdcp" => return xml::part(content),
        "svg" => return xml::drawing(content),
        // The mark of a signature.
        "sigs" => return if content.is_empty() { Ok(()) } else { Err(INSIDE) },
        "odttf" | "ttf" | "otf" => true,
        "bin" if file.starts_with("printersettings") => true,
        "png" => content.starts_with(b"\x89PNG\r\n\x1a\n"),
        "jpg" | "jpeg" | "jpe" | "jfif" => content.starts_with(b"\xff\xd8\xff"),
        "gif" => content.starts_with(b"GIF87a") || content.starts_with(b"GIF89a"),
        "bmp" | "dib" => content.starts_with(b"BM"),
        "tif" | "tiff" => content.starts_with(b"II\x2a\0") || content.starts_with(b"MM\0\x2a"),
        "wdp" | "hdp" | "jxr" => content.starts_with(b"II\xbc"),
        "webp" => content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP".as_slice()),
        "emf" => content.starts_with(&[1, 0, 0, 0]) && content.get(40..44) == Some(b" EMF".as_slice()),
        "wmf" => [&b"\xd7\xcd\xc6\x9a"[..], b"\x01\0\x09\0", b"\x02\0\x09\0"]
            .iter()
            .any(|magic| content.starts_with(magic)),
        _ => return Err(INSIDE),
    };
    if is_another(content) {
        return Err(INSIDE);
    }
    // A page or a script behind a picture's head is none that a reader of pictures shows.
    if is_so && !holds(content, b"<script") { Ok(()) } else { Err(PRETENDS) }
}
