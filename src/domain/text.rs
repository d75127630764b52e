//! What may stand in a text that people see: one rule for names, lines and messages.

use unicode_normalization::UnicodeNormalization;

use super::refusal::Invalid;

/// One line that people are shown: trimmed, in normal form C. None where nothing can be seen.
///
/// # Errors
/// For control characters, marks that turn the direction of what follows, and for too many
/// characters; each names its field.
pub fn line(field: &'static str, most: usize, raw: &str) -> Result<Option<String>, Invalid> {
    let text: String = raw.trim().nfc().collect();
    if text.chars().any(|c| c.is_control() || turns(c)) {
        return Err(Invalid::new(field, "may not hold control characters"));
    }
    if text.chars().count() > most {
        return Err(Invalid::new(field, format!("may have at most {most} characters")));
    }
    Ok((!is_blank(&text)).then_some(text))
}

/// Whether nothing of it can be seen.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_unseen(c))
}

/// Whether a character turns the direction of what stands behind it, which may be somebody else's:
/// `exe.` backwards looks harmless.
#[must_use]
pub const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character shows nothing by itself: those that Unicode says may be ignored where they
/// cannot be shown, and blank ones that are no white space. Some join others, and mean something there.
#[must_use]
pub const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_nothing() {
        for nothing in ["", " ", "\u{200b}", "\u{3164}\u{2060} \u{ad}", "\u{2800}", "\u{fe0f}\u{200d}"] {
            assert!(is_blank(nothing), "{nothing:?}");
            assert_eq!(line("name", 80, nothing), Ok(None));
        }
        for seen in ["a", ".", "न\u{94d}\u{200d}", "👩\u{200d}🚀", "\u{200f}א"] {
            assert!(!is_blank(seen), "{seen:?}");
            assert_eq!(line("name", 80, seen), Ok(Some(seen.to_owned())));
        }
    }

    #[test]
    fn no_line_turns_what_stands_beside_it() {
        for turned in ["evil\u{202e}txt.exe", "\u{2066}a", "a\u{2069}", "a\u{2028}b", "a\nb", "a\0"] {
            assert_eq!(line("name", 80, turned).map_err(|wrong| wrong.field), Err("name"), "{turned:?}");
        }
    }
}
