//! Frames: applies the rule of the next number, and writes down what came.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::connecting::Asked;
use super::frames::Frame;
use super::{Client, Orders};
use crate::torture::deeds::Outcome;
use crate::torture::moment::Moment;
use crate::torture::record::{Bubble, Sighting, What, digest, said};

/// After a refusal a room is asked for again so much later.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(150);

impl Client {
    pub(super) fn frame(&mut self, socket: usize, at: Moment, text: &str) {
        self.journal.note(at, socket, '<', text);
        let frame: Frame<'_> = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => return self.wrong(at, "I24", format!("not a frame: {error}: {text}")),
        };
        if !self.sockets.contains_key(&socket) {
            // Given up meanwhile; what it said about a message is true all the same.
            if frame.t == "ack" {
                self.late_ack(socket, at, &frame);
            }
            return;
        }
        if frame.seq.is_some() && frame.room.is_some() {
            return self.entry(socket, at, &frame);
        }
        match frame.t.as_ref() {
            "hello" => self.hello(socket, &frame),
            "ready" => {
                self.sheet.sockets[socket].ready.get_or_insert(at);
            }
            "resumed" => {
                let mut unanswered = std::collections::BTreeMap::new();
                if let Some(live) = self.sockets.get_mut(&socket) {
                    live.asked.retain(|_, asked| !matches!(asked, Asked::Resume));
                    unanswered = std::mem::take(&mut live.resuming);
                }
                self.resumed(socket, at);
                for place in unanswered.into_iter().filter(|(_, full)| *full).map(|(place, _)| place) {
                    self.subscribe(socket, place);
                }
            }
            "room.subscribed" => self.subscribed(socket, at, &frame),
            "room.lagged" => self.note(socket, at, &frame, What::Lagged { head: frame.d.head.unwrap_or(0) }),
            "room.added" => self.added(&frame),
            "room.reset" => {
                self.note(socket, at, &frame, What::Reset);
                if !self.put_out(at, &frame) {
                    self.wrong(at, "I21", format!("a reset without a reason: {text}"));
                }
            }
            "ack" => self.acked(socket, at, &frame),
            "error" => self.refused(socket, at, &frame),
            "presence" => self.presence(socket, at, text),
            "pong" => self.pong(socket, at, &frame),
            "server.draining" => {
                self.draining(socket, at, Duration::from_millis(frame.d.delay_ms.unwrap_or(0)));
            }
            // What a client does not know, it ignores.
            _ => {}
        }
    }

    fn note(&mut self, socket: usize, at: Moment, frame: &Frame<'_>, what: What) {
        let Some(place) = frame.room.and_then(|room| self.places.get(&room)).copied() else {
            return self.wrong(at, "I10", format!("{} of a room it is not in: {:?}", frame.t, frame.room));
        };
        self.sighted(socket, at, place, what);
    }

    pub(super) fn sighted(&mut self, socket: usize, at: Moment, place: usize, what: What) {
        let room = u32::try_from(self.rooms[place].index).unwrap_or(u32::MAX);
        let socket = u32::try_from(socket).unwrap_or(u32::MAX);
        self.sheet.seen.push(Sighting { at, socket, room, what });
    }

    fn entry(&mut self, socket: usize, at: Moment, frame: &Frame<'_>) {
        let Some(place) = frame.room.and_then(|room| self.places.get(&room)).copied() else {
            return self.wrong(at, "I10", format!("{} of a room it is not in: {:?}", frame.t, frame.room));
        };
        let seq = frame.seq.unwrap_or(0);
        let saying = said(frame.d.content.as_deref().unwrap_or_default(), frame.d.deleted_at.is_some());
        let what = What::Entry { seq, digest: digest_of(frame), said: saying, bubble: self.bubble(frame) };
        self.sighted(socket, at, place, what);
        let room = &mut self.rooms[place];
        let is_gap = seq > room.last + 1;
        if seq == room.last + 1 {
            room.last = seq;
            self.standing.steps.fetch_add(1, Ordering::Relaxed);
            self.heard_of(place, frame);
        }
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        live.at.insert(place, seq);
        let reached = live.more.get(&place).is_some_and(|to| seq >= *to);
        let asks_already = live.is_asked(place);
        if reached || (is_gap && !asks_already) {
            live.more.remove(&place);
            self.subscribe(socket, place);
        }
    }

    /// Whose message it is, and whether the key belongs there.
    fn bubble(&self, frame: &Frame<'_>) -> Bubble {
        if frame.t != "message.created" {
            return Bubble::None;
        }
        if frame.d.user_id != Some(self.me.id) {
            return if frame.d.client_msg_id.is_some() { Bubble::OthersKeyed } else { Bubble::Others };
        }
        let send = frame.d.client_msg_id.and_then(|key| self.by_key.get(&key));
        // By now it may have been edited: which content belongs to which entry the judge knows.
        let is_it = send.is_some_and(|send| self.rooms_index(frame) == Some(self.sheet.sends[*send].room));
        if is_it { Bubble::Own } else { Bubble::OwnUnknown }
    }

    fn rooms_index(&self, frame: &Frame<'_>) -> Option<usize> {
        let place = self.places.get(&frame.room?)?;
        Some(self.rooms.get(*place)?.index)
    }

    fn subscribed(&mut self, socket: usize, at: Moment, frame: &Frame<'_>) {
        let Some(place) = frame.room.and_then(|room| self.places.get(&room)).copied() else {
            return self.wrong(at, "I10", format!("{} of a room it is not in: {:?}", frame.t, frame.room));
        };
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        let asked = frame.reference.and_then(|reference| match live.asked.get(&reference) {
            // It stays: one per room, and then `resumed`.
            Some(Asked::Resume) | None => None,
            Some(_) => live.asked.remove(&reference),
        });
        let full = match asked {
            Some(Asked::Lower { .. }) => false,
            Some(_) => true,
            None => live.resuming.remove(&place).unwrap_or(true),
        };
        if !full {
            return self.subscribe_missing();
        }
        let data = &frame.d;
        let head = data.head.unwrap_or(0);
        let reset = data.mode.as_deref() == Some("reset");
        if reset && self.turned_away(socket, at, place, frame) {
            return;
        }
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        let next = data.from.unwrap_or(head + 1);
        if data.more {
            // Asked on once what was promised is here; at once when nothing was.
            let to = data.to.unwrap_or(0);
            live.more.insert(place, to);
        } else {
            live.more.remove(&place);
        }
        let on = data.more && data.to.is_none_or(|to| to < next);
        self.sighted(socket, at, place, What::Subscribed { next, live: !data.more, reset });
        if reset && !self.begins_late(place, frame) {
            self.wrong(at, "I21", format!("a reset without a reason: {:?}", data.reason));
            self.rooms[place].last = head;
        }
        if on {
            self.subscribe(socket, place);
        }
    }

    /// Asks for a room from where the client stands.
    pub(super) fn subscribe(&mut self, socket: usize, place: usize) {
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        let reference = live.reference();
        live.asked.insert(reference, Asked::Subscribe { room: place });
        live.followed.insert(place);
        let room = &mut self.rooms[place];
        room.open = true;
        let (id, after) = (room.id, room.last);
        self.say(
            socket,
            &json!({"t": "room.subscribe", "ref": reference, "room": id, "d": {"level": "full", "after": after}}),
        );
    }

    /// What was opened on the old socket after the new one had been told what is open.
    pub(super) fn follow_opened(&mut self, socket: usize) {
        for place in 0..self.rooms.len() {
            let followed = self.sockets.get(&socket).is_none_or(|live| live.followed.contains(&place));
            if self.rooms[place].open && !followed {
                self.subscribe(socket, place);
            }
        }
    }

    /// Asks for every room that ought to be followed and is not.
    pub(super) fn subscribe_missing(&mut self) {
        let Some(main) = self.main else { return };
        for place in 0..self.rooms.len() {
            let Some(live) = self.sockets.get(&main) else { return };
            let is_asked = live.is_asked(place);
            let room = &self.rooms[place];
            if room.always && !room.open && !room.is_outside && !is_asked {
                self.subscribe(main, place);
            }
        }
    }

    /// Opens a room that is at bump, or closes one that was opened.
    pub(super) fn toggle(&mut self) {
        let Some(main) = self.main else { return };
        let at_bump = |place: &usize| !self.rooms[*place].always && !self.rooms[*place].is_outside;
        let places: Vec<usize> = (0..self.rooms.len()).filter(at_bump).collect();
        let Some(place) = places.get(self.chance.index(places.len())).copied() else { return };
        let Some(live) = self.sockets.get_mut(&main) else { return };
        // One wish at a time: what was on its way would come twice.
        if live.is_asked(place) || live.more.contains_key(&place) {
            return;
        }
        if !self.rooms[place].open {
            return self.subscribe(main, place);
        }
        let (levels, reference) = (live.levels, live.reference());
        live.asked.insert(reference, Asked::Lower { room: place });
        live.followed.remove(&place);
        let id = self.rooms[place].id;
        let at = self.now();
        self.rooms[place].open = false;
        self.sighted(main, at, place, What::Lowered);
        if levels {
            self.say(
                main,
                &json!({"t": "room.subscribe", "ref": reference, "room": id, "d": {"level": "bump"}}),
            );
        } else {
            self.say(main, &json!({"t": "room.unsubscribe", "ref": reference, "room": id}));
        }
    }

    /// A request was refused.
    fn refused(&mut self, socket: usize, at: Moment, frame: &Frame<'_>) {
        let code = frame.d.code.as_deref().unwrap_or_default();
        let asked = frame.reference.and_then(|reference| {
            self.sockets.get_mut(&socket).and_then(|live| live.asked.remove(&reference))
        });
        match asked {
            Some(Asked::Send { send, attempt }) => self.send_refused(send, attempt, at, frame),
            Some(Asked::Subscribe { room }) => self.room_refused(socket, at, room, code),
            // What is in no log may get lost, and a room that stays open does no harm.
            Some(Asked::Lower { .. } | Asked::Watch) => {}
            Some(Asked::Change { deed }) => {
                let (code, retryable) = (code.to_owned(), frame.d.retryable);
                self.changed(deed, at, Outcome::Refused { code, retryable });
            }
            Some(Asked::Resume) => {
                // One room of several was not served. Which one it is not told: those without an
                // answer are asked for again.
                if let Some(live) = self.sockets.get_mut(&socket) {
                    let reference = frame.reference.unwrap_or(0);
                    live.asked.insert(reference, Asked::Resume);
                }
                match frame.room.and_then(|room| self.places.get(&room)).copied() {
                    Some(place) => self.room_refused(socket, at, place, code),
                    None => {
                        // Answers come in order: the first without one is meant.
                        let live = self.sockets.get(&socket);
                        if let Some(place) = live.and_then(|live| live.resuming.keys().next()).copied() {
                            self.room_refused(socket, at, place, code);
                        }
                    }
                }
            }
            None if code == "unavailable" => {}
            None => self.wrong(at, "I24", format!("an error to nothing: {code}")),
        }
    }

    fn room_refused(&mut self, socket: usize, at: Moment, place: usize, code: &str) {
        if let Some(live) = self.sockets.get_mut(&socket) {
            live.resuming.remove(&place);
            live.more.remove(&place);
            live.followed.remove(&place);
        }
        if self.is_kept_out(place, code) {
            return;
        }
        if code != "unavailable" && code != "internal" {
            self.wrong(at, "I4", format!("room {} was refused: {code}", self.rooms[place].index));
        }
        let room = &mut self.rooms[place];
        room.open = false;
        if room.always || matches!(self.orders, Orders::Finish(_)) {
            room.always = true;
            self.due.subscribe = self.due.subscribe.min(at.plus(ASK_AGAIN));
        }
    }

    /// A pong tells the heads of open rooms: if one is ahead and nothing comes, the client asks.
    fn pong(&mut self, socket: usize, at: Moment, frame: &Frame<'_>) {
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        live.alive(at);
        // What came on this socket: while two are open, the other's process may know more already.
        let known = live.at.clone();
        for (room, head) in &frame.d.heads {
            if let Some(place) = self.places.get(room)
                && let Some(last) = known.get(place)
                && head < last
            {
                // Only a restored database goes back.
                let room = &self.rooms[*place];
                let what = format!("the head of room {} went back to {head} from {last}", room.index);
                self.wrong(at, "I21", what);
            }
        }
    }
}

fn digest_of(frame: &Frame<'_>) -> u64 {
    let (message, author) = (frame.d.id.unwrap_or_default(), frame.d.user_id.unwrap_or_default());
    digest(&frame.t, message, author, frame.d.emoji.as_deref().unwrap_or_default())
}
