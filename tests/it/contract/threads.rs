//! Threads: what belongs together, what is told of it, and how far each has read.

use std::sync::Arc;

use chat::domain::{HistoryVisibility, Message, MessageId, Operation, Refusal, RoomId, Seq, Thread, UserId};
use chat::store::{NewRoom, Place, Store};

use super::support::*;

type S = Arc<dyn Store>;

async fn reply(store: &S, room: RoomId, now: i64, author: UserId, to: MessageId, text: &str) -> Message {
    let mut draft = draft(key(), text);
    draft.reply_to = Some(to);
    created(&write(store, room, now, send_draft(author, draft)).await)
}

async fn told(store: &S, root: MessageId, viewer: UserId) -> Option<Thread> {
    store.annotations(vec![root], viewer).await.expect("an answer").threads.pop()
}

async fn unread(store: &S, root: MessageId, viewer: UserId) -> u64 {
    told(store, root, viewer).await.expect("a thread").unread
}

pub async fn an_answer_to_an_answer_belongs_to_the_same_thread(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let root = message(&store, room, 0, alice, "root").await;
    assert_eq!(told(&store, root.id, bob).await, None);
    let one = reply(&store, room, 1, bob, root.id, "1").await;
    let two = reply(&store, room, 2, alice, one.id, "2").await;
    let other = message(&store, room, 3, bob, "no answer").await;
    assert_eq!((one.thread_root, two.thread_root), (Some(root.id), Some(root.id)));
    assert_eq!((two.reply_to, root.thread_root, other.thread_root), (Some(one.id), None, None));
    // Within one commit too.
    let ids = [MessageId(new_id()), MessageId(new_id())];
    let answer = |message, to, text| {
        let draft = chat::domain::Draft { reply_to: Some(to), ..draft(key(), text) };
        Operation::Send { author: bob, message, draft }
    };
    let both = vec![answer(ids[0], two.id, "3"), answer(ids[1], ids[0], "4")];
    assert!(apply(&store, room, 4, both).await.iter().all(Result::is_ok));
    assert_eq!(store.message(ids[1], alice).await.expect("a message").thread_root, Some(root.id));
    assert!(log(&store, room).await.iter().any(|entry| {
        entry.change.message().is_some_and(|m| m.id == ids[1] && m.thread_root == Some(root.id))
    }));
    for id in [root.id, two.id, ids[1]] {
        let seen = store.thread(id, alice, 3, Place::Newest).await.expect("a thread");
        let texts: Vec<_> = seen.page.messages.iter().map(|m| m.content.as_str()).collect();
        assert_eq!((seen.root.map(|seen| seen.id), texts), (Some(root.id), vec!["4", "3", "2"]));
        assert!(seen.page.newer.is_none());
        let next = Place::Before(seen.page.next.expect("another page"));
        let rest = store.thread(id, alice, 3, next).await.expect("a thread").page;
        assert_eq!((rest.messages.len(), rest.next), (1, None));
        let back = Place::After(rest.newer.expect("newer ones"));
        let back = store.thread(id, alice, 2, back).await.expect("a thread").page;
        let texts: Vec<_> = back.messages.iter().map(|m| m.content.as_str()).collect();
        assert_eq!(texts, ["3", "2"]);
    }
    let alone = store.thread(other.id, alice, 9, Place::Newest).await.expect("a thread");
    assert_eq!((alone.root.map(|root| root.id), alone.page.messages.len()), (Some(other.id), 0));
}

pub async fn a_thread_tells_who_answered_and_when(store: S) {
    let names = ["alice", "bob", "carol", "dave", "erin", "frank"];
    let mut people = Vec::new();
    for name in names {
        people.push(person(&store, name).await);
    }
    let room = room(&store, people[0], &people[1..]).await;
    let root = message(&store, room, 0, people[0], "root").await;
    let mut last = root.id;
    for (n, author) in people.iter().enumerate() {
        last = reply(&store, room, 10 + i64::try_from(n).expect("few"), *author, last, "re").await.id;
    }
    let gone = reply(&store, room, 99, people[0], root.id, "gone").await;
    write(&store, room, 100, delete(people[0], gone.id)).await;
    let thread = told(&store, root.id, people[1]).await.expect("a thread");
    let named: Vec<_> = people.iter().rev().take(Thread::NAMED).copied().collect();
    assert_eq!((thread.replies, thread.last_reply_at, thread.participants), (6, at(15), named));
    let asked = vec![last, root.id, MessageId(new_id())];
    let many = store.annotations(asked, people[1]).await.expect("an answer").threads;
    assert_eq!(many.iter().map(|thread| thread.root).collect::<Vec<_>>(), [root.id]);
}

