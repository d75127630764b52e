//! What is checked before the first call, each with one line for the person who starts the server:
//! the address, who is there, what it promises, TLS, and whether it is still the same database.

use std::time::{Duration, Instant};

use chat::store::Store;
use chat::store::postgres::{Address, OpenError, PgOptions, PgStore};
use chat::torture::postgres::{PgServer, Setup};

use super::{address, ask, database, new_name, open, open_at, options, own_server, server};
use crate::contract::support::run;
use crate::support::{eventually, process};

async fn refused(url: &str, options: PgOptions) -> OpenError {
    match PgStore::open(address(url), options).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            error
        }
    }
}

#[test]
fn a_wrong_password_or_database_is_said_at_once() {
    let access = "host all locked 127.0.0.1/32 scram-sha-256\n".to_owned();
    let server = own_server(Setup { access, ..Setup::default() });
    server.sql("postgres", "CREATE ROLE locked LOGIN PASSWORD 'p/a ss@'").expect("a role");
    server.sql("postgres", "CREATE DATABASE chat OWNER locked").expect("a database");
    let url = |password: &str, name: &str| {
        format!("postgres://locked{password}@127.0.0.1:{}/{name}", server.port())
    };
    run(async {
        open_at(&url(":p%2Fa%20ss%40", "chat")).await.expect("the right password");
        for (url, part) in [
            (url(":wrong", "chat"), "password authentication failed"),
            (url("", "chat"), "password missing"),
            (url(":p%2Fa%20ss%40", "nowhere"), "\"nowhere\" does not exist"),
        ] {
            let begun = Instant::now();
            let error = refused(&url, options()).await;
            assert!(matches!(error, OpenError::Refused { .. }) && error.is_configuration(), "{error:?}");
            assert!(error.to_string().contains(part) && !error.to_string().contains("wrong@"), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(10), "nothing to wait for");
        }
    });
    // The same from the outside: one line, and the code of a wrong configuration.
    let env = [("DATABASE_URL", url(":wrong", "chat"))];
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for command in ["serve", "migrate"] {
        let output = process::run(&[command], &env);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains("chat: the database at 127.0.0.1") && !said.contains("wrong"), "{said}");
    }
}

