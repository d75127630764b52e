//! The tables of limits, times, storage and accounts.

use std::path::PathBuf;
use std::time::Duration;

use super::table::group;
use super::value::EmailVerification;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

group! {
    /// Sizes, rates and bounds. Sizes always hold; rates and caps on connections can be turned off.
    Limits {
        /// Whether rates and caps on connections are enforced. Sizes always are.
        rates_on: bool = true, ["CHAT_RATE_LIMITS"], "";
        /// Largest frame of a client, and largest JSON body.
        frame_bytes: usize = 65_536, ["CHAT_LIMIT_FRAME_BYTES"], "bytes", 1_024..=16_777_216;
        /// Largest `resume` frame; it names every room of a client.
        resume_frame_bytes: usize = 262_144, ["CHAT_LIMIT_RESUME_FRAME_BYTES"], "bytes", 1_024..=67_108_864;
        /// Deepest nesting of JSON.
        json_depth: usize = 16, ["CHAT_LIMIT_JSON_DEPTH"], "levels", 4..=100;
        /// Longest text of a message.
        content_chars: usize = 8_000, ["CHAT_LIMIT_CONTENT_CHARS"], "characters", 1..=1_000_000;
        /// Most attachments of a message.
        attachments: usize = 10, ["CHAT_LIMIT_ATTACHMENTS"], "", 0..=100;
        /// Most open sockets of one user, to all processes together.
        connections_per_user: usize = 20, ["CHAT_LIMIT_CONNECTIONS_PER_USER"], "", 1..=100_000;
        /// Most open sockets from one address to one process.
        connections_per_ip: usize = 200, ["CHAT_LIMIT_CONNECTIONS_PER_IP"], "", 1..=1_000_000;
        /// Frames of one connection, steadily.
        frames_per_second: u32 = 20, ["CHAT_RATE_FRAMES_PER_SECOND"], "per second", 1..=1_000_000;
        /// Frames of one connection at once.
        frames_burst: u32 = 40, ["CHAT_RATE_FRAMES_BURST"], "", 1..=1_000_000;
        /// Messages of one user in one room, steadily.
        sends_per_second: u32 = 5, ["CHAT_RATE_SENDS_PER_SECOND"], "per second", 1..=1_000_000;
        /// Messages of one user in one room at once.
        sends_burst: u32 = 10, ["CHAT_RATE_SENDS_BURST"], "", 1..=1_000_000;
        /// WebSocket tickets of one user.
        tickets_per_minute: u32 = 10, ["CHAT_RATE_TICKETS_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// Attempts to sign in to one account; after as many failures each further one costs twice the wait.
        logins_per_minute: u32 = 5, ["CHAT_RATE_LOGINS_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// Attempts to sign in from one address.
        logins_per_minute_per_ip: u32 = 20, ["CHAT_RATE_LOGINS_PER_MINUTE_PER_IP"], "per minute", 1..=1_000_000;
        /// Mails to one address that somebody asked for: a forgotten password, another address, a mail once more.
        mails_per_hour: u32 = 5, ["CHAT_RATE_MAILS_PER_HOUR"], "per hour", 1..=1_000_000;
        /// Such mails asked for from one network address.
        mails_per_hour_per_ip: u32 = 30, ["CHAT_RATE_MAILS_PER_HOUR_PER_IP"], "per hour", 1..=1_000_000;
        /// Proofs that came by mail, or are said to, presented from one network address.
        proofs_per_minute_per_ip: u32 = 20, ["CHAT_RATE_PROOFS_PER_MINUTE_PER_IP"], "per minute", 1..=1_000_000;
        /// Questions of one account about other people: by the beginning of a name, or by id.
        lookups_per_minute: u32 = 60, ["CHAT_RATE_LOOKUPS_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// Messages that one account reports.
        reports_per_minute: u32 = 10, ["CHAT_RATE_REPORTS_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// New accounts from one address.
        registrations_per_minute_per_ip: u32 = 20, ["CHAT_RATE_REGISTRATIONS_PER_MINUTE_PER_IP"], "per minute", 1..=1_000_000;
        /// Refresh tokens presented from one address.
        refreshes_per_minute_per_ip: u32 = 120, ["CHAT_RATE_REFRESHES_PER_MINUTE_PER_IP"], "per minute", 1..=1_000_000;
        /// Rooms made by one user.
        rooms_per_minute: u32 = 60, ["CHAT_RATE_ROOMS_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// Files that one user uploads, pictures of himself included.
        uploads_per_minute: u32 = 60, ["CHAT_RATE_UPLOADS_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// Searches of one user.
        searches_per_minute: u32 = 60, ["CHAT_RATE_SEARCHES_PER_MINUTE"], "per minute", 1..=1_000_000;
        /// Requests of one user over HTTP, steadily.
        requests_per_second_per_user: u32 = 50, ["CHAT_RATE_REQUESTS_PER_SECOND_PER_USER"], "per second", 1..=1_000_000;
        /// Requests of one user over HTTP at once.
        requests_burst: u32 = 100, ["CHAT_RATE_REQUESTS_BURST"], "", 1..=1_000_000;
        /// Actions of one user over all sockets, but for messages and heartbeats, steadily.
        actions_per_second_per_user: u32 = 100, ["CHAT_RATE_ACTIONS_PER_SECOND_PER_USER"], "per second", 1..=1_000_000;
        /// Such actions at once.
        actions_burst: u32 = 200, ["CHAT_RATE_ACTIONS_BURST"], "", 1..=1_000_000;
        /// Requests over HTTP from one network address, steadily, whoever makes them.
        requests_per_second_per_ip: u32 = 200, ["CHAT_RATE_REQUESTS_PER_SECOND_PER_IP"], "per second", 1..=1_000_000;
        /// Requests over HTTP from one network address at once.
        requests_burst_per_ip: u32 = 400, ["CHAT_RATE_REQUESTS_BURST_PER_IP"], "", 1..=1_000_000;
        /// Frames that are no envelope, within the stretch of patience, before the socket is closed.
        malformed_frames: usize = 10, ["CHAT_LIMIT_MALFORMED_FRAMES"], "", 1..=10_000;
        /// Refusals for rate, within the stretch of patience, before the socket is closed.
        refusals: usize = 3, ["CHAT_LIMIT_REFUSALS"], "", 1..=10_000;
        /// The stretch of patience.
        abuse_seconds: u64 = 10, ["CHAT_ABUSE_SECONDS"], "seconds", 1..=3_600;
        /// Most sockets of this process.
        sockets: usize = 20_000, ["CHAT_LIMIT_SOCKETS"], "", 1..=10_000_000;
        /// New sockets of this process, steadily; beyond it the answer is 503 and when to come back.
        admissions_per_second: u32 = 500, ["CHAT_RATE_ADMISSIONS_PER_SECOND"], "per second", 1..=1_000_000;
        /// New sockets of this process at once.
        admissions_burst: u32 = 500, ["CHAT_RATE_ADMISSIONS_BURST"], "", 1..=1_000_000;
        /// Typing is told in rooms with at most so many members online.
        typing_members: usize = 200, ["CHAT_LIMIT_TYPING_MEMBERS"], "", 0..=10_000;
        /// Receipts are told in rooms with at most so many members.
        receipts_members: usize = 50, ["CHAT_LIMIT_RECEIPTS_MEMBERS"], "", 0..=10_000;
        /// Most people whose presence one socket watches.
        watched: usize = 200, ["CHAT_LIMIT_WATCHED"], "", 0..=10_000;
        /// Most rooms that one socket reads.
        subscriptions: usize = 1_000, ["CHAT_LIMIT_SUBSCRIPTIONS"], "", 1..=100_000;
        /// Most events of one room replayed in one go.
        replay_per_room: usize = 500, ["CHAT_LIMIT_REPLAY_PER_ROOM"], "", 1..=100_000;
        /// Most events replayed for one resume.
        replay_per_resume: usize = 5_000, ["CHAT_LIMIT_REPLAY_PER_RESUME"], "", 1..=1_000_000;
        /// Events read at once while replaying.
        replay_page: usize = 50, ["CHAT_LIMIT_REPLAY_PAGE"], "", 1..=1_000;
        /// Most commands of one socket that wait for their answer.
        unanswered: usize = 32, ["CHAT_LIMIT_UNANSWERED"], "", 1..=10_000;
        /// Most commands that wait in one room.
        room_inbox: usize = 1_024, ["CHAT_LIMIT_ROOM_INBOX"], "", 1..=1_000_000;
        /// Most frames that wait for one socket to read them.
        outbox_frames: usize = 256, ["CHAT_LIMIT_OUTBOX_FRAMES"], "", 8..=100_000;
        /// Most bytes that wait for one socket to read them.
        outbox_bytes: usize = 1_048_576, ["CHAT_LIMIT_OUTBOX_BYTES"], "bytes", 65_536..=1_073_741_824;
    }
}

group! {
    /// Deadlines and intervals.
    Timing {
        /// How often a client pings.
        heartbeat: Duration = secs(25), ["CHAT_HEARTBEAT_SECONDS"], "seconds", 1..=3_600;
        /// A socket that sent nothing for so long is closed.
        idle_timeout: Duration = secs(60), ["CHAT_IDLE_TIMEOUT_SECONDS"], "seconds", 1..=86_400;
        /// Time to sign in after the upgrade.
        auth_deadline: Duration = secs(5), ["CHAT_AUTH_DEADLINE_SECONDS"], "seconds", 1..=300;
        /// How long a client waits for a pong before it reconnects.
        pong_deadline: Duration = secs(10), ["CHAT_PONG_DEADLINE_SECONDS"], "seconds", 1..=300;
        /// How long a socket may take nothing of what waits for it.
        write_stall: Duration = secs(10), ["CHAT_WRITE_STALL_SECONDS"], "seconds", 1..=300;
        /// How often a socket is told where its rooms stand.
        heads_interval: Duration = secs(60), ["CHAT_HEADS_INTERVAL_SECONDS"], "seconds", 1..=3_600;
        /// How long before its end a token's owner is told.
        expiry_notice: Duration = secs(60), ["CHAT_EXPIRY_NOTICE_SECONDS"], "seconds", 1..=3_600;
        /// A room without sockets is forgotten after so long.
        room_idle: Duration = secs(60), ["CHAT_ROOM_IDLE_SECONDS"], "seconds", 1..=86_400;
        /// How long a busy room (its last commit held several operations) waits for more of them. A quiet room never waits.
        gather: Duration = Duration::from_millis(1), ["CHAT_GATHER_SECONDS"], "seconds", 0..=1;
        /// How often the heads of rooms that are read, and of users' own logs, are compared with the database where announcements can get lost; four times a second while announcements do not pass.
        reconcile: Duration = secs(1), ["CHAT_RECONCILE_SECONDS"], "seconds", 1..=3_600;
        /// How often what is unread in one room of somebody connected is counted over the log, to find a wrong count.
        recount: Duration = secs(15), ["CHAT_RECOUNT_SECONDS"], "seconds", 1..=86_400;
        /// How often the index that messages are found by looks for new ones.
        search: Duration = Duration::from_millis(250), ["CHAT_SEARCH_INTERVAL_SECONDS"], "seconds", 0..=3_600;
        /// How long the server goes on as it was after SIGTERM, not ready and taking no new sockets, so that proxies learn of it. A cluster wants 5.
        drain_wait: Duration = secs(0), ["CHAT_DRAIN_WAIT_SECONDS"], "seconds", 0..=3_600;
        /// Longest time from then to the last close.
        drain: Duration = secs(10), ["CHAT_DRAIN_SECONDS"], "seconds", 0..=3_600;
    }
}

group! {
    /// The database and what is kept of it in memory.
    StoreSettings {
        /// Threads that read from SQLite.
        readers: usize = 4, ["CHAT_STORE_READERS"], "threads", 1..=256;
        /// Most calls that wait for the database.
        queue: usize = 4_096, ["CHAT_STORE_QUEUE"], "", 16..=1_000_000;
        /// Connections of one process to PostgreSQL: a quarter of them writes, the others read.
        connections: usize = 16, ["CHAT_STORE_CONNECTIONS"], "", 2..=1_000;
        /// How long a call waits for one of them, and the longest attempt to make one.
        connect: Duration = secs(5), ["CHAT_STORE_CONNECT_SECONDS"], "seconds", 1..=60;
        /// How long the start waits for a PostgreSQL that does not answer.
        start_wait: Duration = secs(60), ["CHAT_STORE_START_SECONDS"], "seconds", 0..=3_600;
        /// Use a PostgreSQL that answers commits before they are on the disk (`synchronous_commit` or `fsync` off). What was acknowledged may then be lost.
        allow_unsafe_commit: bool = false, ["CHAT_ALLOW_UNSAFE_COMMIT"], "";
        /// Most operations in one transaction.
        batch: usize = 512, ["CHAT_STORE_BATCH"], "", 1..=4_000;
        /// Newest entries of a room kept in memory.
        room_cache: usize = 256, ["CHAT_STORE_ROOM_CACHE"], "entries", 0..=100_000;
        /// How long a room's log is kept for those who come back; messages are kept for ever.
        log_retention: Duration = secs(30 * 86_400), ["CHAT_LOG_RETENTION_SECONDS"], "seconds", 60..=3_153_600_000;
        /// How long is kept what happened to accounts. What is younger than 30 days the database keeps, whatever is set.
        audit_retention: Duration = secs(400 * 86_400), ["CHAT_AUDIT_RETENTION"], "seconds", 2_592_000..=3_153_600_000;
        /// How often the logs are looked through for what is older.
        prune_interval: Duration = secs(600), ["CHAT_LOG_PRUNE_SECONDS"], "seconds", 1..=86_400;
    }
}

group! {
    /// Signing in and what follows from it.
    AccountSettings {
        /// Life of an access token.
        access_token: Duration = secs(15 * 60), ["CHAT_ACCESS_TOKEN_SECONDS"], "seconds", 10..=86_400;
        /// Life of a refresh token; each use gives a new one.
        refresh_token: Duration = secs(30 * 86_400), ["CHAT_REFRESH_TOKEN_SECONDS"], "seconds", 60..=31_536_000;
        /// How long after its first use a refresh token may be used again: two tabs at once.
        refresh_grace: Duration = secs(15), ["CHAT_REFRESH_GRACE_SECONDS"], "seconds", 0..=300;
        /// Life of a WebSocket ticket.
        ticket: Duration = secs(30), ["CHAT_TICKET_SECONDS"], "seconds", 1..=300;
        /// Whether an address must be confirmed before its owner may write. `required` needs mail; with `off` whoever registers counts as confirmed.
        email_verification: EmailVerification = EmailVerification::Off, ["CHAT_EMAIL_VERIFICATION"], "";
        /// How long the link that confirms an address is good, from when it is mailed.
        email_proof: Duration = secs(24 * 3_600), ["CHAT_EMAIL_PROOF_SECONDS"], "seconds", 60..=604_800;
        /// How long the link that sets a new password is good, from when it is mailed.
        reset_proof: Duration = secs(3_600), ["CHAT_RESET_PROOF_SECONDS"], "seconds", 60..=86_400;
        /// Cost of a password's hash; one more doubles it. When it rises, each hash is made anew at the next login.
        bcrypt_cost: u32 = 12, ["CHAT_BCRYPT_COST"], "", 4..=31;
        /// Threads that hash passwords.
        bcrypt_threads: usize = 2, ["CHAT_BCRYPT_THREADS"], "threads", 1..=256;
        /// Most passwords that wait to be hashed; beyond it the answer is 503.
        bcrypt_queue: usize = 64, ["CHAT_BCRYPT_QUEUE"], "", 1..=100_000;
        /// How long an author may change or delete an own message.
        edit_window: Duration = secs(5 * 60), ["CHAT_EDIT_WINDOW_SECONDS"], "seconds", 0..=31_536_000;
    }
}

impl AccountSettings {
    /// Whether an address must be confirmed before its owner may write.
    #[must_use]
    pub const fn asks_for_verification(&self) -> bool {
        matches!(self.email_verification, EmailVerification::Required)
    }
}

group! {
    /// Redis, when `REDIS_URL` names one.
    RedisSettings {
        /// A file with the certificates (PEM) that sign the certificate of a Redis at `rediss://`, instead of those known to everybody.
        ca_file: Option<PathBuf> = None, ["CHAT_REDIS_CA_FILE"], "";
        /// What every key begins with, so that several installations can share one Redis.
        prefix: String = String::new(), ["CHAT_REDIS_PREFIX"], "";
        /// About how many announcements each of the 64 streams keeps.
        stream_length: usize = 10_000, ["CHAT_REDIS_STREAM_LENGTH"], "entries", 1..=10_000_000;
        /// Most announcements that wait to be written to the streams of one lane.
        queue: usize = 8_192, ["CHAT_REDIS_QUEUE"], "", 1..=1_000_000;
        /// How long Redis may take to accept a connection or to answer.
        timeout: Duration = secs(2), ["CHAT_REDIS_TIMEOUT_SECONDS"], "seconds", 1..=60;
    }
}
