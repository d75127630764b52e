//! A store round a store. All signatures stand here once; the wrapper decides, by the name of each
//! call, whether and when it is made and answered.

/// Implements the store's traits for a type with a field `inner`, a store, and a method
/// `around(&self, call, make)` that answers for each call; `make` makes it.
macro_rules! store_wrapper {
    ($wrapper:ident) => {
        $crate::support::wrapped::store_wrapper! { @traits $wrapper;
            Log {
                append(batches: Vec<RoomBatch>) -> Append;
                room_snapshot(room: RoomId) -> Option<RoomSnapshot>;
                log_page(room: RoomId, reader: Option<UserId>, after: Seq, limit: usize) -> LogPage;
                heads(rooms: Vec<RoomId>) -> Vec<Head>;
                growth(rooms: Vec<RoomId>) -> Vec<(RoomId, Seq, u64)>;
                prune_log(before: Timestamp, limit: usize) -> usize;
            }
            Rooms {
                create_room(room: NewRoom) -> NewRoomMade;
                rooms_of(user: UserId, embed: usize) -> Vec<RoomView>;
                room(room: RoomId, viewer: UserId, embed: usize) -> RoomView;
                directory(limit: usize, after: Option<DirectoryCursor>) -> RoomPage;
                members(room: RoomId, viewer: UserId, limit: usize, after: Option<MemberCursor>) -> MemberPage;
                messages(room: RoomId, viewer: UserId, limit: usize, before: Option<Seq>) -> MessagePage;
                message(id: MessageId, viewer: UserId) -> Message;
                standing(message: MessageId, user: UserId) -> Standing;
                message_by_key(author: UserId, key: ClientMsgId) -> Option<Message>;
            }
            Accounts {
                create_account(account: NewAccount) -> ();
                credentials(email_key: String) -> Option<Credentials>;
                user(id: UserId) -> Option<User>;
                start_login(login: LoginSession, refresh: RefreshToken) -> ();
                rotate_refresh(hash: [u8; 32], next: RefreshToken, now: Timestamp, grace_ms: i64) -> Rotation;
                revoke_login(session: SessionId, now: Timestamp) -> ();
                logins_of(user: UserId, now: Timestamp) -> Vec<Login>;
                revoke_login_of(user: UserId, session: SessionId, now: Timestamp) -> bool;
                revoke_logins(user: UserId, now: Timestamp) -> Vec<SessionId>;
                login_user(session: SessionId) -> Option<User>;
            }
            Letters {
                post(letter: Letter) -> ();
                take_letters(now: Timestamp, until: Timestamp, limit: usize) -> Vec<Letter>;
                letter_done(id: LetterId) -> ();
                letter_later(id: LetterId, due: Timestamp) -> ();
                letters_waiting() -> (u64, Option<Timestamp>);
            }
            Proofs {
                keep_proof(proof: Proof, now: Timestamp) -> ();
                proof_user(hash: [u8; 32], purpose: Purpose, now: Timestamp) -> Option<User>;
                verify_email(hash: [u8; 32], now: Timestamp) -> Option<User>;
                reset_password(hash: [u8; 32], password: String, notice: Option<Letter>, now: Timestamp) -> Option<(UserId, Vec<SessionId>)>;
                change_password(user: UserId, hashes: (String, String), keep: Option<SessionId>, notice: Option<Letter>, now: Timestamp) -> Option<Vec<SessionId>>;
                rehash_password(user: UserId, before: String, after: String) -> ();
                password_of(user: UserId) -> Option<String>;
                wish_email(change: EmailChange, letters: Vec<Letter>) -> ();
                wished_email(user: UserId, now: Timestamp) -> Option<EmailChange>;
                confirm_email(hash: [u8; 32], notices: Vec<Letter>, now: Timestamp) -> EmailStep;
            }
            UserLogs {
                heads_of(user: UserId) -> UserHeads;
                move_marks(moves: Vec<MarkMove>, now: Timestamp) -> Vec<Result<Moved, Refusal>>;
                marks_of(room: RoomId, viewer: UserId, limit: usize, after: Option<Seq>) -> MarksPage;
                user_log_page(user: UserId, after: Seq, limit: usize) -> UserLogPage;
                user_heads(users: Vec<UserId>) -> Vec<(UserId, Seq)>;
                prune_user_logs(before: Timestamp, limit: usize) -> usize;
                note_seen(seen: Vec<(UserId, Timestamp)>) -> ();
            }
            Repair {
                @plain keeps_outbox() -> bool;
                unannounced(before: Timestamp, now: Timestamp, limit: usize) -> Vec<LogHead>;
                announced(heads: Vec<LogHead>) -> ();
                logins_revoked_since(since: Timestamp) -> Vec<SessionId>;
                renew_epoch(epoch: Epoch) -> ();
                keep_ticket(hash: [u8; 32], ticket: Vec<u8>, expires: Timestamp) -> ();
                take_ticket(hash: [u8; 32], now: Timestamp) -> Option<Vec<u8>>;
            }
            Files {
                reserve_file(file: NewFile, quota: u64) -> ();
                complete_file(id: FileId) -> bool;
                set_avatar(user: UserId, avatar: Option<FileId>) -> ();
                file(id: FileId, viewer: UserId) -> ReadableFile;
                take_unused_files(due: Unused, now: Timestamp, until: Timestamp, limit: usize) -> Vec<(FileId, FilePurpose)>;
                file_gone(id: FileId) -> ();
            }
            Store {
                epoch() -> Epoch;
                ping() -> ();
            }
        }
    };
    (@traits $wrapper:ident; $($name:ident {
        $(@plain $plain:ident() -> $value:ty;)*
        $($call:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    })*) => {$(
        impl $name for $wrapper {
            $(fn $plain(&self) -> $value {
                self.inner.$plain()
            })*
            $(fn $call(&self $(, $argument: $type)*) -> Answer<'_, $answer> {
                self.around(stringify!($call), move || self.inner.$call($($argument),*))
            })*
        }
    )*};
}

pub(crate) use store_wrapper;
