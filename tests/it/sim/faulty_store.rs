//! The real store, whose commits fail now and then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chat::domain::*;
use chat::store::sqlite::SqliteStore;
use chat::store::*;

use super::chance::Chance;

pub struct FaultyStore {
    inner: SqliteStore,
    chance: Mutex<Chance>,
    fails: u64,
    healed: Arc<AtomicBool>,
}

impl FaultyStore {
    pub fn new(inner: SqliteStore, chance: Chance, fails: u64, healed: Arc<AtomicBool>) -> Self {
        Self { inner, chance: Mutex::new(chance), fails, healed }
    }

    fn fails(&self) -> bool {
        !self.healed.load(Ordering::Relaxed) && self.chance.lock().expect("not poisoned").percent(self.fails)
    }
}

fn unavailable<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(async { Err(StoreError::Unavailable("the simulation says no".into())) })
}

impl Log for FaultyStore {
    fn append(&self, batches: Vec<RoomBatch>) -> Answer<'_, Append> {
        if self.fails() { unavailable() } else { self.inner.append(batches) }
    }
    fn room_snapshot(&self, room: RoomId) -> Answer<'_, Option<RoomSnapshot>> {
        if self.fails() { unavailable() } else { self.inner.room_snapshot(room) }
    }
    fn log_page(
        &self,
        room: RoomId,
        reader: Option<UserId>,
        after: Seq,
        limit: usize,
    ) -> Answer<'_, LogPage> {
        if self.fails() { unavailable() } else { self.inner.log_page(room, reader, after, limit) }
    }
    fn heads(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<Head>> {
        if self.fails() { unavailable() } else { self.inner.heads(rooms) }
    }
    fn heads_of(&self, user: UserId) -> Answer<'_, Vec<Head>> {
        self.inner.heads_of(user)
    }
    fn prune_log(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.inner.prune_log(before, limit)
    }
}

impl Rooms for FaultyStore {
    fn create_room(&self, room: NewRoom) -> Answer<'_, (Room, Vec<Entry>)> {
        self.inner.create_room(room)
    }
    fn rooms_of(&self, user: UserId, embed: usize) -> Answer<'_, Vec<RoomView>> {
        self.inner.rooms_of(user, embed)
    }
    fn room(&self, room: RoomId, viewer: UserId, embed: usize) -> Answer<'_, RoomView> {
        self.inner.room(room, viewer, embed)
    }
    fn directory(&self, limit: usize, after: Option<DirectoryCursor>) -> Answer<'_, RoomPage> {
        self.inner.directory(limit, after)
    }
    fn members(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<MemberCursor>,
    ) -> Answer<'_, MemberPage> {
        self.inner.members(room, viewer, limit, after)
    }
    fn messages(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        before: Option<Seq>,
    ) -> Answer<'_, MessagePage> {
        self.inner.messages(room, viewer, limit, before)
    }
    fn message(&self, id: MessageId, viewer: UserId) -> Answer<'_, Message> {
        self.inner.message(id, viewer)
    }
    fn message_by_key(&self, author: UserId, key: ClientMsgId) -> Answer<'_, Option<Message>> {
        self.inner.message_by_key(author, key)
    }
}

impl Accounts for FaultyStore {
    fn create_account(&self, account: NewAccount) -> Answer<'_, ()> {
        self.inner.create_account(account)
    }
    fn credentials(&self, email_key: String) -> Answer<'_, Option<Credentials>> {
        self.inner.credentials(email_key)
    }
    fn user(&self, id: UserId) -> Answer<'_, Option<User>> {
        self.inner.user(id)
    }
    fn start_login(&self, login: LoginSession, refresh: RefreshToken) -> Answer<'_, ()> {
        self.inner.start_login(login, refresh)
    }
    fn rotate_refresh(
        &self,
        hash: [u8; 32],
        successor: RefreshToken,
        now: Timestamp,
        grace_ms: i64,
    ) -> Answer<'_, Rotation> {
        self.inner.rotate_refresh(hash, successor, now, grace_ms)
    }
    fn revoke_login(&self, session: SessionId, now: Timestamp) -> Answer<'_, ()> {
        self.inner.revoke_login(session, now)
    }
    fn login_user(&self, session: SessionId) -> Answer<'_, Option<User>> {
        self.inner.login_user(session)
    }
}

impl Store for FaultyStore {
    fn epoch(&self) -> Answer<'_, Epoch> {
        self.inner.epoch()
    }
    fn ping(&self) -> Answer<'_, ()> {
        self.inner.ping()
    }
}
