//! The tables themselves, read past the server: what is true in the end, and samples on the way.

mod postgres;
mod sqlite;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

/// Where the tables are.
pub enum Database {
    Postgres(postgres::Reader),
    Sqlite(PathBuf),
}

/// A row of a room's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    pub room: Uuid,
    pub seq: u64,
    pub kind: String,
    pub message: Option<Uuid>,
    pub user: Option<Uuid>,
    /// Of a reaction its sign; of who was put out, by whom and whether for good.
    pub data: Option<String>,
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    pub id: Uuid,
    pub room: Uuid,
    pub seq: u64,
    pub author: Uuid,
    pub key: Uuid,
    pub content: String,
    pub is_deleted: bool,
}

/// What somebody expresses about a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReactionRow {
    pub message: Uuid,
    pub user: Uuid,
    pub sign: String,
}

/// A file as it is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub id: Uuid,
    pub owner: Uuid,
    pub name: String,
    /// In hexadecimal digits.
    pub sha256: String,
    pub is_complete: bool,
    pub message: Option<Uuid>,
}

/// Everything, in the end.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// In the order of room and `seq`.
    pub log: Vec<LogRow>,
    pub messages: Vec<MessageRow>,
    pub reactions: Vec<ReactionRow>,
    pub files: Vec<FileRow>,
    /// Room and user.
    pub members: BTreeSet<(Uuid, Uuid)>,
}

/// A room and its log, as of one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomCount {
    pub room: Uuid,
    /// `last_seq` and `first_retained` of the room's row.
    pub head: u64,
    pub first: u64,
    /// Rows of the log, its least and greatest `seq`.
    pub rows: u64,
    pub least: u64,
    pub greatest: u64,
}

impl RoomCount {
    /// What is wrong with it, if something is: I2.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let Self { room, head, first, rows, least, greatest } = *self;
        let whole =
            rows == (head + 1).saturating_sub(first) && (rows == 0 || (least == first && greatest == head));
        (!whole).then(|| {
            format!("room {room} has {rows} entries from {least} to {greatest}, and its row says {first} to {head}")
        })
    }
}

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxRow {
    pub kind: String,
    pub id: Uuid,
    pub seq: u64,
}

impl Database {
    #[must_use]
    pub fn postgres(url: &str) -> Self {
        Self::Postgres(postgres::Reader::new(url))
    }

    /// Every log entry and every message.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn books(&self) -> Result<Books, String> {
        match self {
            Self::Postgres(reader) => reader.books().await,
            Self::Sqlite(path) => sqlite::on(path, sqlite::books).await,
        }
    }

    /// All rooms with what their logs hold, in one snapshot.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn counts(&self) -> Result<Vec<RoomCount>, String> {
        match self {
            Self::Postgres(reader) => reader.counts().await,
            Self::Sqlite(path) => sqlite::on(path, sqlite::counts).await,
        }
    }

    /// The heads of all rooms.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn heads(&self) -> Result<Vec<(Uuid, u64)>, String> {
        match self {
            Self::Postgres(reader) => reader.heads().await,
            Self::Sqlite(path) => sqlite::on(path, sqlite::heads).await,
        }
    }

    /// Who is in which room: room and user.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn members(&self) -> Result<BTreeSet<(Uuid, Uuid)>, String> {
        match self {
            Self::Postgres(reader) => reader.members().await,
            Self::Sqlite(path) => sqlite::on(path, sqlite::members).await,
        }
    }

    /// The outbox; a store for one process has none.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, String> {
        match self {
            Self::Postgres(reader) => reader.outbox().await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// Holds transactions that write to a log up in the middle, and then ends all connections.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn cut(&self, inside: Duration) -> Result<(), String> {
        match self {
            Self::Postgres(reader) => reader.cut(inside).await,
            Self::Sqlite(_) => Err("a file has no connections".to_owned()),
        }
    }

    /// How many messages are stored.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn message_count(&self) -> Result<u64, String> {
        match self {
            Self::Postgres(reader) => reader.message_count().await,
            Self::Sqlite(path) => sqlite::on(path, sqlite::message_count).await,
        }
    }
}

/// Every room with the rows of its log. One statement, so one snapshot in either database; ids as
/// `id` says.
fn counts_sql(id: &str) -> String {
    format!(
        "SELECT {id} AS room, r.last_seq AS head, r.first_retained AS first, count(l.seq) AS rows, \
         coalesce(min(l.seq), 0) AS least, coalesce(max(l.seq), 0) AS greatest \
         FROM rooms r LEFT JOIN log l ON l.room_id = r.id GROUP BY r.id, r.last_seq, r.first_retained"
    )
}

fn uuid(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

fn number(value: i64) -> u64 {
    // The tables hold no negative numbers; one would be seen as a wrong position.
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_with_a_hole_is_wrong() {
        let whole = RoomCount { room: Uuid::nil(), head: 9, first: 1, rows: 9, least: 1, greatest: 9 };
        assert_eq!(whole.wrong(), None);
        assert!(RoomCount { rows: 8, ..whole }.wrong().is_some());
        assert!(RoomCount { head: 10, ..whole }.wrong().is_some());
        assert!(RoomCount { greatest: 10, rows: 9, head: 9, least: 2, ..whole }.wrong().is_some());
        assert_eq!(RoomCount { first: 4, rows: 6, least: 4, ..whole }.wrong(), None, "pruned");
    }
}
