//! Who is let in when too many come at once, and whose address it is that is counted.

use std::time::Duration;

use crate::support::TestServer;

#[test]
fn who_is_too_many_hears_so_over_http_and_when_to_come_back() {
    let server = TestServer::with(|s| {
        s.limits.rates_on = true;
        s.limits.admissions_per_second = 1;
        s.limits.admissions_burst = 3;
    });
    let alice = server.person("alice");
    let mut open: Vec<_> = (0..3).map(|_| server.connect(&alice)).collect();
    let refused = server.upgrade().bearer(&alice.token).refused();
    assert_eq!(refused.problem(503), "unavailable");
    let wait: u64 = refused.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=5).contains(&wait), "{wait}");
    open.iter_mut().for_each(crate::support::TestClient::expect_alive);
}

#[test]
fn a_full_server_says_so_until_someone_leaves() {
    let server = TestServer::with(|s| {
        s.limits.rates_on = true;
        s.limits.sockets = 2;
    });
    let alice = server.person("alice");
    let one = server.connect(&alice);
    let _two = server.connect(&alice);
    assert_eq!(server.upgrade().bearer(&alice.token).refused().problem(503), "unavailable");
    one.cut();
    server.wait_for_sockets(1);
    server.connect(&alice);
}

#[test]
fn behind_a_trusted_proxy_each_client_counts_for_himself() {
    let start = |trusted: &str| {
        let trusted = trusted.to_owned();
        TestServer::with(move |s| {
            s.limits.rates_on = true;
            s.limits.connections_per_ip = 2;
            s.timing.drain = Duration::ZERO;
            let env = |name: &str| (name == "CHAT_TRUSTED_PROXIES").then(|| trusted.clone());
            s.trusted_proxies = chat::settings::Settings::from_env(&env).expect("valid").trusted_proxies;
        })
    };
    let from = |server: &TestServer, client: &str| server.upgrade().header("x-forwarded-for", client).open();
    let server = start("127.0.0.0/8");
    let mut open: Vec<_> = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(|ip| from(&server, ip)).into();
    open.iter_mut().for_each(|client| drop(client.expect("hello")));
    from(&server, "192.0.2.1").expect_close(4106);
    // What the client itself writes in front of it changes nothing.
    from(&server, "203.0.113.7, 192.0.2.1").expect_close(4106);

    let server = start("10.0.0.0/8");
    let mut open: Vec<_> = (1..=2).map(|n| from(&server, &format!("192.0.2.{n}"))).collect();
    open.iter_mut().for_each(|client| drop(client.expect("hello")));
    from(&server, "192.0.2.3").expect_close(4106);
}
