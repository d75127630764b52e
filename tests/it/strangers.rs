//! What strangers send, as `make fuzz` puts it by the million: here some of it, with every change.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::files::samples;

#[path = "../fuzz/properties.rs"]
mod properties;

fn files() -> Vec<Vec<u8>> {
    vec![
        samples::png(12, 9),
        samples::talkative_png(),
        samples::jpeg(12, 9),
        samples::photograph(16, 8, 6),
        samples::gif(8, 8, 3),
        samples::talkative_gif(),
        samples::pdf(""),
        samples::docx(&[]),
        samples::doc(&[]),
    ]
}

/// A file of a sort that is taken, cut somewhere, with some of its bytes replaced.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<Index>(), any::<u8>()), 0..6);
    (prop::sample::select(files()), any::<Index>(), any::<bool>(), damage).prop_map(
        |(mut file, end, cut, damage)| {
            for (place, byte) in damage {
                let place = place.index(file.len());
                file[place] = byte;
            }
            if cut {
                file.truncate(end.index(file.len()));
            }
            file
        },
    )
}

#[test]
fn what_is_taken_would_be_taken_again() {
    let (taken, shown): (Vec<_>, Vec<_>) = files().iter().map(|file| properties::file(file)).unzip();
    assert_eq!(taken, [true; 9], "all of them are sound");
    assert_eq!(shown, [true, true, true, true, true, true, false, false, false], "pictures alone are shown");
}

#[test]
fn what_is_a_command_and_what_is_found_is_known() {
    assert_eq!(properties::frame(r#"{"t":"ping","ref":"mine"}"#), (true, true));
    assert_eq!(properties::frame(r#"{"t":"ping"}"#), (true, false));
    assert_eq!(properties::frame(r#"{"ref":"mine"}"#), (false, true));
    assert_eq!(properties::frame("ping"), (false, false));
    assert_eq!(properties::query("The disk is FULL", "isk fu \"S FULL\" empty"), 3);
    // A letter that is folded twice.
    assert_eq!(properties::query("GRO\u{1e9e}", "oss"), 1);
    assert_eq!(properties::query("ab", "b"), 0, "too short a word is refused");
}

proptest! {
    #[test]
    fn a_damaged_file_is_refused_or_repaired(file in damaged()) {
        properties::file(&file);
    }

    #[test]
    fn a_frame_is_a_command_or_a_refusal(text in "(\\{\"t\":\"[a-z.]{1,12}\",\"ref\":)?\\PC{0,80}\\}?") {
        properties::frame(&text);
    }

    // Names of all lengths, some of which are too long to be echoed, in envelopes and in what is none.
    #[test]
    fn what_is_echoed_is_short(text in "\\{(\"t\":\"(ping|pong)\",)?\"ref\":\"[aé]{0,90}\"\\}") {
        properties::frame(&text);
    }

    #[test]
    fn any_part_of_a_text_finds_it(text in "\\PC{2,60}", from in any::<Index>(), length in 2..12_usize) {
        let letters: Vec<char> = text.chars().collect();
        let part: String = letters.iter().skip(from.index(letters.len())).take(length).collect();
        properties::query(&text, &part);
    }
}
