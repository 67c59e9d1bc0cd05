//! Figures of the engine and of what is below it.

use wforge_engine::{EngineFigures, ModelFigures};

use super::text::Text;

/// Writes all of them.
pub(super) fn write(figures: &EngineFigures, text: &mut Text) {
    runs(figures, text);
    retention(figures, text);
    tasks(figures, text);
    schedules(figures, text);
    guards(figures, text);
    webhooks(figures, text);
    models(figures, text);
    egress(figures, text);
    store(figures, text);
    sandboxes(figures, text);
    kept(figures, text);
}

fn runs(figures: &EngineFigures, text: &mut Text) {
    text.gauge("wforge_runs_live", "Runs in memory.").sample(&[], figures.runs_live);
    text.gauge("wforge_runs_live_max", "Runs that may be in memory.")
        .sample(&[], figures.runs_live_max);
    text.gauge("wforge_runs_beginning", "Runs that begin, or wait to.")
        .sample(&[], figures.runs_beginning);
    text.counter("wforge_runs_refused_total", "Runs not let in, since too many began.")
        .sample(&[], figures.runs_refused);
    text.gauge("wforge_runs_asleep", "Runs that sleep until a moment that is known.")
        .sample(&[], figures.runs_asleep);
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
    let help = "From the beginning of a run to its end, people's time included.";
    text.histogram("wforge_run_duration_seconds", help).durations(&[], &figures.run_durations);
    text.counter("wforge_steps_total", "Super-steps committed.").sample(&[], figures.steps);
    let help = "From the plan of a super-step of a run itself to its commit.";
    text.histogram("wforge_step_duration_seconds", help).durations(&[], &figures.step_durations);
}

fn retention(figures: &EngineFigures, text: &mut Text) {
    let help = "What was removed since it had been kept long enough.";
    let mut removed = text.counter("wforge_retention_removed_total", help);
    removed.sample(&[("what", "run")], figures.runs_removed);
    removed.sample(&[("what", "thread")], figures.threads_removed);
    removed.sample(&[("what", "reply")], figures.replies_removed);
    let help = "When the first of the kept runs ended, as the last look found it; 0: none.";
    text.gauge("wforge_oldest_run_end_time_seconds", help).millis(&[], figures.oldest_ended_at_ms);
}

