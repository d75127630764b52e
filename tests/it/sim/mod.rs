//! The seeded simulation: whole clusters in one thread on virtual time, judged by the promises.
//!
//! `SIM_SEEDS=2000 cargo test sim` runs as many; a failure prints its seed, and
//! `SIM_SEED=n cargo test sim` repeats it. Seeds that once failed are run for ever (`REPLAY`).

pub mod chance;
mod client;
mod faulty_store;
mod world;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chance::Chance;
use chat::actors::HubCore;
use chat::auth::{Authenticator, Tokens};
use chat::domain::{
    Change, Email, LoginSession, RefreshToken, RoomId, RoomName, SessionId, Timestamp, User, UserId, Username,
};
use chat::limits::Limiter;
use chat::settings::Secret;
use chat::store::{NewAccount, NewRoom, Store};
use chat::ws::SessionParts;
use client::{Client, until};
use uuid::Uuid;
use world::{Faults, World};

/// Seeds that found something once.
const REPLAY: &[u64] = &[];
const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

#[test]
fn three_servers_under_every_fault_keep_the_promises() {
    run_seeds(40, |seed| simulate(seed, 3));
}

#[test]
fn a_single_server_keeps_the_promises_through_crashes() {
    run_seeds(40, |seed| simulate(seed, 1));
}

