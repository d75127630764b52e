//! The OpenAPI document: written by paperclip from routes and types, then finished here with what
//! paperclip cannot say (statuses, bounds, examples, the bearer scheme).

mod errors;
mod examples;
mod files;
mod limits;
mod requests;
mod table;
mod yaml;

use std::sync::OnceLock;

use actix_web::App;
use paperclip::actix::OpenApiExt;
use paperclip::v2::models::{Contact, DefaultApiRaw, Info, License};
use paperclip::v2::schema::Apiv2Schema;
use serde_json::{Map, Value, json};

pub use self::limits::reference as rate_limits;
use self::table::{ANY, OPERATIONS, REFERENCES, REQUIRED, TAGS, WITH_BODY, WITH_TOKEN};
pub use self::yaml::yaml;
use super::audit::AuditEntry;
use super::invites::{Invite, Preview};
use super::keys::Jwk;
use super::manage::Ban;
use super::problem::{FieldError, ProblemBody};
use super::reports::{Report, Reporter};
use super::sessions::LoginSession;
use crate::protocol::wire;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The document. The same for every installation of this version.
#[must_use]
pub fn spec() -> Value {
    let mut out = Value::Null;
    let _app = App::new()
        .wrap_api_with_spec(base())
        .configure(super::routes)
        .with_raw_json_spec_v3(|app, spec| {
            out = spec;
            app
        })
        .build();
    polish(&mut out);
    out
}

/// The document as it is served.
#[must_use]
pub fn json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| spec().to_string())
}

fn base() -> DefaultApiRaw {
    DefaultApiRaw {
        info: Info {
            title: "Chat Application API".into(),
            version: "1.0.0".into(),
            description: Some("Real-time chat application API documentation".into()),
            contact: Some(Contact {
                name: Some("API Support".into()),
                email: Some("support@example.com".into()),
                ..Contact::default()
            }),
            license: Some(License {
                name: Some("Apache-2.0".into()),
                url: Some("https://www.apache.org/licenses/LICENSE-2.0".into()),
            }),
            ..Info::default()
        },
        // Schemas that occur within others only; paperclip names those it meets first hand.
        definitions: [
            ("User", wire::User::schema_with_ref()),
            ("Message", wire::Message::schema_with_ref()),
            ("Room", wire::Room::schema_with_ref()),
            ("Attachment", wire::Attachment::schema_with_ref()),
            ("Thread", wire::Thread::schema_with_ref()),
            ("Reaction", wire::Reaction::schema_with_ref()),
            ("RoomSettings", wire::RoomSettings::schema_with_ref()),
            ("Invite", Invite::schema_with_ref()),
            ("Preview", Preview::schema_with_ref()),
            ("Ban", Ban::schema_with_ref()),
            ("Report", Report::schema_with_ref()),
            ("Reporter", Reporter::schema_with_ref()),
            ("AuditEntry", AuditEntry::schema_with_ref()),
            ("LoginSession", LoginSession::schema_with_ref()),
            ("Jwk", Jwk::schema_with_ref()),
            ("FieldError", FieldError::schema_with_ref()),
            ("Problem", ProblemBody::schema_with_ref()),
        ]
        .into_iter()
        .map(|(name, mut schema)| {
            schema.remove_refs();
            (name.to_owned(), schema)
        })
        .collect(),
        ..DefaultApiRaw::default()
    }
}

fn polish(spec: &mut Value) {
    let Some(root) = spec.as_object_mut() else { return };
    root.insert("openapi".into(), "3.0.0".into());
    root.insert(
        "externalDocs".into(),
        json!({ "description": "The realtime API", "url": "https://api.chat.example.com/asyncapi.yaml" }),
    );
    root.insert(
        "servers".into(),
        json!([
            { "url": "https://api.chat.example.com", "description": "Production server" },
            { "url": "http://localhost:3000", "description": "Development server" },
        ]),
    );
    let tags = TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    root.insert("tags".into(), Value::Array(tags));
    for item in objects(root.get_mut("paths")) {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                finish(operation);
            }
        }
    }
    if let Some(components) = root.get_mut("components").and_then(Value::as_object_mut) {
        components.insert(
            "securitySchemes".into(),
            json!({
                "bearerAuth": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "refreshCookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-chat_refresh",
                    "description": "The refresh token of a page, asked for by `refreshCookie`. Over plain http it is called `chat_refresh`.",
                },
            }),
        );
        if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
            link(schemas);
        }
    }
    merge_blocks(spec);
    requests::allow_null(spec);
    examples::show(spec);
}

