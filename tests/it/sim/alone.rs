//! One server on virtual time, whose store answers when and as the story says. Nobody announces what
//! others write to the same store.

use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::actors::mail::{HubId, ToRoom};
use chat::actors::{Adapters, Engine, HubCore, Pod};
use chat::auth::{Authenticator, Tokens};
use chat::bus::alone::AloneBus;
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
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::socket::Socket;
use crate::contract::support::{account, at, message, new_id, room, write};
use crate::support::TestClient;
use crate::support::wrapped::store_wrapper;

/// The server's way to the store.
struct Led {
    inner: Arc<SqliteStore>,
    /// The next call of this name is not made.
    fails: Mutex<Option<&'static str>>,
    /// Who makes the next call of this name dies of it.
    kills: Mutex<Option<&'static str>>,
    /// Appends are made when they may be.
    may_append: Semaphore,
    /// What is read of a log is answered when it may be.
    has_read: Notify,
    may_answer: Semaphore,
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

/// The server, and Alice, who reads her room there.
struct Alone {
    led: Arc<Led>,
    engine: Engine,
    alice: User,
    room: RoomId,
    parts: Box<dyn Fn() -> SessionParts>,
    socket: Socket,
}

impl Alone {
    async fn start() -> Self {
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
        });

        let (clock, id) = (Arc::new(SystemClock), PodId(new_id()));
        let (bus, leases) = (Arc::new(AloneBus::default()), Arc::new(LocalLeases::new(Arc::default(), id)));
        let adapters = Adapters { store: led.clone(), bus, leases, clock: clock.clone() };
        let mut settings = Settings::default();
        // Nobody here is too slow.
        settings.limits.outbox_frames = 10_000;
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
        Self { led, engine, alice, room, parts, socket }
    }

    fn fails_next(&self, call: &'static str) {
        *self.led.fails.lock().expect("not poisoned") = Some(call);
    }

    fn kills_next(&self, call: &'static str) {
        *self.led.kills.lock().expect("not poisoned") = Some(call);
    }

    /// The way of other servers to the store.
    fn elsewhere(&self) -> Arc<dyn Store> {
        self.led.inner.clone()
    }

    /// Alice says something elsewhere.
    async fn say_elsewhere(&self, text: &str) {
        message(&self.elsewhere(), self.room, 0, self.alice.id, text).await;
    }

    /// She is told of what was said.
    async fn hears(&self, said: &[&str]) {
        for said in said {
            assert_eq!(next(&self.socket, "message.created").await["d"]["content"], *said);
        }
    }

    /// Sends; answers the type of what comes back.
    async fn send(&self, frame: &Value) -> Value {
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
async fn next(socket: &Socket, kind: &str) -> Value {
    loop {
        let next = timeout(Duration::from_secs(5), socket.next()).await;
        let frame = next.unwrap_or_else(|_| panic!("no {kind} came")).expect("it is not closed");
        if frame["t"] == kind {
            return frame;
        }
    }
}

fn story(story: impl AsyncFnOnce(Rc<Alone>)) {
    actix::System::new().block_on(async {
        let alone = Rc::new(Alone::start().await);
        story(alone.clone()).await;
        let Alone { engine, socket, parts, .. } = Rc::into_inner(alone).expect("the story is over");
        drop((socket, parts));
        engine.stop().await;
    });
}

#[test]
fn what_is_written_while_the_log_is_read_is_read_after_it() {
    story(async |alone| {
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        alone.say_elsewhere("two").await;
        // Heads are compared meanwhile.
        sleep(Duration::from_secs(2)).await;
        drop(hold);
        alone.hears(&["one", "two"]).await;
    });
}

#[test]
fn what_comes_while_the_log_is_read_is_filled_up_at_once() {
    story(async |alone| {
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        let began = Instant::now();
        alone.say_elsewhere("two").await;
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "three");
        assert_eq!(alone.send(&message).await, "ack");
        drop(hold);
        alone.hears(&["one", "two", "three"]).await;
        assert!(began.elapsed() < Duration::from_millis(100), "before heads are compared again");
    });
}

