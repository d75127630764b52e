//! Files: sent once, by whom they belong to, seen by those who see their message, and taken away
//! when nothing shows them.

use std::sync::Arc;

use chat::domain::{
    Attachment, AuditEvent, Draft, FileId, FileName, HistoryVisibility, Message, Operation, Reason, Refusal,
    ReportAction, ReportId, Resolution, RoomId, RoomPatch, UserId,
};
use chat::store::{FilePurpose, NewFile, NewReport, NewRoom, ReadableFile, Store, Unused};
use futures_util::future::join_all;

use super::moderating::record;
use super::support::*;

type S = Arc<dyn Store>;

const QUOTA: u64 = 1_000;
const HASH: [u8; 32] = [7; 32];

fn new_file(owner: UserId, name: &str, now: i64) -> NewFile {
    let attachment = Attachment {
        id: FileId(new_id()),
        name: FileName::from_stored(name.into()),
        media_type: "image/png".into(),
        size: 60,
        has_thumbnail: true,
    };
    let purpose = FilePurpose::Attachment;
    NewFile { owner, purpose, attachment, stored_size: 100, sha256: HASH, now: at(now) }
}

/// A file that may be sent.
async fn file(store: &S, owner: UserId, name: &str) -> Attachment {
    let new = new_file(owner, name, 0);
    store.reserve_file(new.clone(), QUOTA).await.expect("reserved");
    assert!(store.complete_file(new.attachment.id).await.expect("an answer"));
    new.attachment
}

fn with(text: &str, files: &[FileId]) -> Draft {
    Draft { attachments: files.to_vec(), ..draft(key(), text) }
}

async fn send_files(store: &S, room: RoomId, author: UserId, files: &[FileId]) -> Message {
    created(&write(store, room, 0, send_draft(author, with("look", files))).await)
}

fn due(never_sent: i64, deleted: i64) -> Unused {
    Unused { never_sent: at(never_sent), deleted: at(deleted) }
}

async fn taken(store: &S, due: Unused, now: i64) -> Vec<FileId> {
    let taken = store.take_unused_files(due, at(now), at(now + 100), 50).await.expect("files");
    taken.into_iter().map(|(id, _)| id).collect()
}

async fn alice_and_room(store: &S) -> (UserId, RoomId) {
    let alice = person(store, "alice").await;
    (alice, room(store, alice, &[]).await)
}

pub async fn a_message_shows_its_files_wherever_it_is_read(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let files = vec![file(&store, alice, "b.png").await, file(&store, alice, "a.png").await];
    let ids: Vec<_> = files.iter().map(|file| file.id).collect();
    let sent = send_files(&store, room, alice, &ids).await;
    assert_eq!(sent.attachments, files, "in the author's order");
    assert_eq!(store.message(sent.id, alice).await.expect("a message"), sent);
    let page = store.messages(room, alice, 9, None).await.expect("history").messages;
    assert_eq!(page, std::slice::from_ref(&sent));
    let entries = log(&store, room).await;
    assert_eq!(created(&entries[1]), sent);
    let found = store.message_by_key(alice, sent.client_msg_id).await.expect("an answer");
    assert_eq!(found.as_ref(), Some(&sent));
    // An edit is about the text alone.
    let edited = write(&store, room, 1, edit(alice, sent.id, "see")).await;
    assert_eq!(edited.change.message().expect("a message").attachments, files);
    assert_eq!(store.message(sent.id, alice).await.expect("a message").attachments, files);
}

pub async fn a_retry_compares_the_files_in_their_order(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let (one, two) = (file(&store, alice, "1.png").await.id, file(&store, alice, "2.png").await.id);
    let draft = with("look", &[one, two]);
    let first = write(&store, room, 0, send_draft(alice, draft.clone())).await;
    assert_eq!(repeat(&store, room, 5, send_draft(alice, draft.clone())).await, first);
    for other in [vec![two, one], vec![one], vec![]] {
        let other = Draft { attachments: other, ..draft.clone() };
        assert_eq!(refuse(&store, room, 5, send_draft(alice, other)).await, Refusal::IdempotencyConflict);
    }
}

pub async fn a_file_is_sent_once_and_by_its_owner(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (here, there) = (room(&store, alice, &[bob]).await, room(&store, alice, &[]).await);
    let id = file(&store, alice, "a.png").await.id;
    for (who, files) in [(bob, vec![id]), (alice, vec![id, id]), (alice, vec![id, FileId(new_id())])] {
        let refused = refuse(&store, here, 0, send_draft(who, with("look", &files))).await;
        assert_eq!(field(&refused), "attachments");
    }
    // Of two in one commit one gets it.
    let twice = vec![send_draft(alice, with("look", &[id])), send_draft(alice, with("again", &[id]))];
    let outcomes = apply(&store, here, 0, twice).await;
    assert!(outcomes[0].is_ok());
    assert_eq!(field(outcomes[1].as_ref().expect_err("taken")), "attachments");
    let refused = refuse(&store, there, 0, send_draft(alice, with("look", &[id]))).await;
    assert_eq!(field(&refused), "attachments");
}

