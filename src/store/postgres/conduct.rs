//! How people conduct themselves in rooms: what a group commit asks and writes of it. Of members it is
//! asked where their rows are locked.

use diesel::sql_types::{Array, BigInt, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::statements::statement;
use crate::domain::{Conduct, RoomId, Timestamp, UserId};
use crate::store::plan::{Known, Needs, Writes};

/// The columns of a row, and their values.
pub(super) type ConductColumns = (Nullable<BigInt>, Nullable<BigInt>);
pub(super) type ConductValues = (Option<i64>, Option<i64>);

pub(super) fn of((sent, muted): ConductValues) -> Conduct {
    let time = |at: Option<i64>| at.map(Timestamp::from_millis);
    Conduct { sent_at: time(sent), muted_until: time(muted) }
}

statement! {
    ReadConduct { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, SqlUuid, ConductColumns),
    "SELECT c.room_id, c.user_id, c.sent_at, c.muted_until FROM unnest(?, ?) AS w (room, person) \
     JOIN conduct c ON c.room_id = w.room AND c.user_id = w.person"
}

/// Of those who come in and may write in the same commit.
pub(super) async fn of_newcomers(
    conn: &mut AsyncPgConnection,
    needs: &Needs,
    known: &mut Known,
) -> Result<(), Fault> {
    let (rooms, users) = needs.bans.iter().map(|(room, user)| (room.0, user.0)).unzip();
    let rows: Vec<(Uuid, Uuid, ConductValues)> = ReadConduct { rooms, users }.load(conn).await?;
    let found = rows.into_iter().map(|(room, user, values)| ((RoomId(room), UserId(user)), of(values)));
    known.conduct.extend(found);
    Ok(())
}

statement! {
    WriteConduct {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        sent: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        muted: Vec<Option<i64>> => Array<Nullable<BigInt>>,
    } -> (),
    "INSERT INTO conduct (room_id, user_id, sent_at, muted_until) SELECT * FROM unnest(?, ?, ?, ?) \
     ON CONFLICT (room_id, user_id) \
     DO UPDATE SET sent_at = excluded.sent_at, muted_until = excluded.muted_until"
}

pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    let rows = &writes.conduct;
    pipeline.add(rows.len(), || WriteConduct {
        rooms: rows.iter().map(|row| row.room.0).collect(),
        users: rows.iter().map(|row| row.user.0).collect(),
        muted: rows.iter().map(|row| row.conduct.muted_until.map(Timestamp::millis)).collect(),
        sent: rows.iter().map(|row| row.conduct.sent_at.map(Timestamp::millis)).collect(),
    });
}
