//! What a worker's hub, the session actor and the socket's writer share of one connection. All
//! three live on one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use super::mail::{LinkKey, SessionMailbox, ToSession, tell};
use super::outbox::{Full, News, Outbox, OutboxLimits, Topic};
use crate::domain::session::Identity;
use crate::domain::{ConnId, RoomId, Seq, UserId};
use crate::protocol::encoded::control;
use crate::protocol::{CloseCode, Encoded};

/// One connection.
pub struct Link {
    pub key: LinkKey,
    pub conn: ConnId,
    pub outbox: RefCell<Outbox>,
    /// Rooms in which this connection is live.
    pub rooms: RefCell<Vec<RoomId>>,
    /// Rooms whose growth this connection is told of, whether live or not.
    pub followed: RefCell<Vec<RoomId>>,
    pub user_log: UserCursor,
    /// Whether this connection counts as its user's presence.
    pub is_present: Cell<bool>,
    /// Whether private rooms are open to the user: not before the address is confirmed, where that is
    /// asked for.
    pub sees_private: Cell<bool>,
    mailbox: RefCell<Option<SessionMailbox>>,
    identity: Cell<Option<Identity>>,
    /// Commands that have no answer yet.
    unanswered: Cell<usize>,
    /// Called when reading may go on.
    reader: RefCell<Option<Waker>>,
    /// The session is busy with something that must come before the next frame.
    paused: Cell<bool>,
    closed: Cell<Option<CloseCode>>,
    /// Whether it was signed in and told so.
    pub is_welcomed: Cell<bool>,
    pub clock: LinkClock,
}

/// Where a connection stands in its user's own log. The same rule as for rooms: next, seen, gap.
#[derive(Debug, Default)]
pub struct UserCursor {
    at: Cell<Seq>,
    /// Entries are delivered as they come; otherwise the log is being read.
    live: Cell<bool>,
    /// Something came while it was being read.
    missed: Cell<bool>,
}

impl UserCursor {
    /// The last position delivered.
    #[must_use]
    pub fn at(&self) -> Seq {
        self.at.get()
    }

    /// From now on the log is read from after `at`; what comes meanwhile is found there.
    pub fn read_from(&self, at: Seq) {
        self.at.set(at);
        self.live.set(false);
        self.missed.set(false);
    }

    /// The log was read up to `at`.
    pub fn advance(&self, at: Seq) {
        self.at.set(self.at.get().max(at));
    }

    /// The log was read to its end: true when entries are live from here on, false when more came
    /// meanwhile and it has to be read again.
    #[must_use]
    pub fn go_live(&self) -> bool {
        let live = !self.missed.replace(false);
        self.live.set(live);
        live
    }

    /// An entry, or the word that there is one, at `seq`.
    pub(super) fn offer(&self, seq: Seq) -> UserOffer {
        if seq <= self.at.get() {
            return UserOffer::Seen;
        }
        if !self.live.get() {
            self.missed.set(true);
            return UserOffer::Seen;
        }
        if seq == self.at.get().next() { UserOffer::Next } else { UserOffer::Gap }
    }
}

/// What becomes of an offered entry of the user's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UserOffer {
    Next,
    Seen,
    Gap,
}

/// Ticks of the hub's wheel at which things happened.
#[derive(Debug, Default)]
pub struct LinkClock {
    pub opened: Cell<u64>,
    /// The last frame from the peer.
    pub heard: Cell<u64>,
    /// The last protocol ping to the peer.
    pub pinged: Cell<u64>,
    /// The last `heads`.
    pub headed: Cell<u64>,
    /// When the peer last took something, and how much it had taken then.
    pub progressed: Cell<u64>,
    pub taken: Cell<u64>,
    pub closed: Cell<u64>,
}

impl Link {
    #[must_use]
    pub fn new(
        key: LinkKey,
        conn: ConnId,
        identity: Option<Identity>,
        limits: OutboxLimits,
        now: u64,
    ) -> Rc<Self> {
        let clock = LinkClock::default();
        for moment in [&clock.opened, &clock.heard, &clock.pinged, &clock.headed, &clock.progressed] {
            moment.set(now);
        }
        Rc::new(Self {
            key,
            conn,
            outbox: RefCell::new(Outbox::new(limits)),
            rooms: RefCell::default(),
            followed: RefCell::default(),
            user_log: UserCursor::default(),
            is_present: Cell::new(true),
            sees_private: Cell::new(true),
            mailbox: RefCell::default(),
            identity: Cell::new(identity),
            unanswered: Cell::new(0),
            reader: RefCell::default(),
            paused: Cell::new(false),
            closed: Cell::new(None),
            is_welcomed: Cell::new(false),
            clock,
        })
    }

