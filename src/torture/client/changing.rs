//! Changes of messages that came: one's own are edited and deleted, all are reacted to; at times what
//! has to be refused. Each is tried once. Who does not know what came of it leaves that message alone
//! from then on.

use serde_json::json;
use uuid::Uuid;

use super::connecting::{Asked, Live};
use super::frames::Frame;
use super::{Client, Event};
use crate::torture::deeds::{DeedSheet, Doing, Fate, Outcome};
use crate::torture::moment::Moment;
use crate::torture::record::Way;

/// So many messages are remembered.
const REMEMBERED: usize = 30;
const SIGNS: [&str; 3] = ["👍", "🎉", "👀"];

/// A message that came.
pub(super) struct Known {
    place: usize,
    id: Uuid,
    is_own: bool,
    /// The deed that is under way.
    busy: Option<usize>,
    /// Signs that the client has expressed, as places in the list of signs.
    signs: [bool; SIGNS.len()],
}

impl Client {
    /// An entry was applied: what it tells of may be changed later.
    pub(super) fn heard_of(&mut self, place: usize, frame: &Frame<'_>) {
        let Some(id) = frame.d.id.filter(|_| frame.t == "message.created" && frame.d.deleted_at.is_none())
        else {
            return;
        };
        if self.known.len() >= REMEMBERED {
            // What is under way is over for good, too: nothing more is done to it.
            self.known.pop_front();
        }
        let is_own = frame.d.user_id == Some(self.me.id);
        self.known.push_back(Known { place, id, is_own, busy: None, signs: Default::default() });
    }

    /// Does something to one of the messages that came.
    pub(super) fn do_something(&mut self) {
        let free: Vec<usize> = (0..self.known.len()).filter(|at| self.known[*at].busy.is_none()).collect();
        let Some(at) = free.get(self.chance.index(free.len())).copied() else { return };
        let (deed, sign, roll) =
            (self.sheet.deeds.len(), self.chance.index(SIGNS.len()), self.chance.below(100));
        let known = &mut self.known[at];
        let (edits, deletes) = if known.is_own { (45, 60) } else { (8, 14) };
        let what = if roll < edits {
            Doing::Edit(format!("{} changes {} by deed {deed}", self.sheet.name, known.id))
        } else if roll < deletes {
            Doing::Delete
        } else if known.signs[sign] {
            Doing::Unreact(SIGNS[sign])
        } else {
            Doing::React(SIGNS[sign])
        };
        known.busy = Some(deed);
        let (place, message, asked) = (known.place, known.id, self.now());
        let room = self.rooms[place].index;
        let by_rest = self.chance.permille(400);
        let way = match self.main.filter(|_| !by_rest) {
            Some(main) => Way::Socket(main),
            None => Way::Rest(self.chance.index(self.world.pods.len())),
        };
        self.sheet.deeds.push(DeedSheet { room, message, what: what.clone(), way, asked, answer: None });
        match way {
            Way::Socket(main) => self.ask_to_change(main, deed, place, message, &what),
            Way::Rest(pod) => {
                let (world, token, to_me) = (self.world.clone(), self.me.token.clone(), self.to_me.clone());
                tokio::spawn(async move {
                    let outcome = world.rest.change(world.pods[pod], &token, message, &what).await;
                    let at = world.watch.now();
                    // The client may have left.
                    let _gone = to_me.send(Event::Changed { deed, at, outcome });
                });
            }
        }
    }

    fn ask_to_change(&mut self, socket: usize, deed: usize, place: usize, message: Uuid, what: &Doing) {
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        let reference = live.reference();
        live.asked.insert(reference, Asked::Change { deed });
        let (action, data) = match what {
            Doing::Edit(content) => ("message.edit", json!({"id": message, "content": content})),
            Doing::Delete => ("message.delete", json!({"id": message})),
            Doing::React(sign) => ("reaction.add", json!({"id": message, "emoji": sign})),
            Doing::Unreact(sign) => ("reaction.remove", json!({"id": message, "emoji": sign})),
        };
        let room = self.rooms[place].id;
        self.say(socket, &json!({"t": action, "ref": reference, "room": room, "d": data}));
    }

    /// It is known what came of a change.
    pub(super) fn changed(&mut self, deed: usize, at: Moment, outcome: Outcome) {
        let fate = outcome.fate();
        let sheet = &mut self.sheet.deeds[deed];
        if let Way::Rest(pod) = sheet.way {
            let what = format!("deed {deed} {} {} by {pod}: {outcome:?}", sheet.what.kind(), sheet.message);
            self.journal.note(at, 0, '=', &what);
        }
        sheet.answer = Some((at, outcome));
        let what = sheet.what.clone();
        let Some(known) = self.known.iter().position(|known| known.busy == Some(deed)) else { return };
        match (fate, &what) {
            // What is gone is left alone, as is what nobody knows of.
            (Fate::Open, _) | (Fate::Done, Doing::Delete) => {
                self.known.remove(known);
            }
            (_, what) => {
                let known = &mut self.known[known];
                known.busy = None;
                if fate == Fate::Done
                    && let Some(sign) = SIGNS.iter().position(|sign| *sign == what.sign())
                {
                    known.signs[sign] = matches!(what, Doing::React(_));
                }
            }
        }
    }

    /// A socket has ended: what it did not answer stays open for ever.
    pub(super) fn given_up(&mut self, live: &Live) {
        for asked in live.asked.values() {
            if let Asked::Change { deed } = asked {
                self.known.retain(|known| known.busy != Some(*deed));
            }
        }
    }
}
