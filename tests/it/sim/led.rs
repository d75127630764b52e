//! One server on virtual time, whose store and bus do what the story says. Nobody announces what others
//! write to the same store.

use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::actors::{Adapters, Engine, HubCore, Pod};
use chat::auth::{Authenticator, Tokens};
use chat::bus::alone::AloneBus;
use chat::bus::{Announcement, Bus, Shard};
use chat::clock::SystemClock;
use chat::domain::subscription::Level;
use chat::domain::*;
use chat::limits::Limiter;
use chat::presence::local::LocalLeases;
use chat::protocol::CloseCode;
use chat::settings::{Secret, Settings};
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::store::*;
use chat::telemetry::Telemetry;
use chat::ws::SessionParts;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::timeout;

use super::socket::Socket;
use crate::contract::support::{account, message, new_id, room};
use crate::support::wrapped::store_wrapper;

/// The server's way to the store.
pub struct Led {
    inner: Arc<SqliteStore>,
    /// The next call of this name is not made.
    fails: Mutex<Option<&'static str>>,
    /// Who makes the next call of this name dies of it.
    pub kills: Mutex<Option<&'static str>>,
    /// Appends are made when they may be.
    pub may_append: Semaphore,
    /// What is read of a log is answered when it may be.
    pub has_read: Notify,
    pub may_answer: Semaphore,
    /// How often a log was read.
    pub reads: AtomicUsize,
}

impl Led {
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        make: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        if self.fails.lock().expect("not poisoned").take_if(|fails| *fails == call).is_some() {
            return Box::pin(std::future::ready(Err(StoreError::Unavailable("as it was told".into()))));
        }
        Box::pin(async move {
            if call == "append" {
                drop(self.may_append.acquire().await.expect("open for ever"));
            }
            let answer = make().await;
            if call == "log_page" {
                self.reads.fetch_add(1, Ordering::Relaxed);
                self.has_read.notify_one();
                drop(self.may_answer.acquire().await.expect("open for ever"));
            }
            if self.kills.lock().expect("not poisoned").take_if(|kills| *kills == call).is_some() {
                resume_unwind(Box::new("as it was told"));
            }
            answer
        })
    }
}

store_wrapper!(Led);

/// The server's way to a bus that reaches nobody.
#[derive(Default)]
pub struct LedBus {
    inner: AloneBus,
    /// Who announces the next entries of a room dies of it.
    pub kills: AtomicBool,
}

impl Bus for LedBus {
    fn publish(&self, shard: Shard, announcement: Announcement) {
        if matches!(announcement, Announcement::Room(_)) && self.kills.swap(false, Ordering::Relaxed) {
            resume_unwind(Box::new("as it was told"));
        }
        self.inner.publish(shard, announcement);
    }

    fn take_announced(&self) -> Vec<LogHead> {
        self.inner.take_announced()
    }

    fn is_up(&self) -> bool {
        self.inner.is_up()
    }

    fn connects(&self) -> bool {
        self.inner.connects()
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        self.inner.subscribe(shard)
    }

    fn is_lossy(&self) -> bool {
        self.inner.is_lossy()
    }
}

/// The server, and Alice, who reads her room there.
pub struct Alone {
    pub led: Arc<Led>,
    pub bus: Arc<LedBus>,
    pub engine: Engine,
    pub alice: User,
    pub room: RoomId,
    pub parts: Box<dyn Fn() -> SessionParts>,
    pub socket: Socket,
}

