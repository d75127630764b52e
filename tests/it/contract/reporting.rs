//! Reports: who makes them, who sees them, how they end.

use std::sync::Arc;

use chat::domain::{
    AuditEvent, HistoryVisibility, MessageId, Operation, OwnReport, Reason, Refusal, Report, ReportAction,
    ReportId, Resolution, Role, RoomId, UserId,
};
use chat::store::{NewReport, NewRoom, ReportFilter, Store};

use super::moderating::{record, recorded};
use super::support::*;

type S = Arc<dyn Store>;

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
