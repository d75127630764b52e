//! The store's traits: each call goes to the thread that does it. What is done stands in the
//! modules beside this one.

use std::future::ready;

use diesel::prelude::*;

use super::schema::meta;
use super::{
    SqliteStore, accounts, append, fault, history, letters, log, making, proofs, prune, repair, rooms,
    standing, user_logs,
};
use crate::domain::{
    AuditRecord, ClientMsgId, Counts, EmailChange, EmailStep, Epoch, Head, Letter, LetterId, LogHead, Login,
    LoginSession, MarkMove, Message, MessageId, Proof, Purpose, RefreshToken, Refusal, RoomBatch, RoomId,
    Rotation, Seq, SessionId, Timestamp, User, UserId,
};
use crate::store::{
    Accounts, Answer, Append, Credentials, DirectoryCursor, Letters, Log, LogPage, MarksPage, MemberCursor,
    MemberPage, MessagePage, Moved, NewAccount, NewRoom, NewRoomMade, Place, Proofs, Repair, RoomPage,
    RoomSnapshot, RoomView, Rooms, Standing, Store, UserHeads, UserLogPage, UserLogs,
};

impl Log for SqliteStore {
    fn append(&self, batches: Vec<RoomBatch>) -> Answer<'_, Append> {
        let window = self.edit_window;
        self.executor.write(move |conn| append::append(conn, &batches, window))
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

    fn growth(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<(RoomId, Seq, u64)>> {
        self.executor.read(move |conn| log::growth(conn, &rooms))
    }

    fn prune_log(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write(move |conn| prune::prune_log(conn, before, limit))
    }
}

impl Rooms for SqliteStore {
    fn create_room(&self, room: NewRoom) -> Answer<'_, NewRoomMade> {
        self.executor.write(move |conn| making::create_room(conn, &room))
    }

    fn rooms_of(&self, user: UserId, embed: usize) -> Answer<'_, Vec<RoomView>> {
        self.executor.read(move |conn| rooms::rooms_of(conn, user, embed))
    }

    fn room(&self, room: RoomId, viewer: UserId, embed: usize) -> Answer<'_, RoomView> {
        self.executor.read(move |conn| rooms::room(conn, room, viewer, embed))
    }

    fn directory(
        &self,
        viewer: UserId,
        limit: usize,
        after: Option<DirectoryCursor>,
        search: Option<String>,
    ) -> Answer<'_, RoomPage> {
        self.executor.read(move |conn| rooms::directory(conn, viewer, limit, after, search.as_deref()))
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
        self.executor.read(move |conn| {
            history::messages_at(conn, room, viewer, limit, before.map_or(Place::Newest, Place::Before))
        })
    }

    fn message(&self, id: MessageId, viewer: UserId) -> Answer<'_, Message> {
        self.executor.read(move |conn| rooms::message(conn, id, viewer))
    }

    fn standing(&self, message: MessageId, user: UserId) -> Answer<'_, Standing> {
        self.executor.read(move |conn| standing::standing(conn, message, user))
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

    fn start_login(
        &self,
        login: LoginSession,
        refresh: RefreshToken,
        record: Option<AuditRecord>,
    ) -> Answer<'_, ()> {
        self.executor.write(move |conn| accounts::start_login(conn, &login, &refresh, record.as_ref()))
    }

    fn rotate_refresh(
        &self,
        hash: [u8; 32],
        successor: RefreshToken,
        now: Timestamp,
        grace_ms: i64,
        reuse: Option<AuditRecord>,
    ) -> Answer<'_, Rotation> {
        self.executor.write(move |conn| {
            accounts::rotate_refresh(conn, &hash, &successor, now, grace_ms, reuse.as_ref())
        })
    }

    fn refresh_session(&self, hash: [u8; 32]) -> Answer<'_, Option<(UserId, SessionId)>> {
        self.executor.read(move |conn| accounts::refresh_session(conn, &hash))
    }

    fn revoke_login(
        &self,
        session: SessionId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, ()> {
        self.executor.write(move |conn| accounts::revoke_login(conn, session, now, record.as_ref()))
    }

    fn logins_of(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<Login>> {
        self.executor.read(move |conn| accounts::logins_of(conn, user, now))
    }

    fn revoke_login_of(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, bool> {
        self.executor.write(move |conn| accounts::revoke_login_of(conn, user, session, now, record.as_ref()))
    }

    fn revoke_logins(
        &self,
        user: UserId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Vec<SessionId>> {
        self.executor.write(move |conn| accounts::revoke_logins(conn, user, now, record.as_ref()))
    }

    fn login_user(&self, session: SessionId) -> Answer<'_, Option<User>> {
        self.executor.read(move |conn| accounts::login_user(conn, session))
    }
}

impl Letters for SqliteStore {
    fn post(&self, letter: Letter) -> Answer<'_, ()> {
        self.executor.write(move |conn| letters::post(conn, &letter))
    }

    fn take_letters(&self, now: Timestamp, until: Timestamp, limit: usize) -> Answer<'_, Vec<Letter>> {
        self.executor.write(move |conn| letters::take(conn, now, until, limit))
    }

    fn letter_done(&self, id: LetterId) -> Answer<'_, ()> {
        self.executor.write(move |conn| letters::done(conn, id))
    }

    fn letter_later(&self, id: LetterId, due: Timestamp) -> Answer<'_, ()> {
        self.executor.write(move |conn| letters::later(conn, id, due))
    }

    fn letters_waiting(&self) -> Answer<'_, (u64, Option<Timestamp>)> {
        self.executor.read(letters::waiting)
    }
}

