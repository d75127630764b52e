//! What lives in Redis, against real ones: servers and clusters that each test starts for itself, and
//! kills, stops and empties as it likes. Nothing here sleeps and hopes; it waits for what must come.

mod bus;
mod faults;
mod leases;
mod rates;
mod start;
mod tickets;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::bus::{Announcement, Bus as _, Shard};
use chat::clock::{Clock as _, SystemClock};
use chat::domain::{PodId, SessionId};
use chat::redis::bus::Faults;
use chat::redis::{LeaseTimes, Redis, RedisFault, RedisOptions};
use chat::settings::{RedisSettings, RedisUrl};
use chat::torture::redis::{RedisCluster, RedisOptions as ServerOptions, RedisServer};
use tokio::sync::mpsc::Receiver;

use crate::support::PATIENCE;

/// The longest that announcements may take to flow again after a fault.
pub const RECOVERY: Duration = Duration::from_secs(5);

/// A Redis of its own, in memory.
#[track_caller]
pub fn server() -> RedisServer {
    RedisServer::start(ServerOptions::default()).expect("a Redis")
}

#[track_caller]
pub fn cluster() -> RedisCluster {
    RedisCluster::start().expect("a Redis Cluster")
}

pub fn options() -> RedisOptions {
    RedisOptions {
        pod: PodId(SystemClock.id()),
        clock: Arc::new(SystemClock),
        salt: [7; 32],
        leases: LeaseTimes::default(),
        faults: Faults::default(),
    }
}

pub async fn try_pod(url: &str, adjust: impl FnOnce(&mut RedisSettings)) -> Result<Redis, RedisFault> {
    let mut settings = RedisSettings::default();
    adjust(&mut settings);
    let url = RedisUrl::parse(url).expect("an address");
    Redis::start(&url, &settings, options()).await
}

/// One process's connections.
pub async fn pod(url: &str) -> Redis {
    try_pod(url, |_| {}).await.expect("it starts")
}

/// Waits for what must come true.
pub async fn until<F: Future<Output = bool>>(what: &str, within: Duration, mut done: impl FnMut() -> F) {
    let end = Instant::now() + within;
    while !done().await {
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The next announcement.
pub async fn next(from: &mut Receiver<Announcement>) -> Announcement {
    let next = tokio::time::timeout(PATIENCE, from.recv()).await;
    next.expect("an announcement comes").expect("the bus lives")
}

/// An announcement unlike any other, with its shard.
pub fn news() -> (Shard, Announcement) {
    let id = SystemClock.id();
    (Shard::of_id(id), Announcement::LoginEnded(SessionId(id)))
}

/// Announces until something arrives, in both directions.
pub async fn flows(one: &Redis, other: &Redis, within: Duration) {
    for (from, to) in [(one, other), (other, one)] {
        let shard = news().0;
        let mut heard = to.bus().subscribe(shard);
        let end = Instant::now() + within;
        loop {
            assert!(Instant::now() < end, "nothing flows within {within:?}");
            from.bus().publish(shard, news().1);
            let next = tokio::time::timeout(Duration::from_millis(50), heard.recv()).await;
            if next.is_ok() {
                break;
            }
        }
    }
}
