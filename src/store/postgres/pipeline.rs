//! Several statements in one round trip. The server takes them one after another, in the order in
//! which they were added. Next: [`super::append`].

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::{BoxFuture, join_all};

/// Statements that change rows, to be sent together.
pub(super) struct Pipeline<'c> {
    conn: &'c AsyncPgConnection,
    statements: Vec<BoxFuture<'c, QueryResult<usize>>>,
}

impl<'c> Pipeline<'c> {
    pub(super) fn new(conn: &'c mut AsyncPgConnection) -> Self {
        Self { conn, statements: Vec::new() }
    }

    /// Adds one, unless it is about nothing.
    pub(super) fn add<S>(&mut self, rows: usize, statement: impl FnOnce() -> S)
    where
        S: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        if rows > 0 {
            let mut conn = self.conn;
            self.statements.push(statement().execute(&mut conn));
        }
    }

    /// Sends them and waits for all answers. The first error is the cause of those after it.
    pub(super) async fn run(self) -> QueryResult<()> {
        // All are polled in their order, and each is sent when it is polled or, where it must be
        // prepared first, before those after it: they wait for the same list of statements.
        join_all(self.statements).await.into_iter().try_for_each(|result| result.map(drop))
    }
}
