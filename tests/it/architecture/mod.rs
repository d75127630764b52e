//! The shape of the code, held by tests: who may name whom, how long a file may be, where an
//! `unwrap` may stand, what lies in the root.
//!
//! [`source`] reads, [`edges`] and [`habits`] judge, [`drawing`] keeps the picture in the documents. Each rule also judges a snippet that breaks
//! it, so a rule that can no longer fail is found out.

mod drawing;
mod edges;
mod habits;
mod source;

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with one of these extensions, named from the root with `/`, sorted.
/// What a build leaves behind is no source.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut |path| {
        let wanted = path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e));
        if wanted {
            let name = path.strip_prefix(root()).expect("below the root");
            found.push(name.to_str().expect("a plain name").replace('\\', "/"));
        }
    });
    found.sort();
    found
}

/// The text of a file named from the root.
pub fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    const BUILT: [&str; 6] = ["node_modules", "dist", "target", "data", "test-results", ".git"];
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !BUILT.contains(&name) {
                walk(&path, visit);
            }
        } else {
            visit(&path);
        }
    }
}

/// Fails with every fault on a line of its own.
pub fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
