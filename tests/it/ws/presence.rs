//! Who is here: told to those who watch, in digests; a short cut is seen by nobody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Event, TestClient, TestServer, eventually};

fn watch(client: &mut TestClient, users: &[&str]) -> Value {
    client.acked(json!({"t": "presence.watch", "d": {"users": users}}));
    client.until_type("presence")["d"]["users"].take()
}

#[test]
fn who_watches_is_told_who_is_here_and_who_comes() {
    let server = TestServer::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let mut watcher = server.connect(&alice);
    let _here = server.connect(&bob);
    eventually("bob is here", || server.pod().roster().online().count() == 2);
    let people = watch(&mut watcher, &[&bob.id, &carol.id]);
    assert_eq!(people[0]["userId"], bob.id.as_str());
    assert_eq!((&people[0]["isOnline"], &people[1]["isOnline"]), (&json!(true), &json!(false)));
    assert_eq!(people[1]["lastSeen"], Value::Null, "never here");
    let _comes = server.connect(&carol);
    let of_carol = json!(carol.id);
    watcher.until("carol comes", |frame| {
        let people = frame["d"]["users"].as_array().into_iter().flatten();
        frame["t"] == "presence"
            && people.into_iter().any(|p| p["userId"] == of_carol && p["isOnline"] == true)
    });
    // And over HTTP.
    let room = server.room(&alice, &[&bob]);
    let members = server.get(&alice, &format!("/rooms/{room}/members")).expect(200);
    assert_eq!(members["members"][1]["isOnline"], true);
}

#[test]
fn a_cut_is_seen_by_nobody_and_nobody_is_told_of_whom_he_does_not_watch() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut watcher = server.connect(&alice);
    let phone = server.connect(&bob);
    eventually("bob is here", || server.pod().roster().online().count() == 2);
    assert_eq!(watch(&mut watcher, &[&bob.id])[0]["isOnline"], true);
    phone.cut();
    server.wait_for_sockets(1);
    let again = server.connect(&bob);
    // What he was told at first may be told once more.
    let end = Instant::now() + Duration::from_millis(2_500);
    while let Event::Frame(frame) = watcher.event(end.saturating_duration_since(Instant::now())) {
        assert_ne!(frame["d"]["users"][0]["isOnline"], false, "{frame}");
    }
    // No longer watched, no longer told.
    assert!(watch(&mut watcher, &[&alice.id])[0]["isOnline"] == true);
    drop(again);
    server.connect(&server.person("dave"));
    let others = [&bob.id].map(|id| json!(id));
    assert!(watcher.drained().iter().all(|frame| !others.contains(&frame["d"]["users"][0]["userId"])));
}

#[test]
fn a_connection_may_say_that_it_does_not_count() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut watcher = server.connect(&alice);
    let mut hidden = server.connect(&bob);
    hidden.acked(json!({"t": "presence.set", "d": {"isOnline": false}}));
    hidden.acked(json!({"t": "presence.set", "d": {"isOnline": false}}));
    eventually("nobody counts but alice", || {
        let id = chat::domain::UserId(bob.id.parse().expect("an id"));
        server.pod().roster().connections(id) == 0
    });
    hidden.acked(json!({"t": "presence.set", "d": {"isOnline": true}}));
    let people = watch(&mut watcher, &[&bob.id]);
    assert_eq!(people[0]["isOnline"], true);
    let many: Vec<_> = (0..201).map(|_| crate::support::new_id()).collect();
    assert_eq!(watcher.refused(json!({"t": "presence.watch", "d": {"users": many}})), "badRequest");
}

#[test]
fn whoever_asks_anew_all_the_time_is_told_once_per_second() {
    let server = TestServer::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let mut watcher = server.connect(&alice);
    let _here = server.connect(&bob);
    eventually("bob is here", || server.pod().roster().online().count() == 2);
    let watch = |client: &mut TestClient, users: &[&str]| {
        client.acked(json!({"t": "presence.watch", "d": {"users": users}}));
    };
    let is_digest = |frame: &&Value| frame["t"] == "presence";
    let (begun, mut digests) = (Instant::now(), 0);
    while digests < 3 {
        watch(&mut watcher, &[&bob.id]);
        // Watching nobody in between helps nobody.
        watch(&mut watcher, &[]);
        watch(&mut watcher, &[&carol.id, &bob.id]);
        digests += watcher.drained().iter().filter(is_digest).count();
    }
    // The last list is told, when its time has come.
    watch(&mut watcher, &[&carol.id]);
    let last = watcher.until_type("presence");
    digests += 1;
    let least = Duration::from_secs(digests as u64 - 1);
    assert!(begun.elapsed() >= least, "{digests} digests within {:?}", begun.elapsed());
    let people = last["d"]["users"].as_array().expect("people");
    assert_eq!((people.len(), &people[0]["userId"]), (1, &json!(carol.id)));
}
