//! The picture of who names whom in `docs/explanation/architecture.md`, drawn from the sources.

use std::collections::{BTreeMap, BTreeSet};

use super::edges::named_parts;
use super::{files, none, read, root};

const PAGE: &str = "docs/explanation/architecture.md";
const BEGIN: &str = "<!-- Drawn by UPDATE_DOCS=1 cargo test --all-features --test it drawing -->\n```text\n";
const END: &str = "```\n";

type Edges = BTreeMap<String, BTreeSet<String>>;

/// What each directory or file below `src/` names of the others.
fn edges() -> Edges {
    let mut edges = Edges::new();
    for file in files("src", &["rs"]) {
        let part = top(file.trim_start_matches("src/"));
        let named = named_parts(&file, &read(&file));
        edges.entry(part.clone()).or_default().extend(named.into_iter().filter(|other| *other != part));
    }
    edges.remove("lib");
    edges
}

fn top(path: &str) -> String {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs").to_owned()
}

/// How far each part stands above those that name nothing; or the parts that go round in a circle.
fn heights(edges: &Edges) -> Result<BTreeMap<&str, usize>, Vec<String>> {
    let mut heights = BTreeMap::new();
    while heights.len() < edges.len() {
        let settled: Vec<_> = edges
            .iter()
            .filter(|(part, _)| !heights.contains_key(part.as_str()))
            .filter_map(|(part, below)| {
                let below: Option<Vec<usize>> =
                    below.iter().map(|other| heights.get(other.as_str()).copied()).collect();
                Some((part.as_str(), below?.into_iter().max().map_or(0, |highest| highest + 1)))
            })
            .collect();
        if settled.is_empty() {
            let turning = edges.keys().filter(|part| !heights.contains_key(part.as_str()));
            return Err(turning.map(|part| format!("{part} is part of a circle")).collect());
        }
        heights.extend(settled);
    }
    Ok(heights)
}

/// A line a part, those that name most at the top.
fn draw(edges: &Edges) -> Result<String, Vec<String>> {
    let heights = heights(edges)?;
    let mut parts: Vec<_> = edges.iter().collect();
    parts.sort_by_key(|(part, _)| (usize::MAX - heights[part.as_str()], part.as_str()));
    let lines = parts.into_iter().map(|(part, below)| {
        let below: Vec<_> = below.iter().map(String::as_str).collect();
        let arrow = if below.is_empty() {
            "names none of the others".into()
        } else {
            format!("─▶ {}", below.join(", "))
        };
        format!("{:>2}  {part:<10}{arrow}\n", heights[part.as_str()])
    });
    Ok(lines.collect())
}

#[test]
fn the_drawing_is_that_of_the_code() {
    let drawn = draw(&edges()).unwrap_or_else(|circle| {
        none(&circle);
        unreachable!("a circle is a fault")
    });
    let page = read(PAGE);
    let (before, rest) = page.split_once(BEGIN).expect("the page has the drawing");
    let (kept, after) = rest.split_once(END).expect("the drawing has an end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}{BEGIN}{drawn}{END}{after}");
        std::fs::write(root().join(PAGE), page).expect("the page can be written");
    } else {
        assert!(kept == drawn, "{PAGE} draws something else; UPDATE_DOCS=1 draws it anew:\n{drawn}");
    }
}

#[test]
fn a_circle_cannot_be_drawn() {
    let edge = |part: &str, below: &[&str]| {
        (part.to_owned(), below.iter().map(|&other| other.to_owned()).collect::<BTreeSet<_>>())
    };
    let straight = Edges::from([edge("http", &["store"]), edge("store", &["domain"]), edge("domain", &[])]);
    assert_eq!(
        draw(&straight),
        Ok(" 2  http      ─▶ store\n 1  store     ─▶ domain\n 0  domain    names none of the others\n"
            .into())
    );
    let round = Edges::from([edge("http", &["store"]), edge("store", &["http"]), edge("domain", &[])]);
    assert_eq!(draw(&round).unwrap_err(), ["http is part of a circle", "store is part of a circle"]);
}
