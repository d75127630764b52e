//! Pins: what a group commit asks and writes of them, and how they are listed.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::rooms::readable;
use super::rows::MessageRow;
use super::schema::{messages, pins};
use super::statements::statement;
use super::transaction;
use crate::domain::{Message, MessageId, RoomId, UserId};
use crate::store::plan::{Known, Needs, Writes};

statement! {
    ReadPins { messages: Vec<Uuid> => Array<SqlUuid> } -> SqlUuid,
    "SELECT message_id FROM pins WHERE message_id = ANY(?)"
}

statement! {
    CountPins { rooms: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, BigInt),
    "SELECT room_id, count(*) FROM pins WHERE room_id = ANY(?) GROUP BY room_id"
}

pub(super) async fn read(
    conn: &mut AsyncPgConnection,
    needs: &Needs,
    known: &mut Known,
) -> Result<(), Fault> {
    if !needs.pins.is_empty() {
        known.pins.extend(among(conn, needs.pins.iter()).await?);
    }
    if !needs.pin_counts.is_empty() {
        let rooms = needs.pin_counts.iter().map(|room| room.0).collect();
        let rows: Vec<(Uuid, i64)> = CountPins { rooms }.load(conn).await?;
        let count = |(room, count)| (RoomId(room), usize::try_from(count).unwrap_or(0));
        known.pin_counts.extend(rows.into_iter().map(count));
    }
    Ok(())
}

statement! {
    DeletePins { messages: Vec<Uuid> => Array<SqlUuid> } -> (),
    "DELETE FROM pins WHERE message_id = ANY(?)"
}

statement! {
    InsertPins {
        messages: Vec<Uuid> => Array<SqlUuid>,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        users: Vec<Uuid> => Array<SqlUuid>,
        ats: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO pins (message_id, room_id, seq, user_id, at) SELECT * FROM unnest(?, ?, ?, ?, ?)"
}

pub(super) fn write(pipeline: &mut Pipeline<'_>, writes: &Writes) {
    pipeline.add(writes.pins_deleted.len(), || DeletePins {
        messages: writes.pins_deleted.iter().map(|message| message.0).collect(),
    });
    let new = &writes.pins_inserted;
    pipeline.add(new.len(), || InsertPins {
        messages: new.iter().map(|pin| pin.message.0).collect(),
        rooms: new.iter().map(|pin| pin.room.0).collect(),
        seqs: new.iter().map(|pin| pin.seq.stored()).collect(),
        users: new.iter().map(|pin| pin.user.0).collect(),
        ats: new.iter().map(|pin| pin.at.millis()).collect(),
    });
}

pub(super) async fn of_room(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
) -> Result<Vec<Message>, Fault> {
    transaction::snapshot(conn, async |conn| {
        let (_, visible_from) = readable(conn, room, viewer).await?;
        let rows: Vec<MessageRow> = pins::table
            .inner_join(messages::table.on(messages::id.eq(pins::message_id)))
            .filter(pins::room_id.eq(room.0))
            .filter(messages::seq.ge(visible_from.stored()))
            .order(pins::seq.desc())
            .select(MessageRow::as_select())
            .load(conn)
            .await?;
        Ok(rows.into_iter().map(Message::from).collect())
    })
    .await
}

/// Which of these are pinned.
pub(super) async fn among(
    mut conn: &AsyncPgConnection,
    asked: impl Iterator<Item = &MessageId>,
) -> QueryResult<Vec<MessageId>> {
    let messages = asked.map(|message| message.0).collect();
    let rows: Vec<Uuid> = ReadPins { messages }.load(&mut conn).await?;
    Ok(rows.into_iter().map(MessageId).collect())
}
