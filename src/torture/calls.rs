//! The HTTP calls of deeds: changes of messages, people who come and go, files, and the looks at the
//! end. A part of [`super::rest`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::deeds::{Act, Doing, Outcome, Shown, Uploaded};
use super::record::said;
use super::rest::{PATIENCE, Person, Problem, Rest, cause};

/// What separates the parts of a form; no file has it.
const BOUNDARY: &str = "torture-and-nothing-else";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    messages: Vec<Told>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: Uuid,
    seq: u64,
    content: String,
    deleted_at: Option<String>,
    #[serde(default)]
    reactions: Vec<Sign>,
}

#[derive(Deserialize)]
struct Sign {
    emoji: String,
    count: u64,
}

#[derive(Deserialize)]
struct Kept {
    id: Uuid,
}

impl Told {
    fn shown(self) -> Shown {
        let said = said(&self.content, self.deleted_at.is_some());
        let reactions: BTreeMap<String, u64> =
            self.reactions.into_iter().map(|sign| (sign.emoji, sign.count)).collect();
        Shown { id: self.id, seq: self.seq, said, reactions }
    }
}

/// The form that holds this file.
fn form(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: application/pdf\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

async fn problem(answer: Response) -> (String, bool) {
    let status = answer.status();
    match answer.json::<Problem>().await {
        Ok(problem) => (problem.code, problem.retryable),
        // Of somebody between, who knows nothing of codes.
        Err(_) => (status.to_string(), true),
    }
}

async fn outcome(request: RequestBuilder) -> Outcome {
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Outcome::Done { seq: None, duplicate: false },
        Ok(answer) => {
            let (code, retryable) = problem(answer).await;
            Outcome::Refused { code, retryable }
        }
        Err(error) => Outcome::Failed(cause(&error)),
    }
}

impl Rest {
    /// Changes a message.
    pub async fn change(&self, at: SocketAddr, token: &str, message: Uuid, what: &Doing) -> Outcome {
        let url = format!("http://{at}/messages/{message}");
        let request = match what {
            Doing::Edit(content) => self.client.patch(url).json(&json!({"content": content})),
            Doing::Delete => self.client.delete(url),
            Doing::React(sign) => self.client.put(format!("{url}/reactions/{sign}")),
            Doing::Unreact(sign) => self.client.delete(format!("{url}/reactions/{sign}")),
        };
        outcome(request.bearer_auth(token)).await
    }

    /// Does something at the door of a room.
    pub async fn act(
        &self,
        at: SocketAddr,
        room: Uuid,
        owner: &Person,
        guest: &Person,
        what: Act,
    ) -> Outcome {
        let (url, guest_id) = (format!("http://{at}/rooms/{room}"), guest.id);
        let (request, by) = match what {
            Act::Add => {
                let body = json!({"userId": guest_id});
                (self.client.post(format!("{url}/members")).json(&body), owner)
            }
            Act::Join => (self.client.post(format!("{url}/join")), guest),
            Act::Leave => (self.client.post(format!("{url}/leave")), guest),
            Act::Remove => (self.client.delete(format!("{url}/members/{guest_id}")), owner),
            Act::Ban => (self.client.put(format!("{url}/bans/{guest_id}")), owner),
            Act::Unban => (self.client.delete(format!("{url}/bans/{guest_id}")), owner),
        };
        outcome(request.bearer_auth(&by.token)).await
    }

    /// Sends a file.
    pub async fn upload(&self, at: SocketAddr, token: &str, name: &str, bytes: &[u8]) -> Uploaded {
        let request = self.client.post(format!("http://{at}/attachments")).bearer_auth(token);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = request.header("content-type", kind).body(form(name, bytes));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Uploaded::Failed(cause(&error)),
        };
        if answer.status() != reqwest::StatusCode::CREATED {
            let (code, retryable) = problem(answer).await;
            return Uploaded::Refused { code, retryable };
        }
        match answer.json::<Kept>().await {
            Ok(kept) => Uploaded::Stored(kept.id),
            Err(error) => Uploaded::Failed(cause(&error)),
        }
    }

    /// Begins to send a file, and hangs up before its end: `part` of a thousand parts of it are sent.
    pub async fn cut_upload(&self, at: SocketAddr, token: &str, name: &str, bytes: &[u8], part: usize) {
        let whole = form(name, bytes);
        let head = format!(
            "POST /attachments HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\n\
             content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
            whole.len()
        );
        // At least the last boundary is missing.
        let sent = (whole.len() * part / 1_000).min(whole.len().saturating_sub(BOUNDARY.len() + 8));
        let begin = async {
            let mut stream = TcpStream::connect(at).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(whole.get(..sent).unwrap_or_default()).await?;
            stream.flush().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.shutdown().await
        };
        // Whether it got so far or not: it did not get to the end.
        let _cut = tokio::time::timeout(PATIENCE, begin).await;
    }

    /// Reads all of a room's history, newest first; or the code with which it is refused.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn history(
        &self,
        at: SocketAddr,
        token: &str,
        room: Uuid,
    ) -> Result<Result<Vec<Shown>, String>, String> {
        let (mut shown, mut cursor) = (Vec::new(), String::new());
        loop {
            let url = format!("http://{at}/messages?roomId={room}&limit=200{cursor}");
            let answer =
                self.client.get(url).bearer_auth(token).send().await.map_err(|error| cause(&error))?;
            if !answer.status().is_success() {
                let (code, retryable) = problem(answer).await;
                return if retryable { Err(code) } else { Ok(Err(code)) };
            }
            let page: History = answer.json().await.map_err(|error| cause(&error))?;
            shown.extend(page.messages.into_iter().map(Told::shown));
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(Ok(shown)),
            }
        }
    }

    /// Gets a file, and says what its bytes are; or the code with which it is refused.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn fetch(
        &self,
        at: SocketAddr,
        token: &str,
        file: Uuid,
    ) -> Result<Result<[u8; 32], String>, String> {
        let request = self.client.get(format!("http://{at}/attachments/{file}")).bearer_auth(token);
        let answer = request.send().await.map_err(|error| cause(&error))?;
        if !answer.status().is_success() {
            let (code, retryable) = problem(answer).await;
            return if retryable { Err(code) } else { Ok(Err(code)) };
        }
        let bytes = answer.bytes().await.map_err(|error| cause(&error))?;
        Ok(Ok(Sha256::digest(&bytes).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_its_file_between_boundaries() {
        let form = String::from_utf8(form("a.pdf", b"%PDF")).expect("text");
        assert!(form.starts_with("--torture") && form.contains("filename=\"a.pdf\""));
        assert!(form.contains("\r\n\r\n%PDF\r\n--torture") && form.ends_with("--\r\n"));
    }
}
