//! Looking after how people treat each other: slow mode, mutes, deletions with a reason, reports.

use std::sync::Arc;
use std::time::Duration;

use chat::domain::{
    Actor, AuditEvent, AuditFilter, AuditRecord, Change, Emoji, HistoryVisibility, Mute, Operation, Reason,
    Refusal, Role, RoomId, RoomPatch, SlowMode, Timestamp, UserId,
};
use chat::domain::{MessageId, OwnReport, Report, ReportAction, ReportId, Resolution};
use chat::store::{NewReport, NewRoom, ReportFilter, Store};

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

fn record(event: AuditEvent, by: UserId) -> Box<AuditRecord> {
    Box::new(AuditRecord::new(new_id(), at(0), event, Actor::User(by)))
}

fn mute(by: UserId, user: UserId, until: Timestamp) -> Operation {
    let reason = Reason::optional(Some("spam")).expect("valid");
    Operation::Mute { by, user, until, reason, record: record(AuditEvent::MemberMuted, by) }
}

fn unmute(by: UserId, user: UserId) -> Operation {
    Operation::Unmute { by, user, record: record(AuditEvent::MemberUnmuted, by) }
}

fn react(by: UserId, message: chat::domain::MessageId, on: bool) -> Operation {
    Operation::React { by, message, emoji: Emoji::parse("\u{1f44d}").expect("a sign"), on }
}

/// What was recorded, in no order of time: who did what to whom.
async fn recorded(store: &S) -> Vec<(String, Option<UserId>, Option<UserId>)> {
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
        let one = store.room(room, viewer, 9).await.expect("a room").members;
        let all = store.rooms_of(viewer, 9).await.expect("rooms").remove(0).members;
        assert_eq!((&page, &page), (&one, &all), "the same everywhere");
        let (his, others): (Vec<_>, Vec<_>) = page.into_iter().partition(|insider| insider.user.id == bob);
        assert!(others.iter().all(|insider| insider.muted_until.is_none()));
        his[0].muted_until
    };
    assert_eq!([of_bob(alice).await, of_bob(bob).await], [Some(at(60_000)); 2]);
    assert_eq!(of_bob(carol).await, None, "it is nothing to her");
    // An owner writes whatever was said before.
    write(&store, room, 1, Operation::Transfer { by: alice, user: bob }).await;
    assert_eq!([of_bob(alice).await, of_bob(bob).await], [None; 2]);
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

/// With an id that sorts by `n`.
fn says(n: u128, by: UserId, message: MessageId, reason: &str) -> NewReport {
    let record = *record(AuditEvent::MessageReported, by);
    let reason = Reason::parse(reason).expect("a reason");
    NewReport { id: ReportId(uuid::Uuid::from_u128(n)), message, by, reason, now: at(1), record }
}

fn of(viewer: UserId, room: RoomId) -> ReportFilter {
    ReportFilter { viewer, room: Some(room), is_open: None }
}

fn resolution(by: UserId, action: ReportAction) -> Resolution {
    Resolution { action, by, reason: None, at: at(9) }
}

async fn seen(store: &S, filter: ReportFilter) -> Vec<Report> {
    store.reports(filter, 9, None).await.expect("a page").reports
}