fn run_seeds(default: u64, run: impl Fn(u64)) {
    let setting = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    if let Some(seed) = setting("SIM_SEED") {
        return run(seed);
    }
    let count = setting("SIM_SEEDS").unwrap_or(default);
    for seed in REPLAY.iter().copied().chain(0..count) {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed)));
        if let Err(panic) = outcome {
            eprintln!("the simulation failed; repeat it with SIM_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

fn simulate(seed: u64, servers: usize) {
    let system = actix::System::new();
    system.block_on(async {
        tokio::time::pause();
        run(Chance::new(seed), servers).await;
    });
}

async fn run(mut chance: Chance, count: usize) {
    let faults = Faults::from(&mut chance);
    let mut world = World::new(&mut chance, faults, count).await;
    let users = people(&*world.store).await;
    let rooms = [room(&*world.store, 1, &users).await, room(&*world.store, 2, &users).await];

    let hubs: Rc<RefCell<Vec<Rc<HubCore>>>> =
        Rc::new(RefCell::new(world.servers.iter().map(|server| server.hub.clone()).collect()));
    let secret = Secret::new("a secret of more than thirty-two bytes".to_owned());
    let tokens = Arc::new(Tokens::new(&secret, &[], Duration::from_secs(900)));
    let authenticator = Arc::new(Authenticator::new(tokens, world.store.clone(), world.clock.clone()));
    let limiter = Arc::new(Limiter::new(world.settings.limits.clone()));
    let clients: Vec<Rc<Client>> = NAMES
        .iter()
        .zip(&users)
        .map(|(name, user)| Client::new(name, *user, rooms.to_vec(), chance.fork(), faults))
        .collect();
    let lives: Vec<_> = clients
        .iter()
        .map(|client| {
            let (authenticator, limiter) = (authenticator.clone(), limiter.clone());
            let parts = move |hub| SessionParts {
                hub,
                authenticator: authenticator.clone(),
                limiter: limiter.clone(),
            };
            actix::spawn(client.clone().live(hubs.clone(), parts))
        })
        .collect();

    for _ in 0..chance.below(4) {
        tokio::time::sleep(Duration::from_millis(500 + chance.below(6_000))).await;
        let which = chance.index(count);
        let old = world.replace(which);
        hubs.borrow_mut()[which] = world.servers[which].hub.clone();
        old.kill().await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;

    world.heal();
    clients.iter().for_each(|client| client.stop_composing());
    let done = until(Duration::from_secs(60), async || {
        let heads = heads(&world, &rooms).await;
        clients.iter().all(|client| client.has_everything(&heads))
    })
    .await;
    if !done {
        let reports: Vec<String> = clients.iter().map(|client| client.report()).collect();
        panic!(
            "a minute after the faults ended, heads are {:?}, but {reports:#?}",
            heads(&world, &rooms).await
        );
    }
    lives.iter().for_each(|life| life.abort());
    judge(&world, &rooms, &clients, faults).await;
    world.stop().await;
}

async fn heads(world: &World, rooms: &[RoomId]) -> BTreeMap<RoomId, u64> {
    let heads = world.store.heads(rooms.to_vec()).await.expect("healed");
    heads.into_iter().map(|head| (head.room, head.head.get())).collect()
}

/// The promises, against the truth in the store.
async fn judge(world: &World, rooms: &[RoomId], clients: &[Rc<Client>], faults: Faults) {
    for room in rooms {
        let log = world.log(*room).await;
        let numbers: Vec<u64> = log.iter().map(|entry| entry.seq.get()).collect();
        let gapless: Vec<u64> = (1..=log.len() as u64).collect();
        assert_eq!(numbers, gapless, "I2: the log has a hole or a double");

        let truth: Vec<(u64, String)> =
            log.iter().map(|entry| (entry.seq.get(), entry.change.kind().to_owned())).collect();
        let mut seq_of_key = BTreeMap::new();
        for entry in &log {
            if let Change::MessageCreated(message) = &entry.change {
                let before = seq_of_key.insert(message.client_msg_id.0, entry.seq.get());
                assert_eq!(before, None, "I3: one key, two rows");
            }
        }
        for client in clients {
            let record = client.record.borrow();
            assert_eq!(
                record.delivered.get(room),
                Some(&truth),
                "I4, I5: everyone sees the log, once, in order"
            );
            let composed = record.composed.get(room).cloned().unwrap_or_default();
            let order: Vec<u64> = composed.iter().filter_map(|key| seq_of_key.get(key)).copied().collect();
            assert!(order.is_sorted(), "I7: sends keep their order");
            assert_eq!(order.len(), composed.len(), "I1: what was composed and acked is stored");
            for key in &composed {
                let acked = record.acked.get(key).expect("everything was acked in the end");
                assert_eq!(seq_of_key.get(key), Some(&acked.1), "I1: the ack tells the truth");
            }
        }
    }
    if faults.store_fails == 0 {
        for client in clients {
            let slowest = client.record.borrow().slowest;
            assert!(slowest <= Duration::from_secs(2), "I6: {slowest:?} from commit to a live reader");
        }
    }
}

async fn people(store: &dyn Store) -> Vec<UserId> {
    let mut users = Vec::new();
    for (n, name) in (1..).zip(NAMES) {
        let id = UserId(Uuid::from_u128(100 + n));
        let session = SessionId(id.0);
        let now = Timestamp::from_millis(1_800_000_000_000);
        let user = User {
            id,
            username: Username::parse(name).expect("valid"),
            email: Email::parse(&format!("{name}@example.com")).expect("valid"),
            avatar: None,
            created_at: now,
            last_seen: None,
        };
        let login = LoginSession { id: session, user: id, created_at: now, device: None };
        let refresh = RefreshToken {
            hash: [u8::try_from(n).expect("few"); 32],
            session,
            issued_at: now,
            expires_at: now,
        };
        let account = NewAccount { user, password_hash: "none".into(), login, refresh };
        store.create_account(account).await.expect("stored");
        users.push(id);
    }
    users
}

async fn room(store: &dyn Store, n: u128, users: &[UserId]) -> RoomId {
    let id = RoomId(Uuid::from_u128(n));
    let room = NewRoom {
        id,
        name: RoomName::parse("general").expect("valid"),
        description: None,
        is_private: n == 2,
        owner: users[0],
        members: users[1..].to_vec(),
        now: Timestamp::from_millis(1_800_000_000_000),
    };
    store.create_room(room).await.expect("stored");
    id
}
