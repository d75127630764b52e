-- Users' own logs, marks and what is unread, single-use tickets, and a count of commits. Expands
-- only: what was there keeps its meaning.

-- Messages ever sent, deleted ones included.
ALTER TABLE rooms ADD COLUMN message_count BIGINT NOT NULL DEFAULT 0;
UPDATE rooms SET message_count = (SELECT count(*) FROM messages WHERE messages.room_id = rooms.id);

-- High-water marks: `read_seq <= received_seq`.
ALTER TABLE members ADD COLUMN received_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN read_seq BIGINT NOT NULL DEFAULT 0;
-- Nobody kept marks so far: who is a member has read everything, or he would find thousands unread.
UPDATE members SET
    received_seq = (SELECT last_seq FROM rooms WHERE rooms.id = members.room_id),
    read_seq = (SELECT last_seq FROM rooms WHERE rooms.id = members.room_id);

-- The head of the user's own log, and the first entry that it still holds.
ALTER TABLE users ADD COLUMN user_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN user_first_retained BIGINT NOT NULL DEFAULT 1;

-- The users' own logs. The last four columns are what `mark.moved` tells: marks and counts of the
-- moment.
CREATE TABLE user_log (
    user_id BLOB NOT NULL REFERENCES users (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    room_id BLOB,
    received_seq BIGINT,
    read_seq BIGINT,
    unread BIGINT,
    mentions BIGINT,
    PRIMARY KEY (user_id, seq)
) WITHOUT ROWID;

-- Whom a message names, its author left out; `seq` is the message's. Of a deleted message none.
CREATE TABLE mentions (
    message_id BLOB NOT NULL REFERENCES messages (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    room_id BLOB NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id)
) WITHOUT ROWID;
CREATE INDEX mentions_of_member ON mentions (room_id, user_id, seq);

-- What is unread is counted in this index alone. SQLite looks `deleted_at` up in the table where it
-- is not among the columns, whatever the condition says.
CREATE INDEX messages_unread ON messages (room_id, seq, author_id, deleted_at) WHERE deleted_at IS NULL;

-- Only the SHA-256 of a ticket's value.
CREATE TABLE tickets (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    ticket BLOB NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tickets_by_end ON tickets (expires_at);

CREATE INDEX logins_revoked ON logins (revoked_at) WHERE revoked_at IS NOT NULL;

-- Transactions that wrote: raised by each of them. Who has people in it was written to before.
INSERT INTO meta (name, value) SELECT 'commits', EXISTS (SELECT 1 FROM users);
