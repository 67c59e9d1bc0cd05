//! Threads.

use serde_json::json;
use wforge_engine::{CheckpointView, Migrated, ThreadView};

use super::Operation;
use super::runs::{START, waits};
use crate::codes;
use crate::events::AfterInThreadQuery;
use crate::openapi::parts::RUN;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::thread_changes::{MadeThere, PrunedThread};
use crate::thread_request::{CopyBody, MigrateBody, PruneBody, ReplayBody, UpdateBody};
use crate::threads::Listed;

/// A checkpoint in examples.
const CHECKPOINT: &str = "run_00000000000000000000000000000002@1";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = shown();
    all.extend(written());
    all.extend(brought_on());
    all
}

fn made() -> Shape {
    Shape::resource::<MadeThere>("NewCheckpoint", "checkpoint")
}

fn shown() -> Vec<Operation> {
    vec![
        Operation::get("/v1/threads", "listThreads", "Lists the threads, by id")
            .query::<PageQuery>(&[])
            .pattern("cursor", "^thread_[0-9a-f]{32}$")
            .pages(
                "Threads without their state.",
                Shape::resource::<Listed>("ThreadRow", "thread"),
            ),
        Operation::get("/v1/threads/{thread}", "showThread", "Shows a thread with its state")
            .gives(200, "The thread.", Shape::resource::<ThreadView>("Thread", "thread")),
        Operation::get(
            "/v1/threads/{thread}/history",
            "showHistory",
            "Lists the checkpoints of a thread, the newest first",
        )
        .query::<PageQuery>(&[("limit", json!(20))])
        .pattern("cursor", "^run_[0-9a-f]{32}@[0-9]+$")
        .pages(
            "Checkpoints with the state there.",
            Shape::resource::<CheckpointView>("ThreadCheckpoint", "checkpoint"),
        ),
        Operation::get(
            "/v1/threads/{thread}/events",
            "streamThread",
            "Streams the events of a thread's runs",
        )
        .about(
            "All runs in the order in which they began, then the next ones, until the client \
             leaves. Events are as in the stream of a run; their ids have the run before the \
             number.",
        )
        .query::<AfterInThreadQuery>(&[])
        .pattern("after", "^run_[0-9a-f]{32}@[0-9]+$")
        .streams_on("The events, as they come.", "^run_[0-9a-f]{32}@[0-9]+$")
        // The stream of a thread that there is would not end.
        .at("thread", "thread_ffffffffffffffffffffffffffffffff")
        .example_gives(404),
    ]
}

fn written() -> Vec<Operation> {
    vec![
        Operation::post("/v1/threads/{thread}/state", "updateThread", "Writes a thread's state")
            .about("In the place of nodes, of the input (START) or of nobody (END).")
            .keyed()
            .json::<UpdateBody>(json!({ "writes": { "name": "Grace" }, "as": "START" }))
            .gives(201, "The checkpoint that it made.", made())
            .refuses(&START)
            .known_as("/id", CHECKPOINT),
        Operation::post("/v1/threads/{thread}/fork", "forkThread", "Goes back to a checkpoint")
            .about("It is the newest again, with what is written there or as it is.")
            .keyed()
            .json::<UpdateBody>(json!({ "at": CHECKPOINT }))
            .gives(201, "The checkpoint that it made.", made())
            .refuses(&START),
        Operation::post("/v1/threads/{thread}/copy", "copyThread", "Copies a thread")
            .about("To the thread that the body names, or to a new one.")
            .json_or_nothing::<CopyBody>(json!({}))
            .gives(201, "The first checkpoint of the copy.", made())
            .refuses(&[&codes::THREAD_BUSY, &codes::QUOTA]),
        Operation::post("/v1/threads/{thread}/prune", "pruneThread", "Tidies a thread up")
            .about("The newest checkpoints are kept; without a body the newest alone.")
            .json_or_nothing::<PruneBody>(json!({ "keep": 2 }))
            .gives(
                200,
                "What is kept and what went.",
                Shape::resource::<PrunedThread>("PrunedCheckpoints", "pruned"),
            )
            .refuses(&[&codes::THREAD_BUSY]),
    ]
}

fn brought_on() -> Vec<Operation> {
    vec![
        waits(
            Operation::post(
                "/v1/threads/{thread}/replay",
                "replayThread",
                "Runs what is still to be done at a checkpoint",
            )
            .keyed(),
        )
        .json_or_nothing::<ReplayBody>(json!({}))
        .refuses(&START)
        .known_as("/id", RUN),
        Operation::post(
            "/v1/threads/{thread}/migrate",
            "migrateThread",
            "Brings a thread to another version of its workflow",
        )
        .about("Or says what that would do.")
        .keyed()
        .json::<MigrateBody>(json!({ "to": { "name": "greet" }, "dry_run": true }))
        .gives(
            200,
            "What it did, or would do.",
            Shape::resource::<Migrated>("Migration", "migration"),
        )
        .refuses(&START),
    ]
}
