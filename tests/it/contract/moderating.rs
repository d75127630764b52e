//! Looking after how people treat each other: slow mode, mutes, deletions with a reason. Reports are told of
//! in [`super::reporting`].

use std::sync::Arc;
use std::time::Duration;

use chat::domain::{
    Actor, AuditEvent, AuditFilter, AuditRecord, Change, Emoji, Mute, Muted, Operation, Reason, Refusal,
    Role, RoomId, RoomPatch, SlowMode, Timestamp, UserId,
};
use chat::store::Store;

use super::support::*;

type S = Arc<dyn Store>;

async fn slow(store: &S, room: RoomId, by: UserId, seconds: u64) {
    let slow_mode = Some(SlowMode::of_room(seconds).expect("valid"));
    let patch = RoomPatch { slow_mode, ..RoomPatch::default() };
    let entry = write(store, room, 0, Operation::Update { by, patch }).await;
    let Change::RoomUpdated(facts) = &entry.change else { panic!("{entry:?}") };
    assert_eq!(facts.slow_mode.seconds(), seconds);
    assert_eq!(log(store, room).await.pop(), Some(entry.clone()));
    assert_eq!(store.room(room, by, 1).await.expect("a room").room.facts(), *facts);
}

fn wait(seconds: u64) -> Refusal {
    Refusal::SlowMode { retry_after: Duration::from_secs(seconds) }
}

pub async fn in_slow_mode_members_wait_and_administrators_do_not(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let (room, other) = (room(&store, alice, &[bob, carol]).await, room(&store, alice, &[bob]).await);
    write(&store, room, 0, say(bob, "before it was on")).await;
    slow(&store, room, alice, 60).await;
    let first = key();
    write(&store, room, 1_000, send(bob, first, "one")).await;
    assert_eq!(refuse(&store, room, 2_000, say(bob, "two")).await, wait(59));
    assert_eq!(refuse(&store, room, 60_000, say(bob, "two")).await, wait(1));
    // What was refused does not count, nor does a retry of what was sent.
    repeat(&store, room, 60_000, send(bob, first, "one")).await;
    write(&store, room, 61_000, say(bob, "two")).await;
    // Others wait for themselves, elsewhere nobody does, and who looks after the room never.
    write(&store, room, 61_000, say(carol, "mine")).await;
    write(&store, other, 61_001, say(bob, "elsewhere")).await;
    write(&store, room, 61_001, say(alice, "a")).await;
    write(&store, room, 61_002, say(alice, "b")).await;
    write(&store, room, 61_003, Operation::SetRole { by: alice, user: bob, role: Role::Administrator }).await;
    write(&store, room, 61_004, say(bob, "three")).await;
    slow(&store, room, alice, 0).await;
    write(&store, room, 61_005, say(carol, "at once")).await;
}

pub async fn in_one_commit_too_only_one_message_passes(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    slow(&store, room, alice, 10).await;
    let outcomes = apply(&store, room, 0, vec![say(bob, "one"), say(bob, "two"), say(alice, "hi")]).await;
    let passed: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(passed, [true, false, true]);
    assert_eq!(outcomes[1], Err(wait(10)));
}

pub async fn who_leaves_and_comes_back_waits_all_the_same(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    slow(&store, room, alice, 60).await;
    write(&store, room, 0, say(bob, "one")).await;
    write(&store, room, 1, Operation::Leave { user: bob }).await;
    let back = vec![Operation::Join { user: bob }, say(bob, "two")];
    assert_eq!(apply(&store, room, 1_000, back).await.pop(), Some(Err(wait(59))));
    assert_eq!(refuse(&store, room, 2_000, say(bob, "two")).await, wait(58));
}

pub(super) fn record(event: AuditEvent, by: UserId) -> Box<AuditRecord> {
    Box::new(AuditRecord::new(new_id(), at(0), event, Actor::User(by)))
}

fn mute(by: UserId, user: UserId, until: Timestamp) -> Operation {
    mute_for(Some("spam"), by, user, until)
}

fn mute_for(reason: Option<&str>, by: UserId, user: UserId, until: Timestamp) -> Operation {
    let reason = Reason::optional(reason).expect("valid");
    Operation::Mute { by, user, until, reason, record: record(AuditEvent::MemberMuted, by) }
}

fn unmute(by: UserId, user: UserId) -> Operation {
    Operation::Unmute { by, user, record: record(AuditEvent::MemberUnmuted, by) }
}

fn react(by: UserId, message: chat::domain::MessageId, on: bool) -> Operation {
    Operation::React { by, message, emoji: Emoji::parse("\u{1f44d}").expect("a sign"), on }
}

/// What was recorded, in no order of time: who did what to whom.
pub(super) async fn recorded(store: &S) -> Vec<(String, Option<UserId>, Option<UserId>)> {
    let page = store.audit_page(AuditFilter::default(), 99, None).await.expect("a page");
    let row = |record: AuditRecord| (record.event.as_str().to_owned(), record.actor.user(), record.subject);
    let mut rows: Vec<_> = page.records.into_iter().map(row).collect();
    rows.sort();
    rows
}

