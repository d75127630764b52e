//! Statements that diesel would not keep prepared, as it plans every `UPDATE` anew, or that it has no
//! words for. Written out here, each is prepared once per connection and found by its type. Next: [`super::append`].

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::rows::{Key, NewEntry};
use crate::domain::{Marks, RoomId, UserId};
use crate::store::plan::Totals;

/// Finds the messages that so many keys of senders stand for. Of a fixed number, so that the text
/// is fixed: one statement for many keys is cheaper than one for each.
pub(super) struct FindKeys<const N: usize>(pub(super) [(Key, Key); N]);

impl<const N: usize> QueryFragment<Sqlite> for FindKeys<N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT m.author_id, m.client_msg_id, m.id FROM (VALUES ");
        for (n, (author, key)) in self.0.iter().enumerate() {
            out.push_sql(if n == 0 { "(" } else { ", (" });
            out.push_bind_param::<Binary, _>(author)?;
            out.push_sql(", ");
            out.push_bind_param::<Binary, _>(key)?;
            out.push_sql(")");
        }
        // In this order: each key is looked up in the index.
        out.push_sql(") k CROSS JOIN messages m ON m.author_id = k.column1 AND m.client_msg_id = k.column2");
        Ok(())
    }
}

impl<const N: usize> QueryId for FindKeys<N> {
    type QueryId = Self;
}

impl<const N: usize> Query for FindKeys<N> {
    type SqlType = (Binary, Binary, Binary);
}

impl<const N: usize> RunQueryDsl<SqliteConnection> for FindKeys<N> {}

/// Writes so many entries of rooms' logs. Of a fixed number, so that the text is fixed.
pub(super) struct InsertEntries<'a, const N: usize>(pub(super) [NewEntry<'a>; N]);

impl<const N: usize> QueryFragment<Sqlite> for InsertEntries<'_, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO log (room_id, seq, kind, at, message_id, user_id, data) VALUES ");
        for (n, entry) in self.0.iter().enumerate() {
            out.push_sql(if n == 0 { "(" } else { ", (" });
            out.push_bind_param::<Binary, _>(&entry.room_id)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&entry.seq)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(entry.kind)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&entry.at)?;
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Binary>, _>(&entry.message_id)?;
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Binary>, _>(&entry.user_id)?;
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Text>, _>(&entry.data)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

impl<const N: usize> QueryId for InsertEntries<'_, N> {
    type QueryId = InsertEntries<'static, N>;
}

impl<const N: usize> RunQueryDsl<SqliteConnection> for InsertEntries<'_, N> {}

/// Writes what a room's row sums up.
pub(super) struct UpdateTotals {
    room: Key,
    last_seq: i64,
    member_count: i64,
    last_activity: i64,
    message_count: i64,
}

impl UpdateTotals {
    pub(super) fn new(room: RoomId, totals: &Totals) -> Self {
        Self {
            room: room.into(),
            last_seq: totals.head.stored(),
            member_count: i64::try_from(totals.members).unwrap_or(i64::MAX),
            last_activity: totals.last_activity.millis(),
            message_count: i64::try_from(totals.messages).unwrap_or(i64::MAX),
        }
    }
}

impl QueryFragment<Sqlite> for UpdateTotals {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE rooms SET last_seq = ");
        out.push_bind_param::<BigInt, _>(&self.last_seq)?;
        out.push_sql(", member_count = ");
        out.push_bind_param::<BigInt, _>(&self.member_count)?;
        out.push_sql(", last_activity = ");
        out.push_bind_param::<BigInt, _>(&self.last_activity)?;
        out.push_sql(", message_count = ");
        out.push_bind_param::<BigInt, _>(&self.message_count)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        Ok(())
    }
}

impl QueryId for UpdateTotals {
    type QueryId = Self;
}

impl RunQueryDsl<SqliteConnection> for UpdateTotals {}

/// Writes a member's marks.
pub(super) struct UpdateMarks {
    room: Key,
    user: Key,
    received_seq: i64,
    read_seq: i64,
}

impl UpdateMarks {
    pub(super) fn new(room: RoomId, user: UserId, marks: Marks) -> Self {
        Self {
            room: room.into(),
            user: user.into(),
            received_seq: marks.received.stored(),
            read_seq: marks.read.stored(),
        }
    }
}

