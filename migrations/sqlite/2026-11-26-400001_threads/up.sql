-- Threads: every reply knows where its thread began, however deep it is, and each person has a mark in
-- each. Expands only: servers that do not know it write replies without, and pass over the column.
ALTER TABLE messages ADD COLUMN thread_root BLOB;

WITH RECURSIVE replies AS (
    SELECT id, reply_to FROM messages WHERE reply_to IS NOT NULL
), threads (id, root) AS (
    SELECT r.id, r.reply_to FROM replies r JOIN messages m ON m.id = r.reply_to WHERE m.reply_to IS NULL
    UNION ALL
    SELECT r.id, t.root FROM replies r JOIN threads t ON r.reply_to = t.id
)
UPDATE messages SET thread_root = t.root FROM threads t WHERE messages.id = t.id;

CREATE INDEX messages_of_thread ON messages (thread_root, seq) WHERE thread_root IS NOT NULL;

-- How far somebody has read a thread; `read_seq` is of the room's log.
CREATE TABLE thread_marks (
    root_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    read_seq BIGINT NOT NULL,
    PRIMARY KEY (root_id, user_id)
) WITHOUT ROWID;
