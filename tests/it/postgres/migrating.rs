//! Migrations: killed at any moment and run again, by several at once, and by binaries of several
//! versions (I20).

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chat::clock::{Clock, SystemClock};
use chat::domain::Epoch;
use chat::store::Store;
use chat::store::postgres::{OpenError, PgStore, migrate, renew_epoch};

use super::{address, ask, database, new_name, open_at, options, server};
use crate::architecture::files;
use crate::contract::support::{new_id, run};
use crate::contract::{searching, widened};
use crate::support::process;

/// An empty database.
fn empty() -> (String, String) {
    let name = new_name();
    server().create_database(&name, None).expect("a database");
    let url = server().url(&name);
    (name, url)
}

/// Everything that migrations make, as a text.
fn schema(name: &str) -> String {
    let dump = server().run("pg_dump", &["--schema-only", "--no-owner", name]).expect("a dump");
    // Newer versions of the program put a random word into these lines.
    let lines =
        dump.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    let applied =
        ask(name, "SELECT string_agg(version, ',' ORDER BY version) FROM __diesel_schema_migrations");
    lines.collect::<Vec<_>>().join("\n") + &applied
}

#[test]
fn migrations_are_named_and_applied_once() {
    let (name, url) = empty();
    let env = [("DATABASE_URL", url.as_str())];
    let said = |output: std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said(process::run(&["migrate"], &env)).starts_with("applied 2026-11-21-000000_initial"));
    assert_eq!(said(process::run(&["migrate"], &env)), "the schema is up to date\n");
    assert_eq!(schema(&name), schema(&database()));
}

#[test]
fn a_migration_that_is_killed_at_any_moment_can_be_run_again() {
    let whole = schema(&database());
    let mut killed = 0;
    for round in 0..15 {
        let (name, url) = empty();
        for _ in 0..3 {
            let migrating = {
                let url = url.clone();
                thread::spawn(move || run(migrate(address(&url), options())))
            };
            // At once, in the middle, or too late.
            thread::sleep(Duration::from_micros(SystemClock.below(60_000)));
            let kill = format!(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = '{name}' AND application_name = 'chat'"
            );
            let hit = ask("postgres", &kill) != "0";
            let result = migrating.join().expect("no panic");
            killed += u32::from(hit && result.is_err());
        }
        run(migrate(address(&url), options())).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(schema(&name), whole, "round {round}");
    }
    assert!(killed > 0, "none was ever hit");
}

#[test]
fn a_process_that_is_killed_while_it_migrates_stops_nobody() {
    let whole = schema(&database());
    for _ in 0..8 {
        let (name, url) = empty();
        let mut child = process::command(&["migrate"], &[("DATABASE_URL", &url)]).spawn().expect("it runs");
        thread::sleep(Duration::from_micros(SystemClock.below(80_000)));
        child.kill().expect("it ran");
        child.wait().expect("it ended");
        run(migrate(address(&url), options())).expect("migrated");
        assert_eq!(schema(&name), whole);
    }
}

#[test]
fn of_several_starters_one_migrates_while_the_others_wait() {
    let (_, url) = empty();
    let starters: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            thread::spawn(move || {
                let applied = run(migrate(address(&url), options())).expect("migrated");
                run(async {
                    let store = open_at(&url).await.expect("a store");
                    store.ping().await.expect("an answer");
                });
                applied.len()
            })
        })
        .collect();
    let applied: usize = starters.into_iter().map(|starter| starter.join().expect("no panic")).sum();
    assert_eq!(applied, files("migrations/postgres", &["sql"]).len() / 2, "each migration once");
}

#[test]
fn a_newer_schema_is_used_while_it_only_adds() {
    let name = database();
    let url = server().url(&name);
    let (before, after) = (["alice", "bob"], ["carol", "dave"]);
    let open = || async { open_at(&url).await.map(|store| -> Arc<dyn Store> { store }) };
    let talk = run(async { widened::talk(&open().await.expect("a store"), before).await });
    // What a newer server did that expands: a column in every table, one more table, and its own row.
    ask(
        &name,
        "DO $$ DECLARE t TEXT; BEGIN
            FOR t IN SELECT tablename FROM pg_tables
                WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations' LOOP
                EXECUTE format('ALTER TABLE %I ADD COLUMN widened TEXT NOT NULL DEFAULT ''x''', t);
            END LOOP;
        END $$;
        CREATE TABLE polls (id UUID);
        INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
    );
    let widened_tables = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'widened'";
    assert!(ask(&name, widened_tables).parse::<u32>().expect("a number") >= 10);
    run(async {
        let store = open().await.expect("it only added");
        widened::reads_back(&store, talk, before).await;
        let talk = widened::talk(&store, after).await;
        widened::reads_back(&store, talk, after).await;
    });
    assert!(run(migrate(address(&url), options())).expect("nothing to do").is_empty());
    // And one that contracts: whoever does not know that migration stays away.
    ask(&name, "UPDATE meta SET value = '29990101000000' WHERE name = 'min_binary_schema'");
    let error = match run(PgStore::open(address(&url), options())) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    };
    assert!(
        matches!(&error, OpenError::NewerSchema { needed, .. } if needed == "29990101000000"),
        "{error:?}"
    );
    assert!(run(migrate(address(&url), options())).is_err());
}

#[test]
fn a_database_that_waits_for_migrations_keeps_waiting_while_only_its_epoch_is_renewed() {
    let (name, url) = empty();
    let renew = |epoch| run(renew_epoch(address(&url), options(), epoch));
    let epoch = Epoch(new_id());
    let error = renew(epoch).expect_err("older");
    assert!(error.is_configuration() && matches!(error, OpenError::OlderSchema { .. }), "{error:?}");
    assert!(error.to_string().contains("2026-11-21-000000_initial"), "{error}");
    assert!(error.to_string().contains("chat migrate"), "{error}");
    assert_eq!(ask(&name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    // One that no server has used, and one that a server uses.
    run(migrate(address(&url), options())).expect("migrated");
    renew(epoch).expect("renewed");
    let store = run(open_at(&url)).expect("a store");
    assert_eq!(run(store.epoch()).expect("an epoch"), epoch);
    let another = Epoch(new_id());
    renew(another).expect("renewed");
    assert_eq!(run(store.epoch()).expect("an epoch"), another);
}

#[test]
fn messages_from_before_there_was_a_search_are_found() {
    let name = database();
    let url = server().url(&name);
    let open = || async { open_at(&url).await.map(|store| -> Arc<dyn Store> { store }).expect("a store") };
    let before = run(async { searching::before(&open().await).await });
    // As the database was then.
    ask(&name, searching::BACKLOG_DOWN_POSTGRES);
    run(async {
        let store = open().await;
        assert_eq!(store.unindexed_count().await.expect("a count"), 3, "the deleted one is not asked for");
        searching::finds(&store, before).await;
    });
}
