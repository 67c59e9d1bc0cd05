//! Spans, from a client's trace to a model's.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;

use super::collector::{Collector, attribute, names};
use super::{ask, with_probe};
use crate::harness::Cli;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT: &str = "00f067aa0ba902b7";

fn traced(collector: &Collector) -> Cli {
    Cli::new()
        .with("WFORGE_OTLP_ENDPOINT", &collector.url)
        .with("WFORGE_OTLP_HEADERS", "x-key=sesame")
        .with("WFORGE_TELEMETRY__DELAY_MS", "50")
        .with("WFORGE_LOG__INSTANCE", "node-1")
}

fn parent() -> String {
    format!("00-{TRACE}-{CLIENT}-01")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn has_run(spans: &[Span]) -> bool {
    let of_ours =
        |name: &str| spans.iter().any(|span| span.name == name && hex(&span.trace_id) == TRACE);
    of_ours("run") && of_ours("request")
}

#[test]
fn the_spans_of_a_run_are_one_tree_in_the_trace_of_its_client() {
    let collector = Collector::start();
    let host = with_probe(traced(&collector));
    let run = ask(&host, &[("traceparent", &parent())]);

    let (spans, arrived) = collector.until(has_run);
    let ours: Vec<&Span> = spans.iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    let one = |name: &str| {
        let mut found = ours.iter().filter(|span| span.name == name);
        let span = found.next().unwrap_or_else(|| panic!("no {name} in {}", names(&spans)));
        assert!(found.next().is_none(), "two of {name} in {}", names(&spans));
        *span
    };
    let request = one("request");
    assert_eq!(hex(&request.parent_span_id), CLIENT);
    for (name, above) in [("run", "request"), ("step", "run"), ("task", "step")] {
        assert_eq!(hex(&one(name).parent_span_id), hex(&one(above).span_id), "{name}");
    }
    let calls: Vec<_> = ours.iter().filter(|span| span.name == "host_call").collect();
    assert!(!calls.is_empty(), "no host call in {}", names(&spans));
    assert!(calls.iter().all(|call| call.parent_span_id == one("task").span_id));
    assert!(!attribute(calls[0], "operation").is_empty());

    assert_eq!(attribute(one("run"), "run"), run["id"].as_str().expect("an id"));
    assert_eq!(attribute(one("run"), "tenant"), "default");
    assert!(attribute(one("run"), "request_id").starts_with("req_"));
    assert_eq!(attribute(one("task"), "node"), "it");
    assert_eq!(attribute(one("task"), "attempt"), "1");

    assert_eq!(arrived.key.as_deref(), Some("sesame"));
    for (name, value) in [("service.name", "wforge"), ("service.instance.id", "node-1")] {
        let pair = (name.to_owned(), value.to_owned());
        assert!(arrived.service.contains(&pair), "{pair:?} in {:?}", arrived.service);
    }
}

#[test]
fn a_client_that_samples_nothing_is_not_traced_and_one_that_says_nonsense_gets_a_trace_of_its_own()
{
    let collector = Collector::start();
    let host = with_probe(traced(&collector));
    ask(&host, &[("traceparent", &format!("00-{TRACE}-{CLIENT}-00"))]);
    ask(&host, &[("traceparent", "nonsense")]);
    let (spans, _) = collector.until(|spans| spans.iter().any(|span| span.name == "run"));
    assert!(spans.iter().all(|span| hex(&span.trace_id) != TRACE), "{}", names(&spans));
}

/// Of traces that begin here nothing is sampled, so that whatever arrives was sampled by a client.
#[test]
fn a_stranger_neither_has_spans_sent_nor_names_their_trace() {
    const STRANGER: &str = "11112222333344445555666677778888";
    let collector = Collector::start();
    let host = with_probe(traced(&collector).with("WFORGE_TELEMETRY__SAMPLE_RATIO", "0"));
    let named = format!("00-{STRANGER}-{CLIENT}-01");
    let made_up = [("traceparent", named.as_str()), ("authorization", "Bearer nobody")];
    for headers in [&made_up[..1], &made_up[..]] {
        assert_eq!(host.post_open("/v1/runs", headers, "{}").0, 401);
    }
    assert_eq!(host.post_open("/in/hook_0/0/0", &made_up[..1], "{}").0, 404);
    ask(&host, &[("traceparent", &parent())]);
    let (spans, _) = collector.until(has_run);
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{}", names(&spans));
}

/// A model's server; what it was asked with.
fn model() -> (String, Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let (sender, heads) = sync_channel(64);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = vec![0; 65_536];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..read]).to_lowercase();
            let _ = sender.send(text.split("\r\n\r\n").next().unwrap_or_default().to_owned());
            let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
        }
    });
    (format!("http://{address}/v1"), heads)
}

#[test]
fn a_model_hears_of_the_trace_only_where_the_operator_wants_that() {
    for (propagate, is_told) in [("none", false), ("models", true)] {
        let (collector, (url, heads)) = (Collector::start(), model());
        let cli = traced(&collector).with("WFORGE_TELEMETRY__PROPAGATE", propagate);
        let models = format!(
            "[[model]]\nname = \"fast\"\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"{url}\"\n"
        );
        let models = cli.file("models.toml", models);
        let grants =
            "[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:fast\"]\n";
        let grants = cli.file("grants.toml", grants);
        let path = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
        let cli = cli
            .with("WFORGE_LLM__MODELS_FILE", &path(&models))
            .with("WFORGE_PLUGINS__GRANTS_FILE", &path(&grants));
        let host = with_probe(cli);
        ask(&host, &[("traceparent", &parent())]);
        let head = heads.recv_timeout(Duration::from_secs(60)).expect("the model is asked");
        let told = head.lines().find_map(|line| line.strip_prefix("traceparent: "));
        assert_eq!(told.is_some(), is_told, "{propagate}: {head}");
        if let Some(told) = told {
            assert!(told.starts_with(&format!("00-{TRACE}-")), "{told}");
            assert!(!told.contains(CLIENT), "the parent is the host's own span: {told}");
        }
    }
}
