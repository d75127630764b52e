//! Odd requests made from the OpenAPI document: none may be answered with 500 or with something
//! that the document does not say. And the document names exactly the routes that there are.

use std::collections::BTreeSet;

use chat::http::openapi;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use super::support::{Site, request};

const ODD: [&str; 14] = [
    "",
    " ",
    "\0",
    "a\0b",
    "🦀",
    "null",
    "-1",
    "../..",
    "' OR 1=1 --",
    "<script>",
    "\u{202e}abc",
    "\u{fffd}",
    "00000000-0000-0000-0000-000000000000",
    "018f0000-0000-7000-8000-00000000000g",
];
const UNDOCUMENTED: [&str; 9] = [
    "/",
    "/app",
    "/app/{path:.*}",
    "/docs",
    "/docs/{path:.*}",
    "/metrics",
    "/openapi.json",
    "/asyncapi.yaml",
    "/ws",
];

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(ODD.to_vec()).prop_map(str::to_owned),
        "\\PC{0,40}",
        "[a-z]{1,12}@[a-z]{1,8}\\.[a-z]{2}",
        Just("x".repeat(9_000)),
    ]
}

fn odd_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        odd_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A body for a schema: each property right, odd, or missing; now and then no object at all.
fn body(schema: &Value, room: &str) -> BoxedStrategy<Value> {
    let properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    let fields: Vec<_> = properties
        .into_iter()
        .map(|(name, property)| {
            let right = match name.as_str() {
                "roomId" => json!(room),
                "members" | "attachments" => json!([]),
                _ => property.get("example").cloned().unwrap_or(Value::Null),
            };
            let value = prop_oneof![5 => Just(Some(right)), 1 => odd_value().prop_map(Some), 1 => Just(None)];
            (Just(name.clone()), value)
        })
        .collect();
    let object = fields.prop_map(|fields| {
        Value::Object(
            fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Map<_, _>>(),
        )
    });
    prop_oneof![8 => object, 1 => odd_value()].boxed()
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[actix_web::test]
async fn odd_requests_get_documented_answers() {
    let site = Site::new().await;
    let alice = site.register("alice").await;
    let room = site.room(&alice, false).await;
    let message = site.say(&alice, &room, "hi").await["id"].as_str().unwrap().to_owned();
    let spec = openapi::spec();
    let mut succeeded = BTreeSet::new();
    // The same requests in every run; a failure prints its request.
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let draw = |runner: &mut TestRunner, strategy: &BoxedStrategy<String>| {
        strategy.new_tree(runner).unwrap().current()
    };
    let text = odd_text().boxed();
    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // They would end the login that the others need.
            if operation["operationId"] == "logout" || operation["operationId"] == "logoutAll" {
                continue;
            }
            // An earlier operation may have archived it, or left it.
            site.call("POST", &format!("/rooms/{room}/unarchive"), Some(&alice), None).await;
            site.call("POST", &format!("/rooms/{room}/join"), Some(&alice), None).await.expect(200);
            let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref");
            let schema = reference
                .map(|r| &spec["components"]["schemas"][r.as_str().unwrap().rsplit('/').next().unwrap()]);
            for round in 0..60 {
                let mut uri = path.clone();
                let mut query = Vec::new();
                let mut headers = Vec::new();
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().unwrap();
                    let right = match name {
                        "roomId" => &room,
                        "messageId" => &message,
                        _ => "5",
                    };
                    let value = if round % 3 == 0 { right.to_owned() } else { draw(&mut runner, &text) };
                    match parameter["in"].as_str().unwrap() {
                        // An empty one is another route.
                        "path" if value.is_empty() => uri = uri.replace(&format!("{{{name}}}"), "x"),
                        "path" => uri = uri.replace(&format!("{{{name}}}"), &encoded(&value)),
                        // Of these one at most may be named.
                        "query" if matches!(name, "cursor" | "around" | "at" | "after") && round % 3 == 0 => {
                        }
                        "query" if round % 5 != 4 => query.push(format!("{name}={}", encoded(&value))),
                        "header" if value.bytes().all(|b| (32..127).contains(&b)) => {
                            headers.push((name.to_owned(), value))
                        }
                        _ => {}
                    }
                }
                if !query.is_empty() {
                    uri = format!("{uri}?{}", query.join("&"));
                }
                let body = schema.map(|schema| body(schema, &room).new_tree(&mut runner).unwrap().current());
                let who = (round % 10 != 9).then_some(&alice);
                let said = format!("{method} {uri} {headers:?} {body:?}");
                let mut asked = request(&method.to_uppercase(), &uri, who, body);
                for header in headers {
                    asked = asked.insert_header(header);
                }
                let answer = site.ask(asked).await;
                let documented = operation["responses"].get(answer.status.to_string());
                assert!(documented.is_some(), "{said}: {} {}", answer.status, answer.text);
                if answer.status >= 400 {
                    answer.problem(answer.status, answer.body["code"].as_str().unwrap_or("none"));
                } else {
                    succeeded.insert(operation["operationId"].as_str().unwrap());
                    let schema = documented.unwrap().pointer("/content/application~1json/schema");
                    fits(&spec, schema, &answer.body)
                        .unwrap_or_else(|why| panic!("{said}: {why} in {}", answer.text));
                }
            }
        }
    }
    // Else only refusals were tried. A refresh token cannot be guessed.
    for id in [
        "listRooms",
        "createRoom",
        "getRoom",
        "joinRoom",
        "leaveRoom",
        "listMembers",
        "listDirectory",
        "listMessages",
        "sendMessage",
        "getMessage",
        "createTicket",
    ] {
        assert!(succeeded.contains(id), "{id} never succeeded");
    }
}

