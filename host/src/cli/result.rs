//! What a run ends with: its exit code, and what is printed of it.

use serde::Serialize;
use wforge_model::head::{RunHead, RunStatus, WaitReason};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{ModelUsage, NodeId, Object, Recording, RunId, ThreadId, Usage, Value};
use wforge_view::{duration, when_text};

use super::questions;
use super::refusal::{EXIT_DEGRADED, EXIT_FAILED, EXIT_WAITING};
use super::ui::{Paint, Ui, harmless};
use crate::client::{Paths, Report, TaskRow};

/// The exit code of a run that was waited for.
pub(super) fn exit_of(report: &Report, fail_on_degraded: bool) -> u8 {
    match report.head.status {
        RunStatus::Completed if report.head.degraded && fail_on_degraded => EXIT_DEGRADED,
        RunStatus::Completed => 0,
        RunStatus::Waiting | RunStatus::Paused | RunStatus::Queued => EXIT_WAITING,
        RunStatus::Blocked if report.head.quarantines().next().is_some() => EXIT_WAITING,
        RunStatus::Running
        | RunStatus::Blocked
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::RolledBack => EXIT_FAILED,
    }
}

/// Prints how a run stands: a summary to stderr, its output to stdout.
pub(super) fn print(
    ui: &Ui,
    report: &Report,
    draft: &WorkflowDraft,
    elapsed_ms: u64,
) -> anyhow::Result<()> {
    summary(ui, report, elapsed_ms);
    if let Some(place) = place_in_file(&report.head) {
        ui.err(&format!("  at {}", harmless(&place)));
    }
    match report.head.status {
        RunStatus::Waiting => questions::tell(ui, report),
        RunStatus::Paused => tell_paused(ui, report),
        RunStatus::Queued => tell_queued(ui, report),
        RunStatus::Blocked => tell_blocked(ui, report),
        RunStatus::Running
        | RunStatus::Completed
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::RolledBack => {}
    }
    if ui.is_json() {
        return ui.out_json(&result_json(report));
    }
    match &report.output {
        Some(output) => print_output(ui, output, draft),
        None => Ok(()),
    }
}

/// The form of `--output json`, keys in this order.
#[derive(Serialize)]
pub(super) struct ResultJson<'a> {
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadId>,
    status: RunStatus,
    outcome: Option<&'a str>,
    degraded: bool,
    output: Option<&'a Object>,
    #[serde(skip_serializing_if = "usage_is_none")]
    usage: &'a Usage,
    tasks: Vec<TaskJson<'a>>,
}

#[derive(Serialize)]
struct TaskJson<'a> {
    /// The path of its node: `outer/inner` in a subgraph.
    node: String,
    agent: Option<&'a str>,
    source: Option<TaskSource>,
    attempt: u32,
    ms: u64,
    effects: Recording,
    #[serde(skip_serializing_if = "usage_is_none")]
    usage: &'a Usage,
}

/// Where no model was asked nothing is said of models.
fn usage_is_none(usage: &&Usage) -> bool {
    usage.total.calls == 0
}

/// The run in the form of `--output json`.
pub(super) fn result_json(report: &Report) -> ResultJson<'_> {
    let paths = report.paths();
    ResultJson {
        run_id: report.head.run,
        thread: report.head.thread,
        status: report.head.status,
        outcome: report.head.outcome.as_deref(),
        degraded: report.head.degraded,
        output: report.output.as_ref(),
        usage: &report.head.usage,
        tasks: report.tasks.iter().map(|task| task_json(task, &paths)).collect(),
    }
}

fn task_json<'a>(task: &'a TaskRow, paths: &Paths<'_>) -> TaskJson<'a> {
    TaskJson {
        node: paths.of(task.task),
        agent: task.agent.as_deref(),
        source: task.source,
        attempt: task.attempt,
        ms: task.ms,
        usage: &task.usage,
        effects: task.effects,
    }
}

/// A first output key that is text is printed as it is, the others go to stderr; anything else is
/// printed as JSON.
pub(super) fn print_output(ui: &Ui, output: &Object, draft: &WorkflowDraft) -> anyhow::Result<()> {
    let written = draft.output.iter().filter_map(|key| output.get_key_value(key.as_str()));
    let written: Vec<(&String, &Value)> = written.collect();
    match written.first().map(|(_, value)| value) {
        Some(Value::String(text)) => {
            for (key, value) in written.iter().skip(1) {
                ui.note(&format!("{key}: {}", harmless(&value.to_string())));
            }
            ui.out_text(text);
            Ok(())
        }
        Some(_) => ui.out_json(output),
        None => Ok(()),
    }
}

