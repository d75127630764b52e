//! How long a search takes, on both stores, among messages of which some words are in every second
//! one and some in a handful.
//!
//! `cargo bench --bench search` prints, for each store, how fast messages are sent and indexed, the
//! times of searches by kind, and those of commits while the index follows and while it does not; a
//! name after `--` chooses a store (`sqlite`, `postgres`).
//! `BENCH_MESSAGES` says how many messages there are (50,000; a million takes some minutes). The
//! baseline is what a database does without an index: it looks at every text (`LIKE`).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench says what is wrong by panicking"
)]

#[path = "support/texts.rs"]
mod texts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chat::clock::{Clock as _, SystemClock};
use chat::domain::{
    AccountStatus, ClientMsgId, Content, Draft, Email, Epoch, HistoryVisibility, LoginSession, MessageId,
    Operation, Profile, Query, RefreshToken, RoomBatch, RoomId, RoomName, ServerRole, SessionId, Timestamp,
    User, UserId, Username,
};
use chat::store::postgres::{Address, PgOptions, PgStore};
use chat::store::sqlite::{SqliteOptions, SqliteStore};
use chat::store::{Cut, NewAccount, NewRoom, Portion, Search, Store, index_portion};
use chat::torture::postgres::{PgServer, Setup};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use self::texts::{Dice, LETTERS, WORDS, pasted, text, words};

/// Rooms, and those of them that the second of two people is in.
const ROOMS: usize = 100;
const FEW: usize = 5;
/// Messages of one transaction.
const AT_ONCE: usize = 500;
/// Searches of each kind.
const TIMES: usize = 40;
/// Commits that are timed, of one message each, and how long nothing is sent before each.
const COMMITS: usize = 1_000;
const CALM: Duration = Duration::from_millis(5);
/// What waits for the index while commits are timed beside it.
const BACKLOG: usize = 20_000;
/// Texts as long as they may be, that somebody pasted.
const PASTED: usize = 512;
/// How long the server waits when there is nothing more to follow.
const PAUSE: Duration = Duration::from_millis(250);
/// What it is to keep, of 95 searches in 100.
const BOUND: Duration = Duration::from_millis(100);

fn main() {
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return;
    }
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    let messages = std::env::var("BENCH_MESSAGES").map_or(50_000, |given| given.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let epoch = || Epoch(SystemClock.id());
    if wanted("sqlite") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, SqliteOptions::new(epoch())).unwrap());
        runtime.block_on(measure("sqlite", &store, messages, &Naive::Sqlite(path)));
    }
    if wanted("postgres") {
        let server = PgServer::start(Setup::default()).unwrap();
        server.create_database("bench", None).unwrap();
        let url = Address::parse(&server.url("bench")).unwrap();
        let opened = runtime.block_on(PgStore::open(url, PgOptions::new(Arc::new(epoch))));
        let store: Arc<dyn Store> = Arc::new(opened.unwrap());
        runtime.block_on(measure("postgres", &store, messages, &Naive::Postgres(server)));
    }
}

/// The baseline.
enum Naive {
    Sqlite(PathBuf),
    Postgres(PgServer),
}

impl Naive {
    /// Newest first, of one person, and only as many as a page holds.
    fn question(word: &str, viewer: &str) -> String {
        format!(
            "SELECT count(*) FROM (SELECT x.id FROM messages x JOIN members m ON m.room_id = x.room_id \
             WHERE m.user_id = {viewer} AND x.deleted_at IS NULL AND lower(x.content) LIKE '%{word}%' \
             ORDER BY x.created_at DESC LIMIT 20) n"
        )
    }

    fn time(&self, word: &str, viewer: UserId) -> Duration {
        let id = viewer.0.simple();
        match self {
            Self::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                let begun = Instant::now();
                let question = Self::question(word, &format!("x'{id}'"));
                let _: i64 = diesel::dsl::sql::<BigInt>(&question).get_result(&mut conn).unwrap();
                begun.elapsed()
            }
            Self::Postgres(server) => {
                let question = Self::question(word, &format!("'{id}'"));
                let told = server.sql("bench", &format!("EXPLAIN (ANALYZE, TIMING OFF) {question}")).unwrap();
                let time = told.split("Execution Time: ").nth(1).unwrap().split(' ').next().unwrap();
                Duration::from_secs_f64(time.parse::<f64>().unwrap() / 1e3)
            }
        }
    }

    /// As after a night: what PostgreSQL sees to by itself.
    fn settle(&self) {
        if let Self::Postgres(server) = self {
            server.sql("bench", "VACUUM ANALYZE").unwrap();
        }
    }
}

