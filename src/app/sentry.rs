//! Reports to Sentry what went wrong and how long requests took, where `SENTRY_DSN` names a project.
//! The only place that knows its library.
//!
//! What leaves is chosen by name, not left out by name: of a request its method and a few headers.
//! No address, no path, no query, no body.

use std::borrow::Cow;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use ::log::{Level, Log, Record};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, Next};
use sentry::integrations::log as records;
use sentry::integrations::panic::PanicIntegration;
use sentry::protocol::{EnvelopeItem, Event, Exception, Request};
use sentry::transports::UreqHttpTransportOptions;
use sentry::types::Dsn;
use sentry::{ClientInitGuard, ClientOptions, Envelope, TransactionContext, Transport, TransportOptions};
use thiserror::Error;

use super::https;
use super::logs::PANIC;
use crate::error::Code;
use crate::http::problem::Problem;
use crate::settings::{Environment, Settings};

/// The part of requests whose times are reported.
const SAMPLED_IN_PRODUCTION: f32 = 0.1;
/// How long a report may take, and how long the end of the process waits for those that are left.
const PATIENCE: Duration = Duration::from_secs(2);
/// Headers that are reported.
const HEADERS: [&str; 5] = ["accept", "content-length", "content-type", "user-agent", "x-request-id"];
/// What is asked every few seconds, and what lasts for hours.
const NOT_TIMED: [&str; 4] = ["GET /health", "GET /health/ready", "GET /metrics", "GET /ws"];

/// `SENTRY_DSN` is none. What it is instead is not told: it holds a key.
#[derive(Debug, Error)]
#[error("SENTRY_DSN: must be https://KEY@HOST/PROJECT, as the project's settings at Sentry show it")]
pub(super) struct NoDsn;

/// Reads the address of the project.
pub(super) fn dsn(settings: &Settings) -> Result<Option<Dsn>, NoDsn> {
    let Some(given) = &settings.sentry_dsn else { return Ok(None) };
    let text = std::str::from_utf8(given.expose()).map_err(|_| NoDsn)?;
    text.parse().map(Some).map_err(|_| NoDsn)
}

/// Starts to report, if it is wanted. Whoever drops what is returned waits for what is left.
pub(super) fn init_sentry(settings: &Settings) -> Result<Option<ClientInitGuard>, NoDsn> {
    let Some(dsn) = dsn(settings)? else { return Ok(None) };
    let environment = settings.environment;
    let rate = if environment == Environment::Production { SAMPLED_IN_PRODUCTION } else { 1.0 };
    let mut options = ClientOptions::new()
        .release(concat!("chat@", env!("CARGO_PKG_VERSION")))
        .environment(environment.as_str())
        // Whoever asks does not decide what is sampled.
        .traces_sampler(
            move |request: &TransactionContext| {
                if NOT_TIMED.contains(&request.name()) { 0.0 } else { rate }
            },
        )
        .send_default_pii(false)
        // A panic is reported by the hook below, which does not wait until it has arrived.
        .default_integrations(false)
        .add_integration(sentry::integrations::backtrace::ProcessStacktraceIntegration)
        .in_app_include(["chat"])
        .before_send(|mut event| {
            event.request = event.request.map(scrubbed);
            Some(event)
        })
        .shutdown_timeout(PATIENCE)
        .transport(Scrubbing);
    options.dsn = Some(dsn);
    let guard = sentry::init(options);
    let next = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let mut event = PanicIntegration::default().event_from_panic_info(panic);
        event.fingerprint = fingerprint(["panic", "{{ default }}"]);
        sentry::capture_event(event);
        next(panic);
    }));
    Ok(Some(guard))
}

/// What stands round every request: outside of what answers, inside of what names the request.
pub(super) fn middleware(settings: &Settings) -> Condition<sentry_actix::Sentry> {
    // Faults of the server are reported with their causes where they are logged.
    let reports = sentry_actix::Sentry::builder().start_transaction(true).capture_server_errors(false);
    Condition::new(settings.sentry_dsn.is_some(), reports.finish())
}

/// While the product is made, refusals are reported too. Inside of [`middleware`].
pub(super) async fn report_refusals<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let answered = next.call(request).await;
    let refused = match &answered {
        Ok(response) => response.response().error(),
        Err(error) => Some(error),
    };
    if let Some(Problem(fault)) = refused.and_then(|error| error.as_error::<Problem>())
        && fault.code != Code::Internal
    {
        let code = fault.code.as_str();
        sentry::capture_event(Event {
            level: sentry::Level::Info,
            fingerprint: fingerprint([code, "{{ transaction }}"]),
            exception: vec![exception(code, fault.detail.clone())].into(),
            ..Event::default()
        });
    }
    answered
}

/// Lets Sentry see what is logged.
pub(super) fn watching(logger: impl Log + 'static, environment: Environment) -> impl Log {
    records::SentryLogger::with_dest(logger)
        .filter(|_| records::LogFilter::Ignore)
        .mapper(move |record| reported(record, environment))
}

/// Errors become events, and what was logged before them leads to them. In production only what a
/// client is answered with 500 is an event: the rest is what alerts and logs are for.
fn reported(record: &Record<'_>, environment: Environment) -> records::RecordMapping {
    let of_ours = record.target().split("::").next() == Some("chat");
    if record.level() > Level::Info || !of_ours || record.target() == PANIC {
        return records::RecordMapping::Ignore;
    }
    let said = |key: &str| record.key_values().get(key.into()).map(|value| value.to_string());
    let code = said("code");
    let internal = code.as_deref() == Some(Code::Internal.as_str());
    if record.level() > Level::Error || (environment == Environment::Production && !internal) {
        return records::RecordMapping::Breadcrumb(records::breadcrumb_from_record(record));
    }
    let mut event = records::event_from_record(record);
    let code = code.unwrap_or_else(|| "error".to_owned());
    let place = said("file").unwrap_or_else(|| record.target().to_owned());
    event.exception = vec![exception(&code, event.message.take().unwrap_or_default())].into();
    event.tags.insert("code".to_owned(), code.clone());
    event.fingerprint = Cow::Owned(vec![code.into(), place.into()]);
    records::RecordMapping::Event(Box::new(event))
}

fn exception(code: &str, value: String) -> Exception {
    Exception { ty: code.to_owned(), value: Some(value), ..Exception::default() }
}

fn fingerprint(parts: [&str; 2]) -> Cow<'static, [Cow<'static, str>]> {
    parts.map(|part| Cow::Owned(part.to_owned())).to_vec().into()
}

/// Of a request what may leave.
fn scrubbed(request: Request) -> Request {
    let mut headers = request.headers;
    headers.retain(|name, _| HEADERS.contains(&name.to_ascii_lowercase().as_str()));
    Request { method: request.method, headers, ..Request::default() }
}

/// Events pass `before_send`; the times of a request have no such place.
struct Scrubbing;

impl sentry::TransportFactory for Scrubbing {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        let options = UreqHttpTransportOptions::from(options).with_agent(https::agent(PATIENCE));
        Arc::new(Scrubbed(options.build()))
    }
}

struct Scrubbed<T>(T);

impl<T: Transport> Transport for Scrubbed<T> {
    fn send_envelope(&self, envelope: Envelope) {
        let mut clean = Envelope::new().with_headers(envelope.headers().clone());
        for mut item in envelope.into_items() {
            if let EnvelopeItem::Transaction(times) = &mut item {
                times.request = times.request.take().map(scrubbed);
            }
            clean.add_item(item);
        }
        self.0.send_envelope(clean);
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.0.flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.0.shutdown(timeout)
    }
}
