//! The store's traits: each call goes to a connection. What is done stands in the modules beside
//! this one.

use futures_util::FutureExt as _;

use super::{
    PgStore, accounts, append, history, letters, log, making, proofs, prune, repair, rooms, standing,
    user_logs,
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

impl Log for PgStore {
    /// One for each connection that writes.
    fn appends_at_once(&self) -> usize {
        self.executor.writers()
    }

    fn append(&self, batches: Vec<RoomBatch>) -> Answer<'_, Append> {
        let rooms = batches.iter().map(|batch| batch.room).collect();
        let window = self.edit_window;
        self.executor.write_in_order(rooms, batches, move |conn, batches| {
            append::append(conn, batches, window).boxed()
        })
    }

    fn room_snapshot(&self, room: RoomId) -> Answer<'_, Option<RoomSnapshot>> {
        self.executor.read(room, |conn, room| log::room_snapshot(conn, *room).boxed())
    }

    fn log_page(
        &self,
        room: RoomId,
        reader: Option<UserId>,
        after: Seq,
        limit: usize,
    ) -> Answer<'_, LogPage> {
        self.executor.read((), move |conn, ()| log::log_page(conn, room, reader, after, limit).boxed())
    }

    fn heads(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<Head>> {
        self.executor.read(rooms, |conn, rooms| log::heads(conn, rooms).boxed())
    }

    fn growth(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<(RoomId, Seq, u64)>> {
        self.executor.read(rooms, |conn, rooms| log::growth(conn, rooms).boxed())
    }

    fn prune_log(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write((), move |conn, ()| prune::prune_log(conn, before, limit).boxed())
    }
}

impl Rooms for PgStore {
    fn create_room(&self, room: NewRoom) -> Answer<'_, NewRoomMade> {
        self.executor.write(room, |conn, room| making::create_room(conn, room).boxed())
    }

    fn rooms_of(&self, user: UserId, embed: usize) -> Answer<'_, Vec<RoomView>> {
        self.executor.read((), move |conn, ()| rooms::rooms_of(conn, user, embed).boxed())
    }

    fn room(&self, room: RoomId, viewer: UserId, embed: usize) -> Answer<'_, RoomView> {
        self.executor.read((), move |conn, ()| rooms::room(conn, room, viewer, embed).boxed())
    }

    fn directory(
        &self,
        viewer: UserId,
        limit: usize,
        after: Option<DirectoryCursor>,
        search: Option<String>,
    ) -> Answer<'_, RoomPage> {
        self.executor.read(search, move |conn, search| {
            rooms::directory(conn, viewer, limit, after, search.as_deref()).boxed()
        })
    }

    fn members(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<MemberCursor>,
    ) -> Answer<'_, MemberPage> {
        self.executor.read((), move |conn, ()| rooms::members(conn, room, viewer, limit, after).boxed())
    }

    fn messages(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        before: Option<Seq>,
    ) -> Answer<'_, MessagePage> {
        let place = before.map_or(Place::Newest, Place::Before);
        self.executor.read((), move |conn, ()| history::messages_at(conn, room, viewer, limit, place).boxed())
    }

    fn message(&self, id: MessageId, viewer: UserId) -> Answer<'_, Message> {
        self.executor.read((), move |conn, ()| rooms::message(conn, id, viewer).boxed())
    }

    fn standing(&self, message: MessageId, user: UserId) -> Answer<'_, Standing> {
        self.executor.read((), move |conn, ()| standing::standing(conn, message, user).boxed())
    }

    fn message_by_key(&self, author: UserId, key: ClientMsgId) -> Answer<'_, Option<Message>> {
        self.executor.read((), move |conn, ()| rooms::message_by_key(conn, author, key).boxed())
    }
}