    /// Where the session is told what it has to do.
    pub fn set_mailbox(&self, mailbox: SessionMailbox) {
        self.mailbox.replace(Some(mailbox));
    }

    pub(super) fn tell(&self, message: ToSession) {
        if let Some(mailbox) = self.mailbox.borrow().as_ref() {
            tell(mailbox, message);
        }
    }

    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.identity.get()
    }

    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.identity.get().map(|identity| identity.user)
    }

    pub fn set_identity(&self, identity: Identity) {
        self.identity.set(Some(identity));
    }

    /// Queues a frame. The caller closes the link when it is [`Full`].
    ///
    /// # Errors
    /// [`Full`]: the peer takes too little.
    pub fn push(&self, frame: &Encoded) -> Result<(), Full> {
        self.outbox.borrow_mut().push(frame.frame().clone())
    }

    /// Queues a room's entry.
    ///
    /// # Errors
    /// [`Full`]: the room has to go on without this connection, which catches up later.
    pub fn push_entry(&self, frame: &Encoded, news: News) -> Result<(), Full> {
        self.outbox.borrow_mut().push_entry(frame.frame().clone(), news)
    }

    /// Queues a frame that may get lost: false when it was.
    pub fn push_ephemeral(&self, topic: Topic, frame: &Encoded) -> bool {
        self.outbox.borrow_mut().push_ephemeral(topic, frame.frame())
    }

    /// A command came in.
    pub fn asked(&self) {
        self.unanswered.set(self.unanswered.get() + 1);
    }

    /// A command was answered: reading may go on.
    pub fn answered(&self) {
        self.unanswered.set(self.unanswered.get().saturating_sub(1));
        self.wake_reader();
    }

    /// Holds back further frames, without holding back anything else.
    pub fn pause(&self, paused: bool) {
        self.paused.set(paused);
        if !paused {
            self.wake_reader();
        }
    }

    /// Whether a further frame may be read now; if not, the waker is called when it may. A closing
    /// link reads on, to find the peer's close.
    pub fn may_read(&self, most_unanswered: usize, waker: &Waker) -> bool {
        let may = self.closed.get().is_some() || !self.is_held_back(most_unanswered);
        if !may {
            self.reader.replace(Some(waker.clone()));
        }
        may
    }

    /// Whether frames of this peer are held back, by us.
    #[must_use]
    pub fn is_held_back(&self, most_unanswered: usize) -> bool {
        self.paused.get() || self.unanswered.get() >= most_unanswered
    }

    fn wake_reader(&self) {
        if let Some(waker) = self.reader.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Why the link is closing, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<CloseCode> {
        self.closed.get()
    }

    /// Sends the close frame as the last one. What waits is still sent, except to a peer that does
    /// not take it. The first reason counts.
    pub fn close(&self, code: CloseCode, now: u64) {
        if self.closed.get().is_some() {
            return;
        }
        self.closed.set(Some(code));
        self.clock.closed.set(now);
        let forget = matches!(code, CloseCode::SlowConsumer);
        self.outbox.borrow_mut().seal(Some(control::close(code)), forget);
        self.wake_reader();
    }

    /// Answers the peer's own close: what waits is still sent, then the echo, then nothing.
    pub fn close_as_asked(&self, number: Option<u16>) {
        if self.closed.get().is_none() {
            self.closed.set(Some(CloseCode::Normal));
            let echo = control::close_with(number.unwrap_or(CloseCode::Normal.number()), "");
            self.outbox.borrow_mut().seal(Some(echo), false);
        }
        self.finish();
    }

    /// Nothing more is read; the connection ends when what waits is written.
    pub fn finish(&self) {
        self.outbox.borrow_mut().finish();
        self.wake_reader();
    }

    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.outbox.borrow().is_finished()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_log_is_read_until_nothing_came_meanwhile_and_then_entry_by_entry() {
        let seq = |n| Seq::new(n).expect("small");
        let cursor = UserCursor::default();
        cursor.read_from(seq(3));
        assert_eq!(cursor.offer(seq(5)), UserOffer::Seen, "it will be read");
        cursor.advance(seq(4));
        assert!(!cursor.go_live(), "more came after what was read");
        cursor.advance(seq(5));
        assert!(cursor.go_live());
        assert_eq!(cursor.offer(seq(5)), UserOffer::Seen);
        assert_eq!(cursor.offer(seq(6)), UserOffer::Next);
        assert_eq!(cursor.offer(seq(7)), UserOffer::Gap);
    }
}
