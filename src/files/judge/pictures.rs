//! Pictures: stripped, decoded within limits, made small. Whatever cannot be decoded is refused,
//! so nobody is sent what his browser would choke on.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::{Judged, Rules, Thumbnail, Unfit, gif, jpeg, png};
use crate::domain::FileKind;

const DAMAGED: Unfit = Unfit::Refused("the picture is damaged or not whole");
/// Of a thumbnail or an avatar.
const QUALITY: u8 = 82;

struct Stripped {
    bytes: Vec<u8>,
    width: u32,
    height: u32,
    orientation: u8,
}

fn strip(kind: FileKind, input: &[u8], rules: &Rules) -> Result<Stripped, Unfit> {
    let stripped = match kind {
        FileKind::Jpeg => {
            let jpeg::Stripped { bytes, width, height, orientation } = jpeg::strip(input)?;
            Stripped { bytes, width, height, orientation }
        }
        FileKind::Gif => {
            let gif::Stripped { bytes, width, height, frames, pixels } = gif::strip(input)?;
            rules.fits_moving(frames, pixels)?;
            Stripped { bytes, width, height, orientation: 1 }
        }
        _ => {
            let png::Stripped { bytes, width, height } = png::strip(input, rules)?;
            Stripped { bytes, width, height, orientation: 1 }
        }
    };
    rules.fits(stripped.width, stripped.height)?;
    Ok(stripped)
}

/// Decodes it as it lies. Of one that moves, the first frame.
fn decode(kind: FileKind, picture: &Stripped, rules: &Rules) -> Result<DynamicImage, Unfit> {
    let format = match kind {
        FileKind::Jpeg => ImageFormat::Jpeg,
        FileKind::Gif => ImageFormat::Gif,
        _ => ImageFormat::Png,
    };
    let mut reader = ImageReader::with_format(Cursor::new(&picture.bytes), format);
    let mut limits = Limits::default();
    // What the head says is within the limits; the decoder must not believe anything else either.
    limits.max_image_width = Some(picture.width);
    limits.max_image_height = Some(picture.height);
    limits.max_alloc = Some(rules.pixels.saturating_mul(4).saturating_add(1 << 20));
    reader.limits(limits);
    reader.decode().map_err(|_| DAMAGED)
}

/// Turns its upper side up. Once it is small: turning takes as much memory again.
fn upright(mut image: DynamicImage, picture: &Stripped) -> DynamicImage {
    if let Some(orientation) = Orientation::from_exif(picture.orientation) {
        image.apply_orientation(orientation);
    }
    image
}

fn encode(image: &DynamicImage) -> Result<Thumbnail, Unfit> {
    let mut bytes = Vec::new();
    let kind = if image.color().has_alpha() {
        image.to_rgba8().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(|_| DAMAGED)?;
        FileKind::Png
    } else {
        image
            .to_rgb8()
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
            .map_err(|_| DAMAGED)?;
        FileKind::Jpeg
    };
    Ok(Thumbnail { kind, bytes: bytes.into() })
}

pub(super) fn judge(kind: FileKind, input: &[u8], rules: &Rules) -> Result<Judged, Unfit> {
    let picture = strip(kind, input, rules)?;
    let image = decode(kind, &picture, rules)?;
    let side = rules.thumbnail;
    let is_small = image.width() <= side && image.height() <= side;
    let small = if is_small { image } else { image.thumbnail(side, side) };
    let thumbnail = Some(encode(&upright(small, &picture))?);
    Ok(Judged { kind, bytes: picture.bytes.into(), thumbnail })
}

/// A picture of somebody: its middle, square, always made anew.
///
/// # Errors
/// See [`Unfit`].
pub fn avatar(input: &Bytes, rules: &Rules) -> Result<Thumbnail, Unfit> {
    let kind = super::sort(input).filter(|kind| kind.is_image());
    let kind = kind.ok_or(Unfit::Refused("a picture of yourself must be a JPEG, PNG or GIF"))?;
    let picture = strip(kind, input, rules)?;
    let image = decode(kind, &picture, rules)?;
    encode(&upright(image.resize_to_fill(rules.avatar, rules.avatar, FilterType::Triangle), &picture))
}
