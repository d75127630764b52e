//! Messages as they are paged and looked up.

use std::sync::Arc;

use chat::domain::{HistoryVisibility, Message, MessageId, Operation, Refusal, RoomId, Seq, UserId};
use chat::store::{NewRoom, Place, Store};

use super::support::*;

type S = Arc<dyn Store>;

async fn history(store: &S, room: RoomId, viewer: UserId, limit: usize) -> Vec<Message> {
    let (mut before, mut read) = (None, Vec::new());
    loop {
        let page = store.messages(room, viewer, limit, before).await.expect("a page");
        read.extend(page.messages);
        before = page.next;
        if before.is_none() {
            return read;
        }
        assert_eq!(read.len() % limit, 0);
    }
}

pub async fn history_is_paged_from_the_newest_without_repeat_or_hole(store: S) {
    let alice = person(&store, "alice").await;
    let (here, there) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
    let mut sent = Vec::new();
    for n in 0..10 {
        let new = message(&store, here, n, alice, &n.to_string()).await;
        message(&store, there, n, alice, "elsewhere").await;
        // Entries between messages that are no messages.
        sent.push(created(&write(&store, here, n, say(alice, "also")).await));
        write(&store, here, n, edit(alice, new.id, "edited")).await;
        sent.push(store.message(new.id, alice).await.expect("a message"));
    }
    sent.sort_by_key(|message| std::cmp::Reverse(message.seq));
    for limit in [1, 3, 20, 21] {
        assert_eq!(history(&store, here, alice, limit).await, sent, "{limit}");
    }
}

pub async fn a_full_last_page_has_no_cursor(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let empty = store.messages(room, alice, 5, None).await.expect("a page");
    assert!(empty.messages.is_empty() && empty.next.is_none());
    apply(&store, room, 0, (0..5).map(|n| say(alice, &n.to_string())).collect()).await;
    assert_eq!(store.messages(room, alice, 5, None).await.expect("a page").next, None);
    let page = store.messages(room, alice, 4, None).await.expect("a page");
    assert_eq!(page.next, Some(seq(3)));
    let rest = store.messages(room, alice, 4, page.next).await.expect("a page");
    assert_eq!((rest.messages.len(), rest.next), (1, None));
}

pub async fn history_keeps_tombstones_and_edits_in_place(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let one = message(&store, room, 0, alice, "one").await;
    let two = message(&store, room, 0, alice, "two").await;
    write(&store, room, 1_000, delete(alice, two.id)).await;
    write(&store, room, 2_000, edit(alice, one.id, "uno")).await;
    let page = store.messages(room, alice, 9, None).await.expect("a page");
    let seen: Vec<_> = page.messages.iter().map(|m| (m.id, m.content.as_str(), m.deleted_at)).collect();
    assert_eq!(seen, [(two.id, "", Some(at(1_000))), (one.id, "uno", None)]);
}

/// What stands on a page, newest first, and whether older and newer ones follow.
async fn page(store: &S, room: RoomId, viewer: UserId, limit: usize, place: Place) -> (String, bool, bool) {
    let page = store.messages_at(room, viewer, limit, place).await.expect("a page");
    let texts = page.messages.iter().map(|message| message.content.as_str()).collect();
    (texts, page.next.is_some(), page.newer.is_some())
}

/// Nine messages, each a second after the one before, with entries between them.
async fn nine(store: &S, room: RoomId, author: UserId) -> Vec<Message> {
    let mut sent = Vec::new();
    for n in 0..9 {
        sent.push(message(store, room, n * 1_000, author, &n.to_string()).await);
        write(store, room, n * 1_000, say(author, ".")).await;
        let last = store.messages(room, author, 1, None).await.expect("a page").messages;
        write(store, room, n * 1_000, edit(author, last[0].id, "-")).await;
    }
    sent
}

