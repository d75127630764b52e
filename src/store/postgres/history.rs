//! [`History`]: messages from any place of a room. Next: [`crate::store::history`] for how a page is cut.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{FutureExt as _, try_join};

use super::fault::Fault;
use super::rooms::readable;
use super::rows::MessageRow;
use super::schema::messages;
use super::{PgStore, pins, reactions, threads, transaction};
use crate::domain::{Message, MessageId, Refusal, Room, RoomId, Seq, Timestamp, UserId};
use crate::store::history::{Cut, Halving, Side};
use crate::store::{Annotations, Answer, History, MessagePage, Place};

pub(super) async fn messages_at(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    place: Place,
) -> Result<MessagePage, Fault> {
    transaction::snapshot(conn, async |conn| {
        let (row, visible_from) = readable(conn, room, viewer).await?;
        let head = Room::from(row).head;
        let (at, side) = match place {
            Place::Newest => (head.next(), Side::Older),
            Place::Before(seq) => (seq, Side::Older),
            Place::After(seq) => (seq.next(), Side::Newer),
            Place::Around(id) => (place_of(conn, room, id, visible_from).await?, Side::Both),
            Place::At(moment) => (first_of(conn, room, moment, visible_from, head).await?, Side::Both),
        };
        let cut = Cut::new(at, side, limit);
        let (older, newer) = cut.reads();
        let within = Within::Room(room);
        let older = stretch(conn, within, visible_from..at, older, true).await?;
        let newer = stretch(conn, within, at.max(visible_from)..head.next(), newer, false).await?;
        Ok(cut.page(older, newer))
    })
    .await
}

async fn place_of(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    id: MessageId,
    first: Seq,
) -> Result<Seq, Fault> {
    let seq: Option<i64> = messages::table
        .find(id.0)
        .filter(messages::room_id.eq(room.0))
        .filter(messages::seq.ge(first.stored()))
        .select(messages::seq)
        .get_result(conn)
        .await
        .optional()?;
    Ok(seq.map(Seq::from_stored).ok_or(Refusal::NotFound("message"))?)
}

/// Where the first message of a moment or later lies.
async fn first_of(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    moment: Timestamp,
    first: Seq,
    head: Seq,
) -> Result<Seq, Fault> {
    let mut halving = Halving::new(moment, first, head);
    while let Some((from, to)) = halving.probe() {
        let found: Option<(i64, i64)> = messages::table
            .filter(messages::room_id.eq(room.0))
            .filter(messages::seq.ge(from.stored()))
            .filter(messages::seq.lt(to.stored()))
            .order(messages::seq)
            .select((messages::seq, messages::created_at))
            .first(conn)
            .await
            .optional()?;
        halving.told(from, found.map(|(seq, at)| (Seq::from_stored(seq), Timestamp::from_millis(at))));
    }
    Ok(halving.place())
}

/// What pages are cut of.
#[derive(Clone, Copy)]
pub(super) enum Within {
    Room(RoomId),
    /// The replies of a thread, by its root.
    Thread(MessageId),
}

/// The messages of these numbers, so many, from this end.
pub(super) async fn stretch(
    conn: &mut AsyncPgConnection,
    within: Within,
    range: std::ops::Range<Seq>,
    most: usize,
    is_descending: bool,
) -> Result<Vec<Message>, Fault> {
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let query = messages::table
        .filter(messages::seq.ge(range.start.stored()))
        .filter(messages::seq.lt(range.end.stored()))
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(MessageRow::as_select())
        .into_boxed();
    let query = match within {
        Within::Room(room) => query.filter(messages::room_id.eq(room.0)),
        Within::Thread(root) => query.filter(messages::thread_root.eq(root.0)),
    };
    let query =
        if is_descending { query.order(messages::seq.desc()) } else { query.order(messages::seq.asc()) };
    let rows: Vec<MessageRow> = query.load(conn).await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// Three statements in one round trip.
async fn annotations(
    conn: &mut AsyncPgConnection,
    messages: &[MessageId],
    viewer: UserId,
) -> Result<Annotations, Fault> {
    let conn = &*conn;
    let (reactions, pinned, threads) = try_join!(
        reactions::of(conn, messages, viewer),
        pins::among(conn, messages.iter()),
        threads::of(conn, messages, viewer)
    )?;
    Ok(Annotations { reactions, pinned, threads })
}

impl History for PgStore {
    fn messages_at(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        place: Place,
    ) -> Answer<'_, MessagePage> {
        self.executor.read((), move |conn, ()| messages_at(conn, room, viewer, limit, place).boxed())
    }

    fn pins(&self, room: RoomId, viewer: UserId) -> Answer<'_, Vec<Message>> {
        self.executor.read((), move |conn, ()| pins::of_room(conn, room, viewer).boxed())
    }

    fn annotations(&self, messages: Vec<MessageId>, viewer: UserId) -> Answer<'_, Annotations> {
        self.executor.read(messages, move |conn, messages| annotations(conn, messages, viewer).boxed())
    }
}
