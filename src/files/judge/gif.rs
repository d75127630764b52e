//! GIF (CompuServe 89a): kept are the frames, how long each is shown, and how often all are.
//! Comments, other extensions and whatever comes after the end are left out.

use super::Unfit;

const DAMAGED: Unfit = Unfit::Refused("the GIF is damaged or not whole");

/// A GIF without what nobody needs.
pub(super) struct Stripped {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frames: u32,
    /// Of all frames together.
    pub(super) pixels: u64,
}

/// What is still to be read.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Unfit> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Blocks of up to 255 bytes, each after its length, up to an empty one: with their lengths.
    fn blocks(&mut self) -> Result<&'b [u8], Unfit> {
        let all = self.0;
        let mut length = 0;
        loop {
            let block = usize::from(*self.0.first().ok_or(DAMAGED)?);
            self.take(block + 1)?;
            length += block + 1;
            if block == 0 {
                return all.get(..length).ok_or(DAMAGED);
            }
        }
    }
}

/// Bytes of a table of colours that these flags speak of.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn size(bytes: &[u8]) -> Result<(u32, u32), Unfit> {
    let [w1, w2, h1, h2] = *bytes.first_chunk().ok_or(DAMAGED)?;
    Ok((u16::from_le_bytes([w1, w2]).into(), u16::from_le_bytes([h1, h2]).into()))
}

pub(super) fn strip(input: &[u8]) -> Result<Stripped, Unfit> {
    let mut rest = Rest(input);
    let head = rest.take(13)?;
    let (width, height) = size(head.get(6..).unwrap_or_default())?;
    let flags = *head.get(10).ok_or(DAMAGED)?;
    let mut out = Vec::with_capacity(input.len());
    out.extend(head);
    out.extend(rest.take(table(flags))?);
    let (mut frames, mut pixels) = (0_u32, 0_u64);
    loop {
        match rest.take(1)? {
            // The end.
            [0x3b] => break,
            // A frame: where, its colours, how it is packed, its data.
            [0x2c] => {
                let place = rest.take(9)?;
                let (w, h) = size(place.get(4..).unwrap_or_default())?;
                out.push(0x2c);
                out.extend(place);
                out.extend(rest.take(table(*place.get(8).ok_or(DAMAGED)?))?);
                out.extend(rest.take(1)?);
                out.extend(rest.blocks()?);
                frames += 1;
                pixels = pixels.saturating_add(u64::from(w) * u64::from(h));
            }
            [0x21] => {
                let label = rest.take(1)?;
                let blocks = rest.blocks()?;
                let name = blocks.get(1..12).unwrap_or_default();
                let repeats = label == [0xff] && (name == b"NETSCAPE2.0" || name == b"ANIMEXTS1.0");
                // How a frame is shown; how often all are.
                if (label == [0xf9] && blocks.len() == 6) || (repeats && blocks.len() == 17) {
                    out.push(0x21);
                    out.extend(label);
                    out.extend(blocks);
                }
            }
            _ => return Err(DAMAGED),
        }
    }
    if frames == 0 || width == 0 || height == 0 {
        return Err(DAMAGED);
    }
    out.push(0x3b);
    Ok(Stripped { bytes: out, width, height, frames, pixels })
}
