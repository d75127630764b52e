//! How far people have received and read, and what is unread above it.

use std::sync::Arc;

use chat::domain::{
    Concern, Counts, MarkMove, Marks, Operation, Refusal, RoomId, Seq, Unread, UserChange, UserId, Whom,
};
use chat::store::{Moved, Store};

use super::support::*;

type S = Arc<dyn Store>;

fn to(user: UserId, room: RoomId, received: u64, read: u64) -> MarkMove {
    MarkMove { user, room, received: seq(received), read: seq(read) }
}

fn marks(received: u64, read: u64) -> Marks {
    Marks { received: seq(received), read: seq(read) }
}

/// One move in a transaction of its own.
async fn moved(store: &S, wish: MarkMove) -> Moved {
    let mut answers = store.move_marks(vec![wish], at(0)).await.expect("a commit");
    assert_eq!(answers.len(), 1);
    answers.remove(0).expect("no refusal")
}

/// Alice and Bob in a room in which Alice said so many things, beginning with number 3.
async fn alice_talks_to_bob(store: &S, much: usize) -> (UserId, UserId, RoomId) {
    let (alice, bob) = (person(store, "alice").await, person(store, "bob").await);
    let room = room(store, alice, &[bob]).await;
    apply(store, room, 0, (0..much).map(|n| say(alice, &format!("thing {n}"))).collect()).await;
    (alice, bob, room)
}

pub async fn marks_merge_by_maximum_and_never_pass_the_head(store: S) {
    let (_, bob, room) = alice_talks_to_bob(&store, 4).await;
    assert_eq!(moved(&store, to(bob, room, 4, 3)).await.marks, marks(4, 3));
    assert_eq!(moved(&store, to(bob, room, 3, 1)).await.marks, marks(4, 3));
    assert_eq!(moved(&store, to(bob, room, 0, 4)).await.marks, marks(4, 4));
    assert_eq!(moved(&store, to(bob, room, 5, 0)).await.marks, marks(5, 4));
    assert_eq!(moved(&store, to(bob, room, Seq::MAX, 0)).await.marks, marks(6, 4));
    assert_eq!(moved(&store, to(bob, room, 0, Seq::MAX)).await.marks, marks(6, 6));
    assert_eq!(state(&store, bob, room).await.marks, marks(6, 6));
}

pub async fn who_has_read_has_received(store: S) {
    let (_, bob, room) = alice_talks_to_bob(&store, 4).await;
    assert_eq!(moved(&store, to(bob, room, 0, 5)).await.marks, marks(5, 5));
}

pub async fn a_move_is_told_with_the_counts_of_the_moment(store: S) {
    let (_, bob, room) = alice_talks_to_bob(&store, 4).await;
    let answers = store.move_marks(vec![to(bob, room, 6, 4)], at(7)).await.expect("a commit");
    let unread = Unread { messages: 2, mentions: 0 };
    let moved = answers[0].clone().expect("no refusal");
    assert_eq!((moved.marks, moved.unread), (marks(6, 4), unread));
    let entry = moved.entry.expect("it moved");
    assert_eq!((entry.user, entry.seq, entry.at), (bob, seq(2), at(7)));
    assert_eq!(entry.change, UserChange::MarkMoved { room, marks: marks(6, 4), unread });
    assert_eq!(told(&store, bob).await[1], entry);
}

pub async fn what_does_not_move_writes_nothing(store: S) {
    let (_, bob, room) = alice_talks_to_bob(&store, 4).await;
    let before = moved(&store, to(bob, room, 5, 5)).await;
    let again = moved(&store, to(bob, room, 2, 2)).await;
    assert_eq!(again, Moved { entry: None, ..before });
    assert_eq!(told(&store, bob).await.len(), 2);
    assert!(store.move_marks(Vec::new(), at(0)).await.expect("an answer").is_empty());
}

