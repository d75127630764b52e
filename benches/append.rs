//! What the group commit is worth: messages stored per second, by how many share a transaction.
//!
//! `cargo bench --bench append`. A real file in the system's temporary directory (`TMPDIR` moves
//! it), `synchronous=FULL`: a message counts when its commit is on that disk. The first group calls
//! the store; the second the engine's registry, as HTTP does, with room actors and writer between.
//! The baseline of both is the message that waits for a commit of its own. The third tells what the
//! index of search costs whoever sends; its baseline is a database without one. Throughput counts
//! messages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a bench says what is wrong by panicking"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::{System, SystemRunner};
use chat::actors::{Adapters, Engine, Pod, Registry};
use chat::bus::local::LocalBus;
use chat::clock::{Clock as _, SystemClock};
use chat::domain::{
    ClientMsgId, Content, Draft, Email, Epoch, HistoryVisibility, LoginSession, MessageId, Operation, PodId,
    RefreshToken, RoomBatch, RoomId, RoomName, SessionId, User, UserId, Username,
};
use chat::presence::local::LocalLeases;
use chat::settings::Settings;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::store::{Accounts as _, Log as _, NewAccount, NewRoom, Portion, Rooms as _, index_portion};
use chat::telemetry::Telemetry;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::join_all;

/// Characters of each message.
const CONTENT: usize = 200;
/// Who writes at the same time through the engine.
const SENDERS: usize = 64;

/// A store of its own, one author, and rooms that he is in.
struct World {
    store: Arc<SqliteStore>,
    epoch: Epoch,
    author: UserId,
    rooms: Vec<RoomId>,
}

impl World {
    async fn new(rooms: usize) -> Self {
        Self::on(None, rooms).await
    }

    /// On a file of that name.
    async fn on(path: Option<&Path>, rooms: usize) -> Self {
        let epoch = Epoch(SystemClock.id());
        let options = SqliteOptions::new(epoch);
        let store =
            path.map_or_else(|| SqliteStore::temporary(options), |path| SqliteStore::open(path, options));
        let store = Arc::new(store.unwrap());
        assert_eq!(store.writer_pragma("synchronous").await.unwrap(), "2");
        let (author, session, now) =
            (UserId(SystemClock.id()), SessionId(SystemClock.id()), SystemClock.now());
        let user = User {
            id: author,
            username: Username::parse("alice").unwrap(),
            email: Email::parse("alice@example.com").unwrap(),
            avatar: None,
            created_at: now,
            last_seen: None,
            email_verified: true,
            server_role: chat::domain::ServerRole::User,
            status: chat::domain::AccountStatus::Active,
            profile: chat::domain::Profile::default(),
        };
        let login = LoginSession { id: session, user: author, created_at: now, device: None, network: None };
        let refresh = RefreshToken { hash: [1; 32], session, issued_at: now, expires_at: now };
        let account = NewAccount {
            user,
            password_hash: "none".into(),
            login,
            refresh,
            welcome: None,
            may_found: false,
            record: None,
        };
        store.create_account(account).await.unwrap();
        let mut world = Self { store, epoch, author, rooms: Vec::new() };
        for _ in 0..rooms {
            world.add_room().await;
        }
        world
    }

    async fn add_room(&mut self) {
        let room = NewRoom {
            id: RoomId(SystemClock.id()),
            name: RoomName::parse("general").unwrap(),
            description: None,
            topic: None,
            history: HistoryVisibility::All,
            is_private: false,
            owner: self.author,
            members: Vec::new(),
            now: SystemClock.now(),
        };
        self.rooms.push(room.id);
        self.store.create_room(room).await.unwrap();
    }

    fn send(&self) -> Operation {
        // As many different letters beside each other as in a language, for the index.
        let mut text: String = (0..CONTENT / 32 + 1).map(|_| SystemClock.id().simple().to_string()).collect();
        text.truncate(CONTENT);
        let draft = Draft {
            client_msg_id: ClientMsgId(SystemClock.id()),
            content: Content::parse(&text, CONTENT).unwrap(),
            attachments: Vec::new(),
            reply_to: None,
        };
        Operation::Send { author: self.author, message: MessageId(SystemClock.id()), draft }
    }

    /// One transaction: `each` messages in every room.
    fn batches(&self, each: usize) -> Vec<RoomBatch> {
        let batch = |room: &RoomId| RoomBatch {
            room: *room,
            now: SystemClock.now(),
            operations: (0..each).map(|_| self.send()).collect(),
            present: Vec::new(),
        };
        self.rooms.iter().map(batch).collect()
    }

