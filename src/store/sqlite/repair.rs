//! Epoch, tickets, and logins that ended: what processes find out from the store when they may
//! have missed being told. One process has a SQLite file, so there is no outbox.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::Key;
use super::schema::{logins, meta, tickets};
use crate::domain::{Epoch, SessionId, Timestamp};

pub(super) fn epoch(conn: &mut SqliteConnection) -> Result<Epoch, Fault> {
    Ok(meta::table.find("epoch").select(meta::value).get_result::<Key>(conn)?.into())
}

pub(super) fn renew_epoch(conn: &mut SqliteConnection, epoch: Epoch) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let before: Key = meta::table.find("epoch").select(meta::value).get_result(conn)?;
        for (name, value) in [("epoch_before", before), ("epoch", Key::from(epoch))] {
            diesel::replace_into(meta::table)
                .values((meta::name.eq(name), meta::value.eq(value)))
                .execute(conn)?;
        }
        Ok(())
    })
}

pub(super) fn logins_revoked_since(
    conn: &mut SqliteConnection,
    since: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    let revoked: Vec<Key> = logins::table
        .filter(logins::revoked_at.ge(since.millis()))
        .order(logins::revoked_at)
        .select(logins::id)
        .load(conn)?;
    Ok(revoked.into_iter().map(SessionId::from).collect())
}

pub(super) fn keep_ticket(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    ticket: &[u8],
    expires: Timestamp,
) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        // A call that is made again, since its answer was lost, keeps the same ticket.
        diesel::replace_into(tickets::table)
            .values((
                tickets::hash.eq(hash.as_slice()),
                tickets::ticket.eq(ticket),
                tickets::expires_at.eq(expires.millis()),
            ))
            .execute(conn)?;
        Ok(())
    })
}

pub(super) fn take_ticket(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Fault> {
    fault::write(conn, |conn| {
        // Those that nobody came for go first, so none of them is ever taken.
        diesel::delete(tickets::table.filter(tickets::expires_at.le(now.millis()))).execute(conn)?;
        Ok(diesel::delete(tickets::table.find(hash.as_slice()))
            .returning(tickets::ticket)
            .get_result(conn)
            .optional()?)
    })
}
