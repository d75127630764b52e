-- Who will not be put into rooms by whom. Expands only.
CREATE TABLE blocks (
    user_id BLOB NOT NULL REFERENCES users (id),
    blocked_id BLOB NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) WITHOUT ROWID;
CREATE INDEX blocks_of_blocked ON blocks (blocked_id);