impl Accounts for PgStore {
    fn create_account(&self, account: NewAccount) -> Answer<'_, ()> {
        self.executor.write(account, |conn, account| accounts::create_account(conn, account).boxed())
    }

    fn credentials(&self, email_key: String) -> Answer<'_, Option<Credentials>> {
        self.executor.read(email_key, |conn, key| accounts::credentials(conn, key).boxed())
    }

    fn user(&self, id: UserId) -> Answer<'_, Option<User>> {
        self.executor.read((), move |conn, ()| accounts::user(conn, id).boxed())
    }

    fn start_login(
        &self,
        login: LoginSession,
        refresh: RefreshToken,
        record: Option<AuditRecord>,
    ) -> Answer<'_, ()> {
        self.executor.write((login, refresh, record), |conn, (login, refresh, record)| {
            accounts::start_login(conn, login, refresh, record.as_ref()).boxed()
        })
    }

    fn rotate_refresh(
        &self,
        hash: [u8; 32],
        successor: RefreshToken,
        now: Timestamp,
        grace_ms: i64,
        reuse: Option<AuditRecord>,
    ) -> Answer<'_, Rotation> {
        self.executor.write((hash, successor, reuse), move |conn, (hash, successor, reuse)| {
            accounts::rotate_refresh(conn, hash, successor, now, grace_ms, reuse.as_ref()).boxed()
        })
    }

    fn refresh_session(&self, hash: [u8; 32]) -> Answer<'_, Option<(UserId, SessionId)>> {
        self.executor.read(hash, |conn, hash| accounts::refresh_session(conn, hash).boxed())
    }

    fn revoke_login(
        &self,
        session: SessionId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, ()> {
        self.executor.write(record, move |conn, record| {
            accounts::revoke_login(conn, session, now, record.as_ref()).boxed()
        })
    }

    fn logins_of(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<Login>> {
        self.executor.read((), move |conn, ()| accounts::logins_of(conn, user, now).boxed())
    }

    fn revoke_login_of(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, bool> {
        self.executor.write(record, move |conn, record| {
            accounts::revoke_login_of(conn, user, session, now, record.as_ref()).boxed()
        })
    }

    fn revoke_logins(
        &self,
        user: UserId,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Vec<SessionId>> {
        self.executor
            .write(record, move |conn, record| accounts::end_logins(conn, user, now, record.as_ref()).boxed())
    }

    fn login_user(&self, session: SessionId) -> Answer<'_, Option<User>> {
        self.executor.read((), move |conn, ()| accounts::login_user(conn, session).boxed())
    }
}

impl Letters for PgStore {
    fn post(&self, letter: Letter) -> Answer<'_, ()> {
        self.executor.write([letter], |conn, letter| letters::insert(conn, letter).boxed())
    }

    fn take_letters(&self, now: Timestamp, until: Timestamp, limit: usize) -> Answer<'_, Vec<Letter>> {
        self.executor.write((), move |conn, ()| letters::take(conn, now, until, limit).boxed())
    }

    fn letter_done(&self, id: LetterId) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| letters::done(conn, id).boxed())
    }

    fn letter_later(&self, id: LetterId, due: Timestamp) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| letters::later(conn, id, due).boxed())
    }

    fn letters_waiting(&self) -> Answer<'_, (u64, Option<Timestamp>)> {
        self.executor.read((), |conn, ()| letters::waiting(conn).boxed())
    }
}

impl Proofs for PgStore {
    fn keep_proof(&self, proof: Proof, now: Timestamp) -> Answer<'_, ()> {
        self.executor.write(proof, move |conn, proof| proofs::keep(conn, proof, now).boxed())
    }

    fn proof_user(&self, hash: [u8; 32], purpose: Purpose, now: Timestamp) -> Answer<'_, Option<User>> {
        self.executor.read(hash, move |conn, hash| proofs::user(conn, hash, purpose, now).boxed())
    }

    fn verify_email(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<User>> {
        self.executor.write(hash, move |conn, hash| proofs::verify_email(conn, hash, now).boxed())
    }

    fn reset_password(
        &self,
        hash: [u8; 32],
        password_hash: String,
        notice: Option<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, Option<(UserId, Vec<SessionId>)>> {
        let args = (hash, password_hash, notice, record);
        self.executor.write(args, move |conn, (hash, password, notice, record)| {
            proofs::reset_password(conn, hash, password, notice, now, record.as_ref()).boxed()
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
        self.executor.write((hashes, notice, record), move |conn, (hashes, notice, record)| {
            proofs::change_password(conn, user, hashes, keep, notice, now, record.as_ref()).boxed()
        })
    }

    fn rehash_password(&self, user: UserId, before: String, after: String) -> Answer<'_, ()> {
        self.executor.write((before, after), move |conn, (before, after)| {
            proofs::replace(conn, user, before, after).map(|replaced| replaced.map(drop)).boxed()
        })
    }

    fn password_of(&self, user: UserId) -> Answer<'_, Option<String>> {
        self.executor.read((), move |conn, ()| proofs::password_of(conn, user).boxed())
    }

    fn wish_email(&self, change: EmailChange, letters: Vec<Letter>) -> Answer<'_, ()> {
        self.executor.write((change, letters), |conn, (change, letters)| {
            proofs::wish_email(conn, change, letters).boxed()
        })
    }

    fn wished_email(&self, user: UserId, now: Timestamp) -> Answer<'_, Option<EmailChange>> {
        self.executor.read((), move |conn, ()| proofs::wished_email(conn, user, now).boxed())
    }

    fn confirm_email(
        &self,
        hash: [u8; 32],
        notices: Vec<Letter>,
        now: Timestamp,
        record: Option<AuditRecord>,
    ) -> Answer<'_, EmailStep> {
        self.executor.write((hash, notices, record), move |conn, (hash, notices, record)| {
            proofs::confirm_email(conn, hash, notices, now, record.as_ref()).boxed()
        })
    }
}

