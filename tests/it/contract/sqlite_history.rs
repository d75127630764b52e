//! What a SQLite file tells of its own history: which database it is, and what an older version
//! left in it (I21).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::domain::{Epoch, MarkMove, Marks, RoomId, UserId};
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use tempfile::TempDir;

use super::sqlite::options;
use super::support::*;

/// A folder with a database in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("chat.db")
    }

    fn commits(&self) -> PathBuf {
        self.0.path().join("chat.db-commits")
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.database(), options()).expect("a database"))
    }

    /// The epoch as a server that starts finds it.
    fn epoch(&self) -> Epoch {
        run(epoch(&self.open()))
    }

    /// As the guide says: what is left beside it is of another time. SQLite takes it away when it can.
    fn restore(&self, backup: &[u8]) {
        for name in ["chat.db-wal", "chat.db-shm"] {
            let file = self.0.path().join(name);
            if file.exists() {
                fs::remove_file(file).expect("removed");
            }
        }
        fs::write(self.database(), backup).expect("restored");
    }

    /// Copies all files of another place, as they lie on its disk now.
    fn copy(from: &Self) -> Self {
        let to = Self::new();
        for name in ["chat.db", "chat.db-wal", "chat.db-commits"] {
            let file = from.0.path().join(name);
            if file.exists() {
                fs::copy(&file, to.0.path().join(name)).expect("copied");
            }
        }
        to
    }
}

async fn epoch(store: &Arc<dyn Store>) -> Epoch {
    store.epoch().await.expect("an epoch")
}

/// Somebody in a room, who says something.
async fn talk(store: &Arc<dyn Store>) -> (UserId, RoomId) {
    let alice = person(store, "alice").await;
    let room = room(store, alice, &[]).await;
    message(store, room, 0, alice, "hi").await;
    (alice, room)
}

#[test]
fn a_database_that_is_opened_again_keeps_its_epoch() {
    let place = Place::new();
    let first = run(async {
        let store = place.open();
        talk(&store).await;
        epoch(&store).await
    });
    for _ in 0..3 {
        assert_eq!(place.epoch(), first);
    }
}

#[test]
fn a_process_that_was_killed_leaves_the_epoch() {
    let place = Place::new();
    let store = place.open();
    let first = run(epoch(&store));
    let early = fs::read(place.commits()).expect("the file");
    let (alice, room) = run(talk(&store));
    for n in 0..20 {
        run(message(&store, room, n, alice, "more"));
        // As the disk is now, in the middle of it all.
        assert_eq!(Place::copy(&place).epoch(), first);
    }
    // As it may be after the power failed: what was not waited for is lost.
    let copy = Place::copy(&place);
    fs::write(copy.commits(), early).expect("written");
    let store = copy.open();
    assert_eq!(run(epoch(&store)), first);
    assert_eq!(numbers(&run(log(&store, room))).len(), 22);
}

#[test]
fn a_restored_backup_has_another_epoch() {
    let place = Place::new();
    let (alice, room) = run(async { talk(&place.open()).await });
    let first = place.epoch();
    let backup = fs::read(place.database()).expect("the database");
    run(async { message(&place.open(), room, 1, alice, "after the backup").await });
    assert_eq!(place.epoch(), first);
    place.restore(&backup);
    let second = place.epoch();
    assert_ne!(second, first);
    // And that is the epoch from then on, with what is written under it.
    run(async { message(&place.open(), room, 2, alice, "after the restore").await });
    assert_eq!(place.epoch(), second);
    // Once more, and the same backup is another history again.
    place.restore(&backup);
    let third = place.epoch();
    assert!(third != second && third != first);
}

#[test]
fn a_database_that_comes_without_its_file_has_another_epoch() {
    let place = Place::new();
    run(async { talk(&place.open()).await });
    let first = place.epoch();
    fs::remove_file(place.commits()).expect("removed");
    let second = place.epoch();
    assert_ne!(second, first);
    fs::write(place.commits(), "who knows").expect("written");
    let third = place.epoch();
    assert_ne!(third, second);
    assert_eq!(place.epoch(), third);
    // Nobody has read anything in an empty one.
    let empty = Place::new();
    let first = empty.epoch();
    fs::remove_file(empty.commits()).expect("removed");
    assert_eq!(empty.epoch(), first);
}

#[test]
fn a_database_in_the_place_of_another_has_another_epoch() {
    let (here, there) = (Place::new(), Place::new());
    for place in [&here, &there] {
        run(async { talk(&place.open()).await });
    }
    let (one, two) = (here.epoch(), there.epoch());
    fs::copy(there.database(), here.database()).expect("copied");
    let now = here.epoch();
    assert!(now != one && now != two);
}

