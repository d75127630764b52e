//! Editing and deleting: who, how long, and what stays (I19).

use std::sync::Arc;
use std::time::Duration;

use chat::domain::policy::EditWindow;
use chat::domain::{Change, Operation, Refusal, Role, RoomId, RoomPatch, UserId};
use chat::store::Store;

use super::support::*;

type S = Arc<dyn Store>;

/// The default edit window.
const WINDOW: Duration = Duration::from_secs(300);
const WINDOW_MS: i64 = 300_000;

async fn alice_and_room(store: &S) -> (UserId, RoomId) {
    let alice = person(store, "alice").await;
    (alice, room(store, alice, &[]).await)
}

pub async fn an_edit_takes_a_number_and_keeps_the_place(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let before = message(&store, room, 0, alice, "hi").await;
    let entry = write(&store, room, 5_000, edit(alice, before.id, "hello")).await;
    assert_eq!((entry.seq, entry.at), (seq(3), at(5_000)));
    let mut after = before.clone();
    after.content = "hello".into();
    after.updated_at = at(5_000);
    assert_eq!(entry.change, Change::MessageUpdated(after.clone()));
    assert_eq!(store.message(before.id, alice).await.expect("the message"), after);
}

pub async fn a_deletion_leaves_an_empty_tombstone(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let before = message(&store, room, 0, alice, "hi").await;
    let entry = write(&store, room, 5_000, delete(alice, before.id)).await;
    let mut after = before.clone();
    after.content.clear();
    after.updated_at = at(5_000);
    after.deleted_at = Some(at(5_000));
    assert_eq!(entry.change, Change::MessageDeleted(after.clone()));
    assert_eq!(store.message(before.id, alice).await.expect("the tombstone"), after);
}

pub async fn editing_to_the_same_content_writes_nothing(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    // Never edited: its creation is the last entry about it.
    let entry = repeat(&store, room, 1_000, edit(alice, sent.id, " hi ")).await;
    assert_eq!((entry.seq, entry.at), (sent.seq, at(0)));
    assert_eq!(entry.change, Change::MessageUpdated(sent.clone()));
    let edited = write(&store, room, 2_000, edit(alice, sent.id, "hello")).await;
    message(&store, room, 3_000, alice, "between").await;
    assert_eq!(repeat(&store, room, 4_000, edit(alice, sent.id, "hello")).await, edited);
    assert_eq!(numbers(&log(&store, room).await), up_to(4));
}

pub async fn deleting_twice_writes_nothing(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    let deleted = write(&store, room, 1_000, delete(alice, sent.id)).await;
    assert_eq!(repeat(&store, room, 2_000, delete(alice, sent.id)).await, deleted);
    assert_eq!(numbers(&log(&store, room).await), up_to(3));
}

pub async fn the_window_is_counted_by_the_servers_time(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let one = message(&store, room, 0, bob, "one").await;
    let two = message(&store, room, 0, bob, "two").await;
    // An edit does not open the window anew.
    write(&store, room, WINDOW_MS, edit(bob, one.id, "in time")).await;
    let late = WINDOW_MS + 1;
    let closed = Refusal::EditWindowClosed(WINDOW);
    assert_eq!(refuse(&store, room, late, edit(bob, one.id, "too late")).await, closed);
    assert_eq!(refuse(&store, room, late, delete(bob, one.id)).await, closed);
    write(&store, room, WINDOW_MS, delete(bob, two.id)).await;
    assert_eq!(numbers(&log(&store, room).await), up_to(6));
}

