//! The examples of the OpenAPI document are what it says of itself.

use serde_json::Value;

use crate::support::answers;

/// All JSON bodies, with the example of each: what is sent, and with a status what is answered.
fn bodies() -> Vec<(String, String, Option<u16>, Value)> {
    let document: Value = serde_json::from_str(chat::http::openapi::json()).expect("JSON");
    let mut bodies = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let mut note = |status: Option<u16>, body: &Value| {
                if let Some(media) = body["content"].get("application/json") {
                    bodies.push((method.to_uppercase(), path.clone(), status, media.clone()));
                }
            };
            note(None, &operation["requestBody"]);
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                note(status.parse().ok(), answer);
            }
        }
    }
    bodies
}

#[test]
fn every_json_body_has_an_example_that_fits() {
    let bodies = bodies();
    assert!(bodies.len() > 60, "{}", bodies.len());
    for (method, path, status, media) in bodies {
        let example =
            media.get("example").unwrap_or_else(|| panic!("{method} {path} {status:?}: no example"));
        match status {
            Some(status) => {
                answers::check(&method, &path, status, Some("application/json"), &example.to_string());
            }
            None => {
                let wrong: Vec<String> = answers::validator(&media["schema"])
                    .iter_errors(example)
                    .map(|error| format!("{}: {error}", error.instance_path()))
                    .collect();
                assert!(wrong.is_empty(), "{method} {path}: {example}: {wrong:?}");
            }
        }
    }
}
