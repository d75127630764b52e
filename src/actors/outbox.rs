//! What waits for one socket: encoded frames outside any mailbox, bounded in number and bytes.
//!
//! Lives on the socket's own thread. The room never waits for it: a push is accepted or refused.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;

use crate::domain::{MessageId, RoomId, Timestamp, UserId};

/// Frames that an idle socket has room for.
const FEW: usize = 2;

/// Frames and bytes that may wait.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    pub frames: usize,
    pub bytes: usize,
}

/// The peer takes too little: the frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What an ephemeral frame is about: a newer one of the same topic takes the place of one that
/// still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Typing(RoomId, UserId),
    Bump(RoomId),
    /// What counts there for this user, beside the bump for everyone.
    Counts(RoomId),
    Receipts,
    Presence,
}

#[derive(Debug)]
enum Sort {
    /// Counts against the limits.
    Counted,
    /// A room's entry, of this time. Counts.
    Entry(Timestamp),
    /// The same, with a message whose way is noted: few are.
    Followed(Box<(Timestamp, MessageId)>),
    /// A replayed entry: read page by page as the socket drains, so it does not count.
    Replay,
    /// May be dropped; counts. Boxed: every socket keeps room for a few frames, and most are no such.
    Ephemeral(Box<Topic>),
}

#[derive(Debug)]
struct Queued {
    frame: Bytes,
    sort: Sort,
}

/// An entry of a room that just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    pub at: Timestamp,
    /// The message that is new by it, if its way is noted.
    pub followed: Option<MessageId>,
}

/// What the socket's writer finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// With what it tells, where that just happened.
    Frame(Bytes, Option<News>),
    /// Nothing now.
    Empty,
    /// Nothing ever again: the connection may be shut.
    Finished,
}

/// The queue of one socket.
#[derive(Debug)]
pub struct Outbox {
    queue: VecDeque<Queued>,
    limits: OutboxLimits,
    frames: usize,
    bytes: usize,
    /// Replayed entries that wait.
    replayed: usize,
    taken: u64,
    sealed: bool,
    finished: bool,
    writer: Option<Waker>,
    drained: Option<Waker>,
}

impl Outbox {
    #[must_use]
    pub const fn new(limits: OutboxLimits) -> Self {
        Self {
            queue: VecDeque::new(),
            limits,
            frames: 0,
            bytes: 0,
            replayed: 0,
            taken: 0,
            sealed: false,
            finished: false,
            writer: None,
            drained: None,
        }
    }

    /// Queues a frame for the socket.
    ///
    /// # Errors
    /// [`Full`] above the limits. A sealed outbox swallows everything: its socket is closing.
    pub fn push(&mut self, frame: Bytes) -> Result<(), Full> {
        if self.sealed {
            return Ok(());
        }
        if self.frames >= self.limits.frames || self.bytes + frame.len() > self.limits.bytes.max(frame.len())
        {
            return Err(Full);
        }
        self.count(frame, Sort::Counted);
        Ok(())
    }

    /// Queues a room's entry, unless more than half of the limit would wait: then the room has to
    /// go on without this socket, which catches up from the log when it is empty.
    ///
    /// # Errors
    /// [`Full`] above half of the limits.
    pub fn push_entry(&mut self, frame: Bytes, news: News) -> Result<(), Full> {
        if self.sealed {
            return Ok(());
        }
        let half = OutboxLimits { frames: self.limits.frames / 2, bytes: self.limits.bytes / 2 };
        if self.frames >= half.frames || self.bytes + frame.len() > half.bytes.max(frame.len()) {
            return Err(Full);
        }
        let News { at, followed } = news;
        self.count(
            frame,
            followed.map_or(Sort::Entry(at), |message| Sort::Followed(Box::new((at, message)))),
        );
        Ok(())
    }

