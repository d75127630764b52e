//! [`Threads`]: a root with its replies, and the marks in them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Text};

use super::SqliteStore;
use super::fault::{self, Fault};
use super::history::{Within, stretch};
use super::ids::{Ids, ids};
use super::rooms;
use super::rows::Key;
use super::schema::rooms as rooms_table;
use crate::domain::{MessageId, RoomId, Seq, Thread, Timestamp, UserId};
use crate::store::history::{Cut, Side};
use crate::store::plan::Writes;
use crate::store::threads::{Opened, Part, gathered, root_of};
use crate::store::{Answer, Place, ThreadPage, Threads};

/// The thread of a message that somebody may read. Its root may be from before he may.
fn opened(conn: &mut SqliteConnection, message: MessageId, viewer: UserId) -> Result<Opened, Fault> {
    let message = rooms::message(conn, message, viewer)?;
    let (root, head) = (root_of(&message), head(conn, message.room)?);
    let seen = if root == message.id {
        Some(message)
    } else {
        match rooms::message(conn, root, viewer) {
            Err(Fault::Refused(_)) => None,
            found => Some(found?),
        }
    };
    let from = match &seen {
        Some(message) => message.seq,
        None => rooms::visible_from(conn, root, viewer)?,
    };
    Ok(Opened { root, seen, from, head })
}

fn head(conn: &mut SqliteConnection, room: RoomId) -> Result<Seq, Fault> {
    let head: i64 =
        rooms_table::table.find(Key::from(room)).select(rooms_table::last_seq).get_result(conn)?;
    Ok(Seq::from_stored(head))
}

fn thread(
    conn: &mut SqliteConnection,
    message: MessageId,
    viewer: UserId,
    limit: usize,
    place: Place,
) -> Result<ThreadPage, Fault> {
    fault::read(conn, |conn| {
        let Opened { root, seen, from, head } = opened(conn, message, viewer)?;
        let (at, side) = match place {
            Place::Before(seq) => (seq, Side::Older),
            Place::After(seq) => (seq.next(), Side::Newer),
            Place::Newest | Place::Around(_) | Place::At(_) => (head.next(), Side::Older),
        };
        let cut = Cut::new(at, side, limit);
        let (older, newer) = cut.reads();
        let within = Within::Thread(root);
        let older = stretch(conn, within, from..at, older, true)?;
        let newer = stretch(conn, within, at.max(from)..head.next(), newer, false)?;
        Ok(ThreadPage { root: seen, page: cut.page(older, newer) })
    })
}

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = Binary)]
    root: Key,
    #[diesel(sql_type = Binary)]
    author_id: Key,
    #[diesel(sql_type = BigInt)]
    replies: i64,
    #[diesel(sql_type = BigInt)]
    last_at: i64,
    #[diesel(sql_type = BigInt)]
    last_seq: i64,
    #[diesel(sql_type = BigInt)]
    unread: i64,
}

/// What there is to tell of the threads that these began, a list as [`Ids`] has it.
pub(super) fn of(conn: &mut SqliteConnection, roots: &Ids, viewer: UserId) -> Result<Vec<Thread>, Fault> {
    let rows: Vec<PartRow> = sql_query(concat!(
        "SELECT x.thread_root AS root, x.author_id, count(*) AS replies, max(x.created_at) AS last_at, \
         max(x.seq) AS last_seq, \
         sum(x.seq > max(coalesce(k.read_seq, 0), coalesce(m.joined_seq, 0))) AS unread \
         FROM messages x LEFT JOIN thread_marks k ON k.root_id = x.thread_root AND k.user_id = ? \
         LEFT JOIN members m ON m.room_id = x.room_id AND m.user_id = ? WHERE x.thread_root IN ",
        ids!(),
        " AND x.deleted_at IS NULL GROUP BY x.thread_root, x.author_id ORDER BY x.thread_root",
    ))
    .bind::<Binary, _>(Key::from(viewer))
    .bind::<Binary, _>(Key::from(viewer))
    .bind::<Text, _>(roots.as_str())
    .load(conn)?;
    let part = |row: PartRow| Part {
        root: row.root.into(),
        author: row.author_id.into(),
        replies: row.replies,
        last_at: Timestamp::from_millis(row.last_at),
        last_seq: Seq::from_stored(row.last_seq),
        unread: row.unread,
    };
    Ok(gathered(rows.into_iter().map(part), viewer))
}

const MOVE: &str = "INSERT INTO thread_marks (root_id, user_id, read_seq) VALUES (?, ?, ?) \
    ON CONFLICT (root_id, user_id) DO UPDATE SET read_seq = max(read_seq, excluded.read_seq)";

fn move_mark(conn: &mut SqliteConnection, root: MessageId, user: UserId, read: Seq) -> Result<(), Fault> {
    sql_query(MOVE)
        .bind::<Binary, _>(Key::from(root))
        .bind::<Binary, _>(Key::from(user))
        .bind::<BigInt, _>(read.stored())
        .execute(conn)?;
    Ok(())
}

/// Who answers has read what was there.
pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for (root, user, seq) in writes.thread_marks() {
        move_mark(conn, root, user, seq)?;
    }
    Ok(())
}

impl Threads for SqliteStore {
    fn thread(
        &self,
        message: MessageId,
        viewer: UserId,
        limit: usize,
        place: Place,
    ) -> Answer<'_, ThreadPage> {
        self.executor.read(move |conn| thread(conn, message, viewer, limit, place))
    }

    fn read_thread(&self, message: MessageId, user: UserId, read: Seq) -> Answer<'_, ()> {
        self.executor.write(move |conn| {
            fault::write(conn, |conn| {
                let Opened { root, head, .. } = opened(conn, message, user)?;
                move_mark(conn, root, user, read.min(head))
            })
        })
    }
}
