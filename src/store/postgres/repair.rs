//! What stays behind so that nothing committed stays unannounced: the outbox, ended logins,
//! tickets, and the epoch. Each is one statement. Next: [`super::writes`], which fills the outbox.

use diesel::OptionalExtension as _;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::statements::statement;
use super::writes::{ROOM, USER, outbox_key};
use crate::domain::{Epoch, LogHead, RoomId, Seq, SessionId, Timestamp, UserId};

statement! {
    /// What another sweeper is handed at this moment is left to it.
    HandOut { before: i64 => BigInt, limit: i64 => BigInt, now: i64 => BigInt } -> (Text, SqlUuid, BigInt),
    "WITH due AS MATERIALIZED (SELECT kind, id FROM outbox WHERE at < ? ORDER BY at LIMIT ? \
     FOR UPDATE SKIP LOCKED) \
     UPDATE outbox o SET at = ? FROM due WHERE o.kind = due.kind AND o.id = due.id \
     RETURNING o.kind, o.id, o.seq"
}

pub(super) async fn unannounced(
    conn: &mut AsyncPgConnection,
    before: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<LogHead>, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<(String, Uuid, i64)> =
        HandOut { before: before.millis(), limit, now: now.millis() }.load(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(kind, id, seq)| match kind.as_str() {
            ROOM => Some(LogHead::Room(RoomId(id), Seq::from_stored(seq))),
            USER => Some(LogHead::User(UserId(id), Seq::from_stored(seq))),
            // Of a log that only a newer server knows, which sweeps too.
            _ => None,
        })
        .collect())
}

statement! {
    Waiting {} -> (BigInt, Nullable<BigInt>),
    "SELECT count(*), min(at) FROM outbox"
}

pub(super) async fn unannounced_now(conn: &mut AsyncPgConnection) -> Result<(u64, Option<Timestamp>), Fault> {
    let (rows, oldest): (i64, Option<i64>) = Waiting {}.get_result(conn).await?;
    Ok((u64::try_from(rows).unwrap_or(0), oldest.map(Timestamp::from_millis)))
}

statement! {
    /// A row that an append holds just now is left: it is about to tell of more.
    Forget {
        kinds: Vec<&'static str> => Array<Text>,
        ids: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
    } -> (),
    "WITH told AS MATERIALIZED (SELECT o.kind, o.id FROM outbox o \
     JOIN unnest(?, ?, ?) AS a (kind, id, seq) ON o.kind = a.kind AND o.id = a.id AND o.seq <= a.seq \
     FOR UPDATE OF o SKIP LOCKED) \
     DELETE FROM outbox o USING told WHERE o.kind = told.kind AND o.id = told.id"
}

pub(super) async fn announced(conn: &mut AsyncPgConnection, heads: &[LogHead]) -> Result<(), Fault> {
    let mut rows = Forget { kinds: Vec::new(), ids: Vec::new(), seqs: Vec::new() };
    for head in heads {
        let (kind, id, seq) = outbox_key(*head);
        rows.kinds.push(kind);
        rows.ids.push(id);
        rows.seqs.push(seq);
    }
    if !rows.ids.is_empty() {
        rows.execute(conn).await?;
    }
    Ok(())
}

statement! {
    RevokedSince { since: i64 => BigInt } -> SqlUuid,
    "SELECT id FROM logins WHERE revoked_at >= ? ORDER BY revoked_at"
}

pub(super) async fn logins_revoked_since(
    conn: &mut AsyncPgConnection,
    since: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    let rows: Vec<Uuid> = RevokedSince { since: since.millis() }.load(conn).await?;
    Ok(rows.into_iter().map(SessionId).collect())
}

statement! {
    KeepTicket { hash: Vec<u8> => Binary, ticket: Vec<u8> => Binary, expires: i64 => BigInt } -> (),
    // A call that is made again, since its answer was lost, keeps the same ticket.
    "INSERT INTO tickets (hash, ticket, expires_at) VALUES (?, ?, ?) ON CONFLICT (hash) \
     DO UPDATE SET ticket = excluded.ticket, expires_at = excluded.expires_at"
}

pub(super) async fn keep_ticket(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    ticket: &[u8],
    expires: Timestamp,
) -> Result<(), Fault> {
    KeepTicket { hash: hash.to_vec(), ticket: ticket.to_vec(), expires: expires.millis() }
        .execute(conn)
        .await?;
    Ok(())
}

statement! {
    /// Some of those that nobody came for go along; never the one that is taken.
    TakeTicket { ended: i64 => BigInt, hash: Vec<u8> => Binary, now: i64 => BigInt } -> Binary,
    "WITH old AS MATERIALIZED (SELECT hash FROM tickets WHERE expires_at <= ? ORDER BY expires_at LIMIT 100 \
       FOR UPDATE SKIP LOCKED), \
     gone AS (DELETE FROM tickets USING old WHERE tickets.hash = old.hash) \
     DELETE FROM tickets WHERE hash = ? AND expires_at > ? RETURNING ticket"
}

pub(super) async fn take_ticket(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Fault> {
    let now = now.millis();
    Ok(TakeTicket { ended: now, hash: hash.to_vec(), now }.get_result(conn).await.optional()?)
}

statement! {
    ReadFact { name: &'static str => Text } -> Binary,
    "SELECT value FROM meta WHERE name = ?"
}

statement! {
    WriteFact { name: &'static str => Text, value: Vec<u8> => Binary } -> (),
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
}

/// A fact about the database itself.
pub(super) async fn fact(
    conn: &mut AsyncPgConnection,
    name: &'static str,
) -> diesel::QueryResult<Option<Vec<u8>>> {
    ReadFact { name }.get_result(conn).await.optional()
}

/// Writes such a fact.
pub(super) async fn set_fact(
    conn: &mut AsyncPgConnection,
    name: &'static str,
    value: Vec<u8>,
) -> diesel::QueryResult<()> {
    WriteFact { name, value }.execute(conn).await.map(drop)
}

pub(super) async fn epoch(conn: &mut AsyncPgConnection) -> Result<Epoch, Fault> {
    let value = fact(conn, "epoch").await?.ok_or(diesel::result::Error::NotFound)?;
    let id = Uuid::from_slice(&value)
        .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    Ok(Epoch(id))
}

pub(super) async fn renew_epoch(conn: &mut AsyncPgConnection, epoch: Epoch) -> Result<(), Fault> {
    Ok(set_fact(conn, "epoch", epoch.0.as_bytes().to_vec()).await?)
}
