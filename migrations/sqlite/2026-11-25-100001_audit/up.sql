-- What happened to accounts, for those who answer for security. Written once: no row is ever changed,
-- and none goes before it is 30 days old, whatever a server is told. Expands only.

CREATE TABLE audit (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_id BLOB,
    subject_id BLOB,
    network TEXT,
    request_id TEXT,
    detail TEXT
) WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_actor ON audit (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_by_subject ON audit (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_by_event ON audit (event, id);

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    WHEN OLD.at > CAST(strftime('%s', 'now') AS INTEGER) * 1000 - 2592000000 BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
