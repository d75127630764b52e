//! Finding messages: a full-text table of terms in the order of `place`, read backwards, so that a
//! page costs what lies between its hits and not what all hits would. Next:
//! [`crate::store::Searching`] for the promises.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query as Statement, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use diesel::sqlite::Sqlite;
use futures_util::FutureExt as _;

use super::SqliteStore;
use super::fault::{self, Fault};
use super::rows::{Key, MessageRow};
use super::schema::{members, messages, rooms, search, search_queue, users};
use crate::domain::query::From as Author;
use crate::domain::search::{Indexed, Place, Term};
use crate::domain::{Message, Seq, UserId};
use crate::store::search::{Found, Wanted};
use crate::store::{Answer, Hit, HitCursor, HitPage, Search, Searching};

diesel::table! {
    /// A virtual one: the terms of a message can be asked for, and not read.
    search_terms (rowid) {
        rowid -> BigInt,
        terms -> Text,
    }
}

/// A term as the full-text table knows it: a word of letters and digits.
fn word(term: Term) -> String {
    format!("{:08x}", term.number())
}

fn words(terms: impl Iterator<Item = Term>, between: &str) -> String {
    terms.map(word).collect::<Vec<_>>().join(between)
}

fn index(conn: &mut SqliteConnection, limit: usize) -> Result<usize, Fault> {
    fault::write(conn, |conn| {
        let changes: Vec<(i64, Key)> = search_queue::table
            .order(search_queue::n.desc())
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .load(conn)?;
        let (places, ids): (Vec<i64>, Vec<Key>) = changes.into_iter().unzip();
        // What is changed leaves the index with the change: so what is there is as it should be.
        let there: Vec<Key> =
            search::table.filter(search::message_id.eq_any(&ids)).select(search::message_id).load(conn)?;
        let mut done: HashSet<Key> = there.into_iter().collect();
        for id in &ids {
            if done.insert(*id) {
                let row: Option<MessageRow> =
                    messages::table.find(id).select(MessageRow::as_select()).get_result(conn).optional()?;
                if let Some(message) = row.map(Message::from) {
                    insert(conn, &message)?;
                }
            }
        }
        diesel::delete(search_queue::table.filter(search_queue::n.eq_any(&places))).execute(conn)?;
        Ok(places.len())
    })
}

fn insert(conn: &mut SqliteConnection, message: &Message) -> Result<(), Fault> {
    let Some(Indexed { mut place, folded, terms }) = Indexed::of(message) else { return Ok(()) };
    let taken = |conn: &mut SqliteConnection, place: Place| {
        search::table.find(place.stored()).select(search::place).get_result::<i64>(conn).optional()
    };
    while taken(conn, place)?.is_some() {
        place = place.next();
    }
    diesel::insert_into(search::table)
        .values((
            search::place.eq(place.stored()),
            search::message_id.eq(Key::from(message.id)),
            search::room_id.eq(Key::from(message.room)),
            search::seq.eq(message.seq.stored()),
            search::folded.eq(folded),
        ))
        .execute(conn)?;
    diesel::insert_into(search_terms::table)
        .values((
            search_terms::rowid.eq(place.stored()),
            search_terms::terms.eq(words(terms.into_iter(), " ")),
        ))
        .execute(conn)?;
    Ok(())
}

/// Asks for rows in the order of `place`, newest first. Its text depends on how many words there are,
/// and on whether there are terms.
struct Find<'a> {
    viewer: Key,
    private: bool,
    words: &'a [String],
    /// Empty for none.
    terms: String,
    from: i64,
    before: i64,
    rows: i64,
}

impl<'a> Find<'a> {
    fn new(search: &'a Search, wanted: &Wanted) -> Self {
        let mut terms = words(wanted.terms(), " AND ");
        if !wanted.rooms.is_empty() {
            let and = if terms.is_empty() { "" } else { " AND " };
            let rooms = wanted.rooms.iter().copied().map(Term::room);
            terms = format!("{terms}{and}({})", words(rooms, " OR "));
        }
        Self {
            viewer: search.viewer.into(),
            private: search.private,
            words: &search.query.words,
            terms,
            from: wanted.from.stored(),
            before: wanted.before.place.stored(),
            rows: wanted.rows,
        }
    }
}

