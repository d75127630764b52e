//! Sends spans to whoever collects them, by OTLP over HTTP. The only place that knows OpenTelemetry's
//! libraries.
//!
//! A thread of its own makes spans of what it is told and sends them; who tells it never waits, and is
//! not heard where it is behind. A message has a trace of its own, named by its id (ADR 16): so all
//! processes write to one trace without telling each other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use thiserror::Error;

use super::https;
use crate::domain::journey::{Station, Step};
use crate::domain::{MessageId, PodId, Timestamp};
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::telemetry::trace::{AnsweredRequest, Tracer};

/// What may wait for the thread.
const WAITING: usize = 4_096;
/// Spans that are sent together, and how long the first of them waits for the others.
const TOGETHER: usize = 512;
const GATHER: Duration = Duration::from_secs(2);
/// How long a sending may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Messages whose beginning is remembered, and for how long.
const REMEMBERED: usize = 4_096;
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Why spans cannot be sent.
#[derive(Debug, Error)]
pub enum TracesError {
    #[error("CHAT_OTLP_HEADERS: must be NAME=VALUE, several by comma")]
    Headers,
    #[error("CHAT_OTLP_ENDPOINT: {0}")]
    Exporter(String),
    #[error("the thread for traces: {0}")]
    Thread(std::io::Error),
}

enum Told {
    Request(AnsweredRequest),
    Step(Step),
}

/// What the rest of the program speaks to.
pub(super) struct OtlpTracer {
    thread: SyncSender<Told>,
    telemetry: Arc<Telemetry>,
}

impl OtlpTracer {
    /// Starts to send, if it is wanted.
    pub(super) fn start(
        settings: &Settings,
        pod: PodId,
        telemetry: &Arc<Telemetry>,
    ) -> Result<Option<Arc<Self>>, TracesError> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Https(https::agent(PATIENCE)))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_headers(headers(settings)?)
            .build()
            .map_err(|error| TracesError::Exporter(error.to_string()))?;
        exporter.set_resource(
            &Resource::builder_empty()
                .with_attributes([
                    KeyValue::new("service.name", "chat"),
                    KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                    KeyValue::new("service.instance.id", pod.to_string()),
                    KeyValue::new("deployment.environment.name", settings.environment.as_str()),
                ])
                .build(),
        );
        let (thread, told) = sync_channel(WAITING);
        let sender = Sender { exporter, ways: Ways::default(), spans: Vec::new(), failing: false };
        thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || sender.work(&told))
            .map_err(TracesError::Thread)?;
        Ok(Some(Arc::new(Self { thread, telemetry: telemetry.clone() })))
    }

    fn tell(&self, told: Told) {
        if self.thread.try_send(told).is_err() {
            self.telemetry.trace_dropped();
        }
    }
}

impl Tracer for OtlpTracer {
    fn answered(&self, request: AnsweredRequest) {
        self.tell(Told::Request(request));
    }

    fn passed(&self, step: Step) {
        self.tell(Told::Step(step));
    }
}

fn headers(settings: &Settings) -> Result<HashMap<String, String>, TracesError> {
    let Some(given) = &settings.otlp_headers else { return Ok(HashMap::new()) };
    let text = std::str::from_utf8(given.expose()).map_err(|_| TracesError::Headers)?;
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or(TracesError::Headers)?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    text.split(',').map(pair).collect()
}

/// The thread.
struct Sender {
    exporter: SpanExporter,
    ways: Ways,
    spans: Vec<SpanData>,
    /// Whether the last sending failed: it is said once.
    failing: bool,
}

impl Sender {
    fn work(mut self, told: &Receiver<Told>) {
        let mut due = Instant::now() + GATHER;
        loop {
            match told.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Told::Request(request)) => self.spans.extend(of_request(request)),
                Ok(Told::Step(step)) => self.spans.extend(self.ways.passed(step)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.send(),
            }
            if self.spans.len() >= TOGETHER || Instant::now() >= due {
                self.send();
                due = Instant::now() + GATHER;
            }
        }
    }

    fn send(&mut self) {
        let spans = std::mem::take(&mut self.spans);
        if spans.is_empty() {
            return;
        }
        let count = spans.len();
        // The client below never waits for anything but its own socket.
        let sent = futures_util::FutureExt::now_or_never(self.exporter.export(spans));
        match sent {
            Some(Ok(())) => self.failing = false,
            Some(Err(error)) if !std::mem::replace(&mut self.failing, true) => {
                log::warn!("{count} spans were not taken: {error}");
            }
            Some(Err(_)) => {}
            None => log::warn!("{count} spans were not sent: the exporter waits for something"),
        }
    }
}

/// A client that keeps the thread until it has its answer.
#[derive(Debug)]
struct Https(ureq::Agent);

#[async_trait::async_trait]
impl HttpClient for Https {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut asked = self.0.post(parts.uri.to_string());
        for (name, value) in &parts.headers {
            asked = asked.header(name.as_str(), value.to_str()?);
        }
        let asked = asked.config().http_status_as_error(false).build();
        let answer = asked.send(body.as_ref())?;
        let status = answer.status();
        let body = answer.into_body().read_to_vec()?;
        Ok(Response::builder().status(status).body(Bytes::from(body))?)
    }
}

/// Which span of a message's trace.
#[derive(Clone, Copy)]
enum Part {
    Request,
    Room,
    Store,
    Bus,
}

/// The same in all processes.
fn part(message: MessageId, part: Part) -> u64 {
    span_of(message, part as u64 + 1)
}

/// A span of a message for something that has a number.
fn span_of(message: MessageId, number: u64) -> u64 {
    // Chance of the id, mixed with an odd factor; zero is no span.
    let chance = message.0.as_u128() as u64;
    (chance ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).max(1)
}