impl QueryFragment<Sqlite> for UpdateMarks {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE members SET received_seq = ");
        out.push_bind_param::<BigInt, _>(&self.received_seq)?;
        out.push_sql(", read_seq = ");
        out.push_bind_param::<BigInt, _>(&self.read_seq)?;
        out.push_sql(" WHERE room_id = ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        out.push_sql(" AND user_id = ");
        out.push_bind_param::<Binary, _>(&self.user)?;
        Ok(())
    }
}

impl QueryId for UpdateMarks {
    type QueryId = Self;
}

impl RunQueryDsl<SqliteConnection> for UpdateMarks {}

/// Takes the next number of a user's own log, and answers it.
pub(super) struct NextOfUser(pub(super) Key);

impl QueryFragment<Sqlite> for NextOfUser {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE users SET user_seq = user_seq + 1 WHERE id = ");
        out.push_bind_param::<Binary, _>(&self.0)?;
        out.push_sql(" RETURNING user_seq");
        Ok(())
    }
}

impl QueryId for NextOfUser {
    type QueryId = Self;
}

impl Query for NextOfUser {
    type SqlType = BigInt;
}

impl RunQueryDsl<SqliteConnection> for NextOfUser {}

/// Where a user and all his rooms stand: one row for each room, or one without a room. The counts
/// are taken in their indexes alone.
pub(super) struct HeadsOf(pub(super) Key);

impl QueryFragment<Sqlite> for HeadsOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT u.user_seq, r.id, r.last_seq, r.first_retained, r.message_count, m.received_seq, \
             m.read_seq, (SELECT count(*) FROM messages x WHERE x.room_id = m.room_id \
             AND x.seq > m.read_seq AND x.author_id <> m.user_id AND x.deleted_at IS NULL), \
             (SELECT count(*) FROM mentions y WHERE y.room_id = m.room_id AND y.user_id = m.user_id \
             AND y.seq > m.read_seq), m.notifications, m.muted_until, m.is_favourite \
             FROM users u LEFT JOIN members m ON m.user_id = u.id LEFT JOIN rooms r ON r.id = m.room_id \
             WHERE u.id = ",
        );
        out.push_bind_param::<Binary, _>(&self.0)?;
        out.push_sql(" ORDER BY r.last_activity DESC, r.id DESC");
        Ok(())
    }
}

impl QueryId for HeadsOf {
    type QueryId = Self;
}

type Number = Nullable<BigInt>;

impl Query for HeadsOf {
    type SqlType = (
        BigInt,
        Nullable<Binary>,
        (Number, Number, Number, Number, Number),
        (BigInt, BigInt),
        (Nullable<Text>, Number, Nullable<Bool>),
    );
}

impl RunQueryDsl<SqliteConnection> for HeadsOf {}

/// What one member has not read: messages, and those of them that mention him. Counted in their
/// indexes alone; there are no mentions by oneself, nor in deleted messages.
pub(super) struct CountUnread {
    pub(super) room: Key,
    pub(super) user: Key,
    pub(super) read: i64,
}

impl QueryFragment<Sqlite> for CountUnread {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT (SELECT count(*) FROM messages WHERE room_id = ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        out.push_sql(" AND seq > ");
        out.push_bind_param::<BigInt, _>(&self.read)?;
        out.push_sql(" AND author_id <> ");
        out.push_bind_param::<Binary, _>(&self.user)?;
        out.push_sql(" AND deleted_at IS NULL), (SELECT count(*) FROM mentions WHERE room_id = ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        out.push_sql(" AND user_id = ");
        out.push_bind_param::<Binary, _>(&self.user)?;
        out.push_sql(" AND seq > ");
        out.push_bind_param::<BigInt, _>(&self.read)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for CountUnread {
    type QueryId = Self;
}

impl Query for CountUnread {
    type SqlType = (BigInt, BigInt);
}

impl RunQueryDsl<SqliteConnection> for CountUnread {}

/// What counts for one member of a room: as [`HeadsOf`], of one room alone.
pub(super) struct CountsOf {
    pub(super) room: Key,
    pub(super) user: Key,
}

impl QueryFragment<Sqlite> for CountsOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT r.last_seq, r.message_count, m.received_seq, m.read_seq, \
             (SELECT count(*) FROM messages x WHERE x.room_id = m.room_id AND x.seq > m.read_seq \
             AND x.author_id <> m.user_id AND x.deleted_at IS NULL), \
             (SELECT count(*) FROM mentions y WHERE y.room_id = m.room_id AND y.user_id = m.user_id \
             AND y.seq > m.read_seq) FROM members m JOIN rooms r ON r.id = m.room_id WHERE m.room_id = ",
        );
        out.push_bind_param::<Binary, _>(&self.room)?;
        out.push_sql(" AND m.user_id = ");
        out.push_bind_param::<Binary, _>(&self.user)?;
        Ok(())
    }
}

