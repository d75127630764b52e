//! The HTTP calls of clients and of the test itself. Next: [`super::calls`], those of deeds.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::Answer;

/// Longer than this nobody waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// Someone with an account.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: Uuid,
    pub token: String,
}

/// Talks HTTP to processes.
#[derive(Clone)]
pub struct Rest {
    pub(super) client: reqwest::Client,
    /// A connection for each call.
    anew: reqwest::Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    id: Uuid,
    seq: u64,
}

#[derive(Deserialize)]
pub(super) struct Problem {
    pub(super) code: String,
    pub(super) retryable: bool,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Stored>,
}

impl Rest {
    /// # Errors
    /// When the library cannot start.
    pub fn new() -> Result<Self, String> {
        let client = |idle| {
            let builder =
                reqwest::Client::builder().timeout(PATIENCE).connect_timeout(Duration::from_secs(2));
            let client = builder.pool_max_idle_per_host(idle).no_proxy().build();
            client.map_err(|error| error.to_string())
        };
        Ok(Self { client: client(64)?, anew: client(0)? })
    }

    async fn post(
        client: &reqwest::Client,
        at: SocketAddr,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, String> {
        let mut request = client.post(format!("http://{at}{path}")).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(|error| cause(&error))?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|error| cause(&error))?;
        if status == reqwest::StatusCode::CREATED {
            Ok(body)
        } else {
            Err(format!("{path}: {status}: {body}"))
        }
    }

    /// # Errors
    /// What went wrong.
    pub async fn register(&self, at: SocketAddr, name: &str) -> Result<Person, String> {
        let body = json!({"username": name, "email": format!("{name}@example.com"), "password": "correct horse battery"});
        let made = Self::post(&self.client, at, "/auth/register", None, &body).await?;
        let id = made.pointer("/user/id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let token = made.get("token").and_then(Value::as_str).map(str::to_owned);
        match (id, token) {
            (Some(id), Some(token)) => Ok(Person { id, token }),
            _ => Err(format!("/auth/register: {made}")),
        }
    }

    /// # Errors
    /// What went wrong.
    pub async fn create_room(
        &self,
        at: SocketAddr,
        owner: &Person,
        name: &str,
        members: &[Uuid],
    ) -> Result<Uuid, String> {
        self.make_room(at, owner, &json!({"name": name, "isPrivate": true, "members": members})).await
    }

    /// A room that everybody may join who is not banned.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn create_lively_room(
        &self,
        at: SocketAddr,
        owner: &Person,
        name: &str,
        since_joined: bool,
    ) -> Result<Uuid, String> {
        let visibility = if since_joined { "sinceJoined" } else { "all" };
        self.make_room(at, owner, &json!({"name": name, "historyVisibility": visibility})).await
    }

    async fn make_room(&self, at: SocketAddr, owner: &Person, body: &Value) -> Result<Uuid, String> {
        let made = Self::post(&self.client, at, "/rooms", Some(&owner.token), body).await?;
        let id = made.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        id.ok_or_else(|| format!("/rooms: {made}"))
    }

    /// Over a connection of its own: of one that was cut in silence nobody knows before the
    /// answer does not come, and a move has no time to find out.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn ticket(&self, at: SocketAddr, token: &str) -> Result<String, String> {
        let made = Self::post(&self.anew, at, "/ws/ticket", Some(token), &json!({})).await?;
        made.get("ticket")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| format!("/ws/ticket: {made}"))
    }

    /// Sends a message, with its file if it has one.
    pub async fn send(
        &self,
        at: SocketAddr,
        token: &str,
        room: Uuid,
        key: Uuid,
        (content, attachment): (&str, Option<Uuid>),
    ) -> Answer {
        let files: Vec<Uuid> = attachment.into_iter().collect();
        let body = json!({"roomId": room, "content": content, "attachments": files});
        self.try_send(at, token, key, &body).await.unwrap_or_else(|error| Answer::Failed(cause(&error)))
    }

    async fn try_send(
        &self,
        at: SocketAddr,
        token: &str,
        key: Uuid,
        body: &Value,
    ) -> reqwest::Result<Answer> {
        let request = self.client.post(format!("http://{at}/messages")).bearer_auth(token);
        let request = request.header("idempotency-key", key.to_string());
        let answer = request.json(body).send().await?;
        let duplicate = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        if answer.status() == reqwest::StatusCode::CREATED {
            let Stored { id, seq } = answer.json().await?;
            return Ok(Answer::Stored { id, seq, duplicate });
        }
        let Problem { code, retryable } = answer.json().await?;
        Ok(Answer::Refused { code, retryable })
    }

    /// Whether the newest messages of a room have this one; nothing without an answer.
    pub async fn history_has(
        &self,
        at: SocketAddr,
        token: &str,
        room: Uuid,
        id: Uuid,
        seq: u64,
    ) -> Option<bool> {
        let request =
            self.client.get(format!("http://{at}/messages?roomId={room}&limit=200")).bearer_auth(token);
        let answer = request.send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let page: Page = answer.json().await.ok()?;
        let found = page.messages.iter().any(|message| message.id == id);
        // So many may have come since that it lies on an older page.
        let beyond =
            page.messages.len() >= 200 && page.messages.last().is_some_and(|oldest| oldest.seq > seq);
        (found || !beyond).then_some(found)
    }

    /// Whether it takes requests.
    pub async fn is_ready(&self, at: SocketAddr) -> bool {
        let request = self.client.get(format!("http://{at}/health/ready"));
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// A counter of a process; nothing without an answer.
    pub async fn counter(&self, at: SocketAddr, name: &str) -> Option<u64> {
        let answer = self.client.get(format!("http://{at}/metrics")).send().await.ok()?;
        counter_in(&answer.text().await.ok()?, name)
    }
}

/// The value of a metric without labels.
fn counter_in(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// The innermost reason: reqwest's own text names only the request.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_whole_name() {
        let text = "# TYPE a counter\na_total_b 3\na_total 17\na_total{x=\"1\"} 4\n";
        assert_eq!(counter_in(text, "a_total"), Some(17));
        assert_eq!(counter_in(text, "a"), None);
    }
}