fn tasks(figures: &EngineFigures, text: &mut Text) {
    text.gauge("wforge_tasks_running", "Tasks whose agent is being called.")
        .sample(&[], figures.tasks_running);
    let mut finished = text.counter("wforge_tasks_finished_total", "Tasks with a result.");
    finished.sample(&[("source", "live")], figures.tasks_live);
    finished.sample(&[("source", "mock")], figures.tasks_mock);
    finished.sample(&[("source", "fallback")], figures.tasks_fallback);
    finished.sample(&[("source", "cache")], figures.tasks_cached);
    text.counter("wforge_tasks_failed_total", "Tasks that failed for good.")
        .sample(&[], figures.tasks_failed);
    text.counter("wforge_tasks_retried_total", "Attempts that were followed by another.")
        .sample(&[], figures.tasks_retried);
    let help = "Calls of agents with their host calls, by how they ended.";
    let mut calls = text.histogram("wforge_agent_call_duration_seconds", help);
    for (outcome, durations) in
        figures.call_durations.iter().filter(|(outcome, _)| !outcome.is_empty())
    {
        calls.durations(&[("outcome", outcome)], durations);
    }
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

fn schedules(figures: &EngineFigures, text: &mut Text) {
    text.gauge("wforge_schedules", "Schedules of all tenants.").sample(&[], figures.schedules);
    let mut firings =
        text.counter("wforge_schedule_firings_total", "Times of schedules, by what came of them.");
    firings.sample(&[("outcome", "started")], figures.schedules_fired);
    firings.sample(&[("outcome", "missed")], figures.schedules_missed);
    firings.sample(&[("outcome", "skipped")], figures.schedules_skipped);
    firings.sample(&[("outcome", "failed")], figures.schedules_failed);
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

/// Without the names of servers: strangers choose them.
fn egress(figures: &EngineFigures, text: &mut Text) {
    let egress = &figures.egress;
    let help = "Requests to servers of others, by what for and how they ended.";
    let mut requests = text.counter("wforge_egress_requests_total", help);
    for (surface, outcome, count) in &egress.requests {
        requests.sample(&[("surface", surface), ("outcome", outcome)], *count);
    }
    let mut sent = text.counter("wforge_egress_sent_bytes_total", "Bytes of bodies sent.");
    for (surface, bytes) in &egress.sent_bytes {
        sent.sample(&[("surface", surface)], *bytes);
    }
    let mut received =
        text.counter("wforge_egress_received_bytes_total", "Bytes of bodies received.");
    for (surface, bytes) in &egress.received_bytes {
        received.sample(&[("surface", surface)], *bytes);
    }
}

fn store(figures: &EngineFigures, text: &mut Text) {
    let store = &figures.store;
    let kind = [("kind", store.kind)];
    text.counter("wforge_store_commits_total", "Groups made durable.").sample(&kind, store.commits);
    text.counter("wforge_store_operations_total", "Operations in those groups.")
        .sample(&kind, store.operations);
    text.histogram(
        "wforge_store_operation_duration_seconds",
        "From asking for an operation to its being durable.",
    )
    .durations(&kind, &store.operation);
    text.histogram("wforge_store_fsync_duration_seconds", "Each fdatasync of the journal.")
        .durations(&kind, &store.fsync);
    text.gauge("wforge_store_queue_length", "Operations that wait for their turn.")
        .sample(&kind, store.queued);
    text.counter("wforge_store_journal_bytes_total", "Bytes written to the journal.")
        .sample(&kind, store.journal_bytes);
    let help = "Operations that the view has not applied yet.";
    text.gauge("wforge_store_view_lag_operations", help).sample(&kind, store.view_lag);
    text.counter("wforge_store_rebuilds_total", "How often the view was rebuilt.")
        .sample(&kind, store.rebuilds);
}

fn sandboxes(figures: &EngineFigures, text: &mut Text) {
    let runtime = &figures.runtime;
    let allocator = [("allocator", runtime.allocator)];
    text.gauge("wforge_sandboxes", "Sandboxes that run now.").sample(&allocator, runtime.sandboxes);
    text.gauge("wforge_sandboxes_max", "Sandboxes that may run at the same time.")
        .sample(&allocator, runtime.sandboxes_max);
    text.gauge("wforge_sandbox_queue_length", "Calls that wait for a sandbox.")
        .sample(&allocator, runtime.waiting);
    text.gauge("wforge_sandbox_memory_bytes", "Linear memory of all sandboxes, of all tenants.")
        .sample(&allocator, runtime.memory_bytes);
    text.counter("wforge_sandbox_calls_total", "Calls of plugins.")
        .sample(&allocator, runtime.calls);
    text.counter("wforge_components_compiled_total", "Components compiled.")
        .sample(&[], runtime.compiled);
    text.counter("wforge_artefacts_tampered_total", "Artefacts that failed their MAC.")
        .sample(&[], runtime.tampered);
}

/// What each part has in memory beyond its work; the words for it are the host's own.
fn kept(figures: &EngineFigures, text: &mut Text) {
    let parts = [&figures.kept, &figures.store.kept, &figures.runtime.kept];
    let all = || parts.into_iter().flatten();
    let mut entries =
        text.gauge("wforge_kept_entries", "What is kept in memory for later, by what it is.");
    all().for_each(|kept| entries.sample(&[("what", kept.what)], kept.entries));
    let mut bytes = text.gauge("wforge_kept_bytes", "What that takes, where it is counted.");
    for (what, taken) in all().filter_map(|kept| Some((kept.what, kept.bytes?))) {
        bytes.sample(&[("what", what)], taken);
    }
}
