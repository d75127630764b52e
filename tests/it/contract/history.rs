//! Messages as they are paged and looked up.

use std::sync::Arc;

use chat::domain::{Message, MessageId, Refusal, RoomId, UserId};
use chat::store::Store;

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
