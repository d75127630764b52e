//! [`Threads`]: a root with its replies, and the marks in them.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::history::{Within, stretch};
use super::pipeline::Pipeline;
use super::schema::rooms as rooms_table;
use super::statements::statement;
use super::{PgStore, rooms, transaction};
use crate::domain::{MessageId, Seq, Thread, Timestamp, UserId};
use crate::store::history::{Cut, Side};
use crate::store::plan::Writes;
use crate::store::threads::{Opened, Part, gathered, root_of};
use crate::store::{Answer, Place, ThreadPage, Threads};

/// The thread of a message that somebody may read. Its root may be from before he may.
async fn opened(conn: &mut AsyncPgConnection, message: MessageId, viewer: UserId) -> Result<Opened, Fault> {
    let message = rooms::message(conn, message, viewer).await?;
    let room = rooms_table::table.find(message.room.0).select(rooms_table::last_seq);
    let head: i64 = room.get_result(conn).await?;
    let (root, head) = (root_of(&message), Seq::from_stored(head));
    let seen = if root == message.id {
        Some(message)
    } else {
        match rooms::message(conn, root, viewer).await {
            Err(Fault::Refused(_)) => None,
            found => Some(found?),
        }
    };
    let from = match &seen {
        Some(message) => message.seq,
        None => rooms::visible_from(conn, root, viewer).await?,
    };
    Ok(Opened { root, seen, from, head })
}

async fn thread(
    conn: &mut AsyncPgConnection,
    message: MessageId,
    viewer: UserId,
    limit: usize,
    place: Place,
) -> Result<ThreadPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        let Opened { root, seen, from, head } = opened(conn, message, viewer).await?;
        let (at, side) = match place {
            Place::Before(seq) => (seq, Side::Older),
            Place::After(seq) => (seq.next(), Side::Newer),
            Place::Newest | Place::Around(_) | Place::At(_) => (head.next(), Side::Older),
        };
        let cut = Cut::new(at, side, limit);
        let (older, newer) = cut.reads();
        let within = Within::Thread(root);
        let older = stretch(conn, within, from..at, older, true).await?;
        let newer = stretch(conn, within, at.max(from)..head.next(), newer, false).await?;
        Ok(ThreadPage { root: seen, page: cut.page(older, newer) })
    })
    .await
}

statement! {
    /// What each person wrote in each thread.
    Parts { viewer: Uuid => SqlUuid, member: Uuid => SqlUuid, roots: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, SqlUuid, BigInt, BigInt, BigInt, BigInt),
    "SELECT x.thread_root, x.author_id, count(*), max(x.created_at), max(x.seq), \
     count(*) FILTER (WHERE x.seq > greatest(coalesce(k.read_seq, 0), coalesce(m.joined_seq, 0))) \
     FROM messages x LEFT JOIN thread_marks k ON k.root_id = x.thread_root AND k.user_id = ? \
     LEFT JOIN members m ON m.room_id = x.room_id AND m.user_id = ? \
     WHERE x.thread_root = ANY(?) AND x.deleted_at IS NULL \
     GROUP BY x.thread_root, x.author_id ORDER BY x.thread_root"
}

type PartRow = (Uuid, Uuid, i64, i64, i64, i64);

/// What there is to tell of the threads that these began.
pub(super) async fn of(
    mut conn: &AsyncPgConnection,
    roots: &[MessageId],
    viewer: UserId,
) -> QueryResult<Vec<Thread>> {
    let roots = roots.iter().map(|root| root.0).collect();
    let rows: Vec<PartRow> = Parts { viewer: viewer.0, member: viewer.0, roots }.load(&mut conn).await?;
    let part = |(root, author, replies, last_at, last_seq, unread): PartRow| Part {
        root: MessageId(root),
        author: UserId(author),
        replies,
        last_at: Timestamp::from_millis(last_at),
        last_seq: Seq::from_stored(last_seq),
        unread,
    };
    Ok(gathered(rows.into_iter().map(part), viewer))
}

statement! {
    /// Rows in one order, so that nobody waits in a circle.
    MoveThreadMarks {
        roots: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO thread_marks AS k (root_id, user_id, read_seq) \
     SELECT w.root, w.person, max(w.seq) FROM unnest(?, ?, ?) AS w (root, person, seq) \
     GROUP BY w.root, w.person ORDER BY w.root, w.person \
     ON CONFLICT (root_id, user_id) DO UPDATE SET read_seq = greatest(k.read_seq, excluded.read_seq)"
}

impl MoveThreadMarks {
    fn new(marks: &[(MessageId, UserId, Seq)]) -> Self {
        Self {
            roots: marks.iter().map(|(root, ..)| root.0).collect(),
            users: marks.iter().map(|(_, user, _)| user.0).collect(),
            seqs: marks.iter().map(|(.., seq)| seq.stored()).collect(),
        }
    }
}

/// Who answers has read what was there.
pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    let marks: Vec<_> = writes.thread_marks().collect();
    pipeline.add(marks.len(), || MoveThreadMarks::new(&marks));
}

async fn read_thread(
    conn: &mut AsyncPgConnection,
    message: MessageId,
    user: UserId,
    read: Seq,
) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        let Opened { root, head, .. } = opened(conn, message, user).await?;
        MoveThreadMarks::new(&[(root, user, read.min(head))]).execute(conn).await?;
        Ok(())
    })
    .await
}

impl Threads for PgStore {
    fn thread(
        &self,
        message: MessageId,
        viewer: UserId,
        limit: usize,
        place: Place,
    ) -> Answer<'_, ThreadPage> {
        self.executor.read((), move |conn, ()| thread(conn, message, viewer, limit, place).boxed())
    }

    fn read_thread(&self, message: MessageId, user: UserId, read: Seq) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| read_thread(conn, message, user, read).boxed())
    }
}
