//! What only a SQLite file can promise: durability settings, reopening, one process at a time, and a
//! full disk.

use std::path::Path;
use std::sync::Arc;

use chat::domain::policy::EditWindow;
use chat::domain::{AuditEvent, AuditFilter, Change, Epoch, Operation, Role, Seq, ServerRole};
use chat::store::sqlite::{OpenError, SqliteOptions, SqliteStore, migrate};
use chat::store::{Accounts, Administration, Log, Rooms, Store, StoreError};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use futures_util::FutureExt;
use tempfile::TempDir;

use super::administering::record;
use super::sqlite::options;
use super::support::*;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, options()).expect("a database"))
}

fn refused(path: &Path) -> OpenError {
    match SqliteStore::open(path, options()) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            error
        }
    }
}

/// Does to the database what no server does.
fn tamper(path: &Path, statements: &str) {
    let mut conn = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a connection");
    conn.batch_execute(statements).expect("done");
}

#[test]
fn commits_are_on_the_disk_before_they_are_answered() {
    let store = SqliteStore::temporary(options()).expect("a database");
    run(async {
        for (pragma, value) in [("synchronous", "2"), ("journal_mode", "wal"), ("foreign_keys", "1")] {
            assert_eq!(store.writer_pragma(pragma).await.expect("a value"), value, "{pragma}");
        }
        assert!(store.writer_pragma("no_such_pragma").await.is_err());
    });
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let directory = directory();
    let path = directory.path().join("deep/down/chat.db");
    let (alice, room, before, epoch) = run(async {
        let store = open(&path);
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        let sent = message(&store, room, 0, alice, "one").await;
        message(&store, room, 0, alice, "two").await;
        write(&store, room, 1_000, edit(alice, sent.id, "uno")).await;
        (alice, room, log(&store, room).await, store.epoch().await.expect("an epoch"))
    });
    run(async {
        // With another epoch offered, which an old database does not take.
        let store = open(&path);
        assert_eq!(store.epoch().await.expect("an epoch"), epoch);
        assert_eq!(log(&store, room).await, before);
        assert_eq!(write(&store, room, 0, say(alice, "three")).await.seq, seq(5));
        assert!(store.credentials("alice@example.com".into()).await.expect("an answer").is_some());
    });
}

#[test]
fn the_database_refuses_to_change_what_was_recorded() {
    let directory = directory();
    let path = directory.path().join("chat.db");
    let store = open(&path);
    run(store.record(record(AuditEvent::Logout))).expect("kept");
    let mut conn = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a connection");
    for change in ["UPDATE audit SET event = 'x'", "DELETE FROM audit"] {
        let refused = conn.batch_execute(change).expect_err(change);
        assert!(refused.to_string().contains("audit is append-only"), "{change}: {refused}");
    }
    let page = run(store.audit_page(AuditFilter::default(), 10, None)).expect("a page");
    assert_eq!(page.records.len(), 1);
}

#[test]
fn what_is_done_by_hand_is_seen_by_the_server_that_has_the_file() {
    let directory = directory();
    let path = directory.path().join("chat.db");
    let store = open(&path);
    let alice = run(person(&store, "alice"));
    let by_hand = SqliteStore::attend(&path, options()).expect("beside the server");
    let given = run(by_hand.set_role(alice, ServerRole::Moderator, record(AuditEvent::RoleChanged)));
    assert!(given.expect("an answer"));
    let known = run(store.user(alice)).expect("an answer").expect("somebody");
    assert_eq!(known.server_role, ServerRole::Moderator);
    let epoch = run(store.epoch()).expect("an epoch");
    drop((by_hand, store));
    // The next start finds nothing to complain of.
    assert_eq!(run(open(&path).epoch()).expect("an epoch"), epoch);
    let nowhere = directory.path().join("none.db");
    assert!(matches!(SqliteStore::attend(&nowhere, options()).err(), Some(OpenError::Absent { .. })));
}

