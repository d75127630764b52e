//! How the index follows the messages: little at a time, and always as they are now.

use std::sync::Arc;

use chat::store::{Cut, Portion, Store, Turn, Unindexed, index_portion};

use super::searching::{found, page};
use super::support::*;

type S = Arc<dyn Store>;

async fn turn(store: &S, changes: usize, letters: usize) -> Turn {
    index_portion(&**store, Portion { changes, letters }).await.expect("indexed")
}

/// Lets the index catch up; in small steps, as they are steps of the same thing.
pub async fn follow(store: &S) {
    while turn(store, 3, 40).await.done > 0 {}
    assert_eq!(waiting(store).await, 0);
}

async fn waiting(store: &S) -> u64 {
    store.unindexed_count().await.expect("a count")
}

fn cut(read: Vec<Unindexed>) -> Vec<Cut> {
    read.into_iter().map(Cut::from).collect()
}

pub async fn the_newest_is_indexed_first_and_little_at_a_time(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let long = "needle ".repeat(20);
    for (n, text) in (0..).zip([long.trim(), "needle 1", "needle 2", "京都 needle", "needle 4"]) {
        message(&store, room, n, alice, text).await;
    }
    // So many changes.
    assert_eq!(turn(&store, 1, 100).await, Turn { done: 1, more: true });
    assert_eq!(found(&store, alice, "needle").await, ["needle 4"]);
    // So many characters, of whatever script.
    assert_eq!(turn(&store, 9, 17).await, Turn { done: 2, more: true });
    assert_eq!(found(&store, alice, "needle").await, ["needle 4", "京都 needle", "needle 2"]);
    assert_eq!(turn(&store, 9, 100).await, Turn { done: 1, more: true });
    // What is longer alone has a turn of its own, and is not waited for for ever.
    assert_eq!(turn(&store, 9, 100).await, Turn { done: 1, more: false });
    assert_eq!(found(&store, alice, "needle").await.len(), 5);
    assert_eq!(turn(&store, 9, 100).await, Turn { done: 0, more: false });
}

pub async fn a_text_that_changes_while_it_is_cut_is_never_found_as_it_was(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let same = message(&store, room, 0, alice, "needle kept").await;
    let edited = message(&store, room, 1, alice, "needle first").await;
    let deleted = message(&store, room, 2, alice, "needle gone").await;
    let read = store.unindexed(9).await.expect("what waits");
    assert_eq!(read.len(), 3);
    write(&store, room, 3, edit(alice, edited.id, "second thoughts")).await;
    write(&store, room, 4, delete(alice, deleted.id)).await;
    assert_eq!(store.index(cut(read)).await.expect("indexed"), 1, "the others wait on");
    // Hits are judged by the messages as they are. An old text in the index would still take the
    // place of a hit.
    let first = page(&store, alice, "needle", 1, None).await;
    assert_eq!(first.hits.iter().map(|hit| hit.message.id).collect::<Vec<_>>(), [same.id]);
    assert_eq!(first.next, None);
    assert!(waiting(&store).await >= 2);
    follow(&store).await;
    assert_eq!(found(&store, alice, "thoughts").await, ["second thoughts"]);
    let first = page(&store, alice, "needle", 1, None).await;
    assert_eq!((first.hits.len(), first.next), (1, None));
}

pub async fn what_was_read_long_ago_disturbs_nothing(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let twice = message(&store, room, 0, alice, "needle first").await;
    message(&store, room, 1, alice, "needle other").await;
    // A follower that was stopped for so long that another one has done all of it, and more.
    let old = cut(store.unindexed(9).await.expect("what waits"));
    follow(&store).await;
    assert_eq!(store.index(old.clone()).await.expect("an answer"), 0, "it is done");
    write(&store, room, 2, edit(alice, twice.id, "second thoughts")).await;
    // Where numbers of the queue come again, this is one that was read.
    message(&store, room, 3, alice, "needle newer").await;
    assert_eq!(store.index(old).await.expect("an answer"), 0);
    follow(&store).await;
    assert_eq!(found(&store, alice, "thoughts").await, ["second thoughts"]);
    assert_eq!(found(&store, alice, "needle").await, ["needle newer", "needle other"]);
    let all = page(&store, alice, "needle", 2, None).await;
    assert_eq!((all.hits.len(), all.next), (2, None), "nothing old is in the way");
}
