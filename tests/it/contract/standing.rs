//! Where somebody stands to a message, for those who look after the server.

use std::sync::Arc;

use chat::domain::{MarkMove, Marks, MessageId, Operation, Refusal, UserId};
use chat::store::{Membership, Store, StoreError};

use super::support::*;

type S = Arc<dyn Store>;

pub async fn the_marks_and_the_membership_are_told_also_of_a_private_room(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = private_room(&store, alice, &[bob]).await;
    let said = message(&store, room, 0, alice, "hi").await;
    let wish = MarkMove { user: bob, room, received: seq(3), read: seq(2) };
    store.move_marks(vec![wish], at(0)).await.expect("a commit")[0].clone().expect("moved");
    let standing = store.standing(said.id, bob).await.expect("an answer");
    assert_eq!((&standing.message, standing.user.id), (&said, bob));
    let marks = Marks { received: seq(3), read: seq(2) };
    assert_eq!(standing.member, Some(Membership { joined: seq(2), visible_from: seq(0), marks }));
    assert_eq!(standing.is_unannounced, store.keeps_outbox());
    // Who is outside is told to be, and who left is outside.
    assert_eq!(store.standing(said.id, carol).await.expect("an answer").member, None);
    write(&store, room, 1, Operation::Leave { user: bob }).await;
    assert_eq!(store.standing(said.id, bob).await.expect("an answer").member, None);
}

pub async fn what_is_not_there_is_not_found(store: S) {
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    let said = message(&store, room, 0, alice, "hi").await;
    for (message, user, what) in
        [(MessageId(new_id()), alice, "message"), (said.id, UserId(new_id()), "user")]
    {
        let error = store.standing(message, user).await.expect_err("nothing there");
        assert!(
            matches!(&error, StoreError::Refused(Refusal::NotFound(absent)) if *absent == what),
            "{error}"
        );
    }
}
