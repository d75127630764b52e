//! How long a page is.

use crate::domain::refusal::Invalid;

const DEFAULT: usize = 50;
const MOST: usize = 200;

/// Reads `limit`: more than a page may hold gets a full page, as clients ask for "everything".
pub(super) fn limit(given: Option<&str>) -> Result<usize, Invalid> {
    let Some(given) = given else { return Ok(DEFAULT) };
    let wrong = || Invalid::new("limit", "must be a whole number of at least 1");
    if given.is_empty() || !given.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    // Digits that fit no number are a great number.
    match given.parse().unwrap_or(usize::MAX) {
        0 => Err(wrong()),
        limit => Ok(limit.min(MOST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_fifty_and_at_most_two_hundred() {
        assert_eq!(limit(None), Ok(50));
        assert_eq!(limit(Some("1")), Ok(1));
        assert_eq!(limit(Some("201")), Ok(200));
        assert_eq!(limit(Some("99999999999999999999999999")), Ok(200));
        for wrong in ["0", "-1", "+1", "ten", "", "1.5", " 1", "000"] {
            assert!(limit(Some(wrong)).is_err(), "{wrong:?}");
        }
    }
}
