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
use crate::domain::{Message, MessageId, RoomId, Seq, Thread, Timestamp, UserId};
use crate::store::history::{Cut, Side};
use crate::store::plan::Writes;
use crate::store::threads::{Part, gathered, root_of};
use crate::store::{Answer, Place, ThreadPage, Threads};

/// The root of the thread, for somebody who may read it, and where the room's log stands.
fn opened(conn: &mut SqliteConnection, message: MessageId, viewer: UserId) -> Result<(Message, Seq), Fault> {
    let message = rooms::message(conn, message, viewer)?;
    let root = if message.thread_root.is_some() {
        rooms::message(conn, root_of(&message), viewer)?
    } else {
        message
    };
    let head = head(conn, root.room)?;
    Ok((root, head))
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
        let (root, head) = opened(conn, message, viewer)?;
        let (at, side) = match place {
            Place::Before(seq) => (seq, Side::Older),
            Place::After(seq) => (seq.next(), Side::Newer),
            Place::Newest | Place::Around(_) | Place::At(_) => (head.next(), Side::Older),
        };
        let cut = Cut::new(at, side, limit);
        let (older, newer) = cut.reads();
        let within = Within::Thread(root.id);
        let older = stretch(conn, within, root.seq..at, older, true)?;
        let newer = stretch(conn, within, at..head.next(), newer, false)?;
        Ok(ThreadPage { root, page: cut.page(older, newer) })
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
                let (root, head) = opened(conn, message, user)?;
                move_mark(conn, root.id, user, read.min(head))
            })
        })
    }
}
