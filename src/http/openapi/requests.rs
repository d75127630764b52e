//! What the body of a request may leave out may also be null there, which is the same unless its
//! description says otherwise. No answer is so free.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Says so in the schemas that bodies of requests alone have.
pub(super) fn allow_null(spec: &mut Value) {
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for item in spec["paths"].as_object().into_iter().flat_map(Map::values) {
        for operation in item.as_object().into_iter().flat_map(Map::values) {
            refs(&operation["requestBody"], &mut sent);
            refs(&operation["responses"], &mut answered);
        }
    }
    let Some(schemas) = spec.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else {
        return;
    };
    for schema in schemas.values() {
        refs(schema, &mut answered);
    }
    for name in sent.difference(&answered) {
        if let Some(schema) = schemas.get_mut(name).and_then(Value::as_object_mut) {
            free(schema);
        }
    }
}

fn free(schema: &mut Map<String, Value>) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if let (false, Some(property)) =
            (required.contains(&Value::from(name.as_str())), property.as_object_mut())
        {
            property.insert("nullable".into(), true.into());
            if let Some(values) = property.get_mut("enum").and_then(Value::as_array_mut) {
                values.push(Value::Null);
            }
        }
    }
}

/// The names of schemas that a part of the document refers to.
fn refs(part: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Array(items) => items.iter().for_each(|item| refs(item, names)),
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str);
            names.extend(name.and_then(|name| name.strip_prefix("#/components/schemas/")).map(str::to_owned));
            object.values().for_each(|value| refs(value, names));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_request_may_leave_out_may_be_null_and_nothing_else() {
        let schema = |name: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
        let fields = json!({
            "required": ["name"],
            "properties": { "name": { "type": "string" }, "kind": { "type": "string", "enum": ["a", "b"] } },
        });
        let mut spec = json!({
            "paths": { "/x": { "post": {
                "requestBody": { "content": schema("Sent") },
                "responses": { "200": { "content": schema("Both") } },
            }, "put": { "requestBody": { "content": schema("Both") } } } },
            "components": { "schemas": { "Sent": fields, "Both": fields } },
        });
        let before = spec.clone();
        allow_null(&mut spec);
        let schemas = &spec["components"]["schemas"];
        let kind = json!({ "type": "string", "enum": ["a", "b", null], "nullable": true });
        assert_eq!(schemas["Sent"]["properties"]["kind"], kind);
        assert_eq!(schemas["Sent"]["properties"]["name"], json!({ "type": "string" }));
        assert_eq!(schemas["Both"], before["components"]["schemas"]["Both"]);
    }
}
