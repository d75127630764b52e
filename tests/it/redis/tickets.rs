//! Tickets that work once in the whole cluster, wherever they lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat::auth::ticket::{DrawerAnswer, SharedDrawer};
use chat::auth::{TicketRefused, Tickets};
use chat::clock::{Clock as _, SystemClock};
use chat::domain::session::Identity;
use chat::domain::{SessionId, Timestamp, User};
use chat::redis::{Redis, RedisDrawer};
use chat::store::Store;
use chat::torture::redis::{RedisOptions as ServerOptions, RedisServer};

use super::{RECOVERY, cluster, pod, server, until};
use crate::contract::support::account;

const LIFE: Duration = Duration::from_secs(30);

/// Counts how often it was asked.
struct Counting {
    inner: Arc<RedisDrawer>,
    takes: AtomicUsize,
}

impl SharedDrawer for Counting {
    fn keep(&self, hash: [u8; 32], sealed: Vec<u8>, life: Duration) -> DrawerAnswer<'_, ()> {
        self.inner.keep(hash, sealed, life)
    }

    fn take(&self, hash: [u8; 32]) -> DrawerAnswer<'_, Option<Vec<u8>>> {
        self.takes.fetch_add(1, Ordering::Relaxed);
        self.inner.take(hash)
    }
}

/// Two processes with one database, and somebody who is signed in.
struct World {
    store: Arc<dyn Store>,
    pods: [Redis; 2],
    drawers: [Arc<Counting>; 2],
    tickets: [Arc<Tickets>; 2],
    user: User,
    identity: Identity,
}

impl World {
    async fn new(url: &str) -> Self {
        let store = crate::contract::sqlite::temporary().await;
        let new = account("alice", "alice@example.com");
        let (user, session) = (new.user.clone(), new.login.id);
        store.create_account(new).await.expect("a new account");
        let pods = [pod(url).await, pod(url).await];
        let drawers = [&pods[0], &pods[1]]
            .map(|pod| Arc::new(Counting { inner: pod.drawer().clone(), takes: AtomicUsize::new(0) }));
        let tickets = [&drawers[0], &drawers[1]]
            .map(|drawer| Arc::new(Tickets::shared(LIFE, drawer.clone(), store.clone())));
        let expires_at = Timestamp::from_millis(4_000_000_000_000);
        let identity = Identity { user: user.id, session, expires_at };
        Self { store, pods, drawers, tickets, user, identity }
    }

    async fn issue(&self, origin: Option<&str>) -> String {
        let origin = origin.map(str::to_owned);
        let issued = self.tickets[0].issue(self.user.clone(), self.identity, origin, &SystemClock).await;
        issued.expect("a ticket")
    }

    async fn take(&self, pod: usize, ticket: &str, origin: Option<&str>) -> Result<SessionId, TicketRefused> {
        let taken = self.tickets[pod].take(ticket, origin, SystemClock.now()).await;
        taken.map(|(user, identity)| {
            assert_eq!((user.username, identity), (self.user.username.clone(), self.identity));
            identity.session
        })
    }

    fn takes(&self) -> usize {
        self.drawers.iter().map(|drawer| drawer.takes.load(Ordering::Relaxed)).sum()
    }
}

async fn of_many_takers_one_wins(world: &World) {
    for _ in 0..20 {
        let ticket = world.issue(None).await;
        let takers = (0..8).map(|n| world.take(n % 2, &ticket, None));
        let outcomes = futures_util::future::join_all(takers).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| *outcome != Err(TicketRefused::Unavailable)));
    }
}

#[tokio::test]
async fn of_two_processes_one_gets_a_ticket() {
    let server = server();
    let world = World::new(&server.url()).await;
    of_many_takers_one_wins(&world).await;
    assert!(world.issue(None).await.starts_with('r'));
}

#[tokio::test]
async fn of_two_processes_one_gets_a_ticket_of_a_redis_cluster() {
    let cluster = cluster();
    let world = World::new(&cluster.url()).await;
    of_many_takers_one_wins(&world).await;
    assert!(world.issue(None).await.starts_with('r'));
}

#[tokio::test]
async fn where_redis_is_away_the_database_keeps_them() {
    let mut server = server();
    let world = World::new(&server.url()).await;
    let before = world.issue(None).await;
    server.kill().expect("killed");
    assert_eq!(world.take(1, &before, None).await, Err(TicketRefused::Unavailable));
    assert!(world.issue(None).await.starts_with('d'));
    of_many_takers_one_wins(&world).await;
}

