//! `chat admin user`, `session` and `audit`, beside the servers that use the database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::pods::pods;
use crate::support::process::{complaint, run};
use crate::support::{Person, TestServer, text};
use crate::{postgres, redis};

/// By when a socket has to be closed.
const SOON: Duration = Duration::from_secs(2);

/// Asks `chat admin`, on the database of a server with one file.
#[track_caller]
fn admin(server: &TestServer, arguments: &[&str]) -> Value {
    let data = server.data_dir().to_str().expect("UTF-8").to_owned();
    on(&[("CHAT_DATA_DIR", &data)], arguments)
}

#[track_caller]
fn on(env: &[(&str, &str)], arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["admin"].iter().chain(arguments).chain(&["--json"]).copied().collect();
    let env: Vec<_> = env.iter().copied().chain([("CHAT_BCRYPT_COST", "4")]).collect();
    let output = run(&all, &env);
    assert!(output.status.success(), "{}", complaint(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn log_in(server: &TestServer, email: &str, password: &str) -> crate::support::http::Answer {
    server.ask(None, "POST", "/auth/login", Some(&json!({"email": email, "password": password})))
}

fn me(server: &TestServer, person: &Person) -> Value {
    server.get(person, "/users/me").expect(200)
}

#[test]
fn the_first_account_of_an_embedded_database_administers_and_roles_are_given_by_hand() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    assert_eq!(me(&server, &alice)["serverRole"], "administrator");
    assert_eq!(me(&server, &bob)["serverRole"], "user");
    assert_eq!(server.get(&bob, "/admin/audit").problem(403), "forbidden");
    let given = admin(&server, &["user", "role", "bob", "administrator"]);
    assert_eq!((&given["id"], &given["serverRole"]), (&json!(bob.id), &json!("administrator")));
    let records = server.get(&bob, "/admin/audit?event=roleChanged").expect(200);
    let record = &records["records"][0];
    assert_eq!((&record["actor"], &record["subjectId"]), (&json!("operator"), &json!(bob.id)));
    assert_eq!(record["detail"], "user -> administrator");

    let listed = admin(&server, &["user", "list"]);
    let names: Vec<_> =
        listed.as_array().expect("a list").iter().map(|user| text(user, "username")).collect();
    assert_eq!(names, ["alice", "bob"]);
    for way in ["ALICE", "alice@example.com", &alice.id] {
        assert_eq!(admin(&server, &["user", "show", way])["id"], alice.id);
    }
}

#[test]
fn a_disabled_account_is_out_within_two_seconds_until_it_is_opened() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let mut socket = server.connect(&alice);
    assert_eq!(admin(&server, &["session", "list", "alice"]).as_array().expect("a list").len(), 1);
    assert_eq!(admin(&server, &["user", "disable", "alice", "--yes"])["endedLogins"], 1);
    let since = Instant::now();
    socket.expect_close(4303);
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    assert_eq!(server.get(&alice, "/users/me").problem(401), "unauthorized");
    assert_eq!(log_in(&server, &alice.email, "correct horse battery").problem(403), "accountDisabled");
    assert_eq!(log_in(&server, &alice.email, "something else").problem(401), "unauthorized");
    assert_eq!(admin(&server, &["user", "show", "alice"])["status"], "disabled");
    assert_eq!(admin(&server, &["user", "enable", "alice"])["status"], "active");
    let alice = server.login(&alice);
    let session = admin(&server, &["session", "list", "alice"])[0]["id"].clone();
    let mut socket = server.connect(&alice);
    admin(&server, &["session", "revoke", "alice", session.as_str().expect("an id"), "--yes"]);
    socket.expect_close(4303);
}

#[test]
fn a_password_made_by_chance_is_the_only_one_from_then_on() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let reset = admin(&server, &["user", "reset-password", "alice", "--yes"]);
    assert_eq!(server.get(&alice, "/users/me").problem(401), "unauthorized");
    assert_eq!(log_in(&server, &alice.email, "correct horse battery").problem(401), "unauthorized");
    log_in(&server, &alice.email, &text(&reset, "password")).expect(200);
    let audit = admin(&server, &["audit", "--user", "alice"]);
    assert!(!audit.to_string().contains(&text(&reset, "password")), "{audit}");
    let events: Vec<_> =
        audit.as_array().expect("records").iter().map(|record| text(record, "event")).collect();
    assert_eq!(events, ["loginSucceeded", "loginFailed", "passwordReset", "accountCreated"]);
}

#[test]
fn nothing_is_done_to_nobody_or_unasked() {
    let server = TestServer::start();
    server.person("alice");
    let data = server.data_dir().to_str().expect("UTF-8");
    let said = |arguments: &[&str]| {
        let all: Vec<&str> = ["admin"].iter().chain(arguments).copied().collect();
        let output = run(&all, &[("CHAT_DATA_DIR", data)]);
        assert_eq!(output.status.code(), Some(1));
        complaint(&output)
    };
    let unasked = "chat: nobody is here to be asked: say --yes where that is meant\n";
    for command in ["disable", "reset-password", "delete"] {
        assert_eq!(said(&["user", command, "alice"]), unasked, "{command}");
    }
    assert_eq!(said(&["session", "revoke", "alice"]), unasked);
    assert_eq!(admin(&server, &["user", "show", "alice"])["status"], "active");
    let unknown = "chat: there is no account \"bob\", by id, name or address\n";
    assert_eq!(said(&["user", "show", "bob"]), unknown);
    assert_eq!(said(&["user", "disable", "bob", "--yes"]), unknown);
    let time = "chat: --since: \"yesterday\" is no time as in RFC 3339\n";
    assert_eq!(said(&["audit", "--since", "yesterday"]), time);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let path = elsewhere.path().to_str().expect("UTF-8");
    let output = run(&["admin", "user", "list"], &[("CHAT_DATA_DIR", path)]);
    assert!(complaint(&output).contains("there is no database at"), "{}", complaint(&output));
}

#[test]
fn every_process_closes_the_sockets_of_who_is_out() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url(), |_| {});
    let alice = here.person("alice");
    assert_eq!(me(&here, &alice)["serverRole"], "user", "nobody administers PostgreSQL by coming first");
    let other = there.login(&alice);
    let (mut one, mut two) = (here.connect(&alice), there.connect(&other));
    let url = here.settings().database_url.clone().expect("an address");
    assert_eq!(on(&[("DATABASE_URL", &url)], &["user", "disable", "alice", "--yes"])["endedLogins"], 2);
    let since = Instant::now();
    one.expect_close(4303);
    two.expect_close(4303);
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    // What is not there is made by `chat migrate`, and by nothing else.
    let bare = postgres::new_name();
    postgres::server().create_database(&bare, None).expect("a database");
    let bare = postgres::server().url(&bare);
    let output = run(&["admin", "user", "list"], &[("DATABASE_URL", &bare)]);
    assert!(complaint(&output).contains("run chat migrate first"), "{}", complaint(&output));
}
