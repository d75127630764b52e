//! Two whole servers on one real PostgreSQL, with a real Redis between them or without, and what
//! people on one of them notice of the other. Nothing here sleeps and hopes; it waits for what must
//! come.

mod alone;
mod following;
mod health;
mod joining;
mod telling;

use std::time::Duration;

use chat::settings::{RedisUrl, Secret, Settings};

use crate::postgres;
use crate::support::TestServer;

/// A process on this database, with this Redis.
pub fn pod(database_url: &str, redis: Option<&str>) -> TestServer {
    TestServer::with(|settings| share(settings, database_url, redis))
}

/// What all processes of one installation have in common. What is announced between them arrives,
/// or a story waits in vain: heads are compared only where the bus does not carry.
fn share(settings: &mut Settings, database_url: &str, redis: Option<&str>) {
    settings.timing.reconcile = Duration::from_secs(3_600);
    settings.database_url = Some(database_url.to_owned());
    settings.redis_url = redis.map(|url| RedisUrl::parse(url).expect("an address"));
    settings.jwt_secret = vec![Secret::new("0123456789abcdef0123456789abcdef")];
}

/// Two processes on this database.
pub fn pods(database: &str, redis: Option<&str>) -> [TestServer; 2] {
    pods_with(database, redis, |_| {})
}

/// The same, with something of their own.
pub fn pods_with(database: &str, redis: Option<&str>, adjust: impl Fn(&mut Settings)) -> [TestServer; 2] {
    let url = postgres::server().url(database);
    [(); 2].map(|()| {
        TestServer::with(|settings| {
            share(settings, &url, redis);
            adjust(settings);
        })
    })
}

/// What `/health/ready` says, which must be 200.
#[track_caller]
pub fn health(server: &TestServer) -> String {
    crate::support::text(&server.ask(None, "GET", "/health/ready", None).expect(200), "status")
}
