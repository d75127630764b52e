//! Reading logs: whole, in order, as things are now, for members only (I2, I5).

use std::sync::Arc;

use chat::domain::{Change, Operation, Refusal, RoomId, Seq, UserId};
use chat::store::{NewRoom, Store};

use super::support::*;

type S = Arc<dyn Store>;

async fn alice_and_room(store: &S) -> (UserId, RoomId) {
    let alice = person(store, "alice").await;
    (alice, room(store, alice, &[]).await)
}

pub async fn a_log_is_read_page_by_page_without_a_hole(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    apply(&store, room, 0, (0..24).map(|n| say(alice, &n.to_string())).collect()).await;
    let (mut after, mut read) = (Seq::START, Vec::new());
    loop {
        let page = store.log_page(room, Some(alice), after, 7).await.expect("a page");
        assert_eq!((page.head, page.first_retained), (seq(25), seq(1)));
        assert!(page.entries.len() <= 7);
        let Some(last) = page.entries.last() else { break };
        after = last.seq;
        read.extend(page.entries);
    }
    assert_eq!(numbers(&read), up_to(25));
    assert_eq!(read, log(&store, room).await);
}

pub async fn replay_shows_messages_as_they_are_now(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let edited = message(&store, room, 0, alice, "one").await;
    let deleted = message(&store, room, 0, alice, "two").await;
    write(&store, room, 1_000, edit(alice, edited.id, "uno")).await;
    write(&store, room, 2_000, edit(alice, edited.id, "eins")).await;
    write(&store, room, 3_000, delete(alice, deleted.id)).await;
    let edited = store.message(edited.id, alice).await.expect("a message");
    let deleted = store.message(deleted.id, alice).await.expect("a message");
    assert_eq!((edited.content.as_str(), deleted.content.as_str()), ("eins", ""));
    let changes: Vec<_> = log(&store, room).await.into_iter().skip(1).map(|entry| entry.change).collect();
    assert_eq!(
        changes,
        [
            Change::MessageCreated(edited.clone()),
            Change::MessageCreated(deleted.clone()),
            Change::MessageUpdated(edited.clone()),
            Change::MessageUpdated(edited),
            Change::MessageDeleted(deleted),
        ]
    );
}

pub async fn replay_names_who_joined_and_who_left(store: S) {
    let (alice, bob) = (person(&store, "Alice").await, person(&store, "Bob").await);
    let made = store.create_room(new_room(alice, &[bob])).await.expect("a room").entries;
    let room = made[0].room;
    let left = write(&store, room, 1_000, Operation::Leave { user: bob }).await;
    let mut expected = made;
    expected.push(left);
    assert_eq!(log(&store, room).await, expected);
    let Change::MemberJoined { username, .. } = &expected[1].change else { panic!("nobody joined") };
    assert_eq!(username, "Bob");
}

pub async fn a_reader_is_judged_in_the_same_snapshot(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (open, closed) = (room(&store, alice, &[]).await, private_room(&store, alice, &[]).await);
    let read = |room, reader| store.log_page(room, Some(reader), Seq::START, 9);
    assert_eq!(read(closed, alice).await.expect("a page").entries.len(), 1);
    assert_eq!(refusal(read(open, bob).await), Refusal::NotMember);
    assert_eq!(refusal(read(closed, bob).await), Refusal::NotFound("room"));
    assert_eq!(refusal(read(RoomId(new_id()), bob).await), Refusal::NotFound("room"));
}

pub async fn without_a_reader_nobody_is_judged(store: S) {
    let alice = person(&store, "alice").await;
    let closed = private_room(&store, alice, &[]).await;
    assert_eq!(log(&store, closed).await.len(), 1);
    let absent = store.log_page(RoomId(new_id()), None, Seq::START, 9).await;
    assert_eq!(refusal(absent), Refusal::NotFound("room"));
}

pub async fn a_position_at_or_beyond_the_head_has_nothing_after_it(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    for after in [1, 2, 1_000, Seq::MAX] {
        let page = store.log_page(room, Some(alice), seq(after), 9).await.expect("a page");
        assert!(page.entries.is_empty());
        assert_eq!(page.head, seq(1));
    }
}

pub async fn a_snapshot_has_all_members_and_the_head(store: S) {
    let alice = person(&store, "alice").await;
    let mut people = Vec::new();
    for n in 0..30 {
        people.push(person(&store, &format!("user{n}")).await);
    }
    let new = NewRoom { is_private: true, ..new_room(alice, &people) };
    let made = store.create_room(new).await.expect("a room").room;
    let snapshot = store.room_snapshot(made.id).await.expect("an answer").expect("a room");
    assert_eq!(snapshot.room, made);
    assert_eq!((made.head, made.first_retained, made.member_count), (seq(31), seq(1), 31));
    let members: Vec<_> = snapshot.members.iter().map(|member| member.user).collect();
    assert_eq!(members, [vec![alice], people].concat());
    assert!(store.room_snapshot(RoomId(new_id())).await.expect("an answer").is_none());
}

