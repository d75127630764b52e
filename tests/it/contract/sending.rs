//! Sending: numbers without a hole, and one row for each key whatever happens (I2, I3, I7, I8).

use std::collections::HashSet;
use std::sync::Arc;

use chat::domain::{Applied, Change, Concern, Draft, MessageId, Operation, Outcome, Refusal, RoomId, UserId};
use chat::store::Store;
use futures_util::future::join_all;

use super::support::*;

type S = Arc<dyn Store>;

async fn alice_and_room(store: &S) -> (UserId, RoomId) {
    let alice = person(store, "alice").await;
    (alice, room(store, alice, &[]).await)
}

pub async fn numbers_are_gapless_under_concurrent_appenders(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    // From several threads at once, each with several calls under way.
    std::thread::scope(|scope| {
        for thread in 0..5 {
            let store = &store;
            scope.spawn(move || {
                run(join_all((0..10).map(|n| async move {
                    let say = (0..4).map(|i| say(alice, &format!("{thread} {n} {i}"))).collect();
                    let outcomes = apply(store, room, 0, say).await;
                    let numbers: Vec<_> =
                        outcomes.into_iter().map(|o| o.expect("committed").entry.seq.get()).collect();
                    assert!(numbers.is_sorted(), "{numbers:?}");
                })));
            });
        }
    });
    assert_eq!(numbers(&log(&store, room).await), up_to(1 + 200));
}

pub async fn concurrent_twins_with_one_key_yield_one_row(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    let outcomes = join_all((0..50).map(|_| outcome(&store, room, 0, send(alice, key, "hi")))).await;
    let committed: Vec<_> = outcomes.into_iter().map(|o| o.expect("no refusal")).collect();
    assert_eq!(committed.iter().filter(|c| !c.duplicate).count(), 1);
    let ids: HashSet<_> = committed.iter().map(|c| (created(&c.entry).id, c.entry.seq)).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(numbers(&log(&store, room).await), [1, 2]);
}

pub async fn twins_in_one_batch_yield_one_row(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    let twins = vec![send(alice, key, "hi"), send(alice, key, "hi"), say(alice, "next")];
    let outcomes = apply(&store, room, 0, twins).await;
    let duplicates: Vec<_> =
        outcomes.iter().map(|o| o.as_ref().map(|c| (c.entry.seq.get(), c.duplicate))).collect();
    assert_eq!(duplicates, [Ok((2, false)), Ok((2, true)), Ok((3, false))]);
}

pub async fn twins_in_different_rooms_are_a_conflict(store: S) {
    let (alice, here) = alice_and_room(&store).await;
    let there = room(&store, alice, &[]).await;
    let key = key();
    let append = store
        .append(vec![
            batch(here, at(0), vec![send(alice, key, "hi")]),
            batch(there, at(0), vec![send(alice, key, "hi")]),
        ])
        .await
        .expect("a commit");
    assert!(append[0].outcomes[0].is_ok());
    assert_eq!(append[1].outcomes[0], Err(Refusal::IdempotencyConflict));
    assert_eq!(numbers(&log(&store, there).await), [1]);
}

pub async fn a_retry_answers_the_first_outcome(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    let first = write(&store, room, 10, send(alice, key, "hi")).await;
    write(&store, room, 20, say(alice, "between")).await;
    assert_eq!(repeat(&store, room, 30, send(alice, key, "hi")).await, first);
    assert_eq!(numbers(&log(&store, room).await), [1, 2, 3]);
}

pub async fn a_retry_answers_with_the_message_as_it_is_now(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    let first = write(&store, room, 0, send(alice, key, "hi")).await;
    let id = created(&first).id;
    write(&store, room, 1_000, edit(alice, id, "hello")).await;
    // The body as first sent is what counts, not as edited since.
    let again = repeat(&store, room, 2_000, send(alice, key, "hi")).await;
    assert_eq!((again.seq, again.at), (first.seq, first.at));
    assert_eq!(created(&again).content, "hello");
    assert_eq!(refuse(&store, room, 3_000, send(alice, key, "hello")).await, Refusal::IdempotencyConflict);
}

