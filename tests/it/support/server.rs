//! A real server of its own for a test: free port, own data folder, all threads its own. Dropping
//! it stops it, and fails the test when it does not stop in time or leaves an actor alive.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chat::actors::Pod;
use chat::app;
use chat::settings::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::answers;
use super::http::{self, Answer};
use super::upgrade::Upgrade;
use super::{TestClient, eventually, new_id, text};

const PASSWORD: &str = "correct horse battery";
/// The longest that a stop may take.
const STOP: Duration = Duration::from_secs(10);

/// Somebody with an account and a login.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub username: String,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

struct Live {
    address: SocketAddr,
    pod: Arc<Pod>,
    stop: oneshot::Sender<()>,
    // In a mutex only so that threads of a test can share the server.
    stopped: Mutex<mpsc::Receiver<Duration>>,
    thread: JoinHandle<()>,
}

/// The server, and the data that outlives its restart.
pub struct TestServer {
    live: Option<Live>,
    settings: Settings,
    data: TempDir,
}

impl TestServer {
    /// With rates off.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// With settings of one's own. Rates are off unless they are turned on; then accounts can still
    /// be made freely.
    pub fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut settings = Settings {
            data_dir: data.path().to_owned(),
            port: 0,
            workers: 2,
            room_threads: 1,
            ..Settings::default()
        };
        settings.limits.rates_on = false;
        settings.limits.registrations_per_minute_per_ip = 1_000_000;
        settings.limits.logins_per_minute = 1_000_000;
        settings.limits.logins_per_minute_per_ip = 1_000_000;
        settings.accounts.bcrypt_cost = 4;
        settings.timing.drain = Duration::from_millis(200);
        settings.store.readers = 2;
        adjust(&mut settings);
        let mut server = Self { live: None, settings, data };
        server.launch();
        server
    }

    fn launch(&mut self) {
        let settings = self.settings.clone();
        let (started, wait) = mpsc::channel();
        let (stop, asked_to_stop) = oneshot::channel();
        let (tell_stopped, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let took = actix_web::rt::System::new().block_on(async move {
                let running = app::start(settings).await.expect("the server starts");
                started.send((running.address(), running.pod().clone())).expect("the test waits");
                // Dropped without a word means stop, too.
                let _dropped = asked_to_stop.await;
                let begun = Instant::now();
                running.stop().await;
                begun.elapsed()
            });
            let _nobody_waits = tell_stopped.send(took);
        });
        let (address, pod) = wait.recv().expect("the server starts");
        self.live = Some(Live { address, pod, stop, stopped: Mutex::new(stopped), thread });
    }

    fn live(&self) -> &Live {
        self.live.as_ref().expect("the server runs")
    }

    pub fn address(&self) -> SocketAddr {
        self.live().address
    }

    pub fn pod(&self) -> &Arc<Pod> {
        &self.live().pod
    }

    pub fn data_dir(&self) -> &std::path::Path {
        self.data.path()
    }

    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Begins to stop; the test goes on meanwhile. [`Stopping::wait`] waits for the end.
    pub fn begin_stop(&mut self) -> Stopping {
        let Live { pod, stop, stopped, thread, .. } = self.live.take().expect("the server runs");
        let _ended = stop.send(());
        Stopping { pod, stopped: stopped.into_inner().expect("nobody held it"), thread: Some(thread) }
    }

    /// Stops, and checks that nothing is left.
    #[track_caller]
    pub fn stop(&mut self) -> Duration {
        self.begin_stop().wait()
    }

    /// Stops and starts again on the same data.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// Starts again after a stop, on the same data.
    pub fn start_again(&mut self) {
        self.launch();
    }

    pub fn upgrade(&self) -> Upgrade {
        Upgrade::new(self.address())
    }

    /// A signed-in socket.
    #[track_caller]
    pub fn connect(&self, person: &Person) -> TestClient {
        self.upgrade().bearer(&person.token).ready()
    }

    /// A request of somebody, or of nobody.
    #[track_caller]
    pub fn ask(&self, who: Option<&Person>, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(who, method, path, &[], body)
    }

    #[track_caller]
    pub fn ask_with(
        &self,
        who: Option<&Person>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bearer = who.map(|person| format!("Bearer {}", person.token));
        let mut headers = headers.to_vec();
        if let Some(bearer) = &bearer {
            headers.push(("authorization", bearer));
        }
        let answer = http::ask(self.address(), method, path, &headers, body).expect("the server answers");
        answers::check(method, path, answer.status, answer.header("content-type"), &answer.body);
        answer
    }

    #[track_caller]
    pub fn get(&self, who: &Person, path: &str) -> Answer {
        self.ask(Some(who), "GET", path, None)
    }

    #[track_caller]
    pub fn post(&self, who: &Person, path: &str, body: &Value) -> Answer {
        self.ask(Some(who), "POST", path, Some(body))
    }

    /// A new person, signed in.
    #[track_caller]
    pub fn person(&self, username: &str) -> Person {
        let email = format!("{username}@example.com");
        let body = json!({"username": username, "email": email, "password": PASSWORD});
        signed_in(&self.ask(None, "POST", "/auth/register", Some(&body)).expect(201), email)
    }

    /// The same person with another login: another device.
    #[track_caller]
    pub fn login(&self, person: &Person) -> Person {
        let body = json!({"email": person.email, "password": PASSWORD});
        signed_in(&self.ask(None, "POST", "/auth/login", Some(&body)).expect(200), person.email.clone())
    }

    /// The same login with its next pair of tokens.
    #[track_caller]
    pub fn refresh(&self, person: &Person) -> Person {
        let body = json!({"refreshToken": person.refresh_token});
        let pair = self.ask(None, "POST", "/auth/refresh", Some(&body)).expect(200);
        Person { token: text(&pair, "token"), refresh_token: text(&pair, "refreshToken"), ..person.clone() }
    }

    /// A ticket, asked for by a page of this origin or by no page.
    #[track_caller]
    pub fn ticket(&self, person: &Person, origin: Option<&str>) -> String {
        let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        text(&self.ask_with(Some(person), "POST", "/ws/ticket", &headers, None).expect(201), "ticket")
    }

    /// A public room with these members besides its owner.
    #[track_caller]
    pub fn room(&self, owner: &Person, members: &[&Person]) -> String {
        self.make_room(owner, members, false)
    }

    #[track_caller]
    pub fn private_room(&self, owner: &Person, members: &[&Person]) -> String {
        self.make_room(owner, members, true)
    }

    #[track_caller]
    fn make_room(&self, owner: &Person, members: &[&Person], is_private: bool) -> String {
        let members: Vec<_> = members.iter().map(|person| &person.id).collect();
        let body = json!({"name": "a room", "isPrivate": is_private, "members": members});
        text(&self.post(owner, "/rooms", &body).expect(201), "id")
    }

    #[track_caller]
    pub fn join(&self, person: &Person, room: &str) {
        self.post(person, &format!("/rooms/{room}/join"), &json!({})).expect(200);
    }

    #[track_caller]
    pub fn leave(&self, person: &Person, room: &str) {
        self.post(person, &format!("/rooms/{room}/leave"), &json!({})).expect(204);
    }

    /// Sends over HTTP.
    #[track_caller]
    pub fn send(&self, person: &Person, room: &str, key: &str, content: &str) -> Answer {
        let body = json!({"roomId": room, "content": content});
        self.ask_with(Some(person), "POST", "/messages", &[("idempotency-key", key)], Some(&body))
    }

    /// Sends many messages over HTTP, one after the other.
    #[track_caller]
    pub fn send_many(&self, person: &Person, room: &str, contents: impl IntoIterator<Item = String>) {
        for content in contents {
            self.send(person, room, &new_id(), &content).expect(201);
        }
    }

    /// Everything said in a room, oldest first.
    #[track_caller]
    pub fn history(&self, person: &Person, room: &str) -> Vec<Value> {
        let (mut messages, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let from = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
            let page = self.get(person, &format!("/messages?roomId={room}&limit=200{from}")).expect(200);
            messages.extend(page["messages"].as_array().expect("messages").iter().cloned());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        messages.reverse();
        messages
    }

    /// Waits until as many sockets are open.
    #[track_caller]
    pub fn wait_for_sockets(&self, count: u64) {
        let telemetry = &self.pod().telemetry;
        eventually(&format!("{count} open sockets"), || telemetry.sockets() == count);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.live.is_some() {
            drop(self.begin_stop());
        }
    }
}

/// A server on its way out.
pub struct Stopping {
    pod: Arc<Pod>,
    stopped: mpsc::Receiver<Duration>,
    thread: Option<JoinHandle<()>>,
}

impl Stopping {
    /// Waits for the end, checks that nothing is left, and says how long the stop took.
    #[track_caller]
    pub fn wait(mut self) -> Duration {
        self.check()
    }

    #[track_caller]
    fn check(&mut self) -> Duration {
        let took = self.stopped.recv_timeout(STOP * 2).expect("the server stops");
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server's thread ends well");
        }
        assert!(took <= STOP, "the stop took {took:?}");
        assert_eq!(self.pod.actors_alive(), 0, "actors are left alive");
        // The store, and with it the lock of the file, is let go with the last holder.
        eventually("nobody else holds the pod", || Arc::strong_count(&self.pod) == 1);
        took
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        if self.thread.is_some() && !thread::panicking() {
            self.check();
        }
    }
}

/// Who an answer to registering or logging in is about.
pub fn signed_in(session: &Value, email: String) -> Person {
    Person {
        id: text(&session["user"], "id"),
        username: text(&session["user"], "username"),
        email,
        token: text(session, "token"),
        refresh_token: text(session, "refreshToken"),
    }
}
