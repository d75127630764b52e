//! PDF (ISO 32000): taken as it is, or refused where it runs something, sends something, leads to
//! another machine or holds other files. What a document does is said by names in its objects; objects
//! that are packed (`/ObjStm`) are unpacked, up to a bound, to see those too.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use memchr::{memchr_iter, memmem};

use super::marks::{has_archive, has_program, holds};
use super::{Rules, Unfit};

const BAD: Unfit = Unfit::Refused("the PDF is damaged or not whole");
const INSIDE: Unfit = Unfit::Refused("documents with other files inside are not taken");
const RUNS: Unfit =
    Unfit::Refused("a PDF that runs, sends or loads something, or holds other files, is not taken");
const CLOSED: Unfit =
    Unfit::Refused("a PDF that cannot be looked into, such as an encrypted one, is not taken");

/// The end of an archive's list, which readers of archives look for from the back.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";
/// How far from the end it may stand.
const ARCHIVE_TAIL: usize = 65_535 + 22;

/// Names that belong nowhere, neither in what is seen nor between packed bytes: they are so long that
/// they do not come by chance.
const NOWHERE: [&[u8]; 9] = [
    b"JavaScript",
    b"Launch",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"RichMedia",
    b"SubmitForm",
    b"ImportData",
    b"GoToE",
    b"Rendition",
];
/// Short ones, which do in a large picture: looked for where objects are.
const IN_NO_OBJECT: [&[u8]; 2] = [b"JS", b"XFA"];
/// How a file of another machine begins, as a text in brackets or in digits.
const ELSEWHERE: [&[u8]; 11] = [
    b"(\\134",
    b"(\\\\\\\\",
    b"(//",
    b"(file:",
    b"(\xfe\xff\0\\\\\0\\\\",
    b"(\xfe\xff\0/\0/",
    b"<5c5c",
    b"<2f2f",
    b"<66696c653a",
    b"<feff005c005c",
    b"<feff002f002f",
];
/// Longer than any name that is looked for.
const LONGEST: usize = 24;

/// Begins as one, ends as one, and nothing after that; a second file behind it would be found by
/// other readers.
pub(super) fn judge(bytes: &[u8], rules: &Rules) -> Result<(), Unfit> {
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', b'0'..=b'9', ..] => {}
        _ => return Err(BAD),
    }
    let end = memmem::rfind(bytes, b"%%EOF").ok_or(BAD)?;
    let after = bytes.get(end + 5..).unwrap_or_default();
    if !after.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) || !holds(bytes, b"startxref") {
        return Err(BAD);
    }
    let tail = bytes.get(bytes.len().saturating_sub(ARCHIVE_TAIL)..).unwrap_or_default();
    if holds(tail, ARCHIVE_END) || has_archive(bytes) || has_program(bytes) {
        return Err(INSIDE);
    }
    if has_name(bytes, &NOWHERE) {
        return Err(RUNS);
    }
    let (has_packed, has_links) = objects(bytes, rules)?;
    // Names can be read in an encrypted document, packed objects and addresses cannot.
    if (has_packed || has_links) && has_name(bytes, &[b"Encrypt"]) { Err(CLOSED) } else { Ok(()) }
}

/// Looks through everything that is no stream, and through packed objects. Whether there are such, and
/// whether there are links to other documents.
fn objects(bytes: &[u8], rules: &Rules) -> Result<(bool, bool), Unfit> {
    let (mut rest, mut left, mut has_packed, mut links) = (bytes, rules.unpacked, false, false);
    while let Some(at) = stream(rest) {
        let (before, data) = rest.split_at_checked(at).ok_or(BAD)?;
        let length = memmem::find(data, b"endstream").unwrap_or(data.len());
        let (data, after) = data.split_at_checked(length).ok_or(BAD)?;
        rest = after.strip_prefix(b"endstream").unwrap_or(after);
        // Whoever reads it by its list of objects might find one there that was passed over here.
        if holds_object(data) {
            return Err(RUNS);
        }
        links |= object(before)?;
        match names(before).filter(|name| name == b"ObjStm").count() {
            0 => continue,
            // An object that is not whole, which some read all the same.
            _ if holds(before, b"endstream") => return Err(CLOSED),
            1 => has_packed = true,
            _ => return Err(CLOSED),
        }
        links |= unpacked(before, data, &mut left, rules)?;
    }
    if has_name(rest, &[b"ObjStm"]) {
        return Err(CLOSED);
    }
    Ok((has_packed, links | object(rest)?))
}

