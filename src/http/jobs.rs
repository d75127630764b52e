//! `/users/me/export`, `/users/me/jobs`, and the end of an account.

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, Responder};
use futures_util::stream::{self, StreamExt as _};
use paperclip::actix::{Apiv2Schema, OperationModifier, api_v2_operation};
use paperclip::v2::models::{DefaultOperationRaw, Either, Response};
use paperclip::v2::schema::Apiv2Schema as Schema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Http;
use super::answer::Pending;
use super::body::Body;
use super::extract::{Caller, Peer};
use super::problem::Problem;
use crate::domain::JobId;
use crate::domain::job::{self, JobKind, Messages};
use crate::domain::refusal::Invalid;
use crate::protocol::wire;

/// Work on your own data that takes longer than an answer.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    id: Uuid,
    /// `export` or `deletion`. {{"enum":["export","deletion"]}}
    kind: &'static str,
    /// `queued`, `running`, `done` or `failed`. {{"enum":["queued","running","done","failed"]}}
    state: &'static str,
    /// From 0 to 1. {{"minimum":0,"maximum":1,"example":0.25}}
    progress: f64,
    /// {{"format":"date-time"}}
    created_at: String,
    /// {{"format":"date-time"}}
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
}

impl From<job::Job> for Job {
    fn from(job: job::Job) -> Self {
        Self {
            id: job.id.0,
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            progress: f64::from(job.progress) / 1_000.0,
            created_at: wire::rfc3339(job.created_at),
            finished_at: job.finished_at.map(wire::rfc3339),
        }
    }
}

/// Your jobs.
#[derive(Serialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Jobs {
    /// The newest first.
    jobs: Vec<Job>,
}

/// The wish to end an account.
#[derive(Deserialize, Apiv2Schema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeleteAccount {
    /// Your password. {{"format":"password","example":"correct horse battery"}}
    password: String,
    /// Of your second factor, where there is one. {{"example":"123456"}}
    code: Option<String>,
    /// What becomes of what you wrote: `keep` leaves it under a name that says nothing, `delete` takes the texts away and leaves their places. {{"enum":["keep","delete"],"default":"keep"}}
    messages: Option<String>,
}

#[api_v2_operation(
    summary = "Ask for all that is kept of you",
    description = "Put together in the background; what was put together before is dropped. While one is under way, it is answered again.",
    operation_id = "exportData",
    tags(Users)
)]
pub(super) async fn export(caller: Caller, http: Data<Http>, peer: Peer) -> Result<Pending<Job>, Problem> {
    let job = http.accounts.ask_export(caller.user.id, &peer.0).await?;
    http.pod.job_waits();
    Ok(Pending(job.into()))
}

#[api_v2_operation(
    summary = "End your account",
    description = "For ever. It is closed at once: every login ends, with its sockets. Then, in the background, your name, address and all you told of yourself go, and you leave your rooms; a room that you own goes to who is there longest.",
    operation_id = "deleteAccount",
    tags(Users)
)]
pub(super) async fn delete(
    caller: Caller,
    http: Data<Http>,
    peer: Peer,
    body: Body<DeleteAccount>,
) -> Result<Pending<Job>, Problem> {
    let messages = Messages::parse(body.messages.as_deref().unwrap_or("keep"));
    let messages = messages.ok_or_else(|| Invalid::new("messages", "must be keep or delete"))?;
    let job = http
        .accounts
        .delete_account(&caller.user, (&body.password, body.code.as_deref()), messages, &peer.0)
        .await?;
    http.pod.job_waits();
    Ok(Pending(job.into()))
}

#[api_v2_operation(
    summary = "List your jobs",
    description = "Those of the last 7 days.",
    operation_id = "listJobs",
    tags(Users)
)]
pub(super) async fn list(caller: Caller, http: Data<Http>) -> Result<Json<Jobs>, Problem> {
    let jobs = http.accounts.jobs(caller.user.id).await?;
    Ok(Json(Jobs { jobs: jobs.into_iter().map(Job::from).collect() }))
}

#[api_v2_operation(
    summary = "Get a job",
    description = "Ask again until it is `done` or `failed`.",
    operation_id = "getJob",
    tags(Users)
)]
pub(super) async fn read(caller: Caller, http: Data<Http>, job: Path<Uuid>) -> Result<Json<Job>, Problem> {
    Ok(Json(http.accounts.job_of(caller.user.id, JobId(*job)).await?.into()))
}

#[api_v2_operation(
    summary = "Fetch the result of an export",
    description = "JSON Lines: each line is an object with its `type`: account, login, block, room, invitation, report, record, message. Kept for 7 days.",
    operation_id = "getJobResult",
    tags(Users)
)]
pub(super) async fn result(caller: Caller, http: Data<Http>, job: Path<Uuid>) -> Result<Download, Problem> {
    let job = http.accounts.result_of(caller.user.id, JobId(*job)).await?;
    debug_assert_eq!(job.kind, JobKind::Export);
    Ok(Download { http, job })
}

/// A result, read from the store part by part as it is taken.
pub(super) struct Download {
    http: Data<Http>,
    job: job::Job,
}

impl Responder for Download {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Self { http, job } = self;
        let parts = stream::iter(0..job.parts).then(move |part| {
            let store = http.pod.store.clone();
            async move {
                let body = store.job_part(job.id, part).await.map_err(|error| {
                    // The client sees a body that ends too soon.
                    log::warn!("a result was not read to its end: {error}");
                    std::io::Error::other("the result was not read to its end")
                })?;
                body.map(Bytes::from).ok_or_else(|| std::io::Error::other("the result was dropped"))
            }
        });
        HttpResponse::Ok()
            .content_type("application/x-ndjson")
            .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"chat-export.jsonl\""))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .streaming(Box::pin(parts))
    }
}

impl Schema for Download {}

impl OperationModifier for Download {
    fn update_response(operation: &mut DefaultOperationRaw) {
        operation.responses.insert("200".to_owned(), Either::Right(Response::default()));
    }
}
