-- Members who may not write for a time. Expands only: servers that do not know it let them write.
ALTER TABLE conduct ADD COLUMN muted_until BIGINT;
