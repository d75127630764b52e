//! Habits of the house: short files, a word at the head of each module, no loose ends, a reason
//! beside what may panic, and a tidy root.

use super::source::tokens;
use super::{files, none, read, root};

/// Lines of a file.
const LONGEST: usize = 400;
/// Written by diesel, and so as long as they have to be.
const LONGER: &[&str] = &["src/store/sqlite/schema.rs", "src/store/postgres/schema.rs"];

const SOURCES: &[(&str, &[&str])] = &[
    ("src", &["rs"]),
    ("tests", &["rs"]),
    ("benches", &["rs"]),
    ("web", &["ts", "tsx", "mjs", "css", "html"]),
    (".ci", &["sh", "mjs"]),
    ("docker", &["sh", "mjs", "conf", "yaml", "yml"]),
    ("kustomize", &["sh", "yaml"]),
    ("tests/manifests", &["py", "mjs"]),
];

/// What may lie in the root: what the product is made of, and the usual files about it.
const ROOT: &[&str] = &[
    ".ci",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benches",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "diesel.toml",
    "docker",
    "docs",
    "kustomize",
    "migrations",
    "openapi",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "src",
    "tests",
    "web",
];
/// What a checkout, a build or an editor leaves there; none of it is committed.
const PASSING: &[&str] =
    &[".DS_Store", ".env", ".git", ".idea", ".vscode", "data", "node_modules", "target", "test-results"];

fn too_long(file: &str, source: &str) -> Option<String> {
    let lines = source.lines().count();
    (lines > LONGEST && !LONGER.contains(&file)).then(|| format!("{file}: {lines} lines, at most {LONGEST}"))
}

fn without_head(file: &str, source: &str) -> Option<String> {
    let first = source.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    (!first.starts_with("//!")).then(|| format!("{file}: a module starts with //! and says what it is for"))
}

fn loose_ends(file: &str, source: &str) -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimple", "mented!"), concat!("to", "do!(")];
    let wrong = |line: &str| marks.iter().any(|mark| line.contains(mark));
    let lines = source.lines().enumerate().filter(|(_, line)| wrong(line));
    lines.map(|(n, line)| format!("{file}:{}: a loose end: {}", n + 1, line.trim())).collect()
}

fn bare_panics(file: &str, source: &str) -> Vec<String> {
    let lines: Vec<_> = source.lines().collect();
    let tokens = tokens(source);
    let calls = tokens.windows(3).filter(|w| {
        w[0].text == "." && matches!(w[1].text.as_str(), "unwrap" | "expect") && w[2].text == "("
    });
    let bare = calls.map(|w| w[1].line).filter(|line| {
        let above = line.saturating_sub(4);
        !lines[above..*line].iter().any(|line| line.contains("//"))
    });
    bare.map(|line| format!("{file}:{line}: say beside it in a comment why it cannot fail")).collect()
}

fn stranger(name: &str) -> Option<String> {
    let known = ROOT.contains(&name) || PASSING.contains(&name);
    (!known).then(|| format!("{name}: not in the root"))
}

#[test]
fn files_are_short() {
    let all = SOURCES.iter().flat_map(|(folder, kinds)| files(folder, kinds));
    let faults: Vec<_> = all.filter_map(|file| too_long(&file, &read(&file))).collect();
    none(&faults);
}

#[test]
fn every_module_says_what_it_is_for() {
    let modules = files("src", &["rs"]).into_iter().chain(files("tests", &["rs"]));
    let faults: Vec<_> = modules.filter_map(|file| without_head(&file, &read(&file))).collect();
    none(&faults);
}

#[test]
fn there_are_no_loose_ends() {
    let all = SOURCES.iter().flat_map(|(folder, kinds)| files(folder, kinds));
    let faults: Vec<_> = all.flat_map(|file| loose_ends(&file, &read(&file))).collect();
    none(&faults);
}

#[test]
fn what_may_panic_says_why_it_does_not() {
    let faults: Vec<_> =
        files("src", &["rs"]).iter().flat_map(|file| bare_panics(file, &read(file))).collect();
    none(&faults);
}

#[test]
fn the_root_is_tidy() {
    let entries = std::fs::read_dir(root()).expect("the root");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut faults: Vec<_> = names.filter_map(|name| stranger(&name)).collect();
    faults.sort();
    none(&faults);
}

#[test]
fn each_habit_can_be_broken() {
    assert!(too_long("src/a.rs", &"x\n".repeat(LONGEST + 1)).is_some());
    assert!(too_long("src/a.rs", &"x\n".repeat(LONGEST)).is_none());
    assert!(without_head("src/a.rs", "use std::fmt;\n//! late").is_some());
    assert!(without_head("src/a.rs", "\n//! in time").is_none());
    assert_eq!(loose_ends("src/a.rs", concat!("fine\n// TO", "DO later")).len(), 1);
    assert_eq!(bare_panics("src/a.rs", "\n\n\n\nfn f() { g().unwrap(); h.expect(\"x\"); }").len(), 2);
    assert!(bare_panics("src/a.rs", "// always there\nfn f() { g().unwrap(); }").is_empty());
    assert!(bare_panics("src/a.rs", "fn f() { g().unwrap_or(1); }").is_empty());
    assert!(bare_panics("src/a.rs", "#[cfg(test)]\nmod tests { fn f() { g().unwrap(); } }").is_empty());
    assert!(stranger("notes.txt").is_some());
}
