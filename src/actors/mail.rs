//! Every message that actors send each other, in one file.
//!
//! The path of a command: session -> [`ToShard`] -> [`ToRoom`] -> [`Append`] to the writer; of
//! what comes of it: room -> [`ToHub`] -> outboxes, and [`ToSession`] where a session has to act.

use std::collections::HashSet;
use std::sync::Arc;

use actix::{Actor, Addr, Handler, Message, Recipient};
use tokio::sync::{mpsc, oneshot};

use super::lives::ActorId;
use super::outbox::Topic;
use super::pod::Pod;
use super::reply::Reply;
use crate::bus::{RoomNews, Whisper};
use crate::domain::subscription::{Level, ResetReason};
use crate::domain::{
    Applied, Concern, ConnId, MarkMove, Marks, MessageId, Operation, RoomBatch, RoomId, Seq, SessionId,
    Timestamp, UserEntry, UserId,
};
use crate::error::{Code, Fault};
use crate::protocol::{CloseCode, Encoded, Reference};
use crate::store::{Moved, StoreError};

/// One worker thread's hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HubId(pub usize);

/// One connection, within one hub. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkKey(pub u64);

/// Where a socket is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub hub: HubId,
    pub link: LinkKey,
}

/// For a room, by way of its shard, which starts it where it does not run.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ToShard {
    pub room: RoomId,
    pub command: ToRoom,
}

/// A room tells its shard that it has nothing to do, having handled so many commands.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Idle {
    pub room: RoomId,
    pub handled: u64,
}

/// To oneself: write what has gathered, after everything that waits in the mailbox was taken in.
/// What arrives together is committed, delivered and written to the sockets together; nothing is
/// ever delayed for it.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Flush;

/// To the shards: what the rooms remember belongs to a history that is no more.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct ForgetRooms;

/// The end of the engine: every actor stops.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Stop;

/// What a room is asked or told.
#[derive(Message)]
#[rtype(result = "()")]
pub enum ToRoom {
    /// Apply an operation and answer when it is committed.
    Submit(Submission),
    /// Make a socket a reader.
    Subscribe(Subscribe),
    /// A hub let go of a reader whom this actor had taken. What another had taken is not counted here.
    Detached { hub: HubId, by: ActorId },
    /// Entries that something else committed: another process, or a new room's making.
    Announce(Arc<RoomNews>),
    /// Where the log stands according to the store.
    HeadIs(Seq),
    /// A member types, or has stopped.
    Typing(Typing),
    /// A member's marks moved.
    Marked { user: UserId, marks: Marks },
    /// Answer [`Idle`] when there is nothing to do.
    AreYouIdle,
}

impl ToRoom {
    /// Whether a room is started for it. What only tells readers is nothing to a room that has
    /// none here.
    #[must_use]
    pub const fn wakes(&self) -> bool {
        match self {
            Self::Submit(_) | Self::Subscribe(_) => true,
            Self::Typing(typing) => typing.reply.is_some(),
            Self::Detached { .. }
            | Self::Announce(_)
            | Self::HeadIs(_)
            | Self::Marked { .. }
            | Self::AreYouIdle => false,
        }
    }
}

/// Someone types until then; not in the future: he has stopped.
pub struct Typing {
    pub user: UserId,
    pub until: Timestamp,
    /// Of a socket here; `None` when another process tells it.
    pub reply: Option<Reply<()>>,
}

/// A room grew: for those who follow it without reading it.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[rtype(result = "()")]
pub struct Grown {
    pub room: RoomId,
    pub head: Seq,
    /// Messages ever sent there.
    pub messages: u64,
    /// Its members, where somebody came or went.
    pub members: Option<u64>,
    /// Whose counts that does not tell.
    pub concern: Concern,
}

/// A wish to move marks.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Mark {
    pub wish: MarkMove,
    pub reply: Reply<Moved>,
}

/// What the keeper of presence is told.
#[derive(Message, Debug)]
#[rtype(result = "()")]
pub enum ToPresence {
    /// A connection of this user counts from now on.
    Came { user: UserId },
    /// It no longer does.
    Went { user: UserId },
    /// This connection wants to know of these people, in the place of those before.
    Watch { place: Place, users: Vec<UserId> },
    /// This connection was too slow to be told of a change.
    Missed { place: Place },
    /// This connection is gone.
    Unwatch { place: Place },
    /// Another process tells of its people.
    Whispered(Whisper),
}

