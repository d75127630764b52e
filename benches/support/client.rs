//! A crowd of sockets on one thread. It only counts frames, so that the machine's time is the
//! server's.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;
use uuid::Uuid;

use super::process::Server;

/// Characters of each message.
const CONTENT: usize = 200;
/// Bytes of a `message.created` frame with such a content: what the baseline broadcasts.
const FRAME: usize = 573;

#[derive(Clone, Copy)]
pub enum Load {
    Paced { per_second: u32, seconds: u32 },
    Outstanding { window: usize, messages: usize },
}

/// How a message is sent.
enum Speech {
    Bare,
    Chat { room: Uuid },
}

/// How far the crowd has come. A message counts as delivered when every reader has it.
#[derive(Default)]
struct Count {
    readers: Cell<usize>,
    /// For each message, how many readers have as many.
    arrivals: RefCell<Vec<usize>>,
    delivered: Cell<usize>,
    /// When each message was sent, and how long the last reader then waited for it.
    sent: RefCell<Vec<Instant>>,
    latencies: RefCell<Vec<Duration>>,
    wanted: Cell<usize>,
    reached: Notify,
}

impl Count {
    /// A reader got its `n`th message.
    fn arrived(&self, n: usize) {
        let mut arrivals = self.arrivals.borrow_mut();
        if arrivals.len() < n {
            arrivals.resize(n, 0);
        }
        arrivals[n - 1] += 1;
        if arrivals[n - 1] == self.readers.get() {
            self.delivered.set(n);
            if let Some(sent) = self.sent.borrow().get(n - 1) {
                self.latencies.borrow_mut().push(sent.elapsed());
            }
            if n >= self.wanted.get() {
                self.reached.notify_one();
            }
        }
    }
}

pub struct Crowd {
    runtime: Runtime,
    tasks: LocalSet,
    count: Rc<Count>,
    readers: usize,
    speaker: RefCell<Option<OwnedWriteHalf>>,
    speech: Speech,
}

impl Crowd {
    pub fn of_bare(server: &Server, readers: usize) -> Self {
        let crowd = Self::new(readers, Speech::Bare);
        let address = server.address;
        crowd.enter(&[address], readers, |_| (String::new(), None));
        crowd.let_speak(address, "");
        crowd
    }

    /// `readers` sockets, spread evenly over `rooms`; each room has one person whose sockets they
    /// are. Somebody else is in all of them, and speaks in the first.
    pub fn of_chat(server: &Server, readers: usize, rooms: usize) -> Self {
        Self::of_pods(&[server], readers, rooms)
    }

    /// The same, with readers on each of these servers in turn; who speaks is on the first.
    pub fn of_pods(servers: &[&Server], readers: usize, rooms: usize) -> Self {
        let address = servers[0].address;
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (speaker, rooms) = runtime.block_on(async {
            let speaker = register(address, "speaker").await;
            let mut made = Vec::new();
            for n in 0..rooms {
                let reader = register(address, &format!("reader-{n}")).await;
                let body = json!({"name": format!("room {n}"), "members": [reader["user"]["id"]]});
                let room = post(address, "/rooms", Some(token(&speaker)), &body).await;
                made.push((room["id"].as_str().unwrap().parse::<Uuid>().unwrap(), bearer(token(&reader))));
            }
            (bearer(token(&speaker)), made)
        });
        let crowd = Self::new(readers, Speech::Chat { room: rooms[0].0 });
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        crowd.enter(&addresses, readers, |n| {
            let (room, reader) = &rooms[n % rooms.len()];
            let subscribe = json!({"t": "room.subscribe", "ref": 1, "room": room, "d": {}});
            (reader.clone(), Some(subscribe.to_string()))
        });
        crowd.let_speak(address, &speaker);
        crowd
    }

