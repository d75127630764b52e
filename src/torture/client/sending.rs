//! The outbox: each message has one key for ever, whichever way and how often it is sent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::connecting::Asked;
use super::frames::Frame;
use super::{Client, Event};
use crate::torture::deeds::Outcome;
use crate::torture::moment::Moment;
use crate::torture::record::{Answer, Attempt, PROBE, SendSheet, Way};

/// Who has so many messages that are not known to be stored writes no more for now: where nothing
/// gets through, more of the same would only keep it so.
const WAITING: usize = 20;

impl Client {
    /// Writes some messages to one room, and sends them without waiting for answers.
    pub(super) fn compose(&mut self) {
        if self.standing.unsent.load(Ordering::Relaxed) >= WAITING {
            return;
        }
        if self.chance.permille(self.habits.changes) {
            return self.do_something();
        }
        let Some(place) = self.somewhere() else { return };
        if self.chance.permille(self.habits.uploads) {
            return self.send_file(place);
        }
        let burst = 1 + self.chance.below(self.habits.burst);
        if self.chance.permille(self.habits.at_once) {
            return self.race();
        }
        // A burst goes one way, so that its order means something.
        let by_rest = self.chance.permille(self.habits.by_rest);
        for _ in 0..burst {
            let send = self.write(place, None);
            if by_rest {
                self.post(send, None, Duration::ZERO);
            } else {
                self.outbox.push_back(send);
            }
        }
        self.send_waiting();
    }

    /// One message through every process over HTTP and over the socket, all at once.
    pub(super) fn race(&mut self) {
        let Some(place) = self.somewhere() else { return };
        let send = self.write(place, None);
        self.outbox.push_back(send);
        self.send_waiting();
        for pod in 0..self.world.pods.len() {
            for _ in 0..2 {
                self.post(send, Some(pod), Duration::ZERO);
            }
        }
    }

    /// A room that it is in.
    fn somewhere(&mut self) -> Option<usize> {
        let inside: Vec<usize> =
            (0..self.rooms.len()).filter(|place| !self.rooms[*place].is_outside).collect();
        inside.get(self.chance.index(inside.len())).copied()
    }

    pub(super) fn write(&mut self, place: usize, attachment: Option<Uuid>) -> usize {
        let key = self.chance.uuid();
        let send = self.sheet.sends.len();
        let content = format!("{} writes no. {send}: {key}", self.sheet.name);
        self.by_key.insert(key, send);
        self.sheet.sends.push(SendSheet {
            room: self.rooms[place].index,
            key,
            content,
            attachment,
            composed: self.now(),
            attempts: Vec::new(),
            stored: None,
        });
        self.standing.unsent.fetch_add(1, Ordering::Relaxed);
        self.waiting.insert(send);
        send
    }

    /// Sends what the main socket was not given yet, in the order of composing.
    pub(super) fn send_waiting(&mut self) {
        let Some(main) = self.main else { return };
        let now = self.now();
        let mut frames = Vec::new();
        for send in &self.outbox {
            let sheet = &mut self.sheet.sends[*send];
            let Some(place) = self.rooms.iter().position(|room| room.index == sheet.room) else { continue };
            let room = &self.rooms[place];
            if room.hold > now {
                // Its turn comes; another room's refusal does not make it forgotten.
                self.due.resend = self.due.resend.min(room.hold);
                continue;
            }
            // Whether its last try over this socket still stands.
            let last = sheet.attempts.iter().rev().find(|attempt| matches!(attempt.way, Way::Socket(_)));
            if last.is_some_and(|last| last.way == Way::Socket(main) && last.answer.is_none()) {
                continue;
            }
            let Some(live) = self.sockets.get_mut(&main) else { return };
            let reference = live.reference();
            live.asked.insert(reference, Asked::Send { send: *send, attempt: sheet.attempts.len() });
            sheet.attempts.push(Attempt { at: now, way: Way::Socket(main), answer: None });
            let files: Vec<Uuid> = sheet.attachment.into_iter().collect();
            frames.push(json!({
                "t": "message.send", "ref": reference, "room": room.id,
                "d": {"clientMsgId": sheet.key, "content": sheet.content, "attachments": files},
            }));
        }
        for frame in frames {
            self.say(main, &frame);
        }
    }

