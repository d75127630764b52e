-- What happened to accounts, for those who answer for security. Written once: no row is ever changed,
-- and none goes before it is 30 days old, whatever a server is told. Expands only.

CREATE TABLE audit (
    id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    actor_id UUID,
    subject_id UUID,
    network TEXT,
    request_id TEXT,
    detail TEXT
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_actor ON audit (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_by_subject ON audit (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_by_event ON audit (event, id);

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW
    WHEN (OLD.at > (extract(epoch FROM now()) * 1000)::BIGINT - 2592000000) EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_refuse();