pub async fn what_several_say_of_a_message_is_one_report(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = room(&store, alice, &[bob, carol]).await;
    let message = message(&store, room, 0, bob, "buy this").await;
    for (n, by, reason) in [(1, carol, "spam"), (2, alice, "an advertisement"), (3, carol, "really spam")] {
        store.report(says(n, by, message.id, reason)).await.expect("kept");
    }
    let mut reports = seen(&store, of(alice, room)).await;
    let report = reports.pop().expect("a report");
    assert!(reports.is_empty() && report.resolution.is_none());
    assert_eq!(report.message, message);
    let said: std::collections::BTreeMap<_, _> =
        report.reporters.iter().map(|r| (r.user, r.reason.as_str())).collect();
    assert_eq!(said, [(alice, "an advertisement"), (carol, "really spam")].into());
    // Whom it is about is not said: exports hold what is.
    let row = |by| ("messageReported".to_owned(), Some(by), None);
    let mut expected = [carol, alice, carol].map(row);
    expected.sort();
    assert_eq!(recorded(&store).await, expected);
    // Once it is resolved, what is said then is another.
    store
        .resolve_report(
            report.id,
            resolution(alice, ReportAction::Dismiss),
            *record(AuditEvent::ReportResolved, alice),
        )
        .await
        .expect("resolved");
    store.report(says(4, carol, message.id, "I insist")).await.expect("kept");
    let reports = seen(&store, of(alice, room)).await;
    assert_eq!(reports.len(), 2);
    assert_eq!((reports[0].resolution.as_ref(), reports[1].id), (None, report.id), "newest first");
    assert_eq!(reports[1].resolution, Some(resolution(alice, ReportAction::Dismiss)));
    let open = ReportFilter { is_open: Some(true), ..of(alice, room) };
    assert_eq!(seen(&store, open).await, reports[..1]);
    let page = store.reports(of(alice, room), 1, None).await.expect("a page");
    let rest = store.reports(of(alice, room), 1, page.next).await.expect("a page");
    assert_eq!((page.reports[0].id, rest.reports[0].id, rest.next), (reports[0].id, report.id, None));
}

pub async fn what_one_reported_is_told_to_oneself_alone(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = room(&store, alice, &[bob, carol]).await;
    let (first, second) =
        (message(&store, room, 0, bob, "one").await, message(&store, room, 0, bob, "two").await);
    for (n, by, message, reason) in
        [(1_u8, carol, first.id, "spam"), (2, alice, first.id, "dull"), (3, carol, second.id, "spam again")]
    {
        let said = NewReport { now: at(i64::from(n)), ..says(n.into(), by, message, reason) };
        store.report(said).await.expect("kept");
    }
    let own = |message, reason, millis| OwnReport {
        message,
        room,
        reason: Reason::parse(reason).expect("a reason"),
        at: at(millis),
    };
    let hers = store.reports_by(carol).await.expect("hers");
    assert_eq!(hers, [own(first.id, "spam", 1), own(second.id, "spam again", 3)]);
    assert_eq!(store.reports_by(alice).await.expect("hers"), [own(first.id, "dull", 2)]);
    assert_eq!(store.reports_by(bob).await.expect("his"), [], "nobody is told who reported him");
}

pub async fn one_reports_what_one_may_read_and_did_not_write(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = private_room(&store, alice, &[bob]).await;
    let message = message(&store, room, 0, bob, "buy this").await;
    let refused = refusal(store.report(says(1, carol, message.id, "spam")).await);
    assert_eq!(refused, Refusal::NotFound("message"));
    assert!(matches!(refusal(store.report(says(2, bob, message.id, "mine")).await), Refusal::Forbidden(_)));
    write(&store, room, 1, delete(bob, message.id)).await;
    assert!(matches!(refusal(store.report(says(3, alice, message.id, "spam")).await), Refusal::Conflict(_)));
    assert_eq!((recorded(&store).await.len(), seen(&store, of(alice, room)).await.len()), (0, 0));
}

pub async fn reports_are_for_those_who_look_after_others(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let room = private_room(&store, alice, &[bob]).await;
    let (his, hers) =
        (message(&store, room, 0, bob, "one").await, message(&store, room, 0, alice, "two").await);
    store.report(says(1, alice, his.id, "spam")).await.expect("kept");
    store.report(says(2, bob, hers.id, "tyranny")).await.expect("kept");
    assert!(matches!(refusal(store.reports(of(bob, room), 9, None).await), Refusal::Forbidden(_)));
    assert_eq!(refusal(store.reports(of(carol, room), 9, None).await), Refusal::NotFound("room"));
    // Nobody sees what is said of himself, the owner neither; a moderator of the server sees all.
    let about = |reports: Vec<Report>| reports.into_iter().map(|r| r.message.id).collect::<Vec<_>>();
    assert_eq!(about(seen(&store, of(alice, room)).await), [his.id]);
    let all = ReportFilter { viewer: carol, room: None, is_open: Some(true) };
    let reports = seen(&store, all).await;
    assert_eq!(about(reports.clone()), [hers.id, his.id]);
    let (hers, his) = (reports[0].id, reports[1].id);
    assert_eq!(store.report_for(his, alice, false).await.expect("hers to see").id, his);
    for (report, viewer, oversees) in
        [(hers, alice, false), (hers, alice, true), (his, bob, true), (his, carol, false), (hers, bob, false)]
    {
        let refused = refusal(store.report_for(report, viewer, oversees).await);
        assert_eq!(refused, Refusal::NotFound("report"));
    }
    assert_eq!(store.report_for(his, carol, true).await.expect("a moderator's to see").id, his);
}