/// An operation on its way to the log.
pub struct Submission {
    pub operation: Operation,
    pub reply: Reply,
}

/// A wish to read a room. Like a [`Reply`], it is never forgotten: dropped unanswered, by a room
/// that died with it, it is refused.
pub struct Subscribe {
    pub wish: Wish,
    pod: Option<Arc<Pod>>,
}

/// Who wants to read what, from where.
#[derive(Clone, Debug)]
pub struct Wish {
    pub room: RoomId,
    pub place: Place,
    pub user: UserId,
    /// `Bump`: only to be told that the room grows.
    pub level: Level,
    /// The last position the reader has; `None`: from the head on.
    pub after: Option<Seq>,
    /// How many entries may be replayed in one go.
    pub limit: u64,
    /// The reader's history is worthless: answer with this reset.
    pub reset: Option<ResetReason>,
    /// How the answer is told.
    pub tell: Tell,
}

impl Subscribe {
    #[must_use]
    pub const fn new(pod: Arc<Pod>, wish: Wish) -> Self {
        Self { wish, pod: Some(pod) }
    }

    /// Answers.
    pub fn answer(mut self, answer: ToHub) {
        if let Some(pod) = self.pod.take() {
            pod.tell_hub(self.wish.place.hub, answer);
        }
    }

    /// Answers no.
    pub fn refuse(self, fault: Fault) {
        let (link, room) = (self.wish.place.link, self.wish.room);
        self.answer(ToHub::Refuse { link, room, fault });
    }
}

impl Drop for Subscribe {
    fn drop(&mut self) {
        if let Some(pod) = self.pod.take() {
            let fault = Fault::new(Code::Unavailable, "the room was lost for a moment; ask again");
            let refuse = ToHub::Refuse { link: self.wish.place.link, room: self.wish.room, fault };
            pod.tell_hub(self.wish.place.hub, refuse);
        }
    }
}

/// How a subscription is answered on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tell {
    /// The answer of a `room.subscribe`: refusals are errors.
    Request(Option<Reference>),
    /// A room of a `resume`: someone outside gets a reset.
    Resume,
    /// The client was told before and is only caught up: nothing is said.
    Quietly,
}

/// A batch for the writer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Append {
    pub batch: RoomBatch,
    pub reply: oneshot::Sender<Result<Applied, StoreError>>,
}

/// One entry, encoded for everyone and, where it differs, for its author.
#[derive(Clone, Debug)]
pub struct RoomFrame {
    pub seq: Seq,
    pub common: Encoded,
    /// The author's own sockets get this one instead.
    pub own: Option<(UserId, Encoded)>,
    pub at: Timestamp,
    /// The message that is new by it.
    pub message: Option<MessageId>,
    /// Who is outside from this entry on.
    pub left: Option<UserId>,
    pub hidden: Option<Arc<Hidden>>,
}

/// Of an entry about a message that not everybody in the room may see: who may not, and what they get.
#[derive(Debug)]
pub struct Hidden {
    pub from: HashSet<UserId>,
    pub frame: Encoded,
}

impl RoomFrame {
    /// What somebody gets who does not get the common frame.
    #[must_use]
    pub fn instead(&self, user: Option<UserId>) -> Option<&Encoded> {
        let user = user?;
        if let Some(hidden) = &self.hidden
            && hidden.from.contains(&user)
        {
            return Some(&hidden.frame);
        }
        self.own.as_ref().filter(|(author, _)| *author == user).map(|(_, own)| own)
    }
}

