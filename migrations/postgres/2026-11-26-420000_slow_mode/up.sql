-- Rooms in which members write only so often. Expands only: servers that do not know it let them write.

-- In seconds; 0: off.
ALTER TABLE rooms ADD COLUMN slow_mode BIGINT NOT NULL DEFAULT 0;

-- How somebody conducts himself in a room, whether he is in it or not: who leaves and comes back is not
-- rid of it. `sent_at` is when he last wrote where that was counted. Changes under the room's lock.
CREATE TABLE conduct (
    room_id UUID NOT NULL REFERENCES rooms (id),
    user_id UUID NOT NULL REFERENCES users (id),
    sent_at BIGINT,
    PRIMARY KEY (room_id, user_id)
);
