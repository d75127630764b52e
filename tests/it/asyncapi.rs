//! `openapi/asyncapi.yaml` against the golden frames, the code and the REST document (I24). That servers
//! send nothing else is checked with every frame that a test reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use chat::error::Code;
use serde_json::{Value, json};

use crate::support::shape::Contract;

fn path(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi").join(of)
}

/// The golden frames by their names, such as `client/ping.json`.
fn frames() -> BTreeMap<String, Value> {
    let mut frames = BTreeMap::new();
    for side in ["client", "server"] {
        for file in fs::read_dir(path("frames").join(side)).expect("the golden frames") {
            let file = file.expect("readable").path();
            let name = file.file_name().expect("a file").to_string_lossy();
            let frame = serde_json::from_slice(&fs::read(&file).expect("readable")).expect("JSON");
            frames.insert(format!("{side}/{name}"), frame);
        }
    }
    frames
}

fn names(of: &Value) -> BTreeSet<String> {
    of.as_object().expect("an object").keys().cloned().collect()
}

fn strings(of: &Value) -> BTreeSet<String> {
    let items = of.as_array().expect("a list").iter();
    items.map(|item| item.as_str().expect("a string").to_owned()).collect()
}

/// The name at the end of a reference.
fn referred(to: &Value) -> String {
    let reference = to["$ref"].as_str().unwrap_or_else(|| panic!("no reference: {to}"));
    reference.rsplit('/').next().unwrap_or_default().to_owned()
}

#[test]
fn every_golden_frame_is_described_as_it_is() {
    let contract = Contract::get();
    for (name, frame) in frames() {
        assert_eq!(contract.faults(&frame), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_is_not_described_is_found() {
    let contract = Contract::get();
    let id = "01937f4e-5b1a-7c2d-9e3f-000000000001";
    for wrong in [
        json!({"t": "room.bump", "room": id, "d": {"head": 1}}),
        json!({"t": "room.bump", "room": id, "d": {"head": 1, "messages": 1, "secret": 1}}),
        json!({"t": "room.bump", "room": "home", "d": {"head": 1, "messages": 1}}),
        json!({"t": "room.bump", "room": id, "seq": 4, "d": {"head": 1, "messages": 1}}),
        json!({"t": "ack", "ref": 1, "d": {"seq": 1}}),
        json!({"t": "error", "d": {"code": "oops", "message": "", "retryable": false}}),
        json!({"t": "surprise", "d": {}}),
    ] {
        assert!(!contract.faults(&wrong).is_empty(), "{wrong}");
    }
}

/// Each example stands on a line of its own, after it the name of the golden frame that it is.
#[test]
fn every_golden_frame_is_an_example() {
    let file = path("asyncapi.yaml");
    let mut text = fs::read_to_string(&file).expect("the document");
    let frames = frames();
    if std::env::var_os("UPDATE_FRAMES").is_some() {
        let line = |line: &str| match line.rsplit_once(" # ").map(|(_, name)| (name, frames.get(name))) {
            Some((name, Some(frame))) => format!("        - payload: {frame} # {name}\n"),
            _ => format!("{line}\n"),
        };
        text = text.lines().map(line).collect();
        fs::write(&file, &text).expect("writable");
    }
    for (name, frame) in &frames {
        let lines: Vec<_> = text.lines().filter(|line| line.ends_with(&format!(" # {name}"))).collect();
        let [line] = lines[..] else {
            panic!("{} examples of {name}; there is one a golden frame", lines.len())
        };
        let shown = line.trim().strip_prefix("- payload: ").and_then(|line| line.rsplit_once(" # "));
        let shown: Value = serde_json::from_str(shown.expect("a payload").0).expect("JSON on one line");
        assert_eq!(&shown, frame, "{name}: UPDATE_FRAMES=1 cargo test --test it frames asyncapi");
    }
    let marked = text.lines().filter_map(|line| line.trim().strip_prefix("- payload: ")?.rsplit_once(" # "));
    let strangers: Vec<_> = marked.filter(|(_, name)| !frames.contains_key(*name)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    let messages = &Contract::get().document["components"]["messages"];
    for (name, message) in messages.as_object().expect("messages") {
        assert!(
            message["examples"].as_array().is_some_and(|all| !all.is_empty()),
            "{name} has no golden frame"
        );
    }
}

#[test]
fn every_message_belongs_to_one_side_and_goes_over_the_channel() {
    let document = &Contract::get().document;
    let messages = names(&document["components"]["messages"]);
    assert_eq!(names(&document["channels"]["ws"]["messages"]), messages);
    let frames = frames();
    let asked: BTreeSet<_> = frames
        .iter()
        .filter(|(name, _)| name.starts_with("client/"))
        .map(|(_, f)| f["t"].to_string())
        .collect();
    let (mut said, mut received) = (BTreeSet::new(), BTreeSet::new());
    for (name, operation) in document["operations"].as_object().expect("operations") {
        let listed = operation["messages"].as_array().expect("messages").iter().map(referred);
        if operation["action"] == "receive" {
            received.extend(listed);
            let replies: BTreeSet<_> =
                operation["reply"]["messages"].as_array().expect("replies").iter().map(referred).collect();
            assert!(replies.contains("error") && replies.len() > 1, "{name} is answered by {replies:?}");
        } else {
            for message in listed {
                assert!(said.insert(message.clone()), "{message} is said twice");
            }
        }
    }
    assert_eq!(received.iter().map(|name| format!("{name:?}")).collect::<BTreeSet<_>>(), asked);
    assert!(said.is_disjoint(&received));
    assert_eq!(said.union(&received).cloned().collect::<BTreeSet<_>>(), messages);
}

#[test]
fn it_agrees_with_the_code_and_with_the_rest_document() {
    let document = &Contract::get().document;
    let schemas = &document["components"]["schemas"];
    let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(strings(&schemas["ErrorCode"]["enum"]), codes);
    let rest = fs::read_to_string(path("openapi.yaml")).expect("the REST document");
    let rest: Value = serde_yaml_ng::from_str(&rest).expect("YAML");
    for of in ["name", "email"] {
        assert_eq!(document["info"]["contact"][of], rest["info"]["contact"][of]);
    }
    for schema in ["Message", "Attachment"] {
        let (here, there) =
            (&schemas[schema]["properties"], &rest["components"]["schemas"][schema]["properties"]);
        assert_eq!(names(here), names(there), "{schema}");
    }
    let hosts = document["servers"].as_object().expect("servers").values().map(|server| &server["host"]);
    let hosts: BTreeSet<_> = hosts.map(|host| host.as_str().expect("a host")).collect();
    let urls = rest["servers"].as_array().expect("servers").iter();
    let urls: BTreeSet<_> =
        urls.filter_map(|server| server["url"].as_str()?.split_once("://").map(|(_, host)| host)).collect();
    assert_eq!(hosts, urls);
}
