//! Traces as those get them who collect them: a receiver of OTLP, and what two servers send to it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use uuid::Uuid;

use crate::pods::pods;
use crate::redis;
use crate::support::process::{complaint, run};
use crate::support::{PATIENCE, TestServer, new_id, text};

/// Who collects spans.
struct Collector {
    endpoint: String,
    spans: Receiver<(String, Span)>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, spans) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                thread::spawn(move || receive(stream, &tell));
            }
        });
        Self { endpoint, spans }
    }

    /// The spans of a trace, by name, until all of these are there; each with the process it is of.
    #[track_caller]
    fn until(&self, trace: u128, names: &[&str]) -> BTreeMap<String, (String, Span)> {
        let mut found = BTreeMap::new();
        while !names.iter().all(|name| found.contains_key(*name)) {
            let (pod, span) = self
                .spans
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("of {names:?} came {:?}", found.keys().collect::<Vec<&String>>()));
            if span.trace_id == trace.to_be_bytes() {
                found.insert(span.name.clone(), (pod, span));
            }
        }
        found
    }
}

/// Takes what is posted on one connection.
fn receive(stream: TcpStream, tell: &Sender<(String, Span)>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        assert!(line.is_empty() || line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
        let mut length = 0;
        while line.trim() != "" {
            line.clear();
            lines.read_line(&mut line).ok()?;
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).ok()?;
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
        let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP");
        for of_one in request.resource_spans {
            let attributes = of_one.resource.expect("a resource").attributes;
            let id = attributes.into_iter().find(|one| one.key == "service.instance.id").expect("it");
            let Some(Any::StringValue(pod)) = id.value.and_then(|value| value.value) else {
                panic!("no text")
            };
            for span in of_one.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                tell.send((pod.clone(), span)).ok()?;
            }
        }
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|one| one.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_one_trace_from_the_request_to_a_socket_of_another_process() {
    let (bus, collector) = (redis::server(), Collector::start());
    let [here, there] = pods(&bus.url(), |s| {
        s.journey_one_in = 1;
        s.otlp_endpoint = Some(collector.endpoint.clone());
    });
    let [alice, bob] = ["alice", "bob"].map(|name| here.person(name));
    let room = here.room(&alice, &[&bob]);
    let mut reader = there.connect(&bob);
    reader.subscribe(&room, None);
    // Whoever asks is in a trace, too.
    let callers = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128;
    let headers = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    let body = serde_json::json!({"roomId": room, "content": "hi"});
    let answer = here.ask_with(Some(&alice), "POST", "/messages", &headers, Some(&body));
    let message = text(&answer.expect(201), "id").parse::<Uuid>().expect("an id");
    let response = answer.header("traceresponse").expect("it").to_owned();
    assert!(response.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && response.ends_with("-01"));
    reader.entry(&room);

    let names = ["POST /messages", "room", "store append", "bus publish", "deliver", "socket write"];
    let spans = collector.until(message.as_u128(), &names);
    let of = |name: &str| &spans[name].1;
    let parents = [
        ("room", "POST /messages"),
        ("store append", "room"),
        ("bus publish", "room"),
        ("deliver", "bus publish"),
        ("socket write", "deliver"),
    ];
    for (child, parent) in parents {
        assert_eq!(of(child).parent_span_id, of(parent).span_id, "{child} is of {parent}");
    }
    assert!(of("POST /messages").parent_span_id.iter().all(|byte| *byte == 0));
    let (a, b) = (here.pod().id.to_string(), there.pod().id.to_string());
    for (name, pod) in
        [("room", &a), ("store append", &a), ("bus publish", &a), ("deliver", &b), ("socket write", &b)]
    {
        assert_eq!(&spans[name].0, pod, "{name}");
    }
    let conn = text(&reader.hello, "connId");
    assert_eq!(attribute(of("socket write"), "chat.conn.id"), Some(conn));
    assert_eq!(attribute(of("socket write"), "user.id"), Some(bob.id.clone()));
    assert!(spans.values().all(|(_, span)| span.end_time_unix_nano >= span.start_time_unix_nano));

    // The request stands in the caller's trace as well, and each leads to the other.
    let answered = here.ask_with(Some(&alice), "GET", "/rooms", &headers, None);
    answered.expect(200);
    let twins = collector.until(callers, &["GET /rooms"]);
    assert_eq!(twins["GET /rooms"].1.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    let link = &of("POST /messages").links[0];
    assert_eq!(link.trace_id, callers.to_be_bytes());
    assert!(response.contains(&format!(
        "{:016x}",
        u64::from_be_bytes(link.span_id.clone().try_into().expect("8 bytes"))
    )));
}

#[test]
fn without_a_collector_the_trace_is_named_all_the_same() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let answer = server.get(&alice, "/rooms");
    let trace = answer.header("traceresponse").expect("it");
    let id = answer.header("x-request-id").expect("it").replace('-', "");
    assert!(trace.starts_with(&format!("00-{id}-")) && trace.ends_with("-00"), "{trace}");
    // What is no context of the W3C is none.
    let headers = [("traceparent", "00-zz-b7ad6b7169203331-01"), ("x-request-id", &new_id())];
    let answer = server.ask_with(Some(&alice), "GET", "/rooms", &headers, None);
    assert!(!answer.header("traceresponse").expect("it").contains("zz"));
}

#[test]
fn what_is_no_endpoint_is_refused() {
    let output = run(&["check-config"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]);
    assert_eq!(output.status.code(), Some(78));
    assert!(complaint(&output).starts_with("chat: CHAT_OTLP_ENDPOINT: must begin with http"));
}
