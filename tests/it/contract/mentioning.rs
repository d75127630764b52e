//! Who is mentioned, and for how long.

use std::sync::Arc;

use chat::domain::{MarkMove, MessageId, Operation, RoomBatch, RoomId, Seq, UserId};
use chat::store::{Direct, Store};

use super::support::*;

type S = Arc<dyn Store>;

/// Alice, Bob and Carol; Carol is not in the room.
async fn people_and_room(store: &S) -> (UserId, UserId, UserId, RoomId) {
    let (alice, bob, carol) =
        (person(store, "alice").await, person(store, "Bob").await, person(store, "carol").await);
    let room = room(store, alice, &[bob]).await;
    (alice, bob, carol, room)
}

/// Messages unread, and those of them that mention him.
async fn unread(store: &S, user: UserId, room: RoomId) -> (u64, u64) {
    let unread = state(store, user, room).await.unread;
    (unread.messages, unread.mentions)
}

pub async fn a_member_who_is_named_is_mentioned(store: S) {
    let (alice, bob, _, room) = people_and_room(&store).await;
    for text in ["@Bob", "hi @bob.", "(@BOB, @bob)", "bob@example.com is not @bobby"] {
        message(&store, room, 0, alice, text).await;
    }
    assert_eq!(unread(&store, bob, room).await, (4, 3));
    let read = MarkMove { user: bob, room, received: Seq::START, read: seq(4) };
    let moved = store.move_marks(vec![read], at(0)).await.expect("a commit").remove(0).expect("no refusal");
    assert_eq!((moved.unread.messages, moved.unread.mentions), (2, 1));
}

pub async fn nobody_mentions_himself(store: S) {
    let (alice, bob, _, room) = people_and_room(&store).await;
    message(&store, room, 0, alice, "@alice and @bob").await;
    assert_eq!(unread(&store, alice, room).await, (0, 0));
    assert_eq!(unread(&store, bob, room).await, (1, 1));
}

pub async fn an_outsider_is_not_mentioned_even_when_he_joins_later(store: S) {
    let (alice, bob, carol, room) = people_and_room(&store).await;
    message(&store, room, 0, alice, "@carol").await;
    let operations = vec![
        say(alice, "@carol @nobody"),
        Operation::Join { user: carol },
        say(alice, "@carol @bob"),
        Operation::Leave { user: carol },
        say(alice, "@carol"),
        Operation::Join { user: carol },
    ];
    apply(&store, room, 0, operations).await;
    assert_eq!(unread(&store, carol, room).await, (0, 0), "all of it was before he came");
    assert_eq!(unread(&store, bob, room).await, (4, 1));
}

pub async fn who_joins_in_the_same_commit_is_mentioned_from_then_on(store: S) {
    let (alice, _, carol, room) = people_and_room(&store).await;
    let operations = vec![say(alice, "@carol"), Operation::Join { user: carol }, say(alice, "@carol")];
    apply(&store, room, 0, operations).await;
    assert_eq!(unread(&store, carol, room).await, (1, 1));
}

pub async fn an_edit_mentions_anew(store: S) {
    let (alice, bob, carol, room) = people_and_room(&store).await;
    write(&store, room, 0, Operation::Join { user: carol }).await;
    let sent = message(&store, room, 0, alice, "@bob").await;
    write(&store, room, 0, edit(alice, sent.id, "@carol @carol")).await;
    assert_eq!((unread(&store, bob, room).await, unread(&store, carol, room).await), ((1, 0), (1, 1)));
    write(&store, room, 0, edit(alice, sent.id, "@bob @carol")).await;
    assert_eq!((unread(&store, bob, room).await, unread(&store, carol, room).await), ((1, 1), (1, 1)));
    write(&store, room, 0, edit(alice, sent.id, "nobody")).await;
    assert_eq!((unread(&store, bob, room).await, unread(&store, carol, room).await), ((1, 0), (1, 0)));
}

pub async fn a_deletion_takes_its_mentions_back(store: S) {
    let (alice, bob, _, room) = people_and_room(&store).await;
    let sent = message(&store, room, 0, alice, "@bob").await;
    message(&store, room, 0, alice, "@bob").await;
    write(&store, room, 0, delete(alice, sent.id)).await;
    assert_eq!(unread(&store, bob, room).await, (1, 1));
}

