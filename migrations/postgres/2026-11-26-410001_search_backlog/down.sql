DELETE FROM search_queue;