impl QueryId for CountsOf {
    type QueryId = Self;
}

impl Query for CountsOf {
    type SqlType = (BigInt, BigInt, (BigInt, BigInt), (BigInt, BigInt));
}

impl RunQueryDsl<SqliteConnection> for CountsOf {}

/// Counts a transaction that writes.
#[derive(QueryId)]
pub(super) struct CountCommit;

impl QueryFragment<Sqlite> for CountCommit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE meta SET value = value + 1 WHERE name = 'commits'");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for CountCommit {}

/// The epoch, the count of commits, and the epoch before this one, where there was one.
#[derive(QueryId)]
pub(super) struct ReadStanding;

/// What [`ReadStanding`] answers.
pub(super) type StandingRow = (Key, i64, Option<Key>);

impl QueryFragment<Sqlite> for ReadStanding {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT (SELECT value FROM meta WHERE name = 'epoch'), \
             (SELECT value FROM meta WHERE name = 'commits'), \
             (SELECT value FROM meta WHERE name = 'epoch_before')",
        );
        Ok(())
    }
}

impl Query for ReadStanding {
    type SqlType = (Binary, BigInt, Nullable<Binary>);
}

impl RunQueryDsl<SqliteConnection> for ReadStanding {}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Integer;
    use uuid::Uuid;

    use super::super::connection::{Location, Purpose};
    use super::super::migrate;
    use super::*;

    /// How SQLite will go about a statement.
    struct Explain<T>(T);

    impl<T: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Explain<T> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
            out.push_sql("EXPLAIN QUERY PLAN ");
            self.0.walk_ast(out)
        }
    }

    impl<T> QueryId for Explain<T> {
        type QueryId = ();
        const HAS_STATIC_QUERY_ID: bool = false;
    }

    impl<T> Query for Explain<T> {
        type SqlType = (Integer, Integer, Integer, Text);
    }

    impl<T> RunQueryDsl<SqliteConnection> for Explain<T> {}

    fn plan(statement: impl QueryFragment<Sqlite>) -> String {
        let location = Location::memory();
        let mut conn = location.connect(Purpose::Write).expect("a database");
        migrate::run(&mut conn, location.path()).expect("its tables");
        let steps: Vec<(i32, i32, i32, String)> = Explain(statement).load(&mut conn).expect("a plan");
        steps.into_iter().map(|(.., step)| step + "\n").collect()
    }

    #[test]
    fn keys_are_looked_up_in_their_index() {
        let id = Key::from(RoomId(Uuid::nil()));
        let plan = plan(FindKeys([(id, id); 4]));
        assert!(plan.contains("INDEX messages_key (author_id=? AND client_msg_id=?)"), "{plan}");
        assert!(!plan.contains("SCAN m"), "{plan}");
    }

    #[test]
    fn what_is_unread_is_counted_in_indexes_alone() {
        let id = || Key::from(RoomId(Uuid::nil()));
        let counts = CountsOf { room: id(), user: id() };
        let unread = CountUnread { room: id(), user: id(), read: 0 };
        for plan in [plan(HeadsOf(id())), plan(counts), plan(unread)] {
            for index in [
                "COVERING INDEX messages_unread (room_id=? AND seq>?)",
                "COVERING INDEX mentions_of_member (room_id=? AND user_id=? AND seq>?)",
            ] {
                assert!(plan.contains(index), "{index} is not in {plan}");
            }
            assert!(
                !plan.contains("SCAN u") && !plan.contains("SCAN m") && !plan.contains("SCAN r"),
                "{plan}"
            );
        }
    }
}
