//! `/metrics`: figures in Prometheus' text format.
//!
//! Open to whoever reaches the server, so it holds no tenant, no name and no id. Labels have few
//! values: routes of the table, known methods, statuses.

mod engine;
mod http;
mod log;
mod process;
mod text;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

pub(crate) use http::{HttpMetrics, Seen};
use text::Text;

use crate::state::{Api, Phase, Shared};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`.
pub(crate) async fn show(State(api): State<Api>) -> Response {
    let mut text = Text::default();
    server(&api, &mut text);
    process::write(&api.parts.machine.read(), api.began_at, &mut text);
    log::write(api.parts.log.figures(), &mut text);
    engine::write(&api.parts.engine.figures(), &mut text);
    api.metrics.write(&mut text);
    ([(CONTENT_TYPE, FORMAT)], text.finish()).into_response()
}

fn server(api: &Shared, text: &mut Text) {
    let system = &api.parts.system;
    let labels =
        [("version", system.version.as_str()), ("environment", system.environment.as_str())];
    text.gauge("wforge_build_info", "What this server is.").sample(&labels, 1);
    let ready = u64::from(api.parts.readiness.phase() == Phase::Ready);
    text.gauge("wforge_ready", "Whether the server takes work.").sample(&[], ready);
    let mut under_way = text.gauge("wforge_http_under_way", "Held by clients now.");
    for (kind, gate) in
        [("request", &api.requests), ("stream", &api.streams), ("upload", &api.uploads)]
    {
        let total = u64::try_from(gate.total()).unwrap_or(u64::MAX);
        under_way.sample(&[("kind", kind)], total);
    }
}
