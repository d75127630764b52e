//! What an operator gets wrong about the database and Redis: one clear line, and exit code 78 where
//! starting again would not help. More of it in `tests/it/postgres/starting.rs` and
//! `tests/it/redis/start.rs`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use chat::torture::redis::{RedisOptions, RedisServer};

use crate::postgres::{ask, database, new_name, server};
use crate::support::process::{complaint, quiet_port, run};

const COMMANDS: [&[&str]; 3] = [&["serve"], &["migrate"], &["admin", "new-epoch"]];

/// The one line that a command ends with.
#[track_caller]
fn line(arguments: &[&str], env: &[(&str, &str)], code: i32) -> String {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut all = vec![("PORT", "0"), ("CHAT_LOG", "off")];
    if !env.iter().any(|(name, _)| *name == "CHAT_DATA_DIR") {
        all.push(("CHAT_DATA_DIR", data.path().to_str().expect("UTF-8")));
    }
    all.extend_from_slice(env);
    let output = run(arguments, &all);
    let line = complaint(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {line}");
    assert!(line.starts_with("chat: ") && line.lines().count() == 1, "{arguments:?}: {line}");
    assert!(output.stdout.is_empty());
    line
}

/// Does to the database what no server does.
fn tamper(path: &std::path::Path, statements: &str) {
    use diesel::Connection as _;
    use diesel::connection::SimpleConnection as _;
    let path = path.to_str().expect("UTF-8");
    let mut conn = diesel::SqliteConnection::establish(path).expect("a connection");
    conn.batch_execute(statements).expect("done");
}

#[test]
fn a_file_that_is_no_database_or_a_newer_one_is_a_wrong_configuration() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let env = [("CHAT_DATA_DIR", data.path().to_str().expect("UTF-8"))];
    let file = data.path().join("chat.db");
    for words in
        ["hi", "Dear reader, this is no database at all.", "SQLite format 3\0 and then nothing of it"]
    {
        std::fs::write(&file, words).expect("written");
        for command in COMMANDS {
            assert!(line(command, &env, 78).contains("chat.db is not a SQLite database"));
        }
        assert_eq!(std::fs::read_to_string(&file).expect("read"), words, "it is left alone");
    }
    std::fs::remove_file(&file).expect("removed");
    assert!(run(&["migrate"], &env).status.success());
    tamper(&file, "UPDATE meta SET value = CAST('29990101000000' AS BLOB) WHERE name = 'min_binary_schema'");
    for command in COMMANDS {
        let line = line(command, &env, 78);
        assert!(line.contains("chat.db is for newer servers") && line.contains("29990101000000"), "{line}");
    }
}

#[test]
fn a_newer_schema_in_postgresql_is_a_wrong_configuration() {
    let name = database();
    ask(&name, "UPDATE meta SET value = '29990101000000' WHERE name = 'min_binary_schema'");
    for command in COMMANDS {
        let line = line(command, &[("DATABASE_URL", &server().url(&name))], 78);
        assert!(line.contains("for newer servers") && line.contains("29990101000000"), "{line}");
    }
}

#[test]
fn an_epoch_is_not_renewed_where_the_schema_is_too_old_or_absent() {
    let name = new_name();
    server().create_database(&name, None).expect("a database");
    let line_of_it = line(COMMANDS[2], &[("DATABASE_URL", &server().url(&name))], 78);
    assert!(line_of_it.contains("run chat migrate first"), "{line_of_it}");
    assert!(line(COMMANDS[2], &[], 78).contains("there is no database at"));
}

#[test]
fn a_database_that_does_not_answer_is_waited_for_and_then_said_to_be_away() {
    let away = format!("postgres://chat@127.0.0.1:{}/chat", quiet_port());
    for command in COMMANDS {
        let begun = Instant::now();
        let line = line(command, &[("DATABASE_URL", &away), ("CHAT_STORE_START_SECONDS", "1")], 1);
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(line.contains("did not answer within 1 s") && line.contains("refused"), "{line}");
    }
}

/// Somebody who answers each connection with these words, and ends it.
fn answering(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut question = [0; 64];
            // What the other side thinks of it is what the test is about.
            let _answered = stream.read(&mut question).and_then(|_| stream.write_all(words.as_bytes()));
        }
    });
    port
}

#[test]
fn what_is_no_postgresql_is_one_line() {
    for (words, code) in [
        // It might yet become one.
        ("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", 1),
        // An S means that TLS is spoken from here on, which is then not so.
        ("SSH-2.0-OpenSSH_9.2\r\n", 78),
    ] {
        let url = format!("postgres://chat:hunter2@127.0.0.1:{}/chat", answering(words));
        let line = line(&["serve"], &[("DATABASE_URL", &url), ("CHAT_STORE_START_SECONDS", "1")], code);
        assert!(line.contains("chat: the database at 127.0.0.1:") && !line.contains("hunter2"), "{line}");
    }
}

#[test]
fn a_wrong_password_for_redis_is_a_wrong_configuration() {
    let options = RedisOptions { password: Some("right".into()), ..RedisOptions::default() };
    let redis = RedisServer::start(options).expect("a Redis");
    let url = |password: &str| format!("redis://{password}127.0.0.1:{}", redis.port());
    let wrong = line(&["serve"], &[("REDIS_URL", &url(":hunter2@"))], 78);
    assert!(wrong.contains("REDIS_URL") && wrong.contains("password is refused"), "{wrong}");
    assert!(!wrong.contains("hunter2"), "{wrong}");
    let none = line(&["serve"], &[("REDIS_URL", &url(""))], 78);
    assert!(none.contains("asks for a password"), "{none}");
}
