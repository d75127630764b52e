//! Three servers in one thread on virtual time: real actors, the real store in memory, and a bus
//! that loses, doubles, delays and reorders.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::actors::{Adapters, Engine, HubCore, Pod};
use chat::bus::local::{Exchange, LocalBus};
use chat::bus::{Announcement, Bus, Shard};
use chat::clock::Clock;
use chat::domain::{Epoch, LogHead, PodId, RoomId, Timestamp};
use chat::presence::local::{Lobby, LocalLeases};
use chat::settings::Settings;
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::telemetry::Telemetry;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::chance::Chance;
use super::faulty_store::FaultyStore;

/// What may go wrong, in times out of a hundred.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub bus_loses: u64,
    pub bus_doubles: u64,
    pub bus_delays: u64,
    /// A transaction that does not commit.
    pub store_fails: u64,
    /// An action of a client that is a cut of its connection.
    pub cuts: u64,
    /// An action of a client that stops reading for a while.
    pub stalls: u64,
}

impl Faults {
    pub fn from(chance: &mut Chance) -> Self {
        Self {
            bus_loses: chance.below(40),
            bus_doubles: chance.below(30),
            bus_delays: chance.below(50),
            store_fails: chance.below(10),
            cuts: chance.below(15),
            stalls: chance.below(5),
        }
    }
}

/// Virtual wall time and seeded chance.
pub struct SimClock {
    start: Instant,
    chance: Mutex<Chance>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(self.start.elapsed())
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut chance = self.chance.lock().expect("not poisoned");
        bytes.iter_mut().for_each(|byte| *byte = chance.next().to_le_bytes()[0]);
    }
}

/// A bus between engines that breaks every promise it may break.
struct FaultyBus {
    inner: Arc<LocalBus>,
    chance: Mutex<Chance>,
    faults: Faults,
    healed: Arc<AtomicBool>,
}

impl Bus for FaultyBus {
    fn publish(&self, shard: Shard, entries: Announcement) {
        if self.healed.load(Ordering::Relaxed) {
            return self.inner.publish(shard, entries);
        }
        let mut chance = self.chance.lock().expect("not poisoned");
        if chance.percent(self.faults.bus_loses) {
            return;
        }
        if chance.percent(self.faults.bus_doubles) {
            self.inner.publish(shard, entries.clone());
        }
        if chance.percent(self.faults.bus_delays) {
            let (inner, wait) = (self.inner.clone(), Duration::from_millis(chance.below(3_000)));
            actix::spawn(async move {
                tokio::time::sleep(wait).await;
                inner.publish(shard, entries);
            });
        } else {
            self.inner.publish(shard, entries);
        }
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        self.inner.subscribe(shard)
    }

    fn take_announced(&self) -> Vec<LogHead> {
        self.inner.take_announced()
    }

    fn is_up(&self) -> bool {
        self.inner.is_up()
    }

    fn is_lossy(&self) -> bool {
        true
    }
}

/// One simulated server.
pub struct Server {
    pub engine: Engine,
    pub hub: std::rc::Rc<HubCore>,
}

pub struct World {
    pub store: Arc<dyn Store>,
    pub clock: Arc<SimClock>,
    pub servers: Vec<Server>,
    pub settings: Arc<Settings>,
    pub epoch: Epoch,
    exchange: Arc<Exchange>,
    lobby: Arc<Lobby>,
    healed: Arc<AtomicBool>,
    faults: Faults,
    chance: Chance,
    started: usize,
}

impl World {
    pub async fn new(chance: &mut Chance, faults: Faults, servers: usize) -> Self {
        let epoch = Epoch(Uuid::from_u128(7));
        let store = SqliteStore::inline(SqliteOptions::new(epoch)).expect("memory");
        let healed = Arc::new(AtomicBool::new(false));
        let store = FaultyStore::new(store, chance.fork(), faults.store_fails, healed.clone());
        let mut settings = Settings::default();
        settings.limits.rates_on = false;
        settings.limits.replay_page = 7;
        settings.limits.replay_per_room = 40;
        settings.limits.outbox_frames = 30;
        settings.store.room_cache = 12;
        let mut world = Self {
            store: Arc::new(store),
            clock: Arc::new(SimClock { start: Instant::now(), chance: Mutex::new(chance.fork()) }),
            servers: Vec::new(),
            settings: Arc::new(settings),
            epoch,
            exchange: Arc::default(),
            lobby: Arc::default(),
            healed,
            faults,
            chance: chance.fork(),
            started: 0,
        };
        for _ in 0..servers {
            let server = world.start_server();
            world.servers.push(server);
        }
        world
    }

    fn start_server(&mut self) -> Server {
        let inner = Arc::new(LocalBus::new(self.exchange.clone(), self.started));
        self.started += 1;
        let bus = FaultyBus {
            inner,
            chance: Mutex::new(self.chance.fork()),
            faults: self.faults,
            healed: self.healed.clone(),
        };
        let telemetry = Arc::new(Telemetry::new().expect("valid names"));
        let id = PodId(self.clock.id());
        let adapters = Adapters {
            store: self.store.clone(),
            bus: Arc::new(bus),
            leases: Arc::new(LocalLeases::new(self.lobby.clone(), id)),
            clock: self.clock.clone(),
        };
        let pod = Arc::new(Pod::new(id, adapters, self.settings.clone(), telemetry, self.epoch));
        let engine = Engine::start(pod.clone(), 0);
        let hub = HubCore::start(&pod);
        Server { engine, hub }
    }

    /// Starts a server in the place of one, which is handed back to be killed.
    pub fn replace(&mut self, which: usize) -> Server {
        let fresh = self.start_server();
        std::mem::replace(&mut self.servers[which], fresh)
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    /// The whole log of a room, from the truth.
    pub async fn log(&self, room: RoomId) -> Vec<chat::domain::Entry> {
        let page = self.store.log_page(room, None, chat::domain::Seq::START, 1_000_000).await;
        page.expect("healed").entries
    }

    pub async fn stop(self) {
        for server in self.servers {
            server.kill().await;
        }
    }
}

impl Server {
    /// Ends with everything in its memory: nobody is told anything.
    pub async fn kill(self) {
        self.hub.cut_all();
        self.engine.stop().await;
    }
}