    /// Sends over HTTP, through this process or any.
    pub(super) fn post(&mut self, send: usize, pod: Option<usize>, wait: Duration) {
        let pod = pod.unwrap_or_else(|| self.chance.index(self.world.pods.len()));
        let now = self.now();
        let sheet = &mut self.sheet.sends[send];
        let attempt = sheet.attempts.len();
        sheet.attempts.push(Attempt { at: now.plus(wait), way: Way::Rest(pod), answer: None });
        let (room, key, content) = (self.world.rooms[sheet.room].id, sheet.key, sheet.content.clone());
        let file = sheet.attachment;
        let (world, token, to_me) = (self.world.clone(), self.me.token.clone(), self.to_me.clone());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let answer = world.rest.send(world.pods[pod], &token, room, key, (&content, file)).await;
            let at = world.watch.now();
            // The client may have left.
            let _gone = to_me.send(Event::Posted { send, attempt, at, answer });
        });
    }

    pub(super) fn posted(&mut self, send: usize, attempt: usize, at: Moment, answer: Answer) {
        let way = self.sheet.sends[send].attempts[attempt].way;
        self.journal.note(at, 0, '=', &format!("no. {send} {way:?}: {answer:?}"));
        let is_stored = answer.stored().is_some();
        if matches!(answer, Answer::Refused { retryable: false, .. }) {
            self.no_longer_waits(send);
        }
        self.sheet.sends[send].attempts[attempt].answer = Some((at, answer));
        if is_stored {
            return self.stored(send, at, way);
        }
        let waiting = |attempt: &Attempt| attempt.answer.is_none();
        if !self.waiting.contains(&send) || self.sheet.sends[send].attempts.iter().any(waiting) {
            return;
        }
        // Again with the same key: mostly over HTTP through any process, sometimes over the socket.
        if self.chance.permille(300) && !self.outbox.contains(&send) {
            self.outbox.push_back(send);
            self.send_waiting();
        } else {
            let tried = self.sheet.sends[send].attempts.len().min(6);
            let longest = Duration::from_millis(100 << tried);
            let wait = self.chance.between(Duration::from_millis(50), longest);
            self.post(send, None, wait);
        }
    }

    pub(super) fn acked(&mut self, socket: usize, at: Moment, frame: &Frame<'_>) {
        let asked = frame.reference.and_then(|reference| {
            self.sockets.get_mut(&socket).and_then(|live| live.asked.remove(&reference))
        });
        match asked {
            Some(Asked::Send { send, attempt }) => {
                let (Some(id), Some(seq)) = (frame.d.id, frame.d.seq) else {
                    return self.wrong(at, "I24", "an ack without id and seq".to_owned());
                };
                if frame.d.client_msg_id != Some(self.sheet.sends[send].key) {
                    self.wrong(
                        at,
                        "I3",
                        format!(
                            "the ack of {} carries {:?}",
                            self.sheet.sends[send].key, frame.d.client_msg_id
                        ),
                    );
                }
                let answer = Answer::Stored { id, seq, duplicate: frame.d.duplicate };
                let attempt = &mut self.sheet.sends[send].attempts[attempt];
                attempt.answer = Some((at, answer));
                let way = attempt.way;
                self.stored(send, at, way);
            }
            // Lowered: what was always followed before is asked for again when all is read.
            Some(Asked::Lower { .. }) => self.subscribe_missing(),
            Some(Asked::Watch) => {}
            Some(Asked::Change { deed }) => {
                let (seq, duplicate) = (frame.d.seq, frame.d.duplicate);
                self.changed(deed, at, Outcome::Done { seq, duplicate });
            }
            Some(_) => self.wrong(at, "I24", "an ack to something else".to_owned()),
            None => self.wrong(at, "I24", "an ack to nothing".to_owned()),
        }
    }

    /// An ack that was on its way when the client gave the socket up.
    pub(super) fn late_ack(&mut self, socket: usize, at: Moment, frame: &Frame<'_>) {
        let send = frame.d.client_msg_id.and_then(|key| self.by_key.get(&key)).copied();
        let (Some(send), Some(id), Some(seq)) = (send, frame.d.id, frame.d.seq) else { return };
        let way = Way::Socket(socket);
        let mut attempts = self.sheet.sends[send].attempts.iter_mut().rev();
        if let Some(attempt) = attempts.find(|attempt| attempt.way == way) {
            attempt.answer = Some((at, Answer::Stored { id, seq, duplicate: frame.d.duplicate }));
            self.stored(send, at, way);
        }
    }

    /// It is stored, or was refused for good.
    fn no_longer_waits(&mut self, send: usize) {
        if self.waiting.remove(&send) {
            self.standing.unsent.fetch_sub(1, Ordering::Relaxed);
            self.standing.steps.fetch_add(1, Ordering::Relaxed);
            self.outbox.retain(|waiting| *waiting != send);
        }
    }

    /// A message is known to be stored.
    fn stored(&mut self, send: usize, at: Moment, way: Way) {
        if self.sheet.sends[send].stored.replace(at).is_some() {
            return;
        }
        self.no_longer_waits(send);
        let pods = self.world.pods.len();
        let answered = match way {
            Way::Socket(socket) => self.sheet.sockets[socket].pod,
            Way::Rest(pod) => pod,
        };
        let sheet = &self.sheet.sends[send];
        let said = sheet.attempts.iter().find_map(|attempt| attempt.answer.as_ref()?.1.stored());
        let (room, key) = (self.world.rooms[sheet.room].id, sheet.key);
        let Some((id, seq)) = said else { return };
        let (world, token, to_me) = (self.world.clone(), self.me.token.clone(), self.to_me.clone());
        // A guest may be put out before it looks.
        let is_lively = self.world.rooms[sheet.room].is_lively();
        if self.chance.permille(self.habits.witnessed) && !is_lively {
            let pod = (answered + 1 + self.chance.index(pods.saturating_sub(1))) % pods.max(1);
            tokio::spawn(async move {
                let asked = world.watch.now();
                let found = world.rest.history_has(world.pods[pod], &token, room, id, seq).await;
                // The client may have left.
                let _gone = to_me.send(Event::Witnessed { send, pod, asked, found });
            });
        } else if self.chance.permille(self.habits.probed) && !is_lively {
            let pod = self.chance.index(pods);
            tokio::spawn(async move {
                let answer = world.rest.send(world.pods[pod], &token, room, key, (PROBE, None)).await;
                let at = world.watch.now();
                // The client may have left.
                let _gone = to_me.send(Event::Probed { send, at, answer });
            });
        }
    }

    pub(super) fn send_refused(&mut self, send: usize, attempt: usize, at: Moment, frame: &Frame<'_>) {
        let code = frame.d.code.as_deref().unwrap_or_default().to_owned();
        let retryable = frame.d.retryable;
        let sheet = &mut self.sheet.sends[send];
        sheet.attempts[attempt].answer = Some((at, Answer::Refused { code, retryable }));
        if !retryable {
            return self.no_longer_waits(send);
        }
        let socket = sheet.attempts[attempt].way;
        let last = sheet.attempts.iter().rposition(|attempt| matches!(attempt.way, Way::Socket(_)));
        if last != Some(attempt) || sheet.stored.is_some() {
            return;
        }
        // This one and all that were sent after it to the same room, again and in order.
        let index = sheet.room;
        let wait = self.chance.between(Duration::from_millis(50), Duration::from_millis(150));
        let wait = wait.max(Duration::from_millis(frame.d.retry_after_ms.unwrap_or(0)));
        let after = self.outbox.iter().skip_while(|waiting| **waiting != send).copied().collect::<Vec<_>>();
        for later in after {
            let sheet = &mut self.sheet.sends[later];
            if sheet.room != index {
                continue;
            }
            let last = sheet.attempts.iter_mut().rev().find(|attempt| attempt.way == socket);
            if let Some(last) = last.filter(|last| last.answer.is_none()) {
                last.answer = Some((at, Answer::Failed("taken back: an earlier one was refused".to_owned())));
            }
        }
        if let Some(room) = self.rooms.iter_mut().find(|room| room.index == index) {
            room.hold = at.plus(wait);
        }
        self.due.resend = self.due.resend.min(at.plus(wait).plus(Duration::from_millis(1)));
    }

    /// Without a socket for too long: some of what waits goes over HTTP.
    pub(super) fn fall_back(&mut self) {
        self.due.fallback = Moment::END;
        if self.main.is_some() {
            return;
        }
        self.due.fallback = self.now().plus(Duration::from_secs(1));
        let waiting: Vec<usize> = self.outbox.iter().copied().collect();
        let mut posts = 3;
        for send in waiting {
            let under_way = self.sheet.sends[send]
                .attempts
                .iter()
                .any(|attempt| matches!(attempt.way, Way::Rest(_)) && attempt.answer.is_none());
            if !under_way && posts > 0 && self.chance.permille(500) {
                posts -= 1;
                self.post(send, None, Duration::ZERO);
            }
        }
    }

    /// Sends a frame.
    pub(super) fn say(&mut self, socket: usize, frame: &serde_json::Value) {
        let at = self.now();
        let text = frame.to_string();
        self.journal.note(at, socket, '>', &text);
        if let Some(live) = self.sockets.get(&socket) {
            live.wire.send(text);
        }
    }
}
