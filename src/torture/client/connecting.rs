//! Opening sockets, keeping them alive, and going over to the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::wire::{Credential, Opened, Wire, open};
use super::{Client, Event};
use crate::torture::moment::{Moment, Span};
use crate::torture::record::{Ending, Opening, SocketSheet};

/// A client that gets no pong for so long gives its connection up.
const PONG: Duration = Duration::from_secs(3);
/// How long an old socket has to end after it was said goodbye to.
const PARTING: Duration = Duration::from_secs(2);

/// How an attempt to open a socket ended.
pub struct Came {
    why: Opening,
    pod: usize,
    ticket: bool,
    asked: Moment,
    outcome: Result<Opened, String>,
}

/// A request without its answer.
pub(super) enum Asked {
    Send {
        send: usize,
        attempt: usize,
    },
    Subscribe {
        room: usize,
    },
    Lower {
        room: usize,
    },
    Resume,
    /// Who of the people around is there.
    Watch,
    Change {
        deed: usize,
    },
}

/// A socket that is open.
pub(super) struct Live {
    pub(super) wire: Wire,
    pub(super) pod: usize,
    conn: Option<String>,
    pub(super) levels: bool,
    heartbeat: Duration,
    next_reference: u64,
    pub(super) asked: BTreeMap<u64, Asked>,
    /// Own rooms that a `resume` named and that are not answered yet; whether in full.
    pub(super) resuming: BTreeMap<usize, bool>,
    /// Own rooms whose entries were asked for on this socket.
    pub(super) followed: BTreeSet<usize>,
    /// Per own room, the last entry that came on this socket.
    pub(super) at: BTreeMap<usize, u64>,
    /// Per own room, where to ask on: the answer promised more.
    pub(super) more: BTreeMap<usize, u64>,
    pub(super) ping: Moment,
    pub(super) pong: Moment,
    /// When to look for a new one.
    moving: Moment,
    /// Since when nothing is read, and until when.
    pub(super) stalled: Option<Span>,
    /// Said goodbye to: when it is let go.
    parting: Moment,
}

impl Live {
    fn new(wire: Wire, pod: usize) -> Self {
        Self {
            wire,
            pod,
            conn: None,
            levels: false,
            heartbeat: Duration::from_secs(25),
            next_reference: 1,
            asked: BTreeMap::new(),
            resuming: BTreeMap::new(),
            followed: BTreeSet::new(),
            at: BTreeMap::new(),
            more: BTreeMap::new(),
            ping: Moment::END,
            pong: Moment::END,
            moving: Moment::END,
            stalled: None,
            parting: Moment::END,
        }
    }

    pub(super) fn next_due(&self) -> Moment {
        let stalled = self.stalled.map_or(Moment::END, |span| span.to);
        self.ping.min(self.pong).min(self.moving).min(stalled).min(self.parting)
    }

    /// Whether an answer about this room is still to come.
    pub(super) fn is_asked(&self, place: usize) -> bool {
        let about = |asked: &Asked| match asked {
            Asked::Subscribe { room } | Asked::Lower { room } => *room == place,
            _ => false,
        };
        self.resuming.contains_key(&place) || self.asked.values().any(about)
    }

    pub(super) const fn reference(&mut self) -> u64 {
        self.next_reference += 1;
        self.next_reference
    }

    /// A pong came; the next ping is due after a heartbeat.
    pub(super) fn alive(&mut self, now: Moment) {
        self.pong = Moment::END;
        self.ping = now.plus(self.heartbeat);
    }
}

impl Client {
    /// Begins to open a socket, unless that is under way.
    pub(super) fn open(&mut self, why: Opening) {
        if self.opening.is_some() || (why == Opening::Again && self.main.is_some()) {
            return;
        }
        if let Some(away) = self.away.filter(|away| away.to > self.now()) {
            self.due.reopen = away.to;
            return;
        }
        self.come_back();
        let why = if self.sheet.sockets.is_empty() { Opening::First } else { why };
        self.opening = Some(why);
        let leaving = match why {
            Opening::Move(socket) if !self.world.rolling.load(Ordering::Relaxed) => {
                Some(self.sheet.sockets[socket].pod)
            }
            _ => None,
        };
        let pods: Vec<usize> = (0..self.world.pods.len()).filter(|pod| Some(*pod) != leaving).collect();
        // The only process there is will have to do.
        let pod = pods.get(self.chance.index(pods.len())).copied().or(leaving).unwrap_or(0);
        let issuer = self.chance.index(self.world.pods.len());
        let (ticket, small) = (self.chance.permille(300), self.habits.slow);
        let (world, token, to_me) = (self.world.clone(), self.me.token.clone(), self.to_me.clone());
        tokio::spawn(async move {
            let asked = world.watch.now();
            let credential = if ticket {
                // Any process issues, any other takes it.
                world.rest.ticket(world.pods[issuer], &token).await.map(Credential::Ticket)
            } else {
                Ok(Credential::Bearer(token))
            };
            let outcome = match credential {
                Ok(credential) => open(world.pods[pod], &credential, small).await,
                Err(error) => Err(error),
            };
            // The client may have left.
            let _gone = to_me.send(Event::Opened(Box::new(Came { why, pod, ticket, asked, outcome })));
        });
    }

