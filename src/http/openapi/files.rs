//! What the document says of bodies that are files, which routes and types do not tell.

use serde_json::{Map, Value, json};

/// Operations whose body is a file: whether a bare picture will do as well.
const UPLOADS: [(&str, bool); 2] = [("uploadAttachment", false), ("setAvatar", true)];
/// Operations that answer with a file: its media types, and whether a part of it can be had.
const DOWNLOADS: [(&str, &[&str], bool); 3] = [
    (
        "readAttachment",
        &[
            "image/jpeg",
            "image/png",
            "image/gif",
            "application/pdf",
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ],
        true,
    ),
    ("readThumbnail", &["image/jpeg", "image/png"], false),
    ("readAvatar", &["image/jpeg", "image/png"], false),
];

fn binary() -> Value {
    json!({ "schema": { "type": "string", "format": "binary" } })
}

/// Gives an operation its body, where that is a file.
pub(super) fn add_body(id: &str, operation: &mut Map<String, Value>) {
    let Some((_, bare)) = UPLOADS.iter().find(|(upload, _)| *upload == id) else { return };
    let form = json!({
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": { "file": { "type": "string", "format": "binary", "description": "The file, with its name." } },
        },
    });
    let mut content = Map::from_iter([("multipart/form-data".to_owned(), form)]);
    if *bare {
        content.extend(["image/jpeg", "image/png", "image/gif"].map(|media| (media.to_owned(), binary())));
    }
    operation.insert("requestBody".into(), json!({ "content": content }));
}

/// Gives the answers of an operation their files.
pub(super) fn add_answers(id: &str, answers: &mut Map<String, Value>) {
    if id == "uploadAttachment"
        && let Some(created) =
            answers.get_mut("201").and_then(|answer| answer.pointer_mut("/content/application~1json"))
    {
        created["example"] = json!({
            "id": "01937f4e-5b1a-7c2d-9e3f-00000000000b",
            "url": "https://api.chat.example.com/attachments/01937f4e-5b1a-7c2d-9e3f-00000000000b",
            "thumbnailUrl": "https://api.chat.example.com/attachments/01937f4e-5b1a-7c2d-9e3f-00000000000b/thumbnail",
            "name": "cat.jpg",
            "type": "image/jpeg",
            "size": 48_213,
        });
    }
    let Some((_, media, parts)) = DOWNLOADS.iter().find(|(download, ..)| *download == id) else { return };
    let content: Map<String, Value> = media.iter().map(|media| ((*media).to_owned(), binary())).collect();
    if let Some(answer) = answers.get_mut("200") {
        answer["content"] = json!(content);
    }
    if *parts {
        let range = json!({
            "description": "Which bytes, of how many.",
            "schema": { "type": "string", "example": "bytes 0-1023/48213" },
        });
        answers.insert(
            "206".into(),
            json!({ "description": "The bytes asked for", "headers": { "Content-Range": range }, "content": content }),
        );
        let location =
            json!({ "description": "Good for 30 s.", "schema": { "type": "string", "format": "uri" } });
        answers.insert(
            "302".into(),
            json!({ "description": "The file is there, for 30 s", "headers": { "Location": location } }),
        );
        answers.insert("304".into(), json!({ "description": "You have it already" }));
    }
}
