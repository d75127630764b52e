//! A client that behaves as the SDK has to: keeps a position per room and an outbox with its keys,
//! comes back, resumes, moves before it is closed; and writes down all it sees.
//!
//! Next: `connecting`, `reading`, `sending`; `changing`, `filing` and `visiting` for what is no message.

mod changing;
mod connecting;
mod filing;
mod frames;
mod people;
mod reading;
mod sending;
mod stalling;
mod visiting;
mod wire;
mod world;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use self::changing::Known;
use self::connecting::{Came, Live};
pub use self::world::{Goal, Habits, Orders, Standing, World};
use super::chance::Chance;
use super::deeds::{Outcome, Uploaded};
use super::moment::{Moment, Span};
use super::record::{Answer, ClientSheet, Ending, Journal, Opening, Wrong};
use super::rest::Person;

/// What happens to a client.
pub enum Event {
    /// An attempt to open a socket came to its end.
    Opened(Box<Came>),
    Frame {
        socket: usize,
        at: Moment,
        text: Utf8Bytes,
    },
    Ended {
        socket: usize,
        at: Moment,
        ending: Ending,
    },
    /// The answer to an attempt over HTTP.
    Posted {
        send: usize,
        attempt: usize,
        at: Moment,
        answer: Answer,
    },
    /// A look into the history.
    Witnessed {
        send: usize,
        pod: usize,
        asked: Moment,
        found: Option<bool>,
    },
    Probed {
        send: usize,
        at: Moment,
        answer: Answer,
    },
    /// What came of a change that was asked for over HTTP.
    Changed {
        deed: usize,
        at: Moment,
        outcome: Outcome,
    },
    /// What came of a file; nothing of one that was cut.
    Uploaded {
        upload: usize,
        at: Moment,
        outcome: Option<Uploaded>,
    },
    /// To send one message through every process at once.
    Race,
    /// To stay away for so long, once its socket has ended.
    Away(Duration),
}

/// A room that the client is in.
struct Room {
    /// Among all rooms.
    index: usize,
    id: Uuid,
    /// The last entry that was applied.
    last: u64,
    /// Whether it is open, that is followed in full.
    open: bool,
    /// Its home level: rooms at bump are opened now and then.
    always: bool,
    /// Nothing is sent to it before: its last send was refused.
    hold: Moment,
    /// Whether the client comes and goes here.
    is_guest: bool,
    /// Whether it knows that it is not in: then it asks for nothing.
    is_outside: bool,
}

impl Room {
    fn new(world: &World, me: &Person, index: usize, always: bool) -> Self {
        let sheet = &world.rooms[index];
        let is_guest = sheet.guests.iter().any(|guest| world.users[*guest] == me.id);
        // Guests come in later.
        let (open, is_outside) = (always && !is_guest, is_guest);
        Self { index, id: sheet.id, last: 0, open, always, hold: Moment::START, is_guest, is_outside }
    }
}

/// When something is due.
struct Due {
    compose: Moment,
    toggle: Moment,
    stall: Moment,
    reopen: Moment,
    resend: Moment,
    subscribe: Moment,
    fallback: Moment,
}

pub struct Client {
    world: Arc<World>,
    me: Person,
    sheet: ClientSheet,
    standing: Arc<Standing>,
    journal: Journal,
    habits: Habits,
    chance: Chance,
    rooms: Vec<Room>,
    /// From the index among all rooms to that among its own.
    places: BTreeMap<Uuid, usize>,
    sockets: BTreeMap<usize, Live>,
    /// The socket that sends.
    main: Option<usize>,
    /// An attempt to open a socket is under way: why.
    opening: Option<Opening>,
    failures: u32,
    /// Stays away from then until then.
    away: Option<Span>,
    epoch: Option<String>,
    outbox: VecDeque<usize>,
    /// Messages that are neither known to be stored nor refused for good.
    waiting: BTreeSet<usize>,
    by_key: BTreeMap<Uuid, usize>,
    /// Messages that came last, as far as something may be done to them.
    known: VecDeque<Known>,
    /// Files under way, and the rooms that they are for.
    filing: BTreeMap<usize, usize>,
    due: Due,
    orders: Orders,
    inbox: mpsc::UnboundedReceiver<Event>,
    to_me: mpsc::UnboundedSender<Event>,
}