fn context(trace: u128, span: u64) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes(span.to_be_bytes()));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn at(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(time.millis()).unwrap_or(0))
}

fn span(
    name: impl Into<std::borrow::Cow<'static, str>>,
    (trace, id, parent): (u128, u64, Option<u64>),
    kind: SpanKind,
    (from, to): (SystemTime, SystemTime),
    attributes: Vec<KeyValue>,
) -> SpanData {
    SpanData {
        span_context: context(trace, id),
        parent_span_id: SpanId::from_bytes(parent.unwrap_or(0).to_be_bytes()),
        parent_span_is_remote: false,
        span_kind: kind,
        name: name.into(),
        start_time: from,
        end_time: to.max(from),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("chat").build(),
    }
}

/// The request's span; and where it wrote a message that is followed, the same in the message's trace,
/// each with a link to the other.
fn of_request(request: AnsweredRequest) -> Vec<SpanData> {
    let AnsweredRequest { context: own, parent, method, route, status, began, took, message } = request;
    let time = (at(began), at(began) + took);
    let attributes = || {
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.clone()),
            KeyValue::new("http.route", route.clone()),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        attributes.extend(message.map(|message| KeyValue::new("chat.message.id", message.to_string())));
        attributes
    };
    let name = format!("{method} {route}");
    let one = |trace, id, parent| {
        let mut one = span(name.clone(), (trace, id, parent), SpanKind::Server, time, attributes());
        if status >= 500 {
            one.status = Status::error("");
        }
        one
    };
    let mut spans = Vec::new();
    if own.sampled {
        spans.push(one(own.trace, own.span, parent));
    }
    if let Some(message) = message {
        let (trace, id) = (message.0.as_u128(), part(message, Part::Request));
        let mut twin = one(trace, id, None);
        if let Some(own_span) = spans.first_mut() {
            own_span.links.links.push(Link::with_context(context(trace, id)));
            twin.links.links.push(Link::with_context(context(own.trace, own.span)));
        }
        spans.push(twin);
    }
    spans
}

/// What is known of a message here while it is under way.
#[derive(Clone, Copy, Debug)]
struct Way {
    submitted: Option<(SystemTime, bool)>,
    storing: Option<SystemTime>,
    /// Since it could be delivered here, and whether it came by the bus.
    here: Option<(SystemTime, bool)>,
    offered: Option<SystemTime>,
    since: Instant,
}

/// Messages under way.
#[derive(Default)]
struct Ways(HashMap<MessageId, Way>);

impl Ways {
    fn of(&mut self, message: MessageId) -> &mut Way {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, way| way.since.elapsed() < FORGOTTEN);
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.entry(message).or_insert_with(|| Way {
            submitted: None,
            storing: None,
            here: None,
            offered: None,
            since: Instant::now(),
        })
    }

    /// The spans that end with this step.
    fn passed(&mut self, step: Step) -> Vec<SpanData> {
        let Step { message, at: time, pod, station } = step;
        let (now, trace) = (at(time), message.0.as_u128());
        let way = self.of(message);
        let room = part(message, Part::Room);
        // A delivery is one of a process.
        let delivery = span_of(message, pod.0.as_u128() as u64 | 1 << 63);
        let made = |name, id, parent, kind, from, attributes| {
            vec![span(name, (trace, id, parent), kind, (from, now), attributes)]
        };
        let device = station.device().map(|device| {
            vec![
                KeyValue::new("user.id", device.user.to_string()),
                KeyValue::new("chat.conn.id", device.conn.to_string()),
            ]
        });
        match station {
            Station::Submitted { by_request } => {
                way.submitted = Some((now, by_request));
                Vec::new()
            }
            Station::Storing => {
                way.storing = Some(now);
                Vec::new()
            }
            Station::Committed | Station::Refused => {
                let (from, by_request) = way.submitted.unwrap_or((now, false));
                let stored = way.storing.unwrap_or(from);
                way.here = Some((now, false));
                let parent = by_request.then(|| part(message, Part::Request));
                let mut spans = made("room", room, parent, SpanKind::Internal, from, Vec::new());
                let store = part(message, Part::Store);
                spans.extend(made("store append", store, Some(room), SpanKind::Client, stored, Vec::new()));
                if station == Station::Refused {
                    spans.iter_mut().for_each(|span| span.status = Status::error("refused"));
                }
                spans
            }
            Station::Announced => {
                let id = part(message, Part::Bus);
                let from = way.here.map_or(now, |(from, _)| from);
                made("bus publish", id, Some(room), SpanKind::Producer, from, Vec::new())
            }
            Station::Heard => {
                way.here.get_or_insert((now, true));
                Vec::new()
            }
            Station::Offered { sockets } => {
                way.offered = Some(now);
                let (from, by_bus) = way.here.unwrap_or((now, true));
                let (parent, kind) = match by_bus {
                    true => (part(message, Part::Bus), SpanKind::Consumer),
                    false => (room, SpanKind::Internal),
                };
                let sockets = vec![KeyValue::new("chat.sockets", i64::from(sockets))];
                made("deliver", delivery, Some(parent), kind, from, sockets)
            }
            Station::Written(to) | Station::Replayed(to) | Station::Lagged(to) => {
                let from = way.offered.unwrap_or(now);
                let id = span_of(message, to.conn.0.as_u128() as u64 | 1 << 63);
                let name = match station {
                    Station::Written(_) => "socket write",
                    Station::Replayed(_) => "socket replay",
                    _ => "socket lag",
                };
                let from = if matches!(station, Station::Written(_)) { from } else { now };
                made(name, id, Some(delivery), SpanKind::Internal, from, device.unwrap_or_default())
            }
        }
    }
}
