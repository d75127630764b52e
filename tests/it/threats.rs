//! The threat model, held to the tests: each that it names is there.

use crate::architecture::{none, read};

const PAGE: &str = "docs/explanation/threat-model.md";

/// Files and tests that a page names as `file::test`.
fn named(page: &str) -> Vec<(String, String)> {
    let names = page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
    names.map(|(file, test)| (file.to_owned(), test.to_owned())).collect()
}

/// Whether there is such a test: for a contract, a story that is told of each store.
fn is_there(text: &str, contract: &str, test: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let story = |line: &str| {
        let name = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
        name.and_then(|name| name.split('(').next()) == Some(test)
    };
    lines.iter().enumerate().any(|(n, line)| {
        let before =
            lines[..n].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        let is_test = before.clone().any(|line| line.ends_with("test]") || line.ends_with("test"));
        story(line) && (is_test || contract.lines().any(|known| known.trim() == test))
    })
}

fn missing(page: &str) -> Vec<String> {
    let contract = read("tests/it/contract/mod.rs");
    let names = named(page).into_iter();
    let gone = names.filter(|(file, test)| {
        let told = if file.starts_with("tests/it/contract/") { contract.as_str() } else { "" };
        !is_there(&read(file), told, test)
    });
    gone.map(|(file, test)| format!("{PAGE}: there is no test {test} in {file}")).collect()
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let page = read(PAGE);
    assert!(named(&page).len() > 30);
    none(&missing(&page));
}

#[test]
fn a_test_that_is_gone_is_missed() {
    let lost = "`tests/it/threats.rs::no_such_test` `tests/it/threats.rs::named` `tests/it/contract/proofs.rs::proof`";
    assert_eq!(missing(lost).len(), 3);
}

/// A table row of abuses tells what shows that it is stopped.
#[test]
fn every_abuse_names_what_shows_that_it_is_stopped() {
    let page = read(PAGE);
    let abuses = page.split("## Abuses").nth(1).and_then(|rest| rest.split("## What is left").next());
    let rows: Vec<_> = abuses
        .expect("abuses")
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Abuse"))
        .collect();
    assert!(rows.len() > 30);
    let bare = rows.iter().filter(|row| named(row).is_empty());
    none(&bare.map(|row| format!("{PAGE}: nothing shows: {row}")).collect::<Vec<_>>());
}