    fn new(readers: usize, speech: Speech) -> Self {
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            tasks: LocalSet::new(),
            count: Rc::new(Count { readers: Cell::new(readers), ..Count::default() }),
            readers,
            speaker: RefCell::default(),
            speech,
        }
    }

    fn block<T>(&self, future: impl Future<Output = T>) -> T {
        self.tasks.block_on(&self.runtime, future)
    }

    fn enter(&self, to: &[SocketAddr], readers: usize, how: impl Fn(usize) -> (String, Option<String>)) {
        self.block(async {
            for n in 0..readers {
                let (headers, first) = how(n);
                let mut stream = open(to[n % to.len()], &headers).await;
                if let Some(first) = first {
                    stream.write_all(&masked(&first)).await.unwrap();
                }
                tokio::task::spawn_local(read(stream, self.count.clone()));
                if n % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
    }

    /// Adds sockets of one more person in the first room, which read until they are told to stop.
    pub fn add_others(&self, server: &Server, count: usize) -> Others {
        let Speech::Chat { room } = self.speech else { panic!("a bare server has no rooms") };
        let address = server.address;
        let (stop, stopped) = watch::channel(false);
        self.block(async {
            let person = register(address, "other").await;
            let join = format!("/rooms/{room}/join");
            call(address, &join, Some(token(&person)), &json!({})).await;
            let subscribe = json!({"t": "room.subscribe", "ref": 1, "room": room, "d": {}}).to_string();
            for _ in 0..count {
                // Small, so that the kernel does not take for them what they do not.
                let mut stream = open_with(address, &bearer(token(&person)), Some(4_096)).await;
                stream.write_all(&masked(&subscribe)).await.unwrap();
                tokio::task::spawn_local(read_until(stream, stopped.clone()));
            }
        });
        Others { stop }
    }

    /// Opens the speaker's socket, whose answers are read and forgotten.
    fn let_speak(&self, address: SocketAddr, headers: &str) {
        self.block(async {
            let (mut answers, speaker) = open(address, headers).await.into_split();
            tokio::task::spawn_local(async move {
                tokio::io::copy(&mut answers, &mut tokio::io::sink()).await.unwrap();
            });
            self.speaker.replace(Some(speaker));
        });
    }

    /// Lets what is under way arrive.
    pub fn settle(&self, time: Duration) {
        self.block(async { tokio::time::sleep(time).await });
    }

    /// Speaks; answers the messages delivered and the time that it took.
    pub fn run(&self, load: Load) -> (usize, Duration) {
        let mut speaker = self.speaker.borrow_mut().take().unwrap();
        let before = self.count.sent.borrow().len();
        self.count.latencies.borrow_mut().clear();
        let start = Instant::now();
        let sent = self.block(async {
            let mut sent = 0;
            match load {
                Load::Paced { per_second, seconds } => {
                    let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second);
                    while sent < (per_second * seconds) as usize {
                        tick.tick().await;
                        self.speak(&mut speaker).await;
                        sent += 1;
                    }
                }
                Load::Outstanding { window, messages } => {
                    while sent < messages {
                        self.speak(&mut speaker).await;
                        sent += 1;
                        self.until(before + (sent + 1).saturating_sub(window)).await;
                    }
                }
            }
            self.until(before + sent).await;
            sent
        });
        self.speaker.replace(Some(speaker));
        (sent * self.readers, start.elapsed())
    }

    async fn speak(&self, speaker: &mut OwnedWriteHalf) {
        let frame = match self.speech {
            Speech::Bare => "x".repeat(FRAME),
            Speech::Chat { room } => json!({
                "t": "message.send", "ref": 1, "room": room,
                "d": {"clientMsgId": Uuid::new_v4(), "content": "x".repeat(CONTENT)},
            })
            .to_string(),
        };
        self.count.sent.borrow_mut().push(Instant::now());
        speaker.write_all(&masked(&frame)).await.unwrap();
    }

    /// How long a message of the last load took to its last reader: the times below which half and 99 % are.
    pub fn latency(&self) -> (Duration, Duration) {
        let mut all = self.count.latencies.borrow().clone();
        all.sort_unstable();
        (all[all.len() / 2], all[all.len() * 99 / 100])
    }

    async fn until(&self, wanted: usize) {
        self.count.wanted.set(wanted);
        let limit = Duration::from_secs(60);
        while self.count.delivered.get() < wanted {
            let reached = tokio::time::timeout(limit, self.count.reached.notified()).await;
            assert!(reached.is_ok(), "{} of {wanted} messages came", self.count.delivered.get());
        }
    }
}

/// Sockets that nobody counts; dropped, they end.
pub struct Others {
    stop: watch::Sender<bool>,
}

impl Others {
    /// From now on they take nothing more.
    pub fn stop_reading(&self) {
        self.stop.send_replace(true);
    }
}

async fn read_until(mut stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    let mut buffer = vec![0; 2_048];
    loop {
        tokio::select! {
            biased;
            changed = stopped.changed() => break if changed.is_err() { return },
            read = stream.read(&mut buffer) => if matches!(read, Ok(0) | Err(_)) { return },
        }
    }
    // Kept open until the crowd is gone.
    let _gone = stopped.changed().await;
}

/// How the frame of a message begins, at the tutorial's server too.
const MESSAGE: [&[u8]; 2] = [b"{\"t\":\"message.created\"", b"xxxxxxxxxxxxxxxxxxxxxx"];

/// Counts the frames that bring a message.
async fn read(mut stream: TcpStream, count: Rc<Count>) {
    let mut buffer = vec![0; 2_048];
    let (mut held, mut skip, mut messages) = (Vec::new(), 0_usize, 0);
    loop {
        let read = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            if skip > 0 {
                let take = skip.min(rest.len());
                skip -= take;
                rest = &rest[take..];
                continue;
            }
            held.push(rest[0]);
            rest = &rest[1..];
            let Some((header, length)) = head(&held) else { continue };
            let looked_at = MESSAGE[0].len().min(length);
            if held.len() == header + looked_at {
                skip = length - looked_at;
                if MESSAGE.contains(&&held[header..]) {
                    messages += 1;
                    count.arrived(messages);
                }
                held.clear();
            }
        }
        // A small buffer per socket while it is idle.
        tokio::task::yield_now().await;
    }
}