pub async fn heads_leave_unknown_rooms_out(store: S) {
    let (alice, one) = alice_and_room(&store).await;
    let two = room(&store, alice, &[]).await;
    message(&store, two, 0, alice, "hi").await;
    let heads = store.heads(vec![two, RoomId(new_id()), one]).await.expect("heads");
    let heads: Vec<_> = heads.iter().map(|h| (h.room, h.head.get(), h.first_retained.get())).collect();
    assert_eq!(heads, [(two, 2, 1), (one, 1, 1)]);
    assert!(store.heads(Vec::new()).await.expect("heads").is_empty());
}

pub async fn heads_of_many_rooms_are_answered_at_once(store: S) {
    let (_, room) = alice_and_room(&store).await;
    let mut asked: Vec<_> = (0..40_000).map(|_| RoomId(new_id())).collect();
    asked.push(room);
    let heads = store.heads(asked).await.expect("heads");
    assert_eq!(heads.iter().map(|head| head.room).collect::<Vec<_>>(), [room]);
}

pub async fn the_growth_of_rooms_is_their_head_and_their_messages(store: S) {
    let (alice, one) = alice_and_room(&store).await;
    let two = room(&store, alice, &[]).await;
    for at in 0..3 {
        message(&store, two, at, alice, "hi").await;
    }
    let asked = (0..40_000).map(|_| RoomId(new_id())).chain([one, two]);
    let growth = store.growth(asked.collect()).await.expect("growth");
    let mut growth: Vec<_> = growth.iter().map(|(room, head, said)| (*room, head.get(), *said)).collect();
    let mut expected = [(one, 1, 0), (two, 4, 3)];
    growth.sort_unstable();
    expected.sort_unstable();
    assert_eq!(growth, expected);
}

pub async fn heads_of_a_user_come_newest_activity_first(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mut rooms = Vec::new();
    for _ in 0..4 {
        rooms.push(room(&store, alice, &[]).await);
    }
    room(&store, bob, &[]).await;
    message(&store, rooms[1], 2_000, alice, "hi").await;
    message(&store, rooms[3], 1_000, alice, "hi").await;
    // A clock that went back does not push a room down.
    message(&store, rooms[1], 500, alice, "hi").await;
    let heads = store.heads_of(alice).await.expect("heads").rooms;
    let order: Vec<_> = heads.iter().map(|state| state.head.room).collect();
    let mut tied = [rooms[0], rooms[2]];
    tied.sort_by(|a, b| b.cmp(a));
    assert_eq!(order, [rooms[1], rooms[3], tied[0], tied[1]]);
    assert_eq!(heads[0].head.head, seq(3));
}

pub async fn every_committed_snapshot_is_whole(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let writing = async {
        for n in 0..30 {
            apply(&store, room, n, (0..3).map(|i| say(alice, &i.to_string())).collect()).await;
        }
    };
    let reading = async {
        for _ in 0..60 {
            let page = store.log_page(room, Some(alice), Seq::START, usize::MAX).await.expect("a page");
            assert_eq!(numbers(&page.entries), up_to(page.head.get()));
            // Commits show whole or not at all.
            assert_eq!(page.head.get() % 3, 1);
        }
    };
    futures_util::future::join(writing, reading).await;
}

pub async fn old_entries_are_forgotten_from_the_beginning_and_messages_stay(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    for n in 1..=10 {
        write(&store, room, n * 1_000, say(alice, &n.to_string())).await;
    }
    // A clock that went back: an old time behind a younger one is no part of the prefix.
    write(&store, room, 2_000, say(alice, "late")).await;
    let history = store.messages(room, alice, 50, None).await.expect("a page").messages;

    // In steps, until nothing is due.
    let mut forgotten = 0;
    loop {
        match store.prune_log(at(5_000), 3).await.expect("pruned") {
            0 => break,
            some => {
                assert!(some <= 3);
                forgotten += some;
            }
        }
    }
    assert_eq!(forgotten, 5, "who joined, and the first four");
    let page = store.log_page(room, Some(alice), seq(5), 50).await.expect("a page");
    assert_eq!((page.first_retained, page.head), (seq(6), seq(12)));
    assert_eq!(numbers(&page.entries), (6..=12).collect::<Vec<_>>());
    assert_eq!(store.messages(room, alice, 50, None).await.expect("a page").messages, history);

    store.prune_log(at(1_000_000), 1_000).await.expect("pruned");
    let page = store.log_page(room, Some(alice), seq(12), 50).await.expect("a page");
    assert_eq!((page.first_retained, page.head), (seq(13), seq(12)), "the numbers go on all the same");
    let next = write(&store, room, 2_000_000, say(alice, "next")).await;
    assert_eq!(next.seq, seq(13));
}
