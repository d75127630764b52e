//! Finding messages: an inverted index (GIN) over arrays of terms, which knows no order, and a plain
//! one by `place`, which knows nothing else. What is frequent is found among the newest by walking
//! the latter; what is not there is rare enough to be gathered from the former and put in order.
//! Next: [`crate::store::Searching`] for the promises.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::rows::MessageRow;
use super::schema::{members, messages, rooms, search_queue, users};
use super::statements::statement;
use super::{PgStore, indexing, transaction};
use crate::domain::query::From as Author;
use crate::domain::search::{Place, Term};
use crate::domain::{Message, MessageId, RoomId, Seq, UserId};
use crate::store::search::{Found, Wanted};
use crate::store::{Answer, Cut, Hit, HitCursor, HitPage, Search, Searching, Unindexed};

/// Messages that are walked over before the index of terms is asked.
const NEWEST: i64 = 4_000;

pub(super) async fn load(conn: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<Vec<Message>> {
    let stored = messages::table.filter(messages::id.eq_any(ids)).select(MessageRow::as_select());
    Ok(stored.load(conn).await?.into_iter().map(Message::from).collect())
}

/// What each search answers of rows that are called `s`, and who may see them.
macro_rules! seen {
    ($rows:expr) => {
        concat!(
            "SELECT s.place, s.message_id, CASE WHEN r.history = 'all' THEN 0 ELSE m.joined_seq END FROM ",
            $rows,
            " JOIN members m ON m.room_id = s.room_id JOIN rooms r ON r.id = s.room_id \
             WHERE m.user_id = ? AND (NOT r.is_private OR ?) \
             AND (r.history = 'all' OR s.seq >= m.joined_seq) \
             ORDER BY s.place DESC, s.message_id DESC LIMIT ?"
        )
    };
}

type Row = (BigInt, SqlUuid, BigInt);

statement! {
    /// Among the newest.
    AmongNewest {
        from: i64 => BigInt,
        place: i64 => BigInt,
        message: Uuid => SqlUuid,
        newest: i64 => BigInt,
        patterns: Vec<String> => Array<Text>,
        filters: Vec<i32> => Array<Integer>,
        anywhere: bool => Bool,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        viewer: Uuid => SqlUuid,
        private: bool => Bool,
        rows: i64 => BigInt,
    } -> Row,
    seen!("(SELECT * FROM (SELECT * FROM search WHERE place >= ? AND (place, message_id) < (?, ?) \
      ORDER BY place DESC, message_id DESC LIMIT ?) n \
      WHERE n.folded LIKE ALL (?) AND n.terms @> ? AND (? OR n.room_id = ANY(?))) s")
}

statement! {
    /// Among all that has the terms.
    ByTerms {
        terms: Vec<i32> => Array<Integer>,
        from: i64 => BigInt,
        place: i64 => BigInt,
        message: Uuid => SqlUuid,
        patterns: Vec<String> => Array<Text>,
        viewer: Uuid => SqlUuid,
        private: bool => Bool,
        rows: i64 => BigInt,
    } -> Row,
    concat!("WITH found AS MATERIALIZED (SELECT place, message_id, room_id, seq FROM search \
     WHERE terms @> ? AND place >= ? AND (place, message_id) < (?, ?) AND folded LIKE ALL (?)) ",
     seen!("found s"))
}

statement! {
    /// Among all that has the terms, and that of one of the rooms.
    ByTermsInRooms {
        terms: Vec<i32> => Array<Integer>,
        rooms: Vec<i32> => Array<Integer>,
        from: i64 => BigInt,
        place: i64 => BigInt,
        message: Uuid => SqlUuid,
        patterns: Vec<String> => Array<Text>,
        viewer: Uuid => SqlUuid,
        private: bool => Bool,
        limit: i64 => BigInt,
    } -> Row,
    concat!("WITH found AS MATERIALIZED (SELECT place, message_id, room_id, seq FROM search \
     WHERE terms @> ? AND terms && ? AND place >= ? AND (place, message_id) < (?, ?) \
     AND folded LIKE ALL (?)) ", seen!("found s"))
}

statement! {
    /// Everything in these rooms.
    InRooms {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        from: i64 => BigInt,
        place: i64 => BigInt,
        message: Uuid => SqlUuid,
        each: i64 => BigInt,
        viewer: Uuid => SqlUuid,
        private: bool => Bool,
        limit: i64 => BigInt,
    } -> Row,
    seen!("(SELECT e.* FROM unnest(?) AS w (room) CROSS JOIN LATERAL (SELECT place, message_id, room_id, seq \
      FROM search WHERE room_id = w.room AND place >= ? AND (place, message_id) < (?, ?) \
      ORDER BY place DESC, message_id DESC LIMIT ?) e) s")
}

statement! {
    /// Everything.
    Everywhere {
        from: i64 => BigInt,
        place: i64 => BigInt,
        message: Uuid => SqlUuid,
        viewer: Uuid => SqlUuid,
        private: bool => Bool,
        rows: i64 => BigInt,
    } -> Row,
    seen!("(SELECT place, message_id, room_id, seq FROM search WHERE place >= ? \
      AND (place, message_id) < (?, ?)) s")
}

/// For `LIKE`: somewhere, and to the letter.
fn pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for letter in word.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn numbers(terms: impl Iterator<Item = Term>) -> Vec<i32> {
    terms.map(Term::number).collect()
}

type Rows = Vec<(i64, Uuid, i64)>;

async fn find(conn: &mut AsyncPgConnection, search: &Search, wanted: &Wanted) -> QueryResult<Rows> {
    let (viewer, private, rows) = (search.viewer.0, search.private, wanted.rows);
    let (from, place, message) =
        (wanted.from.stored(), wanted.before.place.stored(), wanted.before.message.0);
    let rooms: Vec<Uuid> = wanted.rooms.iter().map(|room| room.0).collect();
    let terms = numbers(wanted.terms());
    if terms.is_empty() && rooms.is_empty() {
        return Everywhere { from, place, message, viewer, private, rows }.load(conn).await;
    }
    if terms.is_empty() {
        let all = InRooms { rooms, from, place, message, each: rows, viewer, private, limit: rows };
        return all.load(conn).await;
    }
    let patterns: Vec<String> = search.query.words.iter().map(|word| pattern(word)).collect();
    let newest = AmongNewest {
        from,
        place,
        message,
        newest: NEWEST,
        patterns: patterns.clone(),
        filters: numbers(wanted.filters.iter().copied()),
        anywhere: rooms.is_empty(),
        rooms,
        viewer,
        private,
        rows,
    };
    let found: Rows = newest.load(conn).await?;
    if i64::try_from(found.len()).is_ok_and(|found| found >= rows) {
        return Ok(found);
    }
    if wanted.rooms.is_empty() {
        let all = ByTerms { terms, from, place, message, patterns, viewer, private, rows };
        return all.load(conn).await;
    }
    let rooms = numbers(wanted.rooms.iter().copied().map(Term::room));
    let all = ByTermsInRooms { terms, rooms, from, place, message, patterns, viewer, private, limit: rows };
    all.load(conn).await
}

statement! {
    /// The nearest messages on both sides of each of these, whose rooms are seen from `first` on.
    Beside {
        messages: Vec<Uuid> => Array<SqlUuid>,
        first: Vec<i64> => Array<BigInt>,
    } -> (SqlUuid, Bool, SqlUuid),
    "SELECT x.id, side.earlier, y.id FROM unnest(?, ?) AS w (id, first) JOIN messages x ON x.id = w.id \
     CROSS JOIN (VALUES (true), (false)) AS side (earlier) CROSS JOIN LATERAL ( \
       (SELECT id FROM messages WHERE side.earlier AND room_id = x.room_id AND seq < x.seq \
        AND seq >= w.first AND deleted_at IS NULL ORDER BY seq DESC LIMIT 1) UNION ALL \
       (SELECT id FROM messages WHERE NOT side.earlier AND room_id = x.room_id AND seq > x.seq \
        AND deleted_at IS NULL ORDER BY seq LIMIT 1)) y"
}

async fn look(conn: &mut AsyncPgConnection, search: &Search) -> Result<HitPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        let mine: Vec<(Uuid, String, bool)> = members::table
            .inner_join(rooms::table)
            .filter(members::user_id.eq(search.viewer.0))
            .select((rooms::id, rooms::name, rooms::is_private))
            .load(conn)
            .await?;
        let mine = mine.into_iter().map(|(id, name, is_private)| (RoomId(id), name, is_private)).collect();
        let named = named(conn, search).await?;
        let Some(wanted) = Wanted::new(search, mine, named) else {
            return Ok(HitPage { hits: Vec::new(), next: None });
        };
        let rows = find(conn, search, &wanted).await?;
        let (rows, next) = wanted.page(rows.into_iter().map(found).collect());
        let ids: Vec<Uuid> = rows.iter().map(|row| row.cursor.message.0).collect();
        let first = rows.iter().map(|row| row.visible_from.stored()).collect();
        let beside: Vec<(Uuid, bool, Uuid)> = Beside { messages: ids.clone(), first }.load(conn).await?;
        let beside: HashMap<(Uuid, bool), MessageId> =
            beside.into_iter().map(|(id, earlier, other)| ((id, earlier), MessageId(other))).collect();
        let all: HashSet<Uuid> = ids.into_iter().chain(beside.values().map(|id| id.0)).collect();
        let stored = load(conn, all.into_iter().collect()).await?;
        let by_id: HashMap<MessageId, Message> =
            stored.iter().map(|message| (message.id, message.clone())).collect();
        let neighbour =
            |of: MessageId, earlier| beside.get(&(of.0, earlier)).and_then(|other| by_id.get(other)).cloned();
        let hit = |(message, _): (Message, Seq)| Hit {
            before: neighbour(message.id, true),
            after: neighbour(message.id, false),
            message,
        };
        let hits = wanted.meant(&search.query, &rows, stored).into_iter().map(hit).collect();
        Ok(HitPage { hits, next })
    })
    .await
}

