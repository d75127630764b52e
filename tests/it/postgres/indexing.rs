//! The index beside others who hold what it reads.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chat::store::{Cut, Store};

use super::{ask, database, open, server};
use crate::contract::indexing::follow;
use crate::contract::searching::found;
use crate::contract::support::*;

#[test]
fn a_text_that_somebody_is_changing_is_left_alone_and_nobody_waits() {
    let name = database();
    run(async {
        let store: Arc<dyn Store> = open(&name).await;
        let alice = person(&store, "alice").await;
        let room = room(&store, alice, &[]).await;
        message(&store, room, 0, alice, "needle kept").await;
        let held = message(&store, room, 1, alice, "needle first").await;
        let cut: Vec<Cut> =
            store.unindexed(9).await.expect("what waits").into_iter().map(Cut::from).collect();
        // Another process that has changed it and not committed yet.
        let folder = tempfile::tempdir().expect("a folder");
        let go_on = folder.path().join("go-on");
        let holder = {
            let change =
                format!("UPDATE messages SET content = 'second thoughts' WHERE id = '{}'", held.id.0);
            let wait = format!("\\! while [ ! -e {} ]; do sleep 0.05; done", go_on.display());
            let says = ["-q", "-d", &name, "-c", "BEGIN", "-c", &change, "-c", &wait, "-c", "COMMIT"];
            let says = says.map(str::to_owned);
            thread::spawn(move || server().run("psql", &says.each_ref().map(String::as_str)))
        };
        let idle = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' \
             AND query LIKE 'UPDATE messages SET content%' AND state = 'idle in transaction'"
        );
        while ask(&name, &idle) == "0" {
            thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        assert_eq!(store.index(cut).await.expect("indexed"), 1);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        std::fs::write(go_on, "").expect("written");
        holder.join().expect("no panic").expect("it commits");
        assert_eq!(ask(&name, "SELECT string_agg(folded, '; ') FROM search"), "needle kept");
        follow(&store).await;
        assert_eq!(found(&store, alice, "thoughts").await, ["second thoughts"]);
        assert_eq!(found(&store, alice, "needle").await, ["needle kept"]);
    });
}
