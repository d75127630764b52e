//! Who is connected where, and what becomes of the people of a process that died.

use std::collections::BTreeMap;
use std::time::Duration;

use chat::clock::{Clock as _, SystemClock};
use chat::domain::presence::Presence;
use chat::domain::{PodId, UserId};
use chat::presence::local::{Lobby, LocalLeases};
use chat::presence::{Leases, People};
use chat::redis::{LeaseTimes, Redis};
use chat::settings::{RedisSettings, RedisUrl};

use super::{RedisOptions, cluster, options, server, until};
use crate::support::PATIENCE;

/// Short enough for a test, in the same proportions.
const TIMES: LeaseTimes = LeaseTimes {
    life: Duration::from_millis(1_500),
    renew: Duration::from_millis(500),
    batch: Duration::from_millis(25),
};

async fn pod(url: &str) -> (PodId, Redis) {
    let options = RedisOptions { leases: TIMES, ..options() };
    let url = RedisUrl::parse(url).expect("an address");
    let id = options.pod;
    (id, Redis::start(&url, &RedisSettings::default(), options).await.expect("it starts"))
}

fn somebody(connections: u32) -> (UserId, Presence) {
    (UserId(SystemClock.id()), Presence { connections, last_seen: SystemClock.now() })
}

fn people(list: &[(UserId, Presence)]) -> People {
    list.iter().copied().collect()
}

/// Waits until everybody's people are read so.
async fn reads(leases: &dyn Leases, all: &[(PodId, &[(UserId, Presence)])]) {
    let all: BTreeMap<_, _> = all.iter().map(|(pod, list)| (*pod, people(list))).collect();
    until("the leases say so", PATIENCE, || async { leases.all().await.as_ref() == Ok(&all) }).await;
}

async fn come_and_go(one: (PodId, &dyn Leases), two: (PodId, &dyn Leases)) {
    let (alice, bob) = (somebody(2), somebody(1));
    one.1.put(vec![alice, bob]).await.expect("noted");
    reads(two.1, &[(one.0, &[alice, bob]), (two.0, &[])]).await;
    let elsewhere = (alice.0, Presence { connections: 1, ..alice.1 });
    two.1.put(vec![elsewhere]).await.expect("noted");
    let fewer = (alice.0, Presence { connections: 1, ..alice.1 });
    one.1.put(vec![fewer]).await.expect("noted");
    reads(one.1, &[(one.0, &[fewer, bob]), (two.0, &[elsewhere])]).await;
    let now = SystemClock.now();
    one.1.release(now).await.expect("ended");
    let (gone, long_gone) = ((alice.0, fewer.1.ended(now)), (bob.0, bob.1.ended(now)));
    assert_eq!((gone.1.connections, long_gone.1.connections), (0, 0));
    reads(two.1, &[(one.0, &[gone, long_gone]), (two.0, &[elsewhere])]).await;
}

#[tokio::test]
async fn people_come_and_go_within_a_process() {
    let lobby = std::sync::Arc::new(Lobby::default());
    let (one, two) = (PodId(SystemClock.id()), PodId(SystemClock.id()));
    let (first, second) = (LocalLeases::new(lobby.clone(), one), LocalLeases::new(lobby, two));
    come_and_go((one, &first), (two, &second)).await;
}

#[tokio::test]
async fn people_come_and_go_in_redis() {
    let server = server();
    let ((one, first), (two, second)) = (pod(&server.url()).await, pod(&server.url()).await);
    come_and_go((one, &**first.leases()), (two, &**second.leases())).await;
}

#[tokio::test]
async fn people_come_and_go_in_a_redis_cluster() {
    let cluster = cluster();
    let ((one, first), (two, second)) = (pod(&cluster.url()).await, pod(&cluster.url()).await);
    come_and_go((one, &**first.leases()), (two, &**second.leases())).await;
}

#[tokio::test]
async fn the_people_of_a_process_that_died_are_gone_with_its_lease() {
    let server = server();
    let ((one, first), (two, second)) = (pod(&server.url()).await, pod(&server.url()).await);
    let (alice, bob) = (somebody(1), somebody(1));
    first.leases().put(vec![alice]).await.expect("noted");
    second.leases().put(vec![bob]).await.expect("noted");
    reads(&**second.leases(), &[(one, &[alice]), (two, &[bob])]).await;
    // Its last word was said; nobody gives the lease back.
    let begun = std::time::Instant::now();
    drop(first);
    reads(&**second.leases(), &[(two, &[bob])]).await;
    assert!(begun.elapsed() < TIMES.life + TIMES.renew * 4, "it took {:?}", begun.elapsed());
    // No ghost is left behind.
    let index = || server.ask(&["SMEMBERS", "presence:pods"]).expect("pods");
    until("it is out of the index", PATIENCE, || async { index() == two.to_string() }).await;
    let keys = server.ask(&["--scan", "--pattern", "presence:*"]).expect("keys");
    assert!(!keys.contains(&one.to_string()), "{keys}");
}

