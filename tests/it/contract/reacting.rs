//! Reactions: each person each sign once, and not too many kinds.

use std::sync::Arc;

use chat::domain::{Change, Emoji, MessageId, Operation, Reaction, Refusal, UserId};
use chat::store::Store;

use super::support::*;

type S = Arc<dyn Store>;

fn react(by: UserId, message: MessageId, sign: &str, on: bool) -> Operation {
    Operation::React { by, message, emoji: Emoji::parse(sign).expect("a sign"), on }
}

async fn signs(store: &S, message: MessageId, viewer: UserId) -> Vec<(String, u64, Vec<UserId>, bool)> {
    let all = store.annotations(vec![message], viewer).await.expect("an answer").reactions;
    let sign =
        |Reaction { emoji, count, users, is_own, .. }| (emoji.as_str().to_owned(), count, users, is_own);
    all.into_iter().map(sign).collect()
}

pub async fn a_sign_is_expressed_once_and_taken_back(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let (sent, other) =
        (message(&store, room, 0, alice, "hi").await, message(&store, room, 0, bob, "ho").await);
    let entry = write(&store, room, 1, react(bob, sent.id, "👍", true)).await;
    let emoji = Emoji::parse("👍").expect("a sign");
    assert_eq!(entry.change, Change::ReactionAdded { message: sent.at(), user: bob, emoji });
    repeat(&store, room, 2, react(bob, sent.id, "👍", true)).await;
    write(&store, room, 3, react(alice, sent.id, "🎉", true)).await;
    write(&store, room, 4, react(alice, sent.id, "👍", true)).await;
    let seen = signs(&store, sent.id, alice).await;
    assert_eq!(seen, [("👍".into(), 2, vec![bob, alice], true), ("🎉".into(), 1, vec![alice], true)]);
    assert!(!signs(&store, sent.id, bob).await[1].3);
    assert!(signs(&store, other.id, alice).await.is_empty());
    let gone = write(&store, room, 5, react(alice, sent.id, "🎉", false)).await;
    repeat(&store, room, 6, react(alice, sent.id, "🎉", false)).await;
    assert_eq!(signs(&store, sent.id, alice).await.len(), 1);
    let entries = log(&store, room).await;
    assert_eq!((entries.last(), numbers(&entries)), (Some(&gone), up_to(8)));
    // Reacting is nothing to read.
    assert_eq!(state(&store, bob, room).await.unread.messages, 0);
    // Within one commit too.
    let both = vec![react(bob, sent.id, "🎉", true), react(bob, sent.id, "🎉", false)];
    assert!(apply(&store, room, 7, both).await.iter().all(Result::is_ok));
    assert_eq!(signs(&store, sent.id, bob).await.len(), 1);
}

pub async fn a_message_has_at_most_twenty_kinds(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    let sign = |n: u32| char::from_u32(0x1f600 + n).expect("a face").to_string();
    let all = (0..20).map(|n| react(alice, sent.id, &sign(n), true)).collect();
    assert!(apply(&store, room, 1, all).await.iter().all(Result::is_ok));
    let more = refuse(&store, room, 2, react(alice, sent.id, &sign(20), true)).await;
    assert_eq!(more, Refusal::Conflict("a message has at most 20 kinds of reactions"));
    assert_eq!(Emoji::KINDS, 20);
    write(&store, room, 3, react(bob, sent.id, &sign(0), true)).await;
    let swap = vec![react(alice, sent.id, &sign(1), false), react(alice, sent.id, &sign(20), true)];
    assert!(apply(&store, room, 4, swap).await.iter().all(Result::is_ok));
    assert_eq!(signs(&store, sent.id, alice).await.len(), 20);
}

pub async fn who_may_not_read_or_write_does_not_react(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    assert_eq!(refuse(&store, room, 1, react(bob, sent.id, "👍", true)).await, Refusal::NotMember);
    let nothing = react(alice, MessageId(new_id()), "👍", true);
    assert_eq!(refuse(&store, room, 1, nothing).await, Refusal::NotFound("message"));
    write(&store, room, 2, Operation::Archive { by: alice, archived: true }).await;
    assert_eq!(refuse(&store, room, 3, react(alice, sent.id, "👍", true)).await, Refusal::RoomArchived);
    write(&store, room, 4, Operation::Archive { by: alice, archived: false }).await;
    write(&store, room, 5, delete(alice, sent.id)).await;
    assert!(matches!(refuse(&store, room, 6, react(alice, sent.id, "👍", true)).await, Refusal::Conflict(_)));
}
