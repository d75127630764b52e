//! Fan-out inside the process, without the kernel: from a room's message to its worker until each
//! socket's writer holds the bytes, against an actor for each socket in the same run.
//!
//! `cargo bench --bench fanout`. One thread, one actix system. Ours: a hub is told of the entries
//! and pushes them to the outboxes of 1,000 links, each emptied by a task of its own, as the body
//! of a socket's response does. Baseline: an actor for the room sends each text to the mailboxes of
//! 1,000 session actors, each of which frames it into its buffer, as actix-web-actors does. Neither
//! serialises anything: the codec bench does. Throughput counts deliveries.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a bench says what is wrong by panicking"
)]

use std::cell::Cell;
use std::future::poll_fn;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use actix::{Actor, Addr, Context, Handler, Message, Recipient, System, SystemRunner};
use actix_codec::Encoder as _;
use actix_http::ws::{Codec, Message as WsMessage};
use bytes::BytesMut;
use bytestring::ByteString;
use chat::actors::link::Link;
use chat::actors::mail::{Attach, HubId, RoomFrame, ToHub};
use chat::actors::outbox::Next;
use chat::actors::{Adapters, HubCore, Pod};
use chat::bus::local::LocalBus;
use chat::clock::SystemClock;
use chat::domain::session::Identity;
use chat::domain::{ConnId, Epoch, PodId, RoomId, Seq, SessionId, Timestamp, UserId};
use chat::presence::local::LocalLeases;
use chat::protocol::Encoded;
use chat::settings::Settings;
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::telemetry::Telemetry;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::sync::Notify;
use uuid::Uuid;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

const READERS: usize = 1_000;
/// Bytes of each text, as of a `message.created` with 200 characters.
const TEXT: usize = 540;
/// Entries of one commit.
const ENTRIES: [usize; 2] = [1, 8];

/// Counts deliveries and wakes who waits for them.
#[derive(Default)]
struct Count {
    left: Cell<usize>,
    done: Notify,
}

impl Count {
    fn delivered(&self) {
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            self.done.notify_one();
        }
    }

    /// Runs `cause` and waits for what it causes.
    async fn expect(&self, deliveries: usize, cause: impl FnOnce()) {
        self.left.set(deliveries);
        cause();
        self.done.notified().await;
    }
}

/// A hub with the links of one room. Lives in a running system.
struct Hub {
    pod: Arc<Pod>,
    core: Rc<HubCore>,
    id: HubId,
    room: RoomId,
    links: Vec<Rc<Link>>,
    head: Cell<Seq>,
    common: Encoded,
    own: (UserId, Encoded),
}

impl Hub {
    async fn start() -> Self {
        let mut settings = Settings::default();
        // Nothing but what is measured goes out.
        let long = Duration::from_secs(3_600);
        settings.timing.heartbeat = long;
        settings.timing.idle_timeout = long;
        settings.timing.heads_interval = long;
        settings.timing.write_stall = long;
        let epoch = Epoch(Uuid::from_u128(7));
        let pod = Arc::new(Pod::new(
            PodId(Uuid::from_u128(1)),
            Adapters {
                store: Arc::new(SqliteStore::inline(SqliteOptions::new(epoch)).unwrap()),
                bus: Arc::new(LocalBus::new(Arc::default(), 0)),
                leases: Arc::new(LocalLeases::new(Arc::default(), PodId(Uuid::from_u128(1)))),
                clock: Arc::new(SystemClock),
            },
            Arc::new(settings),
            Arc::new(Telemetry::new().unwrap()),
            epoch,
        ));
        let core = HubCore::start(&pod);
        let links: Vec<_> = (0..READERS).map(|n| core.enter(ConnId(id(n)), Some(identity(n)))).collect();
        let place = core.place(links.first().unwrap());
        let frame = Encoded::json(&"x".repeat(TEXT - 2));
        let own = (identity(0).user, Encoded::json(&"y".repeat(TEXT + 50)));
        let room = RoomId(Uuid::from_u128(1));
        let hub = Self { pod, core, id: place.hub, room, links, head: Cell::default(), common: frame, own };
        let by = hub.pod.new_actor();
        for link in &hub.links {
            hub.pod.tell_hub(
                hub.id,
                ToHub::Attach(Attach {
                    link: hub.core.place(link).link,
                    by,
                    room: hub.room,
                    answer: None,
                    backlog: Vec::new(),
                    head: Seq::START,
                    first_retained: Seq::START.next(),
                }),
            );
        }
        while hub.links.iter().any(|link| link.rooms.borrow().is_empty()) {
            tokio::task::yield_now().await;
        }
        hub
    }

    /// Tells the hub of the next entries of the room.
    fn deliver(&self, entries: usize) {
        let frames = (0..entries).map(|_| {
            self.head.set(self.head.get().next());
            let (common, own) = (self.common.clone(), Some(self.own.clone()));
            RoomFrame {
                seq: self.head.get(),
                common,
                own,
                at: Timestamp::default(),
                message: None,
                left: None,
                hidden: None,
            }
        });
        let frames = frames.collect();
        self.pod.tell_hub(self.id, ToHub::Deliver { room: self.room, frames, replies: Vec::new() });
    }

