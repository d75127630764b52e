//! The two statements of the hot path that diesel would not keep prepared: it plans every `UPDATE`
//! anew, and builds the text of an `ON CONFLICT` each time to look it up. Written out here, each is
//! prepared once per connection and found by its type. Next: [`super::append`].

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
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
}

impl QueryFragment<Sqlite> for UpdateTotals {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE rooms SET last_seq = ");
        out.push_bind_param::<BigInt, _>(&self.last_seq)?;
        out.push_sql(", member_count = ");
        out.push_bind_param::<BigInt, _>(&self.member_count)?;
        out.push_sql(", last_activity = ");
        out.push_bind_param::<BigInt, _>(&self.last_activity)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Binary, _>(&self.room)?;
        Ok(())
    }
}

impl QueryId for UpdateTotals {
    type QueryId = Self;
}

impl RunQueryDsl<SqliteConnection> for UpdateTotals {}
