DROP TABLE email_changes;
DROP TABLE proofs;
DROP TABLE letters;
ALTER TABLE logins DROP COLUMN network;
ALTER TABLE logins DROP COLUMN last_used_at;
ALTER TABLE users DROP COLUMN email_verified_at;