/// The values of an object that are objects.
fn objects(value: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    value
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|map| map.values_mut())
        .filter_map(Value::as_object_mut)
}

/// Gives an operation its answers.
fn finish(operation: &mut Map<String, Value>) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let Some(row) = OPERATIONS.iter().find(|row| row.operation == id) else { return };
    files::add_body(row.operation, operation);
    let (has_body, has_token) = (operation.contains_key("requestBody"), operation.contains_key("security"));
    if let Some(body) = operation.get_mut("requestBody").and_then(Value::as_object_mut) {
        body.insert("required".into(), true.into());
    }
    let mut answers = Map::new();
    let (status, description) = row.success;
    let mut success =
        match operation.get_mut("responses").map(|responses| responses[status.to_string()].take()) {
            Some(Value::Object(success)) => success,
            _ => Map::new(),
        };
    success.insert("description".into(), description.into());
    answers.insert(status.to_string(), Value::Object(success));
    let groups = [(true, row.errors), (has_body, WITH_BODY), (has_token, WITH_TOKEN), (true, ANY)];
    for (status, description) in groups.iter().filter(|(applies, _)| *applies).flat_map(|(_, errors)| *errors)
    {
        // The operation's own words come first and stay.
        answers.entry(status.to_string()).or_insert_with(|| errors::answer(*status, description));
    }
    files::add_answers(row.operation, &mut answers);
    answers.sort_keys();
    if row.operation == "sendMessage"
        && let Some(Value::Object(created)) = answers.get_mut("201")
    {
        let header = json!({
            "description": "`true` when this key had sent the message before.",
            "schema": { "type": "string", "enum": ["true"] },
        });
        created.insert("headers".into(), json!({ "Idempotent-Replayed": header }));
    }
    limits::tell(operation, row.operation, has_token);
    if row.operation == "getJobResult"
        && let Some(Value::Object(result)) = answers.get_mut("200")
    {
        let lines = json!({ "schema": { "type": "string" }, "example": "{\"type\":\"account\"}\n" });
        result.insert("content".into(), json!({ "application/x-ndjson": lines }));
    }
    operation.insert("responses".into(), Value::Object(answers));
    // Said aloud, so that none is forgotten by mistake.
    operation.entry("security").or_insert_with(|| json!([]));
}

/// Makes schemas refer to each other and says exactly what is required.
fn link(schemas: &mut Map<String, Value>) {
    for (schema, property, other, is_list) in REFERENCES {
        let Some(place) =
            schemas.get_mut(*schema).and_then(|s| s.pointer_mut(&format!("/properties/{property}")))
        else {
            continue;
        };
        let reference = json!({ "$ref": format!("#/components/schemas/{other}") });
        if !is_list {
            *place = reference;
            continue;
        }
        let description = place.get("description").cloned();
        *place = json!({ "type": "array", "items": reference });
        if let (Some(list), Some(description)) = (place.as_object_mut(), description) {
            list.insert("description".into(), description);
        }
    }
    for (schema, required) in REQUIRED {
        if let Some(schema) = schemas.get_mut(*schema).and_then(Value::as_object_mut) {
            schema.insert("required".into(), json!(required));
        }
    }
}

/// Merges the `{{…}}` at the end of each description into the schema that it describes.
fn merge_blocks(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(merge_blocks),
        Value::Object(object) => {
            if let Some((text, block)) = object.get("description").and_then(Value::as_str).and_then(block) {
                object.insert("description".into(), text.into());
                let target = if object.contains_key("in") {
                    object.get_mut("schema").and_then(Value::as_object_mut)
                } else {
                    Some(&mut *object)
                };
                if let Some(target) = target {
                    target.extend(block);
                }
            }
            object.values_mut().for_each(merge_blocks);
        }
        _ => {}
    }
}

