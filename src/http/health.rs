//! `/health`, `/health/ready` and `/metrics`: for those who run the server.
//!
//! `/metrics` may have a port of its own ([`super::configure_metrics`]).

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, ServiceConfig};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use prometheus::{Encoder as _, TextEncoder};
use serde::Serialize;

use super::Http;
use super::problem::{self, Problem};
use crate::error::{Code, Fault};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the server is.
#[derive(Serialize, Apiv2Schema)]
pub(super) struct Health {
    /// One word. {{"example":"ok"}}
    status: &'static str,
}

#[api_v2_operation(
    summary = "Whether the process lives",
    description = "Asks nothing else: a lost database is no reason to restart it.",
    operation_id = "getHealth",
    tags(Health)
)]
pub(super) async fn alive() -> Result<Json<Health>, Problem> {
    Ok(Json(Health { status: "ok" }))
}

#[api_v2_operation(
    summary = "Whether it takes requests",
    description = "503 while the database does not answer, and from the beginning of a stop. \
                   `degraded` while Redis does not answer: everything works, and what other processes write \
                   arrives within the second. A server without Redis misses none and is `ready`.",
    operation_id = "getReadiness",
    tags(Health)
)]
pub(super) async fn ready(http: Data<Http>) -> Result<Json<Health>, Problem> {
    let not_ready = |detail: &str| Err(Problem(Fault::new(Code::Unavailable, detail)));
    if http.pod.is_draining() {
        return not_ready("this server is stopping");
    }
    match tokio::time::timeout(PATIENCE, http.pod.store.ping()).await {
        Ok(Ok(())) if http.pod.bus.is_up() => Ok(Json(Health { status: "ready" })),
        Ok(Ok(())) => Ok(Json(Health { status: "degraded" })),
        Ok(Err(error)) => {
            log::warn!("not ready: {error}");
            not_ready("the database does not answer")
        }
        Err(_) => not_ready("the database does not answer"),
    }
}

/// `/metrics`, in Prometheus' text format.
pub(super) fn configure(config: &mut ServiceConfig) {
    let resource = actix_web::web::resource("/metrics")
        .route(actix_web::web::get().to(metrics))
        .default_service(problem::only("GET"));
    config.service(resource);
}

async fn metrics(http: Data<Http>) -> HttpResponse {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&http.pod.telemetry.registry().gather(), &mut text) {
        Ok(()) => HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(text),
        Err(error) => problem::response(&Fault::internal(&error)),
    }
}
