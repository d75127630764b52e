//! Files that mean no good: refused, or made harmless.

use bytes::Bytes;
use chat::domain::FileKind;
use chat::files::judge::{Judged, Rules, Unfit, avatar, judge};
use image::ImageFormat;

use super::samples::*;

const RULES: Rules = Rules { pixels: 1_000_000, frames: 20, unpacked: 1_000_000, thumbnail: 64, avatar: 32 };

pub(super) fn judged(bytes: Vec<u8>) -> Result<Judged, Unfit> {
    judge(&Bytes::from(bytes), &RULES)
}

#[track_caller]
pub(super) fn taken(bytes: Vec<u8>) -> Judged {
    match judged(bytes) {
        Ok(judged) => judged,
        Err(why) => panic!("{why:?}"),
    }
}

#[track_caller]
pub(super) fn refused(what: &str, bytes: Vec<u8>) {
    match judged(bytes) {
        Err(Unfit::Refused(_)) => {}
        other => panic!("{what}: {other:?}"),
    }
}

#[track_caller]
pub(super) fn too_large(what: &str, bytes: Vec<u8>) {
    match judged(bytes) {
        Err(Unfit::TooLarge(_)) => {}
        other => panic!("{what}: {other:?}"),
    }
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[test]
fn every_sort_is_known_by_its_content() {
    for (bytes, kind) in [
        (jpeg(10, 10), FileKind::Jpeg),
        (png(10, 10), FileKind::Png),
        (gif(10, 10, 1), FileKind::Gif),
        (pdf(""), FileKind::Pdf),
        (doc(&[]), FileKind::Doc),
        (docx(&[("docProps/core.xml", b"<x/>"), ("word/media/image1.png", &png(4, 4))]), FileKind::Docx),
    ] {
        let judged = taken(bytes);
        assert_eq!(judged.kind, kind);
        assert_eq!(judged.thumbnail.is_some(), kind.is_image());
    }
}

#[test]
fn what_else_there_is_is_refused_whatever_it_is_called() {
    for (what, bytes) in [
        ("nothing", vec![]),
        ("a text", b"hello".to_vec()),
        ("a page", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("a drawing with a script", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>".to_vec()),
        ("a program", b"MZ\x90\0\x03".to_vec()),
        ("a program of Unix", b"\x7fELF\x02\x01\x01".to_vec()),
        ("WebP", b"RIFF\x24\0\0\0WEBPVP8 ".to_vec()),
        ("TIFF", b"II\x2a\0\x08\0\0\0".to_vec()),
        ("an archive", archive(&[("a.txt", b"a")])),
        ("a sheet", archive(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<x/>")])),
        ("a compound file", {
            let file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).expect("made");
            file.into_inner().into_inner()
        }),
        ("only the first bytes of a JPEG", b"\xff\xd8\xff".to_vec()),
        ("only the first bytes of a PDF", b"%PDF-1.7\n<script>".to_vec()),
        ("a page that begins as a GIF", b"GIF89a=1;/*<script>alert(1)</script>*/".to_vec()),
    ] {
        refused(what, bytes);
    }
}

#[test]
fn where_and_with_what_a_picture_was_taken_is_not_kept() {
    for (what, bytes) in [("JPEG", photograph(40, 20, 6)), ("PNG", talkative_png()), ("GIF", talkative_gif())]
    {
        assert!(holds(&bytes, CANARY), "{what}");
        let judged = taken(bytes);
        assert!(!holds(&judged.bytes, CANARY), "{what}");
        assert!(!holds(&judged.bytes, b"PK\x03\x04"), "{what}");
        let thumbnail = judged.thumbnail.expect("a thumbnail");
        assert!(!holds(&thumbnail.bytes, CANARY), "{what}");
        image::load_from_memory(&judged.bytes).expect("still a picture");
    }
}

#[test]
fn pictures_keep_what_they_show() {
    for (kind, bytes) in [
        (ImageFormat::Png, png(30, 20)),
        (ImageFormat::Jpeg, jpeg(30, 20)),
        (ImageFormat::Gif, gif(30, 20, 3)),
    ] {
        let before = image::load_from_memory(&bytes).expect("a picture").to_rgba8();
        let judged = taken(bytes);
        let after = image::load_from_memory_with_format(&judged.bytes, kind).expect("a picture").to_rgba8();
        assert_eq!(before, after, "{kind:?}");
    }
}

#[test]
fn the_upper_side_stays_up() {
    // Lying on its side: what is red is above left once it stands.
    for (orientation, red) in [(1, (0, 0)), (3, (1, 1)), (6, (1, 0)), (8, (0, 1))] {
        let judged = taken(photograph(200, 100, orientation));
        let small = image::load_from_memory(&judged.thumbnail.expect("a thumbnail").bytes)
            .expect("a picture")
            .to_rgb8();
        let turned = matches!(orientation, 6 | 8);
        assert_eq!((small.width(), small.height()), if turned { (32, 64) } else { (64, 32) });
        let at =
            (small.width() / 4 + red.0 * small.width() / 2, small.height() / 4 + red.1 * small.height() / 2);
        let [r, _, b] = small.get_pixel(at.0, at.1).0;
        assert!(r > 150 && b < 100, "orientation {orientation}: {r} {b}");
        // What is kept says it too, and nothing else.
        assert_eq!(holds(&judged.bytes, b"Exif"), orientation != 1);
    }
}

#[test]
fn what_is_not_whole_is_refused() {
    for (what, whole) in [
        ("JPEG", jpeg(60, 60)),
        ("PNG", png(60, 60)),
        ("GIF", gif(60, 60, 2)),
        ("PDF", pdf("")),
        ("DOCX", docx(&[])),
    ] {
        for part in [whole.len() / 4, whole.len() / 2, whole.len() - 8] {
            refused(what, whole[..part].to_vec());
        }
    }
    refused("DOC", doc(&[])[..600].to_vec());
}

#[test]
fn bombs_do_not_go_off() {
    too_large("a PNG of 4 billion pixels", png_bomb(65_535, 65_535));
    refused("a PNG that is empty inside", png_bomb(500, 500));
    // A byte before each row of ten.
    taken(png_of_rows(10, 10, 110, b""));
    refused("a PNG that unpacks to a byte too many", png_of_rows(10, 10, 111, b""));
    let bomb = png_of_rows(10, 10, 20_000_000, b"");
    assert!(bomb.len() < 30_000);
    refused("a PNG that unpacks to 20 MB", bomb);
    let mut wide = jpeg(16, 16);
    let frame = wide.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    wide[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    too_large("a JPEG of 4 billion pixels", wide);
    too_large("a GIF of many frames", gif(2, 2, 21));
    let mut huge = gif(8, 8, 2);
    // The frame says that it is larger than the picture.
    let place = [0x2c, 0, 0, 0, 0, 8, 0, 8, 0];
    let frame = huge.windows(9).rposition(|window| window == place).expect("a frame");
    huge[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    too_large("a GIF with a frame of 4 billion pixels", huge);
    let zeros = vec![0; 2_000_000];
    let packed = docx(&[("word/media/image1.bin", &zeros)]);
    assert!(packed.len() < 20_000);
    too_large("a DOCX that is 2 MB unpacked", packed);
}

#[test]
fn one_file_is_not_two() {
    let inner = archive(&[("evil.html", b"<script>")]);
    refused("a PDF with an archive behind it", [pdf(""), inner.clone()].concat());
    refused("a PDF with a page behind it", [pdf(""), b"<script></script>".to_vec()].concat());
    refused("a DOCX behind another archive", [inner.clone(), docx(&[])].concat());
    refused("a DOCX behind what is none", [b"PK\x03\x04 or so".to_vec(), docx(&[])].concat());
    refused("an archive with something before it", [b"GIF89a".to_vec(), docx(&[])].concat());
    let mut remark = docx(&[]);
    let length = remark.len();
    remark[length - 2..].copy_from_slice(&[5, 0]);
    remark.extend(b"hello");
    refused("a DOCX with a remark at its end", remark);
    refused("a DOCX with another behind it", [docx(&[]), inner].concat());
    refused("a page before a PDF", [b"<script></script>".to_vec(), pdf("")].concat());
    let hidden = png_of_rows(10, 10, 110, &archive(&[("evil.html", b"<script>")]));
    assert!(!holds(&taken(hidden).bytes, b"PK\x03\x04"), "behind the packed picture");
    let plain = png(20, 20);
    let (start, rest) = plain.split_at(8 + 25);
    let profile = chunk(b"iCCP", &[b"colours\0\0".to_vec(), archive(&[("evil.html", b"<script>")])].concat());
    let hidden = [start, &profile, rest].concat();
    assert!(!holds(&taken(hidden).bytes, b"PK\x03\x04"), "in the place of a profile of colours");
}

#[test]
fn a_picture_of_somebody_is_square_and_made_anew() {
    for bytes in [photograph(300, 100, 1), talkative_png(), talkative_gif()] {
        let made = avatar(&Bytes::from(bytes), &RULES).expect("a picture");
        assert!(!holds(&made.bytes, CANARY) && !holds(&made.bytes, b"Exif"));
        let picture = image::load_from_memory(&made.bytes).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (32, 32));
    }
    assert!(avatar(&Bytes::from(pdf("")), &RULES).is_err());
    assert!(matches!(avatar(&Bytes::from(png_bomb(65_535, 65_535)), &RULES), Err(Unfit::TooLarge(_))));
}

#[test]
fn nothing_that_is_spoilt_makes_it_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 11).expect("64 bits")
    };
    for whole in [
        photograph(24, 24, 6),
        talkative_png(),
        talkative_gif(),
        pdf(""),
        packed_pdf("<</Type/X>>"),
        doc(&["/1Table"]),
        docx(&[(
            "word/_rels/document.xml.rels",
            b"<Relationships><Relationship Type='a/b'/></Relationships>",
        )]),
    ] {
        for _ in 0..150 {
            let mut spoilt = whole.clone();
            for _ in 0..=next() % 4 {
                let at = next() % spoilt.len();
                spoilt[at] = u8::try_from(next() % 256).expect("a byte");
            }
            spoilt.truncate(spoilt.len() - next() % 3 * (spoilt.len() / 8));
            // Whatever it says, it says it.
            if let Ok(judged) = judged(spoilt) {
                assert!(!judged.bytes.is_empty());
            }
        }
    }
}
