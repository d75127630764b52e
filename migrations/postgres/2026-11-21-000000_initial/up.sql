-- Times are milliseconds since 1970-01-01T00:00:00Z. What must be unique and is a text is compared
-- byte by byte ("C"), so that no change of the system's collations can break an index.
--
-- Tables that grow with every message name their room and their people without a foreign key: the
-- rows are checked under the room's lock, nobody is ever deleted, and a key would write to the
-- author's row with every message. `fillfactor` leaves room for rows that change in place.

-- Facts about the database itself. `epoch` is the identity of its history, `identity` of the
-- cluster and timeline that the epoch belongs to. `min_binary_schema` is the oldest schema that a
-- server must know to use this one: a migration that takes something away raises it.
CREATE TABLE meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);
INSERT INTO meta (name, value) VALUES ('min_binary_schema', '20261121000000');

-- `user_seq` is the head of the user's own log, `user_first_retained` the first entry it holds.
CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL UNIQUE,
    avatar TEXT,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen BIGINT,
    user_seq BIGINT NOT NULL DEFAULT 0,
    user_first_retained BIGINT NOT NULL DEFAULT 1
) WITH (fillfactor = 80);

-- One row per device or browser; its refresh tokens are one family.
CREATE TABLE logins (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    device TEXT,
    revoked_at BIGINT
);
CREATE INDEX logins_of_user ON logins (user_id);
CREATE INDEX logins_revoked ON logins (revoked_at) WHERE revoked_at IS NOT NULL;

-- Only the SHA-256 of a token. `used_at` is its first use, from which the grace is counted.
CREATE TABLE refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(hash) = 32),
    session_id UUID NOT NULL REFERENCES logins (id),
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX refresh_tokens_of_login ON refresh_tokens (session_id, expires_at);

-- The four numbers from `last_seq` on, but for `first_retained`, change in the transaction that
-- changes what they sum up. No index holds any of them.
CREATE TABLE rooms (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    is_private BOOLEAN NOT NULL,
    created_by UUID NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    first_retained BIGINT NOT NULL,
    member_count BIGINT NOT NULL,
    last_activity BIGINT NOT NULL,
    message_count BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX rooms_directory ON rooms (created_at, id) WHERE NOT is_private;

-- High-water marks: `read_seq <= received_seq`.
CREATE TABLE members (
    room_id UUID NOT NULL REFERENCES rooms (id),
    user_id UUID NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    joined_seq BIGINT NOT NULL,
    received_seq BIGINT NOT NULL DEFAULT 0,
    read_seq BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, user_id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX members_in_order ON members (room_id, joined_seq);
CREATE INDEX members_of_user ON members (user_id);

-- `seq` is that of the creation, `last_seq` that of the last entry about the message. `body_hash`
-- is the SHA-256 of the body as first sent: what a retry is compared by. A deleted message keeps
-- its row, and so its key.
CREATE TABLE messages (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    author_id UUID NOT NULL,
    client_msg_id UUID NOT NULL,
    body_hash BYTEA NOT NULL CHECK (octet_length(body_hash) = 32),
    content TEXT NOT NULL,
    reply_to UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
) WITH (fillfactor = 95);
CREATE UNIQUE INDEX messages_key ON messages (author_id, client_msg_id);
-- What is unread is counted in this index alone.
CREATE UNIQUE INDEX messages_in_order ON messages (room_id, seq) INCLUDE (author_id, deleted_at);

-- The rooms' logs. `data` is for what a kind needs beside its message or user.
CREATE TABLE log (
    room_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    message_id UUID,
    user_id UUID,
    data TEXT,
    PRIMARY KEY (room_id, seq)
);

-- The users' own logs. The last four columns are what `mark.moved` tells: marks and counts of the
-- moment.
CREATE TABLE user_log (
    user_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    room_id UUID,
    received_seq BIGINT,
    read_seq BIGINT,
    unread BIGINT,
    mentions BIGINT,
    PRIMARY KEY (user_id, seq)
);

-- Whom a message names, its author left out; `seq` is the message's. Of a deleted message none.
CREATE TABLE mentions (
    message_id UUID NOT NULL,
    user_id UUID NOT NULL,
    room_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id)
);
CREATE INDEX mentions_of_member ON mentions (room_id, user_id, seq);

-- Only the SHA-256 of a ticket's value.
CREATE TABLE tickets (
    hash BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(hash) = 32),
    ticket BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_by_end ON tickets (expires_at);

-- Logs that grew and were not announced yet: one row each, written by the transaction that wrote
-- the entries. `kind` is `room` or `user`. Rows come and go with every message, so what is dead is
-- collected early.
CREATE TABLE outbox (
    kind TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0
);
CREATE INDEX outbox_by_time ON outbox (at);