/// Where the data of the next stream begins: behind its word, which stands behind what describes it.
fn stream(bytes: &[u8]) -> Option<usize> {
    memmem::find_iter(bytes, b"stream").find_map(|at| {
        let (before, word) = bytes.split_at_checked(at)?;
        let behind = word.get(6..)?;
        let spaces = behind.iter().take_while(|byte| **byte == b' ').count();
        let ends = matches!(behind.get(spaces), Some(b'\r' | b'\n'));
        let line = spaces + if behind.get(spaces..)?.starts_with(b"\r\n") { 2 } else { 1 };
        let last = before.iter().rfind(|byte| !is_space(byte));
        (ends && last == Some(&b'>')).then_some(at + 6 + line)
    })
}

/// Whether an object begins in it: two numbers and the word.
fn holds_object(bytes: &[u8]) -> bool {
    fn before(bytes: &[u8], is_part: fn(&u8) -> bool) -> Option<&[u8]> {
        let rest = bytes.iter().rposition(|byte| !is_part(byte)).map_or(0, |at| at + 1);
        bytes.get(..rest).filter(|rest| rest.len() < bytes.len())
    }
    memmem::find_iter(bytes, b"obj").any(|at| {
        let head = bytes.get(..at).unwrap_or_default();
        let parts: [fn(&u8) -> bool; 4] = [is_space, u8::is_ascii_digit, is_space, u8::is_ascii_digit];
        parts.iter().try_fold(head, |head, part| before(head, *part)).is_some()
    })
}

/// What objects say. Whether they lead to other documents.
fn object(text: &[u8]) -> Result<bool, Unfit> {
    if has_name(text, &NOWHERE) || has_name(text, &IN_NO_OBJECT) {
        return Err(RUNS);
    }
    let links = has_name(text, &[b"GoToR"]);
    let lower = if links { text.to_ascii_lowercase() } else { Vec::new() };
    if ELSEWHERE.iter().any(|begin| holds(&lower, begin)) { Err(RUNS) } else { Ok(links) }
}

/// Looks through packed objects. Whether they lead to other documents.
fn unpacked(about: &[u8], data: &[u8], left: &mut u64, rules: &Rules) -> Result<bool, Unfit> {
    if !has_name(about, &[b"Filter", b"F"]) {
        return object(data);
    }
    // One way of packing is unpacked here. Who needs another one, or two, can be looked for elsewhere.
    let is_other = |name: Vec<u8>| {
        name.ends_with(b"Decode") && name != b"FlateDecode" || name == b"Crypt" || name == b"Predictor"
    };
    if names(about).any(is_other) {
        return Err(CLOSED);
    }
    let mut text = Vec::new();
    let read = ZlibDecoder::new(data).take(*left + 1).read_to_end(&mut text).map_err(|_| CLOSED)?;
    *left = left.checked_sub(read as u64).ok_or_else(|| rules.unpacks_to_too_much())?;
    object(&text)
}

const fn is_space(byte: &u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// The names in a text, without their slashes and with their escapes undone (`/J#53`): of long ones the
/// beginning. There may be many, so they are not kept.
fn names(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    memchr_iter(b'/', text).map(|at| name(text.get(at + 1..).unwrap_or_default()))
}

fn has_name(text: &[u8], these: &[&[u8]]) -> bool {
    names(text).any(|name| these.contains(&name.as_slice()))
}

fn name(mut rest: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    while let [byte, after @ ..] = rest
        && name.len() < LONGEST
        && !is_space(byte)
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
    {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let escaped = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match escaped.filter(|_| *byte == b'#') {
            Some(byte) => {
                name.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                name.push(*byte);
                rest = after;
            }
        }
    }
    name
}