#[cfg(unix)]
#[test]
fn a_new_database_is_for_the_servers_account_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let path = directory.path().join("chat.db");
    let store = open(&path);
    run(person(&store, "alice"));
    for entry in std::fs::read_dir(directory.path()).expect("a list") {
        let entry = entry.expect("a file");
        let mode = entry.metadata().expect("a mode").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[test]
fn a_new_database_takes_the_epoch_it_is_offered() {
    let epoch = Epoch(new_id());
    let store = SqliteStore::inline(SqliteOptions::new(epoch)).expect("a database");
    assert_eq!(run(store.epoch()).expect("an epoch"), epoch);
}

#[test]
fn one_file_serves_one_store_at_a_time() {
    let directory = directory();
    let path = directory.path().join("chat.db");
    let first = open(&path);
    assert!(matches!(refused(&path), OpenError::InUse { .. }));
    assert!(matches!(migrate(&path), Err(OpenError::InUse { .. })));
    run(first.ping()).expect("undisturbed");
    drop(first);
    run(open(&path).ping()).expect("free again");
}

#[test]
fn what_is_queued_is_done_before_the_store_is_gone() {
    let directory = directory();
    let path = directory.path().join("chat.db");
    let store = open(&path);
    let (alice, room) = run(async {
        let alice = person(&store, "alice").await;
        (alice, room(&store, alice, &[]).await)
    });
    // Nobody waits for the answers.
    for n in 0..50 {
        drop(store.append(vec![batch(room, at(n), vec![say(alice, "hi")])]));
    }
    drop(store);
    assert_eq!(numbers(&run(async { log(&open(&path), room).await })), up_to(51));
}

#[test]
fn a_full_disk_stores_nothing_and_uses_up_no_key() {
    for store in [SqliteStore::temporary(options()), SqliteStore::inline(options())] {
        let sqlite = Arc::new(store.expect("a database"));
        let store: Arc<dyn Store> = sqlite.clone();
        run(async {
            let alice = person(&store, "alice").await;
            let (here, there) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
            let pages = sqlite.writer_pragma("page_count").await.expect("a number");
            sqlite.writer_pragma(&format!("max_page_count = {pages}")).await.expect("set");
            let (large, small) = (key(), key());
            let text = "x".repeat(4_000);
            let batches = || {
                let many = std::iter::once(send(alice, large, &text))
                    .chain((0..100).map(|_| say(alice, &text)))
                    .collect();
                vec![batch(here, at(0), vec![send(alice, small, "hi")]), batch(there, at(0), many)]
            };
            let full = store.append(batches()).await.expect_err("no room");
            assert!(matches!(&full, StoreError::Unavailable(cause) if cause.contains("full")), "{full}");
            for room in [here, there] {
                assert_eq!(numbers(&log(&store, room).await), [1]);
            }
            for key in [large, small] {
                assert_eq!(store.message_by_key(alice, key).await.expect("an answer"), None);
            }
            // The same call again, with room on the disk.
            sqlite.writer_pragma("max_page_count = 100000").await.expect("set");
            let append = store.append(batches()).await.expect("a commit");
            assert!(append.iter().flat_map(|a| &a.outcomes).all(|o| o.as_ref().is_ok_and(|c| !c.duplicate)));
            assert_eq!(numbers(&log(&store, there).await), up_to(102));
        });
    }
}

#[test]
fn what_is_no_database_is_refused_by_name() {
    let directory = directory();
    let letter = directory.path().join("letter.txt");
    std::fs::write(&letter, "Dear reader, this is no database at all.").expect("written");
    assert!(matches!(refused(&letter), OpenError::NotADatabase { .. }));
    let short = directory.path().join("short");
    std::fs::write(&short, "hi").expect("written");
    assert!(matches!(refused(&short), OpenError::NotADatabase { .. }));
    assert!(matches!(refused(directory.path()), OpenError::NotWritable { .. }));
    assert!(matches!(refused(&letter.join("chat.db")), OpenError::NotWritable { .. }));
    let text = std::fs::read_to_string(&letter).expect("read");
    assert!(text.starts_with("Dear reader"), "it was left alone");
}

#[test]
fn an_owner_who_leaves_is_followed_by_an_administrator_before_a_member() {
    let directory = directory();
    let path = directory.path().join("chat.db");
    run(async {
        let store = open(&path);
        let mut people = Vec::new();
        for name in ["alice", "bob", "carol", "dave"] {
            people.push(person(&store, name).await);
        }
        let room = room(&store, people[0], &people[1..]).await;
        tamper(&path, "UPDATE members SET role = 'administrator' WHERE joined_seq > 2");
        write(&store, room, 0, Operation::Leave { user: people[0] }).await;
        let members = store.room_snapshot(room).await.expect("an answer").expect("a room").members;
        let roles: Vec<_> = members.iter().map(|member| member.role).collect();
        assert_eq!(roles, [Role::Member, Role::Owner, Role::Administrator]);
        // Replay tells a role as it is now.
        let Change::MemberJoined { member, .. } = &log(&store, room).await[2].change else {
            panic!("nobody joined")
        };
        assert_eq!(member.role, Role::Owner);
    });
}

#[test]
fn an_entry_of_an_unknown_kind_keeps_its_place_and_changes_nothing() {
    let directory = directory();
    let path = directory.path().join("chat.db");
    run(async {
        let store = open(&path);
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        message(&store, room, 0, alice, "one").await;
        message(&store, room, 0, alice, "two").await;
        write(&store, room, 0, Operation::Leave { user: alice }).await;
        tamper(
            &path,
            "UPDATE log SET kind = 'room.painted', user_id = NULL WHERE seq = 1;
             UPDATE log SET kind = 'message.sung' WHERE seq = 2;
             UPDATE log SET user_id = NULL WHERE seq = 4;
             UPDATE user_log SET kind = 'room.painted' WHERE seq = 1;
             UPDATE user_log SET room_id = NULL WHERE seq = 2;",
        );
        let entries = log(&store, room).await;
        assert_eq!(numbers(&entries), [1, 2, 3, 4]);
        // What lacks its parts has no name that anyone knows.
        assert_eq!(kinds(&entries), ["room.painted", "message.sung", "message.created", "unreadable"]);
        assert_eq!(entries[0].change, Change::Other { kind: "room.painted".into() });
        let page = store.user_log_page(alice, Seq::START, 9).await.expect("a page");
        let kinds: Vec<_> = page.entries.iter().map(|entry| entry.change.kind()).collect();
        assert_eq!(kinds, ["room.painted", "unreadable"]);
    });
}

#[test]
fn the_edit_window_is_a_setting() {
    let window = std::time::Duration::from_secs(1);
    let options = SqliteOptions { edit_window: EditWindow(window), ..options() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::inline(options).expect("a database"));
    run(async {
        let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
        let room = room(&store, alice, &[bob]).await;
        let sent = message(&store, room, 0, bob, "hi").await;
        write(&store, room, 1_000, edit(bob, sent.id, "in time")).await;
        let late = refuse(&store, room, 1_001, edit(bob, sent.id, "late")).await;
        assert_eq!(late, chat::domain::Refusal::EditWindowClosed(window));
    });
}

#[test]
fn inline_answers_are_ready_when_the_call_returns() {
    let store = SqliteStore::inline(options()).expect("a database");
    let other = SqliteStore::inline(options()).expect("a database");
    let account = account("alice", "alice@example.com");
    let alice = account.user.id;
    store.create_account(account).now_or_never().expect("ready").expect("an account");
    let made = store.create_room(new_room(alice, &[])).now_or_never().expect("ready").expect("a room");
    let room = made.room;
    let page = store.log_page(room.id, None, Seq::START, 9).now_or_never().expect("ready").expect("a log");
    assert_eq!(page.entries.len(), 1);
    // Two databases in memory have nothing in common.
    assert!(other.user(alice).now_or_never().expect("ready").expect("an answer").is_none());
}
