-- `min_binary_schema` is the oldest schema that a server must know to use this one: a migration that
-- takes something away raises it. A server that is older than this row refuses whatever it does not
-- know.
INSERT INTO meta (name, value) VALUES ('min_binary_schema', CAST('20261121000000' AS BLOB));
