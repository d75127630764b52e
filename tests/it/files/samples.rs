//! Files of every sort, good and bad, made here.

use std::io::{Cursor, Write as _};

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgba, RgbaImage};
use zip::write::SimpleFileOptions;

/// A text that must be found in nothing that is served.
pub const CANARY: &[u8] = b"the canary sings at 48.8584 2.2945";

/// A picture: its upper left quarter is red, the rest blue.
pub fn picture(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        if x < width / 2 && y < height / 2 { Rgba([230, 20, 20, 255]) } else { Rgba([20, 20, 230, 255]) }
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).expect("encoded");
    bytes
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&picture(width, height).into(), ImageFormat::Png)
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&DynamicImage::from(picture(width, height)).to_rgb8().into(), ImageFormat::Jpeg)
}

pub fn gif(width: u32, height: u32, frames: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    for _ in 0..frames {
        encoder.encode_frame(Frame::new(picture(width, height))).expect("encoded");
    }
    drop(encoder);
    bytes
}

/// A JPEG as a camera makes it: lying on its side, with where it was taken, a remark, and a second
/// file behind its end.
pub fn photograph(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let mut tiff = b"II\x2a\0\x08\0\0\0\x02\0".to_vec();
    // Which side is up, and a text.
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0x0e, 0x01, 2, 0]);
    tiff.extend(u32::try_from(CANARY.len()).expect("short").to_le_bytes());
    tiff.extend(38_u32.to_le_bytes());
    tiff.extend([0; 4]);
    tiff.extend(CANARY);
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(tiff);
    let plain = jpeg(width, height);
    let mut bytes = plain[..2].to_vec();
    bytes.extend(segment(0xe1, &exif));
    bytes.extend(segment(0xfe, CANARY));
    bytes.extend(segment(0xed, CANARY));
    bytes.extend(&plain[2..]);
    bytes.extend(archive(&[("evil.html", CANARY)]));
    bytes
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, marker];
    bytes.extend(u16::try_from(payload.len() + 2).expect("short").to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// One chunk of a PNG.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(data.len()).expect("short").to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(data);
    let mut crc = !0_u32;
    for byte in bytes.iter().skip(4) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
        }
    }
    bytes.extend((!crc).to_be_bytes());
    bytes
}

/// A PNG with a text in it, and something behind its end.
pub fn talkative_png() -> Vec<u8> {
    let plain = png(20, 20);
    // After the signature and the head.
    let (start, rest) = plain.split_at(8 + 25);
    [start, &chunk(b"tEXt", CANARY), &chunk(b"eXIf", CANARY), rest, CANARY].concat()
}

/// The head of a PNG that says it is so large, with next to nothing in it.
pub fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut head = width.to_be_bytes().to_vec();
    head.extend(height.to_be_bytes());
    head.extend([8, 6, 0, 0, 0]);
    // An empty stream of zlib.
    let data = [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1];
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", &data), &chunk(b"IEND", &[])].concat()
}

/// A GIF with a remark, and something behind its end.
pub fn talkative_gif() -> Vec<u8> {
    let mut bytes = gif(8, 8, 2);
    let trailer = bytes.pop();
    assert_eq!(trailer, Some(0x3b));
    bytes.extend([0x21, 0xfe, u8::try_from(CANARY.len()).expect("short")]);
    bytes.extend(CANARY);
    bytes.extend([0, 0x3b]);
    bytes.extend(CANARY);
    bytes
}

pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).expect("a part");
        archive.write_all(content).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

const TYPES: &[u8] = br#"<?xml version="1.0"?><Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
const MACRO_TYPES: &[u8] = br#"<?xml version="1.0"?><Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/other.xml" ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>"#;

/// A document of Word, with some more parts.
pub fn docx(more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut parts: Vec<(&str, &[u8])> =
        vec![("[Content_Types].xml", TYPES), ("word/document.xml", b"<w:document/>")];
    parts.extend(more);
    archive(&parts)
}

/// One that says that it has macros.
pub fn docm() -> Vec<u8> {
    archive(&[("[Content_Types].xml", MACRO_TYPES), ("word/document.xml", b"<w:document/>")])
}

/// One with a part that is a link: what it leads to would be a text.
pub fn linked_docx() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new_append(Cursor::new(docx(&[]))).expect("an archive");
    archive.add_symlink("docProps/a.xml", "<x/>", SimpleFileOptions::default()).expect("a part");
    archive.finish().expect("an archive").into_inner()
}

/// One with a part that says that it is encrypted.
pub fn encrypted_docx() -> Vec<u8> {
    let mut bytes = docx(&[("word/a.xml", b"<a/>")]);
    let at = |name: &[u8]| name == b"word/a.xml";
    let (here, listed) = (bytes.windows(10).position(at), bytes.windows(10).rposition(at));
    bytes[here.expect("a name") - 24] |= 1;
    bytes[listed.expect("a name") - 38] |= 1;
    bytes
}