pub async fn of_racing_messages_in_many_rooms_one_gets_the_file(store: S) {
    let alice = person(&store, "alice").await;
    let id = file(&store, alice, "a.png").await.id;
    let mut rooms = Vec::new();
    for _ in 0..8 {
        rooms.push(room(&store, alice, &[]).await);
    }
    let sends = rooms.iter().map(|room| {
        let operation = send_draft(alice, with("look", &[id]));
        let store = store.clone();
        async move { outcome(&store, *room, 0, operation).await.is_ok() }
    });
    assert_eq!(join_all(sends).await.into_iter().filter(|sent| *sent).count(), 1);
}

pub async fn an_unfinished_file_cannot_be_sent_or_read(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let new = new_file(alice, "a.png", 0);
    let id = new.attachment.id;
    store.reserve_file(new, QUOTA).await.expect("reserved");
    let refused = refuse(&store, room, 0, send_draft(alice, with("look", &[id]))).await;
    assert_eq!(field(&refused), "attachments");
    assert_eq!(refusal(store.file(id, alice).await), Refusal::NotFound("attachment"));
    assert!(!store.complete_file(FileId(new_id())).await.expect("an answer"));
}

pub async fn a_file_is_read_by_who_reads_its_message(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let room = private_room(&store, alice, &[bob]).await;
    let shown = file(&store, alice, "a.png").await;
    let id = shown.id;
    let own = ReadableFile { attachment: shown, sha256: HASH, room: None };
    assert_eq!(store.file(id, alice).await.expect("her own"), own);
    let whole = ReadableFile { room: Some(room), ..own };
    assert_eq!(refusal(store.file(id, bob).await), Refusal::NotFound("attachment"));
    let sent = send_files(&store, room, alice, &[id]).await;
    assert_eq!(store.file(id, bob).await.expect("a member's"), whole);
    assert_eq!(refusal(store.file(id, carol).await), Refusal::NotFound("attachment"));
    write(&store, room, 0, Operation::Leave { user: bob }).await;
    assert_eq!(refusal(store.file(id, bob).await), Refusal::NotFound("attachment"));
    write(&store, room, 0, delete(alice, sent.id)).await;
    assert_eq!(refusal(store.file(id, alice).await), Refusal::NotFound("attachment"));
}

pub async fn a_file_from_before_is_not_shown_to_who_came_later(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let new = NewRoom { history: HistoryVisibility::SinceJoined, ..new_room(alice, &[]) };
    let room = store.create_room(new).await.expect("a room").room.id;
    let (before, after) = (file(&store, alice, "1.png").await.id, file(&store, alice, "2.png").await.id);
    send_files(&store, room, alice, &[before]).await;
    write(&store, room, 1, Operation::Join { user: bob }).await;
    send_files(&store, room, alice, &[after]).await;
    assert_eq!(refusal(store.file(before, bob).await), Refusal::NotFound("attachment"));
    assert!(store.file(after, bob).await.is_ok() && store.file(before, alice).await.is_ok());
    let all = RoomPatch { history: Some(HistoryVisibility::All), ..RoomPatch::default() };
    write(&store, room, 2, Operation::Update { by: alice, patch: all }).await;
    assert!(store.file(before, bob).await.is_ok());
}

pub async fn a_file_of_a_reported_message_is_for_moderators_while_it_is_reported(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let judge = person(&store, "judge").await;
    let room = private_room(&store, alice, &[bob]).await;
    let (shown, other) = (file(&store, alice, "a.png").await, file(&store, alice, "b.png").await.id);
    let id = shown.id;
    let sent = send_files(&store, room, alice, &[id]).await;
    send_files(&store, room, alice, &[other]).await;
    let absent = Refusal::NotFound("attachment");
    assert_eq!(refusal(store.reported_file(id, judge).await), absent, "nobody reported it");
    let says = |n: u128| NewReport {
        id: ReportId(uuid::Uuid::from_u128(n)),
        message: sent.id,
        by: bob,
        reason: Reason::parse("ugly").expect("a reason"),
        now: at(1),
        record: *record(AuditEvent::MessageReported, bob),
    };
    store.report(says(1)).await.expect("kept");
    let whole = ReadableFile { attachment: shown, sha256: HASH, room: Some(room) };
    assert_eq!(store.reported_file(id, judge).await.expect("a moderator's to see"), whole);
    assert_eq!(refusal(store.reported_file(id, alice).await), absent, "what is said of herself");
    assert_eq!(refusal(store.reported_file(other, judge).await), absent, "another message");
    assert_eq!(refusal(store.file(id, judge).await), absent, "by no other way");
    let resolution = Resolution { action: ReportAction::Dismiss, by: judge, reason: None, at: at(9) };
    let resolved = *record(AuditEvent::ReportResolved, judge);
    store.resolve_report(says(1).id, resolution, resolved).await.expect("resolved");
    assert_eq!(refusal(store.reported_file(id, judge).await), absent, "it is resolved");
    store.report(says(2)).await.expect("kept");
    assert!(store.reported_file(id, judge).await.is_ok(), "reported again");
    write(&store, room, 0, delete(alice, sent.id)).await;
    assert_eq!(refusal(store.reported_file(id, judge).await), absent, "it is gone");
}