pub async fn who_is_muted_reads_on_and_writes_nothing(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (room, other) = (room(&store, alice, &[bob]).await, room(&store, alice, &[bob]).await);
    let (sent, signed) = (key(), message(&store, room, 0, alice, "hi").await);
    let own = created(&write(&store, room, 0, send(bob, sent, "before")).await);
    write(&store, room, 0, react(bob, signed.id, true)).await;
    let entry = write(&store, room, 0, mute(alice, bob, at(60_000))).await;
    let Change::MemberMuted { user, role, mute: told } = &entry.change else { panic!("{entry:?}") };
    assert_eq!((*user, *role, told.until, told.by), (bob, Role::Member, Some(at(60_000)), alice));
    assert_eq!(told.reason.as_ref().map(Reason::as_str), Some("spam"));
    assert_eq!((entry.change.kind(), log(&store, room).await.pop()), ("member.updated", Some(entry.clone())));
    repeat(&store, room, 1, mute(alice, bob, at(60_000))).await;
    let muted = |seconds| Refusal::Muted { retry_after: Duration::from_secs(seconds) };
    for operation in [say(bob, "no"), edit(bob, own.id, "no"), react(bob, own.id, true)] {
        assert_eq!(refuse(&store, room, 20_000, operation).await, muted(40));
    }
    // What he sent is answered as ever; he reads on, and takes back what is his.
    repeat(&store, room, 20_000, send(bob, sent, "before")).await;
    assert_eq!(store.messages(room, bob, 9, None).await.expect("a page").messages.len(), 2);
    write(&store, room, 20_000, react(bob, signed.id, false)).await;
    write(&store, room, 20_000, delete(bob, own.id)).await;
    write(&store, other, 20_000, say(bob, "elsewhere")).await;
    // It ends by itself, and by those who may lift it.
    write(&store, room, 60_000, say(bob, "again")).await;
    repeat(&store, room, 60_000, unmute(alice, bob)).await;
    write(&store, room, 60_001, mute(alice, bob, at(90_000))).await;
    write(&store, room, 60_002, mute(alice, bob, at(99_000))).await;
    let entry = write(&store, room, 60_003, unmute(alice, bob)).await;
    let Change::MemberMuted { mute: Mute { until: None, .. }, .. } = entry.change else {
        panic!("{entry:?}")
    };
    write(&store, room, 60_004, say(bob, "at once")).await;
    let row = |event: &str| (event.to_owned(), Some(alice), Some(bob));
    let expected = ["memberMuted", "memberMuted", "memberMuted", "memberUnmuted"].map(row);
    assert_eq!(recorded(&store).await, expected);
}

pub async fn nobody_mutes_who_is_not_below_him(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = room(&store, alice, &[bob, carol]).await;
    let until = at(60_000);
    let forbidden = |refusal| matches!(refusal, Refusal::Forbidden(_));
    assert!(forbidden(refuse(&store, room, 0, mute(bob, carol, until)).await));
    for user in [bob, carol] {
        write(&store, room, 0, Operation::SetRole { by: alice, user, role: Role::Administrator }).await;
    }
    for target in [alice, bob, carol] {
        assert!(forbidden(refuse(&store, room, 0, mute(bob, target, until)).await));
        assert!(forbidden(refuse(&store, room, 0, unmute(bob, target)).await));
    }
    for wrong in [at(0), at(-1), at(1).plus(Mute::LONGEST)] {
        assert_eq!(field(&refuse(&store, room, 0, mute(alice, bob, wrong)).await), "until");
    }
    let stranger = person(&store, "dave").await;
    assert_eq!(refuse(&store, room, 0, mute(alice, stranger, until)).await, Refusal::NotFound("member"));
    assert_eq!(refuse(&store, room, 0, mute(stranger, bob, until)).await, Refusal::NotMember);
    assert_eq!(recorded(&store).await, [], "what is refused is not recorded");
    // Who becomes the owner may write: nobody could let him again.
    write(&store, room, 1, mute(alice, bob, until)).await;
    assert!(matches!(refuse(&store, room, 2, say(bob, "no")).await, Refusal::Muted { .. }));
    write(&store, room, 3, Operation::Transfer { by: alice, user: bob }).await;
    write(&store, room, 4, say(bob, "mine now")).await;
}

pub async fn a_mute_outlasts_leaving_and_coming_back(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    write(&store, room, 0, mute(alice, bob, at(60_000))).await;
    write(&store, room, 1, Operation::Leave { user: bob }).await;
    let back = vec![Operation::Join { user: bob }, say(bob, "here I am")];
    let outcome = apply(&store, room, 2, back).await.pop();
    assert!(matches!(outcome, Some(Err(Refusal::Muted { .. }))), "{outcome:?}");
    assert!(matches!(refuse(&store, room, 3, say(bob, "and now?")).await, Refusal::Muted { .. }));
}

