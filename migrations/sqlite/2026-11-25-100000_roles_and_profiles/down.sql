ALTER TABLE users DROP COLUMN status_text;
ALTER TABLE users DROP COLUMN display_name;
ALTER TABLE users DROP COLUMN deleted_at;
ALTER TABLE users DROP COLUMN disabled_at;
ALTER TABLE users DROP COLUMN server_role;
