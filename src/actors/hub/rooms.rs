//! The rooms as one worker sees them: who is live in which, and the delivery to them.

use std::rc::Rc;

use super::HubCore;
use crate::actors::link::Link;
use crate::actors::lives::ActorId;
use crate::actors::mail::{Attach, LinkKey, RoomFrame, ToRoom, ToSession};
use crate::actors::outbox::{News, Topic};
use crate::domain::journey::Station;
use crate::domain::subscription::ResetReason;
use crate::domain::{Head, MessageId, RoomId, Seq, UserId};
use crate::protocol::{CloseCode, Encoded, news, server};

/// Who is live in one room.
pub(super) struct Readers {
    /// The actor that took them, and counts them.
    by: ActorId,
    /// The position up to which every live reader here has been served.
    cursor: Seq,
    first_retained: Seq,
    live: Vec<Rc<Link>>,
}

impl HubCore {
    /// Stops reading a room.
    pub fn detach(&self, link: &Link, room: RoomId) {
        let mut rooms = link.rooms.borrow_mut();
        if let Some(at) = rooms.iter().position(|r| *r == room) {
            rooms.swap_remove(at);
            self.forget_reader(room, link.key);
        }
    }

    pub(super) fn detach_all(&self, link: &Link) {
        for room in link.rooms.take() {
            self.forget_reader(room, link.key);
        }
    }

    fn forget_reader(&self, room: RoomId, key: LinkKey) {
        let mut rooms = self.rooms.borrow_mut();
        let Some(readers) = rooms.get_mut(&room) else { return };
        let Some(at) = readers.live.iter().position(|link| link.key == key) else { return };
        readers.live.swap_remove(at);
        let by = readers.by;
        if readers.live.is_empty() {
            rooms.remove(&room);
        }
        self.let_go(room, by);
    }

    /// Tells the room's actor that a reader whom it counts is none any more.
    fn let_go(&self, room: RoomId, by: ActorId) {
        self.pod.tell_room(room, ToRoom::Detached { hub: self.id, by });
    }

    /// Where the rooms stand in which this connection is live.
    #[must_use]
    pub fn live_heads(&self, link: &Link) -> Vec<Head> {
        let rooms = self.rooms.borrow();
        let head = |room: &RoomId| {
            let readers = rooms.get(room)?;
            Some(Head { room: *room, head: readers.cursor, first_retained: readers.first_retained })
        };
        link.rooms.borrow().iter().filter_map(head).collect()
    }

    /// The hot path: every frame to every reader, one push each.
    pub(super) fn fan_out(&self, room: RoomId, frames: &[RoomFrame]) {
        let mut lagging = Vec::new();
        let mut outside = Vec::new();
        let (mut gap, mut head, mut empty) = (false, Seq::START, false);
        if let Some(readers) = self.rooms.borrow_mut().get_mut(&room) {
            for frame in frames {
                if frame.seq <= readers.cursor {
                    continue;
                }
                if frame.seq != readers.cursor.next() {
                    gap = true;
                    break;
                }
                if let Some(user) = frame.left {
                    outside.push((user, frame.seq));
                }
                let sockets = readers.live.len();
                self.meter.fanned_out(sockets);
                let followed = frame.message.filter(|message| self.pod.follows(*message));
                if let Some(message) = followed {
                    let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
                    self.pod.note(message, Station::Offered { sockets });
                }
                for link in push_to_all(&mut readers.live, frame, followed, &outside) {
                    if let Some(message) = followed {
                        self.note(message, &link, Station::Lagged);
                    }
                    lagging.push((link, readers.by, readers.cursor));
                }
                readers.cursor = frame.seq;
            }
            head = readers.cursor;
            empty = readers.live.is_empty();
        }
        if empty {
            self.rooms.borrow_mut().remove(&room);
        }
        for (link, by, after) in lagging {
            self.let_go(room, by);
            self.lag(&link, room, after, head);
        }
        for (user, seq) in outside {
            self.put_outside(room, user, seq);
        }
        if gap {
            self.ask_again(room);
        }
    }

