//! What is done to accounts from outside: roles, closing and opening, passwords.

use std::sync::Arc;

use chat::domain::{
    AccountStatus, Actor, AuditEvent, AuditFilter, AuditId, AuditRecord, Refusal, Rotation, ServerRole,
    SessionId, UserId,
};
use chat::store::{NewAccount, Store};

use super::support::*;

type S = Arc<dyn Store>;

pub fn record(event: AuditEvent) -> AuditRecord {
    AuditRecord::new(new_id(), at(0), event, Actor::Operator)
}

/// The events that are kept of somebody, oldest first.
pub async fn kept(store: &S, user: UserId) -> Vec<String> {
    let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
    let page = store.audit_page(filter, 100, None).await.expect("a page");
    let mut records = page.records;
    records.sort_by_key(|record| record.id);
    records.into_iter().map(|record| record.event.as_str().to_owned()).collect()
}

async fn role(store: &S, user: UserId) -> ServerRole {
    store.user(user).await.expect("an answer").expect("somebody").server_role
}

pub async fn a_role_is_given_and_recorded_in_one(store: S) {
    let alice = person(&store, "alice").await;
    assert_eq!(role(&store, alice).await, ServerRole::User);
    let given = store.set_role(alice, ServerRole::Moderator, record(AuditEvent::RoleChanged)).await;
    assert!(given.expect("an answer"));
    assert_eq!(role(&store, alice).await, ServerRole::Moderator);
    assert_eq!(kept(&store, alice).await, ["roleChanged"]);
    let nobody = UserId(new_id());
    let given = store.set_role(nobody, ServerRole::Moderator, record(AuditEvent::RoleChanged)).await;
    assert!(!given.expect("an answer"));
    assert!(kept(&store, nobody).await.is_empty(), "what did not happen is not recorded");
}

pub async fn of_those_who_may_the_first_administers(store: S) {
    let may = |name: &str| NewAccount { may_found: true, ..account(name, &format!("{name}@example.com")) };
    let (first, second) = (may("alice"), may("bob"));
    let (alice, bob) = (first.user.id, second.user.id);
    store.create_account(first).await.expect("an account");
    store.create_account(second).await.expect("an account");
    assert_eq!(role(&store, alice).await, ServerRole::Administrator);
    assert_eq!(role(&store, bob).await, ServerRole::User);
}

pub async fn who_may_not_does_not_administer_though_he_is_the_first(store: S) {
    let alice = person(&store, "alice").await;
    assert_eq!(role(&store, alice).await, ServerRole::User);
}

pub async fn a_closed_account_has_no_login_and_gets_none(store: S) {
    let account = account("alice", "alice@example.com");
    let (alice, first, hash) = (account.user.id, account.login.id, account.refresh.hash);
    store.create_account(account).await.expect("an account");
    let ended = store.disable_account(alice, at(1_000), record(AuditEvent::AccountDisabled)).await;
    assert_eq!(ended.expect("an answer"), Some(vec![first]));
    assert_eq!(store.login_user(first).await.expect("an answer"), None);
    let next = token(SessionId(new_id()));
    assert_eq!(
        store.rotate_refresh(hash, next, at(1_001), 0, None).await.expect("an answer"),
        Rotation::Refused
    );
    let again = login(alice);
    let refresh = token(again.id);
    let begun = store.start_login(again.clone(), refresh, Some(record(AuditEvent::LoginSucceeded))).await;
    assert_eq!(refusal(begun), Refusal::AccountDisabled);
    let known = store.user(alice).await.expect("an answer").expect("somebody");
    assert_eq!((known.status, known.may_enter()), (AccountStatus::Disabled, Err(Refusal::AccountDisabled)));
    assert_eq!(kept(&store, alice).await, ["accountDisabled"]);

    assert!(store.enable_account(alice, record(AuditEvent::AccountEnabled)).await.expect("an answer"));
    store.start_login(again.clone(), token(again.id), None).await.expect("a login");
    assert_eq!(store.login_user(again.id).await.expect("an answer").map(|user| user.id), Some(alice));
    assert_eq!(store.login_user(first).await.expect("an answer"), None, "what ended stays ended");
}

pub async fn a_password_is_set_and_every_login_ends(store: S) {
    let account = account("alice", "alice@example.com");
    let (alice, first) = (account.user.id, account.login.id);
    store.create_account(account).await.expect("an account");
    let set =
        store.set_password(alice, "another hash".into(), at(5), record(AuditEvent::PasswordReset)).await;
    assert_eq!(set.expect("an answer"), Some(vec![first]));
    assert_eq!(store.password_of(alice).await.expect("an answer").as_deref(), Some("another hash"));
    assert_eq!(kept(&store, alice).await, ["passwordReset"]);
}

pub async fn people_are_found_by_name_and_address_and_listed_once_each(store: S) {
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(person(&store, &format!("alice{n}")).await);
    }
    let found = |key: &str| store.find_user(key.to_owned());
    assert_eq!(found("alice3").await.expect("an answer").map(|user| user.id), Some(made[3]));
    assert_eq!(found("alice4@example.com").await.expect("an answer").map(|user| user.id), Some(made[4]));
    assert!(found("bob").await.expect("an answer").is_none());
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.users_page(3, after).await.expect("a page");
        listed.extend(page.iter().map(|user| user.id));
        after = page.last().map(|user| user.id);
        if page.len() < 3 {
            break;
        }
    }
    made.sort();
    assert_eq!(listed, made);
}

