//! What every actor of one process shares: the adapters, the settings, and the addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use actix::Addr;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::clerk::{Clerk, JobWaits};
use super::hub::Hub;
use super::journeys::Journeys;
use super::lives::{ActorId, Alive, Vital};
use super::mail::{
    ForgetRooms, Grown, HubId, Mark, Place, Stop, ToHub, ToPresence, ToRoom, ToShard, deliver,
};
use super::marker::Marker;
use super::presence::Presence;
use super::shard::RegistryShard;
use super::sweeper::Sweeper;
use super::writer::Writer;
use crate::auth::audit::Audited;
use crate::bus::{Announcement, Shard, SharedBus};
use crate::clock::SharedClock;
use crate::domain::presence::{PresenceRules, Roster};
use crate::domain::{
    ConnId, Epoch, JobCounts, LogHead, PodId, RoomId, SessionId, Timestamp, UserEntry, UserId,
};
use crate::presence::SharedLeases;
use crate::protocol::{CloseCode, Links};
use crate::settings::Settings;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// How long it is known whose sends are taken no more.
const CUT_OFF_KEPT: Duration = Duration::from_secs(60);

/// The actors that stand alone in a process.
pub(super) struct Actors {
    pub(super) shards: Vec<Addr<RegistryShard>>,
    pub(super) writer: Addr<Writer>,
    pub(super) marker: Addr<Marker>,
    pub(super) sweeper: Addr<Sweeper>,
    pub(super) presence: Addr<Presence>,
    pub(super) clerk: Addr<Clerk>,
}

/// What stands outside the engine.
pub struct Adapters {
    pub store: Arc<dyn Store>,
    pub bus: SharedBus,
    pub leases: SharedLeases,
    pub clock: SharedClock,
}

/// The shared part of one process's engine.
pub struct Pod {
    pub id: PodId,
    pub store: Arc<dyn Store>,
    pub bus: SharedBus,
    pub leases: SharedLeases,
    pub clock: SharedClock,
    pub settings: Arc<Settings>,
    pub telemetry: Arc<Telemetry>,
    /// Where people read files.
    pub links: Links,
    epoch: RwLock<Epoch>,
    roster: Mutex<Roster>,
    hubs: RwLock<Vec<Addr<Hub>>>,
    actors: OnceLock<Actors>,
    /// By which actor each is read.
    open_rooms: Mutex<BTreeMap<RoomId, ActorId>>,
    next_actor: AtomicU64,
    /// Sockets being closed because something that they sent was lost with the room's actor.
    cut_off: Mutex<BTreeMap<Place, Instant>>,
    pub(super) journeys: Journeys,
    draining: AtomicBool,
    ended: Mutex<BTreeMap<SessionId, Timestamp>>,
    alive: Arc<AtomicUsize>,
    failure: Arc<Notify>,
    /// Work on people's own data, as far as is known.
    pub jobs: JobGauges,
    /// Tells and counts what is kept of what people do to accounts and to each other.
    pub audited: Audited,
}

impl Pod {
    #[must_use]
    pub fn new(
        id: PodId,
        adapters: Adapters,
        settings: Arc<Settings>,
        telemetry: Arc<Telemetry>,
        epoch: Epoch,
    ) -> Self {
        let Adapters { store, bus, leases, clock } = adapters;
        telemetry.expect_closes(CloseCode::ALL.iter().map(|code| code.number()));
        Self {
            id,
            roster: Mutex::new(Roster::new(id, PresenceRules::default())),
            store,
            bus,
            leases,
            clock,
            telemetry,
            links: Links::new(&settings.public_base()),
            epoch: RwLock::new(epoch),
            hubs: RwLock::default(),
            actors: OnceLock::new(),
            open_rooms: Mutex::default(),
            next_actor: AtomicU64::new(0),
            cut_off: Mutex::default(),
            journeys: Journeys::new(settings.journey_one_in),
            draining: AtomicBool::new(false),
            ended: Mutex::default(),
            alive: Arc::default(),
            failure: Arc::default(),
            jobs: JobGauges::default(),
            audited: Audited::default(),
            settings,
        }
    }

