//! `chat admin why`: why somebody has a message, or has it not, asked of a server of several.

use chat::settings::Secret;
use serde_json::{Value, json};

use crate::pods::pods;
use crate::redis;
use crate::support::process::{complaint, run};
use crate::support::{Person, TestServer, eventually, new_id, text};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Asks this server as its operator does: by the program, with the server's secret.
#[track_caller]
fn why(server: &TestServer, message: &str, person: &Person) -> Value {
    let url = format!("http://{}", server.address());
    let arguments = ["admin", "why", message, &person.id, "--server", &url, "--json"];
    let output = run(&arguments, &[("JWT_SECRET", SECRET)]);
    assert!(output.status.success(), "{}", complaint(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The stations of the way, each with the process that noted it.
fn stations(journey: &Value) -> Vec<(String, String)> {
    let steps = journey["steps"].as_array().expect("steps");
    steps.iter().map(|step| (text(step, "pod"), text(step, "station"))).collect()
}

#[test]
fn a_message_is_followed_from_one_process_to_a_socket_of_another() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url(), |s| s.journey_one_in = 1);
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| here.person(name));
    let room = here.room(&alice, &[&bob, &carol]);
    let mut reader = there.connect(&bob);
    reader.subscribe(&room, None);
    let said = here.send(&alice, &room, &new_id(), "hi").expect(201);
    let message = text(&said, "id");
    let seq = reader.entry(&room)["seq"].clone();

    // Asked of the process that had nothing to do with his socket.
    let journey = why(&here, &message, &bob);
    assert_eq!((&journey["verdict"], &journey["seq"]), (&json!("written"), &seq));
    let (a, b) = (here.pod().id.to_string(), there.pod().id.to_string());
    let way = stations(&journey);
    let expected = [(&a, "submitted"), (&a, "committed"), (&a, "announced"), (&b, "heard"), (&b, "written")];
    for (pod, station) in expected {
        assert!(way.iter().any(|(p, s)| p == pod && s == station), "{station} in {pod} is not in {way:?}");
    }
    let written = journey["steps"].as_array().expect("steps").iter().find(|s| s["station"] == "written");
    assert_eq!(written.expect("it")["connId"], reader.hello["connId"]);

    // What his client says counts more.
    reader.acked(json!({"t": "mark.received", "room": room, "d": {"seq": seq}}));
    assert_eq!(why(&there, &message, &bob)["verdict"], "received");
    reader.acked(json!({"t": "mark.read", "room": room, "d": {"seq": seq}}));
    assert_eq!(why(&there, &message, &bob)["verdict"], "read");

    // Of Bob's connection nobody hears who asks about Carol. She is away, and gets it when she is back.
    let journey = why(&there, &message, &carol);
    assert_eq!(journey["verdict"], "offline");
    assert!(stations(&journey).iter().all(|(_, station)| station != "written"), "{journey}");
    let mut late = there.connect(&carol);
    late.subscribe(&room, Some(3));
    late.entry(&room);
    eventually("it was replayed to her", || why(&here, &message, &carol)["verdict"] == "written");
    here.leave(&carol, &room);
    assert_eq!(why(&here, &message, &carol)["verdict"], "notMember");
}

#[test]
fn of_a_message_that_is_not_followed_the_rest_is_told() {
    let server = TestServer::with(|s| {
        s.journey_one_in = 0;
        s.jwt_secret = vec![Secret::new(SECRET)];
    });
    let [alice, bob] = ["alice", "bob"].map(|name| server.person(name));
    let room = server.room(&alice, &[&bob]);
    let message = text(&server.send(&alice, &room, &new_id(), "hi").expect(201), "id");
    let journey = why(&server, &message, &bob);
    assert_eq!((&journey["verdict"], &journey["isFollowed"]), (&json!("offline"), &json!(false)));
    assert_eq!(journey["steps"], json!([]));
    assert_eq!(why(&server, &message, &alice)["verdict"], "author");

    let url = format!("http://{}", server.address());
    let told = run(&["admin", "why", &message, &bob.id, "--server", &url], &[("JWT_SECRET", SECRET)]);
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    assert!(told.starts_with("offline: He has no connection now"), "{told}");
    assert!(told.contains("steps    none: the way of this message is not noted"), "{told}");
}

#[test]
fn only_the_operator_and_administrators_are_told_and_that_is_recorded() {
    let server = TestServer::with(|s| s.jwt_secret = vec![Secret::new(SECRET)]);
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let message = text(&server.send(&alice, &room, &new_id(), "hi").expect(201), "id");
    let path = format!("/admin/messages/{message}/journey?userId={}", alice.id);
    // The first of an embedded database administers it.
    assert_eq!(server.get(&alice, &path).expect(200)["verdict"], "author");
    let bob = server.person("bob");
    assert_eq!(server.get(&bob, &path).problem(403), "forbidden");
    let read = server.get(&alice, "/admin/audit?event=journeyRead").expect(200);
    let [record] = &read["records"].as_array().expect("records")[..] else { panic!("one record: {read}") };
    assert_eq!((&record["actorId"], &record["subjectId"]), (&json!(alice.id), &json!(alice.id)));
    assert_eq!(record["detail"], format!("message {message}"));
    assert_eq!(server.ask(None, "GET", &path, None).problem(401), "unauthorized");

    let url = format!("http://{}", server.address());
    let ask = |message: &str, secret| {
        let env = [("JWT_SECRET", secret)];
        let output = run(&["admin", "why", message, &alice.id, "--server", &url], &env);
        assert_eq!(output.status.code(), Some(1));
        complaint(&output)
    };
    let other = "another secret of enough bytes to be one";
    assert_eq!(ask(&message, other), "chat: the server answers 401: the access token is not valid\n");
    assert_eq!(ask(&new_id(), SECRET), "chat: the server answers 404: message not found\n");
}