pub async fn who_looks_after_a_room_sees_no_reports_from_before_he_joined_where_that_is_hidden(store: S) {
    let (alice, bob, carol) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "carol").await);
    let new = NewRoom { history: HistoryVisibility::SinceJoined, ..new_room(alice, &[bob]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let before = message(&store, room, 0, bob, "canary").await;
    write(&store, room, 1, Operation::Join { user: carol }).await;
    write(&store, room, 2, Operation::SetRole { by: alice, user: carol, role: Role::Administrator }).await;
    let after = message(&store, room, 3, bob, "spam").await;
    for (n, message) in [(1, before.id), (2, after.id)] {
        store.report(says(n, alice, message, "why")).await.expect("kept");
    }
    let about = |reports: Vec<Report>| reports.into_iter().map(|r| r.message.id).collect::<Vec<_>>();
    assert_eq!(about(seen(&store, of(carol, room)).await), [after.id]);
    assert_eq!(about(seen(&store, of(alice, room)).await), [after.id, before.id]);
    let reports = seen(&store, of(alice, room)).await;
    assert_eq!(store.report_for(reports[0].id, carol, false).await.expect("hers to see").id, reports[0].id);
    let refused = refusal(store.report_for(reports[1].id, carol, false).await);
    assert_eq!(refused, Refusal::NotFound("report"));
    assert!(store.report_for(reports[1].id, carol, true).await.is_ok(), "of a moderator of the server");
}

pub async fn a_report_is_resolved_once(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let room = room(&store, alice, &[bob]).await;
    let message = message(&store, room, 0, bob, "buy this").await;
    store.report(says(3, alice, message.id, "spam")).await.expect("kept");
    let report = seen(&store, of(alice, room)).await[0].id;
    let resolve = |by| {
        let record = *record(AuditEvent::ReportResolved, by);
        store.resolve_report(report, resolution(by, ReportAction::Delete), record)
    };
    let racing = futures_util::future::join_all((0..4).map(|_| resolve(alice))).await;
    let (done, refused): (Vec<_>, Vec<_>) = racing.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 3));
    assert!(refused.into_iter().all(|result| matches!(refusal(result), Refusal::Conflict(_))));
    let unknown = store.resolve_report(
        ReportId(new_id()),
        resolution(alice, ReportAction::Dismiss),
        *record(AuditEvent::ReportResolved, alice),
    );
    assert_eq!(refusal(unknown.await), Refusal::NotFound("report"));
    let row = |event: &str, by| (event.to_owned(), Some(by), None);
    assert_eq!(recorded(&store).await, [row("messageReported", alice), row("reportResolved", alice)]);
}

pub async fn a_moderator_of_the_server_takes_down_what_is_anywhere(store: S) {
    let (alice, bob, eve) =
        (person(&store, "alice").await, person(&store, "bob").await, person(&store, "eve").await);
    let room = private_room(&store, alice, &[bob]).await;
    let message = message(&store, room, 0, bob, "buy this").await;
    write(&store, room, 1, Operation::Archive { by: alice, archived: true }).await;
    let take_down = |by| {
        let record = record(AuditEvent::MessageRemoved, by);
        Operation::TakeDown { by, message: message.id, reason: None, record }
    };
    let entry = write(&store, room, 2, take_down(eve)).await;
    let told = entry.change.message().and_then(|message| message.removal.clone());
    assert_eq!(told.map(|removal| removal.by), Some(eve));
    repeat(&store, room, 3, take_down(eve)).await;
    let row = ("messageRemoved".to_owned(), Some(eve), Some(bob));
    assert_eq!(recorded(&store).await, [row]);
}
