//! How errors leave: `application/problem+json`, whatever went wrong and wherever.

use std::fmt;
use std::fmt::Write as _;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, Route};
use paperclip::actix::Apiv2Schema;
use paperclip::v2::schema::Apiv2Errors;
use serde::Serialize;

use crate::auth::store_fault;
use crate::domain::Refusal;
use crate::domain::refusal::Invalid;
use crate::error::{Code, Fault};
use crate::store::StoreError;

/// Fields of requests, for finding the one that a parser complains about.
const FIELDS: &[&str] = &[
    "username",
    "email",
    "password",
    "code",
    "currentPassword",
    "newPassword",
    "token",
    "sessionId",
    "refreshToken",
    "refreshCookie",
    "roomId",
    "messageId",
    "attachmentId",
    "avatarId",
    "file",
    "userId",
    "reason",
    "action",
    "status",
    "content",
    "attachments",
    "replyTo",
    "name",
    "description",
    "isPrivate",
    "members",
    "displayName",
    "statusText",
    "messages",
    "jobId",
    "event",
    "since",
    "until",
    "limit",
    "cursor",
];

/// What went wrong, after RFC 9457.
#[derive(Debug, Serialize, Apiv2Schema)]
#[openapi(rename = "Problem")]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    /// Names the kind of error. {{"format":"uri","example":"urn:chat:error:badRequest"}}
    pub r#type: String,
    /// The same for every occurrence. {{"example":"Bad request"}}
    pub title: &'static str,
    /// The HTTP status. {{"example":400}}
    pub status: u16,
    /// What is wrong this time, for people. {{"example":"content must not be empty"}}
    pub detail: String,
    /// What to branch on. {{"example":"badRequest"}}
    pub code: &'static str,
    /// Whether the very same request may succeed later.
    pub retryable: bool,
    /// After how many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The fields that are wrong; there is one at least with status 400.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A field that breaks its rule.
#[derive(Debug, Serialize, Apiv2Schema)]
pub struct FieldError {
    /// The field's name as in the request. {{"example":"content"}}
    pub field: &'static str,
    /// The rule. {{"example":"must not be empty"}}
    pub message: String,
}

/// An error on its way out of a handler.
#[derive(Debug)]
pub struct Problem(pub Fault);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(self.0.code)
    }

    fn error_response(&self) -> HttpResponse {
        response(&self.0)
    }
}

// Which statuses an operation answers is said in one table, `openapi::table`.
impl Apiv2Errors for Problem {}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self(invalid.into())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self(store_fault(error))
    }
}

/// The answer where something that is not the store does not answer. The cause goes to the log.
pub(super) fn unavailable(cause: &str) -> Problem {
    log::warn!("not available: {cause}");
    Problem(Refusal::Unavailable.into())
}

