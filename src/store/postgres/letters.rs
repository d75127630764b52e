//! The queue of mail. Each call is one statement. Next: [`crate::store::Letters`] for the promises.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::schema::letters;
use super::statements::statement;
use crate::domain::{Email, Letter, LetterId, LetterKind, Timestamp, UserId};

/// Also for letters that go with something else, in its transaction.
pub(super) async fn insert(conn: &mut AsyncPgConnection, written: &[Letter]) -> Result<(), Fault> {
    let row = |letter: &Letter| {
        (
            letters::id.eq(letter.id.0),
            letters::kind.eq(letter.kind.as_str()),
            letters::user_id.eq(letter.user.map(|user| user.0)),
            letters::address.eq(letter.address.as_str().to_owned()),
            letters::created_at.eq(letter.created_at.millis()),
            letters::due_at.eq(letter.created_at.millis()),
        )
    };
    if !written.is_empty() {
        let rows: Vec<_> = written.iter().map(row).collect();
        diesel::insert_into(letters::table).values(rows).execute(conn).await?;
    }
    Ok(())
}

statement! {
    /// What another carrier takes at this moment is left to it.
    Take {
        now: i64 => BigInt,
        known: Vec<&'static str> => Array<Text>,
        limit: i64 => BigInt,
        until: i64 => BigInt,
    } -> (SqlUuid, Text, Nullable<SqlUuid>, Text, BigInt, BigInt, BigInt),
    "WITH due AS MATERIALIZED (SELECT id, due_at FROM letters WHERE due_at <= ? AND kind = ANY(?) \
     ORDER BY due_at, id LIMIT ? FOR UPDATE SKIP LOCKED) \
     UPDATE letters l SET due_at = ?, attempts = l.attempts + 1 FROM due WHERE l.id = due.id \
     RETURNING l.id, l.kind, l.user_id, l.address, l.created_at, l.attempts, due.due_at"
}

type Row = (Uuid, String, Option<Uuid>, String, i64, i64, i64);

pub(super) async fn take(
    conn: &mut AsyncPgConnection,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Letter>, Fault> {
    let known = LetterKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows: Vec<Row> =
        Take { now: now.millis(), known, limit, until: until.millis() }.load(conn).await?;
    rows.sort_by_key(|(id, .., due_at)| (*due_at, *id));
    Ok(rows.into_iter().filter_map(letter).collect())
}

fn letter((id, kind, user, address, created_at, attempts, _): Row) -> Option<Letter> {
    Some(Letter {
        id: LetterId(id),
        kind: LetterKind::parse(&kind)?,
        user: user.map(UserId),
        address: Email::from_stored(address),
        created_at: Timestamp::from_millis(created_at),
        attempts: u32::try_from(attempts).unwrap_or(0),
    })
}

pub(super) async fn done(conn: &mut AsyncPgConnection, id: LetterId) -> Result<(), Fault> {
    diesel::delete(letters::table.find(id.0)).execute(conn).await?;
    Ok(())
}

pub(super) async fn later(conn: &mut AsyncPgConnection, id: LetterId, due: Timestamp) -> Result<(), Fault> {
    diesel::update(letters::table.find(id.0)).set(letters::due_at.eq(due.millis())).execute(conn).await?;
    Ok(())
}

pub(super) async fn waiting(conn: &mut AsyncPgConnection) -> Result<(u64, Option<Timestamp>), Fault> {
    let (count, oldest): (i64, Option<i64>) =
        letters::table.select((count_star(), min(letters::created_at))).get_result(conn).await?;
    Ok((u64::try_from(count).unwrap_or(0), oldest.map(Timestamp::from_millis)))
}