/// What a hub is told. Crosses threads once per worker, whatever the number of readers there.
#[derive(Message)]
#[rtype(result = "()")]
pub enum ToHub {
    /// Entries of a room for all its readers here, and answers to some sockets here.
    Deliver { room: RoomId, frames: Arc<[RoomFrame]>, replies: Vec<(LinkKey, Encoded)> },
    /// An answer to one socket.
    Answer { link: LinkKey, frame: Encoded },
    /// The room accepts a reader: frames go out in this order, and then it is live.
    Attach(Attach),
    /// The reader must be served from the store first.
    History { link: LinkKey, room: RoomId },
    /// The room does not take this reader.
    Refuse { link: LinkKey, room: RoomId, fault: Fault },
    /// A reader who was being caught up cannot be: he is told so, and is no reader.
    LetGo { link: LinkKey, room: RoomId, frame: Encoded },
    /// All readers of a room are to drop what they hold.
    Reset { room: RoomId, reason: ResetReason, head: Seq, first_retained: Seq },
    /// A room's actor is another one: the readers of the former have to ask again.
    RoomStarted { room: RoomId },
    /// The room accepts someone who follows it without reading it.
    Follow { link: LinkKey, room: RoomId, answer: Encoded, head: Seq, messages: u64 },
    /// Rooms grew: for those who follow them.
    Grew(Arc<[Grown]>),
    /// Users' own logs grew.
    Users(Arc<[UserEntry]>),
    /// A user's own log reaches so far.
    UserHead { user: UserId, head: Seq },
    /// Say how far the logs of those who are connected here are known here.
    ListUsers(mpsc::Sender<Vec<(UserId, Seq)>>),
    /// Say how far the rooms grew that are followed here, as far as everyone here was told.
    ListFollowed(mpsc::Sender<Vec<Grown>>),
    /// Something that may get lost, for a room's readers.
    Whisper { room: RoomId, topic: Topic, frame: Encoded, except: Option<UserId> },
    /// Something that may get lost, for some connections.
    WhisperTo { links: Vec<LinkKey>, topic: Topic, frame: Encoded },
    /// A user's new connection is live in the place of this one.
    Replaced { user: UserId, conn: ConnId },
    /// Something that a socket sent was lost: it is closed.
    CutOff { link: LinkKey },
    /// A login ended: its sockets are closed.
    EndLogin { session: SessionId },
    /// This process ends: tell every socket when to come back.
    Drain { spread_ms: u64, deadline: Timestamp },
    /// Close every socket.
    CloseAll { code: CloseCode },
}

/// A reader's entry into a room.
pub struct Attach {
    pub link: LinkKey,
    /// Who counts this reader until it is told that it went.
    pub by: ActorId,
    pub room: RoomId,
    pub answer: Option<Encoded>,
    /// The last entries, where the reader lacks only these.
    pub backlog: Vec<RoomFrame>,
    /// The room's position after the backlog.
    pub head: Seq,
    pub first_retained: Seq,
}

/// What a session is told by its hub.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
#[rtype(result = "()")]
pub enum ToSession {
    /// Live in this room; so many entries were replayed.
    Attached { room: RoomId, replayed: u64 },
    /// Read the missed entries from the store.
    History { room: RoomId },
    /// Not taken.
    Refused { room: RoomId, fault: Fault },
    /// Not to be caught up; the client was told.
    LetGo { room: RoomId },
    /// No longer live: the next entry wanted is the one after this.
    Behind { room: RoomId, after: Seq },
    /// Takes too little: the next entry wanted is the one after this, once what waits is written.
    Lagged { room: RoomId, after: Seq },
    /// Entries of the user's own log are missing.
    UserBehind,
    /// The user came into a room, which may be closed to him.
    Added { room: RoomId },
    /// No longer a reader.
    Removed { room: RoomId },
    /// Look at the token's age.
    CheckExpiry,
}

/// How a session is reached by its hub, which does not know its type.
pub type SessionMailbox = Recipient<ToSession>;

/// Sends without a bound at the mailbox, because the bound stands elsewhere: a session has at most
/// `unanswered` commands under way, each of which causes one message per stop of its path, and the
/// bus hands a shard at most its channel's length.
pub fn deliver<A, M>(to: &Addr<A>, message: M)
where
    A: Actor + Handler<M>,
    A::Context: actix::dev::ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    #[allow(clippy::disallowed_methods, reason = "bounded by the senders, as the doc says")]
    to.do_send(message);
}

/// As [`deliver`], to a session: at most one message for each of its rooms and commands.
pub fn tell(to: &SessionMailbox, message: ToSession) {
    #[allow(clippy::disallowed_methods, reason = "bounded by the session's own rooms and commands")]
    to.do_send(message);
}
