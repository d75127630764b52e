ALTER TABLE conduct DROP COLUMN muted_until;
