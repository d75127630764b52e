//! Migrations of a SQLite file: listed, applied once, killed at any moment and run again, and used
//! by binaries of several versions (I20).

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use chat::store::Store;
use chat::store::sqlite::{OpenError, SqliteStore, migrate, migrations};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use super::sqlite::options;
use super::support::*;
use super::{searching, widened};
use crate::support::process;

fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a connection")
}

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, options()).expect("a database"))
}

fn refused(path: &Path) -> OpenError {
    let error = SqliteStore::open(path, options()).err().expect("it is not opened");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    assert!(error.is_configuration());
    error
}

/// Everything that migrations make, as a text.
fn schema(path: &Path) -> String {
    let mut conn = connect(path);
    let made = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL
        ORDER BY name)";
    let applied = "SELECT group_concat(version, ',') FROM (SELECT version FROM __diesel_schema_migrations
        ORDER BY version)";
    let facts = "SELECT group_concat(name || '=' || hex(value), ',') FROM (SELECT * FROM meta ORDER BY name)";
    let text = |question| sql::<Text>(question).get_result::<String>(&mut conn).expect("an answer");
    [made, applied, facts].map(text).join("\n")
}

#[test]
fn migrations_are_listed_and_applied_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let pending = migrations(&path).expect("a list");
    assert!(!pending.is_empty() && pending.iter().all(|migration| !migration.applied));
    assert!(!path.exists(), "asking makes nothing");
    let names: Vec<_> = pending.into_iter().map(|migration| migration.name).collect();
    assert_eq!(migrate(&path).expect("migrated"), names);
    assert!(migrate(&path).expect("migrated").is_empty());
    let store = open(&path);
    // Also while a server runs.
    assert!(migrations(&path).expect("a list").iter().all(|migration| migration.applied));
    run(store.ping()).expect("an answer");
}

#[test]
fn a_process_that_is_killed_while_it_migrates_leaves_what_can_be_run_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let migrating = |folder: &Path| {
        let env = [("CHAT_DATA_DIR", folder.to_str().expect("UTF-8"))];
        process::command(&["migrate"], &env).stdout(std::process::Stdio::null()).spawn().expect("it runs")
    };
    let undisturbed = directory.path().join("undisturbed");
    let begun = Instant::now();
    assert!(migrating(&undisturbed).wait().expect("it ended").success());
    let (took, whole) = (begun.elapsed(), schema(&undisturbed.join("chat.db")));
    let mut halves = 0;
    // From the beginning to the end, and a bit further.
    const MOMENTS: u32 = 40;
    for moment in 0..MOMENTS {
        let folder = directory.path().join(moment.to_string());
        let database = folder.join("chat.db");
        let mut child = migrating(&folder);
        thread::sleep(took * moment * 5 / (MOMENTS * 4));
        child.kill().expect("it ran");
        child.wait().expect("it ended");
        if database.exists() {
            let states = migrations(&database).expect("a database, or nothing yet");
            halves += u32::from(states.iter().any(|migration| !migration.applied));
        }
        assert!(migrating(&folder).wait().expect("it ended").success(), "after a kill at {moment}");
        assert_eq!(schema(&database), whole, "after a kill at {moment}");
    }
    assert!(halves > 0, "none was ever hit in the middle");
}

