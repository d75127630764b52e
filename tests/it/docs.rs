//! The documents, held to the code: links lead somewhere, tables are whole, names exist.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use chat::error::Code;
use chat::protocol::CloseCode;
use chat::settings::Settings;
use chat::telemetry::Metric;

use crate::architecture::{files, none, read, root};

/// Variables of the tests, which are no settings of the server.
const NOT_SETTINGS: &[&str] = &["CHAT_BIN"];

fn pages() -> Vec<String> {
    let at_root = std::fs::read_dir(root()).expect("the root");
    let at_root = at_root.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let at_root = at_root.filter(|name| name.ends_with(".md"));
    at_root
        .chain(files("docs", &["md"]))
        .chain(files("web", &["md"]))
        .chain(files("kustomize", &["md"]))
        .collect()
}

/// The lines outside fenced code, without what stands in backticks.
fn prose(page: &str) -> Vec<(usize, String)> {
    let (mut fenced, mut lines) = (false, Vec::new());
    for (n, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let outside = line.split('`').step_by(2);
            lines.push((n + 1, outside.collect::<Vec<_>>().join("`")));
        }
    }
    lines
}

fn links(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (n, line) in prose(page) {
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            found.push((n, target.split(' ').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

/// The anchors of a page's headings, as GitHub names them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let title = line.trim_start_matches('#');
        if fenced || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept: String =
            kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
        let slug = kept.replace(' ', "-");
        let mut name = slug.clone();
        let mut again = 0;
        while !anchors.insert(name.clone()) {
            again += 1;
            name = format!("{slug}-{again}");
        }
    }
    anchors
}

/// `docs/adr/../README.md` is `docs/README.md`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(tidy.pop()),
            Component::CurDir => {}
            part => tidy.push(part),
        }
    }
    tidy
}

fn broken_links(file: &str, page: &str) -> Vec<String> {
    let folder = Path::new(file).parent().expect("a file lies in a folder");
    let mut faults = Vec::new();
    for (line, target) in links(page) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let place = if path.is_empty() { PathBuf::from(file) } else { tidy(&folder.join(path)) };
        if !path.is_empty() && !root().join(&place).exists() {
            faults.push(format!("{file}:{line}: {target} leads nowhere"));
        } else if !anchor.is_empty() {
            let text = if path.is_empty() { page.to_owned() } else { read(place.to_str().expect("plain")) };
            if !anchors(&text).contains(anchor) {
                faults.push(format!("{file}:{line}: {target} names no heading"));
            }
        }
    }
    faults
}

#[test]
fn every_link_leads_somewhere() {
    none(&pages().iter().flat_map(|page| broken_links(page, &read(page))).collect::<Vec<_>>());
}

#[test]
fn a_broken_link_is_found() {
    let page = "# One\n[a](#one) [b](nowhere.md) `[c](nowhere.md)` [d](#two) [e](https://example.com)\n";
    assert_eq!(broken_links("docs/page.md", page).len(), 2);
    assert_eq!(
        anchors("# A `b`, c!\n## A b c\n```\n# no\n```").into_iter().collect::<Vec<_>>(),
        ["a-b-c", "a-b-c-1"]
    );
}

/// Folders of the sources: what stands in backticks and begins so is meant to be there.
const FOLDERS: &[&str] =
    &["src/", "tests/", ".ci/", "docs/", "benches/", "migrations/", "docker/", "kustomize/"];

/// The paths that a text names in backticks, with their lines.
fn named_paths(text: &str) -> Vec<(usize, String)> {
    let (mut fenced, mut found) = (false, Vec::new());
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        for code in line.split('`').skip(1).step_by(2).filter(|_| !fenced) {
            // A path may be one word of a command.
            let words = code.split(|c: char| c.is_whitespace() || ";:()\"'".contains(c));
            let paths = words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
            found.extend(paths.map(|path| (n + 1, path.trim_end_matches(['.', ',']).to_owned())));
        }
    }
    found
}

/// Whether there is such a file or folder; `*` stands for any name, `{a,b}` for either.
fn is_there(path: &str) -> bool {
    let exists = |path: &str| match path.split_once('*') {
        None => root().join(path).exists(),
        Some((before, _)) => {
            let (folder, start) = before.rsplit_once('/').unwrap_or(("", before));
            let entries = std::fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
            entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(start))
        }
    };
    match path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (choices, after))) => {
            choices.split(',').all(|choice| exists(&format!("{before}{choice}{after}")))
        }
        None => exists(path),
    }
}

