//! What every actor of one process shares: the adapters, the settings, and the addresses.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use actix::Addr;

use super::hub::Hub;
use super::mail::{HubId, Stop, ToHub, ToRoom, ToShard, deliver};
use super::shard::RegistryShard;
use super::writer::Writer;
use crate::bus::{Shard, SharedBus};
use crate::clock::SharedClock;
use crate::domain::{Epoch, RoomId, SessionId, Timestamp};
use crate::settings::Settings;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// The shared part of one process's engine.
pub struct Pod {
    pub store: Arc<dyn Store>,
    pub bus: SharedBus,
    pub clock: SharedClock,
    pub settings: Arc<Settings>,
    pub telemetry: Arc<Telemetry>,
    pub epoch: Epoch,
    hubs: RwLock<Vec<Addr<Hub>>>,
    shards: OnceLock<Vec<Addr<RegistryShard>>>,
    writer: OnceLock<Addr<Writer>>,
    draining: AtomicBool,
    ended: Mutex<BTreeMap<SessionId, Timestamp>>,
    alive: Arc<AtomicUsize>,
}

impl Pod {
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        bus: SharedBus,
        clock: SharedClock,
        settings: Arc<Settings>,
        telemetry: Arc<Telemetry>,
        epoch: Epoch,
    ) -> Self {
        Self {
            store,
            bus,
            clock,
            settings,
            telemetry,
            epoch,
            hubs: RwLock::default(),
            shards: OnceLock::new(),
            writer: OnceLock::new(),
            draining: AtomicBool::new(false),
            ended: Mutex::default(),
            alive: Arc::default(),
        }
    }

    /// Whether new connections are refused because this process is ending.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
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
        self.alive.fetch_add(1, Ordering::AcqRel);
        Alive(self.alive.clone())
    }

    pub(super) fn install(&self, shards: Vec<Addr<RegistryShard>>, writer: Addr<Writer>) {
        // An engine is started once; a second start would be a fault of ours and changes nothing.
        let _started = self.shards.set(shards);
        let _started = self.writer.set(writer);
    }

    pub(super) fn shards(&self) -> &[Addr<RegistryShard>] {
        self.shards.get().map_or(&[], Vec::as_slice)
    }

    pub(super) fn writer(&self) -> Option<&Addr<Writer>> {
        self.writer.get()
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

    pub(super) fn stop_hubs(&self) {
        for hub in self.hubs.read().unwrap_or_else(PoisonError::into_inner).iter() {
            deliver(hub, Stop);
        }
    }

    /// Sends a command to a room, by way of its shard.
    pub fn tell_room(&self, room: RoomId, command: ToRoom) {
        if let Some(shard) = self.shards().get(Shard::of(room).index()) {
            deliver(shard, ToShard { room, command });
        }
    }
}

/// Counts one living actor.
pub struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
