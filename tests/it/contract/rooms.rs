//! Rooms and members as people look at them.

use std::sync::Arc;

use chat::domain::{Change, Description, Operation, Refusal, Role, RoomId, RoomName, UserId};
use chat::store::{NewRoom, NewRoomMade, RoomView, Store};

use super::support::*;

type S = Arc<dyn Store>;

fn people(view: &RoomView) -> Vec<UserId> {
    view.members.iter().map(|insider| insider.user.id).collect()
}

pub async fn making_a_room_writes_who_joined_in_order(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let new = NewRoom {
        name: RoomName::parse("Garden").expect("a name"),
        description: Description::parse("what grows").expect("a text"),
        is_private: true,
        now: at(5_000),
        ..new_room(alice, &[carol, bob])
    };
    let NewRoomMade { room, entries, .. } = store.create_room(new.clone()).await.expect("a room");
    assert_eq!((room.id, &room.name, &room.description), (new.id, &new.name, &new.description));
    assert_eq!((room.is_private, room.created_by, room.created_at), (true, alice, at(5_000)));
    assert_eq!((room.head, room.first_retained, room.member_count), (seq(3), seq(1), 3));
    assert_eq!(numbers(&entries), [1, 2, 3]);
    let joined: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.change {
            Change::MemberJoined { member, username } => {
                assert_eq!((member.joined_seq, member.joined_at), (entry.seq, at(5_000)));
                (member.user, member.role, username.as_str())
            }
            other => panic!("nobody joined: {other:?}"),
        })
        .collect();
    assert_eq!(
        joined,
        [(alice, Role::Owner, "alice"), (carol, Role::Member, "carol"), (bob, Role::Member, "bob")]
    );
    assert_eq!(log(&store, room.id).await, entries);
}

pub async fn who_is_named_twice_joins_once(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let made = store.create_room(new_room(alice, &[bob, alice, bob])).await.expect("a room");
    let NewRoomMade { room, entries, .. } = made;
    assert_eq!((numbers(&entries), room.member_count), (vec![1, 2], 2));
}

pub async fn a_room_with_a_stranger_is_not_made(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let new = new_room(alice, &[bob, UserId(new_id())]);
    assert_eq!(field(&refusal(store.create_room(new.clone()).await)), "members");
    assert!(store.room_snapshot(new.id).await.expect("an answer").is_none());
    assert!(store.rooms_of(bob, 9).await.expect("rooms").is_empty());
    // The id is free.
    store.create_room(NewRoom { members: vec![bob], ..new }).await.expect("a room");
}

pub async fn the_rooms_of_a_user_come_newest_activity_first(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mut rooms = Vec::new();
    for n in 0..3 {
        let new = NewRoom { now: at(n), ..new_room(alice, &[]) };
        rooms.push(store.create_room(new).await.expect("a room").room.id);
    }
    room(&store, bob, &[]).await;
    message(&store, rooms[1], 9_000, alice, "hi").await;
    let views = store.rooms_of(alice, 9).await.expect("rooms");
    assert_eq!(views.iter().map(|v| v.room.id).collect::<Vec<_>>(), [rooms[1], rooms[2], rooms[0]]);
    assert_eq!(views[0].room.head, seq(2));
    let heads = store.heads_of(alice).await.expect("heads");
    assert!(views.iter().map(|v| v.room.id).eq(heads.rooms.iter().map(|state| state.head.room)));
}

pub async fn rooms_of_a_user_embed_the_first_members_of_each(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let large = NewRoom { now: at(2), ..new_room(carol, &[bob, alice]) };
    let small = NewRoom { now: at(1), ..new_room(alice, &[]) };
    for new in [large, small] {
        store.create_room(new).await.expect("a room");
    }
    for (embed, in_large, in_small) in [
        (0, vec![], vec![]),
        (1, vec![carol], vec![alice]),
        (2, vec![carol, bob], vec![alice]),
        (3, vec![carol, bob, alice], vec![alice]),
        (usize::MAX, vec![carol, bob, alice], vec![alice]),
    ] {
        let views = store.rooms_of(alice, embed).await.expect("rooms");
        assert_eq!(views.iter().map(people).collect::<Vec<_>>(), [in_large, in_small], "{embed}");
        assert_eq!(views[0].room.member_count, 3);
    }
    assert!(store.rooms_of(UserId(new_id()), 9).await.expect("rooms").is_empty());
}

