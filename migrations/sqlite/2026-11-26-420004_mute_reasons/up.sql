-- Why members may not write for a time. Expands only: servers that do not know it tell only until when.
ALTER TABLE conduct ADD COLUMN mute_reason TEXT;