pub async fn moves_of_one_member_in_one_commit_are_one_entry(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 4).await;
    let elsewhere = super::support::room(&store, bob, &[]).await;
    write(&store, elsewhere, 0, say(bob, "to myself")).await;
    let moves = vec![
        to(bob, room, 6, 0),
        to(bob, elsewhere, 9, 9),
        to(alice, room, 9, 9),
        to(bob, room, 0, 4),
        to(bob, room, 1, 1),
    ];
    let answers = store.move_marks(moves, at(0)).await.expect("a commit");
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("no refusal")).collect();
    assert_eq!(answers[0].marks, marks(6, 4));
    assert!(answers[0].entry.is_some());
    assert_eq!((&answers[3], &answers[4]), (&answers[0], &answers[0]));
    // Both wrote the last there themselves.
    assert_eq!((&answers[1].entry, &answers[2].entry), (&None, &None));
    // Added to two rooms, and moved.
    assert_eq!(told(&store, bob).await.len(), 3);
}

pub async fn an_outsider_moves_no_marks(store: S) {
    let (alice, bob, open) = alice_talks_to_bob(&store, 1).await;
    let carol = person(&store, "carol").await;
    let closed = private_room(&store, alice, &[]).await;
    let moves = vec![
        to(carol, open, 1, 1),
        to(carol, closed, 1, 1),
        to(carol, RoomId(new_id()), 1, 1),
        to(bob, open, 3, 3),
    ];
    let answers = store.move_marks(moves, at(0)).await.expect("a commit");
    let refused: Vec<_> = answers[..3].iter().map(|answer| answer.clone().expect_err("refused")).collect();
    let gone = Refusal::NotFound("room");
    assert_eq!(refused, [Refusal::NotMember, gone.clone(), gone]);
    assert!(answers[3].is_ok(), "it does not disturb the others");
    assert!(told(&store, carol).await.is_empty());
}

pub async fn sending_moves_the_own_marks_and_tells_nobody(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 4).await;
    assert_eq!(state(&store, alice, room).await.marks, marks(6, 6));
    apply(&store, room, 0, vec![say(bob, "one"), say(alice, "two"), say(bob, "three")]).await;
    let state_of_bob = state(&store, bob, room).await;
    assert_eq!((state_of_bob.marks, state_of_bob.unread), (marks(9, 9), Unread::default()));
    let state_of_alice = state(&store, alice, room).await;
    assert_eq!(state_of_alice.marks, marks(8, 8));
    assert_eq!(state_of_alice.unread, Unread { messages: 1, mentions: 0 });
    assert_eq!((told(&store, alice).await.len(), told(&store, bob).await.len()), (1, 1));
}

pub async fn a_retry_moves_no_marks(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 0).await;
    let key = key();
    let first = write(&store, room, 0, send(bob, key, "hi")).await;
    apply(&store, room, 0, vec![say(alice, "one"), send(bob, key, "hi")]).await;
    assert_eq!(state(&store, bob, room).await.marks, Marks { received: first.seq, read: first.seq });
}

pub async fn joining_starts_with_nothing_unread(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 4).await;
    assert_eq!(state(&store, alice, room).await.head.head, seq(6));
    let carol = person(&store, "carol").await;
    write(&store, room, 0, Operation::Join { user: carol }).await;
    let newcomer = state(&store, carol, room).await;
    assert_eq!((newcomer.marks, newcomer.unread), (marks(7, 7), Unread::default()));
    // Who comes back has read nothing less.
    apply(&store, room, 0, vec![Operation::Leave { user: bob }, Operation::Join { user: bob }]).await;
    let back = state(&store, bob, room).await;
    assert_eq!((back.marks, back.unread), (marks(9, 9), Unread::default()));
}

pub async fn unread_is_what_others_wrote_and_did_not_delete(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    assert_eq!(state(&store, bob, room).await.unread, Unread::default());
    let one = message(&store, room, 0, alice, "one").await;
    let two = message(&store, room, 0, alice, "two").await;
    assert_eq!(state(&store, bob, room).await.unread.messages, 2);
    // Who joins and what is edited is nothing new to read.
    let carol = person(&store, "carol").await;
    write(&store, room, 0, Operation::Join { user: carol }).await;
    write(&store, room, 0, edit(alice, one.id, "uno")).await;
    assert_eq!(state(&store, bob, room).await.unread.messages, 2);
    write(&store, room, 0, delete(alice, one.id)).await;
    assert_eq!(state(&store, bob, room).await.unread.messages, 1);
    assert_eq!(moved(&store, to(bob, room, 0, two.seq.get())).await.unread, Unread::default());
}

