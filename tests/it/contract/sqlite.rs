//! How the SQLite store is opened for the stories.

use std::sync::Arc;

use chat::domain::Epoch;
use chat::store::Store;
use chat::store::sqlite::{SqliteOptions, SqliteStore};

use super::support::new_id;

pub fn options() -> SqliteOptions {
    SqliteOptions::new(Epoch(new_id()))
}

/// As a server has it: a file, a writer thread and reader threads.
pub async fn temporary() -> Arc<dyn Store> {
    Arc::new(SqliteStore::temporary(options()).expect("a database"))
}

/// As simulations have it: in memory, without threads.
pub async fn inline() -> Arc<dyn Store> {
    Arc::new(SqliteStore::inline(options()).expect("a database"))
}
