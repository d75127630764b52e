//! JPEG (ITU T.81): kept are the tables, frames and scans, the note of how colours are meant, and
//! which side is up. Everything else, above all where and with what it was taken, is left out, as
//! is whatever comes after the end.

use super::Unfit;

const DAMAGED: Unfit = Unfit::Refused("the JPEG is damaged or not whole");

/// A JPEG without what nobody needs.
pub(super) struct Stripped {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of EXIF, 1 to 8; 1 is upright.
    pub(super) orientation: u8,
}

pub(super) fn strip(input: &[u8]) -> Result<Stripped, Unfit> {
    let mut out = vec![0xff, 0xd8];
    let mut rest = input.strip_prefix(b"\xff\xd8").ok_or(DAMAGED)?;
    let (mut size, mut orientation, mut scans) = (None, 1, 0_u32);
    // The head of the file, after which the side that is up is noted.
    let mut body = Vec::with_capacity(input.len());
    loop {
        let marker;
        (marker, rest) = next_marker(rest)?;
        match marker {
            // The end.
            0xd9 => break,
            // Restarts stand in scans only; a second beginning nowhere; marks without a length.
            0x00 | 0x01 | 0xd0..=0xd8 => return Err(DAMAGED),
            _ => {}
        }
        let length = usize::from(be16(rest).ok_or(DAMAGED)?);
        let segment = rest.get(..length).filter(|segment| segment.len() >= 2).ok_or(DAMAGED)?;
        rest = rest.get(length..).ok_or(DAMAGED)?;
        let payload = segment.get(2..).unwrap_or_default();
        if marker == 0xe1
            && let Some(found) = payload.strip_prefix(b"Exif\0\0").and_then(orientation_of)
        {
            orientation = found;
        }
        if is_frame(marker) {
            if size.is_some() {
                return Err(DAMAGED);
            }
            size = Some(dimensions(payload).ok_or(DAMAGED)?);
        }
        if is_kept(marker, payload) {
            body.extend([0xff, marker]);
            body.extend(segment);
        }
        if marker == 0xda {
            if size.is_none() {
                return Err(DAMAGED);
            }
            scans += 1;
            let scan = scan_length(rest)?;
            body.extend(rest.get(..scan).unwrap_or_default());
            rest = rest.get(scan..).ok_or(DAMAGED)?;
        }
    }
    let (width, height) = size.filter(|_| scans > 0).ok_or(DAMAGED)?;
    if orientation != 1 {
        out.extend(exif(orientation));
    }
    out.extend(body);
    out.extend([0xff, 0xd9]);
    Ok(Stripped { bytes: out, width, height, orientation })
}

/// The next marker, after any number of filling bytes.
fn next_marker(bytes: &[u8]) -> Result<(u8, &[u8]), Unfit> {
    let rest = bytes.strip_prefix(b"\xff").ok_or(DAMAGED)?;
    let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
    let marker = *rest.get(fill).ok_or(DAMAGED)?;
    Ok((marker, rest.get(fill + 1..).ok_or(DAMAGED)?))
}

/// Bytes of a scan up to the marker that ends it: zeroes after 0xff and restarts belong to it.
fn scan_length(bytes: &[u8]) -> Result<usize, Unfit> {
    let ends = |pair: &[u8]| matches!(pair, [0xff, mark] if *mark != 0 && *mark != 0xff && !(0xd0..=0xd7).contains(mark));
    bytes.windows(2).position(ends).ok_or(DAMAGED)
}

const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// Tables, frames, scans; JFIF's and Adobe's notes of how colours are meant; profiles of colours.
fn is_kept(marker: u8, payload: &[u8]) -> bool {
    match marker {
        0xc0..=0xcf | 0xda | 0xdb | 0xdd => true,
        // Without JFIF's own thumbnail.
        0xe0 => payload.starts_with(b"JFIF\0") && payload.len() == 14,
        0xe2 => payload.starts_with(b"ICC_PROFILE\0"),
        0xee => payload.starts_with(b"Adobe") && payload.len() == 12,
        _ => false,
    }
}

fn be16(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.first_chunk()?))
}

fn dimensions(frame: &[u8]) -> Option<(u32, u32)> {
    let [_, h1, h2, w1, w2] = *frame.first_chunk::<5>()?;
    let (width, height) = (u16::from_be_bytes([w1, w2]), u16::from_be_bytes([h1, h2]));
    (width > 0 && height > 0).then_some((width.into(), height.into()))
}

/// Reads one tag of the first directory of a TIFF.
fn orientation_of(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let two = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let four = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let directory = usize::try_from(four(4)?).ok()?;
    let entries = two(directory)?;
    let entry = |n: u16| directory.checked_add(2 + usize::from(n) * 12);
    let at = (0..entries).filter_map(entry).find(|at| two(*at) == Some(0x0112))?;
    let value = two(at.checked_add(8)?)?;
    u8::try_from(value).ok().filter(|value| (1..=8).contains(value))
}

/// EXIF that says which side is up, and nothing else.
fn exif(orientation: u8) -> [u8; 36] {
    let mut segment =
        *b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    if let Some(value) = segment.get_mut(29) {
        *value = orientation;
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_the_upper_side_is_read_again() {
        for orientation in 1..=8 {
            let segment = exif(orientation);
            assert_eq!(segment.len(), 2 + usize::from(be16(&segment[2..]).expect("a length")));
            let tiff = segment[4..].strip_prefix(b"Exif\0\0").expect("EXIF");
            assert_eq!(orientation_of(tiff), Some(orientation));
        }
        assert_eq!(orientation_of(b"MM\0\x2a\xff\xff\xff\xff"), None);
    }
}