pub async fn heads_of_a_user_tell_all_of_each_room(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 3).await;
    let first = created(&log(&store, room).await[2]);
    write(&store, room, 1, delete(alice, first.id)).await;
    let heads = store.heads_of(bob).await.expect("heads");
    assert_eq!(heads.user_seq, seq(1));
    let [state] = heads.rooms.as_slice() else { panic!("{heads:?}") };
    assert_eq!((state.head.room, state.head.head, state.head.first_retained), (room, seq(6), seq(1)));
    // Deleted ones were sent, too.
    assert_eq!((state.messages, state.unread.messages), (3, 2));
    assert_eq!(state.marks, marks(2, 2));
    // In no room, and nobody at all.
    let carol = person(&store, "carol").await;
    assert_eq!(store.heads_of(carol).await.expect("heads"), Default::default());
    assert_eq!(store.heads_of(UserId(new_id())).await.expect("heads"), Default::default());
}

pub async fn each_commit_tells_how_many_messages_were_ever_sent(store: S) {
    let (alice, bob, here) = alice_talks_to_bob(&store, 2).await;
    let there = room(&store, alice, &[]).await;
    let sent = created(&log(&store, here).await[2]);
    let batches = vec![
        batch(here, at(0), vec![say(alice, "three"), say(UserId(new_id()), "no"), say(bob, "four")]),
        batch(there, at(0), vec![Operation::Join { user: bob }]),
        batch(here, at(0), vec![delete(alice, sent.id)]),
        batch(RoomId(new_id()), at(0), Vec::new()),
    ];
    let append = store.append(batches).await.expect("a commit");
    assert_eq!(append.iter().map(|applied| applied.messages).collect::<Vec<_>>(), [4, 0, 4, 0]);
}

pub async fn marks_of_members_are_paged_without_repeat_or_hole(store: S) {
    let alice = person(&store, "alice").await;
    let mut everyone = vec![alice];
    for n in 0..6 {
        everyone.push(person(&store, &format!("user{n}")).await);
    }
    let room = room(&store, alice, &everyone[1..]).await;
    write(&store, room, 0, say(alice, "hi")).await;
    moved(&store, to(everyone[3], room, 8, 6)).await;
    let mut expected: Vec<_> = (1..=7).map(|n| (everyone[n - 1], marks(n as u64, n as u64))).collect();
    expected[0].1 = marks(8, 8);
    expected[3].1 = marks(8, 6);
    for limit in [1, 2, 7, 8] {
        let (mut cursor, mut listed) = (None, Vec::new());
        loop {
            let page = store.marks_of(room, alice, limit, cursor).await.expect("a page");
            listed.extend(page.marks);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            assert_eq!(listed.len() % limit, 0);
        }
        assert_eq!(listed, expected, "{limit}");
    }
}

pub async fn marks_are_for_members(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (open, closed) = (room(&store, alice, &[]).await, private_room(&store, alice, &[]).await);
    assert_eq!(refusal(store.marks_of(open, bob, 9, None).await), Refusal::NotMember);
    assert_eq!(refusal(store.marks_of(closed, bob, 9, None).await), Refusal::NotFound("room"));
    assert_eq!(refusal(store.marks_of(RoomId(new_id()), bob, 9, None).await), Refusal::NotFound("room"));
}