fn found((place, message, visible_from): (i64, Uuid, i64)) -> Found {
    let cursor = HitCursor { place: Place::from_stored(place), message: MessageId(message) };
    Found { cursor, visible_from: Seq::from_stored(visible_from) }
}

/// Whom the query names.
async fn named(conn: &mut AsyncPgConnection, search: &Search) -> QueryResult<Option<UserId>> {
    let Some(Author::Named(key)) = &search.query.from else { return Ok(None) };
    let user = users::table.filter(users::username_key.eq(key)).select(users::id);
    Ok(user.get_result::<Uuid>(conn).await.optional()?.map(UserId))
}

impl Searching for PgStore {
    fn unindexed(&self, limit: usize) -> Answer<'_, Vec<Unindexed>> {
        self.executor.read(limit, |conn, limit| indexing::unindexed(conn, *limit).boxed())
    }

    fn index(&self, cut: Vec<Cut>) -> Answer<'_, usize> {
        self.executor.write(cut, |conn, cut| indexing::index(conn, cut).boxed())
    }

    fn unindexed_count(&self) -> Answer<'_, u64> {
        self.executor.read((), |conn, ()| {
            async move {
                let count: i64 = search_queue::table.count().get_result(conn).await?;
                Ok(u64::try_from(count).unwrap_or(0))
            }
            .boxed()
        })
    }

    fn search(&self, search: Search) -> Answer<'_, HitPage> {
        self.executor.read(search, |conn, search| look(conn, search).boxed())
    }
}
