//! Appending: what it costs, two processes on one database, and locks that others hold.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chat::domain::{Operation, Refusal};
use chat::store::postgres::{Costs, IDLE_IN_TRANSACTION, LOCK_TIMEOUT, PgStore};
use chat::store::{Accounts, Log, Store, StoreError, UserLogs};
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{address, ask, database, open, options, server};
use crate::contract::support::*;

/// What was counted while `work` ran.
async fn costs(pg: &Arc<PgStore>, work: impl Future<Output = ()>) -> Costs {
    let before = pg.costs();
    work.await;
    let after = pg.costs();
    Costs {
        transactions: after.transactions - before.transactions,
        statements: after.statements - before.statements,
        prepared: after.prepared - before.prepared,
        round_trips: after.round_trips - before.round_trips,
    }
}

#[test]
fn an_append_is_four_round_trips_however_many_rooms_and_messages() {
    let name = database();
    run(async {
        // One connection that writes, so that it has prepared everything after the first time.
        let mut options = options();
        options.connections = 2;
        let pg = Arc::new(PgStore::open(address(&server().url(&name)), options).await.expect("a store"));
        let store: Arc<dyn Store> = pg.clone();
        let alice = person(&store, "alice").await;
        let mut rooms = Vec::new();
        for _ in 0..20 {
            rooms.push(room(&store, alice, &[]).await);
        }
        let commit = |count: usize| {
            let batches = rooms.iter().take(count).map(|room| batch(*room, at(0), vec![say(alice, "hi")]));
            let batches =
                batches.chain([batch(rooms[0], at(0), (0..20).map(|_| say(alice, "hi")).collect())]);
            let batches: Vec<_> = batches.collect();
            async { drop(pg.append(batches).await.expect("a commit")) }
        };
        commit(1).await;
        let expected = Costs { transactions: 1, statements: 10, prepared: 0, round_trips: 4 };
        for count in [1, 5, 20] {
            assert_eq!(costs(&pg, commit(count)).await, expected, "{count} rooms");
        }
        // Reads that are made all the time are one statement each.
        let login = login(alice);
        let session = login.id;
        store.start_login(login, token(session), None).await.expect("a login");
        let one = Costs { statements: 1, round_trips: 1, ..Costs::default() };
        for expected in [None, Some(one)] {
            let all = [
                costs(&pg, async { drop(pg.heads_of(alice).await.expect("heads")) }).await,
                costs(&pg, async { drop(pg.heads(rooms.clone()).await.expect("heads")) }).await,
                costs(&pg, async { drop(pg.user_heads(vec![alice]).await.expect("heads")) }).await,
                costs(&pg, async { drop(pg.login_user(session).await.expect("alice")) }).await,
                costs(&pg, async {
                    drop(pg.log_page(rooms[0], Some(alice), seq(3), 9).await.expect("a page"))
                })
                .await,
            ];
            // The first time they are prepared.
            if let Some(expected) = expected {
                assert_eq!(all, [expected; 5]);
            }
        }
    });
}

#[test]
fn two_processes_that_race_leave_no_number_out() {
    let name = database();
    run(async {
        let pods = [open(&name).await, open(&name).await];
        let store: Arc<dyn Store> = pods[0].clone();
        let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
        let mut rooms = Vec::new();
        for _ in 0..4 {
            rooms.push(room(&store, alice, &[bob]).await);
        }
        // The same keys over both, in both orders of rooms, with edits of who joins and leaves.
        let keys: Vec<_> = (0..60).map(|_| key()).collect();
        let calls = keys.iter().enumerate().flat_map(|(n, key)| {
            let rooms = &rooms;
            pods.iter().enumerate().map(move |(pod, store)| {
                let author = if n % 2 == 0 { alice } else { bob };
                let mut order = rooms.to_vec();
                if pod == 1 {
                    order.reverse();
                }
                let batches = order.into_iter().enumerate().map(|(i, room)| {
                    let mut operations = vec![say(author, "filler")];
                    // One key, in one room, by both processes.
                    if room == rooms[n % rooms.len()] {
                        operations.push(send(author, *key, "once"));
                    }
                    batch(room, at(i64::try_from(i).expect("small")), operations)
                });
                store.append(batches.collect())
            })
        });
        for append in join_all(calls).await {
            for outcome in append.expect("a commit").into_iter().flat_map(|applied| applied.outcomes) {
                outcome.expect("no refusal");
            }
        }
        let mut total = 0;
        for room in &rooms {
            let entries = log(&store, *room).await;
            assert_eq!(numbers(&entries), up_to(entries.len() as u64));
            total += entries.len();
        }
        assert_eq!(total, 4 * 2 + 2 * 60 * 4 + 60, "each key once");
        for (n, key) in keys.iter().enumerate() {
            let author = if n % 2 == 0 { alice } else { bob };
            let found = store.message_by_key(author, *key).await.expect("an answer").expect("stored");
            assert_eq!(found.room, rooms[n % rooms.len()]);
        }
    });
}

