-- Finding messages. Expands only: triggers note what servers write that do not know of it.

-- Changes that the index has not followed yet. The newest are followed first.
CREATE TABLE search_queue (
    n INTEGER NOT NULL PRIMARY KEY,
    message_id BLOB NOT NULL
);

-- What is found: `place` is the order, by time; `folded` the text as it is compared.
CREATE TABLE search (
    place INTEGER NOT NULL PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    room_id BLOB NOT NULL,
    seq BIGINT NOT NULL,
    folded TEXT NOT NULL
);

-- Its terms, by `place`. They are made by the server: here they are only words.
CREATE VIRTUAL TABLE search_terms USING fts5 (
    terms, content = '', contentless_delete = 1, detail = 'none', columnsize = 1, tokenize = 'ascii'
);

CREATE TRIGGER messages_search_new AFTER INSERT ON messages BEGIN
    INSERT INTO search_queue (message_id) VALUES (NEW.id);
END;

-- What was taken back is found no more from the same commit on.
CREATE TRIGGER messages_search_changed AFTER UPDATE OF content, deleted_at ON messages
    WHEN NEW.content <> OLD.content OR NEW.deleted_at IS NOT OLD.deleted_at BEGIN
    DELETE FROM search_terms WHERE rowid = (SELECT place FROM search WHERE message_id = NEW.id);
    DELETE FROM search WHERE message_id = NEW.id;
    INSERT INTO search_queue (message_id) VALUES (NEW.id);
END;
