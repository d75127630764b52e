//! The users' own logs, and the marks that they keep.

use super::Answer;
use crate::domain::{
    Counts, MarkMove, Marks, Refusal, RoomId, RoomState, Seq, Timestamp, Unread, UserEntry, UserId,
};

/// Where a user stands when he comes in: one consistent snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserHeads {
    /// The head of his own log.
    pub user_seq: Seq,
    /// All his rooms, newest activity first.
    pub rooms: Vec<RoomState>,
}

/// A stretch of a user's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLogPage {
    /// Ascending, without a hole, from the position asked for.
    pub entries: Vec<UserEntry>,
    pub head: Seq,
    pub first_retained: Seq,
}

/// Marks after a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub marks: Marks,
    pub unread: Unread,
    /// What the user's devices are told; `None` when nothing moved.
    pub entry: Option<UserEntry>,
}

/// One page of the marks of a room's members, for receipts on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarksPage {
    /// By `joined_seq`.
    pub marks: Vec<(UserId, Marks)>,
    /// Continues after this `joined_seq`.
    pub next: Option<Seq>,
}

/// The users' own logs and marks.
pub trait UserLogs: Send + Sync + 'static {
    /// Where the user and all his rooms stand, unread counts included, in **one** statement: what
    /// a reconnect costs.
    fn heads_of(&self, user: UserId) -> Answer<'_, UserHeads>;

    /// Moves marks by maximum (see [`Marks::moved`]), all in **one** transaction, and writes
    /// `mark.moved` into the log of each user whose marks moved. Moves of one user and room are
    /// merged into one entry, which each of them is answered with. Sending a message moves the
    /// author's own marks in [`super::Log::append`], without an entry: the message tells it.
    ///
    /// # Errors
    /// `Unavailable`: nothing moved. Per move `NotFound`/`NotMember` for who is outside.
    fn move_marks(&self, moves: Vec<MarkMove>, now: Timestamp) -> Answer<'_, Vec<Result<Moved, Refusal>>>;

    /// What counts for these people in these rooms, as [`UserLogs::heads_of`] tells it: each as of one
    /// moment. Who is no member is left out.
    fn counts_of(&self, asked: Vec<(RoomId, UserId)>) -> Answer<'_, Vec<Counts>>;

    /// The marks of members by `joined_seq`, from after `after`.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` when the viewer may not see them.
    fn marks_of(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        after: Option<Seq>,
    ) -> Answer<'_, MarksPage>;

    /// Up to `limit` entries of the user's own log after `after`.
    fn user_log_page(&self, user: UserId, after: Seq, limit: usize) -> Answer<'_, UserLogPage>;

    /// The heads of these users' logs, for the repair of silence. Unknown users are left out.
    fn user_heads(&self, users: Vec<UserId>) -> Answer<'_, Vec<(UserId, Seq)>>;

    /// Forgets entries from before `before`, from the beginning of each user's log only, about
    /// `limit` in one go. Answers how many were forgotten.
    fn prune_user_logs(&self, before: Timestamp, limit: usize) -> Answer<'_, usize>;

    /// Notes when people were last here; never earlier than what is known.
    fn note_seen(&self, seen: Vec<(UserId, Timestamp)>) -> Answer<'_, ()>;
}
