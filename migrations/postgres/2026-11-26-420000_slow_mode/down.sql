DROP TABLE conduct;
ALTER TABLE rooms DROP COLUMN slow_mode;
