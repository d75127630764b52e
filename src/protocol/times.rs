//! Times as the wire writes them. Knows nothing of what they are of.

use chrono::{DateTime, SecondsFormat};

use crate::domain::Timestamp;

/// RFC 3339 in UTC with milliseconds: `2026-11-21T15:52:00.123Z`.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.millis())
        .unwrap_or(DateTime::UNIX_EPOCH)
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a time as RFC 3339 writes it.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp::from_millis(time.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_milliseconds_and_the_letter_z() {
        assert_eq!(rfc3339(Timestamp::from_millis(1_795_276_320_123)), "2026-11-21T15:52:00.123Z");
        assert_eq!(rfc3339(Timestamp::from_millis(0)), "1970-01-01T00:00:00.000Z");
        let time = parse_rfc3339("2026-11-21T16:52:00.123+01:00");
        assert_eq!(time, Some(Timestamp::from_millis(1_795_276_320_123)));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
