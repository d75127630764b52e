//! The users' own logs, their marks, and what is unread. Next: [`super::append`], which writes to
//! them when people join and leave.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use uuid::Uuid;

use super::fault::Fault;
use super::log::head;
use super::pipeline::Pipeline;
use super::rooms::{cut, one_more, readable};
use super::rows::{UserEntryRow, marks, unread};
use super::schema::{members, user_log, users};
use super::statements::statement;
use super::transaction;
use super::writes::{LockUsers, MoveMarks, NoteGrowth, tell, user_growth};
use crate::domain::{
    Counts, MarkMove, Marks, Notifications, Refusal, RoomId, RoomSettings, RoomState, Seq, Timestamp, Unread,
    UserChange, UserEntry, UserId, policy,
};
use crate::store::{MarksPage, Moved, UserHeads, UserLogPage};

statement! {
    /// Where a user and all his rooms stand: one row for each room, or one without a room. The
    /// counts are taken in their indexes alone.
    HeadsOf { user: Uuid => SqlUuid } -> (
        BigInt,
        Nullable<(SqlUuid, BigInt, BigInt)>,
        Nullable<(BigInt, BigInt, BigInt)>,
        (BigInt, BigInt),
        (Nullable<Text>, Nullable<BigInt>, Nullable<Bool>),
    ),
    "SELECT u.user_seq, r.id, r.last_seq, r.first_retained, r.message_count, m.received_seq, m.read_seq, \
     (SELECT count(*) FROM messages x WHERE x.room_id = m.room_id AND x.seq > m.read_seq \
       AND x.author_id <> m.user_id AND x.deleted_at IS NULL), \
     (SELECT count(*) FROM mentions y WHERE y.room_id = m.room_id AND y.user_id = m.user_id \
       AND y.seq > m.read_seq), m.notifications, m.muted_until, m.is_favourite \
     FROM users u LEFT JOIN members m ON m.user_id = u.id LEFT JOIN rooms r ON r.id = m.room_id \
     WHERE u.id = ? ORDER BY r.last_activity DESC, r.id DESC"
}

type Set = (Option<String>, Option<i64>, Option<bool>);
type HeadsRow = (i64, Option<(Uuid, i64, i64)>, Option<(i64, i64, i64)>, (i64, i64), Set);

/// One statement: what a reconnect costs.
pub(super) async fn heads_of(conn: &mut AsyncPgConnection, user: UserId) -> Result<UserHeads, Fault> {
    let rows: Vec<HeadsRow> = HeadsOf { user: user.0 }.load(conn).await?;
    let mut heads = UserHeads::default();
    for (user_seq, room, numbers, counts, (notifications, muted_until, is_favourite)) in rows {
        heads.user_seq = Seq::from_stored(user_seq);
        // Both are there, or none: who is in no room has one row without.
        let (Some(room), Some((messages, received, read))) = (room, numbers) else { continue };
        heads.rooms.push(RoomState {
            head: head(room),
            messages: u64::try_from(messages).unwrap_or(0),
            marks: marks((received, read)),
            unread: unread(counts),
            settings: RoomSettings {
                notifications: notifications.as_deref().map(Notifications::from_stored).unwrap_or_default(),
                muted_until: muted_until.map(Timestamp::from_millis),
                is_favourite: is_favourite.unwrap_or_default(),
            },
        });
    }
    Ok(heads)
}

statement! {
    /// As [`HeadsOf`], of these people in these rooms.
    CountsOf { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, SqlUuid, (BigInt, BigInt), (BigInt, BigInt), (BigInt, BigInt)),
    "SELECT m.room_id, m.user_id, r.last_seq, r.message_count, m.received_seq, m.read_seq, \
     (SELECT count(*) FROM messages x WHERE x.room_id = m.room_id AND x.seq > m.read_seq \
       AND x.author_id <> m.user_id AND x.deleted_at IS NULL), \
     (SELECT count(*) FROM mentions y WHERE y.room_id = m.room_id AND y.user_id = m.user_id \
       AND y.seq > m.read_seq) \
     FROM unnest(?, ?) AS w (room, person) \
     JOIN members m ON m.room_id = w.room AND m.user_id = w.person JOIN rooms r ON r.id = m.room_id"
}

type CountsRow = (Uuid, Uuid, (i64, i64), (i64, i64), (i64, i64));