pub async fn what_counts_for_members_is_asked_for_many_at_once(store: S) {
    let (alice, bob, one) = alice_talks_to_bob(&store, 4).await;
    let carol = person(&store, "carol").await;
    let two = room(&store, bob, &[alice]).await;
    message(&store, two, 0, bob, "@alice, @bob").await;
    let gone = message(&store, one, 0, bob, "gone").await;
    write(&store, one, 0, delete(bob, gone.id)).await;
    moved(&store, to(alice, one, 7, 6)).await;
    let asked = vec![(one, alice), (one, bob), (one, carol), (two, alice), (RoomId(new_id()), bob)];
    let counted = store.counts_of(asked).await.expect("counts");
    let mut places: Vec<_> = counted.iter().map(|counts| (counts.room, counts.user)).collect();
    places.sort_unstable();
    let mut members = [(one, alice), (one, bob), (two, alice)];
    members.sort_unstable();
    assert_eq!(places, members, "who is no member is left out");
    // As it is told to who comes in.
    for counts in counted {
        let state = state(&store, counts.user, counts.room).await;
        let Counts { head, messages, marks, unread, .. } = counts;
        let told = (state.head.head, state.messages, state.marks, state.unread);
        assert_eq!((head, messages, marks, unread), told);
    }
    assert!(store.counts_of(Vec::new()).await.expect("counts").is_empty());
    let many = (0..3_000).map(|_| (RoomId(new_id()), bob)).chain([(two, alice)]);
    let counted = store.counts_of(many.collect()).await.expect("counts");
    assert_eq!(counted.iter().map(|counts| counts.unread.mentions).collect::<Vec<_>>(), [1]);
}

/// Of the room's next commit.
async fn concern(store: &S, room: RoomId, operations: Vec<Operation>) -> Concern {
    let mut applied = store.append(vec![batch(room, at(0), operations)]).await.expect("a commit");
    assert!(applied[0].outcomes.iter().all(Result::is_ok));
    applied.remove(0).concern
}

pub async fn each_commit_tells_whose_counts_it_changed(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 1).await;
    let of = |unread: &[UserId], mentions: &[UserId]| {
        let mut concern = Concern::default();
        concern.unread.add(unread.iter().copied());
        concern.mentions.add(mentions.iter().copied());
        concern
    };
    assert_eq!(concern(&store, room, vec![say(alice, "hi"), say(bob, "hi")]).await, of(&[alice, bob], &[]));
    assert_eq!(concern(&store, room, vec![say(alice, "@bob, @alice and @x")]).await, of(&[alice], &[bob]));
    let all = Whom::everyone;
    let mut room_named = of(&[alice], &[]);
    room_named.mentions = all();
    assert_eq!(concern(&store, room, vec![say(alice, "@room")]).await, room_named);
    assert_eq!(concern(&store, room, vec![say(bob, "@room, from a member")]).await, of(&[bob], &[]));
    let plain = message(&store, room, 0, alice, "plain").await.id;
    assert_eq!(concern(&store, room, vec![edit(alice, plain, "plainer")]).await, Concern::default());
    assert_eq!(concern(&store, room, vec![edit(alice, plain, "@bob")]).await, of(&[], &[bob]));
    let mut taken = of(&[], &[]);
    taken.mentions = all();
    assert_eq!(concern(&store, room, vec![edit(alice, plain, "nobody")]).await, taken);
    // What was said already, and what is so already, changes nothing.
    assert_eq!(concern(&store, room, vec![edit(alice, plain, "nobody")]).await, Concern::default());
    let mut deleted = of(&[], &[]);
    deleted.unread = all();
    assert_eq!(concern(&store, room, vec![delete(alice, plain)]).await, deleted);
    assert_eq!(concern(&store, room, vec![delete(alice, plain)]).await, Concern::default());
    let named = message(&store, room, 0, alice, "@bob").await.id;
    assert_eq!(concern(&store, room, vec![delete(alice, named)]).await, Concern::everyone());
}

pub async fn each_commit_tells_how_many_are_in_the_room_then(store: S) {
    let (alice, bob, room) = alice_talks_to_bob(&store, 1).await;
    let carol = person(&store, "carol").await;
    let members = async |operations: Vec<Operation>| {
        let applied = store.append(vec![batch(room, at(0), operations)]).await.expect("a commit");
        applied[0].members
    };
    assert_eq!(members(vec![say(alice, "hi")]).await, None);
    assert_eq!(members(vec![Operation::Join { user: carol }, say(carol, "hi")]).await, Some(3));
    assert_eq!(members(vec![Operation::Leave { user: bob }]).await, Some(2));
}
