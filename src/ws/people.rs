//! What a connection tells and hears of people: marks, typing, presence, and the user's own log. A
//! part of [`super::session`].

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::session::{Session, fault_of};
use crate::actors::Reply;
use crate::actors::mail::{Mark, ToPresence, ToRoom, Typing};
use crate::domain::{MarkMove, RoomId, Timestamp, UserId};
use crate::protocol::{CloseCode, Reference, news, server};
use crate::store::UserLogPage;

/// How long a word of typing counts.
const TYPES_FOR: Duration = Duration::from_secs(6);
/// How often one connection may say so of one room.
const TYPES_EVERY: Duration = Duration::from_secs(3);
/// Rooms of which a connection's last word is remembered.
const ROOMS: usize = 8;
/// Entries of the user's own log read at once.
const PAGE: usize = 200;

/// When a connection last said that its user types, by room.
#[derive(Default)]
pub(super) struct Typed(Vec<(RoomId, Timestamp)>);

impl Typed {
    /// Whether the word may go on: at most one in [`TYPES_EVERY`] and room.
    fn may_tell(&mut self, room: RoomId, now: Timestamp) -> bool {
        self.0.retain(|(_, at)| now.since(*at) < TYPES_FOR);
        let full = self.0.len() >= ROOMS;
        match self.0.iter_mut().find(|(r, _)| *r == room) {
            Some((_, at)) if now.since(*at) < TYPES_EVERY => return false,
            Some((_, at)) => *at = now,
            None if full => return false,
            None => self.0.push((room, now)),
        }
        true
    }

    /// Whether there is anything to take back: who never began has nothing to tell.
    fn stopped(&mut self, room: RoomId) -> bool {
        let before = self.0.len();
        self.0.retain(|(r, _)| *r != room);
        self.0.len() < before
    }
}

impl Session {
    pub(super) fn mark(&self, wish: MarkMove, reference: Option<Reference>) {
        let hub = &self.parts.hub;
        let reply = if reference.is_some() {
            self.link.asked();
            Reply::socket(hub.pod.clone(), hub.place(&self.link), reference)
        } else {
            Reply::nobody()
        };
        hub.pod.mark(Mark { wish, reply });
    }

    pub(super) fn typing(&mut self, user: UserId, room: RoomId, on: bool, reference: Option<Reference>) {
        let pod = self.parts.hub.pod.clone();
        let now = pod.clock.now();
        let is_news = if on { self.typed.may_tell(room, now) } else { self.typed.stopped(room) };
        if !is_news {
            // Said too often it is true all the same, and need not be said again.
            if reference.is_some() {
                self.push(&server::done(reference.as_ref()));
            }
            return;
        }
        let until = if on { now.plus(TYPES_FOR) } else { now };
        let reply = if reference.is_some() {
            self.link.asked();
            Reply::socket(pod.clone(), self.parts.hub.place(&self.link), reference)
        } else {
            Reply::nobody()
        };
        pod.tell_room(room, ToRoom::Typing(Typing { user, until, reply: Some(reply) }));
    }

    pub(super) fn set_presence(&self, user: UserId, is_online: bool, reference: Option<&Reference>) {
        if self.link.is_present.replace(is_online) != is_online {
            let told = if is_online { ToPresence::Came { user } } else { ToPresence::Went { user } };
            self.parts.hub.pod.tell_presence(told);
        }
        self.push(&server::done(reference));
    }

    pub(super) fn watch_presence(&self, users: Vec<UserId>, reference: Option<&Reference>) {
        self.push(&server::done(reference));
        let place = self.parts.hub.place(&self.link);
        self.parts.hub.pod.tell_presence(ToPresence::Watch { place, users });
    }

    /// Entries of the user's own log are missing: they are read from where this connection stands,
    /// until nothing is missing.
    pub(super) fn user_behind(&self, ctx: &mut Context<Self>) {
        self.link.user_log.read_from(self.link.user_log.at());
        self.read_user_log(ctx);
    }

    pub(super) fn read_user_log(&self, ctx: &mut Context<Self>) {
        let Some(user) = self.user() else { return };
        let (store, after) = (self.parts.hub.pod.store.clone(), self.link.user_log.at());
        let page = async move { store.user_log_page(user, after, PAGE).await };
        ctx.spawn(page.into_actor(self).map(move |page, session, ctx| {
            if session.link.user_log.at() != after {
                // A `resume` began anew from elsewhere meanwhile. Where another one is under way, it waits
                // for that one's end, which is to be found from there.
                return session.read_user_log_on(ctx);
            }
            match page {
                Ok(page) => session.user_log_read(&page, ctx),
                Err(error) => {
                    // The client comes back and asks again from where it stands.
                    let _told = fault_of(error);
                    session.close(CloseCode::Internal);
                }
            }
        }));
    }

    fn user_log_read(&mut self, page: &UserLogPage, ctx: &mut Context<Self>) {
        let log = &self.link.user_log;
        for entry in page.entries.iter().filter(|entry| entry.seq > log.at()) {
            self.parts.hub.note_user_entry(&self.link, entry);
            self.link.outbox.borrow_mut().push_replay(news::user_entry(entry).frame().clone());
        }
        if page.entries.is_empty() {
            // What is pruned is missed for good; the client reads its rooms anew when it comes in.
            log.advance(page.head);
        }
        if log.at() < page.head {
            let next = self.drained().into_actor(self).map(|(), session, ctx| session.read_user_log(ctx));
            ctx.spawn(next);
            return;
        }
        if !log.go_live() {
            return self.user_behind(ctx);
        }
        self.user_log_is_live(ctx);
    }
}
