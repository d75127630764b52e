//! What only the store in PostgreSQL can promise, against a real server: one for all stories, with
//! a database of its own for each. It ends with this process, whatever ends that.

mod appending;
mod auditing;
mod drift;
mod indexing;
mod losing;
mod migrating;
mod starting;
mod sweeping;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use chat::domain::Epoch;
use chat::store::Store;
use chat::store::postgres::{Address, OpenError, PgOptions, PgStore, migrate};
use chat::torture::postgres::{PgServer, Setup};

use crate::contract::support::{new_id, run};

/// What new databases are copied from: the schema, and no epoch yet.
const TEMPLATE: &str = "chat_template";

/// The server of all stories that do nothing to it.
#[track_caller]
pub fn server() -> &'static PgServer {
    static SERVER: OnceLock<Result<PgServer, String>> = OnceLock::new();
    match SERVER.get_or_init(|| PgServer::start(Setup::default()).and_then(with_template)) {
        Ok(server) => server,
        Err(error) => panic!("{error}"),
    }
}

/// A server of one's own, to be ill-treated.
#[track_caller]
pub fn own_server(setup: Setup) -> PgServer {
    PgServer::start(setup).unwrap_or_else(|error| panic!("{error}"))
}

fn with_template(server: PgServer) -> Result<PgServer, String> {
    server.create_database(TEMPLATE, None)?;
    let migrated = migrate(address(&server.url(TEMPLATE)), options());
    // The first story that comes here runs on a runtime already.
    thread::scope(|scope| scope.spawn(|| run(migrated)).join())
        .expect("no panic")
        .map_err(|e| e.to_string())?;
    Ok(server)
}

pub fn address(url: &str) -> Address {
    Address::parse(url).expect("an address")
}

pub fn options() -> PgOptions {
    let mut options = PgOptions::new(Arc::new(|| Epoch(new_id())));
    options.connections = 8;
    options.start_wait = Duration::from_secs(20);
    options
}

/// A name that no other database of the server has.
pub fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("story_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A database of one's own with the schema of now.
#[track_caller]
pub fn database() -> String {
    let name = new_name();
    server().create_database(&name, Some(TEMPLATE)).expect("a database");
    name
}

/// The store on a database of the server of all stories.
pub async fn open(database: &str) -> Arc<PgStore> {
    open_at(&server().url(database)).await.expect("a store")
}

pub async fn open_at(url: &str) -> Result<Arc<PgStore>, OpenError> {
    PgStore::open(address(url), options()).await.map(Arc::new)
}

/// An empty store, as the contract asks for one: on a database that a story before has left, or on
/// a new one. Removing a database would make the server write everything down first.
pub async fn temporary() -> Arc<dyn Store> {
    static USED: Mutex<Vec<(String, Weak<dyn Store>)>> = Mutex::new(Vec::new());
    let left = {
        let mut used = USED.lock().expect("nobody panics in here");
        let over = used.iter().position(|(_, store)| store.strong_count() == 0);
        over.map(|place| used.swap_remove(place).0)
    };
    let name = left.inspect(|name| drop(ask(name, EMPTY))).unwrap_or_else(database);
    let store: Arc<dyn Store> = open(&name).await;
    USED.lock().expect("nobody panics in here").push((name, Arc::downgrade(&store)));
    store
}

/// Leaves the schema alone.
const EMPTY: &str = "ALTER TABLE audit DISABLE TRIGGER USER; DELETE FROM audit; ALTER TABLE audit ENABLE TRIGGER USER;
    DELETE FROM job_parts; DELETE FROM jobs; DELETE FROM blocks; DELETE FROM outbox; DELETE FROM tickets; DELETE FROM mentions; DELETE FROM user_log;
    DELETE FROM log; DELETE FROM reactions; DELETE FROM pins; DELETE FROM thread_marks; DELETE FROM reporters; DELETE FROM reports; DELETE FROM messages; DELETE FROM search; DELETE FROM search_queue; DELETE FROM members; DELETE FROM invites;
    DELETE FROM bans; DELETE FROM conduct; DELETE FROM rooms;
    DELETE FROM refresh_tokens; DELETE FROM logins; DELETE FROM letters; DELETE FROM proofs;
    DELETE FROM email_changes; DELETE FROM recovery_codes; DELETE FROM second_factors; DELETE FROM files; DELETE FROM users;
    DELETE FROM meta WHERE name <> 'min_binary_schema'";

/// What a database answers to a question with one value.
#[track_caller]
pub fn ask(database: &str, question: &str) -> String {
    server().sql(database, question).unwrap_or_else(|error| panic!("{question}: {error}"))
}
