//! Mail that waits: nothing gets lost, and of several carriers one gets each letter.

use std::collections::HashSet;
use std::sync::Arc;

use chat::domain::{Email, Letter, LetterId, LetterKind, UserId};
use chat::store::Store;
use futures_util::future::join_all;

use super::support::*;

type S = Arc<dyn Store>;

pub fn letter(kind: LetterKind, user: Option<UserId>, address: &str) -> Letter {
    let (id, address) = (LetterId(new_id()), Email::parse(address).expect("an address"));
    Letter { id, kind, user, address, created_at: at(0), attempts: 0 }
}

fn forgotten(address: &str) -> Letter {
    letter(LetterKind::ResetPassword, None, address)
}

async fn taken(store: &S, now: i64, until: i64) -> Vec<Letter> {
    store.take_letters(at(now), at(until), 100).await.expect("letters")
}

pub async fn a_letter_is_handed_out_again_until_it_is_done(store: S) {
    let user = person(&store, "alice").await;
    let letter = letter(LetterKind::VerifyEmail, Some(user), "alice@example.com");
    store.post(letter.clone()).await.expect("posted");
    assert!(taken(&store, -1, 10).await.is_empty(), "not due yet");
    assert_eq!(taken(&store, 0, 100).await, [Letter { attempts: 1, ..letter.clone() }]);
    assert!(taken(&store, 99, 200).await.is_empty(), "somebody has it");
    // Whoever had it died.
    assert_eq!(taken(&store, 100, 200).await, [Letter { attempts: 2, ..letter.clone() }]);
    store.letter_later(letter.id, at(1_000)).await.expect("put back");
    assert!(taken(&store, 999, 2_000).await.is_empty());
    assert_eq!(taken(&store, 1_000, 2_000).await, [Letter { attempts: 3, ..letter.clone() }]);
    store.letter_done(letter.id).await.expect("done");
    assert!(taken(&store, 9_000, 9_999).await.is_empty());
    // Done twice is done.
    store.letter_done(letter.id).await.expect("nothing to do");
    store.letter_later(letter.id, at(0)).await.expect("nothing to put back");
    assert!(taken(&store, 9_000, 9_999).await.is_empty());
}

pub async fn of_racing_carriers_one_gets_each_letter(store: S) {
    for n in 0..30 {
        store.post(forgotten(&format!("a{n}@example.com"))).await.expect("posted");
    }
    let carriers = (0..10).map(|_| store.take_letters(at(0), at(60_000), 4));
    let loads: Vec<_> = join_all(carriers).await.into_iter().map(|load| load.expect("letters")).collect();
    assert!(loads.iter().all(|load| load.len() <= 4));
    let mut all: Vec<_> = loads.into_iter().flatten().chain(taken(&store, 0, 60_000).await).collect();
    assert_eq!(all.len(), 30);
    let addresses: HashSet<_> = all.drain(..).map(|letter| letter.address.key()).collect();
    assert_eq!(addresses.len(), 30);
}

pub async fn the_longest_due_goes_first(store: S) {
    for (address, due) in [("late@example.com", 30), ("early@example.com", 10), ("later@example.com", 40)] {
        let letter = forgotten(address);
        store.post(letter.clone()).await.expect("posted");
        store.letter_later(letter.id, at(due)).await.expect("put back");
    }
    let two = store.take_letters(at(40), at(100), 2).await.expect("letters");
    let addresses: Vec<_> = two.iter().map(|letter| letter.address.as_str()).collect();
    assert_eq!(addresses, ["early@example.com", "late@example.com"]);
}

pub async fn the_queue_tells_its_length_and_its_oldest(store: S) {
    assert_eq!(store.letters_waiting().await.expect("an answer"), (0, None));
    for created_at in [at(5_000), at(3_000), at(4_000)] {
        store.post(Letter { created_at, ..forgotten("a@example.com") }).await.expect("posted");
    }
    // One under way still counts: it may come back.
    store.take_letters(at(3_000), at(60_000), 1).await.expect("letters");
    assert_eq!(store.letters_waiting().await.expect("an answer"), (3, Some(at(3_000))));
}

pub async fn a_newcomer_is_written_with_the_account_or_not_at_all(store: S) {
    let mut account = account("alice", "alice@example.com");
    account.user.email_verified = false;
    let welcome = letter(LetterKind::VerifyEmail, Some(account.user.id), "alice@example.com");
    account.welcome = Some(welcome.clone());
    store.create_account(account.clone()).await.expect("an account");
    assert_eq!(taken(&store, 0, 10).await, [Letter { attempts: 1, ..welcome.clone() }]);
    let found = store.user(account.user.id).await.expect("an answer").expect("a user");
    assert!(!found.email_verified);
    let mut twin = super::support::account("alice", "b@example.com");
    twin.welcome = Some(letter(LetterKind::VerifyEmail, Some(twin.user.id), "b@example.com"));
    assert!(store.create_account(twin).await.is_err());
    assert_eq!(store.letters_waiting().await.expect("an answer").0, 1);
}
