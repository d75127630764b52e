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
                directory(viewer: UserId, limit: usize, after: Option<DirectoryCursor>, search: Option<String>) -> RoomPage;
                members(room: RoomId, viewer: UserId, limit: usize, after: Option<MemberCursor>) -> MemberPage;
                messages(room: RoomId, viewer: UserId, limit: usize, before: Option<Seq>) -> MessagePage;
                message(id: MessageId, viewer: UserId) -> Message;
                standing(message: MessageId, user: UserId) -> Standing;
                message_by_key(author: UserId, key: ClientMsgId) -> Option<Message>;
            }
            History {
                messages_at(room: RoomId, viewer: UserId, limit: usize, place: Place) -> MessagePage;
                pins(room: RoomId, viewer: UserId) -> Vec<Message>;
                annotations(messages: Vec<MessageId>, viewer: UserId) -> Annotations;
            }
            Memberships {
                invite(new: NewInvite) -> (Invite, Option<UserEntry>);
                invites_of_room(room: RoomId, viewer: UserId, now: Timestamp) -> Vec<Invite>;
                revoke_invite(room: RoomId, by: UserId, invite: InviteId, now: Timestamp) -> Option<UserEntry>;
                invites_of(user: UserId, now: Timestamp) -> Vec<PendingInvite>;
                decline_invite(user: UserId, invite: InviteId, now: Timestamp) -> UserEntry;
                invite_by_token(hash: [u8; 32], viewer: UserId, now: Timestamp) -> PendingInvite;
                bans(room: RoomId, viewer: UserId, limit: usize, after: Option<UserId>) -> BanPage;
                direct(direct: Direct) -> DirectMade;
                set_settings(room: RoomId, user: UserId, settings: RoomSettings, now: Timestamp) -> Option<UserEntry>;
            }
            Threads {
                thread(message: MessageId, viewer: UserId, limit: usize, place: Place) -> ThreadPage;
                read_thread(message: MessageId, user: UserId, read: Seq) -> ();
            }
            Reports {
                report(new: NewReport) -> ();
                reports(filter: ReportFilter, limit: usize, before: Option<ReportId>) -> ReportPage;
                report_for(report: ReportId, viewer: UserId, oversees: bool) -> Report;
                reports_by(user: UserId) -> Vec<OwnReport>;
                resolve_report(report: ReportId, resolution: Resolution, record: AuditRecord) -> ();
            }
            Accounts {
                create_account(account: NewAccount) -> ();
                credentials(email_key: String) -> Option<Credentials>;
                user(id: UserId) -> Option<User>;
                start_login(login: LoginSession, refresh: RefreshToken, record: Option<AuditRecord>) -> ();
                rotate_refresh(hash: [u8; 32], next: RefreshToken, now: Timestamp, grace_ms: i64, reuse: Option<AuditRecord>) -> Rotation;
                refresh_session(hash: [u8; 32]) -> Option<(UserId, SessionId)>;
                revoke_login(session: SessionId, now: Timestamp, record: Option<AuditRecord>) -> ();
                logins_of(user: UserId, now: Timestamp) -> Vec<Login>;
                revoke_login_of(user: UserId, session: SessionId, now: Timestamp, record: Option<AuditRecord>) -> bool;
                revoke_logins(user: UserId, now: Timestamp, record: Option<AuditRecord>) -> Vec<SessionId>;
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
                reset_password(hash: [u8; 32], password: String, notice: Option<Letter>, now: Timestamp, record: Option<AuditRecord>) -> Option<(UserId, Vec<SessionId>)>;
                change_password(user: UserId, hashes: (String, String), keep: Option<SessionId>, notice: Option<Letter>, now: Timestamp, record: Option<AuditRecord>) -> Option<Vec<SessionId>>;
                rehash_password(user: UserId, before: String, after: String) -> ();
                password_of(user: UserId) -> Option<String>;
                wish_email(change: EmailChange, letters: Vec<Letter>) -> ();
                wished_email(user: UserId, now: Timestamp) -> Option<EmailChange>;
                confirm_email(hash: [u8; 32], notices: Vec<Letter>, now: Timestamp, record: Option<AuditRecord>) -> EmailStep;
            }
            SecondFactors {
                begin_second_factor(user: UserId, sealed: SealedSecret, now: Timestamp) -> bool;
                second_factor(user: UserId) -> Option<SecondFactor>;
                confirm_second_factor(user: UserId, sealed: SealedSecret, step: u64, codes: Vec<RecoveryHash>, now: Timestamp, notes: Notes) -> bool;
                use_step(user: UserId, step: u64) -> bool;
                use_recovery_code(user: UserId, code: RecoveryHash) -> bool;
                replace_recovery_codes(user: UserId, codes: Vec<RecoveryHash>, notes: Notes) -> bool;
                remove_second_factor(user: UserId, notes: Notes) -> ();
                sealed_otherwise(key_id: String, after: Option<UserId>, limit: usize) -> Vec<(UserId, SealedSecret)>;
                reseal(user: UserId, before: SealedSecret, after: SealedSecret) -> ();
            }
            UserLogs {
                heads_of(user: UserId) -> UserHeads;
                counts_of(asked: Vec<(RoomId, UserId)>) -> Vec<Counts>;
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
            Administration {
                find_user(key: String) -> Option<User>;
                users_page(limit: usize, after: Option<UserId>) -> Vec<User>;
                set_role(user: UserId, role: ServerRole, record: AuditRecord) -> bool;
                disable_account(user: UserId, now: Timestamp, record: AuditRecord) -> Option<Vec<SessionId>>;
                enable_account(user: UserId, record: AuditRecord) -> bool;
                confirm_address(user: UserId, now: Timestamp, record: AuditRecord) -> bool;
                set_password(user: UserId, hash: String, now: Timestamp, record: AuditRecord) -> Option<Vec<SessionId>>;
            }
            Audits {
                record(record: AuditRecord) -> ();
                audit_page(filter: AuditFilter, limit: usize, before: Option<AuditId>) -> AuditPage;
                prune_audit(before: Timestamp, limit: usize) -> usize;
            }
            People {
                change_profile(user: UserId, change: ProfileChange, now: Timestamp) -> (User, Option<UserEntry>);
                users_by_prefix(prefix: String, limit: usize) -> Vec<User>;
                blocks_of(user: UserId) -> Vec<User>;
                block(user: UserId, blocked: UserId, most: usize, now: Timestamp) -> ();
                unblock(user: UserId, blocked: UserId) -> ();
                blockers(room: RoomId) -> Vec<UserId>;
                is_blocked(blocker: UserId, blocked: UserId) -> bool;
            }
            Jobs {
                ask_export(job: Job, record: AuditRecord) -> Job;
                close_account(job: Job, record: AuditRecord) -> Option<Vec<SessionId>>;
                jobs_of(user: UserId) -> Vec<Job>;
                job_part(job: JobId, part: u32) -> Option<String>;
                take_job(now: Timestamp, until: Timestamp) -> Option<Job>;
                job_step(job: JobId, attempt: u32, step: JobStep, until: Timestamp) -> bool;
                job_over(job: JobId, attempt: u32, state: JobState, now: Timestamp) -> bool;
                job_later(job: JobId, attempt: u32, due: Timestamp) -> bool;
                own_messages(user: UserId, after: Option<ClientMsgId>, limit: usize) -> Vec<Message>;
                own_message_count(user: UserId) -> u64;
                anonymise(user: UserId) -> ();
                job_counts() -> JobCounts;
                prune_jobs(before: Timestamp, limit: usize) -> usize;
            }
            Files {
                reserve_file(file: NewFile, quota: u64) -> ();
                complete_file(id: FileId) -> bool;
                set_avatar(user: UserId, avatar: Option<FileId>) -> ();
                file(id: FileId, viewer: UserId) -> ReadableFile;
                reported_file(id: FileId, moderator: UserId) -> ReadableFile;
                take_unused_files(due: Unused, now: Timestamp, until: Timestamp, limit: usize) -> Vec<(FileId, FilePurpose)>;
                file_gone(id: FileId) -> ();
            }
            Searching {
                unindexed(limit: usize) -> Vec<chat::store::Unindexed>;
                index(cut: Vec<chat::store::Cut>) -> usize;
                unindexed_count() -> u64;
                search(search: chat::store::Search) -> chat::store::HitPage;
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
