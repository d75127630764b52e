//! What `build.rs` leaves for the next build.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs it as cargo does, in a tree of its own.
fn run(script: &Path, tree: &Path) {
    let out = tree.join("out");
    let ran = Command::new(script).current_dir(tree).env("OUT_DIR", &out).output().expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("rerun-if-changed=web/dist"), "{said}");
    assert!(out.join("web/app/index.html").exists());
}

/// Cargo builds again what watches something younger than its last build.
#[test]
fn a_tree_without_pages_is_not_built_again_until_there_are_some() {
    let tree = tempfile::tempdir().expect("a folder");
    let script = tree.path().join("build");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    let made = Command::new("rustc").args(["--edition", "2024", "-o"]).args([&script, &source]).status();
    assert!(made.expect("rustc").success());
    let pages = tree.path().join("web/dist");
    let changed = |path: &Path| fs::metadata(path).and_then(|known| known.modified()).expect("it is there");

    // Not yet run when it was made.
    let began = changed(&script);
    run(&script, tree.path());
    assert!(changed(&pages) < began, "its own folder is younger than the run that made it");

    fs::create_dir(pages.join("app")).expect("a folder");
    fs::write(pages.join("app/index.html"), "a page").expect("a page");
    assert!(changed(&pages) >= began);
    run(&script, tree.path());
    assert_eq!(fs::read(tree.path().join("out/web/app/index.html")).expect("a page"), b"a page");
}
