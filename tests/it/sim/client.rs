//! A simulated person with a device that behaves as the protocol asks: keeps cursors, resumes,
//! sends again with the same key, pages the history after a reset, and checks each frame strictly.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chat::actors::HubCore;
use chat::domain::subscription::Level;
use chat::domain::{Email, Epoch, RoomId, Timestamp, User, UserId, Username};
use chat::ws::SessionParts;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::bus::Exchange;
use super::chance::Chance;
use super::held::{Held, Membership, OwnLog, Tally};
use super::plan::Habits;
use super::socket::Socket;
use super::world::World;

/// What a person wrote and has no answer for.
pub struct Composed {
    pub key: Uuid,
    pub room: RoomId,
    content: String,
    pub sent: bool,
}

pub struct Client {
    pub user: UserId,
    pub name: &'static str,
    pub rooms: RefCell<BTreeMap<RoomId, Held>>,
    pub own_log: RefCell<OwnLog>,
    pub epoch: Cell<Epoch>,
    /// Whom the present connection was told to be online.
    pub online: RefCell<BTreeMap<String, bool>>,
    /// Per room, the keys in the order in which they were composed.
    pub composed: RefCell<BTreeMap<RoomId, Vec<Uuid>>>,
    /// Key -> (message, seq).
    pub acked: RefCell<BTreeMap<Uuid, (String, u64)>>,
    /// The longest time from commit to delivery on a connection that was live all the while.
    pub slowest: Cell<Duration>,
    /// The same of what was committed while the bus was away: if it still was, and if not.
    pub slowest_away: Cell<(Duration, Duration)>,
    pub(super) exchange: Arc<Exchange>,
    /// Key -> (message, seq), as the own events tell it.
    pub bubbles: RefCell<BTreeMap<Uuid, (String, u64)>>,
    pub tally: RefCell<Tally>,
    /// A fingerprint of all frames.
    pub trace: Cell<u64>,
    pub outbox: RefCell<VecDeque<Composed>>,
    pub habits: Habits,
    /// Where one may leave and come back; the owner stays.
    pub(super) public: Option<RoomId>,
    own: RefCell<Vec<(RoomId, String)>>,
    chance: RefCell<Chance>,
    composing: Cell<bool>,
    next_ref: Cell<u64>,
}

impl Client {
    pub fn new(
        name: &'static str,
        user: UserId,
        rooms: [RoomId; 2],
        epoch: Epoch,
        chance: Chance,
        habits: Habits,
        exchange: Arc<Exchange>,
    ) -> Self {
        let is_owner = user.0 == Uuid::from_u128(101);
        Self {
            user,
            name,
            rooms: RefCell::new(rooms.iter().map(|room| (*room, Held::new())).collect()),
            own_log: RefCell::default(),
            epoch: Cell::new(epoch),
            online: RefCell::default(),
            composed: RefCell::default(),
            acked: RefCell::default(),
            slowest: Cell::default(),
            slowest_away: Cell::default(),
            exchange,
            bubbles: RefCell::default(),
            tally: RefCell::default(),
            trace: Cell::new(0),
            outbox: RefCell::default(),
            habits,
            public: rooms.first().filter(|_| !is_owner).copied(),
            own: RefCell::default(),
            chance: RefCell::new(chance),
            composing: Cell::new(true),
            next_ref: Cell::new(1),
        }
    }

    fn person(&self) -> User {
        User {
            id: self.user,
            username: Username::parse(self.name).expect("a name"),
            email: Email::parse(&format!("{}@example.com", self.name)).expect("an address"),
            avatar: None,
            created_at: Timestamp::from_millis(0),
            last_seen: None,
            email_verified: true,
            server_role: chat::domain::ServerRole::User,
            status: chat::domain::AccountStatus::Active,
            profile: chat::domain::Profile::default(),
        }
    }

    /// From now on only what is written already is brought to an end.
    pub fn stop_composing(&self) {
        self.composing.set(false);
    }

