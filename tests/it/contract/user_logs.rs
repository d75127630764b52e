//! The users' own logs.

use std::sync::Arc;

use chat::domain::{MarkMove, Operation, RoomId, Seq, Timestamp, UserChange, UserEntry, UserId};
use chat::store::{NewRoom, Store};
use futures_util::future::join_all;

use super::support::*;

type S = Arc<dyn Store>;

fn changes(entries: &[UserEntry]) -> Vec<(&str, RoomId)> {
    let room = |change: &UserChange| change.room().expect("nobody writes what is about no room");
    entries.iter().map(|entry| (entry.change.kind(), room(&entry.change))).collect()
}

pub async fn who_is_in_a_new_room_is_told_once(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let new = NewRoom { now: at(5), ..new_room(alice, &[bob, alice, bob]) };
    let made = store.create_room(new).await.expect("a room");
    let room = made.room.id;
    let entry = |user| UserEntry { user, seq: seq(1), at: at(5), change: UserChange::RoomAdded { room } };
    assert_eq!(made.told, [entry(alice), entry(bob)]);
    assert_eq!((told(&store, alice).await, told(&store, bob).await), (vec![entry(alice)], vec![entry(bob)]));
}

pub async fn a_room_that_is_not_made_is_told_to_nobody(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    assert!(store.create_room(new_room(alice, &[bob, UserId(new_id())])).await.is_err());
    assert!(told(&store, alice).await.is_empty() && told(&store, bob).await.is_empty());
}

pub async fn joining_and_leaving_are_told_once_to_who_does(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    let (join, leave) = (Operation::Join { user: bob }, Operation::Leave { user: bob });
    let operations = vec![join.clone(), say(bob, "hi"), join.clone(), leave.clone(), leave, join];
    let outcomes = apply(&store, room, 3, operations).await;
    let told_then: Vec<_> = outcomes
        .iter()
        .map(|o| o.as_ref().ok().and_then(|committed| committed.told.first().cloned()))
        .collect();
    let entries = told(&store, bob).await;
    let expected = [Some(&entries[0]), None, None, Some(&entries[1]), None, Some(&entries[2])];
    assert_eq!(told_then.iter().map(Option::as_ref).collect::<Vec<_>>(), expected);
    let (added, removed) = (("room.added", room), ("room.removed", room));
    assert_eq!(changes(&entries), [added, removed, added]);
    assert!(entries.iter().all(|entry| entry.at == at(3) && entry.user == bob));
    assert_eq!(told(&store, alice).await.len(), 1);
}

pub async fn numbers_of_a_users_log_are_gapless_whatever_is_written_at_once(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mut rooms = Vec::new();
    for _ in 0..5 {
        rooms.push(room(&store, alice, &[bob]).await);
    }
    let (store, rooms) = (&store, &rooms);
    let comings = rooms.iter().map(|room| async move {
        for n in 0..4 {
            apply(store, *room, n, vec![say(alice, "hi"), Operation::Leave { user: bob }]).await;
            apply(store, *room, n, vec![Operation::Join { user: bob }]).await;
        }
    });
    let readings = (0..20).map(|n: u64| async move {
        let moves = rooms.iter().map(|room| MarkMove {
            user: if n.is_multiple_of(2) { alice } else { bob },
            room: *room,
            received: seq(n),
            read: seq(n / 2),
        });
        store.move_marks(moves.collect(), at(0)).await.expect("a commit");
    });
    let guests = [alice];
    let made = (0..5).map(|_| room(store, bob, &guests));
    futures_util::future::join3(join_all(comings), join_all(readings), join_all(made)).await;
    for (user, least) in [(alice, 10), (bob, 10 + 40)] {
        let entries = told(store, user).await;
        assert!(entries.len() >= least);
        assert_eq!(user_numbers(&entries), up_to(entries.len() as u64));
    }
}

pub async fn a_users_log_is_read_page_by_page_without_a_hole(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    for _ in 0..7 {
        room(&store, alice, &[bob]).await;
    }
    for limit in [1, 3, 7, 8] {
        let (mut after, mut read) = (Seq::START, Vec::new());
        loop {
            let page = store.user_log_page(bob, after, limit).await.expect("a page");
            assert_eq!((page.head, page.first_retained), (seq(7), seq(1)));
            let Some(last) = page.entries.last() else { break };
            assert!(page.entries.len() <= limit);
            after = last.seq;
            read.extend(page.entries);
        }
        assert_eq!(user_numbers(&read), up_to(7), "{limit}");
    }
    for after in [7, 8, Seq::MAX] {
        assert!(store.user_log_page(bob, seq(after), 9).await.expect("a page").entries.is_empty());
    }
    let nobody = store.user_log_page(UserId(new_id()), Seq::START, 9).await.expect("a page");
    assert_eq!((nobody.entries.len(), nobody.head, nobody.first_retained), (0, Seq::START, seq(1)));
}

pub async fn heads_of_users_leave_unknown_ones_out(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    room(&store, alice, &[]).await;
    let mut asked: Vec<_> = (0..1_200).map(|_| UserId(new_id())).collect();
    asked.extend([bob, alice]);
    let mut heads = store.user_heads(asked).await.expect("heads");
    heads.sort();
    let mut expected = [(alice, seq(1)), (bob, Seq::START)];
    expected.sort();
    assert_eq!(heads, expected);
    assert!(store.user_heads(Vec::new()).await.expect("heads").is_empty());
}

pub async fn old_entries_of_users_are_forgotten_from_the_beginning(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    // A clock that went back: an old time behind a younger one is no part of the prefix.
    for n in [1, 2, 3, 4, 9, 2, 10] {
        let new = NewRoom { now: at(n * 1_000), ..new_room(alice, &[]) };
        store.create_room(new).await.expect("a room");
    }
    let new = NewRoom { now: at(20_000), ..new_room(bob, &[]) };
    store.create_room(new).await.expect("a room");
    let mut forgotten = 0;
    loop {
        match store.prune_user_logs(at(5_000), 3).await.expect("pruned") {
            0 => break,
            some => {
                assert!(some <= 3);
                forgotten += some;
            }
        }
    }
    assert_eq!(forgotten, 4);
    let page = store.user_log_page(alice, seq(4), 9).await.expect("a page");
    assert_eq!((page.first_retained, page.head), (seq(5), seq(7)));
    assert_eq!(user_numbers(&page.entries), [5, 6, 7]);
    let page = store.user_log_page(bob, Seq::START, 9).await.expect("a page");
    assert_eq!((page.first_retained, page.entries.len()), (seq(1), 1));
    // All of it, and the numbers go on.
    assert_eq!(store.prune_user_logs(at(1_000_000), 100).await.expect("pruned"), 4);
    room(&store, alice, &[]).await;
    let page = store.user_log_page(alice, seq(7), 9).await.expect("a page");
    assert_eq!((page.first_retained, page.head, page.entries.len()), (seq(8), seq(8), 1));
}

pub async fn when_someone_was_here_never_goes_back(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let seen = |user| {
        let store = store.clone();
        async move { store.user(user).await.expect("an answer").expect("a user").last_seen }
    };
    assert_eq!(seen(alice).await, None);
    let note = |seen: Vec<(UserId, Timestamp)>| store.note_seen(seen);
    note(vec![(alice, at(5)), (bob, at(1)), (UserId(new_id()), at(1))]).await.expect("noted");
    note(vec![(alice, at(3)), (bob, at(4)), (bob, at(2))]).await.expect("noted");
    assert_eq!((seen(alice).await, seen(bob).await), (Some(at(5)), Some(at(4))));
}
