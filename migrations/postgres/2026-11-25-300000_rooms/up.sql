-- Rooms that change, people who are invited and banned, conversations, and what members set for
-- themselves. Expands only: servers that do not know it make rooms as before. Defaults that are
-- constants rewrite no row.

-- `edit_window` is in seconds, where it is not the server's. `kind` is `room` or `direct`; `direct_key` the SHA-256 of the sorted ids of those it was made with.
ALTER TABLE rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'room';
ALTER TABLE rooms ADD COLUMN topic TEXT;
ALTER TABLE rooms ADD COLUMN history TEXT NOT NULL DEFAULT 'all';
ALTER TABLE rooms ADD COLUMN archived_at BIGINT;
ALTER TABLE rooms ADD COLUMN edit_window BIGINT;
ALTER TABLE rooms ADD COLUMN direct_key BYTEA CHECK (octet_length(direct_key) = 32);
CREATE UNIQUE INDEX rooms_direct ON rooms (direct_key) WHERE direct_key IS NOT NULL;

-- What a member has set for himself.
ALTER TABLE members ADD COLUMN notifications TEXT NOT NULL DEFAULT 'all';
ALTER TABLE members ADD COLUMN muted_until BIGINT;
ALTER TABLE members ADD COLUMN is_favourite BOOLEAN NOT NULL DEFAULT FALSE;

-- What an entry needs beside its room.
ALTER TABLE user_log ADD COLUMN data TEXT;

-- Who may not come in. Changes under the room's lock.
CREATE TABLE bans (
    room_id UUID NOT NULL REFERENCES rooms (id),
    user_id UUID NOT NULL REFERENCES users (id),
    banned_by UUID NOT NULL,
    banned_at BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);

-- Ways in: for one person, or, with the SHA-256 of a token, for whoever has the link. `uses` counts
-- those who came in by it. Changes under the room's lock.
CREATE TABLE invites (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id),
    invited_by UUID NOT NULL,
    user_id UUID REFERENCES users (id),
    token_hash BYTEA UNIQUE CHECK (octet_length(token_hash) = 32),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    max_uses BIGINT,
    uses BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX invites_of_user ON invites (user_id, room_id) WHERE user_id IS NOT NULL;
CREATE INDEX invites_of_room ON invites (room_id);
