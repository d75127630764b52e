-- Who took a message away that was another's, and why. Expands only: servers that do not know it tell that it
-- was deleted.
ALTER TABLE messages ADD COLUMN removed_by BLOB;
ALTER TABLE messages ADD COLUMN removed_reason TEXT;
