//! What messages cost the servers behind two processes: statements, transactions and round trips,
//! counted by the metrics that operators read.

use serde_json::json;

use crate::redis;
use crate::support::{Person, TestClient, TestServer, contents, new_id};

/// Everything below is counted in so many rounds, and the cheapest counts: what the sweeper asks
/// every second is nobody's message.
const ROUNDS: usize = 8;

/// Two processes that ask for nothing by themselves, as far as that can be told them.
fn pods(redis: &str) -> [TestServer; 2] {
    crate::pods::pods(redis, |s| {
        s.timing.reconcile = std::time::Duration::from_secs(3_600);
        s.timing.search = std::time::Duration::from_secs(3_600);
    })
}

/// A counter of a process.
#[track_caller]
fn count(server: &TestServer, metric: &str) -> u64 {
    let text = server.ask(None, "GET", "/metrics", None).body;
    let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{metric} in {text}")).parse().expect("a count")
}

/// By how much each counter grew in the round in which it grew least.
fn cheapest<const N: usize>(server: &TestServer, metrics: [&str; N], mut round: impl FnMut()) -> [u64; N] {
    let mut least = [u64::MAX; N];
    for _ in 0..ROUNDS {
        let before = metrics.map(|metric| count(server, metric));
        round();
        for ((least, metric), before) in least.iter_mut().zip(metrics).zip(before) {
            *least = (*least).min(count(server, metric) - before);
        }
    }
    least
}

/// Reads so many messages of a room.
#[track_caller]
fn read(reader: &mut TestClient, room: &str, messages: usize) -> Vec<String> {
    contents(&reader.entries(room, messages))
}

fn room_of_two(here: &TestServer, there: &TestServer) -> (Person, Person, String, TestClient, TestClient) {
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    let mut writer = here.connect(&alice);
    writer.subscribe(&room, None);
    let mut reader = there.connect(&bob);
    reader.subscribe(&room, None);
    (alice, bob, room, writer, reader)
}

#[test]
fn a_burst_is_one_transaction_and_one_pipeline_per_batch_and_its_readers_cost_no_statement() {
    const BURST: usize = 200;
    let bus = redis::server();
    let [here, there] = pods(&bus.url());
    let (_alice, _bob, room, mut writer, mut reader) = room_of_two(&here, &there);
    let metrics = ["append_batches_total", "store_transactions_total", "bus_pipelines_total"];
    let mut more = [i64::MAX; 2];
    let mut statements_there = u64::MAX;
    for round in 0..ROUNDS {
        let before = metrics.map(|metric| count(&here, metric));
        let before_there = count(&there, "store_statements_total");
        let said: Vec<_> = (0..BURST).map(|n| format!("{round} {n}")).collect();
        for content in &said {
            writer.send(&TestClient::message(&room, &new_id(), content));
        }
        assert_eq!(read(&mut reader, &room, BURST), said);
        writer.entries(&room, BURST);
        statements_there = statements_there.min(count(&there, "store_statements_total") - before_there);
        let mut grown = metrics.map(|metric| count(&here, metric));
        grown.iter_mut().zip(before).for_each(|(now, before)| *now -= before);
        let [batches, rest @ ..] = grown.map(u64::cast_signed);
        assert!(batches >= 1 && batches < BURST as i64 / 4, "{BURST} messages in {batches} batches");
        more.iter_mut().zip(rest).for_each(|(more, of)| *more = (*more).min(of - batches));
    }
    assert!(more.iter().all(|more| *more <= 0), "transactions and pipelines beyond batches: {more:?}");
    assert_eq!(statements_there, 0, "whom the bell reaches asks the database nothing");
}

#[test]
fn a_message_alone_is_one_transaction_and_one_pipeline() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url());
    let (_alice, _bob, room, mut writer, mut reader) = room_of_two(&here, &there);
    let metrics =
        ["append_batches_total", "store_transactions_total", "store_statements_total", "bus_pipelines_total"];
    let costs = cheapest(&here, metrics, || {
        writer.say(&room, "hi");
        assert_eq!(read(&mut reader, &room, 1), ["hi"]);
    });
    assert_eq!(costs, [1, 1, 10, 1]);
}

#[test]
fn coming_back_where_nothing_was_missed_costs_two_statements() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url());
    let (alice, _bob, room, mut writer, _reader) = room_of_two(&here, &there);
    let head = writer.say(&room, "hi")["seq"].clone();
    let epoch = writer.hello["epoch"].clone();
    let [statements] = cheapest(&here, ["store_statements_total"], || {
        let mut back = here.connect(&alice);
        back.send(&json!({"t": "resume", "d": {"epoch": epoch, "rooms": [[room, "full", head]]}}));
        let answer = back.until_type("room.subscribed");
        assert_eq!(answer["d"]["mode"], "uptodate");
        back.until_type("resumed");
        back.cut();
    });
    assert!((1..=2).contains(&statements), "{statements} statements");
}

#[test]
fn a_room_that_nobody_reads_in_a_process_costs_one_statement_more_whoever_comes() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url());
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    // A room of its own for each round: nobody has read it there.
    let rooms: Vec<_> = (0..ROUNDS).map(|_| here.room(&alice, &[&bob])).collect();
    let mut fresh = rooms.iter();
    let [statements] = cheapest(&there, ["store_statements_total"], || {
        let room = fresh.next().expect("one for each round");
        for person in [&alice, &bob] {
            let mut client = there.connect(person);
            let epoch = client.hello["epoch"].clone();
            client.send(&json!({"t": "resume", "d": {"epoch": epoch, "rooms": [[room, "full", 2]]}}));
            assert_eq!(client.until_type("room.subscribed")["d"]["mode"], "uptodate");
            client.until_type("resumed");
            client.cut();
        }
    });
    // The second finds it there, and the store is asked whether it grew.
    assert!((4..=6).contains(&statements), "{statements} statements for two people");
}

#[test]
fn what_people_added_to_a_page_of_history_costs_one_round_trip() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url());
    let (alice, _bob, room, mut writer, _reader) = room_of_two(&here, &there);
    for n in 0..20 {
        writer.say(&room, &format!("message {n}"));
    }
    // Who asks; a snapshot, the room, the membership, the page and its end; signs, pins and threads.
    let metrics = ["store_statements_total", "store_round_trips_total"];
    let costs = cheapest(&here, metrics, || assert_eq!(here.history(&alice, &room).len(), 20));
    assert_eq!(costs, [9, 7]);
}
