ALTER TABLE messages DROP COLUMN removed_reason;
ALTER TABLE messages DROP COLUMN removed_by;
