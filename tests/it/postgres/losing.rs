//! A server that goes away and comes back: what was answered is there, what was not may be tried
//! again, and the store heals by itself.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chat::domain::{Committed, Seq};
use chat::store::postgres::PgStore;
use chat::store::{Log, Store, StoreError};
use chat::torture::postgres::{Setup, Stop};

use super::{address, ask, database, open, open_at, options, own_server};
use crate::contract::support::*;
use crate::support::{PATIENCE, eventually};

#[test]
fn the_store_heals_when_the_server_comes_back() {
    let mut server = own_server(Setup::default());
    let url = server.url("postgres");
    let pg = run(open_at(&url)).expect("a store");
    let store: Arc<dyn Store> = pg.clone();
    let (alice, room) = run(async {
        let alice = person(&store, "alice").await;
        (alice, room(&store, alice, &[]).await)
    });
    let mut acked = 1;
    for how in [Stop::Immediate, Stop::Kill, Stop::Fast] {
        // With every connection of both pools in use once.
        run(futures_util::future::join_all((0..12).map(|_| store.heads(vec![room]))));
        server.stop(how).expect("stopped");
        let away = run(store.append(vec![batch(room, at(0), vec![say(alice, "nobody there")])]));
        assert!(matches!(away, Err(StoreError::Unavailable(_))), "{how:?}: {away:?}");
        assert!(matches!(run(store.heads(vec![room])), Err(StoreError::Unavailable(_))), "{how:?}");
        server.restart().expect("started");
        eventually("the store answers again", || run(store.ping()).is_ok());
        for n in 0..12 {
            run(store.heads(vec![room])).unwrap_or_else(|error| panic!("{how:?}, {n}: {error}"));
        }
        let sent = run(write(&store, room, 0, say(alice, "back")));
        acked += 1;
        assert_eq!(sent.seq, seq(acked), "{how:?}: what was refused left nothing behind");
    }
    assert_eq!(numbers(&run(log(&store, room))), up_to(acked));
}

/// Deferred, a trigger runs within the commit.
const CUT: &str = "CREATE SEQUENCE commits;
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM nextval('commits'), pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION cut()";

#[test]
fn a_commit_without_an_answer_is_in_doubt_and_not_made_again() {
    let database = database();
    let store: Arc<dyn Store> = run(open(&database));
    let (alice, room) = run(async {
        let alice = person(&store, "alice").await;
        (alice, room(&store, alice, &[]).await)
    });
    ask(&database, CUT);
    let doubted = run(store.append(vec![batch(room, at(0), vec![say(alice, "perhaps")])]));
    assert!(matches!(doubted, Err(StoreError::InDoubt(_))), "{doubted:?}");
    assert_eq!(ask(&database, "SELECT last_value FROM commits"), "1");
}

#[test]
fn a_restart_in_the_middle_of_appends_loses_no_answer_and_burns_no_key() {
    let mut server = own_server(Setup::default());
    let pg = run(open_at(&server.url("postgres"))).expect("a store");
    let store: Arc<dyn Store> = pg.clone();
    let (alice, room) = run(async {
        let alice = person(&store, "alice").await;
        (alice, room(&store, alice, &[]).await)
    });
    let epoch = run(store.epoch()).expect("an epoch");
    let sender = {
        let store = store.clone();
        thread::spawn(move || {
            let mut acked: Vec<(chat::domain::ClientMsgId, Seq)> = Vec::new();
            let mut failures = 0;
            for n in 0..300 {
                let key = key();
                // The same call until there is an answer: its key finds out what became of it.
                loop {
                    match run(store.append(vec![batch(room, at(n), vec![send(alice, key, "hi")])])) {
                        Ok(mut append) => {
                            let outcome = append.remove(0).outcomes.remove(0);
                            let Committed { entry, .. } = outcome.expect("no refusal");
                            acked.push((key, entry.seq));
                            break;
                        }
                        Err(StoreError::Unavailable(_) | StoreError::InDoubt(_)) => {
                            failures += 1;
                            thread::sleep(Duration::from_millis(20));
                        }
                        Err(refused) => panic!("{refused}"),
                    }
                }
            }
            (acked, failures)
        })
    };
    for how in [Stop::Immediate, Stop::Kill, Stop::Immediate] {
        thread::sleep(Duration::from_millis(300));
        server.stop(how).expect("stopped");
        server.restart().expect("started");
    }
    let (acked, failures) = sender.join().expect("no panic");
    assert!(failures > 0, "the restarts were in the way");
    let entries = run(log(&store, room));
    assert_eq!(numbers(&entries), up_to(301));
    for ((key, seq), entry) in acked.iter().zip(entries.iter().skip(1)) {
        assert_eq!((created(entry).client_msg_id, entry.seq), (*key, *seq));
    }
    assert_eq!(run(store.epoch()).expect("an epoch"), epoch, "a crash is no other history");
}

