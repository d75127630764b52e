//! [`History`]: messages from any place of a room. Next: [`crate::store::history`] for how a page is cut.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::ids::Ids;
use super::rooms::readable;
use super::rows::{Key, MessageRow};
use super::schema::messages;
use super::{SqliteStore, pins, reactions, threads};
use crate::domain::{Message, MessageId, Refusal, Room, RoomId, Seq, Timestamp, UserId};
use crate::store::history::{Cut, Halving, Side};
use crate::store::{Annotations, Answer, History, MessagePage, Place};

pub(super) fn messages_at(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    place: Place,
) -> Result<MessagePage, Fault> {
    fault::read(conn, |conn| {
        let (row, visible_from) = readable(conn, room, viewer)?;
        let head = Room::from(row).head;
        let (at, side) = match place {
            Place::Newest => (head.next(), Side::Older),
            Place::Before(seq) => (seq, Side::Older),
            Place::After(seq) => (seq.next(), Side::Newer),
            Place::Around(id) => (place_of(conn, room, id, visible_from)?, Side::Both),
            Place::At(moment) => (first_of(conn, room, moment, visible_from, head)?, Side::Both),
        };
        let cut = Cut::new(at, side, limit);
        let (older, newer) = cut.reads();
        let within = Within::Room(room);
        let older = stretch(conn, within, visible_from..at, older, true)?;
        let newer = stretch(conn, within, at.max(visible_from)..head.next(), newer, false)?;
        Ok(cut.page(older, newer))
    })
}

fn place_of(conn: &mut SqliteConnection, room: RoomId, id: MessageId, first: Seq) -> Result<Seq, Fault> {
    let seq: Option<i64> = messages::table
        .find(Key::from(id))
        .filter(messages::room_id.eq(Key::from(room)))
        .filter(messages::seq.ge(first.stored()))
        .select(messages::seq)
        .get_result(conn)
        .optional()?;
    Ok(seq.map(Seq::from_stored).ok_or(Refusal::NotFound("message"))?)
}

/// Where the first message of a moment or later lies.
fn first_of(
    conn: &mut SqliteConnection,
    room: RoomId,
    moment: Timestamp,
    first: Seq,
    head: Seq,
) -> Result<Seq, Fault> {
    let mut halving = Halving::new(moment, first, head);
    while let Some((from, to)) = halving.probe() {
        let found: Option<(i64, i64)> = messages::table
            .filter(messages::room_id.eq(Key::from(room)))
            .filter(messages::seq.ge(from.stored()))
            .filter(messages::seq.lt(to.stored()))
            .order(messages::seq)
            .select((messages::seq, messages::created_at))
            .first(conn)
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
pub(super) fn stretch(
    conn: &mut SqliteConnection,
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
        Within::Room(room) => query.filter(messages::room_id.eq(Key::from(room))),
        Within::Thread(root) => query.filter(messages::thread_root.eq(Key::from(root))),
    };
    let query =
        if is_descending { query.order(messages::seq.desc()) } else { query.order(messages::seq.asc()) };
    let rows: Vec<MessageRow> = query.load(conn)?;
    Ok(rows.into_iter().map(Message::from).collect())
}

impl History for SqliteStore {
    fn messages_at(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        place: Place,
    ) -> Answer<'_, MessagePage> {
        self.executor.read(move |conn| messages_at(conn, room, viewer, limit, place))
    }

    fn pins(&self, room: RoomId, viewer: UserId) -> Answer<'_, Vec<Message>> {
        self.executor.read(move |conn| pins::of_room(conn, room, viewer))
    }

    fn annotations(&self, messages: Vec<MessageId>, viewer: UserId) -> Answer<'_, Annotations> {
        self.executor.read(move |conn| {
            let ids = Ids::of(&messages);
            fault::read(conn, |conn| {
                Ok(Annotations {
                    reactions: reactions::of(conn, &ids, viewer)?,
                    pinned: pins::among(conn, &ids)?,
                    threads: threads::of(conn, &ids, viewer)?,
                })
            })
        })
    }
}