fn block(description: &str) -> Option<(String, Map<String, Value>)> {
    let (text, block) = description.split_once("{{")?;
    let block = block.trim_end().strip_suffix("}}")?;
    let block = serde_json::from_str(&format!("{{{block}}}")).ok()?;
    Some((text.trim_end().to_owned(), block))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(spec: &Value) -> Vec<(String, &'static str, &Value)> {
        let paths = spec["paths"].as_object().expect("paths");
        let mut all = Vec::new();
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    all.push((path.clone(), method, operation));
                }
            }
        }
        all
    }

    #[test]
    fn no_block_survives() {
        assert!(!json().contains("{{") && !json().contains("}}\""), "a description keeps its block");
    }

    #[test]
    fn every_operation_has_its_answers_and_every_row_an_operation() {
        let spec = spec();
        let operations = operations(&spec);
        for (path, method, operation) in &operations {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(OPERATIONS.iter().any(|row| row.operation == id), "{method} {path}: {id} has no row");
            assert!(!operation["summary"].as_str().expect("a summary").is_empty());
            assert!(TAGS.iter().any(|(tag, _)| operation["tags"][0] == *tag), "{method} {path}");
            assert!(operation["responses"].get("503").is_some());
        }
        assert_eq!(operations.len(), OPERATIONS.len());
    }

    #[test]
    fn references_lead_somewhere() {
        let spec = spec();
        for reference in json().split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(spec["components"]["schemas"].get(name).is_some(), "{name}");
        }
        for (schema, property, ..) in REFERENCES {
            assert!(
                spec["components"]["schemas"][schema]["properties"].get(property).is_some(),
                "{schema}.{property}"
            );
        }
        for (schema, required) in REQUIRED {
            for property in *required {
                let properties = &spec["components"]["schemas"][schema]["properties"];
                assert!(properties.get(property).is_some(), "{schema}.{property}");
            }
        }
    }

    #[test]
    fn the_contract_is_kept_to_the_letter() {
        let spec = spec();
        assert_eq!(spec["openapi"], "3.0.0");
        assert_eq!(spec["info"]["title"], "Chat Application API");
        assert_eq!(spec["info"]["version"], "1.0.0");
        assert_eq!(spec["info"]["description"], "Real-time chat application API documentation");
        assert_eq!(spec["info"]["contact"], json!({ "name": "API Support", "email": "support@example.com" }));
        assert_eq!(spec["servers"][0]["url"], "https://api.chat.example.com");
        assert_eq!(spec["servers"][1]["description"], "Development server");
        let bearer = json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" });
        assert_eq!(spec["components"]["securitySchemes"]["bearerAuth"], bearer);
        for (path, method, summary, status, description) in [
            ("/auth/register", "post", "Register a new user", "201", "User created successfully"),
            ("/auth/register", "post", "Register a new user", "400", "Validation error"),
            ("/auth/register", "post", "Register a new user", "409", "User already exists"),
            ("/auth/login", "post", "Login user", "200", "Login successful"),
            ("/auth/login", "post", "Login user", "401", "Invalid credentials"),
            ("/messages", "get", "Get messages for a room", "200", "Messages retrieved successfully"),
            ("/messages", "post", "Send a message", "201", "Message sent successfully"),
            ("/messages", "post", "Send a message", "400", "Validation error"),
            ("/messages", "post", "Send a message", "404", "Room not found"),
            ("/rooms", "get", "Get user's rooms", "200", "Rooms retrieved successfully"),
            ("/rooms", "post", "Create a new room", "201", "Room created successfully"),
            ("/rooms", "post", "Create a new room", "400", "Validation error"),
        ] {
            let operation = &spec["paths"][path][method];
            assert_eq!(operation["summary"], summary, "{method} {path}");
            assert_eq!(
                operation["responses"][status]["description"], description,
                "{method} {path} {status}"
            );
        }
        let bare =
            &spec["paths"]["/rooms"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(bare, &json!({ "type": "array", "items": { "$ref": "#/components/schemas/Room" } }));
        let user = &spec["components"]["schemas"]["User"]["properties"];
        assert_eq!(user["id"]["format"], "uuid");
        assert_eq!(user["email"]["format"], "email");
        assert_eq!(user["avatar"]["nullable"], true);
        assert_eq!(user["lastSeen"]["format"], "date-time");
        let register = &spec["components"]["schemas"]["Register"];
        assert_eq!(register["properties"]["username"]["maxLength"], 30);
        assert_eq!(register["properties"]["password"]["minLength"], 8);
        assert_eq!(register["required"].as_array().expect("a list").len(), 3);
        let parameters = spec["paths"]["/messages"]["get"]["parameters"].as_array().expect("a list");
        let named = |name: &str| parameters.iter().find(|p| p["name"] == name).expect("a parameter");
        assert_eq!(named("roomId")["schema"]["format"], "uuid");
        assert_eq!(named("roomId")["required"], true);
        assert_eq!(named("limit")["schema"]["type"], "integer");
        assert_eq!(named("limit")["schema"]["default"], 50);
        let create = &spec["components"]["schemas"]["CreateRoom"];
        assert_eq!(create["required"], json!(["name"]));
        assert_eq!(create["properties"]["isPrivate"]["default"], false);
    }
}