impl UserLogs for PgStore {
    fn heads_of(&self, user: UserId) -> Answer<'_, UserHeads> {
        self.executor.read((), move |conn, ()| user_logs::heads_of(conn, user).boxed())
    }

    fn move_marks(&self, moves: Vec<MarkMove>, now: Timestamp) -> Answer<'_, Vec<Result<Moved, Refusal>>> {
        self.executor.write(moves, move |conn, moves| user_logs::move_marks(conn, moves, now).boxed())
    }

    fn marks_of(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<Seq>,
    ) -> Answer<'_, MarksPage> {
        self.executor.read((), move |conn, ()| user_logs::marks_of(conn, room, viewer, limit, after).boxed())
    }

    fn user_log_page(&self, user: UserId, after: Seq, limit: usize) -> Answer<'_, UserLogPage> {
        self.executor.read((), move |conn, ()| user_logs::user_log_page(conn, user, after, limit).boxed())
    }

    fn counts_of(&self, asked: Vec<(RoomId, UserId)>) -> Answer<'_, Vec<Counts>> {
        self.executor.read(asked, |conn, asked| user_logs::counts_of(conn, asked).boxed())
    }

    fn user_heads(&self, users: Vec<UserId>) -> Answer<'_, Vec<(UserId, Seq)>> {
        self.executor.read(users, |conn, users| user_logs::user_heads(conn, users).boxed())
    }

    fn prune_user_logs(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.executor.write((), move |conn, ()| prune::prune_user_logs(conn, before, limit).boxed())
    }

    fn note_seen(&self, seen: Vec<(UserId, Timestamp)>) -> Answer<'_, ()> {
        self.executor.write(seen, |conn, seen| accounts::note_seen(conn, seen).boxed())
    }
}

impl Repair for PgStore {
    fn keeps_outbox(&self) -> bool {
        true
    }

    fn unannounced(&self, before: Timestamp, now: Timestamp, limit: usize) -> Answer<'_, Vec<LogHead>> {
        self.executor.write((), move |conn, ()| repair::unannounced(conn, before, now, limit).boxed())
    }

    fn unannounced_now(&self) -> Answer<'_, (u64, Option<Timestamp>)> {
        self.executor.read((), |conn, ()| repair::unannounced_now(conn).boxed())
    }

    fn announced(&self, heads: Vec<LogHead>) -> Answer<'_, ()> {
        self.executor.write(heads, |conn, heads| repair::announced(conn, heads).boxed())
    }

    fn logins_revoked_since(&self, since: Timestamp) -> Answer<'_, Vec<SessionId>> {
        self.executor.read((), move |conn, ()| repair::logins_revoked_since(conn, since).boxed())
    }

    fn renew_epoch(&self, epoch: Epoch) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| repair::renew_epoch(conn, epoch).boxed())
    }

    fn keep_ticket(&self, hash: [u8; 32], ticket: Vec<u8>, expires: Timestamp) -> Answer<'_, ()> {
        self.executor.write((hash, ticket), move |conn, (hash, ticket)| {
            repair::keep_ticket(conn, hash, ticket, expires).boxed()
        })
    }

    fn take_ticket(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<Vec<u8>>> {
        self.executor.write(hash, move |conn, hash| repair::take_ticket(conn, hash, now).boxed())
    }
}

impl Store for PgStore {
    fn epoch(&self) -> Answer<'_, Epoch> {
        self.executor.read((), |conn, ()| repair::epoch(conn).boxed())
    }

    /// Asks on a connection that writes, so writers that are stuck are noticed.
    fn ping(&self) -> Answer<'_, ()> {
        self.executor.write((), |conn, ()| repair::epoch(conn).map(|epoch| epoch.map(drop)).boxed())
    }
}