impl QueryFragment<Sqlite> for Find<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let by_terms = !self.terms.is_empty();
        let place = if by_terms { "search_terms.rowid" } else { "s.place" };
        out.push_sql(
            "SELECT s.place, s.message_id, CASE WHEN r.history = 'all' THEN 0 ELSE m.joined_seq END FROM ",
        );
        // In this order: whatever the planner believes, the index comes first and gives the order.
        out.push_sql(if by_terms {
            "search_terms CROSS JOIN search s ON s.place = search_terms.rowid"
        } else {
            "search s"
        });
        out.push_sql(
            " CROSS JOIN members m ON m.room_id = s.room_id CROSS JOIN rooms r ON r.id = s.room_id \
             WHERE m.user_id = ",
        );
        out.push_bind_param::<Binary, _>(&self.viewer)?;
        out.push_sql(" AND (r.history = 'all' OR s.seq >= m.joined_seq) AND (NOT r.is_private OR ");
        out.push_bind_param::<Bool, _>(&self.private)?;
        out.push_sql(")");
        for word in self.words {
            out.push_sql(" AND instr(s.folded, ");
            out.push_bind_param::<Text, _>(word)?;
            out.push_sql(") > 0");
        }
        if by_terms {
            out.push_sql(" AND search_terms MATCH ");
            out.push_bind_param::<Text, _>(&self.terms)?;
        }
        out.push_sql(" AND ");
        out.push_sql(place);
        out.push_sql(" >= ");
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(" AND ");
        out.push_sql(place);
        out.push_sql(" < ");
        out.push_bind_param::<BigInt, _>(&self.before)?;
        out.push_sql(" ORDER BY ");
        out.push_sql(place);
        out.push_sql(" DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.rows)?;
        Ok(())
    }
}

impl QueryId for Find<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Statement for Find<'_> {
    type SqlType = (BigInt, Binary, BigInt);
}

impl RunQueryDsl<SqliteConnection> for Find<'_> {}

fn found((place, message, visible_from): (i64, Key, i64)) -> Found {
    let cursor = HitCursor { place: Place::from_stored(place), message: message.into() };
    Found { cursor, visible_from: Seq::from_stored(visible_from) }
}

fn look(conn: &mut SqliteConnection, search: &Search) -> Result<HitPage, Fault> {
    fault::read(conn, |conn| {
        let mine: Vec<(Key, String, bool)> = members::table
            .inner_join(rooms::table)
            .filter(members::user_id.eq(Key::from(search.viewer)))
            .select((rooms::id, rooms::name, rooms::is_private))
            .load(conn)?;
        let mine = mine.into_iter().map(|(id, name, is_private)| (id.into(), name, is_private)).collect();
        let named = named(conn, search)?;
        let Some(wanted) = Wanted::new(search, mine, named) else {
            return Ok(HitPage { hits: Vec::new(), next: None });
        };
        let rows: Vec<(i64, Key, i64)> = Find::new(search, &wanted).load(conn)?;
        let (rows, next) = wanted.page(rows.into_iter().map(found).collect());
        let ids: Vec<Key> = rows.iter().map(|row| row.cursor.message.into()).collect();
        let stored: Vec<MessageRow> =
            messages::table.filter(messages::id.eq_any(ids)).select(MessageRow::as_select()).load(conn)?;
        let stored = stored.into_iter().map(Message::from).collect();
        let mut hits = Vec::new();
        for (message, visible_from) in wanted.meant(&search.query, &rows, stored) {
            let (before, after) = beside(conn, &message, visible_from)?;
            hits.push(Hit { message, before, after });
        }
        Ok(HitPage { hits, next })
    })
}

/// Whom the query names.
fn named(conn: &mut SqliteConnection, search: &Search) -> Result<Option<UserId>, Fault> {
    let Some(Author::Named(key)) = &search.query.from else { return Ok(None) };
    let user = users::table.filter(users::username_key.eq(key)).select(users::id);
    Ok(user.get_result::<Key>(conn).optional()?.map(Into::into))
}

/// The messages on both sides of one.
fn beside(
    conn: &mut SqliteConnection,
    message: &Message,
    visible_from: Seq,
) -> Result<(Option<Message>, Option<Message>), Fault> {
    let living = || {
        messages::table
            .filter(messages::room_id.eq(Key::from(message.room)))
            .filter(messages::deleted_at.is_null())
            .select(MessageRow::as_select())
    };
    let before: Option<MessageRow> = living()
        .filter(messages::seq.ge(visible_from.stored()))
        .filter(messages::seq.lt(message.seq.stored()))
        .order(messages::seq.desc())
        .first(conn)
        .optional()?;
    let after: Option<MessageRow> = living()
        .filter(messages::seq.gt(message.seq.stored()))
        .order(messages::seq)
        .first(conn)
        .optional()?;
    Ok((before.map(Message::from), after.map(Message::from)))
}

impl Searching for SqliteStore {
    fn index_messages(&self, limit: usize) -> Answer<'_, usize> {
        let any = self.executor.read(|conn| {
            let first: Option<i64> = search_queue::table.select(search_queue::n).first(conn).optional()?;
            Ok(first.is_some())
        });
        // Nothing waits, most of the time, and then nobody writes.
        async move {
            if !any.await? {
                return Ok(0);
            }
            self.executor.write(move |conn| index(conn, limit)).await
        }
        .boxed()
    }

    fn unindexed(&self) -> Answer<'_, u64> {
        self.executor.read(|conn| {
            let count: i64 = search_queue::table.count().get_result(conn)?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn search(&self, search: Search) -> Answer<'_, HitPage> {
        self.executor.read(move |conn| look(conn, &search))
    }
}