    pub(super) fn opened(&mut self, came: Came) {
        self.opening = None;
        let now = self.now();
        let Came { why, pod, ticket, asked, outcome } = came;
        let opened = match outcome {
            Ok(opened) => opened,
            Err(error) => {
                self.sheet.refused += 1;
                self.journal.note(
                    now,
                    self.sheet.sockets.len(),
                    '!',
                    &format!("pod {pod} not opened: {error}"),
                );
                return self.again(why);
            }
        };
        self.failures = 0;
        let socket = self.sheet.sockets.len();
        let peer = opened.peer;
        let wire = Wire::start(opened, socket, self.to_me.clone(), self.world.watch);
        self.sockets.insert(socket, Live::new(wire, pod));
        self.sheet.sockets.push(SocketSheet {
            pod,
            peer,
            why,
            ticket,
            asked,
            opened: now,
            ready: None,
            resumed: None,
            draining: None,
            ended: None,
        });
        self.journal.note(now, socket, '!', &format!("open at pod {pod} from port {peer}: {why:?}"));
        // Silence after the upgrade is silence too.
        if let Some(live) = self.sockets.get_mut(&socket) {
            live.pong = now.plus(PONG);
        }
    }

    /// Tries once more: at once where another process will do, then with growing pauses.
    fn again(&mut self, why: Opening) {
        self.failures = (self.failures + 1).min(6);
        let now = self.now();
        let longest = Duration::from_millis(50 << self.failures);
        let wait = self.chance.between(Duration::from_millis(10), longest);
        match why {
            Opening::Move(old) if self.sockets.contains_key(&old) => {
                if let Some(live) = self.sockets.get_mut(&old) {
                    live.moving = now.plus(wait.min(Duration::from_millis(200)));
                }
            }
            _ => self.due.reopen = now.plus(wait),
        }
    }

    /// The first frame of a socket: signed in already, so resumes at once.
    pub(super) fn hello(&mut self, socket: usize, frame: &super::frames::Frame<'_>) {
        let now = self.now();
        let epoch = frame.d.epoch.as_deref().unwrap_or_default().to_owned();
        if self.epoch.as_ref().is_some_and(|known| *known != epoch) {
            self.wrong(now, "I21", format!("the epoch changed to {epoch}"));
        }
        self.epoch = Some(epoch.clone());
        let why = self.sheet.sockets[socket].why;
        let replaces = match why {
            Opening::Move(old) => self.sockets.get(&old).and_then(|old| old.conn.clone()),
            _ => None,
        };
        let Some(live) = self.sockets.get_mut(&socket) else { return };
        live.conn = frame.d.conn_id.as_deref().map(str::to_owned);
        live.levels = frame.d.features.iter().any(|feature| feature == "levels");
        if let Some(millis) = frame.d.heartbeat_ms {
            live.heartbeat = Duration::from_millis(millis);
        }
        live.pong = Moment::END;
        live.ping = now.plus(live.heartbeat.mul_f64(0.5));
        let mut rooms = Vec::new();
        for (place, room) in self.rooms.iter_mut().enumerate() {
            let full = room.open || room.always;
            if (full || live.levels) && !room.is_outside {
                room.open = full;
                rooms.push(json!([room.id, if full { "full" } else { "bump" }, room.last]));
                live.resuming.insert(place, full);
                live.followed.extend(full.then_some(place));
            }
        }
        let reference = live.reference();
        live.asked.insert(reference, Asked::Resume);
        let mut data = json!({"epoch": epoch, "userAfter": 0, "rooms": rooms});
        if let (Some(replaces), Some(data)) = (replaces, data.as_object_mut()) {
            data.insert("replaces".to_owned(), json!(replaces));
        }
        self.say(socket, &json!({"t": "resume", "ref": reference, "d": data}));
        if frame.d.features.iter().any(|feature| feature == "presence") {
            self.watch_people(socket);
        }
        let old_lives = matches!(why, Opening::Move(old) if self.sockets.contains_key(&old));
        if !old_lives {
            self.become_main(socket);
        }
    }

