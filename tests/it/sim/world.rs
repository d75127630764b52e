//! Some servers in one thread on virtual time: real actors, the real store in memory, and what
//! goes wrong between them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::actors::{Adapters, Engine, HubCore, Pod};
use chat::bus::announced::Announced;
use chat::clock::Clock;
use chat::domain::{Entry, Epoch, PodId, RoomId, Seq, Timestamp};
use chat::presence::local::{Lobby, LocalLeases};
use chat::settings::Settings;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::store::{Log, LogPage, Repair};
use chat::telemetry::{Metric, Telemetry};
use tokio::time::Instant;
use uuid::Uuid;

use super::bus::{Exchange, FaultyBus};
use super::chance::Chance;
use super::faulty_store::FaultyStore;
use super::held::Tally;
use super::outbox::{Announcing, Outbox};
use super::plan::{Plan, Sizes, What};

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The actors of a server that nobody uses: 64 shards, writer, marker, sweeper, presence, clerk, a hub.
const ALWAYS: usize = 70;

/// Virtual wall time and seeded chance.
pub struct SimClock {
    start: Instant,
    chance: Mutex<Chance>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        START.plus(self.start.elapsed())
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut chance = self.chance.lock().expect("not poisoned");
        bytes.iter_mut().for_each(|byte| *byte = chance.next().to_le_bytes()[0]);
    }
}

/// One simulated server.
pub struct Server {
    engine: Engine,
    pub hub: Rc<HubCore>,
    dead: Arc<AtomicBool>,
    deaf: Arc<AtomicBool>,
}

pub struct World {
    /// The truth, without faults.
    pub store: Arc<SqliteStore>,
    pub clock: Arc<SimClock>,
    pub servers: RefCell<Vec<Server>>,
    pub settings: Arc<Settings>,
    pub epoch: Cell<Epoch>,
    /// The logs as they were before something of them was pruned.
    logs: RefCell<Vec<(RoomId, Vec<Entry>)>>,
    pub exchange: Arc<Exchange>,
    pub outbox: Arc<Outbox>,
    pub tally: RefCell<Tally>,
    /// What each server counted, also those that are gone.
    counters: RefCell<Vec<Arc<Telemetry>>>,
    /// Servers that are ending in good order.
    pub draining: Rc<Cell<usize>>,
    /// Rooms that died of what the store said.
    pub deaths: Arc<AtomicUsize>,
    lobby: Arc<Lobby>,
    healed: Arc<AtomicBool>,
    plan: Plan,
    chance: RefCell<Chance>,
    started: Cell<usize>,
}

fn settings(sizes: Sizes) -> Settings {
    let mut settings = Settings::default();
    settings.limits.rates_on = false;
    settings.limits.replay_page = sizes.replay_page;
    settings.limits.replay_per_room = sizes.replay_per_room;
    settings.limits.replay_per_resume = sizes.replay_per_resume;
    settings.limits.unanswered = sizes.unanswered;
    settings.limits.outbox_frames = sizes.outbox_frames;
    settings.store.room_cache = sizes.room_cache;
    settings.store.batch = sizes.batch;
    settings.timing.room_idle = Duration::from_millis(sizes.room_idle_ms);
    // So that who stops reading for some seconds is closed.
    settings.timing.write_stall = Duration::from_secs(2);
    settings
}

impl World {
    /// `sweeps`: whether sweepers are handed what is overdue.
    pub fn new(chance: &mut Chance, plan: &Plan, sweeps: bool) -> Rc<Self> {
        let epoch = Epoch(Uuid::from_u128(7));
        let clock = SimClock { start: Instant::now(), chance: Mutex::new(chance.fork()) };
        let clock = Arc::new(clock);
        let world = Self {
            store: Arc::new(SqliteStore::inline(SqliteOptions::new(epoch)).expect("memory")),
            outbox: Arc::new(Outbox::new(clock.clone(), sweeps)),
            clock,
            servers: RefCell::default(),
            settings: Arc::new(settings(plan.sizes)),
            epoch: Cell::new(epoch),
            logs: RefCell::default(),
            exchange: Arc::default(),
            tally: RefCell::default(),
            counters: RefCell::default(),
            draining: Rc::default(),
            deaths: Arc::default(),
            lobby: Arc::default(),
            healed: Arc::default(),
            plan: plan.clone(),
            chance: RefCell::new(chance.fork()),
            started: Cell::new(0),
        };
        for _ in 0..plan.servers {
            let server = world.start_server();
            world.servers.borrow_mut().push(server);
        }
        Rc::new(world)
    }

    fn start_server(&self) -> Server {
        let mut chance = self.chance.borrow_mut();
        let (dead, deaf) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (faults, healed) = (self.plan.faults, self.healed.clone());
        let store = Announcing { store: self.store.clone(), outbox: self.outbox.clone() };
        let (fork, deaths) = (chance.fork(), self.deaths.clone());
        let store = FaultyStore::new(store, fork, faults, healed.clone(), dead.clone(), deaths);
        let bus = FaultyBus {
            exchange: self.exchange.clone(),
            server: self.started.replace(self.started.get() + 1),
            chance: Mutex::new(chance.fork()),
            faults,
            healed,
            dead: dead.clone(),
            deaf: deaf.clone(),
            announced: Announced::default(),
            outbox: self.outbox.clone(),
        };
        let telemetry = Arc::new(Telemetry::new().expect("valid names"));
        self.counters.borrow_mut().push(telemetry.clone());
        let id = PodId(self.clock.id());
        let adapters = Adapters {
            store: Arc::new(store),
            bus: Arc::new(bus),
            leases: Arc::new(LocalLeases::new(self.lobby.clone(), id)),
            clock: self.clock.clone(),
        };
        let pod = Arc::new(Pod::new(id, adapters, self.settings.clone(), telemetry, self.epoch.get()));
        let (engine, hub) = (Engine::start(pod.clone(), 0), HubCore::start(&pod));
        Server { engine, hub, dead, deaf }
    }