pub async fn an_address_is_confirmed_by_hand(store: S) {
    let mut account = account("alice", "alice@example.com");
    account.user.email_verified = false;
    let alice = account.user.id;
    store.create_account(account).await.expect("an account");
    assert!(
        store.confirm_address(alice, at(1), record(AuditEvent::EmailConfirmed)).await.expect("an answer")
    );
    assert!(store.user(alice).await.expect("an answer").expect("somebody").email_verified);
}

pub async fn records_are_paged_and_filtered_newest_first(store: S) {
    let [alice, bob] = [UserId(new_id()), UserId(new_id())];
    let mut ids = Vec::new();
    for n in 0..9_i64 {
        // Ids of the same millisecond are ordered by chance; these are of different ones.
        let id = AuditId(
            uuid::Builder::from_unix_timestamp_millis(1_800_000_000_000 + n as u64, &[7; 10]).into_uuid(),
        );
        let actor = if n % 2 == 0 { Actor::User(alice) } else { Actor::Nobody };
        let event = if n % 3 == 0 { AuditEvent::LoginFailed } else { AuditEvent::Logout };
        let record = AuditRecord { id, ..AuditRecord::new(id.0, at(n), event, actor) };
        let record = if n % 2 == 0 { record } else { record.about(bob) };
        store.record(record.clone()).await.expect("kept");
        ids.push(id);
    }
    ids.reverse();
    let all = |filter: AuditFilter| {
        let store = store.clone();
        async move {
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                let page = store.audit_page(filter.clone(), 2, before).await.expect("a page");
                found.extend(page.records);
                before = page.next;
                if before.is_none() {
                    return found;
                }
            }
        }
    };
    let everything = all(AuditFilter::default()).await;
    assert_eq!(everything.iter().map(|record| record.id).collect::<Vec<_>>(), ids);
    let of_bob = all(AuditFilter { user: Some(bob), ..AuditFilter::default() }).await;
    assert_eq!(of_bob.len(), 4);
    assert!(of_bob.iter().all(|record| record.subject == Some(bob) && record.actor == Actor::Nobody));
    let of_alice = all(AuditFilter { user: Some(alice), ..AuditFilter::default() }).await;
    assert_eq!(of_alice.len(), 5);
    let failed = all(AuditFilter { event: Some("loginFailed".into()), ..AuditFilter::default() }).await;
    assert_eq!(failed.len(), 3);
    let between = AuditFilter { since: Some(at(2)), until: Some(at(5)), ..AuditFilter::default() };
    assert_eq!(all(between).await.len(), 3);
}

pub async fn a_record_says_what_was_said(store: S) {
    let (alice, bob) = (UserId(new_id()), UserId(new_id()));
    let record = AuditRecord {
        network: Some("203.0.113.0/24".into()),
        request: Some("a-request".into()),
        ..AuditRecord::new(new_id(), at(7), AuditEvent::RoleChanged, Actor::User(alice))
            .about(bob)
            .detail("a -> b")
    };
    store.record(record.clone()).await.expect("kept");
    let page = store.audit_page(AuditFilter::default(), 10, None).await.expect("a page");
    assert_eq!((page.records, page.next), (vec![record], None));
}

pub async fn old_records_go_and_young_ones_stay_whatever_is_asked(store: S) {
    let user = UserId(new_id());
    // Long ago by any clock, and in the future of the machine's.
    for millis in [1_000, 2_000] {
        let at = chat::domain::Timestamp::from_millis(millis);
        let record = AuditRecord::new(new_id(), at, AuditEvent::Logout, Actor::User(user));
        store.record(record).await.expect("kept");
    }
    store
        .record(AuditRecord { actor: Actor::User(user), ..record(AuditEvent::LoginFailed) })
        .await
        .expect("kept");
    let before = chat::domain::Timestamp::from_millis(i64::MAX);
    assert_eq!(store.prune_audit(before, 1).await.expect("an answer"), 1);
    assert_eq!(store.prune_audit(before, 100).await.expect("an answer"), 1);
    assert_eq!(store.prune_audit(before, 100).await.expect("an answer"), 0);
    assert_eq!(kept(&store, user).await, ["loginFailed"]);
}

pub async fn what_happens_is_recorded_with_it_or_not_at_all(store: S) {
    let account = NewAccount {
        record: Some(record(AuditEvent::AccountCreated)),
        ..account("alice", "alice@example.com")
    };
    let (alice, first, hash) = (account.user.id, account.login.id, account.refresh.hash);
    store.create_account(account.clone()).await.expect("an account");
    let twin = NewAccount { record: Some(record(AuditEvent::AccountCreated)), ..account };
    assert!(store.create_account(twin).await.is_err());
    assert_eq!(kept(&store, alice).await, ["accountCreated"]);

    let second = login(alice);
    let begun = record(AuditEvent::LoginSucceeded);
    store.start_login(second.clone(), token(second.id), Some(begun)).await.expect("a login");
    let reuse = || Some(record(AuditEvent::RefreshReused));
    let rotate = |now| store.rotate_refresh(hash, token(first), at(now), 10, reuse());
    rotate(0).await.expect("renewed");
    assert_eq!(kept(&store, alice).await.len(), 2, "renewing is nothing to be told");
    rotate(1_000).await.expect("reused");
    assert_eq!(kept(&store, alice).await.len(), 3);
    for _ in 0..2 {
        store.revoke_login(second.id, at(5), Some(record(AuditEvent::Logout))).await.expect("ended");
        let revoked = Some(record(AuditEvent::SessionRevoked));
        store.revoke_login_of(alice, second.id, at(5), revoked).await.expect("an answer");
    }
    let mut kept = kept(&store, alice).await;
    kept.sort();
    assert_eq!(kept, ["accountCreated", "loginSucceeded", "logout", "refreshReused"]);
}