pub async fn a_deleted_message_keeps_its_key(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    let first = write(&store, room, 0, send(alice, key, "hi")).await;
    let id = created(&first).id;
    write(&store, room, 1_000, delete(alice, id)).await;
    let again = created(&repeat(&store, room, 2_000, send(alice, key, "hi")).await);
    assert_eq!((again.id, again.content.as_str(), again.deleted_at), (id, "", Some(at(1_000))));
    assert_eq!(refuse(&store, room, 3_000, send(alice, key, "ho")).await, Refusal::IdempotencyConflict);
}

pub async fn another_body_under_one_key_is_a_conflict(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    let first = created(&write(&store, room, 0, send(alice, key, "hi")).await);
    assert_eq!(refuse(&store, room, 0, send(alice, key, "ho")).await, Refusal::IdempotencyConflict);
    let reply = Draft { reply_to: Some(first.id), ..draft(key, "hi") };
    assert_eq!(refuse(&store, room, 0, send_draft(alice, reply)).await, Refusal::IdempotencyConflict);
    assert_eq!(numbers(&log(&store, room).await), [1, 2]);
}

pub async fn a_used_key_answers_before_a_wrong_reference(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let key = key();
    write(&store, room, 0, send(alice, key, "hi")).await;
    let astray = Draft { reply_to: Some(MessageId(new_id())), ..draft(key, "hi") };
    assert_eq!(refuse(&store, room, 0, send_draft(alice, astray)).await, Refusal::IdempotencyConflict);
    let laden = Draft { attachments: vec![chat::domain::FileId(new_id())], ..draft(key, "hi") };
    assert_eq!(refuse(&store, room, 0, send_draft(alice, laden)).await, Refusal::IdempotencyConflict);
}

pub async fn two_people_may_use_one_key(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let key = key();
    write(&store, room, 0, send(alice, key, "hi")).await;
    write(&store, room, 0, send(bob, key, "hi")).await;
    assert_eq!(numbers(&log(&store, room).await), [1, 2, 3, 4]);
}

pub async fn a_refusal_does_not_use_up_the_key(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let bob = person(&store, "bob").await;
    let key = key();
    assert_eq!(refuse(&store, room, 0, send(bob, key, "hi")).await, Refusal::NotMember);
    write(&store, room, 0, Operation::Join { user: bob }).await;
    let astray = Draft { reply_to: Some(MessageId(new_id())), ..draft(key, "another") };
    assert_eq!(field(&refuse(&store, room, 0, send_draft(bob, astray)).await), "replyTo");
    assert_eq!(store.message_by_key(bob, key).await.expect("an answer"), None);
    let sent = write(&store, room, 0, send(bob, key, "hi")).await;
    // Refusals took no number.
    assert_eq!(sent.seq, seq(3));
    assert!(store.message_by_key(alice, key).await.expect("an answer").is_none());
}

pub async fn a_sender_who_left_is_an_outsider_even_for_his_own_key(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (open, closed) = (room(&store, alice, &[bob]).await, private_room(&store, alice, &[bob]).await);
    for (room, refused) in [(open, Refusal::NotMember), (closed, Refusal::NotFound("room"))] {
        let key = key();
        write(&store, room, 0, send(bob, key, "hi")).await;
        write(&store, room, 0, Operation::Leave { user: bob }).await;
        assert_eq!(refuse(&store, room, 0, send(bob, key, "hi")).await, refused);
    }
}

pub async fn pipelined_sends_keep_their_order(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    // A thousand calls are made before the first answer is looked at.
    let calls: Vec<_> = (0..1_000)
        .map(|n| store.append(vec![batch(room, at(n), vec![say(alice, &n.to_string())])]))
        .collect();
    for (n, call) in (2..).zip(calls) {
        let append = call.await.expect("a commit");
        assert_eq!(append[0].outcomes[0].as_ref().expect("committed").entry.seq, seq(n));
    }
}