    /// Lets something of the plan happen.
    pub async fn happen(&self, what: What) {
        match what {
            What::Kill { server } => {
                let fresh = self.start_server();
                let old = std::mem::replace(&mut self.servers.borrow_mut()[server], fresh);
                old.dead.store(true, Ordering::Relaxed);
                let (lobby, pod) = (self.lobby.clone(), old.engine.pod().id);
                actix::spawn(async move {
                    old.stop().await;
                    lobby.lapse(pod);
                });
            }
            What::Deafen { server, for_ms } => {
                let deaf = self.servers.borrow()[server].deaf.clone();
                deaf.store(true, Ordering::Relaxed);
                actix::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(for_ms)).await;
                    deaf.store(false, Ordering::Relaxed);
                });
            }
            What::Drain { server, within_ms } => {
                let fresh = self.start_server();
                let old = std::mem::replace(&mut self.servers.borrow_mut()[server], fresh);
                let draining = self.draining.clone();
                draining.set(draining.get() + 1);
                self.tally.borrow_mut().note("drained");
                actix::spawn(async move {
                    old.drain(Duration::from_millis(within_ms)).await;
                    draining.set(draining.get() - 1);
                });
            }
            What::BusAway { for_ms } => {
                let (exchange, clock) = (self.exchange.clone(), self.clock.clone());
                exchange.leave(clock.now());
                actix::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(for_ms)).await;
                    exchange.come_back(clock.now());
                });
            }
            What::Prune { older_ms } => {
                self.note_logs().await;
                let before = self.clock.now().minus(Duration::from_millis(older_ms));
                while self.store.prune_log(before, 1_000).await.expect("the truth answers") > 0 {}
            }
            What::RenewEpoch => {
                let epoch = Epoch(Uuid::from_u128(u128::from(self.chance.borrow_mut().next())));
                self.store.renew_epoch(epoch).await.expect("the truth answers");
                self.epoch.set(epoch);
            }
        }
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
        self.exchange.come_back(self.clock.now());
        self.outbox.heal();
        self.servers.borrow().iter().for_each(|server| server.deaf.store(false, Ordering::Relaxed));
    }

    /// A room whose log is to be remembered.
    pub fn remember(&self, room: RoomId) {
        self.logs.borrow_mut().push((room, Vec::new()));
    }

    async fn page(&self, room: RoomId, after: Seq) -> LogPage {
        self.store.log_page(room, None, after, 100_000).await.expect("the truth answers")
    }

    async fn note_logs(&self) {
        let mut logs = self.logs.take();
        for (room, log) in &mut logs {
            let after = log.last().map_or(Seq::START, |entry| entry.seq);
            log.extend(self.page(*room, after).await.entries);
        }
        self.logs.replace(logs);
    }

    /// The whole log of a room, pruned or not, and where what the store has of it begins and ends.
    pub async fn log(&self, room: RoomId) -> (Vec<Entry>, LogPage) {
        self.note_logs().await;
        let log = self.logs.borrow().iter().find(|(id, _)| *id == room).map(|(_, log)| log.clone());
        (log.expect("a remembered room"), self.page(room, Seq::START).await)
    }

    /// Messages that servers say they stored, those that are gone included.
    pub fn messages_committed(&self) -> u64 {
        let name = Metric::MessagesCommitted.as_str();
        let of_one = |telemetry: &Arc<Telemetry>| {
            let families = telemetry.registry().gather();
            let family = families.iter().find(|family| family.name() == name).expect("registered");
            family.get_metric().iter().map(|metric| metric.get_counter().get_value() as u64).sum::<u64>()
        };
        self.counters.borrow().iter().map(of_one).sum()
    }

    /// Nothing is left of those who came, not even their rooms.
    pub fn is_deserted(&self) -> bool {
        let is_deserted = |server: &Server| {
            let pod = server.engine.pod();
            pod.actors_alive() == ALWAYS && pod.rooms_open() == 0
        };
        self.servers.borrow().iter().all(is_deserted)
    }

    pub async fn stop(&self) {
        for server in self.servers.take() {
            server.stop().await;
        }
    }
}

impl Server {
    /// Ends as on SIGTERM: its people are moved, what was accepted is committed.
    async fn drain(self, longest: Duration) {
        self.engine.drain(Duration::from_millis(100), longest).await;
        let pod = self.engine.pod().clone();
        self.stop().await;
        pod.leases.release(pod.clock.now()).await.expect("a lease within the process");
        assert_eq!(pod.actors_alive(), 0, "I16: a server that drained has ended");
    }

    /// Ends: nobody is told anything.
    async fn stop(self) {
        self.hub.cut_all();
        self.engine.stop().await;
    }
}
