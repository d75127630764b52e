DROP TABLE log;
DROP TABLE messages;
DROP TABLE members;
DROP TABLE rooms;
DROP TABLE refresh_tokens;
DROP TABLE logins;
DROP TABLE users;
DROP TABLE meta;
