//! Taking one's data along, and ending one's account.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::pods::pods;
use crate::redis;
use crate::support::{Person, TestServer, eventually, new_id, text};

/// Waits until a job is done, and answers it.
#[track_caller]
fn done(server: &TestServer, person: &Person, job: &Value) -> Value {
    let path = format!("/users/me/jobs/{}", text(job, "id"));
    let mut last = Value::Null;
    eventually("the job is done", || {
        last = server.get(person, &path).expect(200);
        last["state"] == "done"
    });
    last
}

fn export(server: &TestServer, person: &Person) -> Value {
    server.post(person, "/users/me/export", &json!({})).expect(202)
}

/// The objects of an export, by their types.
#[track_caller]
fn fetched(server: &TestServer, person: &Person, job: &Value) -> BTreeMap<String, Vec<Value>> {
    let answer = server.get(person, &format!("/users/me/jobs/{}/result", text(job, "id")));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert!(answer.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    let mut found = BTreeMap::<String, Vec<Value>>::new();
    // However the body was cut on its way, each object is a line.
    for line in answer.body.lines().filter(|line| line.starts_with('{')) {
        let value: Value = serde_json::from_str(line).expect(line);
        found.entry(text(&value, "type")).or_default().push(value);
    }
    found
}

fn end(server: &TestServer, person: &Person, messages: &str) -> Value {
    let body = json!({"password": "correct horse battery", "messages": messages});
    server.ask(Some(person), "DELETE", "/users/me", Some(&body)).expect(202)
}

#[test]
fn an_export_holds_what_is_kept_of_her_and_nothing_of_others() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.private_room(&alice, &[&bob]);
    server.send_many(&alice, &room, (0..250).map(|n| format!("mine {n}")));
    let his = text(&server.send(&bob, &room, &new_id(), "his own").expect(201), "id");
    server.post(&alice, &format!("/messages/{his}/report"), &json!({"reason": "dull"})).expect(204);
    // What others do of the same kind, to her and beside her.
    let hers = server.history(&bob, &room).into_iter().find(|message| message["userId"] == json!(alice.id));
    let hers = text(&hers.expect("a message of hers"), "id");
    server.post(&bob, &format!("/messages/{hers}/report"), &json!({"reason": "too many"})).expect(204);
    server.ask(Some(&bob), "PUT", &format!("/users/me/blocks/{}", alice.id), None).expect(204);
    server.ask(Some(&alice), "PUT", &format!("/users/me/blocks/{}", bob.id), None).expect(204);
    let carol = server.person("carol");
    server.post(&carol, "/auth/logout", &json!({})).expect(204);
    let carol = server.login(&carol);
    let other = server.room(&carol, &[]);
    server.post(&carol, &format!("/rooms/{other}/invites"), &json!({"userId": alice.id})).expect(201);
    let job = export(&server, &alice);
    assert_eq!((&job["kind"], &job["progress"]), (&json!("export"), &json!(0.0)));
    let over = done(&server, &alice, &job);
    assert_eq!(over["progress"], 1.0);
    assert!(over["finishedAt"].is_string());
    let found = fetched(&server, &alice, &job);
    assert_eq!(found["account"][0]["user"]["email"], "alice@example.com");
    let texts: Vec<_> = found["message"].iter().map(|line| text(&line["message"], "content")).collect();
    assert_eq!(texts.len(), 250);
    assert!(texts.iter().all(|text| text.starts_with("mine ")));
    assert_eq!((&found["room"][0]["id"], &found["room"][0]["role"]), (&json!(room), &json!("owner")));
    assert_eq!(found["room"][0]["settings"]["isFavourite"], false);
    assert_eq!(found["invitation"][0]["roomId"], other);
    assert_eq!((&found["block"][0]["userId"], found["block"].len()), (&json!(bob.id), 1));
    let report = &found["report"][0];
    assert_eq!((&report["messageId"], &report["reason"]), (&json!(his), &json!("dull")));
    assert_eq!((&report["roomId"], found["report"].len()), (&json!(room), 1));
    assert!(text(report, "at") <= text(&over, "finishedAt"), "as it was then: {report}");
    let events: Vec<_> = found["record"].iter().map(|line| text(line, "event")).collect();
    assert!(found["login"].len() == 1 && !events.is_empty());
    assert!(!events.contains(&"logout".to_owned()), "it was another who logged out: {events:?}");

    let path = format!("/users/me/jobs/{}", text(&job, "id"));
    assert_eq!(server.get(&bob, &path).problem(404), "notFound");
    assert_eq!(server.get(&bob, &format!("{path}/result")).problem(404), "notFound");
    assert_eq!(server.get(&bob, "/users/me/jobs").expect(200), json!({"jobs": []}));
    // A later one takes its place.
    let later = export(&server, &alice);
    assert_ne!(later["id"], job["id"]);
    assert_eq!(server.get(&alice, &path).problem(404), "notFound");
    done(&server, &alice, &later);
    assert_eq!(server.get(&alice, "/users/me/jobs").expect(200)["jobs"].as_array().expect("jobs").len(), 1);
}

