-- What members express about messages: each person each sign once. Expands only.
CREATE TABLE reactions (
    message_id UUID NOT NULL,
    emoji TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
);
