//! A collector that takes spans by OTLP over HTTP, on loopback.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// Only a test that would hang waits so long.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A collector.
pub(crate) struct Collector {
    /// The base of its address.
    pub(crate) url: String,
    arrived: Receiver<Arrived>,
}

/// One request.
pub(crate) struct Arrived {
    pub(crate) key: Option<String>,
    pub(crate) service: Vec<(String, String)>,
    pub(crate) spans: Vec<Span>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let (sender, arrived) = sync_channel(1_024);
        let (tell, told) = sync_channel(1);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let router = Router::new().route("/v1/traces", post(take)).with_state(sender);
                axum::serve(listener, router).await.unwrap();
            });
        });
        let address = told.recv_timeout(SILENCE_MAX).expect("the collector listens");
        Self { url: format!("http://{address}"), arrived }
    }

    /// Takes requests until the spans in them are enough.
    pub(crate) fn until(&self, is_enough: impl Fn(&[Span]) -> bool) -> (Vec<Span>, Arrived) {
        let mut spans = Vec::new();
        loop {
            let arrived = self.arrived.recv_timeout(SILENCE_MAX);
            let mut arrived = arrived.unwrap_or_else(|_| panic!("no more than {}", names(&spans)));
            spans.append(&mut arrived.spans);
            if is_enough(&spans) {
                return (spans, arrived);
            }
        }
    }
}

async fn take(State(sender): State<SyncSender<Arrived>>, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).expect("what OTLP says");
    let key = headers.get("x-key").map(|key| key.to_str().unwrap().to_owned());
    for resource in request.resource_spans {
        let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = attributes.iter().map(|pair| (pair.key.clone(), text_of(pair))).collect();
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
        let _ = sender.send(Arrived { key: key.clone(), service, spans });
    }
}

fn text_of(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

/// An attribute of a span; empty where it has none.
pub(crate) fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|pair| pair.key == name);
    found.map(text_of).unwrap_or_default()
}

pub(crate) fn names(spans: &[Span]) -> String {
    spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>().join(" ")
}
