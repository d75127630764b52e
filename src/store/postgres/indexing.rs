//! How the index follows the messages: what waits is read, and what was cut is written. Next:
//! [`crate::store::Searching`] for the promises, and [`super::search`] for what is found.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::rows::MessageRow;
use super::schema::{messages, search_queue};
use super::search::load;
use super::statements::statement;
use super::transaction;
use crate::domain::search::{Indexed, Term};
use crate::domain::{Message, MessageId};
use crate::store::{Cut, Unindexed};

/// Whoever has this advisory lock follows the messages. The number means nothing.
const FOLLOWER: i64 = 0x6368_6174_0022;

statement! {
    TakeTurn { lock: i64 => BigInt } -> Bool,
    "SELECT pg_try_advisory_xact_lock(?)"
}

statement! {
    Waiting { changes: Vec<i64> => Array<BigInt> } -> BigInt,
    "SELECT n FROM search_queue WHERE n = ANY(?)"
}

statement! {
    Done { changes: Vec<i64> => Array<BigInt> } -> (),
    "DELETE FROM search_queue WHERE n = ANY(?)"
}

statement! {
    /// Locked in the order of their ids, as by the trigger of those who change messages.
    Remove { messages: Vec<Uuid> => Array<SqlUuid> } -> (),
    "WITH there AS (SELECT message_id FROM search WHERE message_id = ANY(?) ORDER BY message_id FOR UPDATE) \
     DELETE FROM search s USING there WHERE s.message_id = there.message_id"
}

statement! {
    Insert {
        messages: Vec<Uuid> => Array<SqlUuid>,
        places: Vec<i64> => Array<BigInt>,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        folded: Vec<String> => Array<Text>,
        terms: Vec<String> => Array<Text>,
    } -> (),
    // Arrays of arrays must be rectangles, so each list of terms comes as a text.
    "INSERT INTO search (message_id, place, room_id, seq, folded, terms) \
     SELECT w.message, w.place, w.room, w.seq, w.folded, w.terms::int[] \
     FROM unnest(?, ?, ?, ?, ?, ?) AS w (message, place, room, seq, folded, terms)"
}

pub(super) async fn unindexed(conn: &mut AsyncPgConnection, limit: usize) -> Result<Vec<Unindexed>, Fault> {
    transaction::snapshot(conn, async |conn| {
        let changes: Vec<(i64, Uuid)> = search_queue::table
            .order(search_queue::n.desc())
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .load(conn)
            .await?;
        let messages = load(conn, changes.iter().map(|(_, id)| *id).collect()).await?;
        Ok(Unindexed::of(changes.into_iter().map(|(n, id)| (n, MessageId(id))).collect(), messages))
    })
    .await
}

/// One process at a time. Nobody who changes a text waits for it but while it commits, and it waits for
/// none of them: what was written is compared with the messages last, and what differs, or is being
/// changed at this moment, is taken out again. Whoever comes after that finds it there and takes it out
/// himself.
pub(super) async fn index(conn: &mut AsyncPgConnection, cut: &[Cut]) -> Result<usize, Fault> {
    transaction::write(conn, async |conn| {
        if !(TakeTurn { lock: FOLLOWER }).get_result::<bool>(conn).await? {
            return Ok(0);
        }
        // Some may be done: by a process that had the turn before.
        let changes = cut.iter().flat_map(|cut| cut.read.changes.iter().copied()).collect();
        let waiting: Vec<i64> = Waiting { changes }.load(conn).await?;
        let waiting: HashSet<i64> = waiting.into_iter().collect();
        let waits = |cut: &&Cut| cut.read.changes.iter().any(|change| waiting.contains(change));
        let cut: Vec<&Cut> = cut.iter().filter(waits).collect();
        let ids = |cut: &[&Cut]| cut.iter().map(|cut| cut.read.id.0).collect::<Vec<Uuid>>();
        Remove { messages: ids(&cut) }.execute(conn).await?;
        insert(&cut).execute(conn).await?;
        let now = lock(conn, ids(&cut)).await?;
        let (same, other): (Vec<&Cut>, Vec<&Cut>) =
            cut.into_iter().partition(|cut| now.get(&cut.read.id) == cut.read.message.as_ref());
        if !other.is_empty() {
            Remove { messages: ids(&other) }.execute(conn).await?;
        }
        let changes: Vec<i64> = same
            .iter()
            .flat_map(|cut| &cut.read.changes)
            .copied()
            .filter(|change| waiting.contains(change))
            .collect();
        let done = changes.len();
        Done { changes }.execute(conn).await?;
        Ok(done)
    })
    .await
}

/// The messages as they are until the end of this transaction, without those that others hold.
async fn lock(conn: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<HashMap<MessageId, Message>> {
    let stored = messages::table
        .filter(messages::id.eq_any(ids))
        .select(MessageRow::as_select())
        .for_share()
        .skip_locked();
    let stored: Vec<MessageRow> = stored.load(conn).await?;
    Ok(stored.into_iter().map(Message::from).map(|message| (message.id, message)).collect())
}

fn insert(cut: &[&Cut]) -> Insert {
    let rows: Vec<(&Message, &Indexed)> =
        cut.iter().filter_map(|cut| Some((cut.read.message.as_ref()?, cut.indexed.as_ref()?))).collect();
    let numbers = |terms: &[Term]| {
        let numbers: Vec<String> = terms.iter().map(|term| term.number().to_string()).collect();
        format!("{{{}}}", numbers.join(","))
    };
    Insert {
        messages: rows.iter().map(|(message, _)| message.id.0).collect(),
        places: rows.iter().map(|(_, indexed)| indexed.place.stored()).collect(),
        rooms: rows.iter().map(|(message, _)| message.room.0).collect(),
        seqs: rows.iter().map(|(message, _)| message.seq.stored()).collect(),
        terms: rows.iter().map(|(_, indexed)| numbers(&indexed.terms)).collect(),
        folded: rows.iter().map(|(_, indexed)| indexed.folded.clone()).collect(),
    }
}