/// Whether a value fits a schema, as far as our document uses schemas.
fn fits(spec: &Value, schema: Option<&Value>, value: &Value) -> Result<(), String> {
    let Some(schema) = schema else {
        return if value.is_null() { Ok(()) } else { Err("a body that is not documented".into()) };
    };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return fits(spec, spec.pointer(reference.trim_start_matches('#')), value);
    }
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    match schema["type"].as_str() {
        Some("array") => {
            let items = value.as_array().ok_or("no list")?;
            items.iter().try_for_each(|item| fits(spec, schema.get("items"), item))
        }
        Some("object") => {
            let object = value.as_object().ok_or("no object")?;
            for name in schema["required"].as_array().into_iter().flatten() {
                object.get(name.as_str().unwrap()).ok_or(format!("{name} is missing"))?;
            }
            for (name, value) in object {
                let property = schema["properties"].get(name).ok_or(format!("{name} is not documented"))?;
                fits(spec, Some(property), value).map_err(|why| format!("{name}: {why}"))?;
            }
            Ok(())
        }
        Some("string") if value.is_string() => Ok(()),
        Some("integer") if value.is_i64() || value.is_u64() => Ok(()),
        Some("number") if value.is_number() => Ok(()),
        Some("boolean") if value.is_boolean() => Ok(()),
        other => Err(format!("{value} is no {other:?}")),
    }
}

#[actix_web::test]
async fn the_document_names_exactly_the_routes_that_there_are() {
    let site = Site::new().await;
    let spec = openapi::spec();
    let documented: BTreeSet<String> = spec["paths"].as_object().unwrap().keys().cloned().collect();
    for path in &documented {
        for (method, _) in spec["paths"][path].as_object().unwrap() {
            let answer = site.call(&method.to_uppercase(), path, None, None).await;
            assert!(!matches!(answer.status, 404 | 405), "{method} {path} is documented and not there");
        }
    }
    let mut routed = BTreeSet::new();
    for folder in ["src/http", "src/ws"] {
        for file in std::fs::read_dir(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let Ok(source) = std::fs::read_to_string(file.unwrap().path()) else { continue };
            // How routes are written: resource("/…"), get("/…") for pages, route("/…").
            for opening in ["resource(\"", " get(\"", "(get(\"", ".route(\""] {
                let found = source.split(opening).skip(1).filter_map(|rest| rest.split('"').next());
                routed.extend(found.filter(|path| path.starts_with('/')).map(str::to_owned));
            }
        }
    }
    // Not in releases.
    routed.remove("/ws/echo");
    routed.insert("/ws".into());
    let expected: BTreeSet<String> = documented.into_iter().chain(UNDOCUMENTED.map(str::to_owned)).collect();
    assert_eq!(routed, expected);
}
