-- Ids are the 16 bytes of a UUID, times milliseconds since 1970-01-01T00:00:00Z.

-- Facts about the database itself; `epoch` is the identity of its history.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    avatar TEXT,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen BIGINT
);

-- One row per device or browser; its refresh tokens are one family.
CREATE TABLE logins (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    device TEXT,
    revoked_at BIGINT
);
CREATE INDEX logins_of_user ON logins (user_id);

-- Only the SHA-256 of a token. `used_at` is its first use, from which the grace is counted.
CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    session_id BLOB NOT NULL REFERENCES logins (id),
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_of_login ON refresh_tokens (session_id, expires_at);

-- `last_seq`, `member_count` and `last_activity` change in the transaction that changes what they
-- sum up.
CREATE TABLE rooms (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    description TEXT,
    is_private BOOLEAN NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    first_retained BIGINT NOT NULL,
    member_count BIGINT NOT NULL,
    last_activity BIGINT NOT NULL
);
CREATE INDEX rooms_directory ON rooms (created_at, id) WHERE NOT is_private;

CREATE TABLE members (
    room_id BLOB NOT NULL REFERENCES rooms (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    joined_seq BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX members_in_order ON members (room_id, joined_seq);
CREATE INDEX members_of_user ON members (user_id);

-- `seq` is that of the creation, `last_seq` that of the last entry about the message. `body_hash`
-- is the SHA-256 of the body as first sent: what a retry is compared by. A deleted message keeps
-- its row, and so its key.
CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    room_id BLOB NOT NULL REFERENCES rooms (id),
    seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    author_id BLOB NOT NULL REFERENCES users (id),
    client_msg_id BLOB NOT NULL CHECK (length(client_msg_id) = 16),
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    content TEXT NOT NULL,
    reply_to BLOB,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX messages_key ON messages (author_id, client_msg_id);
CREATE UNIQUE INDEX messages_in_order ON messages (room_id, seq);

-- The rooms' logs. `data` is for what a kind needs beside its message or user.
CREATE TABLE log (
    room_id BLOB NOT NULL REFERENCES rooms (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    message_id BLOB,
    user_id BLOB,
    data TEXT,
    PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;