/// One statement.
pub(super) async fn counts_of(
    conn: &mut AsyncPgConnection,
    asked: &[(RoomId, UserId)],
) -> Result<Vec<Counts>, Fault> {
    let (rooms, users) = asked.iter().map(|(room, user)| (room.0, user.0)).unzip();
    let rows: Vec<CountsRow> = CountsOf { rooms, users }.load(conn).await?;
    let counts = |(room, user, (head, messages), read, counts)| Counts {
        room: RoomId(room),
        user: UserId(user),
        head: Seq::from_stored(head),
        messages: u64::try_from(messages).unwrap_or(0),
        marks: marks(read),
        unread: unread(counts),
    };
    Ok(rows.into_iter().map(counts).collect())
}

statement! {
    /// Locks memberships and answers their marks.
    LockMarks { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, SqlUuid, BigInt, BigInt),
    "SELECT m.room_id, m.user_id, m.received_seq, m.read_seq FROM unnest(?, ?) AS w (room, person) \
     JOIN members m ON m.room_id = w.room AND m.user_id = w.person \
     ORDER BY m.room_id, m.user_id FOR NO KEY UPDATE OF m"
}

statement! {
    RoomsOfMarks { rooms: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, Bool, BigInt),
    "SELECT id, is_private, last_seq FROM rooms WHERE id = ANY(?)"
}

statement! {
    /// What is unread above these marks, in the order given.
    CountUnread {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        reads: Vec<i64> => Array<BigInt>,
    } -> (BigInt, BigInt),
    "SELECT (SELECT count(*) FROM messages x WHERE x.room_id = w.room AND x.seq > w.read \
       AND x.author_id <> w.person AND x.deleted_at IS NULL), \
     (SELECT count(*) FROM mentions y WHERE y.room_id = w.room AND y.user_id = w.person AND y.seq > w.read) \
     FROM unnest(?, ?, ?) WITH ORDINALITY AS w (room, person, read, n) ORDER BY w.n"
}

/// A wish, the marks before it, and those after it.
type Judged = Result<(MarkMove, Marks, Marks), Refusal>;

/// Locks, counts, writes: three round trips and the commit, however many moves.
pub(super) async fn move_marks(
    conn: &mut AsyncPgConnection,
    moves: &[MarkMove],
    now: Timestamp,
) -> Result<Vec<Result<Moved, Refusal>>, Fault> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let (merged, became) = MarkMove::merge(moves);
    let moved = transaction::write(conn, async |conn| {
        let (judged, user_seqs) = judge(conn, &merged).await?;
        let counts = count(conn, &judged).await?;
        let mut told = Vec::new();
        let mut heads = user_seqs;
        let mut counts = counts.into_iter();
        let mut moved = Vec::with_capacity(judged.len());
        for verdict in &judged {
            moved.push(match verdict {
                Err(refusal) => Err(refusal.clone()),
                Ok((wish, before, marks)) => {
                    let unread = counts.next().unwrap_or_default();
                    let (marks, before) = (*marks, *before);
                    let change = UserChange::MarkMoved { room: wish.room, marks, unread };
                    let entry = (marks != before).then(|| {
                        let seq = heads.entry(wish.user).or_default();
                        *seq = seq.next();
                        UserEntry { user: wish.user, seq: *seq, at: now, change }
                    });
                    told.extend(entry.clone());
                    Ok(Moved { marks, unread, entry })
                }
            });
        }
        if !told.is_empty() {
            let wishes = judged.iter().flatten();
            let rows: Vec<_> = wishes.map(|(wish, _, marks)| (wish.room, wish.user, *marks)).collect();
            let mut pipeline = Pipeline::new(conn);
            pipeline.add(rows.len(), || MoveMarks::new(&rows));
            tell(&mut pipeline, &told);
            pipeline.add(told.len(), || NoteGrowth::new(user_growth(&told)));
            pipeline.run().await?;
        }
        Ok(moved)
    })
    .await?;
    Ok(became.into_iter().filter_map(|place| moved.get(place).cloned()).collect())
}

