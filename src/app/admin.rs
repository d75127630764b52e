//! `chat admin why`: asks a running server, as its operator, why somebody has a message or has it not.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use thiserror::Error;
use uuid::Uuid;

use super::https;
use crate::auth::{Tokens, secret};
use crate::clock::{Clock as _, SystemClock};
use crate::settings::Settings;

/// How long the server has for its answer; it asks the others for half a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why has somebody a message, or has it not? Asks the server that runs with the same settings.
#[derive(Args, Clone, Debug)]
pub(super) struct Why {
    /// The message's id.
    message: Uuid,
    /// The user's id.
    user: Uuid,
    /// Where the server is reached, such as http://127.0.0.1:3000; by default where HOST and PORT say.
    #[arg(long)]
    server: Option<String>,
    /// The answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum AdminError {
    #[error(
        "JWT_SECRET: there is no secret in {0}: run this where the server runs, with the settings that it has"
    )]
    NoSecret(String),
    #[error("JWT_SECRET: {0}")]
    Secret(String),
    #[error("{url}: {cause}")]
    Unreachable { url: String, cause: Box<ureq::Error> },
    #[error("the server answers {status}: {detail}")]
    Refused { status: u16, detail: String },
    #[error("the server's answer is not understood: {0}")]
    NotUnderstood(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Journey {
    message_id: Uuid,
    room_id: Uuid,
    seq: u64,
    created_at: String,
    user_id: Uuid,
    verdict: String,
    because: String,
    is_online: bool,
    last_seen: Option<String>,
    received: Option<u64>,
    read: Option<u64>,
    is_followed: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    at: String,
    pod: Uuid,
    station: String,
    conn_id: Option<Uuid>,
    sockets: Option<u32>,
}

/// The answer, as text for people or as JSON. `local` is where the settings say that a server listens.
pub(super) fn why(settings: &Settings, question: &Why, local: SocketAddr) -> Result<String, AdminError> {
    let server = question.server.clone().unwrap_or_else(|| format!("http://{local}"));
    let Why { message, user, .. } = question;
    let url = format!("{}/admin/messages/{message}/journey?userId={user}", server.trim_end_matches('/'));
    let unreachable = |cause| AdminError::Unreachable { url: url.clone(), cause: Box::new(cause) };
    let agent = https::agent(PATIENCE);
    let request = agent.get(&url).header("authorization", format!("Bearer {}", token(settings)?));
    // Whatever proxy the environment names: the token is for the server alone.
    let request = request.config().proxy(None).http_status_as_error(false).build();
    let mut answer = request.call().map_err(unreachable)?;
    let body = answer.body_mut().read_to_string().map_err(unreachable)?;
    let status = answer.status().as_u16();
    if status != 200 {
        let detail = serde_json::from_str(&body).map_or(body, |problem: Problem| problem.detail);
        return Err(AdminError::Refused { status, detail });
    }
    let journey = serde_json::from_str(&body)?;
    Ok(if question.json { format!("{body}\n") } else { told(&journey) })
}

/// A token that the server believes, since it is signed with its own secret.
fn token(settings: &Settings) -> Result<String, AdminError> {
    let secret = match settings.jwt_secret.first() {
        Some(secret) => secret.clone(),
        None => secret::load(&settings.data_dir)
            .map_err(|cause| AdminError::Secret(cause.to_string()))?
            .ok_or_else(|| AdminError::NoSecret(settings.data_dir.display().to_string()))?,
    };
    let tokens = Tokens::new(&secret, &[], settings.accounts.access_token);
    tokens.sign_operator(SystemClock.now()).map_err(|fault| AdminError::Secret(fault.detail))
}

fn told(journey: &Journey) -> String {
    let Journey { message_id, room_id, seq, created_at, user_id, .. } = journey;
    let mut text = format!(
        "{}: {}\n\nmessage  {message_id}\nroom     {room_id}\nseq      {seq}, stored {created_at}\nuser     {user_id}\n",
        journey.verdict, journey.because
    );
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", format!("{name:<8} {value}").trim_end());
    };
    match (journey.is_online, &journey.last_seen) {
        (true, _) => line("online", "yes".to_owned()),
        (false, Some(seen)) => line("online", format!("no, last {seen}")),
        (false, None) => line("online", "no".to_owned()),
    }
    if let (Some(received), Some(read)) = (journey.received, journey.read) {
        line("marks", format!("received {received}, read {read}"));
    }
    match (journey.is_followed, journey.steps.is_empty()) {
        (false, _) => line("steps", "none: the way of this message is not noted".to_owned()),
        (true, true) => line("steps", "none that is remembered".to_owned()),
        (true, false) => line("steps", String::new()),
    }
    for step in &journey.steps {
        let pod = step.pod.simple().to_string();
        // Of an id the end is chance; its beginning is the time.
        let short = |id: &str| id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned();
        let mut what = format!("{}  pod …{}  {}", step.at, short(&pod), step.station);
        if let Some(conn) = step.conn_id {
            what.push_str(&format!("  connection {conn}"));
        }
        if let Some(sockets) = step.sockets {
            what.push_str(&format!("  {sockets} sockets"));
        }
        line("", what);
    }
    text
}
