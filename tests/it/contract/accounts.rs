//! Accounts, logins and refresh families (I18).

use std::sync::Arc;

use chat::domain::{Refusal, Rotation, SessionId, UserId};
use chat::store::Store;
use futures_util::future::join_all;

use super::support::*;

type S = Arc<dyn Store>;

/// Two tabs that present one token this close to each other both live.
const GRACE: i64 = 15_000;

/// A person with a login, and the hash of its first token.
async fn logged_in(store: &S) -> (UserId, SessionId, [u8; 32]) {
    let account = account("alice", "alice@example.com");
    let answer = (account.user.id, account.login.id, account.refresh.hash);
    store.create_account(account).await.expect("an account");
    answer
}

/// Presents a token; the successor's hash comes with the answer.
async fn present(store: &S, hash: [u8; 32], now: i64) -> (Rotation, [u8; 32]) {
    // The store fills the session in, whatever stands here.
    let successor = token(SessionId(new_id()));
    let new = successor.hash;
    (store.rotate_refresh(hash, successor, at(now), GRACE, None).await.expect("an answer"), new)
}

pub async fn an_account_is_found_by_address_without_case(store: S) {
    let account = account("Alice", "Alice@Example.com");
    store.create_account(account.clone()).await.expect("an account");
    let found = store.credentials("alice@example.com".into()).await.expect("an answer").expect("credentials");
    assert_eq!((&found.user, &found.password_hash), (&account.user, &account.password_hash));
    assert_eq!(store.user(account.user.id).await.expect("an answer"), Some(account.user.clone()));
    assert_eq!(store.login_user(account.login.id).await.expect("an answer"), Some(account.user));
    assert!(store.credentials("bob@example.com".into()).await.expect("an answer").is_none());
    assert!(store.user(UserId(new_id())).await.expect("an answer").is_none());
}

pub async fn a_username_is_taken_without_case(store: S) {
    store.create_account(account("Älice", "a@example.com")).await.expect("an account");
    let twin = account("äLICE", "b@example.com");
    assert!(matches!(refusal(store.create_account(twin).await), Refusal::Conflict(_)));
}

pub async fn an_address_is_taken_without_case(store: S) {
    store.create_account(account("alice", "A@example.com")).await.expect("an account");
    let twin = account("bob", "a@EXAMPLE.com");
    assert!(matches!(refusal(store.create_account(twin).await), Refusal::Conflict(_)));
}

pub async fn a_refused_account_leaves_nothing(store: S) {
    store.create_account(account("alice", "a@example.com")).await.expect("an account");
    let refused = account("alice", "b@example.com");
    assert!(store.create_account(refused.clone()).await.is_err());
    assert!(store.user(refused.user.id).await.expect("an answer").is_none());
    assert!(store.login_user(refused.login.id).await.expect("an answer").is_none());
    assert_eq!(present(&store, refused.refresh.hash, 0).await.0, Rotation::Refused);
    store.create_account(account("bob", "b@example.com")).await.expect("the address is free");
}

pub async fn of_racing_twins_one_gets_the_name(store: S) {
    let twins = (0..20).map(|n| store.create_account(account("alice", &format!("a{n}@example.com"))));
    let made = join_all(twins).await;
    assert_eq!(made.iter().filter(|result| result.is_ok()).count(), 1);
}

pub async fn a_refresh_token_works_and_its_successor_too(store: S) {
    let (user, session, mut hash) = logged_in(&store).await;
    for n in 0..5 {
        let (rotation, next) = present(&store, hash, n * 900_000).await;
        assert_eq!(rotation, Rotation::Renewed { user, session });
        hash = next;
    }
}

