//! Looking after how people treat each other: slow mode, mutes, deletions with a reason, reports.

use std::sync::Arc;
use std::time::Duration;

use chat::domain::{Change, Operation, Refusal, Role, RoomId, RoomPatch, SlowMode, UserId};
use chat::store::Store;

use super::support::*;

type S = Arc<dyn Store>;

async fn slow(store: &S, room: RoomId, by: UserId, seconds: u64) {
    let slow_mode = Some(SlowMode::of_room(seconds).expect("valid"));
    let patch = RoomPatch { slow_mode, ..RoomPatch::default() };
    let entry = write(store, room, 0, Operation::Update { by, patch }).await;
    let Change::RoomUpdated(facts) = &entry.change else { panic!("{entry:?}") };
    assert_eq!(facts.slow_mode.seconds(), seconds);
    assert_eq!(log(store, room).await.pop(), Some(entry.clone()));
    assert_eq!(store.room(room, by, 1).await.expect("a room").room.facts(), *facts);
}

fn wait(seconds: u64) -> Refusal {
    Refusal::SlowMode { retry_after: Duration::from_secs(seconds) }
}

pub async fn in_slow_mode_members_wait_and_administrators_do_not(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let (room, other) = (room(&store, alice, &[bob, carol]).await, room(&store, alice, &[bob]).await);
    write(&store, room, 0, say(bob, "before it was on")).await;
    slow(&store, room, alice, 60).await;
    let first = key();
    write(&store, room, 1_000, send(bob, first, "one")).await;
    assert_eq!(refuse(&store, room, 2_000, say(bob, "two")).await, wait(59));
    assert_eq!(refuse(&store, room, 60_000, say(bob, "two")).await, wait(1));
    // What was refused does not count, nor does a retry of what was sent.
    repeat(&store, room, 60_000, send(bob, first, "one")).await;
    write(&store, room, 61_000, say(bob, "two")).await;
    // Others wait for themselves, elsewhere nobody does, and who looks after the room never.
    write(&store, room, 61_000, say(carol, "mine")).await;
    write(&store, other, 61_001, say(bob, "elsewhere")).await;
    write(&store, room, 61_001, say(alice, "a")).await;
    write(&store, room, 61_002, say(alice, "b")).await;
    write(&store, room, 61_003, Operation::SetRole { by: alice, user: bob, role: Role::Administrator }).await;
    write(&store, room, 61_004, say(bob, "three")).await;
    slow(&store, room, alice, 0).await;
    write(&store, room, 61_005, say(carol, "at once")).await;
}

pub async fn in_one_commit_too_only_one_message_passes(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    slow(&store, room, alice, 10).await;
    let outcomes = apply(&store, room, 0, vec![say(bob, "one"), say(bob, "two"), say(alice, "hi")]).await;
    let passed: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(passed, [true, false, true]);
    assert_eq!(outcomes[1], Err(wait(10)));
}

pub async fn who_leaves_and_comes_back_waits_all_the_same(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    slow(&store, room, alice, 60).await;
    write(&store, room, 0, say(bob, "one")).await;
    write(&store, room, 1, Operation::Leave { user: bob }).await;
    let back = vec![Operation::Join { user: bob }, say(bob, "two")];
    assert_eq!(apply(&store, room, 1_000, back).await.pop(), Some(Err(wait(59))));
    assert_eq!(refuse(&store, room, 2_000, say(bob, "two")).await, wait(58));
}