#[test]
fn an_address_that_is_none_is_found_by_check_config() {
    for (url, part) in [
        ("mysql://u:hunter2@h/db", "DATABASE_URL: must be"),
        ("postgres://u:hunter2@h:port/db", "DATABASE_URL: is no address"),
        ("postgres://u:hunter2@h/db?sslmode=verify-ca", "sslrootcert"),
    ] {
        let output = process::run(&["check-config"], &[("DATABASE_URL", url)]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
    }
    let fine = [("DATABASE_URL", "postgres://chat:secret@db.example.com/chat?sslmode=verify-full")];
    assert!(process::run(&["check-config"], &fine).status.success());
}

#[test]
fn a_database_that_is_away_is_waited_for() {
    let port = process::quiet_port();
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    run(async {
        let begun = Instant::now();
        let mut short = options();
        short.start_wait = Duration::from_secs(1);
        let error = refused(&url, short).await;
        assert!(matches!(error, OpenError::Away { .. }) && !error.is_configuration(), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    });
    // One that starts later than the store.
    let mut server = own_server(Setup::default());
    let url = server.url("postgres");
    server.stop(chat::torture::postgres::Stop::Fast).expect("stopped");
    let opening = std::thread::spawn(move || run(open_at(&url)).map(|store| run(store.ping())));
    std::thread::sleep(Duration::from_millis(500));
    server.restart().expect("started");
    opening.join().expect("no panic").expect("a store").expect("an answer");
}

#[test]
fn a_starter_that_hangs_holds_up_others_no_longer_than_agreed() {
    let name = database();
    // It took the lock of those who start, and says no more.
    let holder = {
        let name = name.clone();
        std::thread::spawn(move || {
            let lock = format!("SELECT pg_advisory_lock({})", 0x6368_6174_0001_i64);
            let says = ["-q", "-d", &name, "-c", &lock, "-c", "\\! sleep 5"];
            server().run("psql", &says)
        })
    };
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = \
                (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("it holds the lock", || ask(&name, held) == "1");
    run(async {
        let begun = Instant::now();
        let mut short = options();
        short.start_wait = Duration::from_secs(1);
        let error = refused(&server().url(&name), short).await;
        assert!(matches!(error, OpenError::Busy { .. }) && !error.is_configuration(), "{error:?}");
        assert!(error.to_string().contains("another process"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        // Who has more patience gets it once it is given back.
        open(&name).await.ping().await.expect("an answer");
    });
    holder.join().expect("no panic").expect("it ended by itself");
}

#[test]
fn a_database_that_may_lose_commits_is_refused() {
    let name = database();
    let url = server().url(&name);
    run(async {
        for (setting, what) in [
            (format!("ALTER DATABASE {name} SET synchronous_commit = off"), "synchronous_commit = off"),
            (format!("ALTER DATABASE {name} RESET synchronous_commit"), ""),
            (format!("ALTER DATABASE {name} SET synchronous_commit = local"), ""),
        ] {
            ask(&name, &setting);
            if what.is_empty() {
                open_at(&url).await.expect("safe enough");
            } else {
                let error = refused(&url, options()).await;
                assert!(error.is_configuration(), "{error:?}");
                assert!(error.to_string().contains(what), "{error}");
                assert!(error.to_string().contains("CHAT_ALLOW_UNSAFE_COMMIT"), "{error}");
                let mut unsafe_options = options();
                unsafe_options.allow_unsafe_commit = true;
                PgStore::open(address(&url), unsafe_options).await.expect("meant");
            }
        }
    });
    let unsafe_server =
        own_server(Setup { settings: vec![("fsync".into(), "off".into())], ..Setup::default() });
    let error = run(refused(&unsafe_server.url("postgres"), options()));
    assert!(error.to_string().contains("fsync = off"), "{error}");
}

/// A certificate for this name signed by itself, and its key.
fn certificate(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn tls_keeps_what_its_mode_promises() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (cert, key) = certificate("localhost");
    let (ours, another) = (file("ours.pem", &cert), file("another.pem", &certificate("localhost").0));
    let certificate = Some((cert, key));
    let secret = own_server(Setup { certificate, ..Setup::default() });
    let plain = server();
    let url = |server: &PgServer, host: &str, query: &str| {
        format!("postgres://postgres@{host}:{}/postgres?{query}", server.port())
    };
    let is_encrypted = |server: &PgServer| {
        server.sql(
            "postgres",
            "SELECT bool_or(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
            WHERE a.application_name = 'chat'",
        )
    };
    let verify_full = format!("sslmode=verify-full&sslrootcert={ours}");
    run(async {
        for (host, query, encrypted) in [
            ("127.0.0.1", "sslmode=disable", "f"),
            ("127.0.0.1", "sslmode=prefer", "t"),
            ("127.0.0.1", "sslmode=require", "t"),
            ("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={ours}"), "t"),
            ("127.0.0.1", &format!("sslmode=require&sslrootcert={ours}"), "t"),
            ("localhost", &verify_full, "t"),
        ] {
            let store = open_at(&url(&secret, host, query)).await;
            let store = store.unwrap_or_else(|error| panic!("{query}: {error}"));
            store.ping().await.expect("an answer");
            assert_eq!(is_encrypted(&secret).expect("an answer"), encrypted, "{query}");
        }
        for (server, host, query) in [
            // For another name, from an unknown issuer, and where there is no TLS.
            (&secret, "127.0.0.1", verify_full.as_str()),
            (&secret, "localhost", &format!("sslmode=verify-full&sslrootcert={another}")),
            (&secret, "localhost", &format!("sslmode=verify-ca&sslrootcert={another}")),
            (&secret, "localhost", "sslmode=verify-full"),
            (plain, "127.0.0.1", "sslmode=require"),
        ] {
            let error = refused(&url(server, host, query), options()).await;
            assert!(matches!(error, OpenError::Refused { .. }), "{query}: {error:?}");
            assert!(error.to_string().contains("TLS"), "{query}: {error}");
        }
        open_at(&url(plain, "127.0.0.1", "sslmode=prefer")).await.expect("without, where there is none");
    });
}

#[test]
fn an_epoch_belongs_to_one_cluster() {
    let name = database();
    run(async {
        let epoch = open(&name).await.epoch().await.expect("an epoch");
        assert_eq!(open(&name).await.epoch().await.expect("an epoch"), epoch, "nothing happened");

        // Wound back to a backup, or taken over by a standby: another timeline.
        ask(
            &name,
            "UPDATE meta SET value = convert_to(replace(convert_from(value, 'UTF8'), ':0', ':1'), 'UTF8')
            WHERE name = 'identity'",
        );
        let store = open(&name).await;
        let wound_back = store.epoch().await.expect("an epoch");
        assert_ne!(wound_back, epoch);
        assert_eq!(open(&name).await.epoch().await.expect("an epoch"), wound_back, "once");

        // A copy in another cluster.
        let other = own_server(Setup::default());
        let dump = server().folder().join("dump");
        let path = dump.to_str().expect("UTF-8");
        server().run("pg_dump", &["-Fc", "-f", path, &name]).expect("a dump");
        other.create_database(&name, None).expect("a database");
        other.run("pg_restore", &["-d", &name, path]).expect("restored");
        let copy = open_at(&other.url(&name)).await.expect("a store").epoch().await.expect("an epoch");
        assert_ne!(copy, wound_back);
        assert_eq!(store.epoch().await.expect("an epoch"), wound_back, "the original stays");
    });
}

#[test]
fn who_may_not_ask_for_the_identity_is_served_all_the_same() {
    let name = database();
    ask(&name, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    ask(&name, "CREATE ROLE plain_role LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain_role");
    let url = format!("postgres://plain_role@127.0.0.1:{}/{name}", server().port());
    run(async {
        let store = open_at(&url).await.expect("a store");
        let epoch = store.epoch().await.expect("an epoch");
        assert_eq!(open_at(&url).await.expect("a store").epoch().await.expect("an epoch"), epoch);
    });
}

#[test]
fn an_address_shows_no_password() {
    let address = Address::parse("postgres://chat:hunter2@db/chat").expect("valid");
    assert!(!format!("{address} {address:?}").contains("hunter2"));
    assert!(new_name().starts_with("story_"));
}
