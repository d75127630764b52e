DROP TABLE thread_marks;
DROP INDEX messages_of_thread;
ALTER TABLE messages DROP COLUMN thread_root;
