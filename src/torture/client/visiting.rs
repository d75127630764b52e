//! Rooms in which the client is a guest: let in, put out, kept out, and let in again.

use super::frames::Frame;
use super::{Client, Goal, Room};
use crate::torture::moment::Moment;
use crate::torture::record::What;

impl Client {
    /// Its own log says that it was let in somewhere, now or in a time that is told again.
    pub(super) fn added(&mut self, frame: &Frame<'_>) {
        let Some(place) = frame.d.room_id.and_then(|room| self.places.get(&room)).copied() else { return };
        let room = &mut self.rooms[place];
        if room.is_guest && room.is_outside {
            room.is_outside = false;
            self.subscribe_missing();
        }
    }

    /// A reset, unasked: whether it says that a guest was put out.
    pub(super) fn put_out(&mut self, at: Moment, frame: &Frame<'_>) -> bool {
        let Some(place) = frame.room.and_then(|room| self.places.get(&room)).copied() else { return false };
        let is_membership = frame.d.reason.as_deref() == Some("membership");
        let room = &mut self.rooms[place];
        if !room.is_guest || !is_membership {
            return false;
        }
        room.open = false;
        // By the time it was told it may be in again: it asks.
        let retry = at.plus(super::reading::ASK_AGAIN);
        self.due.subscribe = self.due.subscribe.min(retry);
        true
    }

    /// A reset in answer: whether it says that a guest is outside, so that nothing is followed.
    pub(super) fn turned_away(&mut self, socket: usize, at: Moment, place: usize, frame: &Frame<'_>) -> bool {
        let is_outside = frame.d.reason.as_deref() == Some("membership") && frame.d.head.unwrap_or(0) == 0;
        let room = &mut self.rooms[place];
        if !room.is_guest || !is_outside {
            return false;
        }
        room.open = false;
        room.is_outside = true;
        if let Some(live) = self.sockets.get_mut(&socket) {
            live.more.remove(&place);
            // Asked for on the socket before it in the meantime, it has to be asked for on this one.
            live.followed.remove(&place);
        }
        self.sighted(socket, at, place, What::Reset);
        true
    }

    /// A reset in answer: whether it says that what came before is not a guest's to see.
    pub(super) fn begins_late(&mut self, place: usize, frame: &Frame<'_>) -> bool {
        let room = &mut self.rooms[place];
        let is_rule = room.is_guest && self.world.rooms[room.index].since_joined;
        if !is_rule || frame.d.reason.as_deref() != Some("membership") {
            return false;
        }
        // Another socket may have brought more already.
        room.last = room.last.max(frame.d.head.unwrap_or(0));
        true
    }

    /// A refusal: whether it says that a guest is outside.
    pub(super) fn is_kept_out(&mut self, place: usize, code: &str) -> bool {
        let room = &mut self.rooms[place];
        if !room.is_guest || !matches!(code, "notMember" | "notFound" | "forbidden") {
            return false;
        }
        room.open = false;
        room.is_outside = true;
        true
    }

    /// Whether nothing is missing of a room.
    pub(super) fn is_read(&self, room: &Room, goal: &Goal) -> bool {
        let is_in = !room.is_guest || goal.members.contains(&(room.id, self.me.id));
        !is_in || room.last >= goal.heads[room.index]
    }
}
