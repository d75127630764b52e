//! How people conduct themselves in rooms: what a group commit asks and writes of it.

use diesel::prelude::*;

use super::fault::Fault;
use super::rows::Key;
use super::schema::conduct;
use crate::domain::{Conduct, Muted, Reason, RoomId, Timestamp, UserId};
use crate::store::plan::{ConductRow, Known, Needs, Writes};

/// That somebody may not write, where he was muted.
#[derive(Queryable, Selectable)]
#[diesel(table_name = conduct, check_for_backend(diesel::sqlite::Sqlite))]
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

pub(super) fn read(conn: &mut SqliteConnection, needs: &Needs, known: &mut Known) -> Result<(), Fault> {
    for place in needs.members.union(&needs.bans) {
        known.conduct.extend(find(conn, *place)?.map(|found| (*place, found)));
    }
    Ok(())
}

fn find(conn: &mut SqliteConnection, (room, user): (RoomId, UserId)) -> Result<Option<Conduct>, Fault> {
    let row: Option<(Option<i64>, MutedRow)> = conduct::table
        .find((Key::from(room), Key::from(user)))
        .select((conduct::sent_at, MutedRow::as_select()))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(sent, muted)| Conduct { sent_at: sent.map(Timestamp::from_millis), muted: muted.muted() }))
}

pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for ConductRow { room, user, conduct } in &writes.conduct {
        let muted = conduct.muted.as_ref();
        diesel::replace_into(conduct::table)
            .values((
                conduct::room_id.eq(Key::from(*room)),
                conduct::user_id.eq(Key::from(*user)),
                conduct::sent_at.eq(conduct.sent_at.map(Timestamp::millis)),
                conduct::muted_until.eq(muted.map(|muted| muted.until.millis())),
                conduct::mute_reason.eq(muted.and_then(|muted| Some(muted.reason.as_ref()?.as_str()))),
            ))
            .execute(conn)?;
    }
    Ok(())
}
