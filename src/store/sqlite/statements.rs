//! Statements that diesel would not keep prepared: it plans every `UPDATE` anew, and builds the text
//! of an `ON CONFLICT` each time to look it up. Written out here, each is prepared once per
//! connection and found by its type. Next: [`super::append`].

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::rows::Key;

/// Stores a message unless its author used its key before: of such a one, no row is changed.
pub(super) struct InsertMessage<'a> {
    pub(super) id: Key,
    pub(super) room: Key,
    pub(super) seq: i64,
    pub(super) author: Key,
    pub(super) client_msg_id: Key,
    pub(super) body_hash: &'a [u8],
    pub(super) content: &'a str,
    pub(super) reply_to: Option<Key>,
    pub(super) now: i64,
}

impl QueryFragment<Sqlite> for InsertMessage<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO messages (id, room_id, seq, last_seq, author_id, client_msg_id, body_hash, content, \
             reply_to, created_at, updated_at) VALUES (",
        );
        out.push_bind_param::<Binary, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        for _ in ["seq", "last_seq"] {
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&self.seq)?;
        }
        for key in [&self.author, &self.client_msg_id] {
            out.push_sql(", ");
            out.push_bind_param::<Binary, _>(key)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<Binary, [u8]>(self.body_hash)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, str>(self.content)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Binary>, _>(&self.reply_to)?;
        for _ in ["created_at", "updated_at"] {
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&self.now)?;
        }
        // The unique index looks the key up and keeps it in one step.
        out.push_sql(") ON CONFLICT (author_id, client_msg_id) DO NOTHING");
        Ok(())
    }
}

impl QueryId for InsertMessage<'_> {
    type QueryId = InsertMessage<'static>;
}

impl RunQueryDsl<SqliteConnection> for InsertMessage<'_> {}

/// Writes what a room's row sums up.
pub(super) struct UpdateTotals {
    pub(super) room: Key,
    pub(super) last_seq: i64,
    pub(super) member_count: i64,
    pub(super) last_activity: i64,
    pub(super) message_count: i64,
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

/// Moves both marks of a member to `seq`, unless they are further.
pub(super) struct RaiseMarks {
    pub(super) room: Key,
    pub(super) user: Key,
    pub(super) seq: i64,
}

impl QueryFragment<Sqlite> for RaiseMarks {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE members SET received_seq = max(received_seq, ");
        out.push_bind_param::<BigInt, _>(&self.seq)?;
        out.push_sql("), read_seq = max(read_seq, ");
        out.push_bind_param::<BigInt, _>(&self.seq)?;
        out.push_sql(") WHERE room_id = ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        out.push_sql(" AND user_id = ");
        out.push_bind_param::<Binary, _>(&self.user)?;
        Ok(())
    }
}

impl QueryId for RaiseMarks {
    type QueryId = Self;
}

impl RunQueryDsl<SqliteConnection> for RaiseMarks {}

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
             AND y.seq > m.read_seq) \
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
    type SqlType = (BigInt, Nullable<Binary>, Number, Number, Number, Number, Number, BigInt, BigInt);
}

impl RunQueryDsl<SqliteConnection> for HeadsOf {}
