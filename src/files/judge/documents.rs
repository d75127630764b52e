//! Documents: taken as they are, after a look at how they are built, or refused. What runs when a
//! document is opened, and files inside of files, are refused where they can be seen.

use std::io::{Cursor, Read as _};

use super::{Rules, Unfit};

const BAD_PDF: Unfit = Unfit::Refused("the PDF is damaged or not whole");
const BAD_DOC: Unfit = Unfit::Refused("the DOC is damaged, or no document of Word");
const BAD_DOCX: Unfit = Unfit::Refused("the DOCX is damaged, or no document of Word");
const MACROS: Unfit = Unfit::Refused("documents with macros are not taken");
const INSIDE: Unfit = Unfit::Refused("documents with other files inside are not taken");
const RUNS: Unfit = Unfit::Refused("a PDF that runs something or holds other files is not taken");

/// The end of an archive's list, which readers of archives look for from the back.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";
/// How far from the end it may stand.
const ARCHIVE_TAIL: usize = 65_535 + 22;

/// How files begin that run or hold others.
const HOLDERS: [&[u8]; 9] = [
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"Rar!",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"MZ",
    b"\x7fELF",
];
/// Entries of an archive.
const ENTRIES: usize = 2_000;

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Begins as one, ends as one, and nothing after that; a second file behind it would be found by
/// other readers. What can be seen without unpacking its streams must not run anything.
pub(super) fn pdf(bytes: &[u8]) -> Result<(), Unfit> {
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9', ..] => {}
        _ => return Err(BAD_PDF),
    }
    let end = bytes.windows(5).rposition(|window| window == b"%%EOF").ok_or(BAD_PDF)?;
    let after = bytes.get(end + 5..).unwrap_or_default();
    if !after.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) || !holds(bytes, b"startxref") {
        return Err(BAD_PDF);
    }
    let tail = bytes.get(bytes.len().saturating_sub(ARCHIVE_TAIL)..).unwrap_or_default();
    if holds(tail, ARCHIVE_END) {
        return Err(INSIDE);
    }
    if bytes.split(|byte| *byte == b'/').skip(1).any(runs) { Err(RUNS) } else { Ok(()) }
}

/// Whether what follows a slash is a name that does not belong there: `/JS`, not `/JSon`.
fn runs(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] =
        [b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia", b"XFA"];
    let ends = |rest: &[u8]| rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric());
    NAMES.iter().any(|known| name.strip_prefix(*known).is_some_and(ends))
}

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
    if u16::from_le_bytes(magic) == 0xa5ec { Ok(()) } else { Err(BAD_DOC) }
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
    let (mut left, mut types, mut has_text) = (rules.unpacked, None, false);
    for n in 0..archive.len() {
        let mut part = archive.by_index(n).map_err(|_| BAD_DOCX)?;
        let name = part.name().map_err(|_| BAD_DOCX)?.into_owned();
        let lower = name.to_ascii_lowercase();
        if part.encrypted() || part.is_symlink() || part.enclosed_name().is_none() || name.contains('\\') {
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
        left = left.checked_sub(read as u64).ok_or(Unfit::TooLarge("the document, unpacked,"))?;
        if HOLDERS.iter().any(|magic| content.starts_with(magic)) || content.starts_with(b"\xd0\xcf\x11\xe0")
        {
            return Err(INSIDE);
        }
        match name.as_str() {
            "[Content_Types].xml" => types = Some(content),
            "word/document.xml" => has_text = true,
            _ => {}
        }
    }
    let types = types.filter(|_| has_text).ok_or(BAD_DOCX)?;
    if holds(&types, b"macroEnabled") {
        return Err(MACROS);
    }
    let main = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    if holds(&types, main) { Ok(()) } else { Err(BAD_DOCX) }
}