    /// Empties all outboxes without tasks; answers how many frames there were.
    fn sweep(&self) -> usize {
        let mut taken = 0;
        for link in &self.links {
            while let Next::Frame(frame, _) = link.outbox.borrow_mut().next(Waker::noop()) {
                black_box(frame);
                taken += 1;
            }
        }
        taken
    }

    /// One task for each socket, which takes what there is until nothing is.
    fn write_all(&self, count: &Rc<Count>) {
        for link in self.links.iter().cloned() {
            let count = count.clone();
            actix::spawn(async move {
                poll_fn(|cx| {
                    loop {
                        match link.outbox.borrow_mut().next(cx.waker()) {
                            Next::Frame(frame, _) => {
                                black_box(frame);
                                count.delivered();
                            }
                            Next::Empty => return Poll::Pending,
                            Next::Finished => return Poll::Ready(()),
                        }
                    }
                })
                .await;
            });
        }
    }
}

fn id(n: usize) -> Uuid {
    Uuid::from_u128(100 + n as u128)
}

fn identity(n: usize) -> Identity {
    Identity {
        user: UserId(id(n)),
        session: SessionId(id(n)),
        expires_at: Timestamp::from_millis(i64::MAX / 2),
    }
}

#[derive(Message, Clone)]
#[rtype(result = "()")]
struct Text(ByteString);

/// The room of the tutorials.
struct BareRoom {
    members: Vec<Recipient<Text>>,
}

impl Actor for BareRoom {
    type Context = Context<Self>;
}

impl Handler<Text> for BareRoom {
    type Result = ();

    fn handle(&mut self, text: Text, _: &mut Context<Self>) {
        for member in &self.members {
            member.do_send(text.clone());
        }
    }
}

/// The session of the tutorials.
struct BareSession {
    codec: Codec,
    buffer: BytesMut,
    count: Rc<Count>,
}

impl Actor for BareSession {
    type Context = Context<Self>;
}

impl Handler<Text> for BareSession {
    type Result = ();

    fn handle(&mut self, text: Text, _: &mut Context<Self>) {
        self.codec.encode(WsMessage::Text(text.0), &mut self.buffer).unwrap();
        black_box(self.buffer.split().freeze());
        self.count.delivered();
    }
}

fn bare_room(count: &Rc<Count>) -> Addr<BareRoom> {
    let member = |_| {
        let session = BareSession { codec: Codec::new(), buffer: BytesMut::new(), count: count.clone() };
        session.start().recipient()
    };
    BareRoom { members: (0..READERS).map(member).collect() }.start()
}

/// Measures `times` runs of `round` in the system.
fn timed(system: &SystemRunner, times: u64, round: &impl AsyncFn()) -> Duration {
    system.block_on(async {
        let start = Instant::now();
        for _ in 0..times {
            round().await;
        }
        start.elapsed()
    })
}

/// The hub, with a task for each socket.
fn hub(group: &mut Group<'_>, entries: usize) {
    let system = System::new();
    let count = Rc::new(Count::default());
    let hub = system.block_on(Hub::start());
    system.block_on(async { hub.write_all(&count) });
    let round = async || count.expect(READERS * entries, || hub.deliver(entries)).await;
    group.bench_function(BenchmarkId::new("hub and outboxes, a writer each", entries), |b| {
        b.iter_custom(|times| timed(&system, times, &round));
    });
}

fn baseline(group: &mut Group<'_>, entries: usize) {
    let system = System::new();
    let count = Rc::new(Count::default());
    let room = system.block_on(async { bare_room(&count) });
    let text = ByteString::from("x".repeat(TEXT));
    let send = || (0..entries).for_each(|_| room.do_send(Text(text.clone())));
    let round = async || count.expect(READERS * entries, send).await;
    group.bench_function(BenchmarkId::new("baseline: an actor each", entries), |b| {
        b.iter_custom(|times| timed(&system, times, &round));
    });
}

/// What of it is the hub's own: pushes and takes, without a task for each socket.
fn hub_alone(group: &mut Group<'_>, entries: usize) {
    let system = System::new();
    let hub = system.block_on(Hub::start());
    let round = async || {
        hub.deliver(entries);
        let mut taken = 0;
        while taken < READERS * entries {
            tokio::task::yield_now().await;
            taken += hub.sweep();
        }
    };
    group.bench_function(BenchmarkId::new("hub and outboxes, one sweep", entries), |b| {
        b.iter_custom(|times| timed(&system, times, &round));
    });
}

fn fan_out(c: &mut Criterion) {
    let mut group = c.benchmark_group("fanout to 1,000 sockets");
    for entries in ENTRIES {
        group.throughput(Throughput::Elements((READERS * entries) as u64));
        hub(&mut group, entries);
        baseline(&mut group, entries);
        hub_alone(&mut group, entries);
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .nresamples(10_000);
    targets = fan_out
}
criterion_main!(benches);
