//! Headers of every answer: what browsers must not do with it, whose pages may read it, and the name
//! of its request.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use super::Http;
use super::request::{self, Request};

const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The middleware, for `actix_web::middleware::from_fn`: outermost, because it boxes both the
/// future and the body, and a connection keeps the room of what it is handed inline for as long
/// as it lives.
///
/// # Errors
/// Those of what it wraps.
pub async fn secure<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = allowed_origin(&request);
    let named = Request::begin(&request);
    let preflight = request.method() == Method::OPTIONS
        && origin.is_some()
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let mut answer = HttpResponse::NoContent();
        answer
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"))
            .insert_header((
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, idempotency-key, traceparent",
            ))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
        request.into_response(answer.finish()).map_into_boxed_body()
    } else {
        let answered = async {
            let response = next.call(request).await?;
            request::answered(&response);
            let mut response = response.map_into_boxed_body();
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
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(origin) = origin {
        share(headers, origin);
    }
    Ok(response)
}

/// Lets a page of another, allowed origin read the answer. Without credentials of the browser:
/// tokens are sent by the page itself.
fn share(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Retry-After, Idempotent-Replayed, X-Request-Id, traceresponse"),
    );
}

fn allowed_origin(request: &ServiceRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let http = request.app_data::<Data<Http>>()?;
    http.pod.settings.allows_origin(origin.to_str().ok()?).then(|| origin.clone())
}