#[tokio::test]
async fn a_process_that_is_late_with_its_renewal_loses_nothing_to_the_others() {
    let server = server();
    // The one that looks does so by hand: it renews its own lease once only.
    let slow = LeaseTimes { life: Duration::from_secs(600), renew: Duration::from_secs(300), ..TIMES };
    let options = RedisOptions { leases: slow, ..options() };
    let url = RedisUrl::parse(&server.url()).expect("an address");
    let own = options.pod;
    let looks = Redis::start(&url, &RedisSettings::default(), options).await.expect("it starts");
    reads(&**looks.leases(), &[(own, &[])]).await;
    let (late, alice) = (PodId(SystemClock.id()), somebody(1));
    let (lease, people) = (format!("presence:{{{late}}}:lease"), format!("presence:{{{late}}}:people"));
    let said = format!("1|{}", alice.1.last_seen.millis());
    server.ask(&["SADD", "presence:pods", &late.to_string()]).expect("entered");
    server.ask(&["HSET", &people, &alice.0.to_string(), &said]).expect("noted");
    // Looked for while the lease has lapsed; renewed at that very moment.
    for _ in 0..5 {
        reads(&**looks.leases(), &[(own, &[])]).await;
    }
    server.ask(&["SET", &lease, "1"]).expect("renewed");
    reads(&**looks.leases(), &[(own, &[]), (late, &[alice])]).await;
}

#[tokio::test]
async fn a_process_that_ends_in_order_says_so_for_as_long_as_a_lease_lives() {
    let server = server();
    let ((one, first), (two, second)) = (pod(&server.url()).await, pod(&server.url()).await);
    let (alice, now) = (somebody(1), SystemClock.now());
    first.leases().put(vec![alice]).await.expect("noted");
    until("both are counted", PATIENCE, || async { second.leases_seen() == 2 }).await;
    first.close(PATIENCE).await;
    let said = second.leases().all().await.expect("an answer");
    let seen = said.get(&one).and_then(|people| people.get(&alice.0)).expect("alice");
    assert!(seen.connections == 0 && seen.last_seen >= now, "{seen:?}");
    until("only one is counted", PATIENCE, || async { second.leases_seen() == 1 }).await;
    reads(&**second.leases(), &[(two, &[])]).await;
}

#[tokio::test]
async fn a_lease_that_is_ended_during_a_renewal_stays_ended() {
    let server = server();
    let all_the_time = LeaseTimes { renew: Duration::ZERO, batch: Duration::ZERO, ..TIMES };
    let url = RedisUrl::parse(&server.url()).expect("an address");
    for _ in 0..40 {
        let options = RedisOptions { leases: all_the_time, ..options() };
        let pod = options.pod;
        let redis = Redis::start(&url, &RedisSettings::default(), options).await.expect("it starts");
        until("it is there", PATIENCE, || async {
            redis.leases().all().await.is_ok_and(|all| all.contains_key(&pod))
        })
        .await;
        redis.leases().release(SystemClock.now()).await.expect("ended");
        // It is handed in after all that was written before.
        redis.leases().all().await.expect("an answer");
        let lease = format!("presence:{{{pod}}}:lease");
        assert_eq!(server.ask(&["GET", &lease]).expect("a lease"), "0");
    }
}

#[tokio::test]
async fn a_lease_that_is_renewed_outlives_its_life() {
    let server = server();
    let (one, first) = pod(&server.url()).await;
    let alice = somebody(1);
    first.leases().put(vec![alice]).await.expect("noted");
    let end = std::time::Instant::now() + TIMES.life * 2;
    reads(&**first.leases(), &[(one, &[alice])]).await;
    while std::time::Instant::now() < end {
        assert_eq!(first.leases().all().await, Ok([(one, people(&[alice]))].into()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_redis_that_lost_the_leases_is_told_again() {
    let mut server = server();
    let ((one, first), (two, second)) = (pod(&server.url()).await, pod(&server.url()).await);
    let list: Vec<_> = (0..1_200).map(|_| somebody(1)).collect();
    first.leases().put(list.clone()).await.expect("noted");
    reads(&**second.leases(), &[(one, &list), (two, &[])]).await;
    server.flush().expect("emptied");
    reads(&**second.leases(), &[(one, &list), (two, &[])]).await;
    // Of some only.
    server.ask(&["HDEL", &format!("presence:{{{one}}}:people"), &list[0].0.to_string()]).expect("lost");
    reads(&**second.leases(), &[(one, &list), (two, &[])]).await;
    server.kill().expect("killed");
    assert!(second.leases().all().await.is_err(), "that nothing is known is no empty list");
    let late = somebody(1);
    first.leases().put(vec![late]).await.expect("noted");
    server.start_again().expect("it starts again");
    let mut all = list.clone();
    all.push(late);
    reads(&**second.leases(), &[(one, &all), (two, &[])]).await;
}

#[tokio::test]
async fn many_changes_are_few_writes() {
    let server = server();
    let (one, first) = pod(&server.url()).await;
    let calls = || {
        let stats = server.ask(&["INFO", "commandstats"]).expect("numbers");
        let of = stats.lines().find_map(|line| line.strip_prefix("cmdstat_hset:calls=")?.split(',').next());
        of.map_or(0, |n| n.parse::<u64>().expect("a number"))
    };
    let mut last = Vec::new();
    for _ in 0..2_000 {
        last = vec![somebody(1)];
        first.leases().put(last.clone()).await.expect("noted");
    }
    until("the last is written", PATIENCE, || async {
        first
            .leases()
            .all()
            .await
            .is_ok_and(|all| all.get(&one).is_some_and(|people| people.contains_key(&last[0].0)))
    })
    .await;
    assert!(calls() < 40, "{} writes for 2,000 changes", calls());
}
