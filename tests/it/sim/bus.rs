//! A bus between servers that breaks every promise it may break, for each listener by himself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::bus::announced::Announced;
use chat::bus::{Announcement, Bus, Shard};
use chat::domain::{LogHead, Timestamp};
use tokio::sync::mpsc;

use super::chance::Chance;
use super::outbox::Outbox;
use super::plan::Faults;

/// Announcements that may wait for one listener, as with the real ones.
const WAITING: usize = 1_024;

/// Where the servers meet.
#[derive(Default)]
pub struct Exchange {
    shards: Mutex<Vec<Vec<Listener>>>,
    outages: Mutex<Vec<Outage>>,
}

/// A stretch in which nothing passes, and everyone knows.
struct Outage {
    from: Timestamp,
    until: Option<Timestamp>,
}

#[derive(Clone)]
struct Listener {
    server: usize,
    deaf: Arc<AtomicBool>,
    sender: mpsc::Sender<Announcement>,
}

impl Exchange {
    fn listeners(&self, shard: Shard) -> Vec<Listener> {
        let mut shards = self.shards.lock().expect("not poisoned");
        let Some(listeners) = shards.get_mut(shard.index()) else { return Vec::new() };
        listeners.retain(|listener| !listener.sender.is_closed());
        listeners.clone()
    }

    /// The bus goes away.
    pub fn leave(&self, now: Timestamp) {
        self.outages.lock().expect("not poisoned").push(Outage { from: now, until: None });
    }

    /// The bus is back, if it was away.
    pub fn come_back(&self, now: Timestamp) {
        let mut outages = self.outages.lock().expect("not poisoned");
        outages.iter_mut().filter(|outage| outage.until.is_none()).for_each(|o| o.until = Some(now));
    }

    fn is_away(&self) -> bool {
        self.outages.lock().expect("not poisoned").iter().any(|outage| outage.until.is_none())
    }

    /// Whether the bus was away at `at`, and if so, whether it still is, without a pause.
    pub fn away_since(&self, at: Timestamp) -> Option<bool> {
        let outages = self.outages.lock().expect("not poisoned");
        let outage = outages.iter().find(|o| o.from <= at && o.until.is_none_or(|until| at < until));
        outage.map(|outage| outage.until.is_none())
    }
}

impl Listener {
    fn tell(&self, news: Announcement) {
        if !self.deaf.load(Ordering::Relaxed) {
            // One that is full or gone loses it.
            let _lost = self.sender.try_send(news);
        }
    }
}

/// One server's place on the bus.
pub struct FaultyBus {
    pub exchange: Arc<Exchange>,
    /// Tells the servers apart.
    pub server: usize,
    pub chance: Mutex<Chance>,
    pub faults: Faults,
    pub healed: Arc<AtomicBool>,
    pub dead: Arc<AtomicBool>,
    pub deaf: Arc<AtomicBool>,
    pub announced: Announced,
    pub outbox: Arc<Outbox>,
}

impl Bus for FaultyBus {
    fn publish(&self, shard: Shard, news: Announcement) {
        if self.dead.load(Ordering::Relaxed) || self.exchange.is_away() {
            return;
        }
        let refuses = self.faults.bus_refuses;
        if refuses > 0 && !self.healed.load(Ordering::Relaxed) {
            // Lost before it was written: it stays in the outbox.
            if self.chance.lock().expect("not poisoned").percent(refuses) {
                return;
            }
        }
        // What is lost from here on counts as announced, as what Redis took and nobody read.
        self.announced.confirm(std::iter::once(&news));
        let heads = Announced::default();
        heads.confirm(std::iter::once(&news));
        self.outbox.told(&heads.take());
        let others = self.exchange.listeners(shard).into_iter().filter(|to| to.server != self.server);
        if self.healed.load(Ordering::Relaxed) {
            return others.for_each(|to| to.tell(news.clone()));
        }
        let mut chance = self.chance.lock().expect("not poisoned");
        for to in others {
            if chance.percent(self.faults.bus_loses) {
                continue;
            }
            if chance.percent(self.faults.bus_doubles) {
                to.tell(news.clone());
            }
            if chance.percent(self.faults.bus_delays) {
                let exchange = self.exchange.clone();
                let (news, wait) = (news.clone(), Duration::from_millis(chance.below(1_500)));
                actix::spawn(async move {
                    tokio::time::sleep(wait).await;
                    if !exchange.is_away() {
                        to.tell(news);
                    }
                });
            } else {
                to.tell(news.clone());
            }
        }
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut shards = self.exchange.shards.lock().expect("not poisoned");
        if shards.len() <= shard.index() {
            shards.resize_with(shard.index() + 1, Vec::new);
        }
        shards[shard.index()].push(Listener { server: self.server, deaf: self.deaf.clone(), sender });
        receiver
    }

    fn take_announced(&self) -> Vec<LogHead> {
        self.announced.take()
    }

    fn is_up(&self) -> bool {
        !self.exchange.is_away()
    }

    fn is_lossy(&self) -> bool {
        true
    }
}