    /// Queues an ephemeral frame in the place of one of the same topic that still waits, or drops
    /// it where the socket is behind: false when it is dropped.
    pub fn push_ephemeral(&mut self, topic: Topic, frame: &Bytes) -> bool {
        if self.sealed {
            return true;
        }
        let same = |queued: &&mut Queued| matches!(&queued.sort, Sort::Ephemeral(t) if **t == topic);
        // Receipts and presence tell of different people each time.
        if matches!(topic, Topic::Typing(..) | Topic::Bump(_) | Topic::Counts(_))
            && let Some(queued) = self.queue.iter_mut().find(same)
        {
            self.bytes = self.bytes + frame.len() - queued.frame.len();
            queued.frame = frame.clone();
            return true;
        }
        let has_room = self.frames < self.limits.frames / 4 && self.bytes < self.limits.bytes / 4;
        if has_room {
            self.count(frame.clone(), Sort::Ephemeral(Box::new(topic)));
        }
        has_room
    }

    fn count(&mut self, frame: Bytes, sort: Sort) {
        self.frames += 1;
        self.bytes += frame.len();
        self.queue(frame, sort);
        self.wake_writer();
    }

    fn queue(&mut self, frame: Bytes, sort: Sort) {
        if self.queue.capacity() == 0 {
            // By itself it would begin with room for four, which most sockets never need.
            self.queue.reserve_exact(FEW);
        }
        self.queue.push_back(Queued { frame, sort });
    }

    /// Queues a replayed entry, which does not count against the limits.
    pub fn push_replay(&mut self, frame: Bytes) {
        if !self.sealed {
            self.replayed += 1;
            self.queue(frame, Sort::Replay);
            self.wake_writer();
        }
    }

    /// Queues the last frame; nothing is taken after it. With `forget` what waits is dropped.
    pub fn seal(&mut self, last: Option<Bytes>, forget: bool) {
        if self.sealed {
            return;
        }
        if forget {
            self.queue.clear();
            (self.frames, self.bytes) = (0, 0);
        }
        if let Some(frame) = last {
            self.queue(frame, Sort::Replay);
        }
        self.sealed = true;
        self.wake_writer();
        self.wake_drained();
    }

    /// Nothing more will be queued: what waits is the last.
    pub fn finish(&mut self) {
        self.sealed = true;
        self.finished = true;
        self.wake_writer();
        self.wake_drained();
    }

    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Whether so many replayed entries wait that no further replay should begin: they do not count
    /// against the limits, and who asks for one replay after the other would have no bound.
    #[must_use]
    pub const fn is_full_of_replay(&self) -> bool {
        self.replayed >= self.limits.frames
    }

    /// Whether everything was handed to the socket.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Frames taken by the socket so far: no change while some wait means a stalled peer.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// For the socket's writer: the next frame, or its waker is kept.
    pub fn next(&mut self, waker: &Waker) -> Next {
        if let Some(queued) = self.queue.pop_front() {
            self.taken += 1;
            if matches!(queued.sort, Sort::Replay) {
                self.replayed = self.replayed.saturating_sub(1);
            } else {
                self.frames -= 1;
                self.bytes -= queued.frame.len();
            }
            if self.queue.is_empty() {
                // An idle socket keeps no queue.
                if self.queue.capacity() > 4 {
                    self.queue = VecDeque::new();
                }
                self.wake_drained();
            }
            let news = match queued.sort {
                Sort::Entry(at) => Some(News { at, followed: None }),
                Sort::Followed(followed) => Some(News { at: followed.0, followed: Some(followed.1) }),
                Sort::Counted | Sort::Replay | Sort::Ephemeral(_) => None,
            };
            return Next::Frame(queued.frame, news);
        }
        if self.finished {
            return Next::Finished;
        }
        match &mut self.writer {
            Some(known) => known.clone_from(waker),
            None => self.writer = Some(waker.clone()),
        }
        Next::Empty
    }

    /// Whether the queue is empty; if not, the waker is called when it is.
    pub fn drained(&mut self, waker: &Waker) -> bool {
        if self.queue.is_empty() || self.sealed {
            return true;
        }
        self.drained = Some(waker.clone());
        false
    }

    fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }

    fn wake_drained(&mut self) {
        if let Some(waker) = self.drained.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of this moment.
    const JUST: News = News { at: Timestamp::from_millis(0), followed: None };

    fn outbox() -> Outbox {
        Outbox::new(OutboxLimits { frames: 2, bytes: 10 })
    }

    fn take(outbox: &mut Outbox) -> Next {
        outbox.next(Waker::noop())
    }

    #[test]
    fn frames_leave_in_order_and_make_room() {
        let mut outbox = outbox();
        assert_eq!(outbox.push(Bytes::from_static(b"a")), Ok(()));
        assert_eq!(outbox.push(Bytes::from_static(b"b")), Ok(()));
        assert_eq!(outbox.push(Bytes::from_static(b"c")), Err(Full));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"a"), None));
        assert_eq!(outbox.push(Bytes::from_static(b"c")), Ok(()));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"b"), None));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"c"), None));
        assert_eq!(take(&mut outbox), Next::Empty);
    }

    #[test]
    fn bytes_are_bounded_too_but_one_large_frame_passes() {
        let mut outbox = outbox();
        assert_eq!(outbox.push(Bytes::from_static(b"0123456789abcdef")), Ok(()));
        assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(Full));
    }

    #[test]
    fn replayed_entries_do_not_count() {
        let mut outbox = outbox();
        (0..100).for_each(|_| outbox.push_replay(Bytes::from_static(b"old")));
        assert_eq!(outbox.push(Bytes::from_static(b"new")), Ok(()));
    }

    #[test]
    fn a_replay_that_waits_holds_the_next_one_back() {
        let mut outbox = outbox();
        outbox.push_replay("a".into());
        assert!(!outbox.is_full_of_replay());
        outbox.push_replay("b".into());
        assert!(outbox.is_full_of_replay());
        assert_eq!(take(&mut outbox), Next::Frame("a".into(), None));
        assert!(!outbox.is_full_of_replay());
    }

    #[test]
    fn after_the_seal_comes_the_last_frame_and_then_nothing() {
        let mut outbox = outbox();
        assert_eq!(outbox.push(Bytes::from_static(b"a")), Ok(()));
        outbox.seal(Some(Bytes::from_static(b"bye")), true);
        assert_eq!(outbox.push(Bytes::from_static(b"late")), Ok(()));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"bye"), None));
        assert_eq!(take(&mut outbox), Next::Empty);
        outbox.finish();
        assert_eq!(take(&mut outbox), Next::Finished);
    }

    #[test]
    fn an_entry_above_half_is_refused_while_answers_still_pass() {
        let mut outbox = Outbox::new(OutboxLimits { frames: 4, bytes: 100 });
        assert_eq!(outbox.push_entry(Bytes::from_static(b"1"), JUST), Ok(()));
        assert_eq!(outbox.push_entry(Bytes::from_static(b"2"), JUST), Ok(()));
        assert_eq!(outbox.push_entry(Bytes::from_static(b"3"), JUST), Err(Full));
        assert_eq!(outbox.push(Bytes::from_static(b"ack")), Ok(()));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"1"), Some(JUST)));
    }

    #[test]
    fn a_newer_word_on_the_same_topic_takes_the_place_of_the_old() {
        let mut outbox = Outbox::new(OutboxLimits { frames: 8, bytes: 100 });
        let room = RoomId(uuid::Uuid::from_u128(1));
        outbox.push_ephemeral(Topic::Bump(room), &Bytes::from_static(b"51"));
        outbox.push_ephemeral(Topic::Presence, &Bytes::from_static(b"alice"));
        outbox.push_ephemeral(Topic::Bump(room), &Bytes::from_static(b"52"));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"52"), None));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"alice"), None));
        assert_eq!(take(&mut outbox), Next::Empty);
    }

    #[test]
    fn ephemera_are_dropped_first() {
        let mut outbox = Outbox::new(OutboxLimits { frames: 4, bytes: 100 });
        assert_eq!(outbox.push(Bytes::from_static(b"a")), Ok(()));
        outbox.push_ephemeral(Topic::Presence, &Bytes::from_static(b"gone"));
        assert_eq!(take(&mut outbox), Next::Frame(Bytes::from_static(b"a"), None));
        assert_eq!(take(&mut outbox), Next::Empty);
    }
}