    /// Everything is resumed: an old socket is no longer needed.
    pub(super) fn resumed(&mut self, socket: usize, at: Moment) {
        self.sheet.sockets[socket].resumed.get_or_insert(at);
        if let Opening::Move(old) = self.sheet.sockets[socket].why {
            if self.main != Some(socket) {
                self.become_main(socket);
            }
            let now = self.now();
            if let Some(old) = self.sockets.get_mut(&old) {
                old.wire.goodbye();
                old.moving = Moment::END;
                old.parting = now.plus(PARTING);
            }
        }
    }

    fn become_main(&mut self, socket: usize) {
        self.main = Some(socket);
        self.due.fallback = Moment::END;
        self.follow_opened(socket);
        self.send_waiting();
    }

    pub(super) fn draining(&mut self, socket: usize, at: Moment, delay: Duration) {
        self.sheet.sockets[socket].draining.get_or_insert(at);
        if let Some(live) = self.sockets.get_mut(&socket) {
            live.moving = at.plus(delay);
        }
    }

    pub(super) fn ended(&mut self, socket: usize, at: Moment, ending: Ending) {
        let Some(live) = self.sockets.remove(&socket) else { return };
        self.journal.note(at, socket, '!', &format!("ended: {ending:?}"));
        self.given_up(&live);
        if let Some(span) = live.stalled {
            self.sheet.stalls.push((socket, Span::new(span.from, at)));
        }
        let parted = live.parting != Moment::END;
        let code = match ending {
            Ending::Closed(code) if !parted => code,
            _ => 0,
        };
        self.sheet.sockets[socket].ended = Some((at, if parted { Ending::Left } else { ending }));
        let is_ticket = self.sheet.sockets[socket].ticket;
        // A ticket may be lost with all of Redis, and who holds it asks for another.
        if (4_000..4_100).contains(&code) || ((4_300..4_400).contains(&code) && !(is_ticket && code == 4_302))
        {
            self.wrong(at, "I16", format!("socket {socket} was closed with {code}"));
        }
        if self.main == Some(socket) {
            self.main = None;
            self.due.fallback = at.plus(Duration::from_secs(1));
        }
        if self.main.is_none() {
            // A move under way takes its place.
            let next =
                self.sockets.iter().find(|(_, live)| live.conn.is_some() && live.parting == Moment::END);
            match next.map(|(next, _)| *next) {
                Some(next) => self.become_main(next),
                None => {
                    let wait = if (4_100..4_200).contains(&code) { 300 } else { 30 };
                    let wait = self.chance.between(Duration::ZERO, Duration::from_millis(wait));
                    self.due.reopen = self.due.reopen.min(at.plus(wait));
                }
            }
        }
    }

    /// Pings, notices silence, moves, and lets go.
    pub(super) fn tend_sockets(&mut self, now: Moment) {
        if self.sockets.values().all(|live| live.next_due() > now) {
            return self.ensure_a_socket(now);
        }
        // What has come already comes first: perhaps the pong.
        while let Ok(event) = self.inbox.try_recv() {
            self.handle(event);
        }
        let due: Vec<usize> = self
            .sockets
            .iter()
            .filter(|(_, live)| live.next_due() <= now)
            .map(|(socket, _)| *socket)
            .collect();
        for socket in due {
            let Some(live) = self.sockets.get_mut(&socket) else { continue };
            if live.stalled.is_some_and(|span| span.to <= now) {
                self.read_on(socket, now);
            }
            let Some(live) = self.sockets.get_mut(&socket) else { continue };
            if live.pong <= now {
                self.ended(socket, now, Ending::Silence);
                continue;
            }
            if live.parting <= now {
                self.ended(socket, now, Ending::Left);
                continue;
            }
            if live.ping <= now {
                live.ping = Moment::END;
                // Who does not read hears no pong.
                live.pong = if live.stalled.is_some() { Moment::END } else { now.plus(PONG) };
                let reference = live.reference();
                self.say(socket, &json!({"t": "ping", "ref": reference}));
            }
            if self.sockets.get(&socket).is_some_and(|live| live.moving <= now) {
                let under_way = self.opening.is_some();
                if let Some(live) = self.sockets.get_mut(&socket) {
                    live.moving = if under_way { now.plus(Duration::from_millis(50)) } else { Moment::END };
                }
                self.open(Opening::Move(socket));
            }
        }
        self.ensure_a_socket(now);
    }

    /// Whatever went wrong, a client without a socket opens one.
    fn ensure_a_socket(&mut self, now: Moment) {
        if self.main.is_none()
            && self.opening.is_none()
            && self.sockets.is_empty()
            && self.due.reopen == Moment::END
        {
            self.due.reopen = now.plus(Duration::from_millis(20));
        }
    }
}
