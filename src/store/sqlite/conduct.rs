//! How people conduct themselves in rooms: what a group commit asks and writes of it.

use diesel::prelude::*;

use super::fault::Fault;
use super::rows::Key;
use super::schema::conduct;
use crate::domain::{Conduct, RoomId, Timestamp, UserId};
use crate::store::plan::{ConductRow, Known, Needs, Writes};

pub(super) fn read(conn: &mut SqliteConnection, needs: &Needs, known: &mut Known) -> Result<(), Fault> {
    for place in needs.members.union(&needs.bans) {
        known.conduct.extend(find(conn, *place)?.map(|found| (*place, found)));
    }
    Ok(())
}

fn find(conn: &mut SqliteConnection, (room, user): (RoomId, UserId)) -> Result<Option<Conduct>, Fault> {
    let row: Option<(Option<i64>, Option<i64>)> = conduct::table
        .find((Key::from(room), Key::from(user)))
        .select((conduct::sent_at, conduct::muted_until))
        .get_result(conn)
        .optional()?;
    let time = |at: Option<i64>| at.map(Timestamp::from_millis);
    Ok(row.map(|(sent, muted)| Conduct { sent_at: time(sent), muted_until: time(muted) }))
}

pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for ConductRow { room, user, conduct } in &writes.conduct {
        diesel::replace_into(conduct::table)
            .values((
                conduct::room_id.eq(Key::from(*room)),
                conduct::user_id.eq(Key::from(*user)),
                conduct::sent_at.eq(conduct.sent_at.map(Timestamp::millis)),
                conduct::muted_until.eq(conduct.muted_until.map(Timestamp::millis)),
            ))
            .execute(conn)?;
    }
    Ok(())
}