#[test]
fn a_newer_schema_is_used_while_it_only_adds() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let (before, after) = (["alice", "bob"], ["carol", "dave"]);
    let talk = run(widened::talk(&open(&path), before));
    // What a newer server did that expands: a column in every table, one more table, and its own row.
    {
        let mut conn = connect(&path);
        let widen = "SELECT group_concat('ALTER TABLE ' || name || ' ADD COLUMN widened TEXT NOT NULL
            DEFAULT ''x'';', '') FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
            AND name NOT LIKE '\\_\\_%' ESCAPE '\\' AND name NOT LIKE 'search\\_terms%' ESCAPE '\\'";
        let widen = sql::<Text>(widen).get_result::<String>(&mut conn).expect("tables");
        assert!(widen.matches("ALTER").count() >= 10, "{widen}");
        conn.batch_execute(&widen).expect("widened");
        conn.batch_execute(
            "CREATE TABLE polls (id BLOB NOT NULL PRIMARY KEY);
             INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
        )
        .expect("added");
    }
    run(async {
        let store = open(&path);
        widened::reads_back(&store, talk, before).await;
        let talk = widened::talk(&store, after).await;
        widened::reads_back(&store, talk, after).await;
    });
    assert!(migrate(&path).expect("nothing to do").is_empty());
    // And one that contracts: whoever does not know that migration stays away.
    let raise = "UPDATE meta SET value = CAST('29990101000000' AS BLOB) WHERE name = 'min_binary_schema'";
    connect(&path).batch_execute(raise).expect("raised");
    let error = refused(&path);
    assert!(matches!(&error, OpenError::NewerSchema { needed, .. } if needed == "29990101000000"));
    assert!(error.to_string().contains("29990101000000"));
    assert!(matches!(migrations(&path), Err(OpenError::NewerSchema { .. })));
    assert!(matches!(migrate(&path), Err(OpenError::NewerSchema { .. })));
}

#[test]
fn a_newer_schema_that_does_not_say_who_may_use_it_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    drop(open(&path));
    connect(&path)
        .batch_execute(
            "DELETE FROM meta WHERE name = 'min_binary_schema';
             INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
        )
        .expect("tampered");
    assert!(matches!(refused(&path), OpenError::NewerSchema { .. }));
}

#[test]
fn a_file_that_waits_for_migrations_keeps_waiting_while_only_its_epoch_is_renewed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let epoch = chat::domain::Epoch(new_id());
    let renew = || chat::store::sqlite::renew_epoch(&path, epoch);
    assert!(matches!(renew(), Err(OpenError::Absent { .. })));
    assert!(!path.exists(), "asking makes nothing");
    migrate(&path).expect("migrated");
    let newest = migrations(&path).expect("a list").pop().expect("some");
    connect(&path)
        .batch_execute(
            "DELETE FROM __diesel_schema_migrations
             WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
        )
        .expect("forgotten");
    let error = renew().expect_err("older");
    assert!(
        error.to_string().contains(&newest.name) && error.to_string().contains("chat migrate"),
        "{error}"
    );
    assert!(!migrations(&path).expect("a list").pop().expect("some").applied, "nothing was applied");
}

#[test]
fn a_renewed_epoch_is_renewed_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let renew = |epoch| chat::store::sqlite::renew_epoch(&path, epoch).expect("renewed");
    let epochs = [(); 3].map(|()| chat::domain::Epoch(new_id()));
    migrate(&path).expect("migrated");
    // One that no server has used, one that was used, and one that lies here without its witness.
    renew(epochs[0]);
    run(async { assert_eq!(open(&path).epoch().await.expect("an epoch"), epochs[0]) });
    renew(epochs[1]);
    run(async { assert_eq!(open(&path).epoch().await.expect("an epoch"), epochs[1]) });
    std::fs::remove_file(directory.path().join("chat.db-commits")).expect("removed");
    renew(epochs[2]);
    run(async { assert_eq!(open(&path).epoch().await.expect("an epoch"), epochs[2]) });
    // Not under a server's feet.
    let store = open(&path);
    assert!(matches!(chat::store::sqlite::renew_epoch(&path, epochs[0]), Err(OpenError::InUse { .. })));
    drop(store);
}

#[test]
fn messages_from_before_there_was_a_search_are_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let before = run(searching::before(&open(&path)));
    // As the file was then.
    connect(&path).batch_execute(searching::BACKLOG_DOWN_SQLITE).expect("undone");
    run(async {
        let store = open(&path);
        assert_eq!(store.unindexed_count().await.expect("a count"), 3, "the deleted one is not asked for");
        searching::finds(&store, before).await;
    });
}