fn status(code: Code) -> StatusCode {
    // The table's statuses are all valid, which its test says.
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The answer that tells of `fault`.
#[must_use]
pub fn response(fault: &Fault) -> HttpResponse {
    let code = fault.code;
    let mut errors: Vec<_> =
        fault.errors.iter().map(|e| FieldError { field: e.field, message: e.message.clone() }).collect();
    if code.status() == 400 && errors.is_empty() {
        errors.push(FieldError { field: "request", message: fault.detail.clone() });
    }
    let body = ProblemBody {
        r#type: format!("urn:chat:error:{}", code.as_str()),
        title: code.title(),
        status: code.status(),
        detail: fault.detail.clone(),
        code: code.as_str(),
        retryable: code.retryable(),
        retry_after_ms: fault.retry_after_ms(),
        errors,
    };
    let mut response = HttpResponse::build(status(code));
    response.content_type("application/problem+json");
    if let Some(wait) = fault.retry_after {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if code == Code::Unauthorized {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    // A struct of strings and numbers always has its JSON.
    response.body(serde_json::to_string(&body).unwrap_or_default())
}

/// The answer where no route fits.
pub async fn unknown_route() -> HttpResponse {
    response(&Fault::new(Code::NotFound, "there is nothing at this path"))
}

/// The answer to other methods than `allowed`. Where there is GET there is HEAD; see [`super::headers`].
pub fn only(allowed: &'static str) -> Route {
    actix_web::web::to(move || async move {
        let allowed = allowed.replacen("GET", "GET, HEAD", 1);
        let mut response = response(&Fault::new(Code::MethodNotAllowed, format!("allowed is {allowed}")));
        // Names of methods are a header's value.
        if let Ok(value) = header::HeaderValue::try_from(allowed) {
            response.headers_mut().insert(header::ALLOW, value);
        }
        response
    })
}

/// A body that is too large, of another type, or not what the route takes.
pub fn wrong_body(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    let fault = match &error {
        JsonPayloadError::OverflowKnownLength { limit, .. } | JsonPayloadError::Overflow { limit } => {
            Fault::new(Code::TooLarge, format!("a body may have at most {limit} bytes"))
        }
        JsonPayloadError::ContentType => {
            Fault::new(Code::UnsupportedMedia, "the content type must be application/json")
        }
        JsonPayloadError::Deserialize(error) => blame("body", &error.to_string()),
        _ => Fault::from(Invalid::new("body", "could not be read")),
    };
    Problem(fault).into()
}

/// A path whose variable part is no identifier.
pub fn wrong_path(_: PathError, request: &HttpRequest) -> actix_web::Error {
    let named = request.match_info().iter().next().map(|(name, _)| name);
    let field = named.and_then(known_field).unwrap_or("path");
    Problem(Invalid::new(field, "must be a UUID").into()).into()
}

/// A query that is not what the route takes.
pub fn wrong_query(error: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    let message = match &error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        _ => "could not be read".to_owned(),
    };
    Problem(blame("query", &message)).into()
}

/// Names the field that a parser's message complains about, else the whole.
fn blame(whole: &'static str, message: &str) -> Fault {
    let named = message
        .strip_prefix("missing field `")
        .or_else(|| message.strip_prefix("duplicate field `"))
        .and_then(|rest| rest.split('`').next())
        .and_then(known_field);
    match named {
        Some(field) if message.starts_with("missing") => Invalid::new(field, "is missing").into(),
        Some(field) => Invalid::new(field, "is given twice").into(),
        None => Invalid::new(whole, message.to_owned()).into(),
    }
}

fn known_field(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| **field == name).copied()
}

/// `docs/reference/errors.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = "# Errors

Written from the table in `src/error.rs`; `UPDATE_DOCS=1 cargo test problem` writes it again.

Over HTTP an error is `application/problem+json` with the members `type`, `title`, `status`, `detail`,
`code`, `retryable`, and where they apply `retryAfterMs` and `errors`, a list of `{field, message}`. On a
socket it is an `error` frame with the same `code`. Branch on `code`: it never changes. `retryable` says
whether the very same request may succeed later; send a message again with the same key, and it is stored
once.

| Code | Status | Retryable | Title | When |
|---|---|---|---|---|
"
    .to_owned();
    for code in Code::ALL {
        let retryable = if code.retryable() { "yes" } else { "no" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {retryable} | {} | {} |",
            code.as_str(),
            code.status(),
            code.title(),
            code.doc().trim()
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/errors.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, reference()).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == reference(), "errors.md is out of date: UPDATE_DOCS=1 cargo test problem");
    }

    #[test]
    fn a_missing_field_is_named() {
        let fault = blame("body", "missing field `email` at line 1 column 2");
        assert_eq!(fault.errors, [Invalid::new("email", "is missing")]);
        let fault = blame("query", "duplicate field `limit`");
        assert_eq!(fault.errors, [Invalid::new("limit", "is given twice")]);
        let fault = blame("body", "missing field `secret`");
        assert_eq!(fault.errors.first().map(|e| e.field), Some("body"));
    }

    #[test]
    fn seconds_to_wait_are_rounded_up() {
        let mut fault = Fault::new(Code::RateLimited, "slow down");
        fault.retry_after = Some(std::time::Duration::from_millis(1_001));
        let response = response(&fault);
        assert_eq!(response.headers().get(header::RETRY_AFTER).expect("a header"), "2");
    }
}