pub async fn a_page_is_about_a_message_or_a_moment(store: S) {
    let alice = person(&store, "alice").await;
    let (room, other) = (room(&store, alice, &[]).await, room(&store, alice, &[]).await);
    let sent = nine(&store, room, alice).await;
    let about = |n: usize, limit| page(&store, room, alice, limit, Place::Around(sent[n].id));
    assert_eq!(about(4, 4).await, ("-4-3".into(), true, true));
    assert_eq!(about(4, 1).await, ("4".into(), true, true));
    // Where one side is short, the other fills the page.
    assert_eq!(about(0, 4).await, ("-1-0".into(), false, true));
    assert_eq!(about(8, 5).await, ("-8-7-".into(), true, false));
    assert_eq!(about(4, 50).await, ("-8-7-6-5-4-3-2-1-0".into(), false, false));
    for n in 0..9_i64 {
        let found = page(&store, room, alice, 1, Place::At(at(n * 1_000 - 1))).await;
        assert_eq!(found, (n.to_string(), n > 0, true));
    }
    assert_eq!(page(&store, room, alice, 3, Place::At(at(9_000))).await, ("-8-".into(), true, false));
    let elsewhere = store.messages_at(other, alice, 4, Place::Around(sent[0].id)).await;
    assert_eq!(refusal(elsewhere), Refusal::NotFound("message"));
    assert_eq!(page(&store, other, alice, 4, Place::At(at(0))).await, (String::new(), false, false));
}

pub async fn pages_go_on_to_newer_messages_as_to_older_ones(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let sent = nine(&store, room, alice).await;
    let (mut after, mut texts) = (Seq::START, String::new());
    loop {
        let page = store.messages_at(room, alice, 4, Place::After(after)).await.expect("a page");
        texts.extend(page.messages.iter().rev().map(|message| message.content.as_str()));
        assert_eq!(page.next.is_some(), after > Seq::START);
        let Some(newer) = page.newer else { break };
        after = newer;
    }
    assert_eq!(texts, "0-1-2-3-4-5-6-7-8-");
    let back = store.messages_at(room, alice, 2, Place::Before(sent[4].seq)).await.expect("a page");
    assert_eq!(back.newer, back.messages.first().map(|message| message.seq));
    let head = state(&store, alice, room).await.head.head;
    let nothing = store.messages_at(room, alice, 4, Place::After(head)).await.expect("a page");
    assert_eq!((nothing.messages.len(), nothing.next, nothing.newer), (0, Some(head.next()), None));
    assert_eq!(page(&store, room, alice, 2, Place::Newest).await, ("-8".into(), true, false));
}

pub async fn what_was_before_joining_is_no_place_to_jump_to(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let history = HistoryVisibility::SinceJoined;
    let new = NewRoom { history, ..new_room(alice, &[]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let before = message(&store, room, 0, alice, "canary").await;
    let outside = store.messages_at(room, bob, 4, Place::After(Seq::START)).await;
    assert_eq!(refusal(outside), Refusal::NotMember);
    write(&store, room, 1, Operation::Join { user: bob }).await;
    let since = message(&store, room, 2, alice, "since").await;
    for place in [Place::After(Seq::START), Place::At(at(0)), Place::Around(since.id)] {
        assert_eq!(page(&store, room, bob, 9, place).await, ("since".into(), false, false), "{place:?}");
    }
    let jump = store.messages_at(room, bob, 9, Place::Around(before.id)).await;
    assert_eq!(refusal(jump), Refusal::NotFound("message"));
    assert_eq!(page(&store, room, bob, 9, Place::Before(since.seq)).await, (String::new(), false, true));
}

pub async fn history_is_for_members(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let open = room(&store, alice, &[]).await;
    message(&store, open, 0, alice, "canary").await;
    assert_eq!(refusal(store.messages(open, bob, 9, None).await), Refusal::NotMember);
}

pub async fn one_message_is_for_members(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    for room in [room(&store, alice, &[]).await, private_room(&store, alice, &[]).await] {
        let sent = message(&store, room, 0, alice, "canary").await;
        assert_eq!(store.message(sent.id, alice).await.expect("a message"), sent);
        assert_eq!(refusal(store.message(sent.id, bob).await), Refusal::NotFound("message"));
    }
    let absent = store.message(MessageId(new_id()), alice).await;
    assert_eq!(refusal(absent), Refusal::NotFound("message"));
}

pub async fn a_key_finds_its_message(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let sent = message(&store, room, 0, alice, "hi").await;
    let find = |author| store.message_by_key(author, sent.client_msg_id);
    assert_eq!(find(alice).await.expect("an answer"), Some(sent.clone()));
    assert_eq!(find(bob).await.expect("an answer"), None);
    write(&store, room, 0, delete(alice, sent.id)).await;
    assert_eq!(find(alice).await.expect("an answer").map(|m| m.id), Some(sent.id));
}
