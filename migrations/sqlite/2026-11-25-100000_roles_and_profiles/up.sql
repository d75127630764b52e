-- Roles on the server, accounts that were closed, and what people tell of themselves. Expands only:
-- a server that does not know it makes accounts of the least role.

ALTER TABLE users ADD COLUMN server_role TEXT NOT NULL DEFAULT 'user';
ALTER TABLE users ADD COLUMN disabled_at BIGINT;
ALTER TABLE users ADD COLUMN deleted_at BIGINT;
ALTER TABLE users ADD COLUMN display_name TEXT;
ALTER TABLE users ADD COLUMN status_text TEXT;

-- People are found by the beginning of their names: the unique index is in the order of bytes.
