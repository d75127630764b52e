//! What the stories of files are told with: forms, and requests whose bodies are files.

use serde_json::{Value, json};

use crate::support::http::{Raw, ask_raw};
use crate::support::{Person, TestServer, new_id, text};

/// A form with one file.
pub fn form(field: &str, name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("----{}", new_id());
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let mut body = head.into_bytes();
    body.extend(bytes);
    body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn bearer(who: &Person) -> String {
    format!("Bearer {}", who.token)
}

/// Sends a body as somebody.
#[track_caller]
pub fn send(server: &TestServer, who: &Person, method: &str, path: &str, kind: &str, body: &[u8]) -> Raw {
    let headers = [("authorization", &*bearer(who)), ("content-type", kind)];
    ask_raw(server.address(), method, path, &headers, body).expect("the server answers")
}

/// Uploads, whatever is answered.
#[track_caller]
pub fn upload(server: &TestServer, who: &Person, name: &str, bytes: &[u8]) -> Raw {
    let (kind, body) = form("file", name, bytes);
    send(server, who, "POST", "/attachments", &kind, &body)
}

/// An attachment that was taken.
#[track_caller]
pub fn uploaded(server: &TestServer, who: &Person, name: &str, bytes: &[u8]) -> Value {
    upload(server, who, name, bytes).head.expect(201)
}

/// Reads a file as somebody.
#[track_caller]
pub fn read(server: &TestServer, who: &Person, path: &str, headers: &[(&str, &str)]) -> Raw {
    let bearer = bearer(who);
    let mut headers = headers.to_vec();
    headers.push(("authorization", &bearer));
    ask_raw(server.address(), "GET", path, &headers, &[]).expect("the server answers")
}

/// The path of an attachment, as its address has it.
#[track_caller]
pub fn path_of(attachment: &Value) -> String {
    let url = text(attachment, "url");
    let path = url.find("/attachments/").expect("an address of an attachment");
    url[path..].to_owned()
}

/// Sends a message with these files.
#[track_caller]
pub fn say_with(server: &TestServer, who: &Person, room: &str, files: &[&Value]) -> Value {
    let files: Vec<_> = files.iter().map(|file| &file["id"]).collect();
    let body = json!({ "roomId": room, "content": "look", "attachments": files });
    server.post(who, "/messages", &body).expect(201)
}
