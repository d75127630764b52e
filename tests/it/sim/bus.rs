//! A bus between servers that breaks every promise it may break, for each listener by himself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::bus::{Announcement, Bus, Shard};
use chat::domain::LogHead;
use tokio::sync::mpsc;

use super::chance::Chance;
use super::plan::Faults;

/// Announcements that may wait for one listener, as with the real ones.
const WAITING: usize = 1_024;

/// Where the servers meet.
#[derive(Default)]
pub struct Exchange(Mutex<Vec<Vec<Listener>>>);

#[derive(Clone)]
struct Listener {
    server: usize,
    deaf: Arc<AtomicBool>,
    sender: mpsc::Sender<Announcement>,
}

impl Exchange {
    fn listeners(&self, shard: Shard) -> Vec<Listener> {
        let mut shards = self.0.lock().expect("not poisoned");
        let Some(listeners) = shards.get_mut(shard.index()) else { return Vec::new() };
        listeners.retain(|listener| !listener.sender.is_closed());
        listeners.clone()
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
}

impl Bus for FaultyBus {
    fn publish(&self, shard: Shard, news: Announcement) {
        if self.dead.load(Ordering::Relaxed) {
            return;
        }
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
                let (news, wait) = (news.clone(), Duration::from_millis(chance.below(1_500)));
                actix::spawn(async move {
                    tokio::time::sleep(wait).await;
                    to.tell(news);
                });
            } else {
                to.tell(news.clone());
            }
        }
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut shards = self.exchange.0.lock().expect("not poisoned");
        if shards.len() <= shard.index() {
            shards.resize_with(shard.index() + 1, Vec::new);
        }
        shards[shard.index()].push(Listener { server: self.server, deaf: self.deaf.clone(), sender });
        receiver
    }

    /// What was announced was not surely heard.
    fn take_announced(&self) -> Vec<LogHead> {
        Vec::new()
    }

    fn is_up(&self) -> bool {
        true
    }

    fn is_lossy(&self) -> bool {
        true
    }
}
