//! Gathers the built pages for the binary to embed; without them, one page that says how to get
//! them, so that a build never depends on a second toolchain.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, io};

const WITHOUT_PAGES: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>chat</title></head>
<body>
<h1>chat is running</h1>
<p>This build holds no web client. Build it and start again with <code>make run</code>.</p>
<p>The API is described at <a href="/openapi.json">/openapi.json</a>.</p>
</body>
</html>
"#;

fn main() -> io::Result<()> {
    let dist = Path::new("web/dist");
    // A watched path that is absent would run this, and compile the crate, at every build, and one that is
    // younger than this run at the next; so the (ignored) folder is made, and made old. Where that cannot
    // be done, as in a read-only tree, it costs time only.
    if !dist.exists() {
        let _ = fs::create_dir_all(dist)
            .and_then(|()| fs::File::open(dist))
            .and_then(|folder| folder.set_modified(SystemTime::UNIX_EPOCH));
    }
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=build.rs");

    let Some(out) = env::var_os("OUT_DIR") else {
        return Err(io::Error::other("cargo sets OUT_DIR"));
    };
    let web = PathBuf::from(out).join("web");
    if web.exists() {
        fs::remove_dir_all(&web)?;
    }
    fs::create_dir_all(&web)?;
    if dist.exists() {
        copy(dist, &web)?;
    }
    for folder in ["app", "docs"] {
        let index = web.join(folder).join("index.html");
        if !index.exists() {
            fs::create_dir_all(web.join(folder))?;
            fs::write(index, WITHOUT_PAGES)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