#[test]
fn connections_that_the_server_ends_one_by_one_are_replaced() {
    let server = own_server(Setup::default());
    let pg = run(open_at(&server.url("postgres"))).expect("a store");
    let store: Arc<dyn Store> = pg.clone();
    let alice = run(person(&store, "alice"));
    for _ in 0..10 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chat'";
        server.sql("postgres", end).expect("ended");
        // Readers are asked again by themselves, whichever connection they get.
        run(store.user(alice)).expect("an answer").expect("alice");
    }
}

#[test]
fn another_database_at_the_same_address_begins_another_epoch() {
    let server = own_server(Setup::default());
    let pg = run(open_at(&server.url("postgres"))).expect("a store");
    let before = run(pg.epoch()).expect("an epoch");
    // As after a failover or a restore: what was noted is not what is there.
    server.sql("postgres", "UPDATE meta SET value = '1:00000001' WHERE name = 'identity'").expect("noted");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chat'";
    server.sql("postgres", end).expect("ended");
    eventually("another epoch", || matches!(run(pg.epoch()), Ok(epoch) if epoch != before));
    let heads = run(pg.heads(Vec::new())).expect("an answer");
    assert!(heads.is_empty());
}

#[test]
fn a_server_that_stops_in_the_middle_of_a_call_is_waited_for_no_longer_than_agreed() {
    let server = own_server(Setup::default());
    let mut short = options();
    short.longest = Duration::from_secs(1);
    let pg = run(PgStore::open(address(&server.url("postgres")), short)).expect("a store");
    let store: Arc<dyn Store> = Arc::new(pg);
    let (alice, room) = run(async {
        let alice = person(&store, "alice").await;
        (alice, room(&store, alice, &[]).await)
    });
    // Each connection ends in a process of its own, which is alive and says nothing; those that are
    // made from now on are answered.
    run(futures_util::future::join_all((0..12).map(|_| store.heads(vec![room]))));
    let ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'chat'";
    let ours = server.sql("postgres", ours).expect("a list");
    let signal = |name: &str| {
        for pid in ours.lines() {
            let kill = std::process::Command::new("kill").args([name, pid]).status();
            assert!(kill.expect("kill").success());
        }
    };
    signal("-STOP");
    let (told, answers) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let read = run(store.heads(vec![room]));
        let said = run(store.append(vec![batch(room, at(0), vec![say(alice, "anybody there?")])]));
        told.send((read, said))
    });
    let answers = answers.recv_timeout(PATIENCE);
    signal("-CONT");
    // The first that waited in vain told the others: they had other connections.
    let (read, said) = answers.expect("answers in time");
    drop(read);
    said.expect("by another connection");
}

#[test]
fn a_database_that_refused_for_a_while_is_looked_at_when_it_takes_us_again() {
    let server = own_server(Setup::default());
    server.create_database("chat", None).expect("a database");
    let pg = run(open_at(&server.url("chat"))).expect("a store");
    let before = run(pg.epoch()).expect("an epoch");
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'chat'";
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chat'";
    server.sql("postgres", end).expect("ended");
    eventually("nobody is in it", || server.sql("postgres", count).expect("a number") == "0");
    // As while a backup is played in: there is no database of this name.
    server.sql("postgres", "ALTER DATABASE chat RENAME TO away").expect("renamed");
    for _ in 0..3 {
        assert!(run(pg.epoch()).is_err(), "there is none");
    }
    server.sql("away", "UPDATE meta SET value = '1:00000001' WHERE name = 'identity'").expect("noted");
    server.sql("postgres", "ALTER DATABASE away RENAME TO chat").expect("renamed");
    eventually("another epoch", || matches!(run(pg.epoch()), Ok(epoch) if epoch != before));
}
