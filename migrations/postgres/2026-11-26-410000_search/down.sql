DROP TRIGGER messages_search_changed ON messages;
DROP TRIGGER messages_search_new ON messages;
DROP FUNCTION search_changed();
DROP FUNCTION search_new();
DROP TABLE search;
DROP TABLE search_queue;
