//! Pins: what those who look after a room keep in view.

use std::sync::Arc;

use chat::domain::{Change, HistoryVisibility, Message, MessageId, Operation, Refusal, Role, RoomId, UserId};
use chat::store::{Direct, NewRoom, Store};

use super::support::*;

type S = Arc<dyn Store>;

fn pin(by: UserId, message: MessageId) -> Operation {
    Operation::Pin { by, message, on: true }
}

fn unpin(by: UserId, message: MessageId) -> Operation {
    Operation::Pin { by, message, on: false }
}

async fn pins(store: &S, room: RoomId, viewer: UserId) -> Vec<MessageId> {
    let pins = store.pins(room, viewer).await.expect("pins");
    pins.into_iter().map(|message| message.id).collect()
}

pub async fn who_looks_after_a_room_pins_and_unpins(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let (one, two) = (message(&store, room, 0, alice, "1").await, message(&store, room, 0, bob, "2").await);
    assert!(matches!(refuse(&store, room, 1, pin(bob, one.id)).await, Refusal::Forbidden(_)));
    let entry = write(&store, room, 1, pin(alice, two.id)).await;
    assert_eq!(entry.change, Change::MessagePinned { message: two.at(), user: alice });
    write(&store, room, 2, Operation::SetRole { by: alice, user: bob, role: Role::Administrator }).await;
    write(&store, room, 3, pin(bob, one.id)).await;
    repeat(&store, room, 4, pin(alice, one.id)).await;
    // The last pinned first, whichever was written first.
    assert_eq!(pins(&store, room, bob).await, [one.id, two.id]);
    let asked = vec![one.id, two.id, MessageId(new_id())];
    let mut seen = store.annotations(asked, bob).await.expect("an answer").pinned;
    // In no order; ids of one millisecond have none either.
    let mut both = [one.id, two.id];
    seen.sort();
    both.sort();
    assert_eq!(seen, both);
    let gone = write(&store, room, 5, unpin(alice, one.id)).await;
    assert_eq!(gone.change, Change::MessageUnpinned { message: one.at(), user: alice });
    repeat(&store, room, 6, unpin(alice, one.id)).await;
    assert_eq!(pins(&store, room, bob).await, [two.id]);
    let entries = log(&store, room).await;
    assert_eq!((entries.last(), numbers(&entries)), (Some(&gone), up_to(8)));
    // Within one commit too; and pinned anew it comes first.
    let anew = vec![pin(bob, one.id), unpin(bob, two.id), pin(bob, two.id)];
    assert!(apply(&store, room, 7, anew).await.iter().all(Result::is_ok));
    assert_eq!(pins(&store, room, alice).await, [two.id, one.id]);
    assert_eq!(state(&store, bob, room).await.unread.messages, 0);
}

pub async fn a_room_has_at_most_fifty_pins(store: S) {
    let alice = person(&store, "alice").await;
    let (room, other) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
    let elsewhere = message(&store, other, 0, alice, "elsewhere").await;
    write(&store, other, 0, pin(alice, elsewhere.id)).await;
    let mut sent = Vec::new();
    for n in 0..=Message::MAX_PINS {
        sent.push(message(&store, room, 0, alice, &n.to_string()).await.id);
    }
    let (last, first) = sent.split_last().expect("fifty and one");
    let all = first.iter().map(|id| pin(alice, *id)).collect();
    assert!(apply(&store, room, 1, all).await.iter().all(Result::is_ok));
    let more = refuse(&store, room, 2, pin(alice, *last)).await;
    assert_eq!(more, Refusal::Conflict("a room has at most 50 pinned messages"));
    assert_eq!(Message::MAX_PINS, 50);
    // A deleted message makes room for another, in the same commit too.
    let swap = apply(&store, room, 3, vec![delete(alice, sent[7]), pin(alice, *last)]).await;
    assert!(swap.iter().all(Result::is_ok));
    let seen = pins(&store, room, alice).await;
    assert_eq!((seen.len(), seen.first()), (50, Some(last)));
    assert!(!seen.contains(&sent[7]));
    assert!(matches!(refuse(&store, room, 4, pin(alice, sent[7])).await, Refusal::Conflict(_)));
    repeat(&store, room, 4, unpin(alice, sent[7])).await;
}

pub async fn who_may_not_read_or_write_does_not_pin(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    assert_eq!(refuse(&store, room, 1, pin(bob, sent.id)).await, Refusal::NotMember);
    assert_eq!(refusal(store.pins(room, bob).await), Refusal::NotMember);
    let nothing = pin(alice, MessageId(new_id()));
    assert_eq!(refuse(&store, room, 1, nothing).await, Refusal::NotFound("message"));
    write(&store, room, 2, Operation::Archive { by: alice, archived: true }).await;
    assert_eq!(refuse(&store, room, 3, pin(alice, sent.id)).await, Refusal::RoomArchived);
}

pub async fn in_a_conversation_everybody_pins(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let id = RoomId(new_id());
    let direct = Direct { id, by: alice, others: vec![bob], now: at(0) };
    let room = store.direct(direct).await.expect("a conversation").room;
    let sent = message(&store, room, 0, alice, "hi").await;
    write(&store, room, 1, pin(bob, sent.id)).await;
    write(&store, room, 2, unpin(alice, sent.id)).await;
}

pub async fn what_was_before_joining_is_neither_shown_nor_touched(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let history = HistoryVisibility::SinceJoined;
    let new = NewRoom { history, ..new_room(alice, &[]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let before = message(&store, room, 0, alice, "canary").await;
    write(&store, room, 1, pin(alice, before.id)).await;
    write(&store, room, 2, Operation::Join { user: bob }).await;
    write(&store, room, 2, Operation::SetRole { by: alice, user: bob, role: Role::Administrator }).await;
    let since = message(&store, room, 3, alice, "since").await;
    write(&store, room, 3, pin(bob, since.id)).await;
    assert_eq!(pins(&store, room, bob).await, [since.id]);
    assert_eq!(pins(&store, room, alice).await, [since.id, before.id]);
    let emoji = chat::domain::Emoji::parse("👍").expect("a sign");
    let react = Operation::React { by: bob, message: before.id, emoji, on: true };
    for operation in [pin(bob, before.id), unpin(bob, before.id), react, delete(bob, before.id)] {
        assert_eq!(refuse(&store, room, 4, operation).await, Refusal::NotFound("message"));
    }
    let mut reply = draft(key(), "re");
    reply.reply_to = Some(before.id);
    assert!(matches!(refuse(&store, room, 4, send_draft(bob, reply)).await, Refusal::Invalid(_)));
}
