//! Many sockets that are cut at once and come back, as good clients do.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};

use super::client::{bearer, masked, post, register, token};
use super::process::Server;

/// One who comes back: his room, and with what he signs in.
struct Guest {
    room: String,
    headers: String,
}

pub struct Storm {
    runtime: Runtime,
    tasks: LocalSet,
    address: SocketAddr,
    guests: Rc<Vec<Guest>>,
    sockets: RefCell<Vec<TcpStream>>,
    epoch: RefCell<String>,
}

/// How everybody came back.
pub struct Came {
    /// From the request that was accepted to `resumed`.
    pub ready: Vec<Duration>,
    pub turned_away: usize,
}

impl Storm {
    /// Opens all sockets, each live in one room, one person per room.
    pub fn gather(address: SocketAddr, sockets: usize, rooms: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let made = runtime.block_on(async {
            let mut made = Vec::new();
            for n in 0..rooms {
                let person = register(address, &format!("guest-{n}")).await;
                let room = post(address, "/rooms", Some(token(&person)), &json!({"name": "a room"})).await;
                made.push((room["id"].as_str().unwrap().to_owned(), bearer(token(&person))));
            }
            made
        });
        let guests = (0..sockets).map(|n| {
            let (room, headers) = made[n % made.len()].clone();
            Guest { room, headers }
        });
        let guests = Rc::new(guests.collect());
        let storm = Self {
            runtime,
            tasks: LocalSet::new(),
            address,
            guests,
            sockets: RefCell::default(),
            epoch: RefCell::default(),
        };
        storm.come();
        storm
    }

    /// Reads nothing, and lets time pass.
    pub fn settle(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// All sockets end without a word, and all come back at once.
    pub fn cut_and_return(&self) -> Came {
        for socket in self.sockets.take() {
            socket.set_zero_linger().unwrap();
        }
        self.come()
    }

    fn come(&self) -> Came {
        let ready = Rc::new(RefCell::new(Vec::new()));
        let turned_away = Rc::new(Cell::new(0));
        let sockets = self.tasks.block_on(&self.runtime, async {
            let mut coming = JoinSet::new();
            for n in 0..self.guests.len() {
                let (guests, address) = (self.guests.clone(), self.address);
                let (ready, turned_away) = (ready.clone(), turned_away.clone());
                let epoch = self.epoch.borrow().clone();
                coming.spawn_local(async move {
                    loop {
                        let asked = Instant::now();
                        match enter(address, &guests[n], &epoch).await {
                            Ok((socket, epoch)) => {
                                ready.borrow_mut().push(asked.elapsed());
                                return (socket, epoch);
                            }
                            Err(after) => {
                                turned_away.set(turned_away.get() + 1);
                                // With the jitter of a good client, from half to one and a half.
                                let part = 0.5 + (n % 1_000) as f64 / 1_000.0;
                                tokio::time::sleep(after.mul_f64(part)).await;
                            }
                        }
                    }
                });
            }
            coming.join_all().await
        });
        let mut kept = self.sockets.borrow_mut();
        for (socket, epoch) in sockets {
            kept.push(socket);
            *self.epoch.borrow_mut() = epoch;
        }
        Came { ready: ready.take(), turned_away: turned_away.get() }
    }

    /// Statements that the server has sent to its database.
    pub fn statements(&self) -> u64 {
        let text = self.runtime.block_on(get(self.address, "/metrics"));
        let line = text.lines().find_map(|line| line.strip_prefix("store_statements_total "));
        line.unwrap().trim().parse().unwrap()
    }
}

/// Signs in and resumes; or after how long to ask again.
async fn enter(address: SocketAddr, guest: &Guest, epoch: &str) -> Result<(TcpStream, String), Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        guest.headers
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // What the server says, from its first byte: frames may come with the head of the answer.
    let mut said = Vec::with_capacity(1_024);
    let head = until(&mut stream, &mut said, b"\r\n\r\n").await;
    if let Some(rest) = head.to_lowercase().split("retry-after: ").nth(1) {
        let seconds = rest.split("\r\n").next().unwrap().parse().unwrap();
        return Err(Duration::from_secs(seconds));
    }
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let hello = until(&mut stream, &mut said, b"\"t\":\"ready\"").await;
    let epoch_now = hello.split("\"epoch\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let known = if epoch.is_empty() { &epoch_now } else { epoch };
    // The room's first entry is that its owner joined.
    let resume = json!({"t": "resume", "ref": 1, "d": {"epoch": known, "rooms": [[guest.room, "full", 1]]}});
    stream.write_all(&masked(&resume.to_string())).await.unwrap();
    let answer = until(&mut stream, &mut said, b"\"t\":\"resumed\"").await;
    assert!(answer.contains("\"uptodate\""), "{answer}");
    Ok((stream, epoch_now))
}

/// Reads until something stands in what came; answers all that came.
async fn until(stream: &mut TcpStream, said: &mut Vec<u8>, end: &[u8]) -> String {
    while !said.windows(end.len()).any(|part| part == end) {
        let read = stream.read_buf(said).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&said[said.len().saturating_sub(200)..]));
    }
    String::from_utf8_lossy(said).into_owned()
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Asks ten times a second whether the server lives, as an orchestrator does, with a second's
/// patience.
pub struct Liveness {
    over: Arc<AtomicBool>,
    thread: JoinHandle<(usize, usize, Duration)>,
}

impl Liveness {
    pub fn watch(address: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let (mut asked, mut failed, mut slowest) = (0, 0, Duration::ZERO);
            while !told.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer =
                    async { tokio::time::timeout(Duration::from_secs(1), get(address, "/health")).await };
                let well = runtime.block_on(answer).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
                asked += 1;
                failed += usize::from(!well);
                slowest = slowest.max(begun.elapsed());
                thread::sleep(Duration::from_millis(100));
            }
            (asked, failed, slowest)
        });
        Self { over, thread }
    }

    /// How often it was asked, how often in vain, and the slowest answer.
    pub fn end(self) -> (usize, usize, Duration) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// How much of a core the server uses.
pub fn share_of_cpu(server: &Server, during: Duration) -> f64 {
    let before = server.cpu();
    thread::sleep(during);
    let after = server.cpu();
    (after.0 + after.1 - before.0 - before.1).as_secs_f64() / during.as_secs_f64()
}

/// The time that so many of a thousand do not exceed.
pub fn part(times: &[Duration], permille: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[(times.len() - 1) * permille / 1_000]
}
