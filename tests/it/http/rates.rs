//! Limits: every route has some, each answer tells of those it met, and waits that grow.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::http::header;
use chat::http::openapi;
use chat::settings::Settings;
use serde_json::{Map, Value, json};

use super::support::{Answer, Person, Site, request};

async fn limited(change: impl FnOnce(&mut Settings)) -> Site {
    Site::with(|settings| {
        settings.limits.rates_on = true;
        change(settings);
    })
    .await
}

/// The limits that a header names, with the numbers behind them.
fn told(answer: &Answer, name: &str) -> Vec<(String, Vec<u64>)> {
    let header = answer.header(name).unwrap_or_default().to_owned();
    let item = |item: &str| {
        let mut parts = item.trim().split(';');
        let name = parts.next().unwrap().trim_matches('"').to_owned();
        (name, parts.map(|part| part.split_once('=').unwrap().1.parse().unwrap()).collect())
    };
    header.split(',').filter(|part| !part.is_empty()).map(item).collect()
}

/// A body made of the document's examples.
fn example(spec: &Value, operation: &Value, room: &str) -> Option<Value> {
    let name = operation.pointer("/requestBody/content/application~1json/schema/$ref")?.as_str()?;
    let schema = &spec["components"]["schemas"][name.rsplit('/').next()?];
    let right = |(name, property): (&String, &Value)| {
        let value = match name.as_str() {
            // A number of somebody who does not exist is one all the same.
            "roomId" | "userId" => json!(room),
            // Or the next operation could not sign in.
            "currentPassword" => json!("wrong-password"),
            "refreshCookie" | "members" | "attachments" => return None,
            _ => match property.get("example") {
                Some(example) => example.clone(),
                None => by_type(property)?,
            },
        };
        Some((name.clone(), value))
    };
    Some(Value::Object(schema["properties"].as_object()?.iter().filter_map(right).collect::<Map<_, _>>()))
}

/// A value that is right for its type, where the document gives no example.
fn by_type(property: &Value) -> Option<Value> {
    if let Some(first) = property.pointer("/enum/0") {
        return Some(first.clone());
    }
    match (property["type"].as_str()?, property["format"].as_str()) {
        ("boolean", _) => Some(json!(false)),
        ("string", Some("date-time")) => Some(json!("2030-01-01T00:00:00Z")),
        _ => None,
    }
}

/// Alice of the examples, and a room of hers.
async fn alice(site: &Site) -> (Person, String) {
    let body =
        json!({ "username": "alice", "email": "alice@example.com", "password": "correct horse battery" });
    let body = site.call("POST", "/auth/register", None, Some(body)).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let alice = Person {
        id: text(&body["user"]["id"]),
        token: text(&body["token"]),
        refresh: text(&body["refreshToken"]),
    };
    let room = site.room(&alice, false).await;
    (alice, room)
}

#[actix_web::test]
async fn every_route_of_the_document_meets_the_limits_that_it_tells_of() {
    let site = limited(|_| {}).await;
    let (alice, room) = alice(&site).await;
    let spec = openapi::spec();
    // What these meet beyond the usual depends on what was there before.
    let mut fewer = BTreeSet::new();
    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            if matches!(id, "logout" | "logoutAll" | "deleteAccount") {
                continue;
            }
            site.pass(Duration::from_secs(3_600));
            let signed = json!({ "email": "alice@example.com", "password": "correct horse battery" });
            let body = site.call("POST", "/auth/login", None, Some(signed)).await.expect(200);
            site.pass(Duration::from_secs(600));
            let alice = Person { token: body["token"].as_str().unwrap().into(), ..alice.clone() };
            let part = |part: &str| match part {
                "{userId}" => alice.id.clone(),
                part if part.starts_with('{') => room.clone(),
                part => part.to_owned(),
            };
            let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "query" && parameter["required"] == true {
                    let name = parameter["name"].as_str().unwrap();
                    let value = match name {
                        "userId" => &alice.id,
                        "username" => "ali",
                        _ => &room,
                    };
                    query.push(format!("{name}={value}"));
                }
            }
            let uri = format!("{path}?{}", query.join("&"));
            let has_token = operation["security"].as_array().is_some_and(|ways| !ways.is_empty());
            let asked = request(
                &method.to_uppercase(),
                &uri,
                has_token.then_some(&alice),
                example(&spec, operation, &room),
            );
            let answer = site.ask(asked).await;
            let policies = told(&answer, "ratelimit-policy");
            let met: BTreeSet<_> = policies.iter().map(|(name, _)| name.as_str()).collect();
            let documented = operation["x-rate-limit"].as_array().unwrap();
            let names: BTreeSet<_> =
                documented.iter().map(|limit| limit["policy"].as_str().unwrap()).collect();
            assert!(
                !met.is_empty() && met.is_subset(&names),
                "{id} {}: {met:?}, not {names:?}",
                answer.status
            );
            if met != names {
                fewer.insert(id.to_owned());
            }
            for (name, numbers) in &policies {
                let limit = documented.iter().find(|limit| limit["policy"] == *name).unwrap();
                assert_eq!(json!(numbers), json!([limit["quota"], limit["windowSeconds"]]), "{id}: {name}");
            }
            let left: Vec<_> = told(&answer, "ratelimit").into_iter().map(|(name, _)| name).collect();
            assert_eq!(left, policies.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
            assert!(
                operation["responses"].get(answer.status.to_string()).is_some(),
                "{id} {}",
                answer.status
            );
        }
    }
    // The operator's token is no user's; without a second factor nothing is asked; she is confirmed.
    let allowed = ["getJourney", "renewRecoveryCodes", "removeSecondFactor", "resendVerification"];
    let beyond: Vec<_> = fewer.iter().filter(|id| !allowed.contains(&id.as_str())).collect();
    assert!(beyond.is_empty(), "{beyond:?} did not meet all of their limits");
}

