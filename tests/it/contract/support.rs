//! What the stories are told with: people, rooms, operations, and what came of them.

use std::future::Future;
use std::sync::Arc;

use chat::clock::{Clock, SystemClock};
use chat::domain::{
    Actor, AuditEvent, AuditRecord, Change, ClientMsgId, Committed, Content, Draft, Email, Entry,
    HistoryVisibility, LoginSession, Message, MessageId, Operation, Outcome, Reason, RefreshToken, Refusal,
    RoomBatch, RoomId, RoomName, RoomState, Seq, SessionId, Timestamp, User, UserEntry, UserId, Username,
};
use chat::store::{NewAccount, NewRoom, Store, StoreError};
use uuid::Uuid;

/// Runs a story to its end.
pub fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(story)
}

/// The server's clock in the stories: this many milliseconds after they begin.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + millis)
}

pub fn new_id() -> Uuid {
    SystemClock.id()
}

pub fn seq(value: u64) -> Seq {
    Seq::new(value).expect("small")
}

/// Numbers `1..=last`.
pub fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

pub fn key() -> ClientMsgId {
    ClientMsgId(new_id())
}

pub fn account(name: &str, email: &str) -> NewAccount {
    let id = UserId(new_id());
    let login = login(id);
    NewAccount {
        user: User {
            id,
            username: Username::parse(name).expect("a name"),
            email: Email::parse(email).expect("an address"),
            avatar: Some("cat.png".into()),
            created_at: at(0),
            last_seen: None,
            email_verified: true,
            server_role: chat::domain::ServerRole::User,
            status: chat::domain::AccountStatus::Active,
            profile: chat::domain::Profile::default(),
        },
        password_hash: format!("hash of {name}"),
        refresh: token(login.id),
        login,
        welcome: None,
        may_found: false,
        record: None,
    }
}

pub fn login(user: UserId) -> LoginSession {
    LoginSession {
        id: SessionId(new_id()),
        user,
        created_at: at(0),
        device: Some("phone".into()),
        network: None,
    }
}

/// A token that nobody has seen, good for a day.
pub fn token(session: SessionId) -> RefreshToken {
    let mut hash = [0; 32];
    SystemClock.random(&mut hash);
    RefreshToken { hash, session, issued_at: at(0), expires_at: at(86_400_000) }
}

pub async fn person(store: &Arc<dyn Store>, name: &str) -> UserId {
    let account = account(name, &format!("{name}@example.com"));
    let id = account.user.id;
    store.create_account(account).await.expect("a new account");
    id
}

pub fn new_room(owner: UserId, members: &[UserId]) -> NewRoom {
    NewRoom {
        id: RoomId(new_id()),
        name: RoomName::parse("general").expect("a name"),
        description: None,
        topic: None,
        is_private: false,
        history: HistoryVisibility::All,
        owner,
        members: members.to_vec(),
        now: at(0),
    }
}

pub async fn room(store: &Arc<dyn Store>, owner: UserId, members: &[UserId]) -> RoomId {
    store.create_room(new_room(owner, members)).await.expect("a new room").room.id
}

pub async fn private_room(store: &Arc<dyn Store>, owner: UserId, members: &[UserId]) -> RoomId {
    let room = NewRoom { is_private: true, ..new_room(owner, members) };
    store.create_room(room).await.expect("a new room").room.id
}

pub fn content(text: &str) -> Content {
    Content::parse(text, 4_000).expect("a text")
}

pub fn draft(key: ClientMsgId, text: &str) -> Draft {
    Draft { client_msg_id: key, content: content(text), attachments: Vec::new(), reply_to: None }
}

pub fn send_draft(author: UserId, draft: Draft) -> Operation {
    Operation::Send { author, message: MessageId(new_id()), draft }
}

pub fn send(author: UserId, key: ClientMsgId, text: &str) -> Operation {
    send_draft(author, draft(key, text))
}

