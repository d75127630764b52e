//! The names of all metrics, each once.

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)*) => {
        /// Every metric that the engine counts itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $($(#[doc = $doc])* $name,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the exposition.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The help text.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

metrics! {
    /// WebSocket connections open now.
    ActiveConnections = "websocket_active_connections";
    /// Messages stored, retries not counted.
    MessagesCommitted = "messages_committed_total";
    /// Message operations whose commit was acknowledged, retries included.
    MessagesAcked = "messages_acked_total";
    /// Times that a room went on without a socket that read too slowly.
    RoomsLagged = "rooms_lagged_total";
    /// New sockets answered 503 because too many came at once.
    TurnedAway = "websocket_turned_away_total";
    /// Logs announced by the sweeper, because who committed to them did not in time.
    LogsSwept = "logs_swept_total";
    /// Holes seen in a room's log before they reached a reader.
    GapsSeen = "gaps_seen_total";
    /// Rooms whose unread messages were counted over the log, for somebody who is connected.
    UnreadRecounted = "unread_recounted_total";
    /// Those of them that were counted otherwise before.
    UnreadDrift = "unread_drift_total";
    /// Log entries read from the store to fill holes.
    Backfilled = "backfilled_entries_total";
    /// Calls of the store that append what was sent, one transaction each; several rooms and messages share one.
    AppendBatches = "append_batches_total";
    /// Writing transactions that PostgreSQL committed.
    StoreTransactions = "store_transactions_total";
    /// Statements sent to PostgreSQL, BEGIN, COMMIT and ROLLBACK included.
    StoreStatements = "store_statements_total";
    /// Times that PostgreSQL was waited for.
    StoreRoundTrips = "store_round_trips_total";
    /// Announcements handed to the bus.
    BusAnnouncements = "bus_announcements_total";
    /// Round trips that wrote announcements to Redis, failed ones included.
    BusPipelines = "bus_pipelines_total";
    /// Announcements surely written to Redis.
    BusWritten = "bus_written_total";
    /// Round trips that read announcements from Redis, those that found none included.
    BusReads = "bus_reads_total";
    /// Announcements of other processes that were read.
    BusReceived = "bus_received_total";
    /// Steps and requests that no span was made of, because too much waited to be sent.
    TracesDropped = "traces_dropped_total";
    /// Announcements that were lost on the way, by reason; readers repair it from the store.
    BusDropped = "bus_dropped_total";
    /// Connections of the bus to Redis that were lost.
    BusReconnects = "bus_reconnects_total";
    /// Streams found shorter than the position remembered in them, and read from their beginning.
    BusRestarts = "bus_restarts_total";
    /// WebSocket connections opened.
    Opened = "websocket_opened_total";
    /// WebSocket connections that ended, by the code that the server closed them with: 1000 where the client asked for it, none where the connection went without a close.
    Closed = "websocket_closed_total";
    /// New WebSocket connections by outcome: ready, refused (the client's own fault), failed (the server's).
    Connects = "websocket_connects_total";
    /// Messages read from WebSocket connections.
    FramesReceived = "websocket_frames_received_total";
    /// Times that a WebSocket connection was not read on, because too many of its commands waited for an answer.
    HeldBack = "websocket_held_back_total";
    /// Frames handed to WebSocket connections to be written.
    FramesSent = "websocket_frames_sent_total";
    /// Whether this process is ending: 1 from the first moment of its drain.
    Draining = "draining";
    /// From the time that a log entry carries, which it gets right before its commit, until a connection that is live in the room took it to write. Milliseconds.
    DeliveryMs = "message_delivery_time_ms";
    /// The same in seconds.
    DeliverySeconds = "message_delivery_time_seconds";
    /// Live connections of one worker thread that a log entry went to.
    FanOut = "fan_out_sockets";
    /// Operations in one appending transaction.
    BatchOperations = "append_batch_operations";
    /// Answers to who wants to follow a room, by mode: uptodate, replay, reset.
    Subscriptions = "subscriptions_total";
    /// Entries wanted by who comes back to a room, by whether memory had them: hit, miss.
    CacheLookups = "room_cache_lookups_total";
    /// Rooms that somebody here follows.
    RoomsOpen = "rooms_open";
    /// Commands that wait for one room when its next append begins.
    RoomInbox = "room_inbox_commands";
    /// Commands refused because too many waited for one room.
    RoomInboxFull = "room_inbox_full_total";
    /// What this process did with accounts, by action as in the audit log: logins that succeeded and failed among them.
    AccountEvents = "account_events_total";
    /// Refusals by a rate, by limit.
    RateLimited = "rate_limited_total";
    /// Processes known to be there, this one included.
    PresencePods = "presence_pods";
    /// People online, as this process sees it.
    PresencePeople = "presence_people";
    /// 1, with the version as a label.
    BuildInfo = "build_info";
    /// Connections to PostgreSQL in use, by pool.
    StoreConnectionsUsed = "store_connections_used";
    /// Most connections to PostgreSQL, by pool.
    StoreConnectionsMost = "store_connections_max";
    /// Calls that wait for a connection to PostgreSQL, by pool.
    StoreWaiting = "store_waiting";
    /// Whether Redis takes and gives announcements: 0 in degraded mode.
    BusUp = "bus_up";
    /// How long calls of the database take, waiting included, by kind: read, write.
    StoreCalls = "store_call_seconds";
    /// Calls that the database did not answer, by kind.
    StoreCallsFailed = "store_calls_failed_total";
    /// Logs that grew by what is not known to be announced yet.
    OutboxRows = "outbox_rows";
    /// For how long the oldest of them waits, since it was last handed to a sweeper.
    OutboxOldest = "outbox_oldest_seconds";
    /// Age of the last announcement when it was read, by shard; 0 when a read finds none.
    BusLag = "bus_lag_seconds";
    /// Letters in the queue of mail, those under way included.
    MailQueue = "mail_queue_letters";
    /// For how long the oldest of them has waited.
    MailOldest = "mail_queue_oldest_seconds";
    /// Work on people's own data by state: queued, running, failed.
    Jobs = "jobs";
    /// For how long the oldest of it that is not over has waited.
    JobsOldest = "jobs_oldest_seconds";
    /// Changes of messages that the index has not followed yet.
    SearchQueue = "search_queue_messages";
    /// Attempts to deliver a letter by outcome: sent, failed (tried again later), given_up, dropped (nobody wants it any more).
    MailLetters = "mail_letters_total";
    /// Uploads by outcome: stored, refused (none of the sorts that are taken, or too large), infected, cut (ended before it was whole), failed (the server's fault, or too many at once).
    FileUploads = "file_uploads_total";
    /// Bytes of files that were stored, thumbnails included.
    FileBytes = "file_stored_bytes_total";
    /// How long it takes from when a file has arrived until it is judged and stored.
    FileSeconds = "file_upload_seconds";
    /// Thumbnails made.
    FileThumbnails = "file_thumbnails_total";
    /// Files taken away because nothing shows them.
    FilesCollected = "files_collected_total";
}
