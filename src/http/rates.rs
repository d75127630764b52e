//! Limits that every route has, and what an answer tells of those it met: `RateLimit-Policy` and
//! `RateLimit`, after draft-ietf-httpapi-ratelimit-headers-10.

use std::fmt::Write as _;

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::{Http, client, problem};
use crate::domain::Refusal;
use crate::limits::Key;
use crate::limits::noted::Note;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What is asked by those who run the server; it has a limit of its own.
const HEALTH: [&str; 3] = ["/health", "/health/ready", "/metrics"];

/// Answers a request, if its address does not ask too often.
pub(super) async fn within<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let refused = request.app_data::<Data<Http>>().and_then(|http| {
        let address = client::address(request.request(), &http.pod.settings.trusted_proxies);
        let is_health = HEALTH.contains(&request.path());
        let key = if is_health { Key::HealthIp(address) } else { Key::RequestIp(address) };
        http.limiter.check(key, http.pod.clock.now()).err()
    });
    match refused {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(retry_after) => {
            let answer = problem::response(&Refusal::RateLimited { retry_after }.into());
            Ok(request.into_response(answer).map_into_right_body())
        }
    }
}

/// Tells what the limits said.
pub(super) fn tell(headers: &mut HeaderMap, notes: &[Note]) {
    let (mut policy, mut limit) = (String::new(), String::new());
    for note in notes {
        let name = Key::KINDS.get(note.kind).copied().unwrap_or_default();
        let comma = if policy.is_empty() { "" } else { ", " };
        let seconds = |time: std::time::Duration| time.as_millis().div_ceil(1_000);
        // Writing to a String cannot fail.
        let _ = write!(policy, "{comma}\"{name}\";q={};w={}", note.quota, seconds(note.window).max(1));
        let _ = write!(limit, "{comma}\"{name}\";r={};t={}", note.left, seconds(note.reset));
    }
    for (name, value) in [(POLICY, policy), (LIMIT, limit)] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}