pub async fn in_one_commit_the_last_text_counts(store: S) {
    let (alice, bob, carol, room) = people_and_room(&store).await;
    write(&store, room, 0, Operation::Join { user: carol }).await;
    let ids: Vec<_> = (0..3).map(|_| MessageId(new_id())).collect();
    let say =
        |n: usize, text: &str| Operation::Send { author: alice, message: ids[n], draft: draft(key(), text) };
    let operations = vec![
        say(0, "@bob"),
        edit(alice, ids[0], "@bob @carol"),
        say(1, "@bob"),
        delete(alice, ids[1]),
        say(2, "nobody"),
        edit(alice, ids[2], "@carol"),
        edit(alice, ids[2], "@bob"),
    ];
    apply(&store, room, 0, operations).await;
    assert_eq!((unread(&store, bob, room).await, unread(&store, carol, room).await), ((2, 2), (2, 1)));
}

/// Says it while Bob is there and Carol is not.
async fn say_to(store: &S, room: RoomId, bob: UserId, operation: Operation) {
    let said = RoomBatch { present: vec![bob], ..batch(room, at(0), vec![operation]) };
    let mut applied = store.append(vec![said]).await.expect("a commit");
    applied.remove(0).outcomes.remove(0).expect("no refusal");
}

pub async fn who_looks_after_a_room_mentions_all_at_once(store: S) {
    let (alice, bob, carol, room) = people_and_room(&store).await;
    write(&store, room, 0, Operation::Join { user: carol }).await;
    let counts = async || {
        (
            unread(&store, alice, room).await.1,
            unread(&store, bob, room).await.1,
            unread(&store, carol, room).await.1,
        )
    };
    say_to(&store, room, bob, say(bob, "@room @here")).await;
    assert_eq!(counts().await, (0, 0, 0), "from others it is only text");
    let sent = MessageId(new_id());
    let key = key();
    let all = Operation::Send { author: alice, message: sent, draft: draft(key, "@Room: @bob, come") };
    say_to(&store, room, bob, all).await;
    assert_eq!(counts().await, (0, 1, 1));
    say_to(&store, room, bob, say(alice, "@here.")).await;
    assert_eq!(counts().await, (0, 2, 1));
    say_to(&store, room, bob, edit(alice, sent, "@here")).await;
    assert_eq!(counts().await, (0, 2, 0), "an edit mentions anew");
    write(&store, room, 0, delete(alice, sent)).await;
    assert_eq!(counts().await, (0, 1, 0));
}

pub async fn who_comes_and_goes_in_the_same_commit_is_meant_by_when(store: S) {
    let (alice, bob, carol, room) = people_and_room(&store).await;
    let all = vec![
        say(alice, "@room"),
        Operation::Join { user: carol },
        say(alice, "@room"),
        Operation::Leave { user: bob },
        say(alice, "@room"),
    ];
    assert!(apply(&store, room, 0, all).await.iter().all(Result::is_ok));
    assert_eq!(unread(&store, carol, room).await, (2, 2));
    write(&store, room, 0, Operation::Join { user: bob }).await;
    assert_eq!(unread(&store, bob, room).await, (0, 0));
}

pub async fn in_a_conversation_everybody_mentions_all(store: S) {
    let (alice, bob, carol, _) = people_and_room(&store).await;
    let direct = Direct { id: RoomId(new_id()), by: alice, others: vec![bob, carol], now: at(0) };
    let room = store.direct(direct).await.expect("a conversation").room;
    message(&store, room, 0, bob, "@room").await;
    assert_eq!(unread(&store, alice, room).await, (1, 1));
    assert_eq!(unread(&store, carol, room).await, (1, 1));
    assert_eq!(unread(&store, bob, room).await, (0, 0));
}

pub async fn a_text_full_of_names_is_stored_all_the_same(store: S) {
    let (alice, bob, _, room) = people_and_room(&store).await;
    let text: String = (0..400).map(|n| format!("@{n:04} ")).collect();
    message(&store, room, 0, alice, &format!("@bob {text}")).await;
    assert_eq!(unread(&store, bob, room).await, (1, 1));
}
