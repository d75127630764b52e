-- Mail that waits, proofs that came by mail, and what a user sees of his logins. Expands only: servers
-- that do not know it make accounts whose addresses count as verified, as theirs always did.

-- When the address was verified; 0 for those from before it was asked for.
ALTER TABLE users ADD COLUMN email_verified_at BIGINT DEFAULT 0;

-- The network, not the address: enough to tell home from elsewhere.
ALTER TABLE logins ADD COLUMN last_used_at BIGINT;
ALTER TABLE logins ADD COLUMN network TEXT;

-- Nothing in here lets anybody in: what a mail says is decided when it goes. `due_at` is also until
-- when a carrier has it for himself.
CREATE TABLE letters (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    user_id BLOB REFERENCES users (id),
    address TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX letters_by_due ON letters (due_at);

-- Only the SHA-256 of a value that was mailed.
CREATE TABLE proofs (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    purpose TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    email_key TEXT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX proofs_of_user ON proofs (user_id, purpose);
CREATE INDEX proofs_by_end ON proofs (expires_at);

-- The address that a user wants instead of his own, and which of the two have confirmed it.
CREATE TABLE email_changes (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    old_confirmed BOOLEAN NOT NULL DEFAULT FALSE,
    new_confirmed BOOLEAN NOT NULL DEFAULT FALSE,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
