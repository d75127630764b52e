//! Whole examples of bodies, put together from what is said of each of their parts.

use serde_json::{Map, Value, json};

/// What stands for a text of which its schema says nothing more, by its name.
const TEXTS: [(&str, &str); 9] = [
    ("at", TIME),
    ("because", "followed"),
    ("createdAt", TIME),
    ("name", "cat.jpg"),
    ("reason", "Not about the topic"),
    ("refreshToken", "a long text to be kept safe"),
    ("ticket", "a text for one socket"),
    ("token", "header.claims.signature"),
    ("type", "image/jpeg"),
];
const ID: &str = "01937f4e-5b1a-7c2d-9e3f-00000000000a";
const TIME: &str = "2026-11-21T15:52:00.123Z";

/// What answers mostly have, though it is not promised.
const MOSTLY: [&str; 9] = [
    "attachments",
    "createdAt",
    "head",
    "historyVisibility",
    "kind",
    "memberCount",
    "reactions",
    "refreshToken",
    "updatedAt",
];

/// Gives one to every JSON body, sent or answered, that has none.
pub(super) fn show(spec: &mut Value) {
    let schemas = spec.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let Some(paths) = spec.get_mut("paths").and_then(Value::as_object_mut) else { return };
    let (sent, answered) =
        (Teller { schemas: &schemas, also: &[] }, Teller { schemas: &schemas, also: &MOSTLY });
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Some(body) = operation.get_mut("requestBody") {
            sent.complete(body);
        }
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        answers.into_iter().flat_map(Map::values_mut).for_each(|answer| answered.complete(answer));
    }
}

struct Teller<'a> {
    schemas: &'a Map<String, Value>,
    /// Properties that are shown as if they were required.
    also: &'a [&'a str],
}

impl Teller<'_> {
    fn complete(&self, body: &mut Value) {
        let media = body.pointer_mut("/content/application~1json").and_then(Value::as_object_mut);
        let Some(media) = media.filter(|media| !media.contains_key("example")) else { return };
        if let Some(example) = media.get("schema").and_then(|schema| self.of(schema, "", true)) {
            media.insert("example".into(), example);
        }
    }

    /// What a part is like; `None` for one that may be left out and says nothing of itself.
    fn of(&self, schema: &Value, name: &str, is_required: bool) -> Option<Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.schemas.get(reference.strip_prefix("#/components/schemas/")?)?;
            return is_required.then(|| self.of(target, name, true)).flatten();
        }
        if let Some(said) = schema.get("example").or_else(|| schema.get("default")) {
            return Some(said.clone());
        }
        if !is_required {
            return None;
        }
        if schema["nullable"] == true {
            return Some(Value::Null);
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return Some(first.clone());
        }
        match schema["type"].as_str()? {
            "object" => {
                let required = schema["required"].as_array();
                let properties = schema["properties"].as_object().into_iter().flatten();
                let shown = properties.filter_map(|(name, property)| {
                    let is_required = required.is_some_and(|names| names.contains(&json!(name)));
                    let is_shown = is_required || self.also.contains(&name.as_str());
                    Some((name.clone(), self.of(property, name, is_shown)?))
                });
                Some(Value::Object(shown.collect()))
            }
            "array" => Some(Value::Array(self.of(&schema["items"], name, true).into_iter().collect())),
            "string" => text(name, schema["format"].as_str()).map(Into::into),
            "integer" => Some(schema["minimum"].as_u64().unwrap_or_default().max(1).into()),
            "boolean" => Some(false.into()),
            _ => None,
        }
    }
}

fn text(name: &str, format: Option<&str>) -> Option<&'static str> {
    match format {
        Some("uuid") => Some(ID),
        Some("date-time") => Some(TIME),
        Some("uri") => Some("https://api.chat.example.com/attachments/01937f4e-5b1a-7c2d-9e3f-00000000000a"),
        Some("email") => Some("alice@example.com"),
        _ => TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text),
    }
}
