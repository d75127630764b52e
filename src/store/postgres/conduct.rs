//! How people conduct themselves in rooms: what a group commit asks and writes of it. Of members it is
//! asked where their rows are locked.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::schema::conduct;
use super::statements::statement;
use crate::domain::{Conduct, Muted, Reason, RoomId, Timestamp, UserId};
use crate::store::plan::{Known, Needs, Writes};

/// That somebody may not write, where he was muted.
#[derive(Queryable, Selectable)]
#[diesel(table_name = conduct, check_for_backend(diesel::pg::Pg))]
pub(super) struct MutedRow {
    muted_until: Option<i64>,
    mute_reason: Option<String>,
}

impl MutedRow {
    pub(super) fn muted(self) -> Option<Muted> {
        let reason = self.mute_reason.map(Reason::from_stored);
        Some(Muted { until: Timestamp::from_millis(self.muted_until?), reason })
    }
}

/// The columns of a row, and their values.
pub(super) type MutedColumns = (Nullable<BigInt>, Nullable<Text>);
pub(super) type ConductColumns = (Nullable<BigInt>, MutedColumns);
pub(super) type ConductValues = (Option<i64>, MutedRow);

pub(super) fn of((sent, muted): ConductValues) -> Conduct {
    Conduct { sent_at: sent.map(Timestamp::from_millis), muted: muted.muted() }
}

statement! {
    ReadConduct { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> }
    -> (SqlUuid, SqlUuid, ConductColumns),
    "SELECT c.room_id, c.user_id, c.sent_at, c.muted_until, c.mute_reason \
     FROM unnest(?, ?) AS w (room, person) \
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
        reasons: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> (),
    "INSERT INTO conduct (room_id, user_id, sent_at, muted_until, mute_reason) \
     SELECT * FROM unnest(?, ?, ?, ?, ?) ON CONFLICT (room_id, user_id) DO UPDATE \
     SET sent_at = excluded.sent_at, muted_until = excluded.muted_until, mute_reason = excluded.mute_reason"
}

pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    let rows = &writes.conduct;
    let reason = |muted: &Muted| Some(muted.reason.as_ref()?.as_str().to_owned());
    pipeline.add(rows.len(), || WriteConduct {
        rooms: rows.iter().map(|row| row.room.0).collect(),
        users: rows.iter().map(|row| row.user.0).collect(),
        muted: rows.iter().map(|row| Some(row.conduct.muted.as_ref()?.until.millis())).collect(),
        reasons: rows.iter().map(|row| row.conduct.muted.as_ref().and_then(reason)).collect(),
        sent: rows.iter().map(|row| row.conduct.sent_at.map(Timestamp::millis)).collect(),
    });
}
