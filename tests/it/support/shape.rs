//! Whether a frame has the shape that the golden frames in `openapi/frames/server` pin: no member
//! unknown, none missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

/// The members of frames of one type: those that may be there, and those that always are.
#[derive(Default)]
struct Members {
    may: BTreeSet<String>,
    must: Option<BTreeSet<String>>,
}

impl Members {
    fn learn(&mut self, object: &Value) {
        let names = names(object);
        self.may.extend(names.iter().cloned());
        self.must = Some(match self.must.take() {
            Some(must) => must.intersection(&names).cloned().collect(),
            None => names,
        });
    }

    fn check(&self, object: &Value, frame: &Value) {
        let names = names(object);
        let unknown: Vec<_> = names.difference(&self.may).collect();
        assert!(unknown.is_empty(), "unknown members {unknown:?} in {frame}");
        let missing: Vec<_> = self.must.iter().flatten().filter(|name| !names.contains(*name)).collect();
        assert!(missing.is_empty(), "{missing:?} missing in {frame}");
    }
}

#[derive(Default)]
struct Shape {
    envelope: Members,
    data: Members,
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect()
}

fn shapes() -> &'static BTreeMap<String, Shape> {
    static SHAPES: OnceLock<BTreeMap<String, Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/frames/server");
        let mut shapes = BTreeMap::<String, Shape>::new();
        for file in std::fs::read_dir(folder).expect("the golden frames") {
            let text = std::fs::read_to_string(file.expect("readable").path()).expect("readable");
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            let shape = shapes.entry(super::text(&frame, "t")).or_default();
            shape.envelope.learn(&frame);
            shape.data.learn(&frame["d"]);
        }
        for (t, shape) in &mut shapes {
            // An answer carries a ref exactly if the request did.
            if let Some(must) = &mut shape.envelope.must {
                must.remove("ref");
            }
            if t.starts_with("message.") {
                shape.data.may.extend(["clientMsgId".to_owned(), "replyTo".to_owned()]);
                shape.data.may.insert("deletedAt".to_owned());
                if let Some(must) = &mut shape.data.must {
                    must.remove("deletedAt");
                }
            }
        }
        shapes
    })
}

/// Fails the test when the frame is none that this server may send.
pub fn check(frame: &Value) {
    let t = frame["t"].as_str().unwrap_or_else(|| panic!("no t in {frame}"));
    let shape = shapes().get(t).unwrap_or_else(|| panic!("unknown type: {frame}"));
    shape.envelope.check(frame, frame);
    assert!(frame["d"].is_object(), "d is an object: {frame}");
    shape.data.check(&frame["d"], frame);
}
