//! The store's traits: each call goes to the thread that does it. What is done stands in the
//! modules beside this one.

use diesel::prelude::*;

use super::schema::meta;
use super::{SqliteStore, accounts, append, fault, log, prune, rooms};
use crate::domain::{
    ClientMsgId, Entry, Epoch, Head, LoginSession, Message, MessageId, RefreshToken, Room, RoomBatch, RoomId,
    Rotation, Seq, SessionId, Timestamp, User, UserId,
};
use crate::store::{
    Accounts, Answer, Append, Credentials, DirectoryCursor, Log, LogPage, MemberCursor, MemberPage,
    MessagePage, NewAccount, NewRoom, RoomPage, RoomSnapshot, RoomView, Rooms, Store,
};

impl Log for SqliteStore {
    fn append(&self, batches: Vec<RoomBatch>) -> Answer<'_, Append> {
        let window = self.edit_window;
        self.executor.write(move |conn| append::append(conn, batches, window))
    }

    fn room_snapshot(&self, room: RoomId) -> Answer<'_, Option<RoomSnapshot>> {
        self.executor.read(move |conn| log::room_snapshot(conn, room))
    }

    fn log_page(
        &self,
        room: RoomId,
        reader: Option<UserId>,
        after: Seq,
        limit: usize,
    ) -> Answer<'_, LogPage> {
        self.executor.read(move |conn| log::log_page(conn, room, reader, after, limit))
    }

    fn heads(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<Head>> {
        self.executor.read(move |conn| log::heads(conn, &rooms))
    }

    fn heads_of(&self, user: UserId) -> Answer<'_, Vec<Head>> {
        self.executor.read(move |conn| log::heads_of(conn, user))
    }

    fn prune_log(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write(move |conn| prune::prune_log(conn, before, limit))
    }
}

impl Rooms for SqliteStore {
    fn create_room(&self, room: NewRoom) -> Answer<'_, (Room, Vec<Entry>)> {
        self.executor.write(move |conn| rooms::create_room(conn, &room))
    }

    fn rooms_of(&self, user: UserId, embed: usize) -> Answer<'_, Vec<RoomView>> {
        self.executor.read(move |conn| rooms::rooms_of(conn, user, embed))
    }

    fn room(&self, room: RoomId, viewer: UserId, embed: usize) -> Answer<'_, RoomView> {
        self.executor.read(move |conn| rooms::room(conn, room, viewer, embed))
    }

    fn directory(&self, limit: usize, after: Option<DirectoryCursor>) -> Answer<'_, RoomPage> {
        self.executor.read(move |conn| rooms::directory(conn, limit, after))
    }

    fn members(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<MemberCursor>,
    ) -> Answer<'_, MemberPage> {
        self.executor.read(move |conn| rooms::members(conn, room, viewer, limit, after))
    }

    fn messages(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        before: Option<Seq>,
    ) -> Answer<'_, MessagePage> {
        self.executor.read(move |conn| rooms::messages(conn, room, viewer, limit, before))
    }

    fn message(&self, id: MessageId, viewer: UserId) -> Answer<'_, Message> {
        self.executor.read(move |conn| rooms::message(conn, id, viewer))
    }

    fn message_by_key(&self, author: UserId, key: ClientMsgId) -> Answer<'_, Option<Message>> {
        self.executor.read(move |conn| rooms::message_by_key(conn, author, key))
    }
}

impl Accounts for SqliteStore {
    fn create_account(&self, account: NewAccount) -> Answer<'_, ()> {
        self.executor.write(move |conn| accounts::create_account(conn, &account))
    }

    fn credentials(&self, email_key: String) -> Answer<'_, Option<Credentials>> {
        self.executor.read(move |conn| accounts::credentials(conn, &email_key))
    }

    fn user(&self, id: UserId) -> Answer<'_, Option<User>> {
        self.executor.read(move |conn| accounts::user(conn, id))
    }

    fn start_login(&self, login: LoginSession, refresh: RefreshToken) -> Answer<'_, ()> {
        self.executor.write(move |conn| accounts::start_login(conn, &login, &refresh))
    }

    fn rotate_refresh(
        &self,
        hash: [u8; 32],
        successor: RefreshToken,
        now: Timestamp,
        grace_ms: i64,
    ) -> Answer<'_, Rotation> {
        self.executor.write(move |conn| accounts::rotate_refresh(conn, &hash, &successor, now, grace_ms))
    }

    fn revoke_login(&self, session: SessionId, now: Timestamp) -> Answer<'_, ()> {
        self.executor.write(move |conn| accounts::revoke_login(conn, session, now))
    }

    fn login_user(&self, session: SessionId) -> Answer<'_, Option<User>> {
        self.executor.read(move |conn| accounts::login_user(conn, session))
    }
}

impl Store for SqliteStore {
    fn epoch(&self) -> Answer<'_, Epoch> {
        // Read once on opening: it cannot change while this process holds the file.
        Box::pin(std::future::ready(Ok(self.epoch)))
    }

    /// Takes the write lock, so a writer that is stuck is noticed.
    fn ping(&self) -> Answer<'_, ()> {
        self.executor.write(|conn| {
            fault::write(conn, |conn| {
                let _: i64 = meta::table.count().get_result(conn)?;
                Ok(())
            })
        })
    }
}
