-- Messages that those who look after a room keep in view. Expands only.
CREATE TABLE pins (
    message_id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL,
    -- Of the entry that pinned it.
    seq BIGINT NOT NULL,
    user_id BLOB NOT NULL,
    at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX pins_by_room ON pins (room_id, seq);
