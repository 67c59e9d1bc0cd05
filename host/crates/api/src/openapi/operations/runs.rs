//! Runs.

use serde_json::json;
use wforge_engine::{LogLine, Receipt, ReplayReport};
use wforge_model::head::RunHead;
use wforge_model::workflow::WorkflowDraft;

use super::Operation;
use crate::bulk::{BulkBody, BulkDone};
use crate::codes::{self, Code};
use crate::events::AfterQuery;
use crate::openapi::parts::{RUN, THREAD};
use crate::openapi::shape::Shape;
use crate::replay::ReplayBody;
use crate::run_filter::RunsQuery;
use crate::run_request::{CancelBody, ResumeBody, StartBody};
use crate::run_views::LogsQuery;
use crate::runs::{WaitQuery, WholeRun, WorkflowQuery};
use crate::steering::{ContinueBody, NoBody, RetryBody};
use crate::stream::StreamQuery;

const RUN_ID: &str = "^run_[0-9a-f]{32}$";
/// Milliseconds since 1970, or how long ago.
const MOMENT: &str = "^[0-9]+(ms|s|m|h|d)?$";
/// A duration with its unit.
pub(super) const WAIT: &str = "^[0-9]+(ms|s|m)$";
/// How a start may fail beside the usual.
pub(super) const START: [&Code; 6] = [
    &codes::NOT_FOUND,
    &codes::WORKFLOW,
    &codes::UNTRUSTED,
    &codes::THREAD_BUSY,
    &codes::THREAD_VERSION,
    &codes::QUOTA,
];

/// A run with all that is known of it.
pub(super) fn run() -> Shape {
    Shape::resource::<WholeRun>("Run", "run")
}

pub(super) fn operations() -> Vec<Operation> {
    let mut all = begun();
    all.extend(steered());
    all.extend(brought_on());
    all.extend(many());
    all.extend(watched());
    all.extend(told());
    all.extend(recorded());
    all
}

/// It answers at once, or once the run has settled within the wait.
pub(super) fn waits(operation: Operation) -> Operation {
    operation
        .query::<WaitQuery>(&[("wait", json!("20s"))])
        .pattern("wait", WAIT)
        .gives(200, "The run has settled within the wait: it ended, or waits.", run())
        .gives(202, "The run goes on.", run())
}

fn begun() -> Vec<Operation> {
    vec![
        Operation::get("/v1/runs", "listRuns", "Lists the runs, the newest first")
            .query::<RunsQuery>(&[("limit", json!(20)), ("workflow", json!("greet"))])
            .pattern("cursor", RUN_ID)
            .pattern("thread", "^thread_[0-9a-f]{32}$")
            .pattern("label", "^[^=,]+=[^,]*(,[^=,]+=[^,]*)*$")
            .pattern("since", MOMENT)
            .pattern("until", MOMENT)
            .pages("Runs without their tasks.", Shape::resource::<RunHead>("RunRow", "run")),
        waits(Operation::post("/v1/runs", "startRun", "Starts a run").keyed())
            .about(
                "A registered workflow by its name, or a file's text, which needs the role \
                 developer.",
            )
            .json::<StartBody>(json!({
                "workflow": { "name": "greet" }, "input": { "name": "Ada" }, "thread": THREAD,
            }))
            .refuses(&START)
            .known_as("/id", RUN),
        Operation::get("/v1/runs/{run}", "showRun", "Shows a run with its tasks and questions")
            .gives(200, "The run.", run())
            .tagged(),
        Operation::get(
            "/v1/runs/{run}/workflow",
            "showWorkflowOfRun",
            "Shows the workflow that a run is pinned to, registered or not",
        )
        .query::<WorkflowQuery>(&[])
        .pattern("part", "^sha256:[0-9a-f]{64}$")
        .gives(200, "The workflow.", Shape::of::<WorkflowDraft>()),
    ]
}

fn steered() -> Vec<Operation> {
    vec![
        waits(Operation::post("/v1/runs/{run}/resume", "resumeRun", "Answers a run's questions"))
            .about("Without anything in its body it only wakes the run.")
            .json_or_nothing::<ResumeBody>(json!({
                "answers": [{ "node": "ask", "answer": "Hello" }],
            })),
        Operation::post("/v1/runs/{run}/cancel", "cancelRun", "Cancels a run")
            .json_or_nothing::<CancelBody>(json!({ "reason": "It is not needed any more." }))
            .gives(200, "The run, which has ended or is about to.", run()),
        waits(Operation::post(
            "/v1/runs/{run}/pause",
            "pauseRun",
            "Stops a run at its next border",
        ))
        .about("What is under way finishes, nothing new begins.")
        .json_or_nothing::<NoBody>(json!({})),
    ]
}