    /// An engine on the current thread; the store keeps its own.
    fn engine(&self) -> Engine {
        let pod = Pod::new(
            PodId(uuid::Uuid::from_u128(1)),
            Adapters {
                store: self.store.clone(),
                bus: Arc::new(LocalBus::new(Arc::default(), 0)),
                leases: Arc::new(LocalLeases::new(Arc::default(), PodId(uuid::Uuid::from_u128(1)))),
                clock: Arc::new(SystemClock),
            },
            Arc::new(Settings::default()),
            Arc::new(Telemetry::new().unwrap()),
            self.epoch,
        );
        Engine::start(Arc::new(pod), 0)
    }
}

/// Transactions of `each` messages in every room; `times` over.
fn append(system: &SystemRunner, times: u64, world: &World, each: usize) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..times {
        let batches = world.batches(each);
        let start = Instant::now();
        let append = system.block_on(world.store.append(batches)).unwrap();
        spent += start.elapsed();
        assert!(append.iter().flat_map(|applied| &applied.outcomes).all(Result::is_ok));
    }
    spent
}

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group("append, by the store");
    for (name, rooms, each) in [
        ("baseline: 1 room, 1 message", 1, 1),
        ("1 room, 8 messages", 1, 8),
        ("1 room, 64 messages", 1, 64),
        ("1 room, 256 messages", 1, 256),
        ("50 rooms, 4 messages each", 50, 4),
    ] {
        let system = System::new();
        let world = system.block_on(World::new(rooms));
        group.throughput(Throughput::Elements((rooms * each) as u64));
        group.bench_function(name, |b| {
            b.iter_custom(|times| append(&system, times, &world, each));
        });
    }
    group.finish();
}

/// Everyone sends one message and waits for its commit; `times` over.
fn submit_all(system: &SystemRunner, times: u64, world: &World, registry: &Registry) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..times {
        let operations: Vec<_> = (0..SENDERS).map(|_| world.send()).collect();
        let rooms = world.rooms.iter().cycle();
        let start = Instant::now();
        let all =
            operations.into_iter().zip(rooms).map(|(operation, room)| registry.submit(*room, operation));
        let outcomes = system.block_on(join_all(all));
        spent += start.elapsed();
        assert!(outcomes.iter().all(Result::is_ok));
    }
    spent
}

fn submit_one(system: &SystemRunner, times: u64, world: &World, registry: &Registry) -> Duration {
    let mut spent = Duration::ZERO;
    for (_, room) in (0..times).zip(world.rooms.iter().cycle()) {
        let operation = world.send();
        let start = Instant::now();
        let outcome = system.block_on(registry.submit(*room, operation));
        spent += start.elapsed();
        assert!(outcome.is_ok());
    }
    spent
}

fn engine(c: &mut Criterion) {
    type Submit = fn(&SystemRunner, u64, &World, &Registry) -> Duration;
    let mut group = c.benchmark_group("append, through the engine");
    for (name, messages, rooms, submit) in [
        ("baseline: one at a time", 1, 1, submit_one as Submit),
        ("64 at once in one room", SENDERS, 1, submit_all),
        ("64 at once, each in a room", SENDERS, SENDERS, submit_all),
    ] {
        let system = System::new();
        let world = system.block_on(World::new(rooms));
        let engine = system.block_on(async { world.engine() });
        let registry = engine.registry();
        group.throughput(Throughput::Elements(messages as u64));
        group.bench_function(name, |b| {
            b.iter_custom(|times| submit(&system, times, &world, &registry));
        });
        system.block_on(engine.stop());
    }
    group.finish();
}

/// What the index does beside the append.
#[derive(Clone, Copy, PartialEq)]
enum Index {
    /// There is none.
    None,
    /// Each message is noted for it.
    Noted,
    /// And followed, without a pause, as there is always more.
    Followed,
}

fn index(c: &mut Criterion) {
    let mut group = c.benchmark_group("append, beside the index");
    for each in [1, 64] {
        for (name, index) in
            [("baseline: no index", Index::None), ("noted", Index::Noted), ("followed", Index::Followed)]
        {
            let system = System::new();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("chat.db");
            let world = system.block_on(World::on(Some(&path), 1));
            if index == Index::None {
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("DROP TRIGGER messages_search_new").unwrap();
            }
            let stop = Arc::<AtomicBool>::default();
            let follower = (index == Index::Followed).then(|| follow(world.store.clone(), stop.clone()));
            group.throughput(Throughput::Elements(each as u64));
            group.bench_function(format!("{name}, {each} at once"), |b| {
                b.iter_custom(|times| append(&system, times, &world, each));
            });
            stop.store(true, Ordering::Relaxed);
            if let Some(follower) = follower {
                follower.join().unwrap();
            }
        }
    }
    group.finish();
}

/// In a thread of its own.
fn follow(store: Arc<SqliteStore>, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        while !stop.load(Ordering::Relaxed) {
            runtime.block_on(index_portion(&*store, Portion::USUAL)).unwrap();
        }
    })
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .nresamples(10_000);
    targets = store, engine, index
}
criterion_main!(benches);