async fn person(store: &Arc<dyn Store>, name: &str) -> UserId {
    let (id, session, now) = (UserId(SystemClock.id()), SessionId(SystemClock.id()), SystemClock.now());
    let mut hash = [0; 32];
    SystemClock.random(&mut hash);
    let user = User {
        id,
        username: Username::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        avatar: None,
        created_at: now,
        last_seen: None,
        email_verified: true,
        server_role: ServerRole::User,
        status: AccountStatus::Active,
        profile: Profile::default(),
    };
    let account = NewAccount {
        user,
        password_hash: "none".into(),
        login: LoginSession { id: session, user: id, created_at: now, device: None, network: None },
        refresh: RefreshToken { hash, session, issued_at: now, expires_at: now },
        welcome: None,
        may_found: false,
        record: None,
    };
    store.create_account(account).await.unwrap();
    id
}

async fn room(store: &Arc<dyn Store>, n: usize, owner: UserId, members: Vec<UserId>) -> RoomId {
    let room = NewRoom {
        id: RoomId(SystemClock.id()),
        name: RoomName::parse(&format!("room {n}")).unwrap(),
        description: None,
        topic: None,
        history: if n.is_multiple_of(2) { HistoryVisibility::All } else { HistoryVisibility::SinceJoined },
        is_private: false,
        owner,
        members,
        now: SystemClock.now(),
    };
    store.create_room(room).await.unwrap().room.id
}

/// Who writes what, where.
struct World<'a> {
    store: &'a Arc<dyn Store>,
    words: Vec<String>,
    people: Vec<UserId>,
    rooms: Vec<RoomId>,
}

impl<'a> World<'a> {
    async fn new(store: &'a Arc<dyn Store>, dice: &mut Dice) -> Self {
        let mut people = Vec::new();
        for n in 0..10 {
            people.push(person(store, &format!("user{n}")).await);
        }
        let mut rooms = Vec::new();
        for n in 0..ROOMS {
            let members = if n < FEW { people[1..].to_vec() } else { people[2..].to_vec() };
            rooms.push(room(store, n, people[0], members).await);
        }
        Self { store, words: words(dice), people, rooms }
    }

    /// One transaction, a message at each of these times.
    async fn send(&self, dice: &mut Dice, times: impl Iterator<Item = Timestamp>) {
        self.say(dice, times, text).await;
    }

    async fn say(
        &self,
        dice: &mut Dice,
        times: impl Iterator<Item = Timestamp>,
        text: impl Fn(&mut Dice, &[String]) -> String,
    ) {
        let mut batches = BTreeMap::<RoomId, RoomBatch>::new();
        for now in times {
            let author = match dice.below(9) {
                1 => self.people[0],
                n => self.people[if n == 0 { 2 } else { n + 1 }],
            };
            let draft = Draft {
                client_msg_id: ClientMsgId(SystemClock.id()),
                content: Content::parse(&text(dice, &self.words), LETTERS).unwrap(),
                attachments: Vec::new(),
                reply_to: None,
            };
            let room = self.rooms[dice.below(ROOMS)];
            let batch = batches.entry(room).or_insert(RoomBatch {
                room,
                now,
                present: Vec::new(),
                operations: Vec::new(),
            });
            batch.operations.push(Operation::Send { author, message: MessageId(SystemClock.id()), draft });
        }
        let applied = self.store.append(batches.into_values().collect()).await.unwrap();
        assert!(applied.iter().flat_map(|applied| &applied.outcomes).all(Result::is_ok));
    }
}

async fn measure(name: &str, store: &Arc<dyn Store>, count: usize, naive: &Naive) {
    let mut dice = Dice(7);
    let world = World::new(store, &mut dice).await;
    let start = SystemClock.now().millis() - i64::try_from(count).unwrap() * 1_000;
    let (mut sent, begun) = (0, Instant::now());
    while sent < count {
        let times = (sent..count.min(sent + AT_ONCE))
            .map(|n| Timestamp::from_millis(start + i64::try_from(n).unwrap() * 1_000));
        world.send(&mut dice, times).await;
        sent += AT_ONCE;
    }
    let rate = |count: usize, begun: Instant| count as f64 / begun.elapsed().as_secs_f64();
    println!("{name}: {count} messages in {ROOMS} rooms, sent {:.0}/s", rate(count, begun));
    let (begun, turns) = (Instant::now(), turns(store).await);
    println!("  indexed {:.0}/s; {turns}", rate(count, begun));
    naive.settle();
    searches(store, &mut dice, &world.words, &world.people, naive).await;
    commits(&world, &mut dice).await;
    for _ in 0..PASTED / 64 {
        world.say(&mut dice, (0..64).map(|_| SystemClock.now()), pasted).await;
    }
    let (begun, turns) = (Instant::now(), self::turns(store).await);
    println!("  pasted texts, indexed {:.0}/s; {turns}", rate(PASTED, begun));
}

/// Lets the index catch up, turn by turn: how long the turns take, and how long of that others wait
/// where one writes at a time.
async fn turns(store: &Arc<dyn Store>) -> String {
    let (mut turns, mut writes) = (Vec::new(), Vec::new());
    loop {
        let turn = Instant::now();
        let waiting = Portion::USUAL.of(store.unindexed(Portion::USUAL.changes).await.unwrap());
        if waiting.is_empty() {
            return format!("a turn: {}, its commit: {}", spread(&mut turns), spread(&mut writes));
        }
        let cut = waiting.into_iter().map(Cut::from).collect();
        let write = Instant::now();
        store.index(cut).await.unwrap();
        turns.push(turn.elapsed());
        writes.push(write.elapsed());
    }
}

