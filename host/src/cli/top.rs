//! `wforge top`: what a server has to do right now, from `/metrics` and `/v1/system`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use wforge_ports::Clock as _;
use wforge_view::duration;

use super::Session;
use super::admin::{only_served, with_control};
use super::args::TopArgs;
use super::follow::Stops;
use super::refusal::EXIT_INTERRUPTED;
use super::screen::Screen;
use super::ui::{Paint, Ui, columns, harmless};
use crate::client::Control;
use crate::clock::SystemClock;

mod figures;

use figures::Figures;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Of `/metrics`, in bytes.
const METRICS_BYTES_MAX: usize = 8 << 20;
/// Codes of refusals that are shown.
const CODES_MAX: usize = 8;

/// The command.
pub(crate) async fn run(session: &Session, args: &TopArgs) -> anyhow::Result<u8> {
    with_control(session, async |control| {
        only_served(control)?;
        top(&session.ui, control, args).await
    })
    .await
}

async fn top(ui: &Ui, control: &Control, args: &TopArgs) -> anyhow::Result<u8> {
    let mut stops = Stops::listen()?;
    // The first look may be refused, and then says so on the page that stays.
    let mut now = look(control).await?;
    let screen = if args.once || ui.is_json() { None } else { Screen::open() };
    let Some(screen) = screen else {
        let snapshot = Snapshot::of(&now, None);
        if ui.is_json() {
            ui.out_json(&snapshot)?;
        } else {
            lines(ui, &now, &snapshot).iter().for_each(|line| ui.out(line));
        }
        return Ok(0);
    };
    let mut before = None;
    loop {
        screen.draw(&lines(ui, &now, &Snapshot::of(&now, before.as_ref())));
        let next = tokio::select! {
            biased;
            () = stops.next() => return Ok(EXIT_INTERRUPTED),
            next = next_look(control) => next?,
        };
        before = Some(std::mem::replace(&mut now, next));
    }
}

/// What a server said at one moment.
#[derive(Debug)]
struct Look {
    at_ns: u64,
    system: Value,
    figures: Figures,
}

async fn next_look(control: &Control) -> anyhow::Result<Look> {
    SystemClock.sleep_until(SystemClock.now().after(LOOK)).await;
    look(control).await
}

async fn look(control: &Control) -> anyhow::Result<Look> {
    let system = control.get("/v1/system").await?;
    let mut text = Vec::new();
    control
        .stream("/metrics", |bytes| {
            text.extend_from_slice(bytes);
            anyhow::ensure!(text.len() <= METRICS_BYTES_MAX, "the server's metrics have no end");
            Ok(())
        })
        .await?;
    let figures = Figures::read(&String::from_utf8_lossy(&text));
    Ok(Look { at_ns: SystemClock.monotonic_ns(), system, figures })
}

/// What is shown. A figure that the server does not give is `null`.
#[derive(Debug, Serialize)]
struct Snapshot {
    version: Option<String>,
    environment: Option<String>,
    ready: Option<bool>,
    uptime_s: Option<f64>,
    runs_live: Option<f64>,
    runs_started: Option<f64>,
    /// In a second, since the look before.
    runs_started_per_s: Option<f64>,
    runs_ended: BTreeMap<String, f64>,
    runs_degraded: Option<f64>,
    runs_stuck: Option<f64>,
    tasks_running: Option<f64>,
    tasks_finished: BTreeMap<String, f64>,
    tasks_finished_per_s: Option<f64>,
    tasks_failed: Option<f64>,
    tasks_retried: Option<f64>,
    queue: Option<f64>,
    sandboxes: Option<f64>,
    sandbox_calls_per_s: Option<f64>,
    memory_bytes: Option<f64>,
    descriptors: Option<f64>,
    /// By kind: requests, streams, uploads that are under way.
    under_way: BTreeMap<String, f64>,
    commits_per_s: Option<f64>,
    view_lag: Option<f64>,
    /// By direction.
    tokens: BTreeMap<String, f64>,
    /// What the host stopped or refused, by code.
    refusals: BTreeMap<String, f64>,
    /// Requests that were refused, by code.
    requests_refused: BTreeMap<String, f64>,
    breakers_open: Option<f64>,
    quarantines: Option<f64>,
}

