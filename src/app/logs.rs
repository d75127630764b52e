//! How log lines look: for people in a terminal, or one ECS object a line for what collects them.
//!
//! A field is given as a key of the record (`log::warn!(room = …; "…")`); [`FIELDS`] says what it is
//! called in ECS. What people wrote, tokens and addresses belong in no line.

use std::io::{self, IsTerminal as _, Write as _};
use std::panic;
use std::sync::OnceLock;

use env_logger::{Builder, WriteStyle};
use log::kv::{self, VisitSource};
use log::{LevelFilter, Log, Record};
use serde_json::{Map, Value};

use super::sentry;
use crate::domain::PodId;
use crate::http::request;
use crate::settings::{LogFormat, Settings};

/// The version of the Elastic Common Schema that the names are of.
const ECS: &str = "8.11.0";
/// Targets below this are what an auditor reads.
const AUDIT: &str = "chat::audit";
/// The target of panics.
pub(super) const PANIC: &str = "chat::panic";

/// Keys of records, and the fields they become. Others become labels.
const FIELDS: [(&str, &str); 16] = [
    ("action", "event.action"),
    ("outcome", "event.outcome"),
    ("user", "user.id"),
    ("room", "chat.room.id"),
    ("session", "chat.session.id"),
    ("conn", "chat.conn.id"),
    ("seq", "chat.seq"),
    ("close", "chat.close_code"),
    ("request", "http.request.id"),
    ("method", "http.request.method"),
    ("status", "http.response.status_code"),
    ("took", "event.duration"),
    ("route", "url.path"),
    ("code", "error.type"),
    ("file", "log.origin.file.name"),
    ("line", "log.origin.file.line"),
];

/// The name of this process, once it has one.
static NODE: OnceLock<String> = OnceLock::new();

/// Starts to log, as the settings say. A second call changes nothing.
pub(super) fn start(settings: &Settings) {
    let mut builder = Builder::new();
    // It warns at every asset of the page that its route ends in a wildcard, which is meant. What
    // the setting says of it wins.
    builder.filter_module("actix_web_prom", LevelFilter::Error);
    builder.parse_filters(&settings.log);
    if is_json(settings) {
        let environment = settings.environment.as_str();
        builder.format(move |out, record| {
            let now = out.timestamp_millis().to_string();
            writeln!(out, "{}", line(record, now, environment))
        });
        // Otherwise a panic is some lines of text between the objects.
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            log::error!(target: PANIC, code = "panic"; "{} at {place}", said(panic.payload()));
        }));
    } else if !io::stderr().is_terminal() {
        builder.write_style(WriteStyle::Never);
    }
    let logger = builder.build();
    let level = logger.filter();
    let logger: Box<dyn Log> = match &settings.sentry_dsn {
        Some(_) => Box::new(sentry::watching(logger, settings.environment)),
        None => Box::new(logger),
    };
    // Unless somebody else has started it: tests do.
    if log::set_boxed_logger(logger).is_ok() {
        log::set_max_level(level);
    }
}

/// From now on lines tell which process they are of.
pub(super) fn name_node(pod: PodId) {
    let _named = NODE.set(pod.to_string());
}

/// Whether lines are objects.
#[must_use]
pub(super) fn is_json(settings: &Settings) -> bool {
    match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => settings.environment.is_served(),
    }
}

fn said(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

/// One record as one object.
fn line(record: &Record<'_>, now: String, environment: &str) -> String {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("@timestamp", now.into());
    put("log.level", record.level().as_str().to_lowercase().into());
    put("message", record.args().to_string().into());
    put("ecs.version", ECS.into());
    put("log.logger", record.target().into());
    put("service.name", "chat".into());
    put("service.version", env!("CARGO_PKG_VERSION").into());
    put("service.environment", environment.into());
    if let Some(node) = NODE.get() {
        put("service.node.name", node.as_str().into());
    }
    let audit = record.target().starts_with(AUDIT);
    put("event.dataset", if audit { "chat.audit" } else { "chat.app" }.into());
    if let Some((request, trace)) = request::current() {
        put("http.request.id", request.into());
        put("trace.id", format!("{:032x}", trace.trace).into());
        put("span.id", format!("{:016x}", trace.span).into());
    }
    // The visitor itself refuses nothing.
    let _visited = record.key_values().visit(&mut Keys(&mut fields));
    if fields.contains_key("error.type") {
        fields.insert("error.message".to_owned(), record.args().to_string().into());
    }
    Value::Object(fields).to_string()
}

struct Keys<'a>(&'a mut Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for Keys<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let known = FIELDS.iter().find(|(short, _)| *short == key.as_str());
        let name = known.map_or_else(|| format!("labels.{key}"), |(_, name)| (*name).to_owned());
        let value = match (value.to_u64(), value.to_i64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => value.to_string().into(),
        };
        self.0.insert(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    fn object(target: &str, message: &str, keys: &[(&str, &str)]) -> Value {
        let keys: Vec<(kv::Key<'_>, kv::Value<'_>)> =
            keys.iter().map(|(key, value)| (kv::Key::from(*key), kv::Value::from(*value))).collect();
        let line = line(
            &Record::builder()
                .level(Level::Warn)
                .target(target)
                .key_values(&&*keys)
                .args(format_args!("{message}"))
                .build(),
            "2026-01-02T03:04:05.678Z".to_owned(),
            "production",
        );
        assert_eq!(line.lines().count(), 1, "{line}");
        serde_json::from_str(&line).expect("JSON")
    }

    #[test]
    fn a_record_is_one_object_of_flat_fields() {
        let line = object("chat::actors::room", "two\nlines \"quoted\"", &[("room", "r-1"), ("odd", "x")]);
        assert_eq!(line["log.level"], "warn");
        assert_eq!(line["message"], "two\nlines \"quoted\"");
        assert_eq!(line["chat.room.id"], "r-1");
        assert_eq!(line["labels.odd"], "x");
        assert_eq!(line["event.dataset"], "chat.app");
        assert_eq!(line["service.environment"], "production");
        assert!(line.as_object().expect("an object").values().all(|value| !value.is_object()));
    }

    #[test]
    fn what_an_auditor_reads_is_a_dataset_of_its_own_and_an_error_has_its_code() {
        assert_eq!(object("chat::audit::admin", "x", &[])["event.dataset"], "chat.audit");
        let line = object("chat::error", "the disk is full", &[("code", "internal")]);
        assert_eq!((&line["error.type"], &line["error.message"]), (&"internal".into(), &line["message"]));
    }

    #[test]
    fn every_field_is_in_the_reference() {
        let page = include_str!("../../docs/reference/logs.md");
        let always: Value = object("chat", "x", &[]);
        let always = always.as_object().expect("an object").keys().map(String::as_str);
        for name in always.chain(FIELDS.map(|(_, name)| name)).chain([
            "error.message",
            "service.node.name",
            "trace.id",
            "span.id",
        ]) {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/reference/logs.md");
        }
    }
}