#[actix_web::test]
async fn what_is_left_is_told_before_it_is_gone_and_when_it_is() {
    let site = limited(|settings| settings.limits.tickets_per_minute = 3).await;
    let (alice, _) = alice(&site).await;
    let mut tickets = Vec::new();
    let mut last = None;
    for _ in 0..4 {
        let answer = site.call("POST", "/ws/ticket", Some(&alice), None).await;
        let (_, numbers) = told(&answer, "ratelimit").into_iter().find(|(name, _)| name == "ticket").unwrap();
        tickets.push((answer.status, numbers[0], numbers[1]));
        last = Some(answer);
    }
    assert_eq!(tickets, [(201, 2, 20), (201, 1, 40), (201, 0, 60), (429, 0, 20)]);
    let last = last.unwrap();
    last.problem(429, "rateLimited");
    assert_eq!((last.header("retry-after"), last.body["retryAfterMs"].as_u64()), (Some("20"), Some(20_000)));
}

#[actix_web::test]
async fn an_address_is_limited_on_every_route_and_pages_alike_and_health_apart() {
    let site = limited(|settings| {
        (settings.limits.requests_per_second_per_ip, settings.limits.requests_burst_per_ip) = (1, 4);
    })
    .await;
    for path in ["/app/", "/openapi.json", "/nowhere", "/auth/login"] {
        let answer = site.call("GET", path, None, None).await;
        assert!(answer.status < 429, "{path}");
        assert_eq!(told(&answer, "ratelimit-policy"), [("request_address".into(), vec![4, 4])], "{path}");
    }
    for path in ["/app/", "/rooms", "/.well-known/jwks.json", "/nowhere"] {
        let answer = site.call("GET", path, None, None).await;
        answer.problem(429, "rateLimited");
        assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
    }
    for path in ["/health", "/health/ready", "/metrics"] {
        let answer = site.call("GET", path, None, None).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(told(&answer, "ratelimit-policy")[0].0, "health_address");
    }
    site.pass(Duration::from_secs(1));
    assert_eq!(site.call("GET", "/app/", None, None).await.status, 200);
}

/// Of a proxy, for a client that it names.
async fn ask(site: &Site, client: &str) -> u16 {
    let asked = request("GET", "/openapi.json", None, None)
        .insert_header((header::HeaderName::from_static("x-forwarded-for"), client.to_owned()))
        .peer_addr("10.1.2.3:4000".parse().unwrap());
    site.ask(asked).await.status
}

#[actix_web::test]
async fn what_a_client_says_of_its_address_counts_from_a_trusted_proxy_alone() {
    let narrow = |settings: &mut Settings| {
        (settings.limits.requests_per_second_per_ip, settings.limits.requests_burst_per_ip) = (1, 1);
    };
    let site = limited(narrow).await;
    assert_eq!(ask(&site, "203.0.113.1").await, 200);
    assert_eq!(ask(&site, "203.0.113.2").await, 429, "anybody can write this header");
    let site = limited(|settings| {
        narrow(settings);
        let proxies = |name: &str| (name == "CHAT_TRUSTED_PROXIES").then(|| "10.0.0.0/8".to_owned());
        settings.trusted_proxies = Settings::from_env(&proxies).unwrap().trusted_proxies;
    })
    .await;
    assert_eq!(ask(&site, "203.0.113.1").await, 200);
    assert_eq!(ask(&site, "203.0.113.2").await, 200);
    assert_eq!(ask(&site, "203.0.113.1").await, 429);
    assert_eq!(ask(&site, "198.51.100.9, 203.0.113.2").await, 429, "what stands before is the client's own");
}

#[actix_web::test]
async fn wrong_links_bring_waits_that_grow() {
    let site = limited(|settings| settings.limits.proofs_per_minute_per_ip = 3).await;
    let present = || site.call("POST", "/auth/verify-email", None, Some(json!({ "token": "wrong" })));
    for _ in 0..3 {
        present().await.wrong("token");
    }
    site.pass(Duration::from_secs(60));
    let mut waits = Vec::new();
    for _ in 0..4 {
        present().await.wrong("token");
        let refused = present().await;
        refused.problem(429, "rateLimited");
        waits.push(refused.body["retryAfterMs"].as_u64().unwrap());
        site.pass(Duration::from_secs(60));
    }
    assert_eq!(waits, [2_000, 4_000, 8_000, 16_000]);
}

#[actix_web::test]
async fn without_rates_nothing_is_told() {
    let site = Site::new().await;
    let answer = site.call("GET", "/health", None, None).await;
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
}
