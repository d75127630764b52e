//! The people as one worker sees them: their connections, their own logs, the rooms that they
//! follow from afar, and who wants to know of whom.

use std::rc::Rc;

use super::HubCore;
use crate::actors::link::{Link, UserOffer};
use crate::actors::mail::{Grown, LinkKey, ToPresence, ToSession};
use crate::actors::outbox::Topic;
use crate::domain::{Concern, ConnId, RoomId, RoomState, Seq, SessionId, UserChange, UserEntry, UserId};
use crate::protocol::{CloseCode, Encoded, news, server};

/// A room that connections here are told of, though they do not read it.
pub(super) struct Followed {
    /// As far as is known here.
    head: Seq,
    messages: u64,
    /// What every connection here knows, by bumps or since it came.
    told: (Seq, u64),
    links: Vec<Rc<Link>>,
}

impl HubCore {
    /// From here on the connection is found by its user. Before anything is read that its user's
    /// log may outdate: what comes meanwhile is noticed.
    pub fn sign_in(&self, link: &Rc<Link>, user: UserId) {
        self.users.borrow_mut().entry(user).or_default().push(link.clone());
        self.pod.tell_presence(ToPresence::Came { user });
    }

    pub(super) fn sign_out(&self, link: &Link) {
        let Some(user) = link.user() else { return };
        let mut users = self.users.borrow_mut();
        let Some(links) = users.get_mut(&user) else { return };
        let Some(at) = links.iter().position(|l| l.key == link.key) else { return };
        links.swap_remove(at);
        if links.is_empty() {
            users.remove(&user);
        }
        drop(users);
        if link.is_present.get() {
            self.pod.tell_presence(ToPresence::Went { user });
        }
        self.pod.tell_presence(ToPresence::Unwatch { place: self.place(link) });
    }

    /// The connection is told of these rooms' growth.
    pub fn follow(&self, link: &Rc<Link>, rooms: &[RoomState]) {
        for state in rooms {
            self.follow_one(link, state.head.room, state.head.head, state.messages);
        }
    }

    /// The connection is told of this room's growth.
    pub fn follow_one(&self, link: &Rc<Link>, room: RoomId, head: Seq, messages: u64) {
        let mut followed = self.followed.borrow_mut();
        let links = Vec::new();
        let of_room =
            followed.entry(room).or_insert(Followed { head, messages, told: (head, messages), links });
        of_room.head = of_room.head.max(head);
        of_room.messages = of_room.messages.max(messages);
        // This one knows no more than what it comes with.
        of_room.told = (of_room.told.0.min(head), of_room.told.1.min(messages));
        let mut rooms = link.followed.borrow_mut();
        if !rooms.contains(&room) {
            rooms.push(room);
            of_room.links.push(link.clone());
        }
    }

    /// The connection is told of a room that its user just came into, and of what counts there.
    pub fn follow_new(&self, link: &Rc<Link>, room: RoomId) {
        let known = self.followed.borrow().get(&room).map(|of_room| of_room.told);
        let (head, messages) = known.unwrap_or((Seq::START, 0));
        self.follow_one(link, room, head, messages);
        self.owe_newcomer(room, link);
    }

    /// The connection is no longer told of this room's growth.
    pub fn unfollow(&self, link: &Link, room: RoomId) {
        let mut rooms = link.followed.borrow_mut();
        let Some(at) = rooms.iter().position(|r| *r == room) else { return };
        rooms.swap_remove(at);
        self.forget_follower(room, link.key);
    }

    pub(super) fn unfollow_all(&self, link: &Link) {
        for room in link.followed.take() {
            self.forget_follower(room, link.key);
        }
    }

    fn forget_follower(&self, room: RoomId, key: LinkKey) {
        let mut followed = self.followed.borrow_mut();
        let Some(of_room) = followed.get_mut(&room) else { return };
        of_room.links.retain(|link| link.key != key);
        if of_room.links.is_empty() {
            followed.remove(&room);
        }
    }

    /// The head of a room that this connection follows, as far as is known here.
    #[must_use]
    pub fn followed_head(&self, link: &Link, room: RoomId) -> Option<Seq> {
        let follows = link.followed.borrow().contains(&room);
        follows.then(|| self.followed.borrow().get(&room).map_or(Seq::START, |of_room| of_room.head))
    }