    /// The room goes on without this connection, which catches up from the log once what waits for
    /// it is written: its memory is bounded, and nobody waits for it.
    fn lag(&self, link: &Rc<Link>, room: RoomId, after: Seq, head: Seq) {
        link.rooms.borrow_mut().retain(|r| *r != room);
        self.pod.telemetry.lagged();
        if link.push(&news::lagged(room, head)).is_err() {
            return self.close(link, CloseCode::SlowConsumer);
        }
        link.tell(ToSession::Lagged { room, after });
    }

    /// A former member gets nothing after his leaving, and is told so.
    fn put_outside(&self, room: RoomId, user: UserId, seq: Seq) {
        let links: Vec<_> = match self.rooms.borrow().get(&room) {
            Some(readers) => readers.live.iter().filter(|l| l.user() == Some(user)).cloned().collect(),
            None => return,
        };
        for link in links {
            self.detach(&link, room);
            self.push(&link, &server::reset(room, ResetReason::Membership, seq, Seq::START.next()));
            link.tell(ToSession::Removed { room });
        }
    }

    pub(super) fn attach(&self, attach: Attach) {
        let Attach { link: key, by, room, answer, backlog, head, first_retained } = attach;
        let link = self.link(key).filter(|link| link.closed().is_none());
        let Some(link) = link else {
            return self.let_go(room, by);
        };
        if let Some(answer) = answer {
            self.push(&link, &answer);
        }
        {
            let mut outbox = link.outbox.borrow_mut();
            for frame in &backlog {
                let encoded = frame.instead(link.user()).unwrap_or(&frame.common);
                outbox.push_replay(encoded.frame().clone());
                if let Some(message) = frame.message {
                    self.note(message, &link, Station::Replayed);
                }
            }
        }
        let mut rooms = self.rooms.borrow_mut();
        // Readers of another actor were told to ask again before this one took any.
        let readers = rooms.entry(room).or_insert_with(|| Readers {
            by,
            cursor: head,
            first_retained,
            live: Vec::new(),
        });
        readers.first_retained = first_retained;
        readers.live.push(link.clone());
        drop(rooms);
        link.rooms.borrow_mut().push(room);
        link.tell(ToSession::Attached { room, replayed: backlog.len() as u64 });
    }

    /// The room's actor is another one, or went on without us: each reader asks again, from where
    /// it stands.
    pub(super) fn ask_again(&self, room: RoomId) {
        let Some(readers) = self.rooms.borrow_mut().remove(&room) else { return };
        for link in readers.live {
            link.rooms.borrow_mut().retain(|r| *r != room);
            self.let_go(room, readers.by);
            link.tell(ToSession::Behind { room, after: readers.cursor });
        }
    }

    pub(super) fn reset(&self, room: RoomId, frame: &Encoded) {
        let Some(readers) = self.rooms.borrow_mut().remove(&room) else { return };
        for link in readers.live {
            link.rooms.borrow_mut().retain(|r| *r != room);
            self.push(&link, frame);
            link.tell(ToSession::Removed { room });
        }
    }

    /// Something that may get lost, to those who are live in the room.
    pub(super) fn whisper(&self, room: RoomId, topic: Topic, frame: &Encoded, except: Option<UserId>) {
        if let Some(readers) = self.rooms.borrow().get(&room) {
            for link in readers.live.iter().filter(|link| except.is_none() || link.user() != except) {
                link.push_ephemeral(topic, frame);
            }
        }
    }
}

/// One frame to all live readers; answers those who take too little, who are none from here on. The
/// bytes are copied once per worker, so that the reference count that every push changes is not
/// fought over between threads.
fn push_to_all(
    live: &mut Vec<Rc<Link>>,
    frame: &RoomFrame,
    followed: Option<MessageId>,
    outside: &[(UserId, Seq)],
) -> Vec<Rc<Link>> {
    let news = News { at: frame.at, followed };
    let common = frame.common.detached();
    let mut slow = Vec::new();
    for (at, link) in live.iter().enumerate() {
        let user = link.user();
        if !outside.is_empty() && outside.iter().any(|(gone, _)| user == Some(*gone)) {
            continue;
        }
        if link.push_entry(frame.instead(user).unwrap_or(&common), news).is_err() {
            slow.push(at);
        }
    }
    // From the last to the first, so that the places before stay what they are.
    slow.into_iter().rev().map(|at| live.swap_remove(at)).collect()
}