impl Proofs for SqliteStore {
    fn keep_proof(&self, proof: Proof, now: Timestamp) -> Answer<'_, ()> {
        self.executor.write(move |conn| proofs::keep(conn, &proof, now))
    }

    fn proof_user(&self, hash: [u8; 32], purpose: Purpose, now: Timestamp) -> Answer<'_, Option<User>> {
        self.executor.read(move |conn| proofs::user(conn, &hash, purpose, now))
    }

    fn verify_email(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<User>> {
        self.executor.write(move |conn| proofs::verify_email(conn, &hash, now))
    }

    fn reset_password(
        &self,
        hash: [u8; 32],
        password_hash: String,
        notice: Option<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Option<(UserId, Vec<SessionId>)>> {
        self.executor.write(move |conn| {
            proofs::reset_password(conn, &hash, &password_hash, notice.as_ref(), now, record.as_ref())
        })
    }

    fn change_password(
        &self,
        user: UserId,
        hashes: (String, String),
        keep: Option<SessionId>,
        notice: Option<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Option<Vec<SessionId>>> {
        self.executor.write(move |conn| {
            proofs::change_password(conn, user, &hashes, keep, notice.as_ref(), now, record.as_ref())
        })
    }

    fn rehash_password(&self, user: UserId, before: String, after: String) -> Answer<'_, ()> {
        self.executor.write(move |conn| proofs::rehash_password(conn, user, &before, &after))
    }

    fn password_of(&self, user: UserId) -> Answer<'_, Option<String>> {
        self.executor.read(move |conn| proofs::password_of(conn, user))
    }

    fn wish_email(&self, change: EmailChange, letters: Vec<Letter>) -> Answer<'_, ()> {
        self.executor.write(move |conn| proofs::wish_email(conn, &change, &letters))
    }

    fn wished_email(&self, user: UserId, now: Timestamp) -> Answer<'_, Option<EmailChange>> {
        self.executor.read(move |conn| proofs::wished_email(conn, user, now))
    }

    fn confirm_email(
        &self,
        hash: [u8; 32],
        notices: Vec<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, EmailStep> {
        self.executor.write(move |conn| proofs::confirm_email(conn, &hash, &notices, now, record.as_ref()))
    }
}

impl UserLogs for SqliteStore {
    fn heads_of(&self, user: UserId) -> Answer<'_, UserHeads> {
        self.executor.read(move |conn| user_logs::heads_of(conn, user))
    }

    fn move_marks(&self, moves: Vec<MarkMove>, now: Timestamp) -> Answer<'_, Vec<Result<Moved, Refusal>>> {
        self.executor.write(move |conn| user_logs::move_marks(conn, &moves, now))
    }

    fn marks_of(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<Seq>,
    ) -> Answer<'_, MarksPage> {
        self.executor.read(move |conn| user_logs::marks_of(conn, room, viewer, limit, after))
    }

    fn user_log_page(&self, user: UserId, after: Seq, limit: usize) -> Answer<'_, UserLogPage> {
        self.executor.read(move |conn| user_logs::user_log_page(conn, user, after, limit))
    }

    fn counts_of(&self, asked: Vec<(RoomId, UserId)>) -> Answer<'_, Vec<Counts>> {
        self.executor.read(move |conn| user_logs::counts_of(conn, &asked))
    }

    fn user_heads(&self, users: Vec<UserId>) -> Answer<'_, Vec<(UserId, Seq)>> {
        self.executor.read(move |conn| user_logs::user_heads(conn, &users))
    }

    fn prune_user_logs(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write(move |conn| prune::prune_user_logs(conn, before, limit))
    }

    fn note_seen(&self, seen: Vec<(UserId, Timestamp)>) -> Answer<'_, ()> {
        self.executor.write(move |conn| user_logs::note_seen(conn, &seen))
    }
}

/// One process has the file, and no other could have missed what it announced: there is no outbox
/// and never anything in it.
impl Repair for SqliteStore {
    fn keeps_outbox(&self) -> bool {
        false
    }

    fn unannounced(&self, _: Timestamp, _: Timestamp, _: usize) -> Answer<'_, Vec<LogHead>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn announced(&self, _: Vec<LogHead>) -> Answer<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    fn logins_revoked_since(&self, since: Timestamp) -> Answer<'_, Vec<SessionId>> {
        self.executor.read(move |conn| repair::logins_revoked_since(conn, since))
    }

    fn renew_epoch(&self, epoch: Epoch) -> Answer<'_, ()> {
        self.executor.write(move |conn| repair::renew_epoch(conn, epoch))
    }

    fn keep_ticket(&self, hash: [u8; 32], ticket: Vec<u8>, expires: Timestamp) -> Answer<'_, ()> {
        self.executor.write(move |conn| repair::keep_ticket(conn, &hash, &ticket, expires))
    }

    fn take_ticket(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<Vec<u8>>> {
        self.executor.write(move |conn| repair::take_ticket(conn, &hash, now))
    }
}

impl Store for SqliteStore {
    fn epoch(&self) -> Answer<'_, Epoch> {
        self.executor.read(repair::epoch)
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
