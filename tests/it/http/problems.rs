//! Requests that fit nothing, pages, and the headers of every answer.

use actix_web::test::TestRequest;
use chat::http::openapi;
use serde_json::{Value, json};

use super::support::{Site, request};

#[actix_web::test]
async fn every_wrong_request_gets_a_problem_body() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    site.call("GET", "/nowhere", None, None).await.problem(404, "notFound");
    site.call("GET", "/rooms/", None, None).await.problem(404, "notFound");
    for (method, path, allowed) in [
        ("DELETE", "/rooms", "GET, HEAD, POST"),
        ("GET", "/auth/login", "POST"),
        ("PUT", "/messages/x", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/metrics", "GET, HEAD"),
        ("POST", "/app/", "GET, HEAD"),
    ] {
        let answer = site.call(method, path, None, None).await;
        answer.problem(405, "methodNotAllowed");
        assert_eq!(answer.header("allow"), Some(allowed));
    }
    let post = || request("POST", "/auth/login", None, None);
    let json =
        |body: &'static str| post().insert_header(("content-type", "application/json")).set_payload(body);
    site.ask(post().set_payload("email=a")).await.problem(415, "unsupportedMedia");
    site.ask(post().insert_header(("content-type", "text/plain")).set_payload("{}"))
        .await
        .problem(415, "unsupportedMedia");
    for wrong in ["", "{", "[]", "null", "1", r#""x""#, r#"{"email":1,"password":"x"}"#, "\u{0}"] {
        site.ask(json(wrong)).await.wrong("body");
    }
    site.ask(json("{}")).await.wrong("email");
    site.ask(json(r#"{"email":"a","email":"b","password":"c"}"#)).await.wrong("email");
    let huge = json!({ "name": "x".repeat(70_000) });
    site.post("/rooms", &alice, huge).await.problem(413, "tooLarge");
    site.get("/rooms/not-an-id", &alice).await.wrong("roomId");
    for id in ["%ff", "%2e%2e", "%F0%9F%A6%80"] {
        site.get(&format!("/rooms/{id}"), &alice).await.wrong("roomId");
        site.get(&format!("/messages?roomId={id}"), &alice).await.wrong("roomId");
    }
    let deep = request("POST", "/rooms", Some(&alice), None)
        .insert_header(("content-type", "application/json"))
        .set_payload(format!(r#"{{"name":"x","extra":{}"#, "[".repeat(60_000)));
    site.ask(deep).await.wrong("body");
    site.get("/messages/%00", &alice).await.wrong("messageId");
}

#[actix_web::test]
async fn a_body_is_an_object_on_every_route_and_never_a_list_of_values() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let spec = openapi::spec();
    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref");
            let Some(schema) = schema.and_then(Value::as_str) else { continue };
            let fields = &spec.pointer(&schema[1..]).unwrap()["properties"];
            let nulls = vec![Value::Null; fields.as_object().unwrap().len()];
            let part = |part| if str::starts_with(part, '{') { alice.id.as_str() } else { part };
            let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
            site.call(&method.to_uppercase(), &path, Some(&alice), Some(json!(nulls))).await.wrong("body");
        }
    }
}

#[actix_web::test]
async fn every_answer_carries_the_headers_that_protect() {
    let site = Site::new().await;
    for path in ["/health", "/nowhere", "/app/", "/docs/", "/openapi.json", "/asyncapi.yaml", "/auth/login"] {
        let answer = site.call("GET", path, None, None).await;
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
    assert_eq!(site.call("GET", "/health", None, None).await.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn every_answer_names_its_request_as_a_proxy_did_or_anew() {
    let site = Site::new().await;
    let ask = |id: &'static str| TestRequest::get().uri("/health").insert_header(("x-request-id", id));
    assert_eq!(site.ask(ask("proxy-1.a_B")).await.header("x-request-id"), Some("proxy-1.a_B"));
    let mut seen = Vec::new();
    for strange in ["", "two words", "a\"b", &"x".repeat(65)] {
        let request = TestRequest::get().uri("/nowhere").insert_header(("x-request-id", strange.to_owned()));
        let answer = site.ask(request).await;
        seen.push(answer.header("x-request-id").expect("a name").to_owned());
    }
    assert!(seen.iter().all(|name| uuid::Uuid::parse_str(name).is_ok()), "{seen:?}");
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

#[actix_web::test]
async fn allowed_origins_may_read_answers_and_others_may_not() {
    let site = Site::new().await;
    let ask = |origin: &'static str| TestRequest::get().uri("/health").insert_header(("origin", origin));
    let answer = site.ask(ask("https://app.example.com")).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(site.ask(ask("https://evil.example")).await.header("access-control-allow-origin"), None);
    let preflight = request("OPTIONS", "/messages", None, None)
        .insert_header(("origin", "https://app.example.com"))
        .insert_header(("access-control-request-method", "POST"));
    let answer = site.ask(preflight).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    // Every method that any route has.
    let allowed = answer.header("access-control-allow-methods").unwrap().to_owned();
    let document = chat::http::openapi::yaml().expect("a document");
    for method in ["get", "post", "put", "patch", "delete"] {
        assert!(document.contains(&format!("    {method}:\n")), "no route has {method}");
        assert!(allowed.split(", ").any(|name| name.eq_ignore_ascii_case(method)), "{method}: {allowed}");
    }
    // Every header that the document tells of, and what files and limits have besides.
    let list = |name| answer.header(name).unwrap().to_ascii_lowercase();
    let (sent, read) = (list("access-control-allow-headers"), list("access-control-expose-headers"));
    let has = |list: &str, name: &str| list.split(", ").any(|known| known == name.to_ascii_lowercase());
    for name in ["Authorization", "Content-Type", "If-None-Match", "If-Range", "Range", "traceparent"] {
        assert!(has(&sent, name), "{name} may not be sent: {sent}");
    }
    for name in ["Content-Disposition", "ETag", "Accept-Ranges", "X-Request-Id", "traceresponse", "Allow"] {
        assert!(has(&read, name), "{name} may not be read: {read}");
    }
    let document: Value = serde_json::from_str(openapi::json()).unwrap();
    let (mut asked, mut told) = (0, 0);
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap())
    {
        let of = |name: &str| operation.1[name].clone();
        for parameter in of("parameters").as_array().into_iter().flatten().filter(|it| it["in"] == "header") {
            let name = parameter["name"].as_str().unwrap();
            assert!(has(&sent, name), "{name} may not be sent: {sent}");
            asked += 1;
        }
        for response in of("responses").as_object().into_iter().flatten().map(|(_, response)| response) {
            for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(has(&read, name), "{name} may not be read: {read}");
                told += 1;
            }
        }
    }
    assert!(asked > 0 && told > 0);
}

#[actix_web::test]
async fn pages_are_served_with_their_policy_and_tag() {
    let site = Site::new().await;
    for (path, to) in [("/", "/app/"), ("/app", "/app/"), ("/docs", "/docs/")] {
        let answer = site.call("GET", path, None, None).await;
        assert_eq!((answer.status, answer.header("location")), (302, Some(to)));
    }
    for path in ["/app/", "/app/rooms/some", "/docs/"] {
        let page = site.call("GET", path, None, None).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(page.header("cache-control"), Some("no-cache"));
        let tag = page.header("etag").unwrap().to_owned();
        let again = site.ask(TestRequest::get().uri(path).insert_header(("if-none-match", tag))).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
    }
    for path in ["/app/nope.js", "/docs/nope.js", "/docs/../jwt-secret", "/app/%2e%2e/x.js"] {
        site.call("GET", path, None, None).await.problem(404, "notFound");
    }
}

#[actix_web::test]
async fn health_and_metrics_tell_how_the_server_is() {
    let site = Site::new().await;
    assert_eq!(site.call("GET", "/health", None, None).await.expect(200), json!({ "status": "ok" }));
    assert_eq!(site.call("GET", "/health/ready", None, None).await.expect(200), json!({ "status": "ready" }));
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    site.get(&format!("/rooms/{room}"), &alice).await.expect(200);
    site.say(&alice, &room, "hi").await;
    site.call("GET", "/some/scanner/path", None, None).await.problem(404, "notFound");
    let metrics = site.call("GET", "/metrics", None, None).await.text;
    for line in [
        r#"http_requests_total{method="GET",route="/rooms/{roomId}",status="200"} 1"#,
        r#"http_requests_total{method="GET",route="UNKNOWN",status="404"} 1"#,
        "http_request_duration_seconds_bucket",
        "websocket_active_connections 0",
        "messages_committed_total 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains(&room) && !metrics.contains("scanner"));
}

/// A label that names a room or a person has as many values as there are of them.
#[actix_web::test]
async fn ten_thousand_rooms_and_strange_paths_add_no_series() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    let series = async || site.call("GET", "/metrics", None, None).await.text.lines().count();
    for path in [format!("/rooms/{room}"), format!("/rooms/{}", uuid::Uuid::from_u128(0)), "/0".to_owned()] {
        site.get(&path, &alice).await;
    }
    let before = (series().await, series().await).1;
    for n in 0..10_000_u128 {
        site.get(&format!("/rooms/{}", uuid::Uuid::from_u128(n)), &alice).await.problem(404, "notFound");
    }
    for n in 0..100 {
        site.get(&format!("/{n}"), &alice).await;
    }
    assert_eq!(series().await, before);
}

#[actix_web::test]
async fn a_server_that_stops_says_that_it_is_not_ready_and_still_lives() {
    let site = Site::new().await;
    site.engine.drain(std::time::Duration::ZERO, std::time::Duration::ZERO).await;
    site.call("GET", "/health/ready", None, None).await.problem(503, "unavailable");
    site.call("GET", "/health", None, None).await.expect(200);
}