/// One with a part that is called so where it stands, and so in the list at the end, beside `word/b.xml`.
pub fn docx_of_two(name: &str, listed: &str) -> Vec<u8> {
    let mut bytes = docx(&[("word/b.xml", b"<b/>"), ("word/a.xml", b"<a/>")]);
    for name in [name, listed] {
        let at = bytes.windows(10).position(|window| window == b"word/a.xml").expect("a name");
        bytes[at..at + 10].copy_from_slice(name.as_bytes());
    }
    bytes
}

/// A document of Word up to 2003, with these streams beside its text.
pub fn doc(streams: &[&str]) -> Vec<u8> {
    let streams: Vec<_> = streams.iter().map(|name| (*name, &b"x"[..])).collect();
    doc_of(&streams)
}

/// The same, with this in one of its streams.
pub fn doc_with(stream: &str, content: &[u8]) -> Vec<u8> {
    doc_of(&[(stream, content)])
}

fn doc_of(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("made");
    let mut text = vec![0xec, 0xa5];
    text.resize(5_000, 0);
    file.create_stream("/WordDocument").expect("a stream").write_all(&text).expect("written");
    for (name, content) in streams {
        if let Some((storage, _)) = name.rsplit_once('/').filter(|(storage, _)| !storage.is_empty()) {
            file.create_storage_all(storage).expect("a storage");
        }
        file.create_stream(name).expect("a stream").write_all(content).expect("written");
    }
    file.flush().expect("written");
    file.into_inner().into_inner()
}

/// A PDF of one empty page, with something more in it.
pub fn pdf(more: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R{more}>>endobj\n\
         2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n\
         xref\n0 4\n0000000000 65535 f \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n178\n%%EOF\n"
    )
    .into_bytes()
}

/// A PNG of so many bytes of rows, whatever its head says: packed, they are nearly nothing.
pub fn png_of_rows(width: u32, height: u32, bytes: usize, behind: &[u8]) -> Vec<u8> {
    let mut head = width.to_be_bytes().to_vec();
    head.extend(height.to_be_bytes());
    // A byte of grey for each pixel.
    head.extend([8, 0, 0, 0, 0]);
    let data = [zlib(&vec![0; bytes]), behind.to_vec()].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", &data), &chunk(b"IEND", &[])].concat()
}

/// Packed as PNG and PDF have it.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("packed");
    packer.finish().expect("packed")
}

/// A PDF with a stream that is described so.
pub fn pdf_with_stream(about: &str, data: &[u8]) -> Vec<u8> {
    let plain = pdf("");
    let at = plain.windows(4).position(|window| window == b"xref").expect("a list of objects");
    let object = format!("4 0 obj<<{about}/Length {}>>\nstream\n", data.len());
    [&plain[..at], object.as_bytes(), data, b"\nendstream endobj\n", &plain[at..]].concat()
}

/// A PDF whose objects are packed, with this among them.
pub fn packed_pdf(object: &str) -> Vec<u8> {
    let objects = format!("5 0 6 12 <</Type/X>> {object}");
    pdf_with_stream("/Type/ObjStm/N 2/First 9/Filter/FlateDecode", &zlib(objects.as_bytes()))
}

/// How the archives and programs begin that belong in no document.
pub fn strangers() -> Vec<(&'static str, Vec<u8>)> {
    let mut tar = b"run.exe".to_vec();
    tar.resize(257, 0);
    tar.extend(b"ustar\x0000");
    tar.resize(1_024, 0);
    let mut windows = b"MZ".to_vec();
    windows.resize(0x3c, 0);
    windows.extend(0x40_u32.to_le_bytes());
    windows.extend(b"PE\0\0\x4c\x01");
    let gzip = {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"anything").expect("packed");
        packer.finish().expect("packed")
    };
    vec![
        ("ZIP", archive(&[("a.txt", b"a")])),
        ("TAR", tar),
        ("CAB", b"MSCF\0\0\0\0\x2c\0\0\0".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\x09\0\0\0".to_vec()),
        ("gzip", gzip),
        ("bzip2", b"BZh91AY&SY".to_vec()),
        ("xz", b"\xfd7zXZ\0\0\x04".to_vec()),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()),
        ("RAR", b"Rar!\x1a\x07\x01\0".to_vec()),
        ("a program of Windows", windows),
        ("a program of Unix", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("a program of a Mac", b"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0".to_vec()),
        ("a link of Windows", b"L\0\0\0\x01\x14\x02\0\0\0\0\0".to_vec()),
        ("a compound file", doc(&[])),
    ]
}
