//! The second factor: one secret, codes that are good once, and keys that are replaced.

use std::sync::Arc;

use chat::domain::{Letter, LetterKind, SealedSecret, UserId};
use chat::store::{Notes, Store};
use futures_util::future::join_all;

use super::letters::letter;
use super::support::*;

type S = Arc<dyn Store>;

fn sealed(key_id: &str, byte: u8) -> SealedSecret {
    SealedSecret { key_id: key_id.into(), bytes: vec![byte; 48] }
}

fn codes(first: u8) -> Vec<[u8; 32]> {
    (first..first + 10).map(|byte| [byte; 32]).collect()
}

/// Alice, who asks for codes since step 100.
async fn alice(store: &S) -> UserId {
    let user = person(store, "alice").await;
    assert!(store.begin_second_factor(user, sealed("k1", 1), at(0)).await.expect("an answer"));
    let confirmed =
        store.confirm_second_factor(user, sealed("k1", 1), 100, codes(10), at(1), Notes::default()).await;
    assert!(confirmed.expect("an answer"));
    user
}

pub async fn a_secret_waits_until_it_is_confirmed(store: S) {
    let user = person(&store, "alice").await;
    assert_eq!(store.second_factor(user).await.expect("an answer"), None);
    assert!(
        !store.replace_recovery_codes(user, codes(0), Notes::default()).await.expect("an answer"),
        "nothing is confirmed"
    );
    for byte in [1, 2] {
        assert!(store.begin_second_factor(user, sealed("k1", byte), at(0)).await.expect("an answer"));
    }
    let waiting = store.second_factor(user).await.expect("an answer").expect("a secret");
    assert_eq!((waiting.user, waiting.confirmed_at, waiting.sealed), (user, None, sealed("k1", 2)));
    assert!(!store.use_step(user, 7).await.expect("an answer"), "it is not confirmed");
    assert!(
        !store.replace_recovery_codes(user, codes(0), Notes::default()).await.expect("an answer"),
        "it is not confirmed"
    );
    let confirm =
        |byte| store.confirm_second_factor(user, sealed("k1", byte), 100, codes(10), at(5), Notes::default());
    assert!(!confirm(1).await.expect("an answer"), "it was replaced");
    assert!(confirm(2).await.expect("an answer"));
    assert!(!confirm(2).await.expect("an answer"), "it is confirmed");
    assert!(!store.begin_second_factor(user, sealed("k1", 3), at(9)).await.expect("an answer"));
    let set = store.second_factor(user).await.expect("an answer").expect("a secret");
    assert_eq!((set.confirmed_at, set.last_step, set.sealed), (Some(at(5)), 100, sealed("k1", 2)));
}

pub async fn a_step_is_used_once_and_none_before_it(store: S) {
    let user = alice(&store).await;
    for (step, used) in [(99, false), (100, false), (101, true), (101, false), (103, true), (102, false)] {
        assert_eq!(store.use_step(user, step).await.expect("an answer"), used, "{step}");
    }
    let stranger = person(&store, "bob").await;
    assert!(!store.use_step(stranger, 500).await.expect("an answer"));
}

pub async fn of_racing_users_of_one_code_one_succeeds(store: S) {
    let user = alice(&store).await;
    let steps = join_all((0..10).map(|_| store.use_step(user, 101))).await;
    assert_eq!(steps.into_iter().filter(|used| matches!(used, Ok(true))).count(), 1);
    let codes = join_all((0..10).map(|_| store.use_recovery_code(user, [10; 32]))).await;
    assert_eq!(codes.into_iter().filter(|used| matches!(used, Ok(true))).count(), 1);
}

pub async fn recovery_codes_are_replaced_all_at_once(store: S) {
    let (user, other) = (alice(&store).await, person(&store, "bob").await);
    let using = async |user, byte| store.use_recovery_code(user, [byte; 32]).await.expect("an answer");
    assert!(!using(other, 10).await, "somebody else's");
    assert!(using(user, 10).await && !using(user, 10).await);
    assert!(store.replace_recovery_codes(user, codes(50), Notes::default()).await.expect("an answer"));
    assert!(!using(user, 11).await && using(user, 59).await);
}

pub async fn what_is_switched_off_leaves_nothing(store: S) {
    let user = alice(&store).await;
    store.remove_second_factor(user, Notes::default()).await.expect("removed");
    store.remove_second_factor(user, Notes::default()).await.expect("removed already");
    assert_eq!(store.second_factor(user).await.expect("an answer"), None);
    assert!(!store.use_recovery_code(user, [10; 32]).await.expect("an answer"));
    assert!(store.begin_second_factor(user, sealed("k1", 9), at(9)).await.expect("an answer"));
}

pub async fn secrets_of_another_key_are_found_and_sealed_anew(store: S) {
    let mut users = Vec::new();
    for n in 0..5_u8 {
        let user = person(&store, &format!("user-{n}")).await;
        let key = if n == 2 { "new" } else { "old" };
        store.begin_second_factor(user, sealed(key, n), at(0)).await.expect("begun");
        if n != 2 {
            users.push((user, sealed("old", n)));
        }
    }
    users.sort_by_key(|(user, _)| user.0);
    let otherwise =
        async |after, limit| store.sealed_otherwise("new".into(), after, limit).await.expect("an answer");
    assert_eq!(otherwise(None, 3).await, users[..3]);
    assert_eq!(otherwise(Some(users[2].0), 3).await, users[3..]);
    let (user, before) = users[0].clone();
    store.reseal(user, sealed("old", 77), sealed("new", 99)).await.expect("it is another one by now");
    assert_eq!(otherwise(None, 10).await.len(), 4);
    store.reseal(user, before, sealed("new", 99)).await.expect("sealed anew");
    assert_eq!(otherwise(None, 10).await, users[1..]);
    assert_eq!(
        store.second_factor(user).await.expect("an answer").map(|f| f.sealed),
        Some(sealed("new", 99))
    );
}

pub async fn the_owner_is_written_with_each_change_or_not_at_all(store: S) {
    let user = person(&store, "alice").await;
    let notes = |kind| {
        let letter = letter(kind, Some(user), "alice@example.com");
        Notes { letter: Some(letter), record: None }
    };
    let (set, renewed) = (LetterKind::SecondFactorSet, LetterKind::RecoveryCodesRenewed);
    assert!(!store.replace_recovery_codes(user, codes(0), notes(renewed)).await.expect("an answer"));
    store.begin_second_factor(user, sealed("k1", 1), at(0)).await.expect("begun");
    let confirm =
        |byte| store.confirm_second_factor(user, sealed("k1", byte), 100, codes(10), at(0), notes(set));
    assert!(!confirm(2).await.expect("an answer"), "it is another secret");
    let written = async || {
        let letters = store.take_letters(at(1), at(9_000), 9).await.expect("letters");
        letters.into_iter().map(|Letter { kind, .. }| kind).collect::<Vec<_>>()
    };
    assert_eq!(written().await, [], "nothing was changed");
    assert!(confirm(1).await.expect("an answer"));
    assert_eq!(written().await, [set]);
    assert!(store.replace_recovery_codes(user, codes(50), notes(renewed)).await.expect("an answer"));
    assert_eq!(written().await, [renewed]);
    store.remove_second_factor(user, notes(LetterKind::SecondFactorRemoved)).await.expect("removed");
    assert_eq!(written().await, [LetterKind::SecondFactorRemoved]);
}
