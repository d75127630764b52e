//! People as they show themselves, find and avoid each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat::domain::{
    AuditEvent, Emoji, MarkMove, Operation, Profile, ProfileChange, Refusal, UserChange, UserId,
};
use chat::store::Store;

use super::administering::record;
use super::inviting::{conversation, invitation};
use super::jobs::ended;
use super::support::*;

type S = Arc<dyn Store>;

fn change(name: Option<Option<&str>>, status: Option<Option<&str>>) -> ProfileChange {
    ProfileChange::parse(name, status).expect("valid")
}

pub async fn a_profile_is_changed_and_the_own_devices_are_told_once(store: S) {
    let alice = person(&store, "alice").await;
    let wish = change(Some(Some("Alice Liddell")), Some(Some("away")));
    let (user, entry) = store.change_profile(alice, wish.clone(), at(5)).await.expect("changed");
    let profile = Profile { display_name: Some("Alice Liddell".into()), status_text: Some("away".into()) };
    assert_eq!(user.profile, profile);
    assert_eq!(store.user(alice).await.expect("an answer").expect("somebody").profile, profile);
    let entry = entry.expect("told");
    assert_eq!((entry.user, entry.seq, &entry.change), (alice, seq(1), &UserChange::ProfileUpdated));
    // The same again is nothing new.
    assert_eq!(store.change_profile(alice, wish, at(6)).await.expect("an answer").1, None);
    assert_eq!(told(&store, alice).await, [entry]);
    let (user, entry) =
        store.change_profile(alice, change(None, Some(None)), at(7)).await.expect("an answer");
    assert_eq!(user.profile, Profile { status_text: None, ..profile });
    assert_eq!(entry.expect("told").seq, seq(2));
    let nobody = store.change_profile(UserId(new_id()), change(Some(None), None), at(8)).await;
    assert_eq!(refusal(nobody), Refusal::NotFound("user"));
}

pub async fn people_are_found_by_the_beginning_of_their_names(store: S) {
    for name in ["alice", "Alicia", "ALISTAIR", "bob", "älice", "al_x"] {
        store.create_account(account(name, &format!("{}@example.com", name.len()))).await.ok();
    }
    for (n, name) in ["Alma", "alan.t", "al-x", "alz"].iter().enumerate() {
        store.create_account(account(name, &format!("more{n}@example.com"))).await.expect("an account");
    }
    let find = |prefix: &str, limit| {
        let found = store.users_by_prefix(prefix.to_owned(), limit);
        async move {
            found.await.expect("an answer").into_iter().map(|user| user.username.key()).collect::<Vec<_>>()
        }
    };
    let all = find("al", 20).await;
    assert!(all.is_sorted() && all.iter().all(|name| name.starts_with("al")), "{all:?}");
    assert!(all.contains(&"al-x".to_owned()) && all.contains(&"alice".to_owned()));
    assert_eq!(find("al", 2).await, all[..2]);
    assert_eq!(find("ali", 20).await.iter().filter(|name| !name.starts_with("ali")).count(), 0);
    assert!(find("%", 20).await.is_empty() && find("a_", 20).await.is_empty(), "nothing is a pattern");
    let alan = store.find_user("alan.t".into()).await.expect("an answer").expect("somebody").id;
    store.disable_account(alan, at(1), record(AuditEvent::AccountDisabled)).await.expect("closed");
    assert!(!find("al", 20).await.contains(&"alan.t".to_owned()), "who is closed out is not found");
}

pub async fn who_is_blocked_cannot_put_the_blocker_into_a_room(store: S) {
    let [alice, bob, carol] =
        [person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await];
    store.block(alice, bob, 10, at(1)).await.expect("blocked");
    store.block(alice, bob, 10, at(2)).await.expect("again");
    assert!(store.is_blocked(alice, bob).await.expect("an answer"));
    assert!(!store.is_blocked(bob, alice).await.expect("an answer"));
    let refused = refusal(store.create_room(new_room(bob, &[carol, alice])).await);
    // The same words as of somebody who is not there.
    let stranger = UserId(new_id());
    let absent = refusal(store.create_room(new_room(bob, &[stranger])).await);
    assert_eq!(field(&refused), "members");
    assert_eq!(
        refused.to_string().replace(&alice.to_string(), "x"),
        absent.to_string().replace(&stranger.to_string(), "x")
    );
    assert!(store.rooms_of(carol, 0).await.expect("an answer").is_empty(), "the room was not made");
    store.create_room(new_room(alice, &[bob])).await.expect("the other way it is no matter");
    store.unblock(alice, bob).await.expect("unblocked");
    store.unblock(alice, bob).await.expect("again");
    store.create_room(new_room(bob, &[alice])).await.expect("a room");
}

/// What is said of somebody, without who it is.
fn words(refusal: &Refusal, user: UserId) -> (&'static str, String) {
    (field(refusal), refusal.to_string().replace(&user.to_string(), "x"))
}