#[test]
fn however_much_was_missed_all_of_it_is_read() {
    story(async |alone| {
        let all: Vec<_> = (0..1_100).map(|n| n.to_string()).collect();
        for text in &all {
            alone.say_elsewhere(text).await;
        }
        alone.hears(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    });
}

#[test]
fn what_could_not_be_read_is_read_later() {
    story(async |alone| {
        alone.fails_next("log_page");
        alone.say_elsewhere("one").await;
        alone.hears(&["one"]).await;
    });
}

#[test]
fn who_missed_what_is_pruned_is_told_so_though_nobody_speaks() {
    story(async |alone| {
        alone.say_elsewhere("one").await;
        alone.say_elsewhere("two").await;
        while alone.elsewhere().prune_log(at(1), 100).await.expect("an answer") > 0 {}
        assert_eq!(next(&alone.socket, "room.reset").await["d"]["reason"], "retention");
    });
}

#[test]
fn who_joins_elsewhere_while_the_log_is_read_reads_here_at_once() {
    story(async |alone| {
        let account = account("bob", "bob@example.com");
        let bob = account.user.clone();
        alone.elsewhere().create_account(account).await.expect("an account");
        let socket = Socket::open((alone.parts)(), bob.clone(), false);
        let hold = alone.led.may_answer.acquire().await.expect("open for ever");
        alone.say_elsewhere("one").await;
        alone.led.has_read.notified().await;
        write(&alone.elsewhere(), alone.room, 0, Operation::Join { user: bob.id }).await;
        socket.subscribe(alone.room, Level::Full, 1);
        // He asks before what was read is answered.
        sleep(Duration::from_millis(1)).await;
        drop(hold);
        next(&socket, "room.subscribed").await;
    });
}

/// A hub may let go of readers of a former actor after others asked this one.
#[test]
fn who_left_a_former_actor_of_a_room_is_none_of_its_readers() {
    story(async |alone| {
        let pod = alone.engine.pod();
        pod.tell_room(alone.room, ToRoom::Detached { hub: HubId(0), by: pod.new_actor() });
        alone.say_elsewhere("one").await;
        alone.hears(&["one"]).await;
    });
}

#[test]
fn what_a_room_was_writing_when_it_died_is_heard_from_the_next_at_once() {
    story(async |alone| {
        let hold = alone.led.may_append.acquire().await.expect("open for ever");
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "two");
        let sender = Socket::open((alone.parts)(), alone.alice.clone(), false);
        sender.send(&message);
        alone.kills_next("log_page");
        alone.say_elsewhere("one").await;
        // Who sent it comes back and sends it again: here nobody knows any more whether it was stored.
        while timeout(Duration::from_secs(5), sender.next()).await.expect("it is closed").is_some() {}
        assert_eq!(sender.closed(), Some(CloseCode::Internal));
        alone.hears(&["one"]).await;
        let began = Instant::now();
        drop(hold);
        alone.hears(&["two"]).await;
        assert!(began.elapsed() < Duration::from_millis(100), "before heads are compared again");
    });
}

#[test]
fn a_server_without_a_writer_has_failed() {
    story(async |alone| {
        alone.kills_next("append");
        let message = TestClient::message(&alone.room.0.to_string(), &new_id().to_string(), "one");
        // It may be stored, or not.
        assert_eq!(alone.send(&message).await, "error");
        timeout(Duration::from_secs(1), alone.engine.pod().failed()).await.expect("it is told");
    });
}

#[test]
fn who_asks_for_a_room_and_takes_it_back_hears_nothing() {
    story(async |alone| {
        let socket = Socket::open((alone.parts)(), alone.alice.clone(), false);
        // The second is read before the room has answered the first.
        socket.subscribe(alone.room, Level::Full, 1);
        socket.subscribe(alone.room, Level::None, 1);
        next(&socket, "room.subscribed").await;
        next(&socket, "room.subscribed").await;
        alone.say_elsewhere("one").await;
        alone.hears(&["one"]).await;
        while let Ok(frame) = timeout(Duration::from_secs(1), socket.next()).await {
            assert_ne!(frame.expect("it is not closed")["t"], "message.created");
        }
    });
}

/// I7.
#[test]
fn what_was_not_stored_comes_first_and_then_the_rest() {
    story(async |alone| {
        let room = alone.room.0.to_string();
        let [first, second, third] =
            ["one", "two", "three"].map(|text| TestClient::message(&room, &new_id().to_string(), text));
        alone.fails_next("append");
        for (message, answer) in
            [(&first, "error"), (&second, "error"), (&first, "ack"), (&second, "ack"), (&third, "ack")]
        {
            assert_eq!(alone.send(message).await, answer, "{message}");
        }
    });
}