/// The lengths of a frame's header and of what it holds, once enough of it is there.
fn head(held: &[u8]) -> Option<(usize, usize)> {
    match *held.get(1)? {
        126 => Some((4, usize::from(u16::from_be_bytes(held.get(2..4)?.try_into().ok()?)))),
        127 => Some((10, usize::try_from(u64::from_be_bytes(held.get(2..10)?.try_into().ok()?)).ok()?)),
        short => Some((2, usize::from(short))),
    }
}

async fn open(address: SocketAddr, headers: &str) -> TcpStream {
    open_with(address, headers, None).await
}

/// With a receive buffer of so many bytes.
async fn open_with(address: SocketAddr, headers: &str, buffer: Option<u32>) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(buffer) = buffer {
        socket.set_recv_buffer_size(buffer).unwrap();
    }
    let mut stream = socket.connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// A masked text frame whose mask is zero.
pub fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

pub async fn register(address: SocketAddr, name: &str) -> Value {
    let body = json!({"username": name, "email": format!("{name}@example.com"), "password": "correct horse"});
    post(address, "/auth/register", None, &body).await
}

pub fn token(registered: &Value) -> &str {
    registered["token"].as_str().unwrap()
}

pub fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

pub async fn post(address: SocketAddr, path: &str, token: Option<&str>, body: &Value) -> Value {
    let answer = call(address, path, token, body).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
    serde_json::from_str(body).unwrap()
}

/// The whole answer to a POST, whatever it is.
async fn call(address: SocketAddr, path: &str, token: Option<&str>, body: &Value) -> String {
    let body = body.to_string();
    let auth = token.map(bearer).unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{auth}\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
