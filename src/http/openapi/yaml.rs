//! The document as it is committed.

use std::borrow::Cow;

use chrono::DateTime;
use serde_yaml_ng::Mapping;

use super::spec;

/// The document as it is committed, `openapi/openapi.yaml`.
///
/// # Errors
/// When it cannot be written as YAML, which the tests rule out.
pub fn yaml() -> Result<String, serde_yaml_ng::Error> {
    let spec = spec();
    // In the order in which people read it, not by the alphabet.
    let keys = ["openapi", "info", "externalDocs", "servers", "tags", "paths", "components"];
    let ordered: Mapping = keys
        .iter()
        .filter_map(|key| Some(((*key).into(), serde_yaml_ng::to_value(spec.get(*key)?).ok()?)))
        .collect();
    Ok(serde_yaml_ng::to_string(&ordered)?.lines().map(|line| times_quoted(line) + "\n").collect())
}

/// A time without quotes is a string in YAML 1.2, and a time in YAML 1.1, which many tools still read.
fn times_quoted(line: &str) -> Cow<'_, str> {
    match line.rsplit_once(' ') {
        Some((before, last)) if DateTime::parse_from_rfc3339(last).is_ok() => {
            format!("{before} '{last}'").into()
        }
        _ => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_committed_document_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.yaml");
        let now = yaml().expect("YAML");
        let read: Value = serde_yaml_ng::from_str(&now).expect("YAML");
        assert_eq!(read, spec(), "a key is missing in the order of keys, or a text is not what it was");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi")).expect("a folder");
            std::fs::write(path, &now).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == now, "openapi.yaml is out of date: UPDATE_OPENAPI=1 cargo test openapi");
    }

    #[test]
    fn times_are_strings_in_every_version_of_yaml() {
        assert_eq!(times_quoted("  - at: 2026-11-21T15:52:00.123Z"), "  - at: '2026-11-21T15:52:00.123Z'");
        assert_eq!(times_quoted("  - at: '2026-11-21T15:52:00.123Z'"), "  - at: '2026-11-21T15:52:00.123Z'");
        assert_eq!(times_quoted("openapi: 3.0.3"), "openapi: 3.0.3");
    }
}
