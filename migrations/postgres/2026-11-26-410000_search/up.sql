-- Finding messages. Expands only: triggers note what servers write that do not know of it.

-- Changes that the index has not followed yet. The newest are followed first. Rows come and go with
-- every message, so what is dead is collected early.
CREATE TABLE search_queue (
    n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id UUID NOT NULL
) WITH (
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0
);

-- What is found: `place` is the order, by time; `folded` the text as it is compared, `terms` what it
-- is looked up by. Both are made by the server.
CREATE TABLE search (
    message_id UUID NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL,
    room_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    folded TEXT COLLATE "C" NOT NULL,
    terms INT[] NOT NULL
);
CREATE INDEX search_in_order ON search (place, message_id);
CREATE INDEX search_in_room ON search (room_id, place, message_id);
CREATE INDEX search_by_terms ON search USING gin (terms);

CREATE FUNCTION search_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_queue (message_id) SELECT id FROM after_it;
    RETURN NULL;
END
$$;

-- What was taken back is found no more from the same commit on. Rows are locked in the order of
-- their ids, as by everybody who locks them.
CREATE FUNCTION search_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed UUID[];
BEGIN
    SELECT array_agg(a.id) INTO changed FROM after_it a JOIN before_it b ON b.id = a.id
        WHERE a.content <> b.content OR a.deleted_at IS DISTINCT FROM b.deleted_at;
    IF changed IS NOT NULL THEN
        PERFORM 1 FROM search WHERE message_id = ANY (changed) ORDER BY message_id FOR UPDATE;
        DELETE FROM search WHERE message_id = ANY (changed);
        INSERT INTO search_queue (message_id) SELECT unnest(changed);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER messages_search_new AFTER INSERT ON messages
    REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION search_new();
CREATE TRIGGER messages_search_changed AFTER UPDATE ON messages
    REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION search_changed();
