//! Whether an answer is one that the OpenAPI document describes: its status, its media type, and a
//! body with nothing in it that does not stand there (I24).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::shape::close;

/// What is described of one status of one operation.
enum Body {
    Nothing,
    Json {
        media: String,
        validator: Box<Validator>,
    },
    /// What is no JSON is not looked into.
    Other,
}

struct Operation {
    method: String,
    /// `None` for a part that may be anything.
    path: Vec<Option<String>>,
    answers: BTreeMap<u16, Body>,
}

/// OpenAPI 3.0 says `nullable` where JSON Schema has a type.
fn translate(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(translate);
            if members.remove("nullable") == Some(json!(true)) {
                let rest = std::mem::take(members);
                members.insert("anyOf".to_owned(), json!([{ "type": "null" }, rest]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(translate),
        _ => {}
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

/// What checks a body of this schema of the document.
pub fn validator(schema: &Value) -> Validator {
    static COMPONENTS: OnceLock<Value> = OnceLock::new();
    let components = COMPONENTS.get_or_init(|| {
        let document: Value = serde_json::from_str(chat::http::openapi::json()).expect("JSON");
        let mut schemas = document["components"]["schemas"].clone();
        translate(&mut schemas);
        close(&mut schemas);
        json!({ "schemas": schemas })
    });
    let mut schema = schema.clone();
    translate(&mut schema);
    close(&mut schema);
    let whole = json!({ "components": components, "allOf": [schema] });
    let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
    options.build(&whole).expect("a schema that can be checked")
}

fn operations() -> &'static [Operation] {
    static OPERATIONS: OnceLock<Vec<Operation>> = OnceLock::new();
    OPERATIONS.get_or_init(|| {
        let document: Value = serde_json::from_str(chat::http::openapi::json()).expect("JSON");
        let body = |answer: &Value| {
            let Some((media, content)) = answer["content"].as_object().and_then(|all| all.iter().next())
            else {
                return Body::Nothing;
            };
            if media != "application/json" && !media.ends_with("+json") {
                return Body::Other;
            }
            Body::Json { media: media.clone(), validator: Box::new(validator(&content["schema"])) }
        };
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let Some(answers) = operation["responses"].as_object() else { continue };
                let described =
                    |(status, answer): (&String, &Value)| Some((status.parse().ok()?, body(answer)));
                let part = |part: &str| (!part.starts_with('{')).then(|| part.to_owned());
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: parts(path).map(part).collect(),
                    answers: answers.iter().filter_map(described).collect(),
                });
            }
        }
        // The more of a path is named, the better it fits.
        operations.sort_by_key(|operation| operation.path.iter().filter(|part| part.is_none()).count());
        operations
    })
}

/// Fails the test when the answer is none that the document describes. What no operation is for is
/// not looked at.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, media: Option<&str>, body: &str) {
    let path = path.split('?').next().unwrap_or_default();
    let asked: Vec<_> = parts(path).collect();
    let fits = |operation: &&Operation| {
        operation.method == method
            && operation.path.len() == asked.len()
            && operation
                .path
                .iter()
                .zip(&asked)
                .all(|(part, asked)| part.as_deref().is_none_or(|p| p == *asked))
    };
    let Some(operation) = operations().iter().find(fits) else { return };
    let told = || format!("{method} {path} answered {status} {}: {body}", media.unwrap_or("without a type"));
    match operation.answers.get(&status) {
        None => panic!("not described: {}", told()),
        Some(Body::Other) => {}
        Some(Body::Nothing) => assert!(body.is_empty(), "a body is not described: {}", told()),
        Some(Body::Json { media: described, validator }) => {
            assert_eq!(media, Some(described.as_str()), "{}", told());
            let value: Value =
                serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {}", told()));
            let fault =
                |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
            let faults: Vec<_> = validator.iter_errors(&value).map(fault).collect();
            assert!(faults.is_empty(), "{faults:?} in {}", told());
        }
    }
}
