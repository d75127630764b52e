-- Second factors and their recovery codes. Expands only: servers that do not know them ask for the
-- password alone.

-- The secret is sealed: who has a copy of this has no codes. `key_id` names the key that opens it.
CREATE TABLE second_factors (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    sealed BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Until then it is asked of nobody.
    confirmed_at BIGINT,
    -- The last step whose code was accepted: none is accepted twice.
    last_step BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX second_factors_by_key ON second_factors (key_id, user_id);

-- Only the SHA-256 of a code.
CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (user_id, hash)
) WITHOUT ROWID;
