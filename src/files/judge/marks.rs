//! Marks by which archives and programs are known, at the beginning of something and inside of it.
//!
//! Readers of archives look behind whatever stands in front, and what is hidden in a picture is cut out
//! of it: so it is looked for everywhere. Short marks come by chance in a large picture: there, what
//! follows one must fit too.

use memchr::memmem;

/// How something begins that runs, holds others, or is opened by another program.
const BEGINNINGS: [&[u8]; 13] = [
    b"PK",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"MSCF",
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"{\\rt",
    b"L\0\0\0\x01\x14\x02\0",
];

/// Programs, by marks that do not come by chance.
const PROGRAMS: [&[u8]; 4] = [
    // A link of Windows.
    b"L\0\0\0\x01\x14\x02\0",
    // Mach-O for several machines, and Java.
    b"\xca\xfe\xba\xbe\0\0\0",
    b"\xcf\xfa\xed\xfe\x07\0\0\x01",
    b"\xcf\xfa\xed\xfe\x0c\0\0\x01",
];
/// Archives, the same.
const ARCHIVES: [&[u8]; 8] = [
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\xfd7zXZ\0",
    b"MSCF\0\0\0\0",
    b"!<arch>\n",
    // TAR has its mark after a name; both spellings of it.
    b"ustar\x0000",
    b"ustar  \0",
    // Files of programs that hold others (OLE).
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
];

type Fits = fn(&[u8]) -> bool;

/// Marks that come by chance, and whether what begins with one fits.
const DOUBTFUL_PROGRAMS: [(&[u8], Fits); 2] = [(b"MZ", is_windows), (b"\x7fELF", is_unix)];
const DOUBTFUL_ARCHIVES: [(&[u8], Fits); 5] = [
    (b"PK\x03\x04", is_zip_part),
    (b"PK\x05\x06", is_zip_end),
    (b"\x1f\x8b\x08", is_gzip),
    (b"BZh", is_bzip2),
    (b"\x28\xb5\x2f\xfd", is_zstd),
];

pub(super) fn holds(bytes: &[u8], what: &[u8]) -> bool {
    memmem::find(bytes, what).is_some()
}

/// Whether it begins as an archive, a program, or what another program opens.
pub(super) fn is_another(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|mark| bytes.starts_with(mark)) || has_archive(bytes) || has_program(bytes)
}

/// Whether an archive stands anywhere in it.
pub(super) fn has_archive(bytes: &[u8]) -> bool {
    has(bytes, &ARCHIVES, &DOUBTFUL_ARCHIVES)
}

/// Whether a program stands anywhere in it.
pub(super) fn has_program(bytes: &[u8]) -> bool {
    has(bytes, &PROGRAMS, &DOUBTFUL_PROGRAMS)
}

fn has(bytes: &[u8], sure: &[&[u8]], doubtful: &[(&[u8], Fits)]) -> bool {
    let fits = |(mark, fits): &(&[u8], Fits)| {
        memmem::find_iter(bytes, mark).any(|at| fits(bytes.get(at..).unwrap_or_default()))
    };
    sure.iter().any(|mark| holds(bytes, mark)) || doubtful.iter().any(fits)
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?)).ok()
}

/// A header of MS-DOS that leads to one of Windows.
fn is_windows(bytes: &[u8]) -> bool {
    let header = le32(bytes, 0x3c).and_then(|at| bytes.get(at..));
    header.is_some_and(|header| header.starts_with(b"PE\0\0"))
}

/// Of 32 or 64 bits, either end first, version 1.
fn is_unix(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..7), Some([1 | 2, 1 | 2, 1]))
}

/// A version and a method that there are, and a name of some length.
fn is_zip_part(bytes: &[u8]) -> bool {
    let version = le16(bytes, 4).is_some_and(|version| version <= 63);
    let method = le16(bytes, 8).is_some_and(|method| method <= 99);
    version && method && le16(bytes, 26).is_some_and(|name| (1..=1_024).contains(&name))
}

/// On the first disk, with all its entries there.
fn is_zip_end(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some([0; 4].as_slice()) && bytes.len() >= 22 && bytes.get(8..10) == bytes.get(10..12)
}

/// No flag that means nothing; a level and a system that there are.
fn is_gzip(bytes: &[u8]) -> bool {
    matches!((bytes.get(3), bytes.get(8), bytes.get(9)), (Some(0..=31), Some(0 | 2 | 4), Some(0..=13 | 255)))
}

/// A size, and the number that begins each block.
fn is_bzip2(bytes: &[u8]) -> bool {
    matches!(bytes.get(3), Some(b'1'..=b'9'))
        && bytes.get(4..10) == Some(b"\x31\x41\x59\x26\x53\x59".as_slice())
}

/// A head without the flag that means nothing, and a block that is no larger than blocks are.
fn is_zstd(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(4).copied() else { return false };
    let is_single = head & 0x20 != 0;
    let size = match head >> 6 {
        0 => usize::from(is_single),
        n => 1 << n,
    };
    let dictionary = [0, 1, 2, 4].get(usize::from(head & 3)).copied().unwrap_or_default();
    let block = 5 + usize::from(!is_single) + dictionary + size;
    let Some([a, b, c]) = bytes.get(block..block + 3) else { return false };
    let block = u32::from_le_bytes([*a, *b, *c, 0]);
    head & 8 == 0 && block >> 1 & 3 != 3 && block >> 3 <= 128 * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_an_archive_is_one() {
        let mut part = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
        part.resize(26, 0);
        part.extend(b"\x05\0\0\0a.txt");
        let mut end = b"PK\x05\x06".to_vec();
        end.resize(22, 0);
        assert!(has_archive(&part) && has_archive(&end));
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for plain in [
            &b"PK\x03\x04 is how an archive begins"[..],
            b"MZ",
            b"\x7fELF is a word",
            b"\x1f\x8b\x08\xff",
            b"BZh9 and more",
            b"\x28\xb5\x2f\xfd",
            b"ustar",
        ] {
            assert!(!has_archive(plain) && !has_program(plain), "{plain:?}");
        }
    }
}
