//! What came by mail: good once, for a while, for one purpose, and for the address it went to.

use std::sync::Arc;

use chat::clock::{Clock, SystemClock};
use chat::domain::{Email, EmailChange, EmailStep, LetterKind, Proof, Purpose, Refusal, SessionId, UserId};
use chat::store::{NewAccount, Store};
use futures_util::future::join_all;

use super::letters::letter;
use super::support::*;

type S = Arc<dyn Store>;

fn email(address: &str) -> Email {
    Email::parse(address).expect("an address")
}

/// Keeps a proof, good for ten seconds, and answers its hash.
async fn proof(store: &S, purpose: Purpose, user: UserId, address: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    SystemClock.random(&mut hash);
    let proof = Proof { hash, purpose, user, address: email(address), expires_at: at(10_000) };
    store.keep_proof(proof, at(0)).await.expect("kept");
    hash
}

/// Alice, whose address nobody has confirmed.
async fn alice(store: &S) -> NewAccount {
    let mut account = account("alice", "Alice@example.com");
    account.user.email_verified = false;
    store.create_account(account.clone()).await.expect("an account");
    account
}

async fn is_verified(store: &S, user: UserId) -> bool {
    store.user(user).await.expect("an answer").expect("a user").email_verified
}

pub async fn an_address_is_verified_once_and_in_time(store: S) {
    let user = alice(&store).await.user.id;
    let first = proof(&store, Purpose::VerifyEmail, user, "alice@example.com").await;
    let second = proof(&store, Purpose::VerifyEmail, user, "alice@example.com").await;
    assert!(store.verify_email(first, at(10_000)).await.expect("an answer").is_none(), "too late");
    assert!(store.verify_email([7; 32], at(0)).await.expect("an answer").is_none(), "unknown");
    assert!(!is_verified(&store, user).await);
    let found = store.verify_email(first, at(9_999)).await.expect("an answer").expect("good");
    assert!(found.id == user && found.email_verified && is_verified(&store, user).await);
    for used in [first, second] {
        assert!(store.verify_email(used, at(0)).await.expect("an answer").is_none(), "used up together");
    }
}

pub async fn a_proof_is_good_for_its_purpose_alone(store: S) {
    let user = alice(&store).await.user.id;
    let verify = proof(&store, Purpose::VerifyEmail, user, "alice@example.com").await;
    let reset = proof(&store, Purpose::ResetPassword, user, "alice@example.com").await;
    assert!(store.verify_email(reset, at(0)).await.expect("an answer").is_none());
    let set = store.reset_password(verify, "new".into(), None, at(0), None).await;
    assert!(set.expect("an answer").is_none());
    assert_eq!(
        store.confirm_email(verify, vec![], at(0), None).await.expect("an answer"),
        EmailStep::Refused
    );
    let owner = |hash, purpose, now| store.proof_user(hash, purpose, at(now));
    assert!(owner(reset, Purpose::VerifyEmail, 0).await.expect("an answer").is_none());
    assert!(owner(reset, Purpose::ResetPassword, 10_000).await.expect("an answer").is_none());
    let found = owner(reset, Purpose::ResetPassword, 0).await.expect("an answer");
    assert_eq!(found.map(|user| user.id), Some(user));
}

pub async fn a_proof_of_another_address_verifies_nothing(store: S) {
    let user = alice(&store).await.user.id;
    let other = proof(&store, Purpose::VerifyEmail, user, "other@example.com").await;
    assert!(store.verify_email(other, at(0)).await.expect("an answer").is_none());
    let other = proof(&store, Purpose::ResetPassword, user, "other@example.com").await;
    assert!(store.reset_password(other, "new".into(), None, at(0), None).await.expect("an answer").is_none());
    assert!(!is_verified(&store, user).await);
}

pub async fn a_reset_sets_the_password_and_ends_every_login(store: S) {
    let account = alice(&store).await;
    let user = account.user.id;
    let second = login(user);
    store.start_login(second.clone(), token(second.id), None).await.expect("a login");
    let bystander = super::support::account("bob", "bob@example.com");
    store.create_account(bystander.clone()).await.expect("an account");
    let reset = proof(&store, Purpose::ResetPassword, user, "alice@example.com").await;
    let verify = proof(&store, Purpose::VerifyEmail, user, "alice@example.com").await;
    let notice = letter(LetterKind::PasswordChanged, Some(user), "alice@example.com");
    let done = store.reset_password(reset, "new".into(), Some(notice.clone()), at(1), None).await;
    let (whose, mut ended) = done.expect("an answer").expect("good");
    ended.sort();
    let mut logins = [account.login.id, second.id];
    logins.sort();
    assert_eq!((whose, ended), (user, logins.to_vec()));
    assert_eq!(store.password_of(user).await.expect("an answer").as_deref(), Some("new"));
    assert!(is_verified(&store, user).await, "who got the mail reads the address");
    for session in logins {
        assert!(store.login_user(session).await.expect("an answer").is_none());
    }
    assert!(store.login_user(bystander.login.id).await.expect("an answer").is_some());
    let letters = store.take_letters(at(1), at(2), 10).await.expect("letters");
    assert_eq!(letters.iter().map(|letter| letter.id).collect::<Vec<_>>(), [notice.id]);
    let again = store.reset_password(reset, "other".into(), None, at(1), None).await.expect("an answer");
    assert!(again.is_none() && store.verify_email(verify, at(1)).await.expect("an answer").is_none());
}

