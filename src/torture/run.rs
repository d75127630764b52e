//! One run from the first process to the last: calm, rest, faults, and then everybody gets to the
//! end of what there is, before anything is judged.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::chance::Chance;
use super::client::{Client, Event, Goal, Orders, Standing, World};
use super::crowd::{Crowd, gather};
use super::deeds::ActSheet;
use super::door::Door;
use super::faults::{Notes, Scene};
use super::history::{Census, History};
use super::inspect::inspect;
use super::moment::{Moment, Span, Spans, Stopwatch};
use super::options::{Options, Size, Store};
use super::outside::Outside;
use super::plan::Plan;
use super::pod::Pod;
use super::process::log_line;
use super::record::{ClientSheet, Journal};
use super::rest::{Person, Rest};
use super::targets::Targets;
use super::watch::{COMMITTED, Watchers};

/// Time for everybody to come in.
const ENTRY: Duration = Duration::from_secs(3);
/// Longest time to get to the end when all is healed.
const SETTLING: Duration = Duration::from_secs(40);
/// When nobody came any nearer for so long, nobody will.
const STUCK: Duration = Duration::from_secs(12);
/// Nobody writes for so long between calm and faults.
const REST: Duration = Duration::from_millis(1_500);
/// Of a hundred announcements of one process so many get lost without a trace, as if it had died
/// between commit and announcement.
const LOST: u32 = 5;
/// Beyond its own bound a process has so long to end.
const GRACE: Duration = Duration::from_secs(8);

/// The clients of a run.
struct People {
    lives: Vec<JoinHandle<ClientSheet>>,
    doors: Vec<JoinHandle<Vec<ActSheet>>>,
    standings: Vec<Arc<Standing>>,
    inboxes: Vec<mpsc::UnboundedSender<Event>>,
    orders: watch::Sender<Orders>,
    /// As of [`Size`].
    patience: u32,
}

impl People {
    fn tell(&self, orders: Orders) {
        self.orders.send_replace(orders);
    }

