//! What repairs follow: tickets, the epoch, logins that ended.

use std::sync::Arc;

use chat::domain::{Epoch, LogHead};
use chat::store::Store;
use futures_util::future::join_all;

use super::support::*;

type S = Arc<dyn Store>;

pub async fn of_racing_takers_one_gets_the_ticket(store: S) {
    store.keep_ticket([1; 32], b"alice".to_vec(), at(30_000)).await.expect("kept");
    store.keep_ticket([2; 32], b"bob".to_vec(), at(30_000)).await.expect("kept");
    let taken = join_all((0..50).map(|_| store.take_ticket([1; 32], at(1)))).await;
    let taken: Vec<_> = taken.into_iter().filter_map(|answer| answer.expect("an answer")).collect();
    assert_eq!(taken, [b"alice".to_vec()]);
    assert_eq!(store.take_ticket([2; 32], at(1)).await.expect("an answer"), Some(b"bob".to_vec()));
    assert_eq!(store.take_ticket([3; 32], at(1)).await.expect("an answer"), None);
}

pub async fn an_expired_ticket_is_never_taken(store: S) {
    for (n, expires) in [(1, 30_000), (2, 30_001), (3, 29_999)] {
        store.keep_ticket([n; 32], vec![n], at(expires)).await.expect("kept");
    }
    assert_eq!(store.take_ticket([1; 32], at(30_000)).await.expect("an answer"), None);
    assert_eq!(store.take_ticket([2; 32], at(30_000)).await.expect("an answer"), Some(vec![2]));
    // Also not when the clock goes back.
    for n in 1..=3 {
        assert_eq!(store.take_ticket([n; 32], at(30_000)).await.expect("an answer"), None);
    }
}

pub async fn a_ticket_kept_twice_is_taken_once(store: S) {
    for _ in 0..2 {
        store.keep_ticket([1; 32], vec![7], at(30_000)).await.expect("kept");
    }
    assert_eq!(store.take_ticket([1; 32], at(0)).await.expect("an answer"), Some(vec![7]));
    assert_eq!(store.take_ticket([1; 32], at(0)).await.expect("an answer"), None);
}

pub async fn a_renewed_epoch_is_the_epoch(store: S) {
    let before = store.epoch().await.expect("an epoch");
    for _ in 0..2 {
        let epoch = Epoch(new_id());
        assert_ne!(epoch, before);
        store.renew_epoch(epoch).await.expect("renewed");
        assert_eq!(store.epoch().await.expect("an epoch"), epoch);
    }
}

pub async fn logins_that_ended_are_found_by_when_they_did(store: S) {
    let user = account("alice", "alice@example.com");
    store.create_account(user.clone()).await.expect("an account");
    let mut ended = Vec::new();
    for n in 1..=4 {
        let login = login(user.user.id);
        store.start_login(login.clone(), token(login.id), None).await.expect("a login");
        store.revoke_login(login.id, at(n * 1_000), None).await.expect("ended");
        // Ending it again changes nothing.
        store.revoke_login(login.id, at(n * 1_000 + 900), None).await.expect("ended");
        ended.push(login.id);
    }
    for (since, first) in [(0, 0), (1_000, 0), (1_001, 1), (3_000, 2), (4_001, 4)] {
        let mut found = store.logins_revoked_since(at(since)).await.expect("an answer");
        found.sort();
        let mut expected = ended[first..].to_vec();
        expected.sort();
        assert_eq!(found, expected, "{since}");
    }
}

pub async fn a_store_without_an_outbox_has_nothing_to_announce(store: S) {
    if store.keeps_outbox() {
        return;
    }
    let alice = person(&store, "alice").await;
    let room = room(&store, alice, &[]).await;
    assert!(store.unannounced(at(1_000_000), at(1_000_000), 9).await.expect("an answer").is_empty());
    store.announced(vec![LogHead::Room(room, seq(1)), LogHead::User(alice, seq(1))]).await.expect("noted");
}
