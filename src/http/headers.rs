//! Headers of every answer: what browsers must not do with it, whose pages may read it, and the name
//! of its request. And HEAD, which asks for the headers alone.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use bytes::Bytes;

use super::Http;
use super::rates;
use super::request::{self, Request};
use crate::limits::noted::noting;

/// What every answer says, whatever its handler said.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
];
/// What it says unless its handler said otherwise: an answer of the API is no page, nobody keeps it,
/// and who is of another site gets it with leave alone (CORS). The page's host is of the same site.
const USUALLY: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-site")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
/// What a page of another, allowed origin may do.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// The headers that it may send: all that any route reads.
const SENT: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-none-match, if-range, range, traceparent, x-request-id, \
     x-requested-with",
);
/// The headers of answers that it may read: all that any route writes for clients.
const READ: HeaderValue = HeaderValue::from_static(
    "Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Location, RateLimit, \
     RateLimit-Policy, Retry-After, traceresponse, WWW-Authenticate, X-Request-Id",
);
/// Where people come over TLS: for a year.
const OVER_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The middleware, for `actix_web::middleware::from_fn`: outermost, because it boxes both the
/// future and the body, and a connection keeps the room of what it is handed inline for as long
/// as it lives.
///
/// # Errors
/// Those of what it wraps.
pub async fn secure<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // A socket is opened by GET alone.
    let is_head = request.method() == Method::HEAD && !request.headers().contains_key(header::UPGRADE);
    if is_head {
        request.head_mut().method = Method::GET;
    }
    let (origin, is_https) = (allowed_origin(&request), is_https(&request));
    let named = Request::begin(&request);
    let preflight = request.method() == Method::OPTIONS
        && origin.is_some()
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let mut answer = HttpResponse::NoContent();
        answer
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, SENT))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
        request.into_response(answer.finish()).map_into_boxed_body()
    } else {
        let answered = async {
            let (response, notes) = noting(rates::within(request, next)).await;
            let response = response?;
            request::answered(&response);
            let mut response = response.map_into_boxed_body();
            rates::tell(response.headers_mut(), &notes);
            for (name, value) in request::headers().into_iter().flatten() {
                response.headers_mut().insert(name, value);
            }
            Ok::<_, Error>(response)
        };
        match named {
            Some(named) => named.about(answered).await?,
            None => answered.await?,
        }
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    for (name, value) in USUALLY {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, OVER_TLS);
    }
    if let Some(origin) = origin {
        share(headers, origin);
    }
    Ok(if is_head { response.map_body(|_, body| Unsent(body.size()).boxed()) } else { response })
}

/// A body of some size that is not sent: what HEAD is answered with (RFC 9110, 9.3.2). It says how long
/// it would be, and the connection writes none of it.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// Lets a page of another, allowed origin read the answer, and send its cookie, which no other page
/// can use: see [`super::cookie`].
fn share(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
}

fn is_https(request: &ServiceRequest) -> bool {
    request.app_data::<Data<Http>>().is_some_and(|http| http.pod.settings.is_https())
}

fn allowed_origin(request: &ServiceRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let http = request.app_data::<Data<Http>>()?;
    http.pod.settings.allows_origin(origin.to_str().ok()?).then(|| origin.clone())
}
