//! The tables in the one file of a single process, which may be writing to it meanwhile.

use std::collections::BTreeSet;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use uuid::Uuid;

use super::{Books, FileRow, LogRow, MessageRow, ReactionRow, RoomCount, counts_sql, number, uuid};

/// Runs `read` on a connection, where it may block.
pub async fn on<T: Send + 'static>(
    path: &Path,
    read: fn(&mut SqliteConnection) -> Result<T, String>,
) -> Result<T, String> {
    let path = path.to_string_lossy().into_owned();
    let work = move || {
        let mut connection = SqliteConnection::establish(&path).map_err(|error| error.to_string())?;
        connection.batch_execute("PRAGMA busy_timeout = 5000").map_err(|error| error.to_string())?;
        read(&mut connection)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

fn all<T>(connection: &mut SqliteConnection, sql: &str) -> Result<Vec<T>, String>
where
    T: diesel::deserialize::QueryableByName<diesel::sqlite::Sqlite> + 'static,
{
    diesel::sql_query(sql).load(connection).map_err(|error| error.to_string())
}

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = Text)]
    room: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    data: Option<String>,
}

#[derive(QueryableByName)]
struct Message {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    room: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    author: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    content: String,
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
}

#[derive(QueryableByName)]
struct Reaction {
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = Text)]
    user: String,
    #[diesel(sql_type = Text)]
    emoji: String,
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sha256: String,
    #[diesel(sql_type = Bool)]
    is_complete: bool,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
}

#[derive(QueryableByName)]
struct Membership {
    #[diesel(sql_type = Text)]
    room: String,
    #[diesel(sql_type = Text)]
    user: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    room: String,
    #[diesel(sql_type = BigInt)]
    head: i64,
    #[diesel(sql_type = BigInt)]
    first: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    least: i64,
    #[diesel(sql_type = BigInt)]
    greatest: i64,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

pub fn books(connection: &mut SqliteConnection) -> Result<Books, String> {
    let log = "SELECT lower(hex(room_id)) AS room, seq, kind, lower(hex(message_id)) AS message, \
               lower(hex(user_id)) AS user, data FROM log ORDER BY room_id, seq";
    let log = all::<Entry>(connection, log)?.into_iter().map(|row| {
        Ok::<_, String>(LogRow {
            room: uuid(&row.room)?,
            seq: number(row.seq),
            kind: row.kind,
            message: optional(row.message)?,
            user: optional(row.user)?,
            data: row.data,
        })
    });
    let log = log.collect::<Result<_, _>>()?;
    let messages = "SELECT lower(hex(id)) AS id, lower(hex(room_id)) AS room, seq, \
                    lower(hex(author_id)) AS author, lower(hex(client_msg_id)) AS key, content, deleted_at IS NOT NULL AS is_deleted FROM messages";
    let messages = all::<Message>(connection, messages)?.into_iter().map(|row| {
        Ok::<_, String>(MessageRow {
            id: uuid(&row.id)?,
            room: uuid(&row.room)?,
            seq: number(row.seq),
            author: uuid(&row.author)?,
            key: uuid(&row.key)?,
            content: row.content,
            is_deleted: row.is_deleted,
        })
    });
    let messages = messages.collect::<Result<_, _>>()?;
    let reactions =
        "SELECT lower(hex(message_id)) AS message, lower(hex(user_id)) AS user, emoji FROM reactions";
    let reactions = all::<Reaction>(connection, reactions)?.into_iter().map(|row| {
        Ok::<_, String>(ReactionRow { message: uuid(&row.message)?, user: uuid(&row.user)?, sign: row.emoji })
    });
    let reactions = reactions.collect::<Result<_, _>>()?;
    let files = "SELECT lower(hex(id)) AS id, lower(hex(owner_id)) AS owner, name, \
                 lower(hex(sha256)) AS sha256, is_complete, lower(hex(message_id)) AS message FROM files";
    let files = all::<Kept>(connection, files)?.into_iter().map(|row| {
        Ok::<_, String>(FileRow {
            id: uuid(&row.id)?,
            owner: uuid(&row.owner)?,
            name: row.name,
            sha256: row.sha256,
            is_complete: row.is_complete,
            message: optional(row.message)?,
        })
    });
    let files = files.collect::<Result<_, _>>()?;
    Ok(Books { log, messages, reactions, files, members: members(connection)? })
}

/// `hex` of nothing is an empty text.
fn optional(text: Option<String>) -> Result<Option<Uuid>, String> {
    text.filter(|text| !text.is_empty()).as_deref().map(uuid).transpose()
}

pub fn members(connection: &mut SqliteConnection) -> Result<BTreeSet<(Uuid, Uuid)>, String> {
    let sql = "SELECT lower(hex(room_id)) AS room, lower(hex(user_id)) AS user FROM members";
    let rows = all::<Membership>(connection, sql)?;
    rows.iter().map(|row| Ok((uuid(&row.room)?, uuid(&row.user)?))).collect()
}

pub fn counts(connection: &mut SqliteConnection) -> Result<Vec<RoomCount>, String> {
    let rows: Vec<Count> = all(connection, &counts_sql("lower(hex(r.id))"))?;
    let count = |row: Count| {
        Ok(RoomCount {
            room: uuid(&row.room)?,
            head: number(row.head),
            first: number(row.first),
            rows: number(row.rows),
            least: number(row.least),
            greatest: number(row.greatest),
        })
    };
    rows.into_iter().map(count).collect()
}

pub fn heads(connection: &mut SqliteConnection) -> Result<Vec<(Uuid, u64)>, String> {
    Ok(counts(connection)?.into_iter().map(|count| (count.room, count.head)).collect())
}

pub fn message_count(connection: &mut SqliteConnection) -> Result<u64, String> {
    let rows: Vec<Number> = all(connection, "SELECT count(*) AS n FROM messages")?;
    rows.first().map(|row| number(row.n)).ok_or_else(|| "no count".to_owned())
}