/// `file:line:column` and the expression for which a run failed, where its file is known.
pub(super) fn place_in_file(head: &RunHead) -> Option<String> {
    let failure = head.error.as_ref()?.failure.as_ref()?;
    let details = &failure.problem()?.details;
    let place = details.get("at").and_then(Value::as_str)?;
    let expression = details.get("expression").and_then(Value::as_str);
    let expression = expression.map(|text| format!(": {text}")).unwrap_or_default();
    Some(format!("{place}{expression}"))
}

/// The command with which a run goes on that nobody drives.
pub(super) fn how_it_goes_on(report: &Report) -> String {
    let run = report.head.run;
    match report.head.status {
        RunStatus::Paused => format!("wforge runs continue {run}"),
        RunStatus::Waiting if !report.questions.is_empty() => {
            format!(
                "wforge runs resume {run} --answer VALUE; wforge runs show {run} has the questions"
            )
        }
        RunStatus::Blocked => match report.head.quarantines().next() {
            Some(component) => format!(
                "wforge plugin release {component}; where its signing key was revoked, wforge \
                 trust restore KEY, or install it with another signature"
            ),
            None => format!("wforge runs resume {run} --discard-effects"),
        },
        RunStatus::Queued => format!(
            "it waits for its turn: once the run before it in its thread has ended, wforge runs \
             resume {run}"
        ),
        RunStatus::Running
        | RunStatus::Waiting
        | RunStatus::Completed
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::RolledBack => format!("wforge runs resume {run}"),
    }
}

/// Where a run stands, and how it goes on.
fn tell_paused(ui: &Ui, report: &Report) {
    for entry in &report.head.waiting_for {
        if let WaitReason::Resume { when: Some(when), nodes } = &entry.waiting {
            let nodes: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
            ui.err(&format!("it stands {} {}", when_text(*when), nodes.join(", ")));
        }
    }
    let label = ui.paint(Paint::Cyan, "help:");
    ui.err(&format!("{label} wforge runs continue {}", report.head.run));
}

/// What was put away, and why.
fn tell_blocked(ui: &Ui, report: &Report) {
    for entry in &report.head.waiting_for {
        if let WaitReason::Quarantine { component, reason } = &entry.waiting {
            ui.err(&format!("{component} is in quarantine: {}", harmless(reason)));
        }
    }
    let label = ui.paint(Paint::Cyan, "help:");
    ui.err(&format!("{label} {}", how_it_goes_on(report)));
}

/// Whose turn it is, and how a queued run begins.
fn tell_queued(ui: &Ui, report: &Report) {
    let Some(thread) = report.head.thread else { return };
    let label = ui.paint(Paint::Cyan, "help:");
    ui.err(&format!(
        "{label} wforge threads show {thread} names the run that goes first; once that one has \
         ended, wforge runs resume {} goes on with this one",
        report.head.run
    ));
}

/// Calls of models and their tokens as people read them; none where there were none.
pub(super) fn used(usage: &ModelUsage) -> Option<String> {
    let ModelUsage { calls, failed, input_tokens, output_tokens } = usage;
    let calls = match calls {
        0 => return None,
        1 => "1 model call".to_owned(),
        calls => format!("{calls} model calls"),
    };
    let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
    Some(format!("{calls}{failed}, {input_tokens} tokens in, {output_tokens} out"))
}

/// How it ended, in a line.
pub(super) fn summary(ui: &Ui, report: &Report, elapsed_ms: u64) {
    let head = &report.head;
    let status = match head.status {
        RunStatus::Completed => ui.paint(Paint::Green, "completed"),
        RunStatus::Waiting => ui.paint(Paint::Cyan, "waiting for a person"),
        RunStatus::Paused => ui.paint(Paint::Cyan, "paused"),
        RunStatus::Queued => ui.paint(Paint::Cyan, "queued"),
        RunStatus::Running => "running".to_owned(),
        RunStatus::RolledBack => ui.paint(Paint::Red, "rolled back"),
        RunStatus::Blocked | RunStatus::Failed | RunStatus::Cancelled => {
            ui.paint(Paint::Red, head.status.as_str())
        }
    };
    let outcome = head.outcome.as_deref().map(|it| format!(": {}", harmless(it)));
    let degraded = if head.degraded {
        ui.paint(Paint::Yellow, "  degraded: mocks stood in")
    } else {
        String::new()
    };
    let time = duration(elapsed_ms);
    let tasks = report.tasks.iter().filter(|task| task.source.is_some()).count();
    let outcome = outcome.unwrap_or_default();
    let tasks = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
    let used = used(&head.usage.total).map(|used| format!("  {used}")).unwrap_or_default();
    ui.note(&format!("{status}{outcome}  {tasks} in {time}{used}{degraded}"));
    if let Some(error) = &head.error {
        let node = error.node.as_ref().map(NodeId::as_str);
        let place = node.map(|node| format!("{node}: ")).unwrap_or_default();
        let message = harmless(&error.message);
        let label = ui.paint(Paint::Red, "error:");
        ui.err(&format!("{label} {place}{message} ({})", harmless(&error.code)));
    }
}