pub async fn of_racing_resets_one_sets_the_password(store: S) {
    let user = alice(&store).await.user.id;
    let reset = proof(&store, Purpose::ResetPassword, user, "alice@example.com").await;
    let all = (0..10).map(|n| store.reset_password(reset, format!("password {n}"), None, at(1), None));
    let set: Vec<_> = join_all(all).await.into_iter().map(|done| done.expect("an answer")).collect();
    let won: Vec<_> = (0..10).filter(|n| set[*n].is_some()).collect();
    assert_eq!(won.len(), 1);
    let stored = store.password_of(user).await.expect("an answer");
    assert_eq!(stored, Some(format!("password {}", won[0])));
}

pub async fn a_changed_password_keeps_the_login_that_changed_it(store: S) {
    let account = alice(&store).await;
    let (user, keep) = (account.user.id, Some(account.login.id));
    let other = login(user);
    store.start_login(other.clone(), token(other.id), None).await.expect("a login");
    let reset = proof(&store, Purpose::ResetPassword, user, "alice@example.com").await;
    store.wish_email(wish(user, "thief@example.com", true), vec![]).await.expect("wished");
    let theft = proof(&store, Purpose::ConfirmNewEmail, user, "thief@example.com").await;
    let hashes = |before: &str| (before.to_owned(), "new".to_owned());
    let wrong = store.change_password(user, hashes("another"), keep, None, at(1), None).await;
    assert_eq!(wrong.expect("an answer"), None, "it is another one by now");
    let done = store.change_password(user, hashes(&account.password_hash), keep, None, at(1), None).await;
    assert_eq!(done.expect("an answer"), Some(vec![other.id]));
    assert!(store.login_user(account.login.id).await.expect("an answer").is_some());
    assert_eq!(store.password_of(user).await.expect("an answer").as_deref(), Some("new"));
    assert!(store.reset_password(reset, "x".into(), None, at(1), None).await.expect("an answer").is_none());
    assert_eq!(store.wished_email(user, at(1)).await.expect("an answer"), None);
    assert_eq!(store.confirm_email(theft, vec![], at(1), None).await.expect("an answer"), EmailStep::Refused);
}

pub async fn a_password_is_hashed_anew_only_if_it_is_the_same(store: S) {
    let account = alice(&store).await;
    let user = account.user.id;
    store.rehash_password(user, "another".into(), "dear".into()).await.expect("an answer");
    assert_eq!(store.password_of(user).await.expect("an answer"), Some(account.password_hash.clone()));
    store.rehash_password(user, account.password_hash, "dear".into()).await.expect("an answer");
    assert_eq!(store.password_of(user).await.expect("an answer").as_deref(), Some("dear"));
    assert!(store.login_user(account.login.id).await.expect("an answer").is_some());
    assert_eq!(store.password_of(UserId(new_id())).await.expect("an answer"), None);
}

fn wish(user: UserId, address: &str, old_confirmed: bool) -> EmailChange {
    EmailChange { user, address: email(address), old_confirmed, expires_at: at(10_000) }
}

pub async fn an_address_is_changed_when_both_have_agreed(store: S) {
    let user = alice(&store).await.user.id;
    for [first, second] in [
        [Purpose::ConfirmOldEmail, Purpose::ConfirmNewEmail],
        [Purpose::ConfirmNewEmail, Purpose::ConfirmOldEmail],
    ] {
        let new = format!("{}@new.example.com", first.as_str());
        let before = store.user(user).await.expect("an answer").expect("a user").email;
        store.wish_email(wish(user, &new, false), vec![]).await.expect("wished");
        let wished = store.wished_email(user, at(9_999)).await.expect("an answer");
        assert_eq!(wished, Some(wish(user, &new, false)));
        assert_eq!(store.wished_email(user, at(10_000)).await.expect("an answer"), None);
        let one = proof(&store, first, user, &new).await;
        let two = proof(&store, second, user, &new).await;
        let notice = letter(LetterKind::EmailChanged, Some(user), &new);
        let step = store.confirm_email(one, vec![notice.clone()], at(1), None).await.expect("an answer");
        assert_eq!(step, EmailStep::Waiting);
        assert_eq!(
            store.confirm_email(one, vec![], at(1), None).await.expect("an answer"),
            EmailStep::Refused
        );
        assert_eq!(store.letters_waiting().await.expect("an answer").0, 0, "nothing has changed yet");
        let step = store.confirm_email(two, vec![notice.clone()], at(1), None).await.expect("an answer");
        let EmailStep::Changed { user: changed, before: told } = step else { panic!("{step:?}") };
        assert_eq!((changed.email.as_str(), told), (new.as_str(), before.clone()));
        assert!(changed.email_verified);
        store.letter_done(notice.id).await.expect("done");
        assert!(store.credentials(before.key()).await.expect("an answer").is_none());
        let found = store.credentials(changed.email.key()).await.expect("an answer").expect("found");
        assert_eq!(found.user, changed);
        assert_eq!(store.wished_email(user, at(1)).await.expect("an answer"), None);
    }
}

