//! Finding messages: a full-text table of terms in the order of `place`, read backwards, so that a
//! page costs what lies between its hits and not what all hits would. Next:
//! [`crate::store::Searching`] for the promises.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query as Statement, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::fault::{self, Fault};
use super::rows::{Key, MessageRow};
use super::schema::{members, messages, rooms, search, search_queue, users};
use crate::domain::query::From as Author;
use crate::domain::search::{Indexed, Place, Term};
use crate::domain::{Message, Seq, UserId};
use crate::store::search::{Found, Wanted};
use crate::store::{Answer, Cut, Hit, HitCursor, HitPage, Search, Searching, Unindexed};

diesel::table! {
    /// A virtual one: the terms of a message can be asked for, and not read.
    search_terms (rowid) {
        rowid -> BigInt,
        terms -> Text,
    }
}

/// Terms as the full-text table knows them: words of letters and digits.
fn words(terms: impl Iterator<Item = Term>, between: &str) -> String {
    let mut words = String::new();
    for term in terms {
        if !words.is_empty() {
            words.push_str(between);
        }
        words.push_str(&format!("{:08x}", term.number()));
    }
    words
}

fn unindexed(conn: &mut SqliteConnection, limit: usize) -> Result<Vec<Unindexed>, Fault> {
    fault::read(conn, |conn| {
        let changes: Vec<(i64, Key)> = search_queue::table
            .order(search_queue::n.desc())
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .load(conn)?;
        let messages = load(conn, changes.iter().map(|(_, id)| *id))?;
        Ok(Unindexed::of(changes.into_iter().map(|(n, id)| (n, id.into())).collect(), messages))
    })
}

fn load(conn: &mut SqliteConnection, ids: impl Iterator<Item = Key>) -> QueryResult<Vec<Message>> {
    let ids: Vec<Key> = ids.collect();
    let stored: Vec<MessageRow> =
        messages::table.filter(messages::id.eq_any(ids)).select(MessageRow::as_select()).load(conn)?;
    Ok(stored.into_iter().map(Message::from).collect())
}

/// What is written of a message, ready but for its place.
struct Row {
    read: Unindexed,
    indexed: Option<(Place, String, String)>,
}

impl From<Cut> for Row {
    fn from(Cut { read, indexed }: Cut) -> Self {
        let ready = |Indexed { place, folded, terms }| (place, folded, words(terms.into_iter(), " "));
        Self { read, indexed: indexed.map(ready) }
    }
}

fn index(conn: &mut SqliteConnection, rows: &[Row]) -> Result<usize, Fault> {
    fault::write(conn, |conn| {
        let ids = || rows.iter().map(|row| Key::from(row.read.id));
        let now = load(conn, ids())?;
        let now: HashMap<_, _> = now.into_iter().map(|message| (message.id, message)).collect();
        // What is changed leaves the index with the change: so what is there is as it should be.
        let there: Vec<Key> =
            search::table.filter(search::message_id.eq_any(ids())).select(search::message_id).load(conn)?;
        let there: HashSet<Key> = there.into_iter().collect();
        let (mut done, mut changes) = (Vec::new(), Vec::<i64>::new());
        for Row { read, indexed } in rows {
            if now.get(&read.id) != read.message.as_ref() {
                continue;
            }
            let id = Key::from(read.id);
            if let (Some(message), Some(indexed), false) = (&read.message, indexed, there.contains(&id)) {
                insert(conn, message, indexed)?;
            }
            done.push(id);
            changes.extend(&read.changes);
        }
        // Numbers come again when the queue has been empty: so only those about these messages.
        let waited = search_queue::table
            .filter(search_queue::n.eq_any(changes))
            .filter(search_queue::message_id.eq_any(done));
        Ok(diesel::delete(waited).execute(conn)?)
    })
}

fn insert(
    conn: &mut SqliteConnection,
    message: &Message,
    (place, folded, terms): &(Place, String, String),
) -> Result<(), Fault> {
    let taken = |conn: &mut SqliteConnection, place: Place| {
        search::table.find(place.stored()).select(search::place).get_result::<i64>(conn).optional()
    };
    let mut place = *place;
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
        .values((search_terms::rowid.eq(place.stored()), search_terms::terms.eq(terms)))
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
        let stored = load(conn, rows.iter().map(|row| row.cursor.message.into()))?;
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
    fn unindexed(&self, limit: usize) -> Answer<'_, Vec<Unindexed>> {
        self.executor.read(move |conn| unindexed(conn, limit))
    }

    fn index(&self, cut: Vec<Cut>) -> Answer<'_, usize> {
        // Before the writer has it: he writes and does nothing else.
        let rows: Vec<Row> = cut.into_iter().map(Row::from).collect();
        self.executor.write(move |conn| index(conn, &rows))
    }

    fn unindexed_count(&self) -> Answer<'_, u64> {
        self.executor.read(|conn| {
            let count: i64 = search_queue::table.count().get_result(conn)?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn search(&self, search: Search) -> Answer<'_, HitPage> {
        self.executor.read(move |conn| look(conn, &search))
    }
}
