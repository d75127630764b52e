//! What a second process costs, and what a bad day looks like: on a PostgreSQL and a Redis that the
//! bench starts for itself.
//!
//! `cargo bench --bench cluster` prints three parts; a name after `--` chooses one:
//! `pods` compares two processes with one, `reconnect` cuts thousands of sockets at once, `stopped`
//! puts readers that never read beside others. Ratios are the figures to compare.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench says what is wrong by panicking"
)]

mod support;

use std::time::{Duration, Instant};

use chat::torture::postgres::{PgServer, Setup};
use chat::torture::redis::{RedisOptions, RedisServer};
use support::client::{Crowd, Load};
use support::process::{ADMISSION, DATABASE, REDIS, Server};
use support::storm;

/// Readers of the room of the part `pods`.
const READERS: usize = 500;
const REPETITIONS: usize = 3;
/// Sockets that are cut at once, and the rooms that they are spread over.
const CUT: usize = 10_000;
const CUT_ROOMS: usize = 200;
/// Readers that stop, and those beside them that go on.
const STOPPED: usize = 1_000;
const BESIDE: usize = 100;

/// The servers behind the servers.
struct Behind {
    database: PgServer,
    redis: RedisServer,
    databases: std::cell::Cell<u32>,
}

impl Behind {
    fn start() -> Self {
        // With its commits on the disk, as they must be.
        let database = PgServer::start(Setup::default()).unwrap();
        let redis = RedisServer::start(RedisOptions::default()).unwrap();
        Self { database, redis, databases: std::cell::Cell::new(0) }
    }

    /// Processes on a database of their own.
    fn pods(&self, count: usize) -> Vec<Server> {
        self.pods_with(count, &[])
    }

    fn pods_with(&self, count: usize, more: &[(&str, &str)]) -> Vec<Server> {
        self.databases.set(self.databases.get() + 1);
        let name = format!("bench_{}", self.databases.get());
        self.database.create_database(&name, None).unwrap();
        let (database, redis) = (self.database.url(&name), self.redis.url());
        let settings = [&[(DATABASE, database.as_str()), (REDIS, redis.as_str())], more].concat();
        (0..count).map(|_| Server::start_on("chat", &settings)).collect()
    }
}

fn main() {
    if let Some(which) = std::env::var_os(support::process::ROLE) {
        return support::process::serve(&which.to_string_lossy());
    }
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return;
    }
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    let behind = Behind::start();
    if wanted("pods") {
        pods(&behind);
    }
    if wanted("reconnect") {
        reconnect(&behind);
    }
    if wanted("stopped") {
        stopped(&behind);
    }
}

/// What was measured of one load.
struct Measured {
    /// Microseconds of all processes per delivery.
    cpu: f64,
    rate: f64,
    median: Duration,
    tail: Duration,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cpu, rate, median, tail } = self;
        write!(
            f,
            "{cpu:.2} us per delivery, {:.0}k/s, last reader p50 {median:.1?} p99 {tail:.1?}",
            rate / 1e3
        )
    }
}

fn pods(behind: &Behind) {
    println!(
        "pods: a room of {READERS} sockets, stored in PostgreSQL, on one process and on two; beside them the bare \
         broadcast of one process, without storage"
    );
    for (name, load) in [
        ("paced, 40 messages/s", Load::Paced { per_second: 40, seconds: 8 }),
        ("8 outstanding", Load::Outstanding { window: 8, messages: 2_000 }),
    ] {
        let mut ratios = Vec::new();
        for _ in 0..REPETITIONS {
            let server = Server::start("bare");
            let crowd = Crowd::of_bare(&server, READERS);
            let bare = measure(&[server], &crowd, load);
            let of_chat = |count| {
                let servers = behind.pods(count);
                let crowd = Crowd::of_pods(&servers.iter().collect::<Vec<_>>(), READERS, 1);
                measure(&servers, &crowd, load)
            };
            let (one, two) = (of_chat(1), of_chat(2));
            println!("  {name}: bare {bare}");
            println!("    one {one}, {:.2} of bare", one.cpu / bare.cpu);
            println!("    two {two}, {:.2} of one", two.cpu / one.cpu);
            ratios.push(two.cpu / one.cpu);
        }
        ratios.sort_by(f64::total_cmp);
        println!("  {name}: two processes to one, median ratio {:.2}", ratios[REPETITIONS / 2]);
    }
}

