//! The rooms' logs.

use super::Answer;
use crate::domain::{Applied, Entry, Head, Member, Room, RoomBatch, RoomId, Seq, Timestamp, UserId};

/// What came of a group commit: for each batch, in the order given.
pub type Append = Vec<Applied>;

/// A room as its actor starts with it: one consistent snapshot.
#[derive(Clone, Debug)]
pub struct RoomSnapshot {
    pub room: Room,
    /// Everyone, however many.
    pub members: Vec<Member>,
    /// Who of them was muted, until when: perhaps over by now.
    pub muted: Vec<(UserId, Timestamp)>,
}

/// A stretch of a room's log.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// Ascending, without a hole, from the position asked for.
    pub entries: Vec<Entry>,
    pub head: Seq,
    pub first_retained: Seq,
    /// Where the reader's part of the log begins; [`Seq::START`] where all of it is his.
    pub visible_from: Seq,
}

/// The logs of all rooms.
pub trait Log: Send + Sync + 'static {
    /// Group commit: applies all operations of all batches in **one** transaction, in order.
    ///
    /// Each accepted operation takes the next `seq` of its room under the room's row lock, so the
    /// order of numbers is the order of commits and no number is ever missing. Rules are judged
    /// inside the transaction; a refused operation writes nothing and does not disturb the others.
    /// A retry of a sender's key answers the first outcome with `duplicate`; a key is used up only
    /// by the commit. A send moves its author's marks to it and stores whom it mentions; who comes
    /// and who goes, by himself or by another, gets `room.added` and `room.removed` into his own log.
    ///
    /// # Errors
    /// `Unavailable`: nothing of any batch is stored. `InDoubt`: all of it or nothing; for messages
    /// the same call again finds out, by the senders' keys.
    fn append(&self, batches: Vec<RoomBatch>) -> Answer<'_, Append>;

    /// Transactions of [`Log::append`] that are worth having under way at the same time.
    fn appends_at_once(&self) -> usize {
        1
    }

    /// The room with all its members and head, as of one moment. `None` when there is no such room.
    fn room_snapshot(&self, room: RoomId) -> Answer<'_, Option<RoomSnapshot>>;

    /// Up to `limit` entries after `after`, each message as it is now. With a reader, his
    /// membership is judged in the same snapshot.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` when the reader may not see the log. A page that begins before
    /// `first_retained` or `visible_from` is the caller's to recognise: it comes without that part.
    fn log_page(&self, room: RoomId, reader: Option<UserId>, after: Seq, limit: usize)
    -> Answer<'_, LogPage>;

    /// The present heads of these rooms, for the repair of silence. Unknown rooms are left out.
    fn heads(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<Head>>;

    /// As [`Log::heads`], for those who only follow the rooms: the head of each, and how many
    /// messages were ever sent there.
    fn growth(&self, rooms: Vec<RoomId>) -> Answer<'_, Vec<(RoomId, Seq, u64)>>;

    /// Forgets entries from before `before`, from the beginning of each room's log only, so that
    /// what stays is whole; about `limit` in one go. Messages stay. Answers how many were
    /// forgotten: 0 means that none are due.
    fn prune_log(&self, before: Timestamp, limit: usize) -> Answer<'_, usize>;
}
