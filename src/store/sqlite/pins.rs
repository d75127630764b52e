//! Pins: what a group commit asks and writes of them, and how they are listed.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Binary, Text};

use super::fault::{self, Fault};
use super::ids::{Ids, ids};
use super::rooms::readable;
use super::rows::{Key, MessageRow};
use super::schema::{messages, pins};
use crate::domain::{Message, MessageId, RoomId, UserId};
use crate::store::plan::{Known, Needs, Writes};

pub(super) fn read(conn: &mut SqliteConnection, needs: &Needs, known: &mut Known) -> Result<(), Fault> {
    for message in &needs.pins {
        let found: Option<i64> =
            pins::table.find(Key::from(*message)).select(pins::seq).get_result(conn).optional()?;
        known.pins.extend(found.map(|_| *message));
    }
    for room in &needs.pin_counts {
        let count: i64 = pins::table.filter(pins::room_id.eq(Key::from(*room))).count().get_result(conn)?;
        known.pin_counts.insert(*room, usize::try_from(count).unwrap_or(0));
    }
    Ok(())
}

pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for message in &writes.pins_deleted {
        diesel::delete(pins::table.find(Key::from(*message))).execute(conn)?;
    }
    for pin in &writes.pins_inserted {
        diesel::insert_into(pins::table)
            .values((
                pins::message_id.eq(Key::from(pin.message)),
                pins::room_id.eq(Key::from(pin.room)),
                pins::seq.eq(pin.seq.stored()),
                pins::user_id.eq(Key::from(pin.user)),
                pins::at.eq(pin.at.millis()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn of_room(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
) -> Result<Vec<Message>, Fault> {
    fault::read(conn, |conn| {
        let (_, visible_from) = readable(conn, room, viewer)?;
        let rows: Vec<MessageRow> = pins::table
            .inner_join(messages::table.on(messages::id.eq(pins::message_id)))
            .filter(pins::room_id.eq(Key::from(room)))
            .filter(messages::seq.ge(visible_from.stored()))
            .order(pins::seq.desc())
            .select(MessageRow::as_select())
            .load(conn)?;
        Ok(rows.into_iter().map(Message::from).collect())
    })
}

#[derive(QueryableByName)]
struct PinnedRow {
    #[diesel(sql_type = Binary)]
    message_id: Key,
}

/// Which of these are pinned, a list as [`Ids`] has it.
pub(super) fn among(conn: &mut SqliteConnection, asked: &Ids) -> Result<Vec<MessageId>, Fault> {
    let rows: Vec<PinnedRow> = sql_query(concat!("SELECT message_id FROM pins WHERE message_id IN ", ids!()))
        .bind::<Text, _>(asked.as_str())
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.message_id.into()).collect())
}
