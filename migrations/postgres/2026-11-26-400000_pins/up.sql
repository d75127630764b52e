-- Messages that those who look after a room keep in view. Expands only.
CREATE TABLE pins (
    message_id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL,
    -- Of the entry that pinned it.
    seq BIGINT NOT NULL,
    user_id UUID NOT NULL,
    at BIGINT NOT NULL
);
CREATE UNIQUE INDEX pins_by_room ON pins (room_id, seq);
