//! The outbox: what is committed leaves a row until it was announced, and of several sweepers one
//! gets it.

use std::sync::Arc;

use chat::domain::{LogHead, MarkMove, Operation, RoomId, Seq, Timestamp, UserId};
use chat::store::postgres::PgStore;
use chat::store::{Log, Repair, Rooms, Store, UserLogs};
use futures_util::future::join_all;

use super::{ask, database, open};
use crate::contract::support::*;

const ALL: usize = 1_000;
const LATER: i64 = 1_000_000;

async fn sweep(store: &Arc<PgStore>, before: i64, now: i64) -> Vec<LogHead> {
    store.unannounced(at(before), at(now), ALL).await.expect("a list")
}

fn rooms(heads: &[LogHead]) -> Vec<(RoomId, u64)> {
    let mut rooms: Vec<_> = heads
        .iter()
        .filter_map(|head| match head {
            LogHead::Room(room, seq) => Some((*room, seq.get())),
            LogHead::User(..) => None,
        })
        .collect();
    rooms.sort_unstable();
    rooms
}

fn users(heads: &[LogHead]) -> Vec<(UserId, u64)> {
    let mut users: Vec<_> = heads
        .iter()
        .filter_map(|head| match head {
            LogHead::User(user, seq) => Some((*user, seq.get())),
            LogHead::Room(..) => None,
        })
        .collect();
    users.sort_unstable();
    users
}

#[test]
fn what_is_committed_leaves_a_row_until_it_is_announced() {
    let name = database();
    run(async {
        let pg = open(&name).await;
        assert!(pg.keeps_outbox());
        let store: Arc<dyn Store> = pg.clone();
        let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
        let room = room(&store, alice, &[bob]).await;
        let made = sweep(&pg, LATER, 0).await;
        assert_eq!(
            (rooms(&made), users(&made)),
            (vec![(room, 2)], {
                let mut told = vec![(alice, 1), (bob, 1)];
                told.sort_unstable();
                told
            })
        );
        pg.announced(made).await.expect("forgotten");
        assert_eq!(ask(&name, "SELECT count(*) FROM outbox"), "0");

        message(&store, room, 10, alice, "one").await;
        message(&store, room, 20, alice, "two").await;
        write(&store, room, 30, Operation::Leave { user: bob }).await;
        // A refusal and a repeat write nothing.
        refuse(&store, room, 40, say(bob, "no")).await;
        let grown = sweep(&pg, LATER, 0).await;
        assert_eq!((rooms(&grown), users(&grown)), (vec![(room, 5)], vec![(bob, 2)]));
        pg.announced(grown).await.expect("forgotten");

        let wish = MarkMove { user: alice, room, received: seq(5), read: seq(5) };
        pg.move_marks(vec![wish], at(50)).await.expect("moved").remove(0).expect("a member");
        assert_eq!(users(&sweep(&pg, LATER, 0).await), [(alice, 2)]);
    });
}

#[test]
fn what_grew_further_meanwhile_stays() {
    run(async {
        let pg = open(&database()).await;
        let store: Arc<dyn Store> = pg.clone();
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        message(&store, room, 10, alice, "one").await;
        pg.announced(vec![LogHead::Room(room, seq(1))]).await.expect("too little");
        assert_eq!(rooms(&sweep(&pg, LATER, 0).await), [(room, 2)]);
        pg.announced(vec![LogHead::Room(room, seq(2)), LogHead::User(alice, seq(9))]).await.expect("enough");
        assert!(sweep(&pg, LATER, 0).await.is_empty());
        pg.announced(Vec::new()).await.expect("nothing is no error");
    });
}

#[test]
fn each_is_handed_out_once_for_a_while_and_a_busy_log_does_not_look_young() {
    run(async {
        let pg = open(&database()).await;
        let store: Arc<dyn Store> = pg.clone();
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        pg.announced(sweep(&pg, LATER, 0).await).await.expect("forgotten");
        message(&store, room, 1_000, alice, "one").await;
        message(&store, room, 5_000, alice, "and another").await;
        assert!(sweep(&pg, 1_000, 2_000).await.is_empty(), "not old enough");
        assert_eq!(rooms(&sweep(&pg, 2_000, 3_000).await), [(room, 3)], "old, though it grew since");
        assert!(sweep(&pg, 3_000, 4_000).await.is_empty(), "handed out");
        assert_eq!(rooms(&sweep(&pg, 4_000, 5_000).await), [(room, 3)], "and again when nothing came of it");
    });
}

#[test]
fn of_racing_sweepers_one_gets_each() {
    let name = database();
    run(async {
        let (one, two) = (open(&name).await, open(&name).await);
        let store: Arc<dyn Store> = one.clone();
        let alice = person(&store, "alice").await;
        let mut all = Vec::new();
        for _ in 0..40 {
            all.push((room(&store, alice, &[]).await, 1));
        }
        all.sort_unstable();
        let sweepers = (0..12).map(|n| {
            let pg = if n % 2 == 0 { &one } else { &two };
            pg.unannounced(at(LATER), Timestamp::from_millis(i64::MAX), 7)
        });
        let mut found = Vec::new();
        for heads in join_all(sweepers).await {
            let heads = heads.expect("a list");
            assert!(heads.len() <= 7);
            found.extend(heads);
        }
        assert_eq!(rooms(&found), all);
        assert_eq!(users(&found), [(alice, 40)]);
    });
}

#[test]
fn sweeping_and_appending_never_wait_in_a_circle() {
    let name = database();
    run(async {
        let (one, two) = (open(&name).await, open(&name).await);
        let store: Arc<dyn Store> = one.clone();
        let alice = person(&store, "alice").await;
        let mut many = Vec::new();
        for _ in 0..6 {
            many.push(room(&store, alice, &[]).await);
        }
        let appending = async {
            for n in 0..40 {
                let batches = many.iter().map(|room| batch(*room, at(n), vec![say(alice, "hi")])).collect();
                one.append(batches).await.expect("a commit");
            }
        };
        let sweeping = async {
            for n in 0..80 {
                let heads = sweep(&two, LATER, n).await;
                two.announced(heads).await.expect("forgotten");
            }
        };
        let reading = async {
            for n in 1..40 {
                let wishes = many.iter().rev();
                let wish =
                    |room: &RoomId| MarkMove { user: alice, room: *room, received: Seq::START, read: seq(n) };
                two.move_marks(wishes.map(wish).collect(), at(0)).await.expect("moved");
            }
        };
        futures_util::join!(appending, sweeping, reading);
        let heads = one.heads(many.clone()).await.expect("heads");
        assert!(heads.iter().all(|head| head.head == seq(41)));
        assert_eq!(one.rooms_of(alice, 1).await.expect("rooms").len(), 6);
    });
}
