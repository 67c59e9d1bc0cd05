//! `/metrics`: figures in Prometheus' text format.
//!
//! Open to whoever reaches the server, so it holds no tenant, no name and no id. Labels have few
//! values: routes of the table, known methods, statuses.

mod http;
mod text;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use wforge_engine::{EngineFigures, ModelFigures};

pub(crate) use http::{HttpMetrics, Seen};
use text::Text;

use crate::state::{Api, Phase, Shared};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`.
pub(crate) async fn show(State(api): State<Api>) -> Response {
    let mut text = Text::default();
    server(&api, &mut text);
    engine(&api.parts.engine.figures(), &mut text);
    api.metrics.write(&mut text);
    ([(CONTENT_TYPE, FORMAT)], text.finish()).into_response()
}

fn server(api: &Shared, text: &mut Text) {
    let system = &api.parts.system;
    let labels =
        [("version", system.version.as_str()), ("environment", system.environment.as_str())];
    text.gauge("wforge_info", "What this server is.").sample(&labels, 1);
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

fn engine(figures: &EngineFigures, text: &mut Text) {
    text.gauge("wforge_runs_live", "Runs in memory.").sample(&[], figures.runs_live);
    text.gauge("wforge_tasks_running", "Tasks whose agent is being called.")
        .sample(&[], figures.tasks_running);
    text.counter("wforge_runs_started_total", "Runs accepted.").sample(&[], figures.runs_started);
    let mut ended = text.counter("wforge_runs_ended_total", "Runs that ended, or are blocked.");
    ended.sample(&[("status", "completed")], figures.runs_completed);
    ended.sample(&[("status", "failed")], figures.runs_failed);
    ended.sample(&[("status", "cancelled")], figures.runs_cancelled);
    ended.sample(&[("status", "blocked")], figures.runs_blocked);
    text.counter("wforge_runs_degraded_total", "Runs that ended on stand-ins of named agents.")
        .sample(&[], figures.runs_degraded);
    text.counter("wforge_runs_queued_total", "Runs that waited for their turn in a thread.")
        .sample(&[], figures.runs_queued);
    text.counter("wforge_runs_stuck_total", "How often a live run was found to wait for nothing.")
        .sample(&[], figures.runs_stuck);
    text.counter("wforge_steps_total", "Super-steps committed.").sample(&[], figures.steps);
    let mut finished = text.counter("wforge_tasks_finished_total", "Tasks with a result.");
    finished.sample(&[("source", "live")], figures.tasks_live);
    finished.sample(&[("source", "mock")], figures.tasks_mock);
    finished.sample(&[("source", "fallback")], figures.tasks_fallback);
    finished.sample(&[("source", "cache")], figures.tasks_cached);
    text.counter("wforge_tasks_failed_total", "Tasks that failed for good.")
        .sample(&[], figures.tasks_failed);
    text.counter("wforge_tasks_retried_total", "Attempts that were followed by another.")
        .sample(&[], figures.tasks_retried);
    schedules(figures, text);
    guards(figures, text);
    webhooks(figures, text);
    models(figures, text);
    ports(figures, text);
}

fn schedules(figures: &EngineFigures, text: &mut Text) {
    text.gauge("wforge_schedules", "Schedules of all tenants.").sample(&[], figures.schedules);
    let mut firings =
        text.counter("wforge_schedule_firings_total", "Times of schedules, by what came of them.");
    firings.sample(&[("outcome", "started")], figures.schedules_fired);
    firings.sample(&[("outcome", "missed")], figures.schedules_missed);
    firings.sample(&[("outcome", "skipped")], figures.schedules_skipped);
    firings.sample(&[("outcome", "failed")], figures.schedules_failed);
}

fn guards(figures: &EngineFigures, text: &mut Text) {
    text.gauge("wforge_breakers_open", "Plugins of tenants that are left alone for a while.")
        .sample(&[], figures.breakers_open);
    text.counter(
        "wforge_circuit_refusals_total",
        "Calls not made, since the plugin kept breaking.",
    )
    .sample(&[], figures.circuit_refusals);
    text.gauge("wforge_quarantines", "Components that an operator put away.")
        .sample(&[], figures.quarantines);
    let mut stopped =
        text.counter("wforge_stopped_total", "What the host stopped or refused, by its code.");
    for (what, code, count) in &figures.stopped {
        stopped.sample(&[("what", what), ("code", code)], *count);
    }
    text.counter(
        "wforge_refusals_not_noted_total",
        "Of these, those that no audit log had room for.",
    )
    .sample(&[], figures.refusals_not_noted);
    text.counter("wforge_host_panics_total", "Calls on which a part of the host broke.")
        .sample(&[], figures.host_panics);
}

fn webhooks(figures: &EngineFigures, text: &mut Text) {
    let of = &figures.webhooks;
    text.gauge("wforge_webhook_deliveries_pending", "Deliveries of webhooks that wait.")
        .sample(&[], of.pending);
    let mut ended = text.counter(
        "wforge_webhook_deliveries_total",
        "Deliveries of webhooks that ended; those were dropped for which too many waited.",
    );
    let outcomes =
        [("delivered", of.delivered), ("given_up", of.given_up), ("dropped", of.dropped)];
    for (outcome, count) in outcomes {
        ended.sample(&[("outcome", outcome)], count);
    }
    text.counter("wforge_webhook_attempts_failed_total", "Attempts that did not arrive.")
        .sample(&[], of.failed);
    text.counter("wforge_webhooks_switched_off_total", "Webhooks that the host switched off.")
        .sample(&[], of.switched_off);
}

/// Labels are the names that the operator gave to models, never what a plugin asked for.
fn models(figures: &EngineFigures, text: &mut Text) {
    let mut calls = text.counter("wforge_llm_calls_total", "Calls of models.");
    for (model, ModelFigures { calls: ended, .. }) in &figures.models {
        for (outcome, count) in ended {
            calls.sample(&[("model", model), ("outcome", outcome)], *count);
        }
    }
    let mut tokens = text.counter("wforge_llm_tokens_total", "Tokens of models.");
    for (model, ModelFigures { input_tokens, output_tokens, .. }) in &figures.models {
        tokens.sample(&[("model", model), ("direction", "input")], *input_tokens);
        tokens.sample(&[("model", model), ("direction", "output")], *output_tokens);
    }
}

fn ports(figures: &EngineFigures, text: &mut Text) {
    let (store, runtime) = (&figures.store, &figures.runtime);
    let kind = [("kind", store.kind)];
    text.counter("wforge_store_commits_total", "Groups made durable.").sample(&kind, store.commits);
    text.counter("wforge_store_operations_total", "Operations in those groups.")
        .sample(&kind, store.operations);
    text.counter("wforge_store_journal_bytes_total", "Bytes written to the journal.")
        .sample(&kind, store.journal_bytes);
    text.counter("wforge_store_fsync_seconds_total", "Time in fdatasync.")
        .seconds(&kind, store.fsync_ns);
    text.gauge("wforge_store_view_lag", "Operations that the view has not applied yet.")
        .sample(&kind, store.view_lag);
    text.counter("wforge_store_rebuilds_total", "How often the view was rebuilt.")
        .sample(&kind, store.rebuilds);
    let allocator = [("allocator", runtime.allocator)];
    text.gauge("wforge_sandboxes", "Sandboxes that run now.").sample(&allocator, runtime.sandboxes);
    text.counter("wforge_sandbox_calls_total", "Calls of plugins.")
        .sample(&allocator, runtime.calls);
    text.counter("wforge_components_compiled_total", "Components compiled.")
        .sample(&[], runtime.compiled);
    text.counter("wforge_artefacts_tampered_total", "Artefacts that failed their MAC.")
        .sample(&[], runtime.tampered);
}
