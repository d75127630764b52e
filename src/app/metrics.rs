//! `/metrics` on a port of its own, which the way in to the API does not lead to.

use std::net::SocketAddr;

use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use super::server::{Listener, StartError};
use crate::http::{self, Http};
use crate::settings::Settings;

/// How long answers under way may take at the end, in seconds.
const LAST_ANSWERS: u64 = 1;

/// Listens where the settings say so.
///
/// # Errors
/// When the port cannot be had.
pub(super) fn listen(settings: &Settings, http: &Data<Http>) -> Result<Option<Listener>, StartError> {
    let Some(port) = settings.metrics_port else { return Ok(None) };
    let address = SocketAddr::new(settings.metrics_host.unwrap_or(settings.host), port);
    let http = http.clone();
    let server = HttpServer::new(move || {
        App::new().configure(http::configure_metrics(http.clone())).wrap(from_fn(http::headers::secure))
    })
    // One scrape at a time, some times a minute.
    .workers(1)
    .disable_signals()
    .shutdown_timeout(LAST_ANSWERS)
    .bind(address)
    .map_err(|cause| StartError::Listen {
        settings: "CHAT_METRICS_HOST, CHAT_METRICS_PORT",
        address,
        cause,
    })?;
    let address = server.addrs().first().copied().unwrap_or(address);
    Ok(Some(Listener::run(server.run(), address)))
}