impl Alone {
    async fn start(outbox_frames: usize) -> Self {
        tokio::time::pause();
        let epoch = Epoch(new_id());
        let inner = Arc::new(SqliteStore::inline(SqliteOptions::new(epoch)).expect("memory"));
        let store: Arc<dyn Store> = inner.clone();
        let account = account("alice", "alice@example.com");
        let alice = account.user.clone();
        store.create_account(account).await.expect("an account");
        let room = room(&store, alice.id, &[]).await;
        let led = Arc::new(Led {
            inner,
            fails: Mutex::default(),
            kills: Mutex::default(),
            may_append: Semaphore::new(1),
            has_read: Notify::new(),
            may_answer: Semaphore::new(1),
            reads: AtomicUsize::new(0),
        });

        let (clock, id) = (Arc::new(SystemClock), PodId(new_id()));
        let (bus, leases) = (Arc::new(LedBus::default()), Arc::new(LocalLeases::new(Arc::default(), id)));
        let adapters = Adapters { store: led.clone(), bus: bus.clone(), leases, clock: clock.clone() };
        let mut settings = Settings::default();
        settings.limits.outbox_frames = outbox_frames;
        let settings = Arc::new(settings);
        let telemetry = Arc::new(Telemetry::new().expect("valid names"));
        let pod = Arc::new(Pod::new(id, adapters, settings.clone(), telemetry, epoch));
        let (engine, hub) = (Engine::start(pod.clone(), 0), HubCore::start(&pod));
        let secret = Secret::new("a secret of more than thirty-two bytes".to_owned());
        let tokens = Arc::new(Tokens::new(&secret, &[], Duration::from_secs(900)));
        let authenticator = Arc::new(Authenticator::new(tokens, led.clone(), clock));
        let limiter = Arc::new(Limiter::new(settings.limits.clone()));
        let parts = Box::new(move || SessionParts::new(hub.clone(), authenticator.clone(), limiter.clone()));
        let socket = Socket::open(parts(), alice.clone(), false);
        socket.subscribe(room, Level::Full, 1);
        next(&socket, "room.subscribed").await;
        Self { led, bus, engine, alice, room, parts, socket }
    }

    pub fn fails_next(&self, call: &'static str) {
        *self.led.fails.lock().expect("not poisoned") = Some(call);
    }

    pub fn kills_next(&self, call: &'static str) {
        *self.led.kills.lock().expect("not poisoned") = Some(call);
    }

    /// The way of other servers to the store.
    pub fn elsewhere(&self) -> Arc<dyn Store> {
        self.led.inner.clone()
    }

    /// Alice says something elsewhere.
    pub async fn say_elsewhere(&self, text: &str) {
        message(&self.elsewhere(), self.room, 0, self.alice.id, text).await;
    }

    /// She is told of what was said.
    pub async fn hears(&self, said: &[&str]) {
        for said in said {
            assert_eq!(next(&self.socket, "message.created").await["d"]["content"], *said);
        }
    }

    /// Sends; answers the type of what comes back.
    pub async fn send(&self, frame: &Value) -> Value {
        let mut frame = frame.clone();
        frame["ref"] = json!(new_id());
        self.socket.send(&frame);
        loop {
            let answer = timeout(Duration::from_secs(5), self.socket.next()).await;
            let answer = answer.expect("it is answered").expect("it is not closed");
            if answer["ref"] == frame["ref"] {
                return answer["t"].clone();
            }
        }
    }
}

/// The next frame of this type.
pub async fn next(socket: &Socket, kind: &str) -> Value {
    loop {
        let next = timeout(Duration::from_secs(5), socket.next()).await;
        let frame = next.unwrap_or_else(|_| panic!("no {kind} came")).expect("it is not closed");
        if frame["t"] == kind {
            return frame;
        }
    }
}

pub async fn is_cut_off(socket: &Socket) {
    while timeout(Duration::from_secs(5), socket.next()).await.expect("it is closed").is_some() {}
    assert_eq!(socket.closed(), Some(CloseCode::Internal));
}

/// In which nobody is too slow.
pub fn story(story: impl AsyncFnOnce(Rc<Alone>)) {
    story_of(10_000, story);
}

/// In which at most so many frames wait for a reader.
pub fn story_of(outbox_frames: usize, story: impl AsyncFnOnce(Rc<Alone>)) {
    actix::System::new().block_on(async {
        let alone = Rc::new(Alone::start(outbox_frames).await);
        story(alone.clone()).await;
        let Alone { engine, socket, parts, .. } = Rc::into_inner(alone).expect("the story is over");
        drop((socket, parts));
        engine.stop().await;
    });
}