    pub(super) fn chance<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.chance.borrow_mut())
    }

    pub(super) fn note(&self, what: &str) {
        self.tally.borrow_mut().note(what);
    }

    pub(super) fn held<T>(&self, room: RoomId, change: impl FnOnce(&mut Held) -> T) -> T {
        change(self.rooms.borrow_mut().get_mut(&room).expect("a room of the simulation"))
    }

    /// Lives until it is aborted: connects to any server, chats, is cut, comes back.
    pub async fn live(self: Rc<Self>, world: Rc<World>, parts: impl Fn(Rc<HubCore>) -> SessionParts) {
        let some_server = || {
            let servers = world.servers.borrow();
            let which = self.chance(|c| c.index(servers.len()));
            parts(servers[which].hub.clone())
        };
        let mut next = None;
        loop {
            let socket = next.take().unwrap_or_else(|| self.connect(some_server(), None));
            if self.chat(&socket).await {
                self.note("moved");
                let new = self.connect(some_server(), Some(socket.conn()));
                next = self.move_over(socket, new).await;
                if next.is_some() {
                    continue;
                }
            } else {
                drop(socket);
            }
            let pause = self.chance(|c| c.below(self.habits.away_ms));
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Comes in with what it has; perhaps in the place of another connection.
    pub fn connect(&self, parts: SessionParts, replaces: Option<Uuid>) -> Socket {
        let there = parts.hub.pod.epoch();
        let known = self.epoch.replace(there);
        let socket = Socket::open(parts, self.person(), there != known);
        let rooms = self.rooms.borrow();
        let wanted: Vec<Value> = rooms
            .iter()
            .map(|(room, held)| {
                let last = Some(held.last);
                socket.note(*room, |known| (known.asked, known.named, known.at) = (true, last, last));
                json!([room.0, held.level.as_str(), held.last])
            })
            .collect();
        let user_after = self.own_log.borrow().at;
        socket.send(&json!({"t": "resume", "ref": "resume",
            "d": {"epoch": known.0, "userAfter": user_after, "rooms": wanted, "replaces": replaces}}));
        self.online.borrow_mut().clear();
        let people: Vec<Uuid> = (101..105).map(Uuid::from_u128).collect();
        socket.send(&json!({"t": "presence.watch", "ref": "watch", "d": {"users": people}}));
        self.outbox.borrow_mut().iter_mut().for_each(|composed| composed.sent = false);
        socket
    }

    /// One connection's life; true when the client is to go elsewhere.
    async fn chat(&self, socket: &Socket) -> bool {
        let mut next_action = Instant::now();
        loop {
            tokio::select! {
                biased;
                frame = socket.next() => match frame {
                    Some(frame) => self.hear(socket, &frame),
                    None => {
                        self.was_closed(socket);
                        return false;
                    }
                },
                () = sleep_until(socket.move_at.get()) => return true,
                () = sleep_until(next_action) => {
                    if self.act(socket).await {
                        return false;
                    }
                    let pause = self.chance(|c| 5 + c.below(self.habits.pace_ms));
                    next_action = Instant::now() + Duration::from_millis(pause);
                }
            }
        }
    }

    /// Does something; true when it ends the connection.
    async fn act(&self, socket: &Socket) -> bool {
        let habits = self.habits;
        let now_and_then = |percent| self.chance(|c| c.percent(percent));
        if self.composing.get() {
            if now_and_then(habits.cuts) {
                return true;
            }
            if now_and_then(habits.stalls) {
                socket.not_live();
                let stall = Duration::from_millis(self.chance(|c| c.below(habits.stall_ms)));
                tokio::time::sleep(stall).await;
                socket.not_live();
                return false;
            }
            if now_and_then(habits.changes) {
                self.change(socket);
            } else if now_and_then(habits.marks) {
                self.mark(socket);
            } else if now_and_then(habits.levels) {
                self.change_level();
            } else {
                let burst = self.chance(|c| [1, 1, 2, 3, 6][c.index(5)]);
                (0..burst).for_each(|_| self.compose_somewhere());
            }
            if now_and_then(habits.moves) {
                self.leave_or_join(socket).await;
            }
            if self.public.is_none() && habits.manages > 0 && now_and_then(habits.manages) {
                self.manage(socket).await;
            }
            // No chance is drawn where nobody does, so that older plans stay what they are.
            if habits.reacts > 0 && now_and_then(habits.reacts) {
                self.react(socket);
            }
        } else if self
            .public
            .is_some_and(|room| self.held(room, |held| held.membership != Membership::Inside))
        {
            self.leave_or_join(socket).await;
        }
        self.ask_for_rooms(socket);
        self.page_history(socket).await;
        self.send_waiting(socket);
        false
    }

    fn compose_somewhere(&self) {
        let inside: Vec<RoomId> = {
            let rooms = self.rooms.borrow();
            let inside = rooms.iter().filter(|(_, held)| held.membership == Membership::Inside);
            inside.map(|(room, _)| *room).collect()
        };
        self.compose(inside[self.chance(|c| c.index(inside.len()))]);
    }

    pub fn compose(&self, room: RoomId) {
        let key = self.chance(|c| Uuid::from_u128((u128::from(c.next()) << 64) | u128::from(c.next())));
        self.composed.borrow_mut().entry(room).or_default().push(key);
        let content = format!("{} says {key}{}", self.name, self.mention());
        self.outbox.borrow_mut().push_back(Composed { key, room, content, sent: false });
    }

    fn mention(&self) -> &'static str {
        self.chance(|c| ["", "", "", " @alice", " @bob and @carol"][c.index(5)])
    }

    fn send_waiting(&self, socket: &Socket) {
        for composed in self.outbox.borrow_mut().iter_mut().filter(|composed| !composed.sent) {
            composed.sent = true;
            socket.send(&json!({
                "t": "message.send", "ref": composed.key, "room": composed.room.0,
                "d": {"clientMsgId": composed.key, "content": composed.content},
            }));
        }
    }

    pub(super) fn note_own(&self, room: RoomId, message: String) {
        self.own.borrow_mut().push((room, message));
    }

    fn change(&self, socket: &Socket) {
        let own = self.own.borrow();
        if own.is_empty() {
            return;
        }
        let (room, message) = &own[self.chance(|c| c.index(own.len()))];
        let reference = self.next_ref.replace(self.next_ref.get() + 1);
        let content = format!("{} changed it {reference} times{}", self.name, self.mention());
        let action = self.chance(|c| ["message.edit", "message.edit", "message.delete"][c.index(3)]);
        socket.send(
            &json!({"t": action, "ref": reference, "room": room.0, "d": {"id": message, "content": content}}),
        );
    }

    /// Expresses a sign about something that he shows, or takes it back, be it there or not.
    fn react(&self, socket: &Socket) {
        let rooms = self.rooms.borrow();
        let (room, held) = rooms.iter().nth(self.chance(|c| c.index(rooms.len()))).expect("within");
        if held.messages.is_empty() {
            return;
        }
        let which = self.chance(|c| c.index(held.messages.len()));
        let id = held.messages.keys().nth(which).expect("within");
        let action = self.chance(|c| ["reaction.add", "reaction.add", "reaction.remove"][c.index(3)]);
        let emoji = self.chance(|c| ["\u{1f44d}", "\u{2764}"][c.index(2)]);
        let reference = self.next_ref.replace(self.next_ref.get() + 1);
        socket.send(&json!({"t": action, "ref": reference, "room": room.0, "d": {"id": id, "emoji": emoji}}));
    }

    fn mark(&self, socket: &Socket) {
        let rooms = self.rooms.borrow();
        let (room, held) = rooms.iter().nth(self.chance(|c| c.index(rooms.len()))).expect("within");
        let seq = 1 + self.chance(|c| c.below(held.last.max(1)));
        let action = self.chance(|c| ["mark.read", "mark.received"][c.index(2)]);
        let reference = format!("{action} {} {} {seq}", held.memberships, room.0);
        socket.send(&json!({"t": action, "ref": reference, "room": room.0, "d": {"seq": seq}}));
    }

    fn change_level(&self) {
        // The owner stays where he is, so that each room has a reader.
        if self.public.is_none() {
            return;
        }
        let mut rooms = self.rooms.borrow_mut();
        let which = self.chance(|c| c.index(rooms.len()));
        let held = rooms.values_mut().nth(which).expect("within");
        held.level = if held.level == Level::Full { Level::Bump } else { Level::Full };
    }

    /// Asks for the rooms that are not as they are wanted.
    fn ask_for_rooms(&self, socket: &Socket) {
        for (room, held) in self.rooms.borrow().iter() {
            let differs = socket
                .rooms
                .borrow()
                .get(room)
                .is_none_or(|known| !known.asked && known.level != Some(held.level));
            if differs && held.membership == Membership::Inside && socket.resumed.get() {
                socket.subscribe(*room, held.level, held.last);
            }
        }
    }

    fn rooms_to_page(&self) -> Vec<RoomId> {
        self.rooms.borrow().iter().filter(|(_, held)| held.to_page).map(|(room, _)| *room).collect()
    }

    /// Reads what a reset made worthless, as over HTTP.
    async fn page_history(&self, socket: &Socket) {
        for room in self.rooms_to_page() {
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                match socket.hub.pod.store.messages(room, self.user, 20, before).await {
                    Ok(page) => {
                        found.extend(page.messages);
                        before = page.next;
                    }
                    // Tried again later.
                    Err(_) => break,
                }
                if before.is_none() {
                    self.held(room, |held| {
                        held.to_page = false;
                        held.messages.extend(found.drain(..).map(super::judge::shown));
                    });
                    break;
                }
            }
        }
    }
}
