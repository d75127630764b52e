//! The program as an operator meets it: exit codes, one clear line for what is wrong, and what it
//! keeps on disk.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use crate::support::process::{ChatProcess, command, complaint, quiet_port, run};
use crate::support::upgrade::Upgrade;
use crate::support::{eventually, http, server, text};

#[test]
fn a_wrong_setting_is_one_line_that_names_it_and_exit_code_78() {
    for (name, value) in [
        ("PORT", "eighty"),
        ("CHAT_BCRYPT_COST", "99"),
        ("REDIS_URL", "localhost:6379"),
        ("JWT_SECRET", "short"),
    ] {
        for command in ["serve", "check-config", "migrate", "healthcheck"] {
            let output = run(&[command], &[(name, value)]);
            assert_eq!(output.status.code(), Some(78), "{command} with {name}={value}");
            let line = complaint(&output);
            assert_eq!(line.lines().count(), 1, "{line}");
            assert!(line.starts_with(&format!("chat: {name}: ")), "{line}");
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn valid_settings_are_said_to_be_valid() {
    let output = run(&["check-config"], &[("PORT", "0")]);
    assert!(output.status.success());
    assert_eq!(output.stdout, b"the settings are valid\n");
    assert_eq!(complaint(&output), "");
}

#[test]
fn a_setting_that_there_is_not_is_told_with_the_one_that_was_meant() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let misspelt = ("CHAT_EDIT_WINDOWS_SECONDS", "a-secret");
    let output = run(&["check-config"], &[misspelt]);
    assert!(output.status.success());
    let line = complaint(&output);
    assert!(
        line.contains("CHAT_EDIT_WINDOWS_SECONDS") && line.contains("CHAT_EDIT_WINDOW_SECONDS"),
        "{line}"
    );
    assert!(line.lines().count() == 1 && !line.contains("a-secret"), "{line}");
    // Who starts it reads so in the log; it serves all the same.
    let place = ("CHAT_DATA_DIR", data.path().to_str().expect("UTF-8"));
    let env = [misspelt, place, ("PORT", "0"), ("CHAT_LOG", "warn")];
    let mut serving = command(&["serve"], &env).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut line = String::new();
    let log = serving.stderr.take().expect("its log");
    BufReader::new(log).read_line(&mut line).expect("a line");
    serving.kill().expect("ended");
    serving.wait().expect("ended");
    assert!(line.contains("WARN") && line.contains("there is CHAT_EDIT_WINDOW_SECONDS"), "{line}");
}

#[test]
fn the_schema_is_brought_up_to_date_once() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let env = [("CHAT_DATA_DIR", data.path().to_str().expect("UTF-8"))];
    let first = run(&["migrate"], &env);
    assert!(first.status.success(), "{}", complaint(&first));
    let said = String::from_utf8(first.stdout).expect("UTF-8");
    assert!(said.lines().all(|line| line.starts_with("applied ")) && !said.is_empty(), "{said}");
    let second = run(&["migrate"], &env);
    assert_eq!(second.stdout, b"the schema is up to date\n");
}

#[test]
fn the_openapi_document_is_printed() {
    let output = run(&["openapi"], &[]);
    assert!(output.status.success());
    let document = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(document.contains("openapi:") && document.contains("/messages"), "{document}");
}

#[test]
fn the_health_check_tells_whether_the_server_lives() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let port = quiet_port();
    let number = port.to_string();
    let check = || run(&["healthcheck"], &[("PORT", &number), ("HOST", "0.0.0.0")]);
    assert!(!check().status.success());
    assert_eq!(complaint(&check()).lines().count(), 1);
    let mut process = ChatProcess::serve(data.path(), port, &[]);
    let up = check();
    assert!(up.status.success(), "{}", complaint(&up));
    process.kill();
    assert!(!check().status.success());
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let first = ChatProcess::serve(data.path(), 0, &[]);
    let folder = data.path().to_str().expect("UTF-8");
    let env = [("CHAT_DATA_DIR", folder), ("PORT", "0"), ("CHAT_LOG", "off")];
    let second = run(&["serve"], &env);
    assert_eq!(second.status.code(), Some(1));
    let line = complaint(&second);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains("chat.db"), "{line}");
    http::ask(first.address, "GET", "/health/ready", &[], None).expect("the first lives").expect(200);
}

