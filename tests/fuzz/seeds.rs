//! seeds FOLDER: one file of each sort that is taken, and of some that are not, to begin with.

// More than is needed here.
#[allow(dead_code)]
#[path = "../it/files/samples.rs"]
mod samples;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).map_or_else(|| "corpus/file".into(), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    for (name, bytes) in [
        ("plain.png", samples::png(12, 9)),
        ("talkative.png", samples::talkative_png()),
        ("bomb.png", samples::png_bomb(200, 200)),
        ("plain.jpg", samples::jpeg(12, 9)),
        ("photograph.jpg", samples::photograph(16, 8, 6)),
        ("moving.gif", samples::gif(8, 8, 3)),
        ("talkative.gif", samples::talkative_gif()),
        ("plain.pdf", samples::pdf("")),
        ("script.pdf", samples::pdf("/OpenAction 4 0 R")),
        ("packed.pdf", samples::packed_pdf("<</Type/X>>")),
        ("plain.docx", samples::docx(&[])),
        (
            "full.docx",
            samples::docx(&[("word/media/i.png", &samples::png(4, 4)), ("docProps/app.xml", b"<x a='b'/>")]),
        ),
        ("macros.docm", samples::docm()),
        ("plain.doc", samples::doc(&[])),
    ] {
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