fn brought_on() -> Vec<Operation> {
    vec![
        waits(Operation::post("/v1/runs/{run}/continue", "continueRun", "Lets a paused run go on"))
            .json_or_nothing::<ContinueBody>(json!({})),
        waits(Operation::post("/v1/runs/{run}/retry", "retryRun", "Takes up a run that failed"))
            .about(
                "What failed begins again, what had finished is kept. Where a task is named, a new \
                 run of the same thread begins before its super-step.",
            )
            .json_or_nothing::<RetryBody>(json!({}))
            .refuses(&START)
            // The run of the examples does not fail.
            .example_gives(409),
        waits(Operation::post(
            "/v1/runs/{run}/step",
            "stepRun",
            "Has a paused run make one super-step",
        ))
        .about("It pauses again after it.")
        .json_or_nothing::<NoBody>(json!({}))
        // The run of the examples has ended.
        .example_gives(409),
    ]
}

fn many() -> Vec<Operation> {
    let each = "What came of each run.";
    vec![
        Operation::post("/v1/runs/cancel", "cancelRuns", "Cancels many runs")
            .about("Those that are named, or those that a filter takes, 1,000 at once.")
            .json::<BulkBody>(json!({
                "filter": { "workflow": "greet" }, "reason": "The day is over.", "dry_run": true,
            }))
            .gives(200, each, Shape::of::<BulkDone>()),
        Operation::post("/v1/runs/retry", "retryRuns", "Takes up many runs that failed")
            .about("Those that are named, or those that a filter takes, 1,000 at once.")
            .json::<BulkBody>(json!({ "filter": { "all": true }, "dry_run": true }))
            .gives(200, each, Shape::of::<BulkDone>()),
    ]
}

fn watched() -> Vec<Operation> {
    vec![
        Operation::get("/v1/runs/{run}/events", "streamEvents", "Streams the events of a run")
            .about(
                "Durable events carry their number as id and come in order, each exactly once \
                 after any reconnect. What plugins log or emit has no id and is never repeated.",
            )
            .query::<AfterQuery>(&[])
            .streams("The events, as they come, to the run's end.", "^[0-9]+$"),
        Operation::get("/v1/runs/{run}/stream", "streamRun", "Streams a run in chosen modes")
            .about(
                "The modes are separated by commas: values, updates, tasks, checkpoints, messages, \
                 custom, debug.",
            )
            .query::<StreamQuery>(&[("mode", json!("values"))])
            .pattern("after", "^[0-9]+([.][0-9]+)?$")
            .streams("The chunks, as they come, to the run's end.", "^[0-9]+([.][0-9]+)?$"),
    ]
}

fn told() -> Vec<Operation> {
    vec![
        Operation::get("/v1/runs/{run}/receipt", "showReceipt", "Shows what a run used, by node")
            .gives(200, "The receipt.", Shape::resource::<Receipt>("Receipt", "receipt")),
        Operation::get("/v1/runs/{run}/report", "showReport", "Gives a page of a run for people")
            .about("Graph, timeline, state by super-step and mocks, in one file without scripts.")
            .gives_text("text/html", "The page.")
            .tagged(),
        Operation::get(
            "/v1/runs/{run}/logs",
            "listLogs",
            "Lists the lines that a run's plugins wrote, the oldest first",
        )
        .about(
            "The server keeps the newest 1,000 of a run for a while, and none over its own \
             restart.",
        )
        .query::<LogsQuery>(&[("limit", json!(20)), ("level", json!("info"))])
        .pattern("cursor", "^[0-9]{1,19}$")
        .pages("Lines.", Shape::resource::<LogLine>("LogLine", "log_line")),
    ]
}

fn recorded() -> Vec<Operation> {
    vec![
        Operation::post("/v1/runs/{run}/replay", "replayRun", "Makes a recorded run once more")
            .about("Every call is answered from its record. Nothing is written or sent.")
            .json_or_nothing::<ReplayBody>(json!({}))
            .gives(200, "The first difference, where there is one.", Shape::of::<ReplayReport>()),
        Operation::get("/v1/runs/{run}/cassette", "showCassette", "Gives a run's recorded answers")
            .gives_lines("One answer a line.")
            .refuses(&[&codes::UNACCEPTABLE]),
    ]
}
