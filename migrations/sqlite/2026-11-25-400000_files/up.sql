-- Files that people send. Expands only: servers that do not know it send messages without any, and
-- pass over the column.

-- What a message shows of its files, as JSON in their order: they never change, so a page of messages
-- needs no other table. A deleted message shows none, whatever stands here.
ALTER TABLE messages ADD COLUMN attachments TEXT;

-- What lies outside the database. A row is there before its blob, and goes after it: what has no row
-- is nowhere.
CREATE TABLE files (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner_id BLOB NOT NULL REFERENCES users (id),
    -- 'attachment' or 'avatar'.
    purpose TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    -- Bytes of all its blobs.
    stored_size BIGINT NOT NULL,
    size BIGINT NOT NULL,
    has_thumbnail BOOLEAN NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    created_at BIGINT NOT NULL,
    -- Whether its blobs were stored whole.
    is_complete BOOLEAN NOT NULL DEFAULT FALSE,
    -- The message that has it; for ever.
    message_id BLOB,
    -- Since when nothing shows it; null while something does.
    unused_since BIGINT,
    -- Until when a collector has it for himself. Once set it is not used again.
    collected_until BIGINT
) WITHOUT ROWID;
CREATE INDEX files_of_owner ON files (owner_id);
CREATE INDEX files_of_message ON files (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX files_unused ON files (unused_since) WHERE unused_since IS NOT NULL;
