-- What was there before the triggers, the oldest first, as the newest are followed first. A migration
-- of its own, so that nobody who writes messages waits for it.
INSERT INTO search_queue (message_id) SELECT id FROM messages WHERE deleted_at IS NULL ORDER BY created_at;