#[test]
fn a_port_that_is_taken_is_one_line() {
    let (data, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let first = ChatProcess::serve(data.path(), 0, &[]);
    let port = first.address.port().to_string();
    let folder = other.path().to_str().expect("UTF-8");
    let second = run(&["serve"], &[("CHAT_DATA_DIR", folder), ("PORT", &port), ("CHAT_LOG", "off")]);
    assert_eq!(second.status.code(), Some(1));
    let line = complaint(&second);
    assert!(line.starts_with("chat: HOST, PORT: ") && line.lines().count() == 1, "{line}");
}

#[test]
fn metrics_with_a_port_of_their_own_are_served_there_alone_and_to_the_end() {
    let (data, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let port = quiet_port().to_string();
    let env = [("CHAT_METRICS_PORT", &*port), ("CHAT_DRAIN_WAIT_SECONDS", "60")];
    let process = ChatProcess::serve(data.path(), 0, &env);
    let inside = format!("127.0.0.1:{port}").parse().expect("an address");
    let get = |at, path| http::ask(at, "GET", path, &[], None).expect("an answer");
    assert!(get(inside, "/metrics").body.contains("websocket_active_connections 0"));
    for path in ["/health", "/messages", "/app/", "/"] {
        assert_eq!(get(inside, path).problem(404), "notFound", "{path}");
    }
    assert_eq!(get(process.address, "/metrics").problem(404), "notFound");
    assert_eq!(http::ask(inside, "POST", "/metrics", &[], None).expect("an answer").status, 405);

    let folder = other.path().to_str().expect("UTF-8");
    let second =
        [("CHAT_METRICS_PORT", &*port), ("CHAT_DATA_DIR", folder), ("PORT", "0"), ("CHAT_LOG", "off")];
    let second = run(&["serve"], &second);
    assert_eq!(second.status.code(), Some(1));
    let line = complaint(&second);
    assert!(line.starts_with("chat: CHAT_METRICS_HOST, CHAT_METRICS_PORT: "), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");

    process.signal("TERM");
    eventually("it is not ready", || get(process.address, "/health/ready").status == 503);
    assert_eq!(get(inside, "/metrics").status, 200);
    assert!(process.terminate().success(), "told twice, it ends at once");
}

#[test]
fn it_ends_well_when_told_to_even_with_sockets_open() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let process = ChatProcess::serve(data.path(), 0, &[("CHAT_DRAIN_SECONDS", "1")]);
    let mut client = Upgrade::new(process.address).open();
    client.expect("hello");
    let reader = std::thread::spawn(move || {
        client.until_type("server.draining");
        client.expect_close(4200);
    });
    assert!(process.terminate().success());
    reader.join().expect("told and closed");
}

#[test]
fn the_secret_is_made_once_and_for_its_owner_only() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let process = ChatProcess::serve(data.path(), 0, &[]);
    let file = data.path().join("jwt-secret");
    let secret = std::fs::read(&file).expect("made");
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let body =
        json!({"username": "alice", "email": "alice@example.com", "password": "correct horse battery"});
    let answer = http::ask(process.address, "POST", "/auth/register", &[], Some(&body)).expect("an answer");
    let alice = server::signed_in(&answer.expect(201), "alice@example.com".to_owned());
    assert!(process.terminate().success());

    let process = ChatProcess::serve(data.path(), 0, &[]);
    assert_eq!(std::fs::read(&file).expect("kept"), secret);
    let client = Upgrade::new(process.address).bearer(&alice.token).ready();
    assert_eq!(text(&client.ready["user"], "id"), alice.id);
}

#[test]
fn an_unknown_command_is_refused() {
    let output = run(&["dance"], &[]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn told_twice_it_stops_at_once() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let process = ChatProcess::serve(data.path(), 0, &[("CHAT_DRAIN_SECONDS", "60")]);
    let mut client = Upgrade::new(process.address).open();
    client.expect("hello");
    process.signal("TERM");
    client.until_type("server.draining");
    assert!(process.terminate().success());
}

#[test]
fn a_folder_that_cannot_be_made_is_one_line() {
    let data = tempfile::NamedTempFile::new().expect("a temporary file");
    let inside = data.path().join("inside");
    let env = [("CHAT_DATA_DIR", inside.to_str().expect("UTF-8")), ("PORT", "0"), ("CHAT_LOG", "off")];
    let output = command(&["serve"], &env).stdout(Stdio::null()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    let line = complaint(&output);
    assert!(line.starts_with("chat: CHAT_DATA_DIR: ") && line.lines().count() == 1, "{line}");
}
