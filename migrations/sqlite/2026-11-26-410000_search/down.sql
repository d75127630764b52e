DROP TRIGGER messages_search_changed;
DROP TRIGGER messages_search_new;
DROP TABLE search_terms;
DROP TABLE search;
DROP TABLE search_queue;
