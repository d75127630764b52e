//! A Redis that dies, hangs, forgets or was never there: publishing never waits, and announcements
//! flow again without a restart of the process.

use std::time::{Duration, Instant};

use chat::bus::{Announcement, Bus as _, Shard};
use chat::clock::{Clock as _, SystemClock};
use chat::domain::{LogHead, RoomId, Seq, SessionId};
use chat::redis::Redis;
use chat::redis::bus::Faults;
use chat::settings::{RedisSettings, RedisUrl};
use chat::torture::redis::{RedisOptions as ServerOptions, RedisServer};

use super::{RECOVERY, cluster, flows, news, next, options, pod, server, try_pod, until};
use crate::support::PATIENCE;

fn shard(n: usize) -> Shard {
    Shard::all().nth(n).expect("a shard")
}

/// What `is_up` says, from some moment on.
async fn notices(redis: &Redis, up: bool, within: Duration) {
    until(&format!("is_up is {up}"), within, || async { redis.bus().is_up() == up }).await;
}

async fn killed_and_started_again(persistent: bool) {
    let options = ServerOptions { persistent, ..ServerOptions::default() };
    let mut server = RedisServer::start(options).expect("a Redis");
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    flows(&one, &other, RECOVERY).await;
    for _ in 0..2 {
        server.kill().expect("killed");
        notices(&other, false, RECOVERY).await;
        one.bus().publish(shard(0), news().1);
        server.start_again().expect("it starts again");
        flows(&one, &other, RECOVERY).await;
        notices(&one, true, RECOVERY).await;
        notices(&other, true, RECOVERY).await;
    }
    assert!(other.bus().counts().reconnects >= 2);
    assert_eq!(one.bus().counts().malformed + other.bus().counts().malformed, 0);
}

#[tokio::test]
async fn after_a_restart_without_data_announcements_flow_again() {
    killed_and_started_again(false).await;
}

#[tokio::test]
async fn after_a_restart_with_data_announcements_flow_again() {
    killed_and_started_again(true).await;
}

#[tokio::test]
async fn a_redis_that_answers_and_refuses_to_write_is_asked_now_and_then() {
    let server = server();
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    flows(&one, &other, RECOVERY).await;
    // Full: it answers whatever is asked, and takes nothing.
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).expect("set");
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]).expect("set");
    until("it is noticed", RECOVERY, || async {
        one.bus().publish(shard(0), news().1);
        !one.bus().is_up()
    })
    .await;
    let (begun, before) = (Instant::now(), one.bus().counts().reconnects);
    while begun.elapsed() < Duration::from_secs(3) {
        one.bus().publish(shard(0), news().1);
        assert!(!one.bus().is_up(), "that it takes connections is not enough");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let reconnects = one.bus().counts().reconnects - before;
    assert!(reconnects <= 15, "{reconnects} in 3 s");
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]).expect("set");
    notices(&one, true, RECOVERY).await;
    flows(&one, &other, RECOVERY).await;
}

#[tokio::test]
async fn that_redis_writes_again_is_noticed_when_there_is_nothing_to_write() {
    let server = server();
    let one = pod(&server.url()).await;
    notices(&one, true, RECOVERY).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]).expect("set");
    one.bus().publish(shard(0), news().1);
    // Given up after some attempts.
    until("it is dropped", PATIENCE, || async { one.bus().counts().dropped_failed == 1 }).await;
    assert!(!one.bus().is_up());
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]).expect("set");
    notices(&one, true, RECOVERY).await;
    assert_eq!(server.ask(&["--scan", "--pattern", "bus:*"]).expect("keys"), "", "it was only asked");
}

#[tokio::test]
async fn what_is_announced_during_a_short_outage_is_written_after_it() {
    let mut server =
        RedisServer::start(ServerOptions { persistent: true, ..ServerOptions::default() }).expect("a Redis");
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    flows(&one, &other, RECOVERY).await;
    let mut heard = other.bus().subscribe(shard(9));
    let room = RoomId(SystemClock.id());
    let head = |n| LogHead::Room(room, Seq::new(n).expect("small"));
    server.kill().expect("killed");
    notices(&one, false, RECOVERY).await;
    drop(one.bus().take_announced());
    // The first is given up after some attempts if the outage lasts; those that wait are not.
    one.bus().publish(shard(9), Announcement::Head(head(1)));
    tokio::task::yield_now().await;
    one.bus().publish(shard(9), Announcement::Head(head(2)));
    assert_eq!(one.bus().take_announced(), [], "nothing is told of what is not written");
    server.start_again().expect("it starts again");
    until("it is written", RECOVERY, || async {
        one.bus().publish(shard(9), Announcement::Head(head(3)));
        one.bus().take_announced().contains(&head(3))
    })
    .await;
    until("it is heard", RECOVERY, || {
        let next = heard.try_recv();
        async move { next == Ok(Announcement::Head(head(3))) }
    })
    .await;
}

