//! The name of a request, by which its lines in the log are found.

use actix_web::dev::ServiceResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Data;

use super::Http;
use crate::telemetry::http::UNKNOWN;

/// Taken over from a proxy, and in every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where each request is a line.
const ACCESS: &str = "chat::http::access";
/// Characters of a name. Longer or other ones are no name: they end up in logs.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: HeaderValue;
}

/// The name that whoever asks gave the request, or a new one.
pub(super) fn name(given: Option<&HeaderValue>, http: Option<&Data<Http>>) -> Option<HeaderValue> {
    let is_name = |value: &&HeaderValue| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(plain)
    };
    if let Some(name) = given.filter(is_name) {
        return Some(name.clone());
    }
    HeaderValue::try_from(http?.pod.clock.id().to_string()).ok()
}

/// Does something about the request of this name.
pub(super) async fn about<T>(name: Option<HeaderValue>, work: impl Future<Output = T>) -> T {
    match name {
        Some(name) => CURRENT.scope(name, work).await,
        None => work.await,
    }
}

/// One line for those who want one for each request. The path is the route's pattern: what people
/// put into one is theirs.
pub(super) fn log<B>(response: &ServiceResponse<B>) {
    if log::log_enabled!(target: ACCESS, log::Level::Debug) {
        let request = response.request();
        let (method, status) = (request.method().as_str(), response.status().as_u16());
        let route = request.match_pattern().unwrap_or_else(|| UNKNOWN.to_owned());
        log::debug!(target: ACCESS, method, status, route = route.as_str(); "{method} {route}: {status}");
    }
}

/// The name of the request that this is about, if it is about one.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(|name| name.to_str().unwrap_or_default().to_owned()).ok()
}
