//! What a run ends with: its exit code, and what is printed of it.

use serde::Serialize;
use wforge_model::head::RunStatus;
use wforge_model::mock::TaskSource;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{NodeId, Object, RunId, Value};

use super::progress::duration;
use super::questions;
use super::refusal::{EXIT_DEGRADED, EXIT_FAILED, EXIT_WAITING};
use super::ui::{Paint, Ui, harmless};
use crate::client::{Report, TaskRow};

/// The exit code of a run that was waited for.
pub(super) fn exit_of(report: &Report, fail_on_degraded: bool) -> u8 {
    match report.head.status {
        RunStatus::Completed if report.head.degraded && fail_on_degraded => EXIT_DEGRADED,
        RunStatus::Completed => 0,
        RunStatus::Waiting => EXIT_WAITING,
        RunStatus::Running | RunStatus::Blocked | RunStatus::Failed | RunStatus::Cancelled => {
            EXIT_FAILED
        }
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
    if report.head.status == RunStatus::Waiting {
        questions::tell(ui, report);
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
    status: RunStatus,
    outcome: Option<&'a str>,
    degraded: bool,
    output: Option<&'a Object>,
    tasks: Vec<TaskJson<'a>>,
}

#[derive(Serialize)]
struct TaskJson<'a> {
    node: &'a NodeId,
    agent: Option<&'a str>,
    source: Option<TaskSource>,
    attempt: u32,
    ms: u64,
}

/// The run in the form of `--output json`.
pub(super) fn result_json(report: &Report) -> ResultJson<'_> {
    ResultJson {
        run_id: report.head.run,
        status: report.head.status,
        outcome: report.head.outcome.as_deref(),
        degraded: report.head.degraded,
        output: report.output.as_ref(),
        tasks: report.tasks.iter().map(task_json).collect(),
    }
}

fn task_json(task: &TaskRow) -> TaskJson<'_> {
    TaskJson {
        node: &task.node,
        agent: task.agent.as_deref(),
        source: task.source,
        attempt: task.attempt,
        ms: task.ms,
    }
}

/// A first output key that is text is printed as it is, the others go to stderr; anything else is
/// printed as JSON.
fn print_output(ui: &Ui, output: &Object, draft: &WorkflowDraft) -> anyhow::Result<()> {
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

fn summary(ui: &Ui, report: &Report, elapsed_ms: u64) {
    let head = &report.head;
    let status = match head.status {
        RunStatus::Completed => ui.paint(Paint::Green, "completed"),
        RunStatus::Waiting => ui.paint(Paint::Cyan, "waiting for a person"),
        RunStatus::Running => "running".to_owned(),
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
    ui.note(&format!("{status}{outcome}  {tasks} tasks in {time}{degraded}"));
    if let Some(error) = &head.error {
        let node = error.node.as_ref().map(NodeId::as_str);
        let place = node.map(|node| format!("{node}: ")).unwrap_or_default();
        let message = harmless(&error.message);
        let label = ui.paint(Paint::Red, "error:");
        ui.err(&format!("{label} {place}{message} ({})", harmless(&error.code)));
    }
}