#[tokio::test]
async fn emptied_or_trimmed_streams_go_on() {
    let server = server();
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    for shard in Shard::all() {
        for _ in 0..20 {
            one.bus().publish(shard, news().1);
        }
    }
    one.bus().flush().await;
    let mut readers: Vec<_> = Shard::all().map(|shard| other.bus().subscribe(shard)).collect();
    for round in 0..4 {
        if round % 2 == 0 {
            server.flush().expect("emptied");
        } else {
            server.trim("", round / 3).expect("trimmed");
        }
        for shard in Shard::all() {
            let sent = news().1;
            one.bus().publish(shard, sent.clone());
            let heard = &mut readers[shard.index()];
            // Those from before may be among them.
            while next(heard).await != sent {}
        }
    }
    assert_eq!(other.bus().counts().reconnects, 0);
}

#[tokio::test]
async fn a_stream_whose_ids_went_back_is_begun_anew() {
    let server = server();
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    let mut heard = other.bus().subscribe(shard(0));
    one.bus().publish(shard(0), news().1);
    next(&mut heard).await;
    // A Redis that lost its data and whose clock stands in 1970.
    server.flush().expect("emptied");
    let id = SystemClock.id();
    let entry = format!(r#"{{"v":1,"k":"ended","d":{{"s":"{id}"}}}}"#);
    server.ask(&["XADD", "bus:{0}:0", "5-1", "p", "somebody", "e", &entry]).expect("written");
    assert_eq!(next(&mut heard).await, Announcement::LoginEnded(SessionId(id)));
    assert_eq!(other.bus().counts().restarts, 1);
}

#[tokio::test]
async fn what_a_later_version_writes_is_counted_and_passed_over() {
    let server = server();
    let one = pod(&server.url()).await;
    let mut heard = one.bus().subscribe(shard(0));
    let id = SystemClock.id();
    let known = format!(r#"{{"v":1,"k":"ended","d":{{"s":"{id}"}}}}"#);
    for entry in [r#"{"v":9,"k":"ended"}"#, r#"{"v":1,"k":"later","d":0}"#, "no announcement", &known] {
        server.ask(&["XADD", "bus:{0}:0", "*", "p", "somebody", "e", entry]).expect("written");
    }
    assert_eq!(next(&mut heard).await, Announcement::LoginEnded(SessionId(id)));
    let counts = one.bus().counts();
    assert_eq!((counts.received, counts.unknown, counts.malformed), (4, 2, 1));
}

#[tokio::test]
async fn what_is_read_late_counts_as_late_until_nothing_waits_any_more() {
    let server = server();
    let one = pod(&server.url()).await;
    let minute_ago = SystemClock.now().millis() - 60_000;
    let late = std::cell::Cell::new(0_u64);
    until("it is seen", RECOVERY, async || {
        late.set(late.get() + 1);
        let id = format!("{minute_ago}-{}", late.get());
        server.ask(&["XADD", "bus:{0}:0", &id, "p", "somebody", "e", "none"]).expect("written");
        one.bus().lag(shard(0)) >= 60_000
    })
    .await;
    assert_eq!(one.bus().lag(shard(1)), 0);
    until("it has read everything", RECOVERY, async || one.bus().lag(shard(0)) == 0).await;
    assert_eq!(one.bus().counts().received, late.get());
}

#[tokio::test]
async fn a_redis_that_hangs_never_makes_a_publisher_wait() {
    let server = server();
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    flows(&one, &other, RECOVERY).await;
    server.pause().expect("stopped");
    let begun = Instant::now();
    for n in 0..20_000 {
        one.bus().publish(shard(n % 64), news().1);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "20,000 took {:?}", begun.elapsed());
    notices(&one, false, RECOVERY).await;
    notices(&other, false, RECOVERY).await;
    let counts = one.bus().counts();
    assert!(counts.dropped_full >= 10_000, "its queue is bounded: {counts:?}");
    server.resume().expect("goes on");
    notices(&one, true, PATIENCE).await;
    notices(&other, true, PATIENCE).await;
    flows(&one, &other, RECOVERY).await;
}

#[tokio::test]
async fn where_redis_is_away_at_the_start_the_server_starts_and_finds_it_later() {
    let mut server = server();
    let url = server.url();
    server.kill().expect("killed");
    let begun = Instant::now();
    let (one, other) = (pod(&url).await, pod(&url).await);
    assert!(begun.elapsed() < RECOVERY, "the start waited {:?}", begun.elapsed());
    assert!(!one.is_up() && !other.is_up());
    one.bus().publish(shard(0), news().1);
    server.start_again().expect("it starts");
    flows(&one, &other, RECOVERY).await;
    notices(&one, true, RECOVERY).await;
}

#[tokio::test]
async fn a_cluster_that_lost_its_data_goes_on() {
    let cluster = cluster();
    let (one, other) = (pod(&cluster.url()).await, pod(&cluster.url()).await);
    flows(&one, &other, RECOVERY).await;
    cluster.flush().expect("emptied");
    for shard in Shard::all() {
        let mut heard = other.bus().subscribe(shard);
        let sent = news().1;
        one.bus().publish(shard, sent.clone());
        while next(&mut heard).await != sent {}
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_that_comes_back_is_found_again() {
    let mut cluster = cluster();
    let (one, other) = (pod(&cluster.url()).await, pod(&cluster.url()).await);
    flows(&one, &other, RECOVERY).await;
    cluster.nodes[0].kill().expect("killed");
    notices(&other, false, PATIENCE).await;
    cluster.nodes[0].start_again().expect("it starts again");
    // Its peers need a moment to believe it.
    notices(&other, true, PATIENCE).await;
    notices(&one, true, PATIENCE).await;
    for shard in Shard::all() {
        let mut heard = other.bus().subscribe(shard);
        let sent = news().1;
        one.bus().publish(shard, sent.clone());
        while next(&mut heard).await != sent {}
    }
}

#[tokio::test]
async fn a_queue_that_is_full_drops_and_counts() {
    let mut server = server();
    let one = try_pod(&server.url(), |settings| settings.queue = 10).await.expect("it starts");
    server.kill().expect("killed");
    notices(&one, false, RECOVERY).await;
    for _ in 0..5_000 {
        one.bus().publish(shard(0), news().1);
    }
    let counts = one.bus().counts();
    assert_eq!(counts.appends, 5_000);
    assert!(counts.dropped_full >= 2_000, "{counts:?}");
}

/// Why a reader never asks for what is new: with `$` a burst is lost but for its beginning. The
/// torture is to notice that.
#[tokio::test]
async fn a_reader_that_asks_for_what_is_new_loses_announcements() {
    let server = server();
    let one = pod(&server.url()).await;
    let broken = super::RedisOptions { faults: Faults { dollar: true, fail_append: 0 }, ..options() };
    let url = RedisUrl::parse(&server.url()).expect("an address");
    let other = Redis::start(&url, &RedisSettings::default(), broken).await.expect("it starts");
    flows(&one, &other, RECOVERY).await;
    let (sent, before) = (2_000, other.bus().counts().received);
    for n in 0..sent {
        one.bus().publish(shard(n % 64), news().1);
    }
    one.bus().flush().await;
    // Another two reads: what was not found by then is never found.
    let reads = other.bus().counts().reads;
    until("it reads on", PATIENCE, || async { other.bus().counts().reads >= reads + 2 }).await;
    let received = other.bus().counts().received - before;
    assert!(received < sent as u64, "it found all {received}");
}

#[tokio::test]
async fn a_failpoint_loses_its_share_without_a_trace() {
    let server = server();
    let failing = super::RedisOptions { faults: Faults { dollar: false, fail_append: 30 }, ..options() };
    let url = RedisUrl::parse(&server.url()).expect("an address");
    let one = Redis::start(&url, &RedisSettings::default(), failing).await.expect("it starts");
    for n in 0..1_000 {
        one.bus().publish(shard(n % 64), news().1);
    }
    one.bus().flush().await;
    assert_eq!(one.bus().counts().entries, 700);
}
