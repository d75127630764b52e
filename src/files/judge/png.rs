//! PNG (W3C): kept are the picture, its palette, what is see-through, and how its colours are
//! meant. Texts, times and whatever comes after the end are left out; what moves stands still.

use super::Unfit;

const DAMAGED: Unfit = Unfit::Refused("the PNG is damaged or not whole");
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A chunk without its data: length, kind and checksum.
const FRAME: usize = 12;

/// A PNG without what nobody needs.
pub(super) struct Stripped {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

pub(super) fn strip(input: &[u8]) -> Result<Stripped, Unfit> {
    let mut out = SIGNATURE.to_vec();
    let mut rest = input.strip_prefix(SIGNATURE).ok_or(DAMAGED)?;
    let mut size = None;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk().ok_or(DAMAGED)?));
        let whole = length.ok().and_then(|length| length.checked_add(FRAME)).ok_or(DAMAGED)?;
        let chunk = rest.get(..whole).ok_or(DAMAGED)?;
        rest = rest.get(whole..).ok_or(DAMAGED)?;
        let kind = chunk.get(4..8).ok_or(DAMAGED)?;
        let data = chunk.get(8..whole - 4).ok_or(DAMAGED)?;
        match (kind, size) {
            (b"IHDR", None) => size = Some(dimensions(data).ok_or(DAMAGED)?),
            (b"IHDR", Some(_)) | (_, None) => return Err(DAMAGED),
            _ => {}
        }
        // Profiles of colours are packed; beyond some size they are no such thing.
        let is_kept = match kind {
            b"IHDR" | b"PLTE" | b"IDAT" | b"IEND" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"sBIT"
            | b"pHYs" => true,
            b"iCCP" => data.len() <= 64 * 1024,
            // Critical and not known: such a picture cannot be shown.
            [first, ..] if first.is_ascii_uppercase() => return Err(DAMAGED),
            _ => false,
        };
        if is_kept {
            out.extend(chunk);
        }
        if kind == b"IEND" {
            break;
        }
    }
    let (width, height) = size.ok_or(DAMAGED)?;
    Ok(Stripped { bytes: out, width, height })
}

fn dimensions(header: &[u8]) -> Option<(u32, u32)> {
    let width = u32::from_be_bytes(*header.first_chunk()?);
    let height = u32::from_be_bytes(*header.get(4..)?.first_chunk()?);
    (header.len() == 13 && width > 0 && height > 0).then_some((width, height))
}
