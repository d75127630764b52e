//! Rates that several processes hold together, and what becomes of them without Redis.

use std::sync::Arc;
use std::time::Duration;

use chat::clock::{Clock as _, SystemClock};
use chat::domain::{RoomId, UserId};
use chat::limits::{Key, Limiter};
use chat::redis::Redis;
use chat::settings::Limits;
use chat::torture::redis::RedisServer;

use super::{cluster, pod, server, until};
use crate::support::PATIENCE;

async fn limited(url: &str) -> (Redis, Arc<Limiter>) {
    let redis = pod(url).await;
    let limiter = Arc::new(Limiter::shared(Limits::default()));
    redis.share(limiter.clone());
    (redis, limiter)
}

fn passes(limiter: &Limiter, key: Key) -> bool {
    limiter.check(key, SystemClock.now()).is_ok()
}

/// Takes what is allowed at once.
fn exhaust(limiter: &Limiter, key: Key) -> usize {
    (0..1_000).take_while(|_| passes(limiter, key)).count()
}

fn ticket() -> Key {
    Key::Ticket(UserId(SystemClock.id()))
}

async fn one_rate_for_two(url: &str) {
    let ((_one, first), (_two, second)) = (limited(url).await, limited(url).await);
    for _ in 0..10 {
        let key = ticket();
        assert_eq!(exhaust(&first, key), 10);
        // Each question takes one at most, and is answered with what the other took.
        let mut more = 0;
        until("the other hears of it", PATIENCE, || {
            more += usize::from(passes(&second, key));
            let wait = second.check(key, SystemClock.now());
            async move { wait.is_err() }
        })
        .await;
        assert!(more < 10, "it passed {more} more");
    }
}

#[tokio::test]
async fn two_processes_hold_one_rate() {
    let server = server();
    one_rate_for_two(&server.url()).await;
}

#[tokio::test]
async fn two_processes_hold_one_rate_in_a_redis_cluster() {
    let cluster = cluster();
    one_rate_for_two(&cluster.url()).await;
}

#[tokio::test]
async fn a_steady_sender_on_two_processes_gets_one_rate() {
    let server = server();
    let ((_one, first), (_two, second)) = (limited(&server.url()).await, limited(&server.url()).await);
    let key = Key::Send(UserId(SystemClock.id()), RoomId(SystemClock.id()));
    let (begun, mut passed) = (std::time::Instant::now(), 0_u32);
    while begun.elapsed() < Duration::from_secs(3) {
        passed += u32::from(passes(&first, key)) + u32::from(passes(&second, key));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // 10 at once and 5 a second; twice the burst before they hear of each other, which is paid back.
    assert!((20..=30).contains(&passed), "{passed} in {:?}", begun.elapsed());
}

#[tokio::test]
async fn without_redis_each_holds_its_part() {
    let mut server = server();
    let ((one, first), (_two, second)) = (limited(&server.url()).await, limited(&server.url()).await);
    let pods = || async { one.leases_seen() == 2 };
    until("each knows of the other", PATIENCE, pods).await;
    server.kill().expect("killed");
    until("its part is half", PATIENCE, || async { exhaust(&first, ticket()) == 5 }).await;
    server.start_again().expect("it starts again");
    until("the whole is back", PATIENCE, || async { exhaust(&first, ticket()) == 10 }).await;
    drop(second);
}

fn account(server: &RedisServer) -> Key {
    assert!(server.port() > 0);
    Key::LoginAccount(SystemClock.id().as_bytes().repeat(2).try_into().expect("32 bytes"))
}

#[tokio::test]
async fn failures_to_sign_in_are_counted_together_and_forgiven_together() {
    let server = server();
    let ((_one, first), (_two, second)) = (limited(&server.url()).await, limited(&server.url()).await);
    let key = account(&server);
    for _ in 0..8 {
        first.failed(key, SystemClock.now());
    }
    // Somebody who goes on elsewhere meets the same wait, beyond what its rate alone would ask.
    until("the other hears of the failures", PATIENCE, || {
        let wait = second.check(key, SystemClock.now()).err().unwrap_or_default();
        async move { wait > Duration::from_secs(6) }
    })
    .await;
    second.succeeded(key, SystemClock.now());
    // A wait of the failures is over; what is left is that of the rate.
    until("the first hears that it is forgiven", PATIENCE, || {
        let wait = first.check(key, SystemClock.now());
        async move { wait.is_ok() }
    })
    .await;
}

#[tokio::test]
async fn what_lies_in_redis_names_nobody_and_ends_by_itself() {
    let server = server();
    let (_one, limiter) = limited(&server.url()).await;
    let ip = "192.0.2.77".parse().expect("an address");
    assert!(passes(&limiter, Key::LoginIp(ip)) && passes(&limiter, Key::RegisterIp(ip)));
    let keys = || server.ask(&["--scan", "--pattern", "limit:*"]).expect("keys");
    until("it is told", PATIENCE, || async { keys().lines().count() == 2 }).await;
    for key in keys().lines() {
        assert!(!key.contains("192"), "{key}");
        let left: i64 = server.ask(&["PTTL", key]).expect("a time").parse().expect("a number");
        assert!(left > 0 && left <= 60_000, "{left}");
    }
    // The scripts are sent again to a Redis that forgot them.
    server.ask(&["SCRIPT", "FLUSH"]).expect("forgotten");
    let key = Key::RefreshIp(ip);
    assert!(passes(&limiter, key));
    until("it is told again", PATIENCE, || async { keys().lines().count() >= 3 }).await;
}