fn measure(servers: &[Server], crowd: &Crowd, load: Load) -> Measured {
    crowd.settle(Duration::from_secs(1));
    let cpu = || servers.iter().map(Server::cpu).map(|(user, system)| user + system).sum::<Duration>();
    let before = cpu();
    let (deliveries, wall) = crowd.run(load);
    let spent = cpu() - before;
    let (median, tail) = crowd.latency();
    Measured {
        cpu: spent.as_secs_f64() * 1e6 / deliveries as f64,
        rate: deliveries as f64 / wall.as_secs_f64(),
        median,
        tail,
    }
}

fn reconnect(behind: &Behind) {
    let server = behind.pods_with(1, &[(ADMISSION, "on")]).remove(0);
    let rate = chat::settings::Limits::default().admissions_per_second;
    println!(
        "reconnect: {CUT} sockets in {CUT_ROOMS} rooms on one process, all cut at once; {rate} new ones are admitted per \
         second"
    );
    let storm = storm::Storm::gather(server.address, CUT, CUT_ROOMS);
    storm.settle(Duration::from_secs(10));
    let idle = storm::share_of_cpu(&server, Duration::from_secs(5));
    let statements = storm.statements();
    let begun = Instant::now();
    let (before, looked) = (server.cpu(), storm::Liveness::watch(server.address));
    let came = storm.cut_and_return();
    let wall = begun.elapsed();
    let spent = server.cpu().0 + server.cpu().1 - before.0 - before.1;
    let (asked, failed, slowest) = looked.end();
    let asked_database = storm.statements() - statements;
    println!(
        "  {} ready again after {wall:.1?}, {} times turned away with 503",
        came.ready.len(),
        came.turned_away
    );
    println!(
        "  from the accepted request to ready: p50 {:.1?}, p99 {:.1?} (bound 2 s)",
        storm::part(&came.ready, 500),
        storm::part(&came.ready, 990)
    );
    println!("  liveness: asked {asked} times, {failed} failures, slowest {slowest:.1?}");
    println!(
        "  {:.2} statements for each return, what the process asks anyway included (bound 2); {:.0} us of CPU each",
        asked_database as f64 / CUT as f64,
        spent.as_secs_f64() * 1e6 / CUT as f64
    );
    storm.settle(Duration::from_secs(20));
    let after = storm::share_of_cpu(&server, Duration::from_secs(5));
    println!(
        "  CPU of the process: {:.1} % before, {:.1} % twenty seconds after",
        idle * 100.0,
        after * 100.0
    );
}

fn stopped(behind: &Behind) {
    println!("stopped: {BESIDE} readers beside {STOPPED} that read at first and then stop, one room");
    let load = |seconds| Load::Paced { per_second: 20, seconds };
    let mut ratios = Vec::new();
    for _ in 0..REPETITIONS {
        let server = behind.pods(1).remove(0);
        let crowd = Crowd::of_chat(&server, BESIDE, 1);
        let others = crowd.add_others(&server, STOPPED);
        crowd.settle(Duration::from_secs(2));
        crowd.run(load(20));
        let (reading, before) = (crowd.latency(), server.resident());
        others.stop_reading();
        crowd.run(load(40));
        let (silent, peak) = (crowd.latency(), server.peak());
        println!("  all read:  last of the {BESIDE} p50 {:.1?} p99 {:.1?}", reading.0, reading.1);
        println!("  they stop: last of the {BESIDE} p50 {:.1?} p99 {:.1?}", silent.0, silent.1);
        println!(
            "  resident {:.1} MiB, at most {:.1} MiB: {:.0} KiB for each that stopped (bound 1126)",
            before as f64 / 1_048_576.0,
            peak as f64 / 1_048_576.0,
            peak.saturating_sub(before) as f64 / STOPPED as f64 / 1024.0
        );
        ratios.push(silent.1.as_secs_f64() / reading.1.as_secs_f64());
        drop(others);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "  p99 beside those that stopped to p99 beside readers: median ratio {:.2} (bound 1.1)",
        ratios[REPETITIONS / 2]
    );
}
