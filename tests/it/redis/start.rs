//! What is said at the start: of a Redis with TLS, with a password, of none at all, and of what is
//! no Redis.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use chat::bus::Bus as _;
use chat::redis::RedisFault;
use chat::torture::redis::{RedisOptions as ServerOptions, RedisServer};
use serde_json::json;

use super::{RECOVERY, cluster, flows, news, pod, server, try_pod};
use crate::support::process::{ChatProcess, command, complaint};
use crate::support::upgrade::Upgrade;
use crate::support::{TestServer, contents, eventually, http, new_id, server as people, text};

fn refused(outcome: Result<chat::redis::Redis, RedisFault>) -> String {
    match outcome {
        Ok(_) => panic!("it started"),
        Err(RedisFault::Misconfigured(line)) => {
            assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
            line
        }
        Err(fault) => panic!("it would wait: {fault}"),
    }
}

#[tokio::test]
async fn tls_is_spoken_and_checked() {
    let server =
        RedisServer::start(ServerOptions { tls: true, ..ServerOptions::default() }).expect("a Redis");
    let trusting = |settings: &mut chat::settings::RedisSettings| settings.ca_file = Some(server.ca_file());
    let one = try_pod(&server.url(), trusting).await.expect("it starts");
    let other = try_pod(&server.url(), trusting).await.expect("it starts");
    flows(&one, &other, RECOVERY).await;
    // Nobody else vouches for it.
    let line = refused(try_pod(&server.url(), |_| {}).await);
    assert!(line.contains("TLS"), "{line}");
    let missing = |settings: &mut chat::settings::RedisSettings| settings.ca_file = Some("/nowhere".into());
    assert!(refused(try_pod(&server.url(), missing).await).starts_with("CHAT_REDIS_CA_FILE: /nowhere"));
}

#[tokio::test]
async fn a_password_is_given_and_a_wrong_one_told() {
    let options = ServerOptions { password: Some("hunter2".into()), ..ServerOptions::default() };
    let server = RedisServer::start(options).expect("a Redis");
    let (one, other) = (pod(&server.url()).await, pod(&server.url()).await);
    flows(&one, &other, RECOVERY).await;
    let wrong = server.url().replace("hunter2", "hunter2hunter2");
    assert!(refused(try_pod(&wrong, |_| {}).await).contains("password is refused"));
    let none = server.url().replace(":hunter2@", "");
    assert!(refused(try_pod(&none, |_| {}).await).contains("asks for a password"));
}

#[tokio::test]
async fn a_cluster_asks_for_a_password_too() {
    let cluster = cluster();
    for node in &cluster.nodes {
        node.ask(&["CONFIG", "SET", "requirepass", "hunter2"]).expect("set");
    }
    let url = |password: &str| cluster.url().replace("://", &format!("://{password}"));
    let (one, other) = (pod(&url(":hunter2@")).await, pod(&url(":hunter2@")).await);
    flows(&one, &other, RECOVERY).await;
    assert!(refused(try_pod(&url(":hunter2hunter2@"), |_| {}).await).contains("password is refused"));
    assert!(refused(try_pod(&url(""), |_| {}).await).contains("asks for a password"));
}

#[tokio::test]
async fn users_and_databases_are_taken_from_the_address() {
    let server = server();
    server.ask(&["ACL", "SETUSER", "chat", "on", ">secret", "~*", "&*", "+@all"]).expect("a user");
    let url = server.url().replace("redis://", "redis://chat:secret@");
    let one = pod(&format!("{url}/3")).await;
    let (shard, announcement) = news();
    one.bus().publish(shard, announcement);
    one.bus().flush().await;
    assert_ne!(server.ask(&["-n", "3", "--scan", "--pattern", "bus:*"]).expect("keys"), "");
    assert_eq!(server.ask(&["-n", "0", "--scan", "--pattern", "bus:*"]).expect("keys"), "");
    let line = refused(try_pod(&format!("{url}/99"), |_| {}).await);
    assert!(line.contains("database of this number"), "{line}");
}

#[tokio::test]
async fn installations_with_prefixes_of_their_own_hear_nothing_of_each_other() {
    let server = server();
    let with = |prefix: &'static str| {
        let url = server.url();
        async move { try_pod(&url, |settings| settings.prefix = prefix.into()).await.expect("it starts") }
    };
    let (one, same, other) = (with("a:").await, with("a:").await, with("b:").await);
    flows(&one, &same, RECOVERY).await;
    assert_eq!(other.bus().counts().received, 0);
}

