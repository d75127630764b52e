//! Several processes on one database: each mail goes once, whoever carries it.

use std::collections::HashMap;

use serde_json::json;

use super::{Catcher, Manner, counts, follow, mail_by};
use crate::cluster::pods_with;
use crate::postgres::database;
use crate::redis;
use crate::support::{eventually, text};

#[test]
fn of_two_processes_one_carries_each_mail() {
    let catcher = Catcher::start(Manner::Plain);
    let [here, there] = pods_with(&database(), None, |settings| mail_by(settings, &catcher));
    for n in 0..20 {
        if n % 2 == 0 { &here } else { &there }.person(&format!("person{n}"));
    }
    let mut mails: HashMap<String, usize> = HashMap::new();
    for _ in 0..20 {
        *mails.entry(catcher.mail().to).or_default() += 1;
    }
    assert_eq!(mails.len(), 20, "{mails:?}");
    eventually("nothing waits", || counts(&here, "mail_queue_letters 0"));
    assert!(catcher.is_empty());
}

#[test]
fn a_new_password_closes_the_sockets_of_every_login_in_every_process() {
    let (catcher, bus) = (Catcher::start(Manner::Plain), redis::server());
    let [here, there] = pods_with(&database(), Some(&bus.url()), |settings| mail_by(settings, &catcher));
    let alice = here.person("alice");
    let bob = here.person("bob");
    follow(&there, &catcher.mail_to("alice@example.com"), "verify-email", json!({})).expect(204);
    let (mut one, mut two, mut stays) = (here.connect(&alice), there.connect(&alice), there.connect(&bob));
    let forgotten = json!({ "email": "alice@example.com" });
    there.ask(None, "POST", "/auth/forgot-password", Some(&forgotten)).expect(202);
    let mail = catcher.mail_to("alice@example.com");
    let begun = std::time::Instant::now();
    follow(&here, &mail, "reset-password", json!({ "password": "another password" })).expect(204);
    for socket in [&mut one, &mut two] {
        let before = socket.expect_close(4303);
        assert_eq!(before.last().expect("a word first")["t"], "session.revoked");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    stays.expect_alive();
    let told = catcher.mail_to("alice@example.com");
    assert_eq!(told.header("Subject"), "Your password was changed");
    for (password, status) in [("correct horse battery", 401), ("another password", 200)] {
        let login = json!({ "email": "alice@example.com", "password": password });
        there.ask(None, "POST", "/auth/login", Some(&login)).expect(status);
    }
}

#[test]
fn a_login_is_ended_from_another_process_and_then_all_of_them() {
    let bus = redis::server();
    let [here, there] = pods_with(&database(), Some(&bus.url()), |_| {});
    let alice = here.person("alice");
    let (phone, laptop) = (here.login(&alice), there.login(&alice));
    let mut sockets = [&alice, &phone, &laptop].map(|login| there.connect(login));
    let listed = here.ask(Some(&phone), "GET", "/auth/sessions", None).expect(200);
    let sessions = listed["sessions"].as_array().expect("a list");
    assert_eq!(sessions.len(), 3);
    let current = sessions.iter().find(|session| session["isCurrent"] == true).expect("the one that asks");
    let path = format!("/auth/sessions/{}", text(current, "id"));
    let begun = std::time::Instant::now();
    here.ask(Some(&alice), "DELETE", &path, None).expect(204);
    sockets[1].expect_close(4303);
    sockets[2].expect_alive();
    here.ask(Some(&alice), "POST", "/auth/logout-all", None).expect(204);
    sockets[0].expect_close(4303);
    sockets[2].expect_close(4303);
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    for login in [&alice, &phone, &laptop] {
        there.ask(Some(login), "GET", "/users/me", None).expect(401);
    }
}