/// How long a message waits for its commit, beside the index and without it.
async fn commits(world: &World<'_>, dice: &mut Dice) {
    println!("  a commit, nobody follows: {}", paced(world, dice).await);
    for _ in 0..BACKLOG / AT_ONCE {
        world.send(dice, (0..AT_ONCE).map(|_| SystemClock.now())).await;
    }
    let stop = Arc::<AtomicBool>::default();
    let follower = tokio::spawn(follow(world.store.clone(), stop.clone()));
    println!("  a commit, while the index catches up: {}", paced(world, dice).await);
    while world.store.unindexed_count().await.unwrap() > Portion::USUAL.changes as u64 {
        tokio::time::sleep(PAUSE).await;
    }
    println!("  a commit, while the index follows: {}", paced(world, dice).await);
    stop.store(true, Ordering::Relaxed);
    follower.await.unwrap();
}

async fn paced(world: &World<'_>, dice: &mut Dice) -> String {
    let mut times = Vec::new();
    for _ in 0..COMMITS {
        tokio::time::sleep(CALM).await;
        let begun = Instant::now();
        world.send(dice, std::iter::once(SystemClock.now())).await;
        times.push(begun.elapsed());
    }
    spread(&mut times)
}

async fn follow(store: Arc<dyn Store>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        if !index_portion(&*store, Portion::USUAL).await.unwrap().more {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    format!("p50 {:.1?} p95 {:.1?} worst {:.1?}", at(50), at(95), times[times.len() - 1])
}

async fn searches(
    store: &Arc<dyn Store>,
    dice: &mut Dice,
    words: &[String],
    people: &[UserId],
    naive: &Naive,
) {
    type Make<'a> = Box<dyn Fn(&mut Dice) -> String + 'a>;
    let between = |from: usize, to: usize| move |dice: &mut Dice| words[from + dice.below(to - from)].clone();
    let part = |dice: &mut Dice, length: usize| {
        let word = &words[1_000 + dice.below(WORDS - 1_000)];
        let from = dice.below(word.len().saturating_sub(length) + 1);
        word[from..(from + length).min(word.len())].to_owned()
    };
    let kinds: Vec<(&str, Make<'_>)> = vec![
        ("a frequent word", Box::new(between(0, 20))),
        ("a usual word", Box::new(between(100, 2_000))),
        ("a rare word", Box::new(between(15_000, WORDS))),
        ("two letters", Box::new(move |dice| part(dice, 2))),
        ("a part of four", Box::new(move |dice| part(dice, 4))),
        ("nothing there is", Box::new(|dice| format!("{}thenthere", words[dice.below(WORDS)]))),
        ("a phrase", Box::new(|dice| format!("\"{} {}\"", words[dice.below(50)], words[dice.below(500)]))),
        ("two words", Box::new(|dice| format!("{} {}", words[dice.below(200)], words[dice.below(2_000)]))),
        (
            "two characters of Chinese",
            Box::new(|dice| {
                (0..2).map(|_| char::from_u32(0x4e00 + dice.below(500) as u32).unwrap()).collect()
            }),
        ),
        ("a word of one's own", Box::new(|dice| format!("{} from:me", words[100 + dice.below(5_000)]))),
        (
            "a word in a room",
            Box::new(|dice| format!("{} in:\"room {}\"", words[dice.below(5_000)], dice.below(FEW))),
        ),
        (
            "filters alone",
            Box::new(|dice| ["from:user3", "in:\"room 1\"", "before:2030-01-01"][dice.below(3)].into()),
        ),
    ];
    let mut all = Vec::new();
    for (who, viewer) in [("in all rooms", people[0]), ("in few rooms", people[1])] {
        for (kind, make) in &kinds {
            let (mut times, mut hits) = (Vec::new(), 0);
            for _ in 0..TIMES {
                let query = Query::parse(&make(dice)).unwrap();
                let begun = Instant::now();
                let search = Search { viewer, query, private: true, limit: 20, after: None };
                hits += store.search(search).await.unwrap().hits.len();
                times.push(begun.elapsed());
            }
            all.extend(times.clone());
            println!("  {who}, {kind}: {}; {:.1} hits", spread(&mut times), hits as f64 / TIMES as f64);
        }
        let mut times: Vec<_> =
            (0..5).map(|_| naive.time(&words[15_000 + dice.below(5_000)], viewer)).collect();
        println!("  {who}, baseline: a rare word without an index: {}", spread(&mut times));
    }
    println!("  all searches: {}", spread(&mut all));
    let tail = all[all.len() * 95 / 100];
    println!("  p95 {tail:.1?}, to be kept below {BOUND:.0?}: {}", if tail <= BOUND { "yes" } else { "NO" });
}