fn lost_paths(file: &str, text: &str) -> Vec<String> {
    let lost = named_paths(text).into_iter().filter(|(_, path)| !is_there(path));
    lost.map(|(line, path)| format!("{file}:{line}: there is no {path}")).collect()
}

#[test]
fn every_file_named_is_there() {
    let mut faults = Vec::new();
    for page in pages() {
        faults.extend(lost_paths(&page, &read(&page)));
    }
    for file in FOLDERS.iter().flat_map(|folder| files(folder.trim_end_matches('/'), &["rs"])) {
        let header: Vec<_> =
            read(&file).lines().map_while(|line| line.strip_prefix("//!")).map(str::to_owned).collect();
        faults.extend(lost_paths(&file, &header.join("\n")));
    }
    none(&faults);
    let page = "`src/main.rs` `src/no.rs:3` `cat docs/nowhere.md`\n```\n`src/fenced.rs`\n```\n`src/{lib,no}.rs`, `docs/adr/0001-*`";
    assert_eq!(lost_paths("a page", page).len(), 3);
}

#[test]
fn every_decision_is_listed() {
    let index = read("docs/adr/README.md");
    let missing = files("docs/adr", &["md"]).into_iter().filter(|file| {
        let name = file.trim_start_matches("docs/adr/");
        name != "README.md" && !index.contains(&format!("]({name})"))
    });
    none(&missing.map(|file| format!("{file} is not in docs/adr/README.md")).collect::<Vec<_>>());
}

#[test]
fn every_close_code_is_explained() {
    let page = read("docs/reference/close-codes.md");
    let missing = CloseCode::ALL.iter().filter(|code| !page.contains(&format!("| {} |", code.number())));
    none(&missing.map(|code| format!("{} {:?}", code.number(), code)).collect::<Vec<_>>());
    // And the reverse: a number that the server never sends is not listed as sent.
    let rows =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u16>().ok());
    let unknown = rows.filter(|number| CloseCode::ALL.iter().all(|code| code.number() != *number));
    none(&unknown.map(|number| format!("{number} is sent by nobody")).collect::<Vec<_>>());
}

#[test]
fn every_error_code_is_explained() {
    let page = read("docs/reference/errors.md");
    let missing = Code::ALL.iter().filter(|code| !page.contains(&format!("`{}`", code.as_str())));
    none(&missing.map(|code| code.as_str().to_owned()).collect::<Vec<_>>());
}

#[test]
fn every_metric_is_explained() {
    let page = read("docs/reference/metrics.md");
    let missing = Metric::ALL.iter().filter(|metric| !page.contains(&format!("`{}`", metric.as_str())));
    none(&missing.map(|metric| metric.as_str().to_owned()).collect::<Vec<_>>());
}

/// `I` and a number, as sources name a promise.
fn promises(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let numbered = |w: &&str| w.strip_prefix('I').is_some_and(|n| n.parse::<u8>().is_ok());
    words.filter(numbered).map(str::to_owned).collect()
}

#[test]
fn every_promise_named_is_written_down() {
    let page = read("docs/explanation/ordering-and-delivery.md");
    let mut faults = Vec::new();
    for file in files("src", &["rs"]).into_iter().chain(files("tests", &["rs"])) {
        let named = promises(&read(&file));
        let unknown = named.iter().filter(|name| !page.contains(&format!("| {name} |")));
        faults.extend(unknown.map(|name| format!("{file}: {name} is not in ordering-and-delivery.md")));
    }
    none(&faults);
    assert_eq!(promises("judged (I2, I18); Item, I, I2x").len(), 2);
}

#[test]
fn every_setting_named_exists() {
    let known = variables(&Settings::reference());
    let mut faults = Vec::new();
    for page in pages() {
        for name in variables(&read(&page)) {
            if !known.contains(&name) && !NOT_SETTINGS.contains(&name.as_str()) {
                faults.push(format!("{page}: {name} is no setting"));
            }
        }
    }
    none(&faults);
    assert!(variables("set `CHAT_NO_SUCH` to 1").contains("CHAT_NO_SUCH"));
}

fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|w| w.starts_with("CHAT_") && w.len() > 5).map(str::to_owned).collect()
}
