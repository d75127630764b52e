//! A backup that is put back: the very commands of the how-to pages, on both stores. They end with a
//! new epoch, so that every client reads anew (I21).

use std::path::Path;
use std::process::Command;

use chat::torture::kept_environment;
use chat::torture::postgres::{Setup, programs};
use serde_json::json;

use crate::architecture::read;
use crate::postgres::own_server;
use crate::support::process::ChatProcess;
use crate::support::upgrade::Upgrade;
use crate::support::{Person, http, server, text};

/// The shell commands below a heading of a page.
#[track_caller]
fn commands(page: &str, heading: &str) -> String {
    let page = read(page);
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let commands: String = blocks.collect();
    assert!(!commands.is_empty());
    commands
}

/// Does what a page says, in this folder, and answers what was said.
#[track_caller]
fn follow(commands: &str, folder: &Path, env: &[(&str, &str)]) -> String {
    let chat = Path::new(env!("CARGO_BIN_EXE_chat")).parent().expect("a folder");
    let path = format!(
        "{}:{}:{}",
        chat.display(),
        programs().expect("PostgreSQL").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shell = Command::new("/bin/sh");
    shell.args(["-euc", commands]).current_dir(folder).env_clear().envs(kept_environment()).env("PATH", path);
    let output = shell.envs(env.iter().copied()).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn register(process: &ChatProcess, name: &str) -> Person {
    let email = format!("{name}@example.com");
    let body = json!({"username": name, "email": email, "password": "correct horse battery"});
    let made = http::ask(process.address, "POST", "/auth/register", &[], Some(&body)).expect("an answer");
    server::signed_in(&made.expect(201), email)
}

/// The epoch that somebody who comes is told; `None` when nobody knows him.
fn epoch(process: &ChatProcess, person: &Person) -> Option<String> {
    let mut socket = Upgrade::new(process.address).bearer(&person.token).open();
    let first = match socket.event(crate::support::PATIENCE) {
        crate::support::Event::Frame(frame) => frame,
        other => panic!("no frame: {other:?}"),
    };
    if first["t"] != "hello" {
        return None;
    }
    let epoch = text(&first["d"], "epoch");
    matches!(socket.event(crate::support::PATIENCE), crate::support::Event::Frame(next) if next["t"] == "ready")
        .then_some(epoch)
}

/// Backs up, goes on, goes back; `env` is that of the commands and of the server.
fn there_and_back(page: &str, folder: &Path, env: &[(&str, &str)]) {
    let serve = || ChatProcess::serve(&folder.join("data"), 0, env);
    let process = serve();
    let alice = register(&process, "alice");
    let before = epoch(&process, &alice).expect("alice is known");
    follow(&commands(page, "Back up, while the server runs"), folder, env);
    register(&process, "bob");
    assert!(process.terminate().success());

    let restore = commands(page, "Restore");
    assert_eq!(restore.trim_end().lines().last().map(str::trim), Some("chat admin new-epoch"));
    let said = follow(&restore, folder, env);
    let process = serve();
    let after = epoch(&process, &alice).expect("alice is known again");
    assert_ne!(after, before);
    assert!(said.contains(&after), "{after} is not what was said: {said}");
    // Bob came after the backup: his name is free again.
    register(&process, "bob");
    assert!(process.terminate().success());
}

#[test]
fn a_sqlite_file_is_restored_as_the_page_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    there_and_back("docs/how-to/back-up-sqlite.md", folder.path(), &[]);
}

#[test]
fn a_postgresql_database_is_restored_as_the_page_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let postgres = own_server(Setup::default());
    postgres.sql("postgres", "CREATE ROLE chat LOGIN").expect("a role");
    postgres
        .sql("postgres", "CREATE DATABASE chat OWNER chat ENCODING 'UTF8' TEMPLATE template0")
        .expect("made");
    let port = postgres.port().to_string();
    let url = format!("postgres://chat@127.0.0.1:{port}/chat");
    let env = [
        ("DATABASE_URL", url.as_str()),
        // Who administers the server, as its tools want to know it.
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &port),
        ("PGUSER", "postgres"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    there_and_back("docs/how-to/run-on-postgresql.md", folder.path(), &env);
}
