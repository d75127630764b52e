//! What an error looks like: an example for each code that comes with a status.

use serde_json::{Map, Value, json};

use crate::error::Code;

/// An error answer.
pub(super) fn answer(status: u16, description: &str) -> Value {
    let examples: Map<_, _> = Code::ALL
        .iter()
        .filter(|code| code.status() == status)
        // Of sockets alone.
        .filter(|code| **code != Code::UnknownType)
        .map(|code| {
            (code.as_str().to_owned(), json!({ "summary": code.doc().trim(), "value": example(*code) }))
        })
        .collect();
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let mut answer = json!({
        "description": description,
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    });
    if matches!(status, 429 | 503)
        && let Some(answer) = answer.as_object_mut()
    {
        let header = json!({
            "description": "Seconds after which to try again.",
            "schema": { "type": "integer", "minimum": 1 },
        });
        answer.insert("headers".into(), json!({ "Retry-After": header }));
    }
    answer
}

fn example(code: Code) -> Value {
    let is_wrong = code == Code::BadRequest;
    let detail = if is_wrong { "content must not be empty" } else { code.title() };
    let mut example = json!({
        "type": format!("urn:chat:error:{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "detail": detail,
        "code": code.as_str(),
        "retryable": code.retryable(),
    });
    if let Some(example) = example.as_object_mut() {
        if is_wrong {
            let wrong = json!([{ "field": "content", "message": "must not be empty" }]);
            example.insert("errors".into(), wrong);
        }
        if code == Code::RateLimited {
            example.insert("retryAfterMs".into(), 2_000.into());
        }
    }
    example
}