impl Snapshot {
    fn of(now: &Look, before: Option<&Look>) -> Self {
        let figures = &now.figures;
        let text = |name: &str| now.system.get(name).and_then(Value::as_str).map(str::to_owned);
        let sum = |name: &str| figures.sum(name);
        let rate = |name: &str| {
            let before = before?;
            let passed_s = now.at_ns.saturating_sub(before.at_ns) as f64 / 1e9;
            let more = figures.sum(name)? - before.figures.sum(name)?;
            (passed_s > 0.0).then(|| (more / passed_s).max(0.0))
        };
        // Either says it, as far as the server and the credential go.
        let told = |field: &str| now.system.pointer(field).and_then(Value::as_f64);
        Self {
            version: text("version"),
            environment: text("environment"),
            ready: sum("wforge_ready").map(|ready| ready > 0.0),
            uptime_s: told("/uptime_ms").map(|ms| ms / 1_000.0),
            runs_live: sum("wforge_runs_live"),
            runs_started: sum("wforge_runs_started_total"),
            runs_started_per_s: rate("wforge_runs_started_total"),
            runs_ended: figures.by("wforge_runs_ended_total", "status"),
            runs_degraded: sum("wforge_runs_degraded_total"),
            runs_stuck: sum("wforge_runs_stuck_total"),
            tasks_running: sum("wforge_tasks_running"),
            tasks_finished: figures.by("wforge_tasks_finished_total", "source"),
            tasks_finished_per_s: rate("wforge_tasks_finished_total"),
            tasks_failed: sum("wforge_tasks_failed_total"),
            tasks_retried: sum("wforge_tasks_retried_total"),
            queue: sum("wforge_sandbox_queue_length").or_else(|| told("/queue/calls_waiting")),
            sandboxes: sum("wforge_sandboxes"),
            sandbox_calls_per_s: rate("wforge_sandbox_calls_total"),
            memory_bytes: sum("process_resident_memory_bytes")
                .or_else(|| told("/machine/memory/resident_bytes")),
            descriptors: sum("process_open_fds").or_else(|| told("/machine/descriptors/open")),
            under_way: figures.by("wforge_http_under_way", "kind"),
            commits_per_s: rate("wforge_store_commits_total"),
            view_lag: sum("wforge_store_view_lag_operations").or_else(|| told("/store/view_lag")),
            tokens: figures.by("wforge_llm_tokens_total", "direction"),
            refusals: figures.by("wforge_stopped_total", "code"),
            requests_refused: figures.by("wforge_http_refusals_total", "code"),
            breakers_open: sum("wforge_breakers_open"),
            quarantines: sum("wforge_quarantines"),
        }
    }
}

/// The page.
fn lines(ui: &Ui, now: &Look, shown: &Snapshot) -> Vec<String> {
    let mut rows = of_runs(shown);
    rows.extend(of_host(shown));
    // A row of which nothing is known says nothing.
    rows.retain(|row| row.len() > 1);
    [title(ui, now, shown), String::new()].into_iter().chain(columns(&rows)).collect()
}

fn title(ui: &Ui, now: &Look, shown: &Snapshot) -> String {
    let who = |field: &str| {
        let text = now.system.pointer(field).and_then(Value::as_str);
        harmless(text.unwrap_or("-"))
    };
    let ready = match shown.ready {
        Some(true) => ui.paint_out(Paint::Green, "ready"),
        Some(false) => ui.paint_out(Paint::Red, "takes no work"),
        None => "-".to_owned(),
    };
    let (version, environment) = (who("/version"), who("/environment"));
    let (name, tenant) = (who("/you/name"), who("/you/tenant"));
    let up = shown.uptime_s.map(|s| format!("  up {}", duration((s * 1_000.0) as u64)));
    let up = up.unwrap_or_default();
    format!("wforge {version}  {environment}  {ready}{up}  as {name} of {tenant}")
}

fn of_runs(shown: &Snapshot) -> Vec<Vec<String>> {
    let runs = [
        ("live", number(shown.runs_live)),
        ("started", with_rate(shown.runs_started, shown.runs_started_per_s)),
        ("degraded", number(shown.runs_degraded)),
        ("stuck", number(shown.runs_stuck)),
    ];
    let tasks = [
        ("running", number(shown.tasks_running)),
        ("finished/s", number(shown.tasks_finished_per_s)),
        ("failed", number(shown.tasks_failed)),
        ("retried", number(shown.tasks_retried)),
    ];
    vec![
        row("runs", &runs),
        row("ended", &named(&shown.runs_ended)),
        row("tasks", &tasks),
        row("sources", &named(&shown.tasks_finished)),
        row("tokens", &named(&shown.tokens)),
    ]
}

fn of_host(shown: &Snapshot) -> Vec<Vec<String>> {
    let sandboxes = [
        ("now", number(shown.sandboxes)),
        ("calls/s", number(shown.sandbox_calls_per_s)),
        ("queue", number(shown.queue)),
    ];
    let host = [
        ("memory", bytes(shown.memory_bytes)),
        ("descriptors", number(shown.descriptors)),
        ("commits/s", number(shown.commits_per_s)),
        ("view lag", number(shown.view_lag)),
    ];
    let put_away = [
        ("breakers open", number(shown.breakers_open)),
        ("quarantines", number(shown.quarantines)),
    ];
    vec![
        row("sandboxes", &sandboxes),
        row("clients", &named(&shown.under_way)),
        row("host", &host),
        row("put away", &put_away),
        row("stopped", &codes(&shown.refusals)),
        row("refused", &codes(&shown.requests_refused)),
    ]
}

fn row(name: &str, cells: &[(&str, String)]) -> Vec<String> {
    let cells = cells.iter().map(|(name, value)| harmless(&format!("{name} {value}")));
    [name.to_owned()].into_iter().chain(cells).collect()
}

fn codes(figures: &BTreeMap<String, f64>) -> Vec<(&str, String)> {
    let mut codes = named(figures);
    codes.truncate(CODES_MAX);
    codes
}

fn named(figures: &BTreeMap<String, f64>) -> Vec<(&str, String)> {
    figures.iter().map(|(name, value)| (name.as_str(), number(Some(*value)))).collect()
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.1}"),
    }
}

fn with_rate(value: Option<f64>, per_s: Option<f64>) -> String {
    match per_s {
        Some(_) => format!("{} ({}/s)", number(value), number(per_s)),
        None => number(value),
    }
}

fn bytes(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} MiB", value / 1_048_576.0))
}