    /// Whether new connections are refused because this process is ending.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
        self.telemetry.start_draining();
    }

    /// Remembers a login that ended for as long as an access token of it could live, so that a
    /// socket that was being opened meanwhile is found too.
    pub(super) fn note_ended(&self, session: SessionId) {
        let now = self.clock.now();
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until| *until > now);
        ended.insert(session, now.plus(self.settings.accounts.access_token));
    }

    /// Whether a login ended while it was being used to come in. To be asked after the socket can
    /// be found by its hub, and never before: then either this or the hub's search finds it.
    #[must_use]
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Actors of this engine that are alive.
    #[must_use]
    pub fn actors_alive(&self) -> usize {
        self.alive.load(Ordering::Acquire)
    }

    /// To be held by each actor for as long as it lives.
    #[must_use]
    pub fn census(&self) -> Alive {
        Alive::among(&self.alive)
    }

    /// To be held in its place by an actor whose panic is to end the process.
    pub(super) fn vital(&self, name: &'static str) -> Vital {
        Vital::new(self.census(), name, &self.failure)
    }

    /// Done when an actor without which the process is of no use has panicked. For one who waits.
    pub async fn failed(&self) {
        self.failure.notified().await;
    }

    pub(super) fn install(&self, actors: Actors) {
        // An engine is started once; a second start would be a fault of ours and changes nothing.
        let _started = self.actors.set(actors);
    }

    /// `None` before the engine has started.
    pub(super) fn actors(&self) -> Option<&Actors> {
        self.actors.get()
    }

    /// The identity of the history that this process serves.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        *self.epoch.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database's history is another one: what rooms remember of the old one is forgotten.
    pub(super) fn begin_epoch(&self, epoch: Epoch) {
        *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = epoch;
        for shard in self.actors().map_or(&[][..], |actors| &actors.shards) {
            deliver(shard, ForgetRooms);
        }
    }

    /// Who is online, from what all processes say.
    pub fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rooms that someone here reads.
    pub(super) fn open_rooms(&self) -> Vec<RoomId> {
        self.open_rooms.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// How many they are.
    #[must_use]
    pub fn rooms_open(&self) -> usize {
        self.open_rooms.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes whether a room is read here. An actor that ends late says nothing of its successor.
    pub(super) fn note_open(&self, room: RoomId, by: ActorId, is_open: bool) {
        let mut rooms = self.open_rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if is_open {
            rooms.insert(room, by);
        } else if rooms.get(&room) == Some(&by) {
            rooms.remove(&room);
        }
    }

    /// Something that a socket sent was lost: it is closed, and comes back to send it again.
    pub(super) fn cut_off(&self, place: Place) {
        let mut places = self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        // By then nothing of it can still be on its way.
        places.retain(|_, at| at.elapsed() < CUT_OFF_KEPT);
        places.insert(place, Instant::now());
        drop(places);
        self.tell_hub(place.hub, ToHub::CutOff { link: place.link });
    }

    /// Whose sends are taken no more.
    pub(super) fn cut_off_places(&self) -> BTreeSet<Place> {
        self.cut_off.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// A name that no other actor of this process has.
    pub fn new_actor(&self) -> ActorId {
        ActorId(self.next_actor.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn add_hub(&self, start: impl FnOnce(HubId) -> Addr<Hub>) {
        let mut hubs = self.hubs.write().unwrap_or_else(PoisonError::into_inner);
        let hub = start(HubId(hubs.len()));
        hubs.push(hub);
    }

    pub(super) fn hub(&self, hub: HubId) -> Option<Addr<Hub>> {
        self.hubs.read().unwrap_or_else(PoisonError::into_inner).get(hub.0).cloned()
    }

    /// Sends to a worker's hub.
    pub fn tell_hub(&self, hub: HubId, message: ToHub) {
        if let Some(hub) = self.hub(hub) {
            deliver(&hub, message);
        }
    }

    pub(super) fn tell_every_hub(&self, message: impl Fn() -> ToHub) {
        for hub in self.hubs.read().unwrap_or_else(PoisonError::into_inner).iter() {
            deliver(hub, message());
        }
    }

    /// Asks every hub. The answers end when each has answered, or is no more.
    pub(super) fn ask_hubs<T>(&self, question: impl Fn(mpsc::Sender<T>) -> ToHub) -> mpsc::Receiver<T> {
        let hubs = self.hubs.read().unwrap_or_else(PoisonError::into_inner);
        let (answer, answers) = mpsc::channel(hubs.len().max(1));
        for hub in hubs.iter() {
            deliver(hub, question(answer.clone()));
        }
        answers
    }

    pub(super) fn stop_hubs(&self) {
        for hub in self.hubs.read().unwrap_or_else(PoisonError::into_inner).iter() {
            deliver(hub, Stop);
        }
    }

    /// Sends a command to a room, by way of its shard.
    pub fn tell_room(&self, room: RoomId, command: ToRoom) {
        if let Some(shard) = self.actors().and_then(|actors| actors.shards.get(Shard::of(room).index())) {
            deliver(shard, ToShard { room, command });
        }
    }

    /// Sends to the keeper of presence.
    pub fn tell_presence(&self, message: ToPresence) {
        if let Some(actors) = self.actors() {
            deliver(&actors.presence, message);
        }
    }

    /// Moves marks; who asked is answered when it is committed.
    pub fn mark(&self, mark: Mark) {
        match self.actors() {
            Some(actors) => deliver(&actors.marker, mark),
            None => drop(mark),
        }
    }

    /// Work on somebody's own data was asked for here.
    pub fn job_waits(&self) {
        if let Some(actors) = self.actors() {
            deliver(&actors.clerk, JobWaits);
        }
    }

    /// Users' own logs grew by what this process committed: tells their connections here, and
    /// everyone else.
    pub fn tell_users(&self, entries: Vec<UserEntry>) {
        if entries.is_empty() {
            return;
        }
        let mut shards: BTreeMap<usize, (Shard, Vec<UserEntry>)> = BTreeMap::new();
        for entry in &entries {
            let shard = Shard::of_user(entry.user);
            shards.entry(shard.index()).or_insert((shard, Vec::new())).1.push(entry.clone());
        }
        for (shard, entries) in shards.into_values() {
            self.bus.publish(shard, Announcement::Users(entries.into()));
        }
        self.hear_users(&entries.into());
    }

    /// Users' own logs grew: tells their connections here.
    pub(super) fn hear_users(&self, entries: &Arc<[UserEntry]>) {
        self.tell_every_hub(|| ToHub::Users(entries.clone()));
    }

    /// A log reaches so far: tells those here who read it.
    pub(super) fn heard(&self, head: LogHead) {
        match head {
            LogHead::Room(room, head) => self.tell_room(room, ToRoom::HeadIs(head)),
            LogHead::User(user, head) => self.tell_every_hub(|| ToHub::UserHead { user, head }),
        }
    }

    /// A room grew, which nobody announced: those here who follow it are told.
    pub(super) fn grew(&self, grown: Grown) {
        let shard = Shard::of(grown.room).index();
        if let Some(shard) = self.actors().and_then(|actors| actors.shards.get(shard)) {
            deliver(shard, grown);
        }
    }

    /// A user's connection is live in the place of this one, which is closed if it is here.
    pub fn replaced(&self, user: UserId, conn: ConnId) {
        self.tell_every_hub(|| ToHub::Replaced { user, conn });
    }

    /// A login ended: its sockets here are closed.
    pub(super) fn login_ended(&self, session: SessionId) {
        self.note_ended(session);
        self.tell_every_hub(|| ToHub::EndLogin { session });
    }
}

/// What waits of the work on people's own data, at the last look.
#[derive(Debug, Default)]
pub struct JobGauges(Mutex<JobCounts>);

impl JobGauges {
    pub(super) fn note(&self, counts: JobCounts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    #[must_use]
    pub fn counts(&self) -> JobCounts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