    /// Waits until this holds for everyone; those for whom it does not are answered.
    async fn all(&self, holds: impl Fn(&Standing) -> bool) -> Vec<usize> {
        let begin = Stopwatch::start();
        let (mut steps, mut stepped) = (0, Moment::START);
        loop {
            let now_steps = self.standings.iter().map(|s| s.steps.load(Ordering::Relaxed)).sum();
            if now_steps != steps {
                (steps, stepped) = (now_steps, begin.now());
            }
            let missing: Vec<usize> =
                self.standings.iter().enumerate().filter(|(_, s)| !holds(s)).map(|(n, _)| n).collect();
            let stuck = begin.now().since(stepped) > STUCK * self.patience;
            if missing.is_empty() || stuck || begin.now() > Moment::START.plus(SETTLING * self.patience) {
                return missing;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn leave(self) -> Result<(Vec<ClientSheet>, Vec<ActSheet>), String> {
        self.tell(Orders::Leave);
        let (mut sheets, mut acts) = (Vec::new(), Vec::new());
        for life in self.lives {
            sheets.push(life.await.map_err(|error| format!("a client: {error}"))?);
        }
        for door in self.doors {
            acts.extend(door.await.map_err(|error| format!("a door: {error}"))?);
        }
        Ok((sheets, acts))
    }
}

/// Runs everything and answers what there is to judge.
///
/// # Errors
/// Why it could not run.
pub async fn run(options: &Options, size: &Size, folder: &Path) -> Result<History, String> {
    let watch = Stopwatch::start();
    let rest = Rest::new()?;
    let plan = Plan::make(size.seed, size.faults_for, &size.kinds, size.pods, size.lasting);
    std::fs::write(folder.join("plan.txt"), plan.to_string()).map_err(|error| error.to_string())?;
    let data = folder.join("data");
    let outside = match options.store {
        _ if size.attached => Outside::attached().await?,
        Store::Sqlite => Outside::sqlite(&data),
        Store::Postgres => Outside::cluster().await?,
    };
    let mut pods = match options.attach {
        Some(_) => Vec::new(),
        None => start_pods(options, size, folder, &outside, watch, &rest).await?,
    };
    let mut chance = Chance::new(size.seed);
    let direct: Vec<_> = pods.iter().map(|pod| pod.address).chain(options.attach).collect();
    let crowd = gather(size, &mut chance, &direct, &rest).await?;
    let rooms = crowd.rooms.clone();
    let persons: Vec<Person> = crowd.members.iter().map(|member| member.person.clone()).collect();
    let ids: Vec<_> = rooms.iter().map(|room| room.id).collect();
    let proxies: Vec<_> = pods.iter().map(|pod| pod.proxy.clone()).collect();
    let watchers = Watchers::start(watch, outside.database.clone(), ids, proxies.clone(), rest.clone());
    let reached: Vec<_> = proxies.iter().map(|proxy| proxy.address).chain(options.attach).collect();
    let rolling = Arc::new(AtomicBool::new(false));
    let people = start_people(
        crowd,
        &mut chance,
        watch,
        &rest,
        (reached.clone(), rolling.clone()),
        (size.patience, folder),
    )?;
    log_line(&format!("{} clients in {} rooms on {} processes", size.clients, size.rooms, size.pods));

    tokio::time::sleep(ENTRY).await;
    let mut history = History { rooms, ..History::default() };
    let calm = watch.now();
    tokio::time::sleep(size.calm).await;
    history.calm = Some(Span::new(calm, watch.now()));
    people.tell(Orders::Hush);
    let unsent = people.all(|standing| standing.unsent.load(Ordering::Relaxed) == 0).await;
    tokio::time::sleep(REST).await;
    if unsent.is_empty() && !size.attached {
        history.census = census(watch, &outside, &direct, &rest).await;
    }
    people.tell(Orders::Talk);

    let notes = Arc::new(Mutex::new(Notes::default()));
    let scene = Scene {
        watch,
        rest: rest.clone(),
        proxies: proxies.clone(),
        clients: people.inboxes.clone(),
        standings: people.standings.clone(),
        end: watch.now().plus(size.faults_for + size.after),
        notes,
        seed: size.seed,
        grace: (size.drain + GRACE) * size.patience,
        rolling,
    };
    if let Some(command) = &options.command {
        scene.command(command).await?;
    } else {
        let begin = watch.now();
        let (processes, surroundings, (), (), ()) = tokio::join!(
            scene.processes(&plan, begin, &mut pods),
            outside.suffer(&scene, &plan, begin),
            scene.network(&plan, begin),
            scene.senders(&plan, begin),
            tokio::time::sleep(size.faults_for),
        );
        processes.and(surroundings)?;
        proxies.iter().for_each(|proxy| proxy.heal());
    }
    log_line(&format!("all is healed at {}", watch.now()));
    tokio::time::sleep(size.after).await;
    log_line(&format!("nobody writes any more from {} on", watch.now()));

    people.tell(Orders::Hush);
    history.hushed = watch.now();
    settle(&people, &outside, watch, &mut history).await?;
    let (sheets, acts) = people.leave().await?;
    history.end = watch.now();
    (history.clients, history.acts) = (sheets, acts);
    // Where a process itself listens a rollout changed.
    inspect(&mut history, (watch, &rest), &reached, &persons, size.seed).await;
    fill(&mut history, &scene, watchers.end(watch.now()));
    history.books = outside.database.books().await?;
    if size.attached {
        // Others may have written there before.
        let places = history.places();
        history.books.messages.retain(|row| places.contains_key(&row.room));
    }
    history.blobs = (!size.attached).then(|| blobs(&files_of(folder))).transpose()?;
    history.counts = outside.database.counts().await?;
    for pod in &mut pods {
        pod.died(watch);
        history.lives.append(&mut pod.lives);
    }
    history.grace = (size.drain + GRACE) * size.patience;
    history.unreliable = unreliable(size).filter(|_| outside.has_redis());
    history.has_outbox = outside.has_outbox();
    history.patience = size.patience;
    Ok(history)
}

/// Brings everything to an end: first what is written gets stored, then everybody reads it.
async fn settle(
    people: &People,
    outside: &Outside,
    watch: Stopwatch,
    history: &mut History,
) -> Result<(), String> {
    let unsent = people.all(|standing| standing.unsent.load(Ordering::Relaxed) == 0).await;
    let say = |n: &usize| format!("person-{n} has messages that no attempt got stored");
    history.unsettled.extend(unsent.iter().map(say));
    // The sweeper's time.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let heads = outside.database.heads().await?;
    let head = |room: &super::record::RoomSheet| {
        heads.iter().find(|(id, _)| *id == room.id).map_or(0, |(_, head)| *head)
    };
    let heads = history.rooms.iter().map(head).collect();
    let members = outside.database.members().await?;
    people.tell(Orders::Finish(Arc::new(Goal { heads, members })));
    let missing = people.all(|standing| standing.complete.load(Ordering::Relaxed)).await;
    let say = |n: &usize| format!("person-{n} has not got to the end of every room");
    history.unsettled.extend(missing.iter().map(say));
    log_line(&format!("settled at {}", watch.now()));
    Ok(())
}

async fn start_pods(
    options: &Options,
    size: &Size,
    folder: &Path,
    outside: &Outside,
    watch: Stopwatch,
    rest: &Rest,
) -> Result<Vec<Pod>, String> {
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => std::env::current_exe().map_err(|error| error.to_string())?,
    };
    let other = options.other.clone().unwrap_or_else(|| binary.clone());
    let targets = Targets::new(options.targets.clone());
    let mut pods = Vec::new();
    for index in 0..size.pods {
        let data = if size.pods == 1 { folder.join("data") } else { folder.join(format!("data-{index}")) };
        let mut env = environment(options, size, &data, outside);
        env.push(("CHAT_FILES_URL".to_owned(), format!("file://{}", files_of(folder).display())));
        if outside.has_redis() && Some(index) == unreliable(size) {
            env.push(("CHAT_FAIL_APPEND".to_owned(), LOST.to_string()));
        }
        let binaries = (binary.clone(), other.clone());
        let mut pod = Pod::new(index, binaries, env, (folder, targets.clone()))
            .await
            .map_err(|error| error.to_string())?;
        pod.start(watch, rest).await?;
        pods.push(pod);
    }
    Ok(pods)
}

/// The last of several.
fn unreliable(size: &Size) -> Option<usize> {
    size.pods.checked_sub(1).filter(|last| *last > 0)
}

fn environment(options: &Options, size: &Size, data: &Path, outside: &Outside) -> Vec<(String, String)> {
    let seconds = |time: Duration| time.as_secs_f64().to_string();
    let mut env: Vec<(String, String)> = [
        ("CHAT_DATA_DIR", data.display().to_string()),
        ("JWT_SECRET", format!("a-secret-of-the-torture-test-{:020}", size.seed)),
        ("CHAT_BCRYPT_COST", "4".to_owned()),
        ("CHAT_RATE_LIMITS", "false".to_owned()),
        ("CHAT_WORKERS", "2".to_owned()),
        ("CHAT_ROOM_THREADS", "2".to_owned()),
        ("CHAT_LOG", "info".to_owned()),
        // Longer than any run.
        ("CHAT_ACCESS_TOKEN_SECONDS", "86400".to_owned()),
        // Silence is to be noticed while the fault lasts.
        ("CHAT_HEARTBEAT_SECONDS", "3".to_owned()),
        ("CHAT_IDLE_TIMEOUT_SECONDS", "12".to_owned()),
        ("CHAT_DRAIN_SECONDS", seconds(size.drain)),
        // Slow readers are to be felt.
        ("CHAT_LIMIT_OUTBOX_FRAMES", "64".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if let Some(broken) = options.broken {
        env.push(("CHAT_BROKEN".to_owned(), broken.word().to_owned()));
    }
    env.extend(outside.env.iter().cloned());
    env
}

fn start_people(
    crowd: Crowd,
    chance: &mut Chance,
    watch: Stopwatch,
    rest: &Rest,
    (pods, rolling): (Vec<std::net::SocketAddr>, Arc<AtomicBool>),
    (patience, folder): (u32, &Path),
) -> Result<People, String> {
    let (orders, told) = watch::channel(Orders::Talk);
    let users = crowd.members.iter().map(|member| member.person.id).collect();
    let world = World { watch, rest: rest.clone(), pods, rolling, rooms: crowd.rooms, users, orders: told };
    let world = Arc::new(world);
    let persons: Vec<Person> = crowd.members.iter().map(|member| member.person.clone()).collect();
    let lively = (0..world.rooms.len()).filter(|room| world.rooms[*room].is_lively());
    let doors = lively.map(|room| Door::new(world.clone(), room, &persons, chance.fork()).keep());
    let doors = doors.map(tokio::spawn).collect();
    let (lives, standings, inboxes) = (Vec::new(), Vec::new(), Vec::new());
    let mut people = People { lives, doors, standings, inboxes, orders, patience };
    for (n, member) in crowd.members.into_iter().enumerate() {
        let journal = Journal::create(folder, n).map_err(|error| error.to_string())?;
        let client = Client::new(
            world.clone(),
            member.person,
            member.name,
            &member.rooms,
            member.habits,
            chance.fork(),
            journal,
        );
        people.standings.push(client.standing());
        people.inboxes.push(client.inbox());
        people.lives.push(tokio::spawn(client.live()));
    }
    Ok(people)
}

/// While nobody writes: what the processes counted, and what is stored.
async fn census(
    watch: Stopwatch,
    outside: &Outside,
    pods: &[std::net::SocketAddr],
    rest: &Rest,
) -> Option<Census> {
    let rows = outside.database.message_count().await.ok()?;
    let mut counted = 0;
    for pod in pods {
        counted += rest.counter(*pod, COMMITTED).await?;
    }
    Some(Census { at: watch.now(), counted, rows })
}

fn fill(history: &mut History, scene: &Scene, seen: super::watch::Seen) {
    let notes = std::mem::take(&mut *scene.notes());
    history.faults = notes.faults;
    history.cuts = notes.cuts;
    history.database_away = Spans::new(notes.database_away);
    history.redis_away = Spans::new(notes.redis_away);
    history.starved = Spans::new(seen.starved);
    history.heads = seen.heads;
    history.holes = seen.holes;
    history.snapshots = seen.snapshots;
    history.waiting = seen.waiting;
    history.outbox_looks = seen.outbox_looks;
    history.scrapes = seen.scrapes;
}

/// Where all processes keep files.
fn files_of(folder: &Path) -> PathBuf {
    folder.join("files")
}

/// The names of all blobs there.
fn blobs(folder: &Path) -> Result<Vec<String>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut names = Vec::new();
    for kind in std::fs::read_dir(folder).map_err(wrong)? {
        let kind = kind.map_err(wrong)?.path();
        for blob in std::fs::read_dir(&kind).map_err(wrong)? {
            names.push(blob.map_err(wrong)?.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Where a run writes: the folder asked for, or one that is gone afterwards.
///
/// # Errors
/// When it cannot be made.
pub fn folder_of(options: &Options, seed: u64) -> Result<PathBuf, String> {
    let folder = match &options.keep {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("chat-torture-{}-{seed}", std::process::id())),
    };
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(wrong)?;
    if std::fs::read_dir(&folder).map_err(wrong)?.next().is_some() {
        return Err(format!(
            "{}: is not empty, and another run's history would mix with this one's",
            folder.display()
        ));
    }
    folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))
}
