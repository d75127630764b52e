//! Finding messages. What the index holds, and why it follows the messages instead of being written
//! with them, is decided in `docs/adr/0022-the-index-follows-the-messages.md`.

use std::collections::HashMap;

use super::Answer;
use super::indexing::{Cut, Unindexed};
use crate::domain::search::{Place, Term};
use crate::domain::{Message, MessageId, Query, RoomId, Seq, UserId};

/// Rooms that an index is asked for one by one. Who is in more sees so much that it does not help.
const ROOMS: usize = 64;

/// Who looks for what.
#[derive(Clone, Debug)]
pub struct Search {
    pub viewer: UserId,
    pub query: Query,
    /// Whether private rooms are open to him.
    pub private: bool,
    /// At least one is looked for.
    pub limit: usize,
    pub after: Option<HitCursor>,
}

/// Continues a search: after this message, among older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitCursor {
    pub place: Place,
    pub message: MessageId,
}

/// A message that was found, between those that stand beside it in its room, as far as the viewer
/// may see them and they were not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub message: Message,
    pub before: Option<Message>,
    pub after: Option<Message>,
}

/// Hits, newest first.
#[derive(Clone, Debug)]
pub struct HitPage {
    pub hits: Vec<Hit>,
    pub next: Option<HitCursor>,
}

/// Finding messages.
pub trait Searching: Send + Sync + 'static {
    /// What waits for the index, the newest first: of at most so many changes. Only what is new waits: a
    /// text that is edited, deleted or erased has left the index in the commit that does it.
    fn unindexed(&self, limit: usize) -> Answer<'_, Vec<Unindexed>>;

    /// Puts into the index what was read and cut, and takes it from what waits. A message that is not
    /// as it was read any more is left alone, and waits on: what is put in is in the text as it is at
    /// that commit. Answers how many changes wait no more: none when another process is at it.
    fn index(&self, cut: Vec<Cut>) -> Answer<'_, usize>;

    /// How many changes wait for it.
    fn unindexed_count(&self) -> Answer<'_, u64>;

    /// Messages that the viewer may read now and that hold all that is asked for, newest first. A
    /// page may hold fewer than asked for, and another one follow.
    fn search(&self, search: Search) -> Answer<'_, HitPage>;
}

/// What is asked of an index.
#[derive(Debug)]
pub(super) struct Wanted {
    /// All of these, of the words.
    words: Vec<Term>,
    /// And all of these.
    pub filters: Vec<Term>,
    /// One of these, unless it is empty.
    pub rooms: Vec<RoomId>,
    /// From here on.
    pub from: Place,
    /// Strictly before this.
    pub before: HitCursor,
    /// Rows for a page, and one that tells whether another page follows.
    pub rows: i64,
    author: Option<UserId>,
    meant: Vec<RoomId>,
}

impl Wanted {
    /// Out of the viewer's rooms, with their names and whether they are private, and whom the query
    /// names. `None` when nothing can be found.
    pub(super) fn new(
        search: &Search,
        rooms: Vec<(RoomId, String, bool)>,
        named: Option<UserId>,
    ) -> Option<Self> {
        let query = &search.query;
        let author = match &query.from {
            None => None,
            Some(crate::domain::query::From::Me) => Some(search.viewer),
            Some(crate::domain::query::From::Named(_)) => Some(named?),
            Some(crate::domain::query::From::Id(id)) => Some(*id),
        };
        let meant = rooms
            .into_iter()
            .filter(|(id, name, is_private)| (search.private || !is_private) && query.is_about(*id, name));
        let meant: Vec<RoomId> = meant.map(|(id, ..)| id).collect();
        let narrows = query.room.is_some() || meant.len() <= ROOMS;
        let newest = Place::from_stored(query.until.map_or(i64::MAX, |until| Place::at(until).stored()));
        let first = HitCursor { place: newest, message: MessageId(uuid::Uuid::nil()) };
        (!meant.is_empty()).then(|| Self {
            words: query.terms(),
            filters: query.filters(author),
            rooms: if narrows { meant.clone() } else { Vec::new() },
            from: query.since.map_or(Place::from_stored(0), Place::at),
            before: search.after.filter(|after| after.place < newest).unwrap_or(first),
            rows: i64::try_from(search.limit.max(1).saturating_add(1)).unwrap_or(i64::MAX),
            author,
            meant,
        })
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = Term> {
        self.words.iter().chain(&self.filters).copied()
    }

    /// Rows as the index gave them, each with the first `seq` that the viewer sees of its room: cut
    /// to a page. The messages as they are now say which of them are meant.
    pub(super) fn page(&self, mut rows: Vec<Found>) -> (Vec<Found>, Option<HitCursor>) {
        let page = usize::try_from(self.rows).unwrap_or(usize::MAX).saturating_sub(1);
        let more = rows.len() > page;
        rows.truncate(page);
        let next = rows.last().filter(|_| more).map(|row| row.cursor);
        (rows, next)
    }

    fn means(&self, query: &Query, message: &Message) -> bool {
        self.meant.contains(&message.room) && query.matches(message, self.author)
    }

    /// Those rows that are meant, in their order.
    pub(super) fn meant(&self, query: &Query, rows: &[Found], messages: Vec<Message>) -> Vec<(Message, Seq)> {
        let mut messages: HashMap<_, _> = messages.into_iter().map(|message| (message.id, message)).collect();
        let found = rows.iter().filter_map(|row| {
            let message = messages.remove(&row.cursor.message)?;
            self.means(query, &message).then_some((message, row.visible_from))
        });
        found.collect()
    }
}

/// A row of the index that the viewer may see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub cursor: HitCursor,
    /// From where on he sees the room.
    pub visible_from: Seq,
}
