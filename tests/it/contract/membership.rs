//! Joining and leaving.

use std::sync::Arc;

use chat::domain::{Change, Entry, Member, Operation, Refusal, Role, RoomId, Seq, UserId};
use chat::store::Store;

use super::support::*;

type S = Arc<dyn Store>;

fn join(user: UserId) -> Operation {
    Operation::Join { user }
}

fn leave(user: UserId) -> Operation {
    Operation::Leave { user }
}

fn joined(entry: &Entry) -> (Member, &str) {
    match &entry.change {
        Change::MemberJoined { member, username } => (member.clone(), username),
        other => panic!("nobody joined: {other:?}"),
    }
}

async fn roles(store: &S, room: RoomId) -> Vec<(UserId, Role)> {
    let snapshot = store.room_snapshot(room).await.expect("an answer").expect("a room");
    assert_eq!(snapshot.room.member_count, snapshot.members.len() as u64);
    snapshot.members.iter().map(|member| (member.user, member.role)).collect()
}

pub async fn joining_a_public_room_takes_a_number(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    let entry = write(&store, room, 7_000, join(bob)).await;
    let member = Member { user: bob, role: Role::Member, joined_at: at(7_000), joined_seq: seq(2) };
    assert_eq!(joined(&entry), (member, "bob"));
    assert_eq!(roles(&store, room).await, [(alice, Role::Owner), (bob, Role::Member)]);
    assert_eq!(log(&store, room).await[1], entry);
}

pub async fn joining_twice_writes_nothing(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    let first = write(&store, room, 7_000, join(bob)).await;
    message(&store, room, 8_000, alice, "between").await;
    assert_eq!(repeat(&store, room, 9_000, join(bob)).await, first);
    assert_eq!(numbers(&log(&store, room).await), up_to(3));
    assert_eq!(roles(&store, room).await.len(), 2);
}

pub async fn a_private_room_looks_absent_to_who_would_join(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = private_room(&store, alice, &[]).await;
    assert_eq!(refuse(&store, room, 0, join(bob)).await, Refusal::NotFound("room"));
}

pub async fn a_member_of_a_private_room_has_joined_already(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = private_room(&store, alice, &[bob]).await;
    let entry = repeat(&store, room, 9_000, join(bob)).await;
    assert_eq!(entry, log(&store, room).await[1]);
}

pub async fn nobody_cannot_join(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let operations = vec![join(UserId(new_id())), say(alice, "hi")];
    let outcomes = apply(&store, room, 0, operations).await;
    assert_eq!(outcomes[0], Err(Refusal::NotFound("user")));
    assert_eq!(outcomes[1].as_ref().map(|c| c.entry.seq), Ok(seq(2)));
}

pub async fn leaving_takes_a_number_and_ends_reading(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let entry = write(&store, room, 7_000, leave(bob)).await;
    assert_eq!(
        (entry.seq, &entry.change),
        (seq(3), &Change::MemberLeft { user: bob, by: None, is_banned: false })
    );
    assert_eq!(roles(&store, room).await, [(alice, Role::Owner)]);
    assert!(store.heads_of(bob).await.expect("an answer").rooms.is_empty());
    let refused = refusal(store.log_page(room, Some(bob), Seq::START, 9).await);
    assert_eq!(refused, Refusal::NotMember);
}

pub async fn leaving_a_room_one_is_not_in_is_refused(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (open, closed) = (room(&store, alice, &[]).await, private_room(&store, alice, &[]).await);
    assert_eq!(refuse(&store, open, 0, leave(bob)).await, Refusal::NotMember);
    assert_eq!(refuse(&store, closed, 0, leave(bob)).await, Refusal::NotFound("room"));
}

pub async fn coming_back_is_a_new_membership(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    write(&store, room, 1_000, leave(bob)).await;
    let back = write(&store, room, 2_000, join(bob)).await;
    assert_eq!(joined(&back).0.joined_seq, seq(4));
    assert_eq!(repeat(&store, room, 3_000, join(bob)).await, back);
    let entries = log(&store, room).await;
    assert_eq!(kinds(&entries), ["member.joined", "member.joined", "member.left", "member.joined"]);
    // The first time is still told as it was.
    assert_eq!(joined(&entries[1]).0.joined_seq, seq(2));
}

pub async fn membership_changes_count_within_a_batch(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    let operations = vec![
        say(bob, "too early"),
        join(bob),
        say(bob, "in"),
        leave(bob),
        say(bob, "too late"),
        join(bob),
        join(bob),
    ];
    let outcomes = apply(&store, room, 0, operations).await;
    let seqs: Vec<_> = outcomes.iter().map(|o| o.as_ref().ok().map(|c| c.entry.seq.get())).collect();
    assert_eq!(seqs, [None, Some(2), Some(3), Some(4), None, Some(5), Some(5)]);
    assert_eq!(roles(&store, room).await.len(), 2);
}

pub async fn an_owner_who_leaves_is_followed_by_the_longest_standing_member(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = room(&store, alice, &[carol, bob]).await;
    write(&store, room, 0, leave(alice)).await;
    assert_eq!(roles(&store, room).await, [(carol, Role::Owner), (bob, Role::Member)]);
    let last = log(&store, room).await.pop().expect("an entry");
    assert_eq!(last.change, Change::MemberUpdated { user: carol, role: Role::Owner });
    // Also within one batch, which knew the heir as a member before.
    let outcomes = apply(&store, room, 0, vec![join(alice), say(bob, "hi"), leave(carol), leave(bob)]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(roles(&store, room).await, [(alice, Role::Owner)]);
}

pub async fn who_comes_first_into_a_room_everyone_left_owns_it(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    write(&store, room, 0, leave(alice)).await;
    assert!(roles(&store, room).await.is_empty());
    let entry = write(&store, room, 0, join(bob)).await;
    assert_eq!(joined(&entry).0.role, Role::Owner, "everybody is told so");
    write(&store, room, 0, join(alice)).await;
    assert_eq!(roles(&store, room).await, [(bob, Role::Owner), (alice, Role::Member)]);
    // Also within one commit.
    let outcomes = apply(&store, room, 0, vec![leave(alice), leave(bob), join(alice), join(bob)]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(roles(&store, room).await, [(alice, Role::Owner), (bob, Role::Member)]);
}
