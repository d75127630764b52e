//! Conditions and ranges of requests for files (RFC 9110, 13 and 14): one range, or all of it.

use std::fmt::Write as _;
use std::ops::Range;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

/// What of a file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Part(Range<u64>),
    /// Nothing that there is.
    Beyond,
}

/// The name of a content.
pub(super) fn tag(sha256: &[u8; 32]) -> String {
    let mut tag = String::from("\"");
    for byte in sha256.iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn text<'r>(request: &'r HttpRequest, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name)?.to_str().ok()
}

/// Whether whoever asks has this content already.
pub(super) fn is_known(request: &HttpRequest, tag: &str) -> bool {
    text(request, &header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    })
}

/// Which part is wanted of a file of this content and size. What is no single range of bytes is
/// passed over, as is a range of another content.
pub(super) fn wanted(request: &HttpRequest, tag: &str, size: u64) -> Wanted {
    let Some(range) = text(request, &header::RANGE) else { return Wanted::All };
    if text(request, &header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::All;
    }
    parse(range, size)
}

fn parse(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    match (number(first), number(last)) {
        (Some(first), _) if last.is_empty() && first < size => Wanted::Part(first..size),
        (Some(first), Some(last)) if first > last => Wanted::All,
        (Some(first), Some(last)) if first < size => Wanted::Part(first..last.saturating_add(1).min(size)),
        (Some(_), Some(_)) => Wanted::Beyond,
        (Some(_), None) if last.is_empty() => Wanted::Beyond,
        (None, Some(count)) if first.is_empty() && count > 0 && size > 0 => {
            Wanted::Part(size.saturating_sub(count)..size)
        }
        (None, Some(_)) if first.is_empty() => Wanted::Beyond,
        _ => Wanted::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_there_is() {
        for (range, wanted) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=2-18446744073709551615", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::Beyond),
            ("bytes=10-12", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=-", Wanted::All),
            ("lines=1-2", Wanted::All),
        ] {
            assert_eq!(parse(range, 10), wanted, "{range}");
        }
    }
}