pub async fn a_refused_operation_does_not_disturb_the_others(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mut rooms = Vec::new();
    for _ in 0..10 {
        rooms.push(room(&store, alice, &[]).await);
    }
    let batches = rooms
        .iter()
        .map(|room| batch(*room, at(0), vec![say(alice, "one"), say(bob, "no"), say(alice, "two")]))
        .collect();
    for applied in store.append(batches).await.expect("a commit") {
        let seqs: Vec<_> = applied.outcomes.iter().map(|o| o.as_ref().map(|c| c.entry.seq.get())).collect();
        assert_eq!(seqs, [Ok(2), Err(&Refusal::NotMember), Ok(3)]);
    }
    for room in rooms {
        assert_eq!(numbers(&log(&store, room).await), [1, 2, 3]);
    }
}

pub async fn a_room_named_twice_in_one_commit_goes_on_counting(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let batches = (0..3).map(|_| batch(room, at(0), vec![say(alice, "hi"), say(alice, "ho")])).collect();
    let append = store.append(batches).await.expect("a commit");
    let seqs: Vec<_> = append
        .iter()
        .flat_map(|applied| &applied.outcomes)
        .map(|o| o.as_ref().expect("committed").entry.seq.get())
        .collect();
    assert_eq!(seqs, [2, 3, 4, 5, 6, 7]);
}

pub async fn an_unknown_room_refuses_its_own_batch_only(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let nowhere = RoomId(new_id());
    let operations = vec![
        say(alice, "hi"),
        edit(alice, MessageId(new_id()), "ho"),
        delete(alice, MessageId(new_id())),
        Operation::Join { user: alice },
        Operation::Leave { user: alice },
    ];
    let append = store
        .append(vec![batch(nowhere, at(0), operations), batch(room, at(0), vec![say(alice, "hi")])])
        .await
        .expect("a commit");
    let expected: Vec<Outcome> = vec![Err(Refusal::NotFound("room")); 5];
    assert_eq!(append[0].outcomes, expected);
    assert!(append[1].outcomes[0].is_ok());
}

pub async fn a_reply_points_into_its_own_room(store: S) {
    let (alice, here) = alice_and_room(&store).await;
    let there = room(&store, alice, &[]).await;
    let first = message(&store, here, 0, alice, "first").await;
    let reply = |id| send_draft(alice, Draft { reply_to: Some(id), ..draft(key(), "reply") });
    let answered = created(&write(&store, here, 0, reply(first.id)).await);
    assert_eq!(answered.reply_to, Some(first.id));
    assert_eq!(field(&refuse(&store, there, 0, reply(first.id)).await), "replyTo");
    assert_eq!(field(&refuse(&store, here, 0, reply(MessageId(new_id()))).await), "replyTo");
    // A deleted message keeps its place, so it can still be replied to.
    write(&store, here, 0, delete(alice, first.id)).await;
    write(&store, here, 0, reply(first.id)).await;
    let stored = store.message(answered.id, alice).await.expect("the reply");
    assert_eq!(stored, answered);
}

pub async fn an_attachment_must_be_known(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let laden = Draft { attachments: vec![chat::domain::FileId(new_id())], ..draft(key(), "look") };
    assert_eq!(field(&refuse(&store, room, 0, send_draft(alice, laden)).await), "attachments");
    assert_eq!(numbers(&log(&store, room).await), [1]);
}

pub async fn a_committed_message_is_in_the_history_at_once(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    for n in 0..20 {
        let sent = message(&store, room, n, alice, &n.to_string()).await;
        let page = store.messages(room, alice, 1, None).await.expect("history");
        assert_eq!(page.messages, std::slice::from_ref(&sent));
        let entries = store.log_page(room, Some(alice), sent.seq.previous(), 9).await.expect("a log").entries;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].change, Change::MessageCreated(sent));
    }
}

pub async fn nothing_to_append_is_no_error(store: S) {
    let (_, room) = alice_and_room(&store).await;
    assert!(store.append(Vec::new()).await.expect("an answer").is_empty());
    let empty = store.append(vec![batch(room, at(0), Vec::new())]).await.expect("an answer");
    assert_eq!(
        empty,
        [Applied {
            outcomes: Vec::new(),
            messages: 0,
            members: None,
            concern: Concern::default(),
            records: Vec::new()
        }]
    );
}