#[test]
fn one_key_in_two_rooms_at_once_is_one_message_and_a_conflict_and_no_hole() {
    let name = database();
    run(async {
        let pods = [open(&name).await, open(&name).await];
        let store: Arc<dyn Store> = pods[0].clone();
        let alice = person(&store, "alice").await;
        let rooms = [room(&store, alice, &[]).await, room(&store, alice, &[]).await];
        for n in 0..30 {
            let key = key();
            let calls = pods.iter().zip(rooms).map(|(pod, room)| {
                pod.append(vec![batch(
                    room,
                    at(n),
                    vec![say(alice, "before"), send(alice, key, "hi"), say(alice, "after")],
                )])
            });
            let answers = join_all(calls).await;
            let twins = answers.iter().map(|append| &append.as_ref().expect("a commit")[0].outcomes[1]);
            let (sent, refused): (Vec<_>, Vec<_>) = twins.partition(|outcome| outcome.is_ok());
            assert_eq!((sent.len(), refused.len()), (1, 1));
            assert_eq!(refused[0], &Err(Refusal::IdempotencyConflict));
        }
        for room in rooms {
            let entries = log(&store, room).await;
            assert_eq!(numbers(&entries), up_to(entries.len() as u64));
        }
    });
}

#[test]
fn twins_over_two_processes_are_answered_alike() {
    let name = database();
    run(async {
        let pods = [open(&name).await, open(&name).await];
        let store: Arc<dyn Store> = pods[0].clone();
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        let key = key();
        let calls =
            (0..50).map(|n| pods[n % 2].append(vec![batch(room, at(0), vec![send(alice, key, "hi")])]));
        let mut fresh = 0;
        let mut ids = std::collections::HashSet::new();
        for append in join_all(calls).await {
            let outcome = append.expect("a commit").remove(0).outcomes.remove(0).expect("no refusal");
            fresh += u32::from(!outcome.duplicate);
            ids.insert((created(&outcome.entry).id, outcome.entry.seq));
        }
        assert_eq!((fresh, ids.len()), (1, 1));
        assert_eq!(numbers(&log(&store, room).await), [1, 2]);
    });
}

#[test]
fn a_process_that_stops_with_a_rooms_lock_stops_nobody_for_long() {
    let name = database();
    run(async {
        let pg = open(&name).await;
        let store: Arc<dyn Store> = pg.clone();
        let alice = person(&store, "alice").await;
        let (held, free) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
        // Another process that took the lock and says no more, with the limit of our sessions on its own.
        let holder = {
            let (name, room) = (name.clone(), held);
            thread::spawn(move || {
                let limit = IDLE_IN_TRANSACTION.as_millis();
                let limit = format!("SET idle_in_transaction_session_timeout = {limit}");
                let lock = format!("SELECT 1 FROM rooms WHERE id = '{room}' FOR UPDATE");
                let says = ["-c", &limit, "-c", "BEGIN", "-c", &lock, "-c", "\\! sleep 8", "-c", "COMMIT"];
                server().run("psql", &[&["-q", "-d", &name], says.as_slice()].concat())
            })
        };
        let idle = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'SELECT 1 FROM rooms%' \
             AND state = 'idle in transaction'"
        );
        while ask(&name, &idle) == "0" {
            thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        // Those who need it wait as long as locks are waited for, and are told to try again.
        let both = pg.append(vec![
            batch(held, at(0), vec![say(alice, "held")]),
            batch(free, at(0), vec![say(alice, "together")]),
        ]);
        let refused = both.await.expect_err("the lock is held");
        let waited = begun.elapsed();
        assert!(matches!(&refused, StoreError::Unavailable(cause) if cause.contains("lock")), "{refused}");
        assert!(waited >= LOCK_TIMEOUT && waited < LOCK_TIMEOUT * 2, "{waited:?}");
        // Others go on, as do readers of that very room.
        let begun = Instant::now();
        write(&store, free, 0, say(alice, "alone")).await;
        assert_eq!(numbers(&log(&store, held).await), [1]);
        assert!(begun.elapsed() < Duration::from_secs(1));
        // The server ends who says nothing for too long.
        let begun = Instant::now();
        while store.append(vec![batch(held, at(0), vec![say(alice, "at last")])]).await.is_err() {
            assert!(begun.elapsed() < IDLE_IN_TRANSACTION * 2);
        }
        let cause = holder.join().expect("no panic").expect_err("it could not commit");
        assert!(cause.contains("idle-in-transaction"), "{cause}");
        for (room, count) in [(held, 2), (free, 2)] {
            assert_eq!(numbers(&log(&store, room).await), up_to(count));
        }
    });
}

#[test]
fn a_full_queue_is_an_answer_and_never_a_wait() {
    let name = database();
    run(async {
        let mut small = options();
        (small.queue, small.connections) = (3, 2);
        let pg = PgStore::open(address(&server().url(&name)), small).await.expect("a store");
        let calls: Vec<_> = (0..3).map(|_| pg.ping()).collect();
        let fourth = pg.ping().now_or_never().expect("no wait");
        assert!(matches!(fourth, Err(StoreError::Unavailable(_))), "{fourth:?}");
        for call in calls {
            call.await.expect("an answer");
        }
        // The place is given back a moment after the answer.
        while pg.ping().await.is_err() {}
    });
}

#[test]
fn an_answer_that_nobody_waits_for_takes_nothing_back() {
    let name = database();
    let (alice, room) = run(async {
        let pg = open(&name).await;
        let store: Arc<dyn Store> = pg.clone();
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        for n in 0..50 {
            drop(pg.append(vec![batch(room, at(n), vec![say(alice, "hi")])]));
        }
        // Dropped while calls are under way: it waits for them.
        (alice, room)
    });
    run(async {
        let store: Arc<dyn Store> = open(&name).await;
        assert_eq!(numbers(&log(&store, room).await), up_to(51));
        write(&store, room, 0, Operation::Leave { user: alice }).await;
    });
}