pub async fn an_address_that_nobody_confirmed_is_not_asked(store: S) {
    let user = alice(&store).await.user.id;
    store.wish_email(wish(user, "right@example.com", true), vec![]).await.expect("wished");
    let new = proof(&store, Purpose::ConfirmNewEmail, user, "right@example.com").await;
    let step = store.confirm_email(new, vec![], at(1), None).await.expect("an answer");
    assert!(matches!(step, EmailStep::Changed { .. }), "{step:?}");
}

pub async fn a_later_wish_takes_the_place_of_an_earlier_one(store: S) {
    let user = alice(&store).await.user.id;
    store.wish_email(wish(user, "one@example.com", false), vec![]).await.expect("wished");
    let old = proof(&store, Purpose::ConfirmOldEmail, user, "one@example.com").await;
    store.wish_email(wish(user, "two@example.com", false), vec![]).await.expect("wished");
    assert_eq!(store.confirm_email(old, vec![], at(1), None).await.expect("an answer"), EmailStep::Refused);
    // Made for the first by a courier who was slow.
    let late = proof(&store, Purpose::ConfirmNewEmail, user, "one@example.com").await;
    assert_eq!(store.confirm_email(late, vec![], at(1), None).await.expect("an answer"), EmailStep::Refused);
    let wished = store.wished_email(user, at(1)).await.expect("an answer");
    assert_eq!(wished, Some(wish(user, "two@example.com", false)));
}

pub async fn an_address_of_somebody_else_is_refused_now_and_later(store: S) {
    let user = alice(&store).await.user.id;
    person(&store, "bob").await;
    let taken = store.wish_email(wish(user, "BOB@example.com", true), vec![]).await;
    assert!(matches!(refusal(taken), Refusal::Conflict(_)));
    store.wish_email(wish(user, "carol@example.com", true), vec![]).await.expect("free so far");
    let new = proof(&store, Purpose::ConfirmNewEmail, user, "carol@example.com").await;
    person(&store, "carol").await;
    let late = store.confirm_email(new, vec![], at(1), None).await;
    assert!(matches!(refusal(late), Refusal::Conflict(_)));
    let kept = store.user(user).await.expect("an answer").expect("a user").email;
    assert_eq!(kept.as_str(), "Alice@example.com");
}

pub async fn a_reset_forgets_the_wish_for_another_address(store: S) {
    let user = alice(&store).await.user.id;
    store.wish_email(wish(user, "thief@example.com", true), vec![]).await.expect("wished");
    let new = proof(&store, Purpose::ConfirmNewEmail, user, "thief@example.com").await;
    let reset = proof(&store, Purpose::ResetPassword, user, "alice@example.com").await;
    store.reset_password(reset, "new".into(), None, at(1), None).await.expect("an answer").expect("good");
    assert_eq!(store.confirm_email(new, vec![], at(1), None).await.expect("an answer"), EmailStep::Refused);
}

pub async fn living_logins_are_listed_the_last_used_first(store: S) {
    let account = alice(&store).await;
    let user = account.user.id;
    let mut phone = login(user);
    phone.created_at = at(5_000);
    phone.network = Some("203.0.113.0/24".into());
    let refresh = token(phone.id);
    store.start_login(phone.clone(), refresh.clone(), None).await.expect("a login");
    person(&store, "bob").await;
    let listed = async |now| {
        let logins = store.logins_of(user, at(now)).await.expect("an answer");
        logins.into_iter().map(|login| (login.session.id, login.last_used_at)).collect::<Vec<_>>()
    };
    let first = account.login.id;
    assert_eq!(listed(6_000).await, [(phone.id, at(5_000)), (first, at(0))]);
    let next = token(SessionId(new_id()));
    store.rotate_refresh(account.refresh.hash, next, at(7_000), 0, None).await.expect("renewed");
    assert_eq!(listed(8_000).await, [(first, at(7_000)), (phone.id, at(5_000))]);
    let kept = &store.logins_of(user, at(8_000)).await.expect("an answer")[1].session;
    assert_eq!(kept, &phone);
    // Not by somebody else, and not twice.
    let stranger = UserId(new_id());
    for (by, ended) in [(stranger, false), (user, true), (user, false)] {
        assert_eq!(store.revoke_login_of(by, phone.id, at(9_000), None).await.expect("an answer"), ended);
    }
    assert_eq!(listed(9_000).await, [(first, at(7_000))]);
    assert!(listed(86_400_000).await.is_empty(), "its tokens are over");
    assert_eq!(store.revoke_logins(user, at(9_000), None).await.expect("an answer"), [first]);
    assert!(store.revoke_logins(user, at(9_001), None).await.expect("an answer").is_empty());
    assert!(listed(9_001).await.is_empty());
}