pub fn say(author: UserId, text: &str) -> Operation {
    send(author, key(), text)
}

pub fn edit(by: UserId, message: MessageId, text: &str) -> Operation {
    Operation::Edit { by, message, content: content(text) }
}

pub fn delete(by: UserId, message: MessageId) -> Operation {
    remove(by, message, None)
}

/// A deletion for a reason.
pub fn remove(by: UserId, message: MessageId, reason: Option<&str>) -> Operation {
    let record = AuditRecord::new(new_id(), at(0), AuditEvent::MessageRemoved, Actor::User(by));
    let reason = reason.map(|text| Reason::parse(text).expect("a reason"));
    Operation::Delete { by, message, reason, record: Box::new(record) }
}

pub fn batch(room: RoomId, now: Timestamp, operations: Vec<Operation>) -> RoomBatch {
    RoomBatch { room, now, operations, present: Vec::new() }
}

/// One commit with one batch.
pub async fn apply(
    store: &Arc<dyn Store>,
    room: RoomId,
    now: i64,
    operations: Vec<Operation>,
) -> Vec<Outcome> {
    let mut append = store.append(vec![batch(room, at(now), operations)]).await.expect("a commit");
    assert_eq!(append.len(), 1);
    append.remove(0).outcomes
}

/// One commit with one operation.
pub async fn outcome(store: &Arc<dyn Store>, room: RoomId, now: i64, operation: Operation) -> Outcome {
    let mut outcomes = apply(store, room, now, vec![operation]).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// One operation that writes an entry.
pub async fn write(store: &Arc<dyn Store>, room: RoomId, now: i64, operation: Operation) -> Entry {
    let Committed { entry, duplicate, .. } = outcome(store, room, now, operation).await.expect("no refusal");
    assert!(!duplicate, "{entry:?}");
    entry
}

/// One operation that finds its entry written already.
pub async fn repeat(store: &Arc<dyn Store>, room: RoomId, now: i64, operation: Operation) -> Entry {
    let Committed { entry, duplicate, .. } = outcome(store, room, now, operation).await.expect("no refusal");
    assert!(duplicate, "{entry:?}");
    entry
}

/// One operation that is refused.
pub async fn refuse(store: &Arc<dyn Store>, room: RoomId, now: i64, operation: Operation) -> Refusal {
    outcome(store, room, now, operation).await.expect_err("a refusal")
}

/// A new message.
pub async fn message(store: &Arc<dyn Store>, room: RoomId, now: i64, author: UserId, text: &str) -> Message {
    created(&write(store, room, now, say(author, text)).await)
}

pub fn created(entry: &Entry) -> Message {
    match &entry.change {
        Change::MessageCreated(message) => message.clone(),
        other => panic!("not a new message: {other:?}"),
    }
}

/// The whole log, whoever may read it.
pub async fn log(store: &Arc<dyn Store>, room: RoomId) -> Vec<Entry> {
    store.log_page(room, None, Seq::START, usize::MAX).await.expect("a log").entries
}

pub fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.get()).collect()
}

pub fn kinds(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.change.kind()).collect()
}

/// Where a room stands for one of its members.
pub async fn state(store: &Arc<dyn Store>, user: UserId, room: RoomId) -> RoomState {
    let heads = store.heads_of(user).await.expect("heads");
    *heads.rooms.iter().find(|state| state.head.room == room).expect("a member")
}

/// The whole of a user's own log.
pub async fn told(store: &Arc<dyn Store>, user: UserId) -> Vec<UserEntry> {
    store.user_log_page(user, Seq::START, usize::MAX).await.expect("a log").entries
}

pub fn user_numbers(entries: &[UserEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.get()).collect()
}

/// The rule that a call was refused by.
pub fn refusal<T>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refused(refusal)) => refusal,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no refusal"),
    }
}

/// The field that a refusal names.
pub fn field(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Invalid(invalid) => invalid.field,
        other => panic!("not about a field: {other:?}"),
    }
}