pub async fn a_mute_is_seen_by_the_person_and_by_who_may_mute(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = room(&store, alice, &[bob, carol]).await;
    write(&store, room, 0, mute(alice, bob, at(60_000))).await;
    let of_bob = async |viewer| {
        let page = store.members(room, viewer, 9, None).await.expect("a page").members;
        let one = store.room(room, viewer, 9).await.expect("a room");
        let all = store.rooms_of(viewer, 9).await.expect("rooms").remove(0);
        assert_eq!((&page, &page), (&one.members, &all.members), "the same everywhere");
        let own = page.iter().find(|insider| insider.user.id == viewer).expect("the viewer").muted.clone();
        assert_eq!((one.muted, all.muted), (own.clone(), own), "and of oneself with the room");
        let (his, others): (Vec<_>, Vec<_>) = page.into_iter().partition(|insider| insider.user.id == bob);
        assert!(others.iter().all(|insider| insider.muted.is_none()));
        his[0].muted.clone()
    };
    let told = muted(60_000, Some("spam"));
    assert_eq!([of_bob(alice).await, of_bob(bob).await], [told.clone(), told.clone()]);
    assert_eq!(of_bob(carol).await, None, "it is nothing to her");
    // He is told of himself, however far behind the first members he stands.
    let one = store.room(room, bob, 1).await.expect("a room").muted;
    let all = store.rooms_of(bob, 0).await.expect("rooms").remove(0).muted;
    assert_eq!([one, all], [told.clone(), told]);
    // An owner writes whatever was said before.
    write(&store, room, 1, Operation::Transfer { by: alice, user: bob }).await;
    assert_eq!([of_bob(alice).await, of_bob(bob).await], [None, None]);
}

fn muted(until: i64, reason: Option<&str>) -> Option<Muted> {
    Some(Muted { until: at(until), reason: Reason::optional(reason).expect("valid") })
}

pub async fn the_reason_of_a_mute_ends_with_it(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    slow(&store, room, alice, 60).await;
    let kept = async || store.room(room, bob, 1).await.expect("a room").muted;
    write(&store, room, 0, mute_for(Some("spam"), alice, bob, at(60_000))).await;
    assert_eq!(kept().await, muted(60_000, Some("spam")));
    // The same time for another reason, or for none, is another mute; the same once more is none.
    for reason in [Some("selling"), None] {
        let entry = write(&store, room, 1, mute_for(reason, alice, bob, at(60_000))).await;
        let Change::MemberMuted { mute: told, .. } = entry.change else { panic!("{entry:?}") };
        assert_eq!(told.reason, Reason::optional(reason).expect("valid"));
        assert_eq!(kept().await, muted(60_000, reason));
        repeat(&store, room, 2, mute_for(reason, alice, bob, at(60_000))).await;
    }
    write(&store, room, 3, mute_for(Some("again"), alice, bob, at(60_000))).await;
    write(&store, room, 4, Operation::Leave { user: bob }).await;
    write(&store, room, 5, Operation::Join { user: bob }).await;
    assert_eq!(kept().await, muted(60_000, Some("again")), "it outlasts leaving");
    write(&store, room, 6, unmute(alice, bob)).await;
    assert_eq!(kept().await, None);
    // What was said of an earlier one is not said of the next, though he wrote in between.
    write(&store, room, 7, say(bob, "thanks")).await;
    write(&store, room, 8, mute_for(None, alice, bob, at(60_000))).await;
    assert_eq!(kept().await, muted(60_000, None));
}

pub async fn who_deletes_what_another_wrote_may_say_why(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let (first, second) =
        (message(&store, room, 0, bob, "one").await, message(&store, room, 0, bob, "two").await);
    let entry = write(&store, room, 1, remove(alice, first.id, Some("spam"))).await;
    let told = entry.change.message().and_then(|message| message.removal.clone()).expect("a removal");
    assert_eq!((told.by, told.reason.as_ref().map(Reason::as_str)), (alice, Some("spam")));
    let kept = store.message(first.id, bob).await.expect("a tombstone");
    assert_eq!((kept.content.as_str(), &kept.removal), ("", &Some(told)));
    assert_eq!(log(&store, room).await.pop(), Some(entry.clone()));
    assert_eq!(store.messages(room, bob, 9, None).await.expect("a page").messages[1], kept);
    repeat(&store, room, 2, remove(alice, first.id, Some("twice"))).await;
    // Of one's own there is nothing to say, and nobody is told who did it.
    assert_eq!(field(&refuse(&store, room, 3, remove(bob, second.id, Some("mine"))).await), "reason");
    let entry = write(&store, room, 3, delete(bob, second.id)).await;
    assert_eq!(entry.change.message().and_then(|message| message.removal.clone()), None);
    let expected = ("messageRemoved".to_owned(), Some(alice), Some(bob));
    assert_eq!(recorded(&store).await, [expected]);
}

pub async fn a_message_may_be_taken_away_in_the_commit_that_sends_it(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let send = say(bob, "hi");
    let Operation::Send { message, .. } = &send else { panic!("{send:?}") };
    let taken = remove(alice, *message, Some("spam"));
    let outcomes = apply(&store, room, 0, vec![send.clone(), taken]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let kept = store.message(*message, bob).await.expect("a tombstone");
    assert_eq!(kept.removal.map(|removal| removal.by), Some(alice));
}
