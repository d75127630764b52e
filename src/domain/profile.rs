//! What people tell of themselves: a name to be shown, and a line of text.

use super::refusal::Invalid;
use super::text::line;

/// What somebody tells of himself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub display_name: Option<String>,
    pub status_text: Option<String>,
}

/// A change of it: `None` leaves a part as it is, `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    pub display_name: Option<Option<String>>,
    pub status_text: Option<Option<String>>,
}

/// Characters of a name to be shown.
pub const NAME_CHARS: usize = 50;
/// Characters of a line of text.
pub const STATUS_CHARS: usize = 140;

impl ProfileChange {
    /// From what was given: trimmed, in normal form C; what shows nothing then clears.
    ///
    /// # Errors
    /// For control characters, marks that turn the direction of what follows, and for too many
    /// characters; each names its field.
    pub fn parse(
        display_name: Option<Option<&str>>,
        status_text: Option<Option<&str>>,
    ) -> Result<Self, Invalid> {
        let part = |field, most, given: Option<Option<&str>>| match given {
            None => Ok(None),
            Some(None) => Ok(Some(None)),
            Some(Some(text)) => line(field, most, text).map(Some),
        };
        Ok(Self {
            display_name: part("displayName", NAME_CHARS, display_name)?,
            status_text: part("statusText", STATUS_CHARS, status_text)?,
        })
    }

    /// What it makes of a profile.
    #[must_use]
    pub fn of(&self, before: &Profile) -> Profile {
        Profile {
            display_name: self.display_name.clone().unwrap_or_else(|| before.display_name.clone()),
            status_text: self.status_text.clone().unwrap_or_else(|| before.status_text.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_trimmed_and_in_normal_form_c_and_nothing_clears() {
        let change = ProfileChange::parse(Some(Some(" A\u{308}lice ")), Some(Some("  "))).expect("valid");
        assert_eq!(change.display_name, Some(Some("Älice".into())));
        assert_eq!(change.status_text, Some(None));
        let before = Profile { display_name: Some("Al".into()), status_text: Some("away".into()) };
        assert_eq!(change.of(&before), Profile { display_name: Some("Älice".into()), status_text: None });
        assert_eq!(ProfileChange::default().of(&before), before);
    }

    #[test]
    fn control_characters_and_long_lines_name_their_field() {
        for bad in ["a\u{0}b", "a\nb", "a\u{202e}b", &"x".repeat(51)] {
            let wrong = ProfileChange::parse(Some(Some(bad)), None).expect_err(bad);
            assert_eq!(wrong.field, "displayName");
        }
        assert!(ProfileChange::parse(None, Some(Some(&"ä".repeat(140)))).is_ok());
        let wrong = ProfileChange::parse(None, Some(Some(&"ä".repeat(141)))).expect_err("too long");
        assert_eq!(wrong.field, "statusText");
    }
}
