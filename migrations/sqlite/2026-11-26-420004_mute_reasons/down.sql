ALTER TABLE conduct DROP COLUMN mute_reason;