/// Takes the locks and says where each wish leads.
async fn judge(
    conn: &mut AsyncPgConnection,
    wishes: &[MarkMove],
) -> Result<(Vec<Judged>, HashMap<UserId, Seq>), Fault> {
    let users: Vec<Uuid> = wishes.iter().map(|wish| wish.user.0).collect();
    let rooms: Vec<Uuid> = wishes.iter().map(|wish| wish.room.0).collect();
    let shared: &AsyncPgConnection = conn;
    let (mut a, mut b, mut c) = (shared, shared, shared);
    // In this order: first the users, then their memberships, then what may have grown meanwhile.
    let (found, memberships, heads) = try_join!(
        LockUsers { users: users.clone() }.load::<(Uuid, String, i64)>(&mut a),
        LockMarks { rooms: rooms.clone(), users }.load::<(Uuid, Uuid, i64, i64)>(&mut b),
        RoomsOfMarks { rooms }.load::<(Uuid, bool, i64)>(&mut c),
    )?;
    let user_seqs = found.into_iter().map(|(id, _, seq)| (UserId(id), Seq::from_stored(seq))).collect();
    let memberships: HashMap<(Uuid, Uuid), Marks> = memberships
        .into_iter()
        .map(|(room, user, received, read)| ((room, user), marks((received, read))))
        .collect();
    let heads: HashMap<Uuid, (bool, Seq)> =
        heads.into_iter().map(|(id, private, seq)| (id, (private, Seq::from_stored(seq)))).collect();
    let judged = wishes
        .iter()
        .map(|wish| {
            let (is_private, head) = *heads.get(&wish.room.0).ok_or(Refusal::NotFound("room"))?;
            let before =
                *memberships.get(&(wish.room.0, wish.user.0)).ok_or_else(|| policy::outsider(is_private))?;
            Ok((*wish, before, before.moved(wish.received, wish.read, head)))
        })
        .collect();
    Ok((judged, user_seqs))
}

/// What is unread after each wish that was granted.
async fn count(conn: &mut AsyncPgConnection, judged: &[Judged]) -> Result<Vec<Unread>, Fault> {
    let granted: Vec<_> = judged.iter().flatten().collect();
    if granted.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<(i64, i64)> = CountUnread {
        rooms: granted.iter().map(|(wish, ..)| wish.room.0).collect(),
        users: granted.iter().map(|(wish, ..)| wish.user.0).collect(),
        reads: granted.iter().map(|(_, _, marks)| marks.read.stored()).collect(),
    }
    .load(conn)
    .await?;
    Ok(counts.into_iter().map(unread).collect())
}

pub(super) async fn marks_of(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    after: Option<Seq>,
) -> Result<MarksPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        readable(conn, room, viewer).await?;
        let mut rows: Vec<(i64, Uuid, i64, i64)> = members::table
            .filter(members::room_id.eq(room.0))
            .filter(members::joined_seq.gt(after.unwrap_or(Seq::START).stored()))
            .order(members::joined_seq)
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select((members::joined_seq, members::user_id, members::received_seq, members::read_seq))
            .load(conn)
            .await?;
        let more = cut(&mut rows, limit);
        let next = rows.last().filter(|_| more).map(|(joined, ..)| Seq::from_stored(*joined));
        let marks = rows
            .into_iter()
            .map(|(_, user, received, read)| (UserId(user), marks((received, read))))
            .collect();
        Ok(MarksPage { marks, next })
    })
    .await
}

pub(super) async fn user_log_page(
    conn: &mut AsyncPgConnection,
    user: UserId,
    after: Seq,
    limit: usize,
) -> Result<UserLogPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        let found: Option<(i64, i64)> = users::table
            .find(user.0)
            .select((users::user_seq, users::user_first_retained))
            .get_result(conn)
            .await
            .optional()?;
        // Nobody's log is an empty one.
        let (head, first_retained) = found.unwrap_or((0, 1));
        let (head, first_retained) = (Seq::from_stored(head), Seq::from_stored(first_retained));
        let mut entries = Vec::new();
        if after < head {
            let rows: Vec<UserEntryRow> = user_log::table
                .filter(user_log::user_id.eq(user.0))
                .filter(user_log::seq.gt(after.stored()))
                .order(user_log::seq)
                .limit(i64::try_from(limit).unwrap_or(i64::MAX))
                .select(UserEntryRow::as_select())
                .load(conn)
                .await?;
            entries.extend(rows.into_iter().map(UserEntry::from));
        }
        Ok(UserLogPage { entries, head, first_retained })
    })
    .await
}

statement! {
    HeadsOfUsers { users: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, BigInt),
    "SELECT id, user_seq FROM users WHERE id = ANY(?)"
}

/// One statement.
pub(super) async fn user_heads(
    conn: &mut AsyncPgConnection,
    asked: &[UserId],
) -> Result<Vec<(UserId, Seq)>, Fault> {
    let users = asked.iter().map(|user| user.0).collect();
    let rows: Vec<(Uuid, i64)> = HeadsOfUsers { users }.load(conn).await?;
    Ok(rows.into_iter().map(|(user, seq)| (UserId(user), Seq::from_stored(seq))).collect())
}