impl Client {
    /// `rooms` are indices among all rooms, each with whether it is always followed in full.
    #[must_use]
    pub fn new(
        world: Arc<World>,
        me: Person,
        name: String,
        rooms: &[(usize, bool)],
        habits: Habits,
        mut chance: Chance,
        journal: Journal,
    ) -> Self {
        let rooms: Vec<Room> =
            rooms.iter().map(|(index, always)| Room::new(&world, &me, *index, *always)).collect();
        let now = world.watch.now();
        let due = Due {
            compose: now.plus(chance.wait(habits.pause)),
            toggle: now.plus(chance.wait(Duration::from_secs(5))),
            stall: if habits.slow { now.plus(chance.wait(Duration::from_secs(6))) } else { Moment::END },
            reopen: now.plus(chance.between(Duration::ZERO, Duration::from_millis(500))),
            resend: Moment::END,
            subscribe: Moment::END,
            fallback: Moment::END,
        };
        let (to_me, inbox) = mpsc::unbounded_channel();
        let orders = world.orders.borrow().clone();
        Self {
            sheet: ClientSheet { name, user: me.id, slow: habits.slow, ..ClientSheet::default() },
            places: rooms.iter().enumerate().map(|(place, room)| (room.id, place)).collect(),
            orders,
            world,
            me,
            standing: Arc::default(),
            journal,
            habits,
            chance,
            rooms,
            sockets: BTreeMap::new(),
            main: None,
            opening: None,
            failures: 0,
            away: None,
            epoch: None,
            outbox: VecDeque::new(),
            waiting: BTreeSet::new(),
            by_key: BTreeMap::new(),
            known: VecDeque::new(),
            filing: BTreeMap::new(),
            due,
            inbox,
            to_me,
        }
    }

    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.clone()
    }

    /// How others make things happen to it.
    #[must_use]
    pub fn inbox(&self) -> mpsc::UnboundedSender<Event> {
        self.to_me.clone()
    }

    /// Lives until it is told to leave.
    pub async fn live(mut self) -> ClientSheet {
        let mut orders = self.world.orders.clone();
        loop {
            let wait = self.next_due().since(self.now()).min(Duration::from_secs(1));
            tokio::select! {
                Some(event) = self.inbox.recv() => self.handle(event),
                changed = orders.changed() => {
                    self.orders = orders.borrow_and_update().clone();
                    if changed.is_err() || matches!(self.orders, Orders::Leave) {
                        return self.leave();
                    }
                    self.told();
                }
                () = tokio::time::sleep(wait) => {}
            }
            self.act();
            self.report();
        }
    }

    fn now(&self) -> Moment {
        self.world.watch.now()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Opened(came) => self.opened(*came),
            Event::Frame { socket, at, text } => self.frame(socket, at, &text),
            Event::Ended { socket, at, ending } => self.ended(socket, at, ending),
            Event::Posted { send, attempt, at, answer } => self.posted(send, attempt, at, answer),
            Event::Witnessed { send, pod, asked, found } => {
                self.sheet.witnesses.push(super::record::Witness { send, pod, asked, found });
            }
            Event::Probed { send, at, answer } => {
                self.sheet.probes.push(super::record::Probe { send, at, answer });
            }
            Event::Changed { deed, at, outcome } => self.changed(deed, at, outcome),
            Event::Uploaded { upload, at, outcome } => self.uploaded(upload, at, outcome),
            Event::Race => self.race(),
            Event::Away(time) => self.stay_away(time),
        }
    }

    fn talks(&self) -> bool {
        matches!(self.orders, Orders::Talk)
    }

    /// New orders came.
    fn told(&mut self) {
        if self.talks() {
            let now = self.now();
            self.due.compose = now.plus(self.chance.wait(self.habits.pause));
            self.due.toggle = now.plus(self.chance.wait(Duration::from_secs(5)));
            if self.habits.slow {
                self.due.stall = now.plus(self.chance.wait(Duration::from_secs(6)));
            }
            return;
        }
        self.due.compose = Moment::END;
        self.due.toggle = Moment::END;
        self.wake_readers();
        self.come_back();
        if matches!(self.orders, Orders::Finish(_)) {
            for room in &mut self.rooms {
                room.always = true;
                // In case that nobody told a guest that it is in.
                room.is_outside = false;
            }
            self.subscribe_missing();
        }
    }

    fn next_due(&self) -> Moment {
        let due = &self.due;
        let own = [due.compose, due.toggle, due.stall, due.reopen, due.resend, due.subscribe, due.fallback];
        let sockets = self.sockets.values().map(Live::next_due);
        own.into_iter().chain(sockets).min().unwrap_or(Moment::END)
    }

    /// Does whatever is due.
    fn act(&mut self) {
        let now = self.now();
        if self.due.reopen <= now {
            self.due.reopen = Moment::END;
            self.open(Opening::Again);
        }
        if self.due.compose <= now {
            self.due.compose = now.plus(self.chance.wait(self.habits.pause));
            self.compose();
        }
        if self.due.toggle <= now {
            self.due.toggle = now.plus(self.chance.wait(Duration::from_secs(5)));
            self.toggle();
        }
        if self.due.stall <= now {
            self.stall();
        }
        if self.due.resend <= now {
            self.due.resend = Moment::END;
            self.send_waiting();
        }
        if self.due.subscribe <= now {
            self.due.subscribe = Moment::END;
            self.subscribe_missing();
        }
        if self.due.fallback <= now {
            self.fall_back();
        }
        self.tend_sockets(now);
    }

    fn report(&self) {
        let pod = self.main.and_then(|main| self.sockets.get(&main)).map_or(0, |live| live.pod + 1);
        self.standing.pod.store(pod, Ordering::Relaxed);
        let complete = match &self.orders {
            Orders::Finish(goal) => self.rooms.iter().all(|room| self.is_read(room, goal)),
            _ => false,
        };
        self.standing.complete.store(complete, Ordering::Relaxed);
    }

    fn leave(mut self) -> ClientSheet {
        let now = self.now();
        // What came before counts.
        while let Ok(event) = self.inbox.try_recv() {
            self.handle(event);
        }
        for socket in self.sockets.keys() {
            let ended = &mut self.sheet.sockets[*socket].ended;
            if ended.is_none() {
                *ended = Some((now, Ending::Left));
            }
        }
        self.sheet
    }

    fn wrong(&mut self, at: Moment, promise: &'static str, what: String) {
        self.sheet.wrongs.push(Wrong { at, promise, what });
    }
}
