//! What a binary does on tables that a newer one widened: everything, as before (I20).

use std::sync::Arc;

use chat::domain::{MarkMove, RoomId, Timestamp, UserId};
use chat::store::Store;

use super::support::*;

/// A room with some talk in it, and whose it is.
#[derive(Clone, Copy)]
pub struct Talk {
    alice: UserId,
    bob: UserId,
    room: RoomId,
}

/// Two people talk, and one of them reads.
pub async fn talk(store: &Arc<dyn Store>, names: [&str; 2]) -> Talk {
    let (alice, bob) = (person(store, names[0]).await, person(store, names[1]).await);
    let room = room(store, alice, &[bob]).await;
    let one = message(store, room, 10, alice, "one").await;
    message(store, room, 20, alice, &format!("two, @{}", names[1])).await;
    write(store, room, 30, edit(alice, one.id, "uno")).await;
    let gone = message(store, room, 40, alice, "gone").await;
    write(store, room, 50, delete(alice, gone.id)).await;
    let wish = MarkMove { user: bob, room, received: seq(5), read: seq(3) };
    store.move_marks(vec![wish], at(60)).await.expect("a commit").remove(0).expect("a member");
    store.note_seen(vec![(alice, at(70))]).await.expect("stored");
    let hash = token(login(alice).id).hash;
    store.keep_ticket(hash, b"ticket".to_vec(), Timestamp::from_millis(i64::MAX)).await.expect("stored");
    assert_eq!(store.take_ticket(hash, at(80)).await.expect("an answer"), Some(b"ticket".to_vec()));
    Talk { alice, bob, room }
}

/// Reads back what [`talk`] wrote.
pub async fn reads_back(store: &Arc<dyn Store>, talk: Talk, names: [&str; 2]) {
    let Talk { alice, bob, room } = talk;
    let entries = log(store, room).await;
    assert_eq!(numbers(&entries), up_to(7));
    let kinds = kinds(&entries);
    assert_eq!(kinds[..4], ["member.joined", "member.joined", "message.created", "message.created"]);
    assert_eq!(kinds[4..], ["message.updated", "message.created", "message.deleted"]);
    assert_eq!(created(&entries[2]).content, "uno", "as it is now");
    let stands = state(store, bob, room).await;
    assert_eq!(stands.marks.read, seq(3));
    assert_eq!((stands.unread.messages, stands.unread.mentions), (1, 1));
    assert_eq!(user_numbers(&told(store, bob).await), up_to(2));
    assert_eq!(store.rooms_of(alice, 9).await.expect("rooms").len(), 1);
    let found = store.credentials(format!("{}@example.com", names[0])).await.expect("an answer");
    assert!(found.is_some_and(|found| found.user.last_seen == Some(at(70))));
}