pub async fn two_tabs_within_the_grace_are_both_renewed(store: S) {
    let (user, session, hash) = logged_in(&store).await;
    let renewed = Rotation::Renewed { user, session };
    let (first, one) = present(&store, hash, 1_000).await;
    // Up to and including its last millisecond.
    let (second, two) = present(&store, hash, 1_000 + GRACE).await;
    assert_eq!((&first, &second), (&renewed, &renewed));
    // Both tabs go on in one family.
    assert_eq!(present(&store, one, 900_000).await.0, renewed);
    assert_eq!(present(&store, two, 900_000).await.0, renewed);
}

pub async fn tabs_at_the_same_moment_are_both_renewed(store: S) {
    let (user, session, hash) = logged_in(&store).await;
    for (rotation, _) in join_all((0..10).map(|_| present(&store, hash, 1_000))).await {
        assert_eq!(rotation, Rotation::Renewed { user, session });
    }
}

pub async fn the_grace_counts_from_the_first_use(store: S) {
    let (user, session, hash) = logged_in(&store).await;
    for now in [1_000, 9_000, 15_000] {
        assert_eq!(present(&store, hash, now).await.0, Rotation::Renewed { user, session });
    }
    assert_eq!(present(&store, hash, 1_001 + GRACE).await.0, Rotation::Reused { user, session });
}

pub async fn later_reuse_revokes_the_whole_family(store: S) {
    let (user, session, stolen) = logged_in(&store).await;
    let (_, next) = present(&store, stolen, 0).await;
    let (_, newest) = present(&store, next, 900_000).await;
    assert_eq!(present(&store, stolen, 900_001).await.0, Rotation::Reused { user, session });
    for hash in [stolen, next, newest] {
        assert_eq!(present(&store, hash, 900_002).await.0, Rotation::Refused);
    }
    assert!(store.login_user(session).await.expect("an answer").is_none());
    assert!(store.user(user).await.expect("an answer").is_some());
}

pub async fn an_expired_or_unknown_token_is_refused(store: S) {
    let (user, session, hash) = logged_in(&store).await;
    assert_eq!(present(&store, [7; 32], 0).await.0, Rotation::Refused);
    assert_eq!(present(&store, hash, 86_400_000).await.0, Rotation::Refused);
    // What was refused was not used, and the login lives.
    assert_eq!(present(&store, hash, 86_399_999).await.0, Rotation::Renewed { user, session });
    assert!(store.login_user(session).await.expect("an answer").is_some());
    // A successor ends when its own time is over.
    let mut short = token(session);
    short.expires_at = at(2_000);
    let login = login(user);
    let first = token(login.id);
    store.start_login(login, first.clone(), None).await.expect("a login");
    store.rotate_refresh(first.hash, short.clone(), at(1_000), GRACE, None).await.expect("an answer");
    assert_eq!(present(&store, short.hash, 2_000).await.0, Rotation::Refused);
}

pub async fn a_revoked_login_is_worthless(store: S) {
    let (user, session, hash) = logged_in(&store).await;
    for now in [1_000, 2_000] {
        store.revoke_login(session, at(now), None).await.expect("an answer");
    }
    store.revoke_login(SessionId(new_id()), at(0), None).await.expect("nothing to end");
    assert!(store.login_user(session).await.expect("an answer").is_none());
    assert_eq!(present(&store, hash, 3_000).await.0, Rotation::Refused);
    assert!(store.user(user).await.expect("an answer").is_some());
}

pub async fn logins_of_one_person_are_separate(store: S) {
    let (user, phone, stolen) = logged_in(&store).await;
    let laptop = login(user);
    let refresh = token(laptop.id);
    store.start_login(laptop.clone(), refresh.clone(), None).await.expect("a login");
    present(&store, stolen, 0).await;
    assert_eq!(present(&store, stolen, 900_000).await.0, Rotation::Reused { user, session: phone });
    assert_eq!(
        present(&store, refresh.hash, 900_000).await.0,
        Rotation::Renewed { user, session: laptop.id }
    );
    assert_eq!(store.login_user(laptop.id).await.expect("an answer").map(|user| user.id), Some(user));
}