pub async fn who_is_blocked_neither_adds_nor_invites_nor_writes_to_the_blocker(store: S) {
    let [alice, bob, carol] =
        [person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await];
    let room = private_room(&store, bob, &[]).await;
    let dave = person(&store, "dave").await;
    store.close_account(ended(dave), record(AuditEvent::AccountDeleted)).await.expect("closed");
    store.block(alice, bob, 10, at(1)).await.expect("blocked");
    // The same words of who blocks, who is gone, and who never was.
    let stranger = UserId(new_id());
    let add = |user| Operation::Add { by: bob, user };
    let invite = |user| store.invite(invitation(room, bob, Some(user)));
    let direct = |others: &[UserId]| store.direct(conversation(bob, others));
    let added = words(&refuse(&store, room, 2, add(stranger)).await, stranger);
    let invited = words(&refusal(invite(stranger).await), stranger);
    let opened = words(&refusal(direct(&[stranger]).await), stranger);
    assert_eq!((added.0, invited.0, opened.0), ("userId", "userId", "userIds"));
    for user in [alice, dave] {
        assert_eq!(words(&refuse(&store, room, 2, add(user)).await, user), added);
        assert_eq!(words(&refusal(invite(user).await), user), invited);
        assert_eq!(words(&refusal(direct(&[user]).await), user), opened);
        assert_eq!(words(&refusal(direct(&[carol, user]).await), user), opened);
    }
    assert!(told(&store, alice).await.is_empty() && told(&store, carol).await.is_empty());
    // In one commit each is judged for himself.
    let outcomes = apply(&store, room, 3, vec![add(alice), add(carol)]).await;
    assert!(outcomes[0].is_err() && outcomes[1].is_ok());
    // Who blocks may do so himself, and what there is he finds again.
    let made = store.direct(conversation(alice, &[bob])).await.expect("a conversation");
    assert_eq!(direct(&[alice]).await.expect("found").room, made.room);
    store.unblock(alice, bob).await.expect("unblocked");
    invite(alice).await.expect("an invitation");
    write(&store, room, 4, add(alice)).await;
    store.block(alice, bob, 10, at(5)).await.expect("blocked");
    repeat(&store, room, 5, add(alice)).await;
}

pub async fn of_two_neither_speaks_while_one_blocks_the_other(store: S) {
    let [alice, bob, carol] =
        [person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await];
    let two = store.direct(conversation(alice, &[bob])).await.expect("a conversation").room;
    let three = store.direct(conversation(alice, &[bob, carol])).await.expect("a conversation").room;
    let shared = room(&store, alice, &[bob]).await;
    let hers = message(&store, two, 1, alice, "hi").await;
    let kept = key();
    let his = created(&write(&store, two, 1, send(bob, kept, "ho")).await);
    let sign =
        |by, on| Operation::React { by, message: hers.id, emoji: Emoji::parse("👍").expect("a sign"), on };
    write(&store, two, 1, sign(bob, true)).await;
    store.block(alice, bob, 9, at(2)).await.expect("blocked");
    assert_eq!(store.blockers(two).await.expect("an answer"), [alice]);
    assert!(store.blockers(shared).await.expect("an answer").is_empty());
    // He is told no more than that he cannot.
    let closed = Refusal::Forbidden("you cannot write to this person");
    let party = Emoji::parse("🎉").expect("a sign");
    for operation in [
        say(bob, "hear me"),
        edit(bob, his.id, "hear me"),
        Operation::React { by: bob, message: hers.id, emoji: party, on: true },
        Operation::Pin { by: bob, message: hers.id, on: true },
    ] {
        assert_eq!(refuse(&store, two, 3, operation).await, closed);
    }
    // Nor does she write to whom she does not let answer.
    let Refusal::Forbidden(words) = refuse(&store, two, 3, say(alice, "listen")).await else { panic!() };
    assert!(words.contains("unblock"));
    // What was sent is answered again, and his own he may take back.
    repeat(&store, two, 3, send(bob, kept, "ho")).await;
    write(&store, two, 3, sign(bob, false)).await;
    write(&store, two, 3, delete(bob, his.id)).await;
    // Reading and marks go on, and where others hear him nothing changes.
    assert_eq!(store.messages(two, bob, 9, None).await.expect("a page").messages.len(), 2);
    let read = MarkMove { room: two, user: bob, received: seq(4), read: seq(4) };
    store.move_marks(vec![read], at(3)).await.expect("moved");
    write(&store, three, 3, say(bob, "hi all")).await;
    write(&store, shared, 3, say(bob, "hi all")).await;
    store.block(bob, alice, 9, at(4)).await.expect("blocked");
    // In no order that is promised.
    let both = BTreeSet::from_iter(store.blockers(two).await.expect("an answer"));
    assert_eq!(both, BTreeSet::from([alice, bob]));
    store.unblock(alice, bob).await.expect("unblocked");
    assert_eq!(refuse(&store, two, 5, say(alice, "now")).await, closed);
    store.unblock(bob, alice).await.expect("unblocked");
    write(&store, two, 5, say(bob, "now")).await;
}

pub async fn blocks_are_listed_the_last_first_and_bounded(store: S) {
    let alice = person(&store, "alice").await;
    let others = [person(&store, "bob").await, person(&store, "carol").await, person(&store, "dave").await];
    for (n, other) in others.iter().enumerate() {
        let blocked = store.block(alice, *other, 2, at(n as i64)).await;
        match n {
            2 => assert!(matches!(refusal(blocked), Refusal::TooLarge(_))),
            _ => blocked.expect("blocked"),
        }
    }
    let listed = store.blocks_of(alice).await.expect("an answer");
    assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), [others[1], others[0]]);
    let nobody = store.block(alice, UserId(new_id()), 10, at(0)).await;
    assert_eq!(refusal(nobody), Refusal::NotFound("user"));
}
