//! What a worker's hub, the session actor and the socket's writer share of one connection. All
//! three live on one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use super::mail::{LinkKey, SessionMailbox, ToSession, tell};
use super::outbox::{Full, Outbox, OutboxLimits};
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
    mailbox: RefCell<Option<SessionMailbox>>,
    identity: Cell<Option<Identity>>,
    /// The head of the user's own log, as `ready` told it.
    pub user_seq: Cell<Seq>,
    /// Commands that have no answer yet.
    unanswered: Cell<usize>,
    /// Called when reading may go on.
    reader: RefCell<Option<Waker>>,
    /// The session is busy with something that must come before the next frame.
    paused: Cell<bool>,
    closed: Cell<Option<CloseCode>>,
    pub clock: LinkClock,
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
            mailbox: RefCell::default(),
            identity: Cell::new(identity),
            user_seq: Cell::default(),
            unanswered: Cell::new(0),
            reader: RefCell::default(),
            paused: Cell::new(false),
            closed: Cell::new(None),
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
