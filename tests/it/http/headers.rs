//! Headers of every answer: what a browser must not do with it, and whose pages may read it.

use std::collections::BTreeMap;

use actix_web::http::header;
use serde_json::json;

use super::support::{Answer, Site, request};

/// What has to be on every answer, the page of an error included.
const EVERYWHERE: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-site"),
];

/// Of each kind of answer one.
async fn answers(site: &Site) -> Vec<(String, Answer)> {
    let alice = site.register("alice").await;
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("GET", "/app/", None),
        ("GET", "/app/nothing.js", None),
        ("GET", "/docs/", None),
        ("GET", "/docs/init.js", None),
        ("GET", "/openapi.json", None),
        ("GET", "/", None),
        ("GET", "/users/me", None),
        ("GET", "/nowhere", None),
        ("PATCH", "/rooms", None),
        ("POST", "/auth/login", Some(json!({ "email": "x" }))),
        ("POST", "/auth/login", Some(json!({ "email": "alice@example.com", "password": "wrong" }))),
        ("GET", "/health", None),
        ("GET", "/metrics", None),
    ] {
        let answer = site.ask(request(method, path, Some(&alice), body)).await;
        answers.push((format!("{method} {path}: {}", answer.status), answer));
    }
    answers
}

/// Sources by directive.
fn policy(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let policies: Vec<_> = answer.headers.get_all(header::CONTENT_SECURITY_POLICY).collect();
    let [policy] = &policies[..] else { panic!("{} policies", policies.len()) };
    let words = |directive: &str| {
        let mut words = directive.split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.collect())
    };
    policy.to_str().unwrap().split(';').map(words).collect()
}

#[actix_web::test]
async fn every_answer_says_what_browsers_must_not_do() {
    let site = Site::new().await;
    for (name, answer) in answers(&site).await {
        for (header, value) in EVERYWHERE {
            assert_eq!(answer.header(header), Some(value), "{name}: {header}");
        }
        assert_eq!(answer.header("strict-transport-security"), None, "{name}: nobody said that there is TLS");
        let policy = policy(&answer);
        assert_eq!(policy["frame-ancestors"], ["'none'"], "{name}");
        assert_eq!(policy["base-uri"], ["'none'"], "{name}");
        for (directive, sources) in &policy {
            for source in sources {
                // `data:` is for pictures; people's own come by the server's public name.
                let is_fine = matches!(source.as_str(), "'self'" | "'none'")
                    || directive == "img-src" && matches!(source.as_str(), "data:" | "blob:")
                    || matches!(directive.as_str(), "connect-src" | "img-src") && source.contains("://");
                assert!(is_fine, "{name}: {directive} {source}");
            }
        }
        let is_page = answer.header("content-type").is_some_and(|media| media.starts_with("text/html"));
        let expected = if is_page { "'self'" } else { "'none'" };
        assert_eq!(policy["default-src"], [expected], "{name}");
    }
}

#[actix_web::test]
async fn over_tls_browsers_are_told_to_stay_there() {
    let site = Site::with(|settings| settings.public_url = Some("https://chat.example.com".into())).await;
    for (name, answer) in answers(&site).await {
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "{name}");
    }
}

/// The page may be served by the server or by nginx: it must not matter which.
#[actix_web::test]
async fn the_pages_own_image_says_the_same() {
    let site = Site::with(|settings| settings.public_url = Some("https://chat.example.com".into())).await;
    let ask = request("GET", "/app/", None, None).insert_header((header::HOST, "chat.example.com"));
    let own = site.ask(ask).await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/frontend/default.conf");
    let nginx = std::fs::read_to_string(path).unwrap();
    let mut compared = Vec::new();
    for line in nginx.lines().filter_map(|line| line.trim().strip_prefix("add_header ")) {
        let (name, value) = line.trim_end_matches(';').trim_end_matches(" always").split_once(' ').unwrap();
        let value = value.trim_matches('"');
        let value = match value {
            "$chat_hsts" => "max-age=31536000".to_owned(),
            // About how the files lie there, and for how long they are kept.
            "$chat_encoding" | "$chat_cache" | "Accept-Encoding" => continue,
            _ => value
                .replace("$chat_connect", "'self' ws://chat.example.com wss://chat.example.com")
                .replace("$chat_images", " https://chat.example.com"),
        };
        assert_eq!(own.header(name), Some(value.as_str()), "{name}");
        compared.push(name.to_ascii_lowercase());
    }
    assert!(nginx.contains("https \"max-age=31536000\";"));
    let ours = EVERYWHERE.iter().map(|(name, _)| *name);
    for name in ours.chain(["content-security-policy", "strict-transport-security"]) {
        assert!(compared.iter().any(|known| known == name), "nginx says nothing of {name}");
    }
}

#[actix_web::test]
async fn a_host_that_is_none_gets_into_no_policy() {
    let site = Site::new().await;
    for odd in ["a; script-src *", "a b", "évil", ""] {
        let Ok(value) = header::HeaderValue::from_bytes(odd.as_bytes()) else { continue };
        let ask = request("GET", "/app/", None, None).insert_header((header::HOST, value));
        assert_eq!(policy(&site.ask(ask).await)["connect-src"], ["'self'"], "{odd}");
    }
}

#[actix_web::test]
async fn pages_of_the_two_hosts_may_read_and_send_the_cookie_and_no_other_may() {
    let site = Site::with(|settings| settings.public_url = Some("https://chat.example.com".into())).await;
    let preflight = |origin: &str| {
        request("OPTIONS", "/auth/refresh", None, None)
            .insert_header((header::ORIGIN, origin.to_owned()))
            .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "POST"))
            .insert_header((header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type, x-requested-with"))
    };
    let plain = |origin: &str| {
        request("GET", "/health", None, None).insert_header((header::ORIGIN, origin.to_owned()))
    };
    for origin in ["https://chat.example.com", "https://app.example.com"] {
        let answer = site.ask(preflight(origin)).await;
        assert_eq!(answer.status, 204);
        let allowed = answer.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains("x-requested-with") && allowed.contains("authorization"), "{allowed}");
        for answer in [answer, site.ask(plain(origin)).await] {
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
            assert!(answer.headers.get_all(header::VARY).any(|vary| vary == "Origin"), "{origin}");
        }
    }
    for origin in [
        "https://evil.example.com",
        "https://example.com",
        "http://chat.example.com",
        "https://chat.example.com:8443",
        "https://chat.example.com.evil.example",
        "https://xchat.example.com",
        "https://chat.example.com/",
        "null",
        "*",
        "",
    ] {
        for answer in [site.ask(preflight(origin)).await, site.ask(plain(origin)).await] {
            for name in ["origin", "credentials", "methods", "headers"] {
                let name = format!("access-control-allow-{name}");
                assert_eq!(answer.header(&name), None, "{origin}: {name}");
            }
        }
        assert_ne!(site.ask(preflight(origin)).await.status, 204, "{origin}");
    }
}