#[tokio::test]
async fn a_cluster_and_a_single_one_are_not_mistaken() {
    let (single, cluster) = (server(), cluster());
    let line = refused(try_pod(&single.url().replace("redis://", "redis+cluster://"), |_| {}).await);
    assert!(line.contains("no Redis Cluster"), "{line}");
    let line = refused(try_pod(&cluster.nodes[0].url(), |_| {}).await);
    assert!(line.contains("redis+cluster://"), "{line}");
}

/// Somebody who answers each connection with these words.
fn answering(words: &'static str) -> String {
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
    format!("redis://127.0.0.1:{port}")
}

#[tokio::test]
async fn what_is_no_redis_is_told() {
    for words in ["HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let line = refused(try_pod(&answering(words), |_| {}).await);
        assert!(line.contains("not a Redis"), "{line}");
    }
}

fn environment<'a>(data: &'a str, url: &'a str) -> [(&'a str, &'a str); 4] {
    [("CHAT_DATA_DIR", data), ("PORT", "0"), ("REDIS_URL", url), ("CHAT_LOG", "off")]
}

#[test]
fn the_program_ends_with_one_line_and_exit_code_78() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let data = data.path().to_str().expect("UTF-8");
    let url = answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    let output = command(&["serve"], &environment(data, &url)).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(78));
    let line = complaint(&output);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with("chat: REDIS_URL: redis://127.0.0.1:"), "{line}");
}

/// One process needs no Redis to serve those who are connected to it.
#[test]
fn a_server_serves_with_redis_and_without_it() {
    let mut redis = server();
    let mut server = TestServer::with(|settings| {
        settings.redis_url = Some(chat::settings::RedisUrl::parse(&redis.url()).expect("an address"));
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let says = |server: &TestServer, words: &str| {
        let ticket = server.ticket(&bob, None);
        let mut socket = server.upgrade().ticket(&ticket).ready();
        socket.subscribe(&room, None);
        server.send(&alice, &room, &new_id(), words).expect(201);
        assert_eq!(contents(&[socket.until_type("message.created")]), [words]);
        ticket
    };
    eventually("Redis is there", || server.pod().bus.is_up());
    let ticket = says(&server, "with");
    assert!(ticket.starts_with('r'), "{ticket}");
    redis.kill().expect("killed");
    eventually("Redis is missed", || !server.pod().bus.is_up());
    let ticket = says(&server, "without");
    assert!(ticket.starts_with('d'), "{ticket}");
    redis.start_again().expect("it starts again");
    eventually("Redis is there again", || server.pod().bus.is_up());
    eventually("tickets lie in it again", || server.ticket(&bob, None).starts_with('r'));
    server.stop();
    assert_eq!(redis.ask(&["SMEMBERS", "presence:pods"]).expect("a list"), "", "the lease is given back");
}

/// A stop tells what was announced last, even if nothing was ever read of it.
#[test]
fn a_program_that_ends_has_written_its_announcements() {
    let redis = server();
    let data = tempfile::tempdir().expect("a temporary folder");
    let url = redis.url();
    let server = ChatProcess::serve(data.path(), 0, &[("REDIS_URL", &url)]);
    let body =
        json!({"username": "alice", "email": "alice@example.com", "password": "correct horse battery"});
    let made = http::ask(server.address, "POST", "/auth/register", &[], Some(&body)).expect("an answer");
    let alice = people::signed_in(&made.expect(201), "alice@example.com".into());
    let bearer = format!("Bearer {}", alice.token);
    let headers = [("authorization", bearer.as_str())];
    let body = json!({"name": "a room", "isPrivate": false, "members": []});
    let room = http::ask(server.address, "POST", "/rooms", &headers, Some(&body)).expect("an answer");
    let room = text(&room.expect(201), "id");
    let _socket = Upgrade::new(server.address).bearer(&alice.token).ready();
    let key = new_id();
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key.as_str())];
    let body = json!({"roomId": room, "content": "the last word"});
    http::ask(server.address, "POST", "/messages", &headers, Some(&body)).expect("an answer").expect(201);
    assert!(server.terminate().success());
    let streams = redis.ask(&["--scan", "--pattern", "bus:*"]).expect("keys");
    let said: String =
        streams.lines().map(|key| redis.ask(&["XRANGE", key, "-", "+"]).expect("entries")).collect();
    assert!(said.contains("the last word"), "{said}");
}
