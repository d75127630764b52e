//! Two whole servers on one real PostgreSQL, with a real Redis between them or without, and what
//! people on one of them notice of the other. Nothing here sleeps and hopes; it waits for what must
//! come.

mod alone;

use std::time::Duration;

use chat::settings::{RedisUrl, Secret, Settings};

use crate::postgres;
use crate::support::TestServer;

/// What all processes of one installation have in common.
pub fn share(settings: &mut Settings, database: &str, redis: Option<&str>) {
    settings.database_url = Some(postgres::server().url(database));
    settings.redis_url = redis.map(|url| RedisUrl::parse(url).expect("an address"));
    settings.jwt_secret = vec![Secret::new("0123456789abcdef0123456789abcdef")];
}

/// Two processes on this database. What is announced reaches the other one, or the story waits in
/// vain: heads are compared only where the bus does not carry them.
pub fn pods(database: &str, redis: Option<&str>) -> [TestServer; 2] {
    [(); 2].map(|()| {
        TestServer::with(|s: &mut Settings| {
            share(s, database, redis);
            s.timing.reconcile = Duration::from_secs(3_600);
        })
    })
}

/// What `/health/ready` says, which must be 200.
#[track_caller]
pub fn health(server: &TestServer) -> String {
    crate::support::text(&server.ask(None, "GET", "/health/ready", None).expect(200), "status")
}