pub async fn a_deleted_message_shows_no_files_and_lets_them_go(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let (kept, gone) = (file(&store, alice, "1.png").await.id, file(&store, alice, "2.png").await.id);
    send_files(&store, room, alice, &[kept]).await;
    let sent = send_files(&store, room, alice, &[gone]).await;
    assert!(taken(&store, due(9_000, 9_000), 9_000).await.is_empty(), "both are shown");
    let deleted = write(&store, room, 500, delete(alice, sent.id)).await;
    assert!(deleted.change.message().expect("a message").attachments.is_empty());
    assert!(store.message(sent.id, alice).await.expect("a tombstone").attachments.is_empty());
    assert!(taken(&store, due(9_000, 499), 9_000).await.is_empty(), "not due yet");
    assert_eq!(taken(&store, due(0, 500), 9_000).await, [gone]);
    // Sent and deleted in one commit.
    let id = file(&store, alice, "3.png").await.id;
    let send = send_draft(alice, with("oh", &[id]));
    let Operation::Send { message, .. } = &send else { panic!("a message") };
    let outcomes = apply(&store, room, 600, vec![send.clone(), delete(alice, *message)]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(taken(&store, due(0, 600), 9_000).await, [id]);
}

pub async fn an_unused_file_goes_to_one_collector_and_never_comes_back(store: S) {
    let (alice, room) = alice_and_room(&store).await;
    let id = file(&store, alice, "a.png").await.id;
    assert!(taken(&store, due(-1, 9_000), 0).await.is_empty(), "it is young");
    let races = (0..6).map(|_| taken(&store, due(0, 0), 10));
    let found: Vec<_> = join_all(races).await.into_iter().flatten().collect();
    assert_eq!(found, [id]);
    let refused = refuse(&store, room, 0, send_draft(alice, with("look", &[id]))).await;
    assert_eq!(field(&refused), "attachments");
    assert!(store.file(id, alice).await.is_err());
    assert!(!store.complete_file(id).await.expect("an answer"));
    assert!(taken(&store, due(0, 0), 109).await.is_empty(), "somebody has it");
    // Whoever had it died.
    assert_eq!(taken(&store, due(0, 0), 110).await, [id]);
    store.file_gone(id).await.expect("gone");
    store.file_gone(id).await.expect("nothing to do");
    assert!(taken(&store, due(0, 0), 9_000).await.is_empty());
    // What nobody collects is not forgotten by mistake.
    let kept = file(&store, alice, "b.png").await.id;
    store.file_gone(kept).await.expect("nothing to do");
    assert!(store.file(kept, alice).await.is_ok());
}

pub async fn all_files_of_one_user_together_have_a_limit(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let races = (0..14).map(|n| {
        let (store, new) = (store.clone(), new_file(alice, &n.to_string(), 0));
        async move { store.reserve_file(new, QUOTA).await.is_ok() }
    });
    assert_eq!(join_all(races).await.into_iter().filter(|stored| *stored).count(), 10);
    let more = new_file(alice, "more", 0);
    let refused = refusal(store.reserve_file(more.clone(), QUOTA).await);
    assert_eq!(refused, Refusal::OverQuota { used: QUOTA, quota: QUOTA });
    file(&store, bob, "his").await;
    // What is being taken away counts no more.
    assert_eq!(taken(&store, due(0, 0), 10).await.len(), 11);
    store.reserve_file(more, QUOTA).await.expect("room again");
}

pub async fn a_picture_takes_the_place_of_the_one_before(store: S) {
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let avatar = |now| NewFile { purpose: FilePurpose::Avatar, ..new_file(alice, "avatar.png", now) };
    let named = || async { store.user(alice).await.expect("an answer").expect("a user").avatar };
    let (first, second) = (avatar(0), avatar(5));
    let (one, two) = (first.attachment.id, second.attachment.id);
    for new in [first, second] {
        store.reserve_file(new, QUOTA).await.expect("reserved");
    }
    assert!(refusal(store.set_avatar(alice, Some(one)).await) == Refusal::NotFound("avatar"), "not whole");
    for id in [one, two] {
        store.complete_file(id).await.expect("an answer");
    }
    assert!(store.set_avatar(bob, Some(one)).await.is_err(), "not his");
    store.set_avatar(alice, Some(one)).await.expect("set");
    assert_eq!(named().await, Some(one.to_string()));
    assert_eq!(taken(&store, due(4, 4), 10).await, [], "one is shown, the other young");
    store.set_avatar(alice, Some(two)).await.expect("set");
    assert_eq!(named().await, Some(two.to_string()));
    assert_eq!(taken(&store, due(4, 4), 10).await, [one], "at once");
    store.set_avatar(alice, None).await.expect("removed");
    store.set_avatar(alice, None).await.expect("nothing to do");
    assert_eq!(named().await, None);
    assert_eq!(taken(&store, due(4, 4), 10).await, [two]);
    // An attachment is nobody's picture.
    let other = file(&store, alice, "a.png").await.id;
    assert!(store.set_avatar(alice, Some(other)).await.is_err());
}