#[test]
fn a_new_epoch_is_the_one_that_was_offered() {
    let place = Place::new();
    run(async { talk(&place.open()).await });
    fs::remove_file(place.commits()).expect("removed");
    let offered = Epoch(new_id());
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&place.database(), SqliteOptions::new(offered)).expect("a database"));
    assert_eq!(run(epoch(&store)), offered);
}

#[test]
fn a_renewed_epoch_stays_even_if_the_process_dies_at_once() {
    let place = Place::new();
    let store = place.open();
    run(talk(&store));
    let early = fs::read(place.commits()).expect("the file");
    let renewed = Epoch(new_id());
    run(store.renew_epoch(renewed)).expect("renewed");
    let killed = Place::copy(&place);
    fs::write(killed.commits(), early).expect("written");
    assert_eq!(killed.epoch(), renewed);
    drop(store);
    assert_eq!(place.epoch(), renewed);
}

#[test]
fn what_changes_nothing_is_not_counted() {
    let place = Place::new();
    let said = || fs::read_to_string(place.commits()).expect("the file");
    let store = place.open();
    let (alice, room) = run(talk(&store));
    let key = key();
    run(write(&store, room, 0, send(alice, key, "once")));
    // The next call comes when what is done after the last is done.
    run(store.ping()).expect("an answer");
    let before = said();
    run(repeat(&store, room, 0, send(alice, key, "once")));
    run(store.ping()).expect("an answer");
    run(store.ping()).expect("an answer");
    assert_eq!(said(), before);
    run(write(&store, room, 0, send(alice, super::support::key(), "twice")));
    run(store.ping()).expect("an answer");
    assert_ne!(said(), before);
}

#[test]
fn members_of_an_older_version_have_read_everything() {
    const MIGRATIONS: [&str; 20] = [
        include_str!("../../../migrations/sqlite/2026-11-26-420004_mute_reasons/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-420003_reports/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-420002_removals/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-420001_mutes/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-420000_slow_mode/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-410001_search_backlog/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-410000_search/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-400001_threads/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-26-400000_pins/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-400000_files/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-300001_reactions/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-300000_rooms/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-200000_second_factors/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-100003_jobs/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-100002_blocks/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-100001_audit/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-25-100000_roles_and_profiles/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-23-100000_mail_and_proofs/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-22-000000_min_binary_schema/down.sql"),
        include_str!("../../../migrations/sqlite/2026-11-21-000000_logs_and_marks/down.sql"),
    ];
    let place = Place::new();
    let (alice, bob, room) = run(async {
        let store = place.open();
        let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
        let room = room(&store, alice, &[bob]).await;
        let gone = message(&store, room, 0, alice, "@bob").await;
        message(&store, room, 0, alice, "@bob").await;
        write(&store, room, 0, delete(alice, gone.id)).await;
        (alice, bob, room)
    });
    // As the version before left it.
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version >= '20261121000000';";
    tamper(&place.database(), &format!("{}{forget}", MIGRATIONS.concat()));
    run(async {
        let store = place.open();
        let before = state(&store, bob, room).await;
        assert_eq!(before.marks, Marks { received: seq(5), read: seq(5) });
        assert_eq!((before.messages, before.unread.messages, before.unread.mentions), (2, 0, 0));
        assert!(told(&store, bob).await.is_empty());
        message(&store, room, 0, alice, "@bob").await;
        let after = state(&store, bob, room).await;
        assert_eq!((after.messages, after.unread.messages, after.unread.mentions), (3, 1, 1));
    });
}

#[test]
fn a_role_that_a_newer_version_knows_is_left_alone() {
    let place = Place::new();
    run(async {
        let store = place.open();
        let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
        let room = room(&store, alice, &[bob]).await;
        tamper(&place.database(), "UPDATE members SET role = 'gardener' WHERE joined_seq = 2");
        message(&store, room, 0, bob, "hi").await;
        let read = MarkMove { user: bob, room, received: seq(3), read: seq(3) };
        message(&store, room, 0, alice, "hi").await;
        store.move_marks(vec![read], at(0)).await.expect("a commit").remove(0).expect("no refusal");
        let mut conn = connect(&place.database());
        let gardeners = sql::<BigInt>("SELECT count(*) FROM members WHERE role = 'gardener'");
        assert_eq!(gardeners.get_result::<i64>(&mut conn).expect("a count"), 1);
    });
}

/// Does to the database what no server does.
fn tamper(path: &Path, statements: &str) {
    connect(path).batch_execute(statements).expect("done");
}

fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a connection")
}
