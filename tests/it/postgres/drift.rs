//! The tables in diesel's words say what the migrations leave, for both backends. Asked of the
//! databases themselves, so that no tool is needed.

use std::collections::BTreeMap;

use chat::domain::Epoch;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::{ask, database};
use crate::architecture::read;
use crate::contract::support::new_id;

/// Table and column, and the column's type in diesel's words.
type Columns = BTreeMap<String, String>;

/// What the `table!` blocks of a file declare.
fn declared(file: &str) -> Columns {
    let mut columns = Columns::new();
    let mut table = None;
    let source = read(file);
    for line in source.lines().map(str::trim).filter(|line| !line.starts_with("diesel::")) {
        if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let table = table.as_deref().expect("a column stands in a table");
            columns.insert(format!("{table}.{column}"), kind.to_owned());
        } else if let Some((name, key)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            table = Some(name.to_owned());
            columns.insert(format!("{name} (key)"), key.to_owned());
        }
    }
    assert!(columns.len() > 50, "{file} was not understood");
    columns
}

fn nullable(kind: &str, not_null: bool) -> String {
    if not_null { kind.to_owned() } else { format!("Nullable<{kind}>") }
}

#[test]
fn the_tables_of_postgres_are_declared_as_they_are() {
    let found = ask(
        &database(),
        "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable FROM information_schema.columns c
         WHERE c.table_schema = 'public' AND c.table_name <> '__diesel_schema_migrations'
         UNION ALL SELECT relname, '(key)', string_agg(attname, ', ' ORDER BY place), 'NO' FROM (
           SELECT t.relname, a.attname, array_position(i.indkey::int2[], a.attnum) AS place FROM pg_index i
           JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid
             AND a.attnum = ANY(i.indkey)
           WHERE i.indisprimary AND t.relnamespace = 'public'::regnamespace) k
         WHERE relname <> '__diesel_schema_migrations' GROUP BY relname",
    );
    let mut columns = Columns::new();
    for line in found.lines() {
        let [table, column, kind, is_nullable] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if column == "(key)" {
            columns.insert(format!("{table} (key)"), kind.to_owned());
            continue;
        }
        let word = match kind {
            "uuid" => "Uuid",
            "text" => "Text",
            "bigint" => "BigInt",
            "bytea" => "Binary",
            "boolean" => "Bool",
            // The only one is of integers.
            "ARRAY" => "Array<Integer>",
            other => panic!("{table}.{column}: {other}"),
        };
        columns.insert(format!("{table}.{column}"), nullable(word, is_nullable == "NO"));
    }
    assert_eq!(columns, declared("src/store/postgres/schema.rs"));
}

#[test]
fn the_tables_of_sqlite_are_declared_as_they_are() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    drop(SqliteStore::open(&path, SqliteOptions::new(Epoch(new_id()))).expect("a database"));
    let mut conn = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a connection");
    type Row = (String, String, String, bool, String);
    let rows: Vec<Row> = diesel::dsl::sql::<(Text, Text, Text, Bool, Text)>(
        "SELECT t.name, c.name, c.type, c.\"notnull\", coalesce((SELECT group_concat(name, ', ') FROM
           (SELECT k.name FROM pragma_table_info(t.name) k WHERE k.pk > 0 ORDER BY k.pk)), '')
         FROM sqlite_master t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '__diesel_schema_migrations'
           AND t.name NOT LIKE 'search\\_terms%' ESCAPE '\\'",
    )
    .load(&mut conn)
    .expect("a list");
    let mut columns = Columns::new();
    for (table, column, kind, not_null, key) in rows {
        let word = match kind.as_str() {
            "BLOB" => "Binary",
            "TEXT" => "Text",
            "BIGINT" | "INTEGER" => "BigInt",
            "BOOLEAN" => "Bool",
            other => panic!("{table}.{column}: {other}"),
        };
        columns.insert(format!("{table}.{column}"), nullable(word, not_null));
        columns.insert(format!("{table} (key)"), key);
    }
    assert_eq!(columns, declared("src/store/sqlite/schema.rs"));
}
