//! The reference page of the settings, written from the table.

use std::fmt::Write as _;

use super::table::Row;
use super::{
    AccountSettings, FileSettings, Limits, MailSettings, RedisSettings, Settings, StoreSettings, Timing,
};

const HEAD: &str = "# Settings

Written from the table in `src/settings/`; `UPDATE_DOCS=1 cargo test settings` writes it again.

Every setting is an environment variable. One that is empty counts as not set. A value that cannot be
used ends the start with one line that names the variable. A variable that begins with `CHAT_` and is not in this
list is warned of, with the name that it is nearest to. `chat check-config` checks without starting.

What holds a secret may stand in a file instead: `DATABASE_URL_FILE`, `REDIS_URL_FILE`, `SENTRY_DSN_FILE`, `CHAT_OTLP_HEADERS_FILE`,
`JWT_SECRET_FILE`, `CHAT_SMTP_URL_FILE`, `CHAT_S3_ACCESS_KEY_ID_FILE` and `CHAT_S3_SECRET_ACCESS_KEY_FILE` name one. Only one of the two may be set. The file is read at the start.
";

/// Everything that can be set, by the titles of the page.
pub(super) fn all() -> [(&'static str, Vec<Row>); 8] {
    [
        ("Server", Settings::rows()),
        ("Limits and rates", Limits::rows()),
        ("Times", Timing::rows()),
        ("Store", StoreSettings::rows()),
        ("Accounts", AccountSettings::rows()),
        ("Redis", RedisSettings::rows()),
        ("Mail", MailSettings::rows()),
        ("Files", FileSettings::rows()),
    ]
}

pub(super) fn render() -> String {
    let mut page = HEAD.to_owned();
    for (title, rows) in all() {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {title}\n\n");
        page.push_str("| Variable | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|\n");
        for row in rows {
            page.push_str(&line(&row));
        }
    }
    page
}

fn line(row: &Row) -> String {
    let names: Vec<_> = row.names.iter().map(|name| format!("`{name}`")).collect();
    let default = if row.default.is_empty() { "not set".to_owned() } else { format!("`{}`", row.default) };
    let allowed = row.bounds.map(|(min, max)| format!("{min} to {max}")).unwrap_or_default();
    let unit = if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) };
    format!(
        "| {} | {}{unit} | {default} | {allowed} | {} |\n",
        names.join(", else "),
        row.kind,
        row.doc.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/settings.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference"))
                .expect("a folder");
            std::fs::write(path, render()).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == render(), "settings.md is out of date: UPDATE_DOCS=1 cargo test settings");
    }

    #[test]
    fn every_variable_is_named_once() {
        let rows = all().map(|(_, rows)| rows);
        let mut names: Vec<_> = rows.iter().flatten().flat_map(|row| row.names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(rows.iter().flatten().all(|row| !row.doc.trim().is_empty()));
    }
}