#[tokio::test]
async fn a_redis_that_forgot_that_a_ticket_was_used_does_not_give_it_away_again() {
    let options = ServerOptions { persistent: true, ..ServerOptions::default() };
    let mut server = RedisServer::start(options).expect("a Redis");
    let world = World::new(&server.url()).await;
    let (used, unused) = (world.issue(None).await, world.issue(None).await);
    let keys = server.ask(&["--scan", "--pattern", "ticket:*"]).expect("keys");
    for key in keys.lines() {
        server.ask(&["COPY", key, &format!("before:{key}")]).expect("copied");
    }
    assert!(world.take(1, &used, None).await.is_ok());
    // It comes back without its last write, as one does that has it written down once a second, or
    // a replica that takes over.
    server.kill().expect("killed");
    server.start_again().expect("it starts again");
    for key in keys.lines() {
        server.ask(&["RENAME", &format!("before:{key}"), key]).expect("as before");
    }
    let taken = || async { world.take(0, &used, None).await };
    until("it answers", RECOVERY, || async { taken().await != Err(TicketRefused::Unavailable) }).await;
    assert_eq!(taken().await, Err(TicketRefused::Invalid));
    // Nor one that was not used: the two cannot be told apart.
    assert_eq!(world.take(1, &unused, None).await, Err(TicketRefused::Invalid));
    until("new ones are kept there", RECOVERY, || async { world.issue(None).await.starts_with('r') }).await;
    of_many_takers_one_wins(&world).await;
}

#[tokio::test]
async fn a_redis_that_hangs_holds_up_one_person_for_a_moment() {
    let server = server();
    let world = World::new(&server.url()).await;
    server.pause().expect("stopped");
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        let ticket = world.issue(None).await;
        assert!(ticket.starts_with('d') && world.take(1, &ticket, None).await.is_ok());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "five took {:?}", begun.elapsed());
    server.resume().expect("goes on");
}

#[tokio::test]
async fn tickets_of_an_ended_login_are_worthless_everywhere() {
    let mut server = server();
    let world = World::new(&server.url()).await;
    let mut tickets = vec![world.issue(None).await];
    world.store.revoke_login(world.identity.session, SystemClock.now(), None).await.expect("ended");
    assert_eq!(world.take(1, &tickets.pop().expect("one"), None).await, Err(TicketRefused::Invalid));
    server.kill().expect("killed");
    let ticket = world.issue(None).await;
    assert_eq!(world.take(1, &ticket, None).await, Err(TicketRefused::Invalid));
}

#[tokio::test]
async fn a_ticket_is_for_one_origin_and_one_stretch_of_time() {
    let server = server();
    let world = World::new(&server.url()).await;
    let ours = Some("https://chat.example.com");
    let ticket = world.issue(ours).await;
    assert_eq!(world.take(1, &ticket, Some("https://evil.example")).await, Err(TicketRefused::Invalid));
    assert_eq!(world.take(1, &ticket, ours).await, Err(TicketRefused::Invalid), "it is gone");
    let ticket = world.issue(ours).await;
    let later = SystemClock.now().plus(LIFE);
    assert_eq!(world.tickets[1].take(&ticket, ours, later).await, Err(TicketRefused::Invalid));
    let ticket = world.issue(ours).await;
    assert!(world.take(1, &ticket, ours).await.is_ok());
    drop(ticket);
    // What lies there says nothing that could be used, and ends by itself.
    let ticket = world.issue(None).await;
    let keys = server.ask(&["--scan", "--pattern", "ticket:*"]).expect("keys");
    assert!(!keys.is_empty() && !keys.contains(&ticket[1..]), "{keys}");
    for key in keys.lines() {
        let left: u64 = server.ask(&["PTTL", key]).expect("a time").parse().expect("a number");
        assert!(left <= 30_000 && !server.ask(&["GET", key]).expect("a value").contains(&ticket[1..]));
    }
}

#[tokio::test]
async fn garbage_is_looked_up_at_most_once_and_mostly_not_at_all() {
    let server = server();
    let world = World::new(&server.url()).await;
    let long = "a".repeat(10_000);
    for garbage in ["", "r", "x", "ticket", "r!", &long] {
        assert_eq!(world.take(0, garbage, None).await, Err(TicketRefused::Invalid));
    }
    assert_eq!(world.takes(), 0);
    let like_one = format!("r{}", "A".repeat(43));
    assert_eq!(world.take(0, &like_one, None).await, Err(TicketRefused::Invalid));
    assert_eq!(world.takes(), 1);
    drop(world.pods);
}