pub async fn each_has_a_mark_of_his_own_in_each_thread(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let (root, other) =
        (message(&store, room, 0, alice, "1").await, message(&store, room, 0, alice, "2").await);
    let first = reply(&store, room, 1, alice, root.id, "a").await;
    let second = reply(&store, room, 2, alice, root.id, "b").await;
    reply(&store, room, 3, alice, other.id, "c").await;
    assert_eq!((unread(&store, root.id, bob).await, unread(&store, other.id, bob).await), (2, 1));
    assert_eq!(unread(&store, root.id, alice).await, 0, "one's own answers are read");
    store.read_thread(root.id, bob, first.seq).await.expect("a mark");
    assert_eq!((unread(&store, root.id, bob).await, unread(&store, other.id, bob).await), (1, 1));
    // By a reply as by the root; never back, and not beyond the head.
    store.read_thread(first.id, bob, seq(9_000)).await.expect("a mark");
    store.read_thread(root.id, bob, Seq::START).await.expect("a mark");
    assert_eq!(unread(&store, root.id, bob).await, 0);
    let third = reply(&store, room, 4, alice, second.id, "d").await;
    assert_eq!(unread(&store, root.id, bob).await, 1);
    write(&store, room, 5, delete(alice, third.id)).await;
    assert_eq!(unread(&store, root.id, bob).await, 0);
    // The room's own mark is another.
    assert_eq!(state(&store, bob, room).await.unread.messages, 5);
    // Who answers has read what was there.
    reply(&store, room, 6, bob, other.id, "e").await;
    assert_eq!((unread(&store, other.id, bob).await, unread(&store, other.id, alice).await), (0, 1));
}

pub async fn of_a_thread_one_reads_what_came_since_he_may(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let history = HistoryVisibility::SinceJoined;
    let new = NewRoom { history, ..new_room(alice, &[]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let root = message(&store, room, 0, alice, "canary").await;
    reply(&store, room, 0, alice, root.id, "canary, too").await;
    let thread = |id| store.thread(id, bob, 9, Place::Newest);
    assert_eq!(refusal(thread(root.id).await), Refusal::NotFound("message"));
    write(&store, room, 1, Operation::Join { user: bob }).await;
    let since = reply(&store, room, 2, alice, root.id, "since").await;
    assert_eq!(refusal(thread(root.id).await), Refusal::NotFound("message"));
    assert_eq!(refusal(store.read_thread(root.id, bob, since.seq).await), Refusal::NotFound("message"));
    let answer = reply(&store, room, 3, bob, since.id, "re").await;
    assert_eq!(answer.thread_root, Some(root.id));
    // Of the thread he reads what came since, without where it began and what was answered before.
    for id in [since.id, answer.id] {
        let seen = thread(id).await.expect("a page");
        let texts: Vec<_> = seen.page.messages.iter().map(|message| message.content.as_str()).collect();
        assert_eq!((seen.root, texts), (None, vec!["re", "since"]));
    }
    let first = store.thread(answer.id, bob, 1, Place::Newest).await.expect("a page").page;
    let older = Place::Before(first.next.expect("there is more"));
    let older = store.thread(answer.id, bob, 1, older).await.expect("a page").page;
    assert_eq!((older.messages[0].id, older.next), (since.id, None));
    // Whatever place he names.
    let all = store.thread(answer.id, bob, 9, Place::After(Seq::START)).await.expect("a page").page;
    assert_eq!(all.messages.iter().map(|message| message.id).collect::<Vec<_>>(), [answer.id, since.id]);
    store.read_thread(since.id, bob, since.seq).await.expect("marked");
    assert!(thread(since.id).await.is_ok() && store.thread(since.id, alice, 9, Place::Newest).await.is_ok());
    // What was answered before he joined is not unread.
    let open = super::support::room(&store, alice, &[]).await;
    let root = message(&store, open, 0, alice, "root").await;
    reply(&store, open, 0, alice, root.id, "before").await;
    write(&store, open, 0, Operation::Join { user: bob }).await;
    reply(&store, open, 0, alice, root.id, "after").await;
    assert_eq!(unread(&store, root.id, bob).await, 1);
}
