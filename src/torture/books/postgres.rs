//! The tables in PostgreSQL, over a connection of the test's own.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, Row};

use super::{
    Books, FileRow, LogRow, MessageRow, OutboxRow, ReactionRow, RoomCount, counts_sql, number, uuid,
};

/// A connection that is made anew when it was lost.
pub struct Reader {
    url: String,
    client: Mutex<Option<Client>>,
}

impl Reader {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: Mutex::new(None) }
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Row>, String> {
        let mut slot = self.client.lock().await;
        let client = match slot.take() {
            Some(client) if !client.is_closed() => client,
            _ => self.connect().await?,
        };
        let rows = client.query(sql, &[]).await.map_err(|error| format!("{error}: {sql}"))?;
        *slot = Some(client);
        Ok(rows)
    }

    async fn connect(&self) -> Result<Client, String> {
        let (client, connection) =
            tokio_postgres::connect(&self.url, NoTls).await.map_err(|error| error.to_string())?;
        tokio::spawn(async move {
            // Its end is seen by the next query.
            let _lost = connection.await;
        });
        Ok(client)
    }

    pub async fn books(&self) -> Result<Books, String> {
        let log = "SELECT room_id::text, seq, kind, message_id::text, user_id::text, data FROM log \
                   ORDER BY room_id, seq";
        let log = self.rows(log).await?.iter().map(log_row).collect::<Result<_, _>>()?;
        let messages = "SELECT id::text, room_id::text, seq, author_id::text, client_msg_id::text, content, deleted_at IS NOT NULL FROM messages";
        let messages = self.rows(messages).await?.iter().map(message_row).collect::<Result<_, _>>()?;
        let reactions = self.rows("SELECT message_id::text, user_id::text, emoji FROM reactions").await?;
        let reaction =
            |row: &Row| Ok(ReactionRow { message: id(row, 0)?, user: id(row, 1)?, sign: text(row, 2)? });
        let reactions = reactions.iter().map(reaction).collect::<Result<_, String>>()?;
        let files = "SELECT id::text, owner_id::text, name, encode(sha256, 'hex'), is_complete, message_id::text FROM files";
        let files = self.rows(files).await?.iter().map(file_row).collect::<Result<_, _>>()?;
        Ok(Books { log, messages, reactions, files, members: self.members().await? })
    }

    pub async fn members(&self) -> Result<BTreeSet<(uuid::Uuid, uuid::Uuid)>, String> {
        let rows = self.rows("SELECT room_id::text, user_id::text FROM members").await?;
        rows.iter().map(|row| Ok((id(row, 0)?, id(row, 1)?))).collect()
    }

    pub async fn counts(&self) -> Result<Vec<RoomCount>, String> {
        let rows = self.rows(&counts_sql("r.id::text")).await?;
        let count = |row: &Row| {
            Ok(RoomCount {
                room: id(row, 0)?,
                head: integer(row, 1)?,
                first: integer(row, 2)?,
                rows: integer(row, 3)?,
                least: integer(row, 4)?,
                greatest: integer(row, 5)?,
            })
        };
        rows.iter().map(count).collect()
    }

    pub async fn heads(&self) -> Result<Vec<(uuid::Uuid, u64)>, String> {
        let rows = self.rows("SELECT id::text, last_seq FROM rooms").await?;
        rows.iter().map(|row| Ok((id(row, 0)?, integer(row, 1)?))).collect()
    }

    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, String> {
        let rows = self.rows("SELECT kind, id::text, seq FROM outbox").await?;
        let row = |row: &Row| Ok(OutboxRow { kind: text(row, 0)?, id: id(row, 1)?, seq: integer(row, 2)? });
        rows.iter().map(row).collect()
    }

    pub async fn cut(&self, inside: Duration) -> Result<(), String> {
        let wrong = |error: tokio_postgres::Error| error.to_string();
        let client = self.connect().await?;
        client.batch_execute("BEGIN; LOCK TABLE log IN SHARE ROW EXCLUSIVE MODE").await.map_err(wrong)?;
        tokio::time::sleep(inside).await;
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query(others, &[]).await.map_err(wrong)?;
        client.batch_execute("ROLLBACK").await.map_err(wrong)
    }

    pub async fn message_count(&self) -> Result<u64, String> {
        let rows = self.rows("SELECT count(*) FROM messages").await?;
        integer(rows.first().ok_or("no count")?, 0)
    }
}

fn log_row(row: &Row) -> Result<LogRow, String> {
    Ok(LogRow {
        room: id(row, 0)?,
        seq: integer(row, 1)?,
        kind: text(row, 2)?,
        message: optional(row, 3)?,
        user: optional(row, 4)?,
        data: row.try_get(5).map_err(|error| error.to_string())?,
    })
}

fn file_row(row: &Row) -> Result<FileRow, String> {
    Ok(FileRow {
        id: id(row, 0)?,
        owner: id(row, 1)?,
        name: text(row, 2)?,
        sha256: text(row, 3)?,
        is_complete: flag(row, 4)?,
        message: optional(row, 5)?,
    })
}

fn message_row(row: &Row) -> Result<MessageRow, String> {
    Ok(MessageRow {
        id: id(row, 0)?,
        room: id(row, 1)?,
        seq: integer(row, 2)?,
        author: id(row, 3)?,
        key: id(row, 4)?,
        content: text(row, 5)?,
        is_deleted: flag(row, 6)?,
    })
}

fn text(row: &Row, column: usize) -> Result<String, String> {
    row.try_get(column).map_err(|error| error.to_string())
}

fn flag(row: &Row, column: usize) -> Result<bool, String> {
    row.try_get(column).map_err(|error| error.to_string())
}

fn optional(row: &Row, column: usize) -> Result<Option<uuid::Uuid>, String> {
    let text: Option<String> = row.try_get(column).map_err(|error| error.to_string())?;
    text.as_deref().map(uuid).transpose()
}

fn id(row: &Row, column: usize) -> Result<uuid::Uuid, String> {
    uuid(&text(row, column)?)
}

fn integer(row: &Row, column: usize) -> Result<u64, String> {
    row.try_get(column).map(number).map_err(|error| error.to_string())
}
