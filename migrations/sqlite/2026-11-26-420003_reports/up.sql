-- What people say of messages to those who look after others. Expands only.

-- One that is open for a message at most. `action` is `dismiss` or `delete`.
CREATE TABLE reports (
    id BLOB NOT NULL PRIMARY KEY,
    message_id BLOB NOT NULL,
    room_id BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    resolved_at BIGINT,
    resolved_by BLOB,
    action TEXT,
    reason TEXT
);
CREATE UNIQUE INDEX reports_open ON reports (message_id) WHERE resolved_at IS NULL;
CREATE INDEX reports_of_room ON reports (room_id, id);

-- Each person once, with the last reason.
CREATE TABLE reporters (
    report_id BLOB NOT NULL REFERENCES reports (id),
    user_id BLOB NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (report_id, user_id)
);
CREATE INDEX reporters_of_user ON reporters (user_id);