pub async fn a_member_sees_members_and_an_outsider_does_not(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = room(&store, alice, &[bob]).await;
    assert_eq!(people(&store.room(room, bob, 9).await.expect("a room")), [alice, bob]);
    assert_eq!(people(&store.room(room, bob, 1).await.expect("a room")), [alice]);
    let outside = store.room(room, carol, 9).await.expect("a room");
    assert_eq!((people(&outside).len(), outside.room.member_count), (0, 2));
}

pub async fn a_private_room_looks_absent(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let closed = private_room(&store, alice, &[]).await;
    assert_eq!(people(&store.room(closed, alice, 9).await.expect("a room")), [alice]);
    for room in [closed, RoomId(new_id())] {
        let gone = Refusal::NotFound("room");
        assert_eq!(refusal(store.room(room, bob, 9).await), gone);
        assert_eq!(refusal(store.members(room, bob, 9, None).await), gone);
        assert_eq!(refusal(store.messages(room, bob, 9, None).await), gone);
        assert_eq!(refuse(&store, room, 0, say(bob, "hi")).await, gone);
    }
}

pub async fn the_directory_is_paged_without_repeat_or_hole(store: S) {
    let alice = person(&store, "alice").await;
    let mut made = Vec::new();
    for n in 0..11 {
        // Many are made in the same millisecond.
        let new = NewRoom { now: at(n / 4), ..new_room(alice, &[]) };
        made.push(store.create_room(new).await.expect("a room").room);
    }
    made.sort_by_key(|room| std::cmp::Reverse((room.created_at, room.id)));
    for limit in [1, 3, 11, 12] {
        let (mut cursor, mut listed) = (None, Vec::new());
        loop {
            let page = store.directory(alice, limit, cursor, None).await.expect("a page");
            listed.extend(page.rooms);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            assert_eq!(listed.len() % limit, 0);
        }
        assert_eq!(listed, made, "{limit}");
    }
}

pub async fn the_directory_holds_public_rooms_only(store: S) {
    let alice = person(&store, "alice").await;
    let open = room(&store, alice, &[]).await;
    private_room(&store, alice, &[]).await;
    let page = store.directory(alice, 1, None, None).await.expect("a page");
    assert_eq!(page.rooms.iter().map(|room| room.id).collect::<Vec<_>>(), [open]);
    assert_eq!(page.next, None);
}

pub async fn an_archived_room_is_in_the_directory_of_its_members(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let open = room(&store, alice, &[]).await;
    let closed = store.create_room(NewRoom { now: at(1), ..new_room(alice, &[]) }).await.expect("a room");
    write(&store, closed.room.id, 1, Operation::Archive { by: alice, archived: true }).await;
    for search in [None, Some("gen".to_owned())] {
        for (viewer, expected) in [(alice, vec![closed.room.id, open]), (bob, vec![open])] {
            let page = store.directory(viewer, 9, None, search.clone()).await.expect("a page");
            assert_eq!(page.rooms.iter().map(|room| room.id).collect::<Vec<_>>(), expected);
        }
    }
}

pub async fn members_are_paged_without_repeat_or_hole(store: S) {
    let alice = person(&store, "alice").await;
    let mut everyone = vec![alice];
    for n in 0..6 {
        everyone.push(person(&store, &format!("user{n}")).await);
    }
    let room = room(&store, alice, &everyone[1..]).await;
    for limit in [1, 2, 7, 8] {
        let (mut cursor, mut listed) = (None, Vec::new());
        loop {
            let page = store.members(room, alice, limit, cursor).await.expect("a page");
            listed.extend(page.members.iter().map(|insider| insider.user.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            assert_eq!(listed.len() % limit, 0);
        }
        assert_eq!(listed, everyone, "{limit}");
    }
}

pub async fn members_are_for_members(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[]).await;
    assert_eq!(refusal(store.members(room, bob, 9, None).await), Refusal::NotMember);
}

pub async fn the_epoch_stays_and_the_store_answers(store: S) {
    let epoch = store.epoch().await.expect("an epoch");
    store.ping().await.expect("an answer");
    assert_eq!(store.epoch().await.expect("an epoch"), epoch);
}