#[test]
fn who_goes_is_out_at_once_and_what_he_wrote_stays_under_no_name() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    server.send(&alice, &room, &new_id(), "for ever").expect(201);
    let wrong = json!({"password": "something else"});
    assert_eq!(server.ask(Some(&alice), "DELETE", "/users/me", Some(&wrong)).problem(400), "badRequest");
    let odd = json!({"password": "correct horse battery", "messages": "burn"});
    assert_eq!(server.ask(Some(&alice), "DELETE", "/users/me", Some(&odd)).problem(400), "badRequest");
    let mut socket = server.connect(&alice);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    let job = end(&server, &alice, "keep");
    assert_eq!(job["kind"], "deletion");
    socket.expect_close(4303);
    assert_eq!(server.get(&alice, "/users/me").problem(401), "unauthorized");
    let left = reader.until_type("member.left");
    assert_eq!(left["d"]["userId"], alice.id);
    let path = format!("/users/{}", alice.id);
    eventually("she is forgotten", || {
        text(&server.get(&bob, &path).expect(200), "username").starts_with("deleted-")
    });
    let history = server.history(&bob, &room);
    assert_eq!((&history[0]["content"], &history[0]["userId"]), (&json!("for ever"), &json!(alice.id)));
    let members = server.get(&bob, &format!("/rooms/{room}/members")).expect(200);
    assert_eq!(members["members"].as_array().expect("members").len(), 1);
    // Both her name and her address are free again; her old place is nobody's name.
    let again = server.person("alice");
    assert_ne!(again.id, alice.id);
    let name = text(&server.get(&bob, &path).expect(200), "username");
    let taken = json!({"username": name, "email": "x@example.com", "password": "correct horse battery"});
    assert_eq!(server.ask(None, "POST", "/auth/register", Some(&taken)).problem(400), "badRequest");
}

#[test]
fn messages_of_who_goes_lose_their_texts_and_keep_their_places() {
    let server = TestServer::with(|settings| settings.accounts.edit_window = std::time::Duration::ZERO);
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let [room, left] = [(); 2].map(|()| server.room(&bob, &[&alice]));
    for n in 0..20 {
        server.send(&alice, &room, &new_id(), &format!("mine {n}")).expect(201);
        server.send(&bob, &room, &new_id(), &format!("his {n}")).expect(201);
    }
    server.send(&alice, &left, &new_id(), "before she left").expect(201);
    server.leave(&alice, &left);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    end(&server, &alice, "delete");
    reader.until_type("message.deleted");
    reader.until_type("member.left");
    let history = server.history(&bob, &room);
    assert_eq!(history.len(), 40);
    for message in &history {
        let is_hers = message["userId"] == json!(alice.id);
        assert_eq!(is_hers, message["content"] == "" && message.get("deletedAt").is_some(), "{message}");
    }
    assert_eq!(server.history(&bob, &left)[0]["content"], "");
}

#[test]
fn who_goes_leaves_archived_rooms_too_and_keeps_a_place_in_conversations() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&bob, &[&alice]);
    let opened = server.post(&alice, "/direct-rooms", &json!({"userIds": [bob.id]})).expect(200);
    let conversation = text(&opened, "id");
    for room in [&room, &conversation] {
        server.send(&alice, room, &new_id(), "between us").expect(201);
    }
    server.ask(Some(&bob), "POST", &format!("/rooms/{room}/archive"), None).expect(200);
    end(&server, &alice, "delete");
    let path = format!("/users/{}", alice.id);
    eventually("she is forgotten", || {
        text(&server.get(&bob, &path).expect(200), "username").starts_with("deleted-")
    });
    for (room, members) in [(&room, 1), (&conversation, 2)] {
        let seen = server.get(&bob, &format!("/rooms/{room}")).expect(200);
        assert_eq!(seen["memberCount"], members);
        assert_eq!(server.history(&bob, room)[0]["content"], "");
    }
    let seen = server.get(&bob, &format!("/rooms/{conversation}")).expect(200);
    assert!(text(&seen, "name").starts_with("deleted-"));
}

#[test]
fn a_job_that_a_process_left_halfway_is_done_by_another() {
    let bus = redis::server();
    let [mut here, there] = pods(&bus.url(), |_| {});
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&bob, &[&alice]);
    here.send_many(&alice, &room, (0..30).map(|n| format!("mine {n}")));
    let mut reader = there.connect(&bob);
    reader.subscribe(&room, None);
    end(&here, &alice, "delete");
    // Whatever it has done by now, it does no more.
    here.stop();
    let path = format!("/users/{}", alice.id);
    let forgotten = || text(&there.get(&bob, &path).expect(200), "username").starts_with("deleted-");
    eventually("the other did it", forgotten);
    assert!(there.history(&bob, &room).iter().all(|message| message["content"] == ""));
}

#[test]
fn jobs_are_counted_for_operators() {
    let server = TestServer::start();
    let alice = server.person("alice");
    done(&server, &alice, &export(&server, &alice));
    let metrics = server.ask(None, "GET", "/metrics", None).body;
    for line in [
        "jobs{state=\"queued\"}",
        "jobs{state=\"running\"}",
        "jobs{state=\"failed\"} 0",
        "jobs_oldest_seconds",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}

#[test]
fn logins_are_counted_by_how_they_end() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let login = |password: &str| {
        let body = json!({"email": "alice@example.com", "password": password});
        server.ask(None, "POST", "/auth/login", Some(&body)).status
    };
    assert_eq!((login("correct horse battery"), login("wrong horse battery")), (200, 401));
    server.ask(Some(&alice), "POST", "/auth/logout", None).expect(204);
    let metrics = server.ask(None, "GET", "/metrics", None).body;
    for (action, count) in [
        ("accountCreated", 1),
        ("loginSucceeded", 1),
        ("loginFailed", 1),
        ("logout", 1),
        ("refreshReused", 0),
    ] {
        let line = format!("account_events_total{{action=\"{action}\"}} {count}");
        assert!(metrics.contains(&line), "{line}");
    }
}
