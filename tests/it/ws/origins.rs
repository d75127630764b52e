//! Pages of other origins are kept out; programs, which send no origin, are not.

use crate::support::TestServer;

#[test]
fn a_page_of_the_server_itself_may_open_a_socket() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let own = format!("http://{}", server.address());
    server.upgrade().bearer(&alice.token).origin(&own).ready();
}

#[test]
fn a_foreign_page_may_not() {
    let server = TestServer::with(|s| s.allowed_origins = vec!["https://app.example.com".to_owned()]);
    let alice = server.person("alice");
    for origin in [
        "https://evil.example.com",
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "null",
        "",
    ] {
        let mut client = server.upgrade().bearer(&alice.token).origin(origin).open();
        assert!(client.expect_close(4003).is_empty(), "{origin}: nothing is told");
    }
}

#[test]
fn a_page_on_the_list_may() {
    let server = TestServer::with(|s| {
        s.allowed_origins = vec!["https://app.example.com".to_owned()];
        s.public_url = Some("https://chat.example.com/".to_owned());
    });
    let alice = server.person("alice");
    server.upgrade().bearer(&alice.token).origin("https://app.example.com").ready();
    server.upgrade().bearer(&alice.token).origin("https://chat.example.com").ready();
}

#[test]
fn a_foreign_page_does_not_use_up_a_ticket() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let ticket = server.ticket(&alice, None);
    server.upgrade().ticket(&ticket).origin("https://evil.example.com").open().expect_close(4003);
    server.upgrade().ticket(&ticket).ready();
}