    /// Rooms grew: one frame for everyone who follows one without reading it.
    pub(super) fn bump(&self, grown: &[Grown]) {
        let mut followed = self.followed.borrow_mut();
        for Grown { room, head, messages, members, concern } in grown {
            let Some(of_room) = followed.get_mut(room) else { continue };
            // Also where the head is known already: news come in any order.
            self.owe(*room, &of_room.links, concern);
            of_room.head = of_room.head.max(*head);
            of_room.messages = of_room.messages.max(*messages);
            if of_room.head <= of_room.told.0 && of_room.messages <= of_room.told.1 {
                continue;
            }
            of_room.told = (of_room.head, of_room.messages);
            let mut frame = None;
            // Those who wrote would take their own words for news: they are told what counts.
            let counted = |user| concern.unread.people.contains(&user) || self.has_marked(*room, user);
            for link in &of_room.links {
                if link.rooms.borrow().contains(room) || link.user().is_some_and(counted) {
                    continue;
                }
                let frame =
                    frame.get_or_insert_with(|| news::bump(*room, of_room.head, of_room.messages, *members));
                if !link.push_ephemeral(Topic::Bump(*room), frame) {
                    self.unbumped.borrow_mut().insert((link.key, *room));
                }
            }
        }
    }

    /// Tells those again who were too slow for a bump: in a room that is quiet since, nothing else
    /// would tell them of its head.
    pub(in crate::actors) fn bump_again(&self) {
        for (key, room) in self.unbumped.take() {
            let followed = self.followed.borrow();
            let Some(of_room) = followed.get(&room) else { continue };
            let Some(link) = of_room.links.iter().find(|link| link.key == key) else { continue };
            let frame = news::bump(room, of_room.head, of_room.messages, None);
            let reads = link.rooms.borrow().contains(&room);
            if !reads && !link.push_ephemeral(Topic::Bump(room), &frame) {
                self.unbumped.borrow_mut().insert((key, room));
            }
        }
    }

    /// Entries of users' own logs, to all their connections here.
    pub(super) fn tell_users(&self, entries: &[UserEntry]) {
        for entry in entries {
            let mut frame = None;
            for link in self.links_of(entry.user) {
                match link.user_log.offer(entry.seq) {
                    UserOffer::Seen => {}
                    UserOffer::Gap => link.tell(ToSession::UserBehind),
                    UserOffer::Next => {
                        let frame = frame.get_or_insert_with(|| news::user_entry(entry));
                        self.note_user_entry(&link, entry);
                        self.push(&link, frame);
                    }
                }
            }
        }
    }

    /// An entry of the user's own log reaches one of his connections, whichever way it came.
    pub fn note_user_entry(&self, link: &Rc<Link>, entry: &UserEntry) {
        link.user_log.advance(entry.seq);
        match &entry.change {
            UserChange::RoomAdded { room } if link.sees_private.get() => self.follow_new(link, *room),
            UserChange::RoomAdded { room } => link.tell(ToSession::Added { room: *room }),
            UserChange::RoomRemoved { room } => self.unfollow(link, *room),
            UserChange::MarkMoved { room, .. } => self.note_marked(*room, entry.user),
            _ => {}
        }
    }

    /// A user's own log reaches so far: who lacks something reads it.
    pub(super) fn user_head(&self, user: UserId, head: Seq) {
        for link in self.links_of(user) {
            if link.user_log.offer(head) != UserOffer::Seen {
                link.tell(ToSession::UserBehind);
            }
        }
    }

    /// Everyone who has a connection here, with the position that all of his connections have.
    pub(super) fn users(&self) -> Vec<(UserId, Seq)> {
        let least = |links: &[Rc<Link>]| links.iter().map(|link| link.user_log.at()).min();
        self.users.borrow().iter().filter_map(|(user, links)| Some((*user, least(links)?))).collect()
    }

    /// The rooms that somebody here follows without reading them, as far as everyone was told.
    pub(super) fn followed(&self) -> Vec<Grown> {
        let followed = self.followed.borrow();
        let unread = followed
            .iter()
            .filter(|(room, of_room)| of_room.links.iter().any(|link| !link.rooms.borrow().contains(room)));
        unread
            .map(|(room, of_room)| {
                let (head, messages) = of_room.told;
                Grown { room: *room, head, messages, members: None, concern: Concern::default() }
            })
            .collect()
    }

    pub(super) fn links_of(&self, user: UserId) -> Vec<Rc<Link>> {
        self.users.borrow().get(&user).cloned().unwrap_or_default()
    }

    /// The user's new connection is live: the one that it replaces is done.
    pub(super) fn replaced(&self, user: UserId, conn: ConnId) {
        for link in self.links_of(user).into_iter().filter(|link| link.conn == conn) {
            self.close(&link, CloseCode::Normal);
        }
    }

    pub(super) fn end_login(&self, session: SessionId) {
        for link in self.every_link() {
            if link.identity().is_some_and(|identity| identity.session == session) {
                self.push(&link, &server::session_revoked());
                self.close(&link, CloseCode::SessionRevoked);
            }
        }
    }

    /// Something that may get lost, to these connections.
    pub(super) fn whisper_to(&self, links: &[LinkKey], topic: Topic, frame: &Encoded) {
        for link in links.iter().filter_map(|key| self.link(*key)) {
            if !link.push_ephemeral(topic, frame) && topic == Topic::Presence {
                self.pod.tell_presence(ToPresence::Missed { place: self.place(&link) });
            }
        }
    }
}
