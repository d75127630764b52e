DELETE FROM meta WHERE name = 'min_binary_schema';
