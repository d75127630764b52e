//! The course of one run: people live while the plan happens, then all is healed and judged.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat::actors::HubCore;
use chat::auth::{Authenticator, Tokens};
use chat::domain::subscription::Level;
use chat::domain::{
    Email, HistoryVisibility, LoginSession, RefreshToken, RoomId, RoomName, SessionId, User, UserId, Username,
};
use chat::limits::Limiter;
use chat::settings::Secret;
use chat::store::{Accounts, Log, NewAccount, NewRoom, Rooms, UserLogs};
use chat::ws::SessionParts;
use tokio::time::timeout;
use uuid::Uuid;

use super::chance::Chance;
use super::client::Client;
use super::held::{Membership, Tally};
use super::judge::judge;
use super::plan::Plan;
use super::world::{START, World};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const SECOND: Duration = Duration::from_secs(1);

/// What came of a run that kept all promises.
pub struct Outcome {
    pub tally: Tally,
    /// A fingerprint of all that any client saw, and when.
    pub trace: u64,
}

struct Run {
    world: Rc<World>,
    rooms: [RoomId; 2],
    clients: Vec<Rc<Client>>,
    parts: Rc<dyn Fn(Rc<HubCore>) -> SessionParts>,
}

/// Runs a plan on virtual time, in this thread. Panics when a promise is not kept.
pub fn run(plan: &Plan) -> Outcome {
    run_with(plan, true)
}

/// The same with sweepers that are handed nothing, for the judge to notice.
pub fn run_unswept(plan: &Plan) -> Outcome {
    run_with(plan, false)
}

fn run_with(plan: &Plan, sweeps: bool) -> Outcome {
    let system = actix::System::new();
    system.block_on(async {
        tokio::time::pause();
        let mut chance = Chance::new(plan.seed);
        let world = World::new(&mut chance, plan, sweeps);
        let run = Run::prepare(world, &mut chance, plan).await;
        run.course(plan).await;
        run.outcome().await
    })
}

impl Run {
    async fn prepare(world: Rc<World>, chance: &mut Chance, plan: &Plan) -> Self {
        let names = &NAMES[..plan.people];
        let users = people(&world, names).await;
        let rooms = [room(&world, 1, &users).await, room(&world, 2, &users).await];
        let secret = Secret::new("a secret of more than thirty-two bytes".to_owned());
        let tokens = Arc::new(Tokens::new(&secret, &[], Duration::from_secs(900)));
        let authenticator = Arc::new(Authenticator::new(tokens, world.store.clone(), world.clock.clone()));
        let limiter = Arc::new(Limiter::new(world.settings.limits.clone()));
        let clients = names
            .iter()
            .zip(&users)
            .map(|(name, user)| {
                let (epoch, exchange) = (world.epoch.get(), world.exchange.clone());
                Rc::new(Client::new(name, *user, rooms, epoch, chance.fork(), plan.habits, exchange))
            })
            .collect();
        let parts = Rc::new(move |hub| SessionParts::new(hub, authenticator.clone(), limiter.clone()));
        Self { world, rooms, clients, parts }
    }

    async fn course(&self, plan: &Plan) {
        let lives: Vec<_> = self
            .clients
            .iter()
            .map(|client| {
                let parts = self.parts.clone();
                actix::spawn(client.clone().live(self.world.clone(), move |hub| parts(hub)))
            })
            .collect();
        let began = tokio::time::Instant::now();
        for scheduled in &plan.schedule {
            tokio::time::sleep_until(began + Duration::from_millis(scheduled.at_ms)).await;
            self.world.happen(scheduled.what).await;
        }
        tokio::time::sleep_until(began + plan.lasts()).await;

        self.world.heal();
        self.clients.iter().for_each(|client| client.stop_composing());
        self.within(60, "everything is sent, and everyone is inside", async || self.is_settled()).await;
        // Whatever got lost before, who reads a room is not left to wait for its next word.
        self.within(5, "readers have everything", async || self.is_read().await).await;
        // A last word in each room is heard by everyone: without faults no announcement is lost.
        self.rooms.iter().for_each(|room| self.clients[0].compose(*room));
        self.within(5, "everyone has what he follows", async || self.is_followed().await).await;
        // Whoever only followed opens the room: nothing is missing.
        for client in &self.clients {
            client.rooms.borrow_mut().values_mut().for_each(|held| held.level = Level::Full);
        }
        self.within(5, "everyone has everything", async || self.is_followed().await).await;
        let last = self.clients.len() - 1;
        if plan.habits.last_goes {
            lives[last].abort();
        }
        let gone = plan.habits.last_goes.then_some(last);
        self.within(30, "everyone knows who is here", async || self.is_known(gone)).await;

        self.within(10, "who drains has ended", async || self.world.draining.get() == 0).await;

        lives.iter().for_each(|life| life.abort());
        tokio::time::sleep(SECOND / 2).await;
        self.clients
            .iter()
            .for_each(|client| client.rooms.borrow_mut().values_mut().for_each(|h| h.standing = None));
        for client in &self.clients {
            self.come_in_once(client).await;
        }
        self.within(3, "what was committed is announced (I25)", async || self.world.outbox.is_empty()).await;
        let clients: Vec<&Client> = self.clients.iter().map(|client| &**client).collect();
        judge(&self.world, &self.rooms, &clients, plan).await;
        // Rooms are asked four times in that time whether they are idle, and wait ten seconds for who was
        // refused to send again.
        let retire = u32::try_from(plan.sizes.room_idle_ms / 1_000).expect("a minute at most") * 2 + 11;
        self.within(retire, "rooms that nobody reads retire", async || self.world.is_deserted()).await;
        self.world.stop().await;
    }

