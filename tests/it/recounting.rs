//! What people are told is unread is counted over the log, now and then, by the server itself.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};

use crate::support::{TestServer, eventually, new_id};

/// What a metric of the server counts.
#[track_caller]
fn counted(server: &TestServer, metric: &str) -> u64 {
    let metrics = server.ask(None, "GET", "/metrics", None).body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.expect(metric).parse().expect("a number")
}

#[test]
fn counts_that_are_right_are_no_drift_and_a_wrong_one_is() {
    let server = TestServer::with(|settings| settings.timing.recount = Duration::from_millis(250));
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&alice);
    reader.subscribe(&room, None);
    server.send_many(&bob, &room, (0..5).map(|n| format!("{n}")));
    server.send(&alice, &room, &new_id(), "her own").expect(201);
    server.send_many(&bob, &room, (5..9).map(|n| format!("{n}")));
    let last = server.history(&bob, &room)[0]["id"].as_str().expect("an id").to_owned();
    server.ask(Some(&bob), "DELETE", &format!("/messages/{last}"), None).expect(204);
    let before = counted(&server, "unread_recounted_total");
    eventually("it was counted after that", || counted(&server, "unread_recounted_total") > before + 2);
    assert_eq!(counted(&server, "unread_drift_total"), 0);

    // A count that goes wrong: it looks at messages, and one of them lost its place.
    let path = server.data_dir().join("chat.db");
    let mut conn = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a connection");
    conn.batch_execute(
        "PRAGMA busy_timeout = 5000; UPDATE messages SET seq = 0 WHERE content = '7' AND deleted_at IS NULL;",
    )
    .expect("changed");
    eventually("it is found", || counted(&server, "unread_drift_total") > 0);
}
