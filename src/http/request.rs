//! What a request is known by: its name, by which its lines in the log are found, and the trace that it
//! is part of.

use std::cell::Cell;
use std::time::Instant;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Data;
use uuid::Uuid;

use super::Http;
use crate::domain::{MessageId, Timestamp};
use crate::telemetry::http::UNKNOWN;
use crate::telemetry::trace::{AnsweredRequest, TraceContext};

/// Taken over from a proxy, and in every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The trace of whoever asks (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The trace that it became part of, in every answer (W3C Trace Context, level 2).
pub(super) const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
/// Where each request is a line.
const ACCESS: &str = "chat::http::access";
/// Characters of a name. Longer or other ones are no name: they end up in logs.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: Request;
}

/// A request that is being answered.
pub(super) struct Request {
    name: HeaderValue,
    context: TraceContext,
    /// The span of whoever asks.
    parent: Option<u64>,
    began: Timestamp,
    clock: Instant,
    /// The message that it wrote, if its way is noted.
    wrote: Cell<Option<MessageId>>,
}

impl Request {
    /// With the name that whoever asks gave it, or a new one. `None` where there is no server, which
    /// is in no application of ours.
    pub(super) fn begin(request: &ServiceRequest) -> Option<Self> {
        let http = request.app_data::<Data<Http>>()?;
        let is_name = |value: &&HeaderValue| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(plain)
        };
        let id = http.pod.clock.id();
        let given = request.headers().get(REQUEST_ID).filter(is_name).cloned();
        let name = given.or_else(|| HeaderValue::try_from(id.to_string()).ok())?;
        let asked = request.headers().get(TRACEPARENT).and_then(|header| header.to_str().ok());
        let asked = asked.and_then(TraceContext::parse);
        let clock = Instant::now();
        let began = http.pod.clock.now();
        Some(Self {
            name,
            parent: asked.map(|asked| asked.span),
            context: context(http, id, asked),
            began,
            clock,
            wrote: Cell::default(),
        })
    }

    /// Does something about this request; answers it with what came of it.
    pub(super) async fn about<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }
}

/// The trace of whoever asks, or a new one of the same id as the request.
fn context(http: &Http, id: Uuid, asked: Option<TraceContext>) -> TraceContext {
    let kept = |sampled| sampled && http.pod.tracer().is_some();
    // The end of an id is chance.
    let span = (id.as_u128() as u64 ^ id.as_u128().rotate_left(24) as u64).max(1);
    match asked {
        Some(asked) => TraceContext { span, sampled: kept(asked.sampled), ..asked },
        None => {
            let trace = id.as_u128();
            TraceContext { trace, span, sampled: kept(http.pod.samples(trace)) }
        }
    }
}

/// One line for those who want one for each request, and a span for those who keep this one. The path
/// is the route's pattern: what people put into one is theirs.
pub(super) fn answered<B>(response: &ServiceResponse<B>) {
    let request = response.request();
    let route = || request.match_pattern().unwrap_or_else(|| UNKNOWN.to_owned());
    let (method, status) = (request.method().as_str(), response.status().as_u16());
    if log::log_enabled!(target: ACCESS, log::Level::Debug) {
        let (route, took) =
            (route(), CURRENT.try_with(|current| current.clock.elapsed()).unwrap_or_default());
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        log::debug!(
            target: ACCESS, method, status, route = route.as_str(), took = nanoseconds;
            "{method} {route}: {status} in {took:.1?}"
        );
    }
    let Some(http) = request.app_data::<Data<Http>>() else { return };
    let Some(tracer) = http.pod.tracer() else { return };
    // A request of ours always has one.
    let _none = CURRENT.try_with(|current| {
        let message = current.wrote.get();
        if current.context.sampled || message.is_some() {
            tracer.answered(AnsweredRequest {
                context: current.context,
                parent: current.parent,
                method: method.to_owned(),
                route: route(),
                status,
                began: current.began,
                took: current.clock.elapsed(),
                message,
            });
        }
    });
}

/// The present request wrote a message whose way is noted.
pub(super) fn wrote(message: MessageId) {
    let _none = CURRENT.try_with(|current| current.wrote.set(Some(message)));
}

/// The headers by which an answer names its request.
pub(super) fn headers() -> Option<[(HeaderName, HeaderValue); 2]> {
    CURRENT
        .try_with(|current| {
            let trace = HeaderValue::try_from(current.context.to_string()).ok()?;
            Some([(REQUEST_ID, current.name.clone()), (TRACERESPONSE, trace)])
        })
        .ok()?
}

/// The name of the request that this is about, if it is about one, and its trace.
#[must_use]
pub fn current() -> Option<(String, TraceContext)> {
    let of = |current: &Request| (current.name.to_str().unwrap_or_default().to_owned(), current.context);
    CURRENT.try_with(of).ok()
}
