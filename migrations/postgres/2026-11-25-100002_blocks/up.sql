-- Who will not be put into rooms by whom. Expands only.
CREATE TABLE blocks (
    user_id UUID NOT NULL REFERENCES users (id),
    blocked_id UUID NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
);
CREATE INDEX blocks_of_blocked ON blocks (blocked_id);
