//! What the metrics say of people on real sockets.

use chat::protocol::CloseCode;
use serde_json::json;

use crate::support::{TestServer, eventually};

/// The value of a series, as it is written there.
fn value(server: &TestServer, series: &str) -> f64 {
    let text = server.ask(None, "GET", "/metrics", None).body;
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().expect("a number")
}

#[test]
fn a_delivery_is_timed_once_for_each_socket() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    writer.subscribe(&room, None);
    reader.subscribe(&room, None);
    for n in 0..3 {
        writer.say(&room, &format!("no. {n}"));
        reader.entry(&room);
    }
    eventually("both took all three", || value(&server, "message_delivery_time_ms_count") == 6.0);
    assert_eq!(value(&server, "message_delivery_time_seconds_count"), 6.0);
    let (sum, seconds) =
        (value(&server, "message_delivery_time_ms_sum"), value(&server, "message_delivery_time_seconds_sum"));
    assert!((sum / 1_000.0 - seconds).abs() < 1e-9, "{sum} ms, {seconds} s");
    assert_eq!(value(&server, "append_batch_operations_count"), value(&server, "append_batches_total"));
    assert_eq!(value(&server, "rooms_open"), 1.0);
    assert!(
        value(&server, "subscriptions_total{mode=\"uptodate\"}")
            + value(&server, "subscriptions_total{mode=\"replay\"}")
            == 2.0
    );
    assert!(value(&server, "websocket_frames_sent_total") >= 6.0);
    assert!(value(&server, "store_call_seconds_count{kind=\"write\"}") >= 3.0);
    assert_eq!(value(&server, "store_calls_failed_total{kind=\"write\"}"), 0.0);
    assert!(value(&server, "websocket_frames_received_total") >= 5.0);
    assert_eq!(value(&server, "build_info{version=\"0.1.0\"}"), 1.0);
    assert!(value(&server, "process_resident_memory_bytes") > 1e6);
}

#[test]
fn what_waits_is_told_of_rooms_and_of_connections() {
    let server = TestServer::with(|settings| settings.limits.unanswered = 1);
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.subscribe(&room, None);
    let before = value(&server, "websocket_held_back_total");
    for n in 0..3 {
        client.say(&room, &format!("no. {n}"));
    }
    // With room for one command, each holds back the next until it is answered.
    assert_eq!(value(&server, "websocket_held_back_total") - before, 3.0);
    assert_eq!(value(&server, "room_inbox_commands_count"), value(&server, "append_batches_total"));
    assert_eq!(value(&server, "room_inbox_commands_sum"), 3.0);
}

#[test]
fn it_is_told_how_connections_came_about_and_how_they_ended() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let outcome =
        |outcome: &str| value(&server, &format!("websocket_connects_total{{outcome=\"{outcome}\"}}"));
    let ended = |code: &str| value(&server, &format!("websocket_closed_total{{code=\"{code}\"}}"));
    assert_eq!((outcome("ready"), outcome("refused"), outcome("failed")), (0.0, 0.0, 0.0));
    assert!(CloseCode::ALL.iter().all(|code| ended(&code.number().to_string()) == 0.0));
    let mut client = server.connect(&alice);
    assert_eq!((outcome("ready"), value(&server, "websocket_active_connections")), (1.0, 1.0));
    server.upgrade().bearer("nonsense").open().expect_close(4301);
    eventually("the refusal is counted", || outcome("refused") == 1.0);
    assert_eq!(ended("4301"), 1.0);
    client.send(&json!({"t": "ping"}));
    client.cut();
    eventually("the cut is counted", || ended("none") == 1.0);
    assert_eq!((outcome("ready"), outcome("refused"), outcome("failed")), (1.0, 1.0, 0.0));
    assert_eq!(value(&server, "websocket_opened_total"), 2.0);
    assert_eq!(value(&server, "websocket_active_connections"), 0.0);
}