pub async fn a_room_may_have_a_window_of_its_own(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let sent = message(&store, room, 0, bob, "one").await;
    let set = |edit_window: Option<EditWindow>| {
        let patch = RoomPatch { edit_window: Some(edit_window), ..RoomPatch::default() };
        Operation::Update { by: alice, patch }
    };
    let own = |seconds| set(EditWindow::of_room(seconds).ok());
    write(&store, room, 0, own(1)).await;
    let closed = Refusal::EditWindowClosed(Duration::from_secs(1));
    assert_eq!(refuse(&store, room, 1_001, edit(bob, sent.id, "two")).await, closed);
    // Also within the commit that sets it.
    let outcomes = apply(&store, room, 2 * WINDOW_MS, vec![own(3_600), edit(bob, sent.id, "two")]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let facts = store.room(room, bob, 1).await.expect("a room").room.facts();
    assert_eq!(facts.edit_window, Some(EditWindow(Duration::from_secs(3_600))));
    // As those hear it who were away.
    let told = log(&store, room).await.into_iter().rev().find_map(|entry| match entry.change {
        Change::RoomUpdated(facts) => Some(facts),
        _ => None,
    });
    assert_eq!(told, Some(facts));
    // Set back, it is the server's, and whatever else is changed leaves it so.
    let entry = write(&store, room, 2 * WINDOW_MS, set(None)).await;
    let Change::RoomUpdated(facts) = &entry.change else { panic!("{entry:?}") };
    assert_eq!(facts.edit_window, None);
    let closed = Refusal::EditWindowClosed(WINDOW);
    assert_eq!(refuse(&store, room, 2 * WINDOW_MS, edit(bob, sent.id, "three")).await, closed);
    repeat(&store, room, 2 * WINDOW_MS, set(None)).await;
    assert_eq!(store.room(room, bob, 1).await.expect("a room").room.facts(), *facts);
}

pub async fn who_looks_after_a_room_deletes_at_any_time(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let (his, hers) =
        (message(&store, room, 0, bob, "his").await, message(&store, room, 0, alice, "hers").await);
    let late = 10 * WINDOW_MS;
    assert!(matches!(refuse(&store, room, late, edit(alice, his.id, "no")).await, Refusal::Forbidden(_)));
    assert!(matches!(refuse(&store, room, 0, delete(bob, hers.id)).await, Refusal::Forbidden(_)));
    write(&store, room, late, delete(alice, his.id)).await;
    let role = Operation::SetRole { by: alice, user: bob, role: Role::Administrator };
    // Decided by the role of the moment, also within one commit.
    let outcomes = apply(&store, room, late, vec![role, delete(bob, hers.id)]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(store.message(hers.id, bob).await.expect("a tombstone").deleted_at, Some(at(late)));
}

pub async fn who_looks_after_a_room_edits_his_own_at_any_time(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let (his, hers) =
        (message(&store, room, 0, bob, "his").await, message(&store, room, 0, alice, "hers").await);
    let late = 10 * WINDOW_MS;
    write(&store, room, late, edit(alice, hers.id, "hers, as well")).await;
    let closed = Refusal::EditWindowClosed(WINDOW);
    assert_eq!(refuse(&store, room, late, edit(bob, his.id, "no")).await, closed);
    let role = Operation::SetRole { by: alice, user: bob, role: Role::Administrator };
    let outcomes = apply(&store, room, late, vec![role, edit(bob, his.id, "his, now")]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

pub async fn what_is_so_already_needs_no_window(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let kept = message(&store, room, 0, alice, "kept").await;
    let gone = message(&store, room, 0, alice, "gone").await;
    write(&store, room, 0, delete(alice, gone.id)).await;
    repeat(&store, room, 10 * WINDOW_MS, edit(alice, kept.id, "kept")).await;
    repeat(&store, room, 10 * WINDOW_MS, delete(alice, gone.id)).await;
}

pub async fn only_the_author_may_change_a_message(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    for operation in [edit(bob, sent.id, "ho"), edit(bob, sent.id, "hi"), delete(bob, sent.id)] {
        assert!(matches!(refuse(&store, room, 0, operation).await, Refusal::Forbidden(_)));
    }
    assert_eq!(store.message(sent.id, bob).await.expect("the message"), sent);
}

pub async fn a_deleted_message_cannot_be_edited(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    write(&store, room, 0, delete(alice, sent.id)).await;
    assert!(matches!(refuse(&store, room, 0, edit(alice, sent.id, "ho")).await, Refusal::Conflict(_)));
}

pub async fn a_message_of_another_room_is_not_found(store: S) {
    let (alice, here) = alice_and_room(&store).await;
    let there = room(&store, alice, &[]).await;
    let sent = message(&store, here, 0, alice, "hi").await;
    let unknown = chat::domain::MessageId(new_id());
    for operation in [
        edit(alice, sent.id, "ho"),
        delete(alice, sent.id),
        edit(alice, unknown, "ho"),
        delete(alice, unknown),
    ] {
        assert_eq!(refuse(&store, there, 0, operation).await, Refusal::NotFound("message"));
    }
}

pub async fn outsiders_learn_nothing_of_messages(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (open, closed) = (room(&store, alice, &[]).await, private_room(&store, alice, &[]).await);
    for (room, refused) in [(open, Refusal::NotMember), (closed, Refusal::NotFound("room"))] {
        let sent = message(&store, room, 0, alice, "hi").await;
        let unknown = chat::domain::MessageId(new_id());
        for id in [sent.id, unknown] {
            assert_eq!(refuse(&store, room, 0, edit(bob, id, "ho")).await, refused);
            assert_eq!(refuse(&store, room, 0, delete(bob, id)).await, refused);
        }
    }
}

pub async fn a_message_may_be_edited_in_the_commit_that_sends_it(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let id = chat::domain::MessageId(new_id());
    let operations = vec![
        chat::domain::Operation::Send { author: alice, message: id, draft: draft(key(), "hi") },
        edit(alice, id, "hello"),
        delete(alice, id),
        edit(alice, id, "back"),
    ];
    let outcomes = apply(&store, room, 0, operations).await;
    let seqs: Vec<_> = outcomes.iter().map(|o| o.as_ref().ok().map(|c| c.entry.seq.get())).collect();
    assert_eq!(seqs, [Some(2), Some(3), Some(4), None]);
    // Each answer has the message as it was then; the log has it as it is now.
    assert_eq!(created(&outcomes[0].as_ref().expect("sent").entry).content, "hi");
    assert_eq!(created(&log(&store, room).await[1]).content, "");
}
