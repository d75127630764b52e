//! PNG (W3C): kept are the picture, its palette, what is see-through, and how its colours are
//! meant. Texts, times and whatever comes after the end are left out; what moves stands still.

use std::io::Read as _;

use flate2::Crc;
use flate2::read::ZlibDecoder;

use super::{Rules, Unfit};

const DAMAGED: Unfit = Unfit::Refused("the PNG is damaged or not whole");
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A chunk without its data: length, kind and checksum.
const FRAME: usize = 12;
/// Profiles of colours are packed; beyond this, packed and unpacked, they are no such thing.
const PROFILE: usize = 64 * 1024;
const PROFILE_UNPACKED: u64 = 4 * 1024 * 1024;

/// A PNG without what nobody needs.
pub(super) struct Stripped {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

pub(super) fn strip(input: &[u8], rules: &Rules) -> Result<Stripped, Unfit> {
    let mut out = SIGNATURE.to_vec();
    let mut rest = input.strip_prefix(SIGNATURE).ok_or(DAMAGED)?;
    let (mut head, mut picture) = (None, Vec::new());
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk().ok_or(DAMAGED)?));
        let whole = length.ok().and_then(|length| length.checked_add(FRAME)).ok_or(DAMAGED)?;
        let chunk = rest.get(..whole).ok_or(DAMAGED)?;
        rest = rest.get(whole..).ok_or(DAMAGED)?;
        let kind = chunk.get(4..8).ok_or(DAMAGED)?;
        let data = chunk.get(8..whole - 4).ok_or(DAMAGED)?;
        match (kind, &head) {
            (b"IHDR", None) => {
                let found = Head::of(data).ok_or(DAMAGED)?;
                rules.fits(found.width, found.height)?;
                head = Some(found);
            }
            (b"IHDR", Some(_)) | (_, None) => return Err(DAMAGED),
            _ => {}
        }
        match kind {
            b"IHDR" | b"PLTE" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"sBIT" | b"pHYs" => {
                out.extend(chunk);
            }
            b"iCCP" if is_profile(data) => out.extend(chunk),
            // Put together, since what it unpacks to is looked at.
            b"IDAT" => picture.extend(data),
            b"IEND" => break,
            // Critical and not known: such a picture cannot be shown.
            [first, ..] if first.is_ascii_uppercase() => return Err(DAMAGED),
            _ => {}
        }
    }
    let head = head.ok_or(DAMAGED)?;
    // Nothing behind the packed picture: a second file could stand there.
    let packed = packed_length(&picture, head.unpacked())?;
    write(&mut out, *b"IDAT", picture.get(..packed).ok_or(DAMAGED)?)?;
    write(&mut out, *b"IEND", &[])?;
    Ok(Stripped { bytes: out, width: head.width, height: head.height })
}

fn write(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<(), Unfit> {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    out.extend(u32::try_from(data.len()).map_err(|_| DAMAGED)?.to_be_bytes());
    out.extend(kind);
    out.extend(data);
    out.extend(sum.sum().to_be_bytes());
    Ok(())
}

/// How long the stream of zlib is that begins here. One that grows beyond what the picture needs would
/// do so wherever it is opened.
fn packed_length(stream: &[u8], most: u64) -> Result<usize, Unfit> {
    let mut decoder = ZlibDecoder::new(stream);
    let mut part = [0; 16 * 1024];
    loop {
        match decoder.read(&mut part).map_err(|_| DAMAGED)? {
            0 => break,
            _ if decoder.total_out() > most => {
                return Err(Unfit::Refused("the PNG unpacks to more than its picture"));
            }
            _ => {}
        }
    }
    usize::try_from(decoder.total_in()).map_err(|_| DAMAGED)
}

/// A name, its end, a way of packing, and a profile of some size.
fn is_profile(data: &[u8]) -> bool {
    let name = data.iter().take(80).position(|byte| *byte == 0);
    let packed = name.and_then(|end| data.get(end + 2..)).filter(|_| data.len() <= PROFILE);
    packed.is_some_and(|packed| packed_length(packed, PROFILE_UNPACKED).is_ok())
}

/// What the picture says of itself.
struct Head {
    width: u32,
    height: u32,
    /// Of a pixel.
    bits: u64,
    is_interlaced: bool,
}

/// Where each pass of an interlaced picture begins, and its steps: to the right, and down.
const PASSES: [(u32, u32, u32, u32); 7] =
    [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

impl Head {
    fn of(header: &[u8]) -> Option<Self> {
        let width = u32::from_be_bytes(*header.first_chunk()?);
        let height = u32::from_be_bytes(*header.get(4..)?.first_chunk()?);
        let [depth @ (1 | 2 | 4 | 8 | 16), colours, 0, 0, interlaced @ (0 | 1)] = *header.get(8..)? else {
            return None;
        };
        let samples = match colours {
            0 | 3 => 1,
            2 => 3,
            4 => 2,
            6 => 4,
            _ => return None,
        };
        let bits = u64::from(depth) * samples;
        (width > 0 && height > 0).then_some(Self { width, height, bits, is_interlaced: interlaced == 1 })
    }

    /// Bytes of its rows, with the one before each that says how it is filtered.
    fn unpacked(&self) -> u64 {
        let rows = |width: u32, height: u32| match width {
            0 => 0,
            _ => u64::from(height) * (1 + (u64::from(width) * self.bits).div_ceil(8)),
        };
        if !self.is_interlaced {
            return rows(self.width, self.height);
        }
        let of = |all: u32, begin: u32, step: u32| all.saturating_sub(begin).div_ceil(step);
        let pass = |(x, y, right, down)| rows(of(self.width, x, right), of(self.height, y, down));
        PASSES.into_iter().map(pass).sum()
    }
}
