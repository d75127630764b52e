DROP TABLE reporters;
DROP TABLE reports;