    /// What a new connection is told: where everything stands.
    async fn come_in_once(&self, client: &Client) {
        let hub = self.world.servers.borrow()[0].hub.clone();
        let clock = self.world.clock.clone();
        let socket = client.connect((self.parts)(hub), None);
        let told = async {
            while !socket.resumed.get() {
                let frame = socket.next().await.expect("nothing goes wrong any more");
                client.receive(&socket, &frame, chat::clock::Clock::now(&*clock));
            }
        };
        timeout(SECOND, told).await.unwrap_or_else(|_| panic!("{} was not welcomed", client.name));
    }

    /// Waits on virtual time, and reports where everyone stands when it does not come to that.
    async fn within(&self, seconds: u32, what: &str, mut done: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !done().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(SECOND * seconds, wait).await.is_ok() {
            return;
        }
        for client in &self.clients {
            let waits = client.outbox.borrow().len();
            let (at, online) = (client.own_log.borrow().at, client.online.borrow());
            eprintln!("{}: {waits} unsent, own log at {at}, online {:?}", client.name, online.values());
            for (room, held) in client.rooms.borrow().iter() {
                let (level, membership) = (held.level, held.membership);
                eprintln!("  {}: {level:?}, {membership:?}, at {} of {}", room.0, held.last, held.head);
            }
        }
        let heads = self.world.store.heads(self.rooms.to_vec()).await;
        panic!("within {seconds} s it should be that {what}; the heads are {heads:?}");
    }

    fn is_settled(&self) -> bool {
        let epoch = self.world.epoch.get();
        let known = self.world.servers.borrow().iter().all(|server| server.hub.pod.epoch() == epoch);
        known
            && self.clients.iter().all(|client| {
                let inside = client.rooms.borrow().values().all(|held| held.membership == Membership::Inside);
                inside && client.outbox.borrow().is_empty() && client.epoch.get() == epoch
            })
    }

    /// Readers have the log.
    async fn is_read(&self) -> bool {
        let heads = self.world.store.heads(self.rooms.to_vec()).await.expect("the truth answers");
        self.clients.iter().all(|client| {
            let rooms = client.rooms.borrow();
            let mut read = heads.iter().map(|head| (&rooms[&head.room], head.head.get()));
            read.all(|(held, head)| held.level != Level::Full || held.last == head)
        })
    }

    /// Readers have the log, followers know its head, and everyone has his own log.
    async fn is_followed(&self) -> bool {
        let heads = self.world.store.heads(self.rooms.to_vec()).await.expect("the truth answers");
        let users = self.clients.iter().map(|client| client.user).collect();
        let own = self.world.store.user_heads(users).await.expect("the truth answers");
        self.clients.iter().all(|client| {
            let rooms = client.rooms.borrow();
            let there = heads.iter().all(|head| {
                let held = &rooms[&head.room];
                let at = if held.level == Level::Full { held.last } else { held.head };
                at == head.head.get() && !held.to_page
            });
            let at = client.own_log.borrow().at;
            let own = own.iter().any(|(user, head)| *user == client.user && head.get() == at);
            there && own && client.outbox.borrow().is_empty()
        })
    }

    fn is_known(&self, gone: Option<usize>) -> bool {
        let expected = |n: usize| Some(n) != gone;
        self.clients.iter().enumerate().filter(|(n, _)| expected(*n)).all(|(_, client)| {
            let online = client.online.borrow();
            self.clients
                .iter()
                .enumerate()
                .all(|(n, other)| online.get(&other.user.0.to_string()) == Some(&expected(n)))
        })
    }

    async fn outcome(&self) -> Outcome {
        let mut outcome = Outcome { tally: self.world.tally.take(), trace: 0 };
        if self.world.outbox.was_swept() {
            outcome.tally.note("swept");
        }
        if self.world.deaths.load(Ordering::Relaxed) > 0 {
            outcome.tally.note("a room died");
        }
        for client in &self.clients {
            outcome.tally.add(&client.tally.borrow());
            outcome.trace = outcome.trace.rotate_left(7) ^ client.trace.get();
        }
        outcome
    }
}

async fn people(world: &World, names: &[&str]) -> Vec<UserId> {
    let mut users = Vec::new();
    for (n, name) in (1..).zip(names) {
        let id = UserId(Uuid::from_u128(100 + n));
        let session = SessionId(id.0);
        let user = User {
            id,
            username: Username::parse(name).expect("valid"),
            email: Email::parse(&format!("{name}@example.com")).expect("valid"),
            avatar: None,
            created_at: START,
            last_seen: None,
            email_verified: true,
            server_role: chat::domain::ServerRole::User,
            status: chat::domain::AccountStatus::Active,
            profile: chat::domain::Profile::default(),
        };
        let login = LoginSession { id: session, user: id, created_at: START, device: None, network: None };
        let hash = [u8::try_from(n).expect("few"); 32];
        let refresh = RefreshToken { hash, session, issued_at: START, expires_at: START };
        let account = NewAccount {
            user,
            password_hash: "none".into(),
            login,
            refresh,
            welcome: None,
            may_found: false,
            record: None,
        };
        world.store.create_account(account).await.expect("stored");
        users.push(id);
    }
    users
}

/// The first is public, the second is not.
async fn room(world: &World, n: u128, users: &[UserId]) -> RoomId {
    let id = RoomId(Uuid::from_u128(n));
    let room = NewRoom {
        id,
        name: RoomName::parse("general").expect("valid"),
        description: None,
        topic: None,
        is_private: n == 2,
        history: HistoryVisibility::All,
        owner: users[0],
        members: users[1..].to_vec(),
        now: START,
    };
    world.store.create_room(room).await.expect("stored");
    world.remember(id);
    id
}
