//! Whether a frame is one that `openapi/asyncapi.yaml` describes, with nothing in it that does not
//! stand there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// The document with its schemas closed, and a validator for each message.
pub struct Contract {
    pub document: Value,
    frames: BTreeMap<String, Validator>,
}

/// What is meant for kinds that only a newer server knows, by the member that numbers them.
const UNKNOWN: [(&str, &str); 2] = [("useq", "userEntry.unknown"), ("seq", "entry.unknown")];

/// Members that are not described may be there for the readers of the document, which ages; a
/// server of the same version sends none.
pub fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object)
                && !members.contains_key("additionalProperties")
            {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

impl Contract {
    /// # Panics
    /// When the document is not there, or describes nothing that can be checked.
    pub fn get() -> &'static Self {
        static CONTRACT: OnceLock<Contract> = OnceLock::new();
        CONTRACT.get_or_init(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/asyncapi.yaml");
            let text = std::fs::read_to_string(path).expect("the document");
            let document: Value = serde_yaml_ng::from_str(&text).expect("YAML");
            let mut components = json!({
                "messages": document["components"]["messages"],
                "schemas": document["components"]["schemas"],
            });
            for message in components["messages"].as_object_mut().into_iter().flat_map(|all| all.values_mut())
            {
                close(&mut message["payload"]);
            }
            close(&mut components["schemas"]);
            let names = components["messages"].as_object().expect("messages").keys().cloned();
            let validator = |name: String| {
                let payload = format!("#/components/messages/{name}/payload");
                let schema = json!({ "components": &components, "allOf": [{ "$ref": payload }] });
                let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
                let built = options.build(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
                (name, built)
            };
            Self { frames: names.map(validator).collect(), document }
        })
    }

    /// The name under which a frame is described.
    pub fn name_of<'a>(&self, frame: &'a Value) -> &'a str {
        let t = frame["t"].as_str().unwrap_or_else(|| panic!("no t in {frame}"));
        let unknown =
            || UNKNOWN.iter().find(|(number, _)| frame.get(number).is_some()).map(|(_, name)| *name);
        if self.frames.contains_key(t) { t } else { unknown().unwrap_or(t) }
    }

    /// What is wrong with it; empty when nothing is.
    pub fn faults(&self, frame: &Value) -> Vec<String> {
        let name = self.name_of(frame);
        match self.frames.get(name) {
            None => vec![format!("{name} is not described")],
            Some(validator) => {
                let told =
                    |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
                validator.iter_errors(frame).map(told).collect()
            }
        }
    }
}

/// Fails the test when the frame is none that this server may send.
pub fn check(frame: &Value) {
    let faults = Contract::get().faults(frame);
    assert!(faults.is_empty(), "{faults:?} in {frame}");
}
