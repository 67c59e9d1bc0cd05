//! Schedules: runs that the clock starts.

use serde_json::{Value, json};

use super::Operation;
use super::runs::{START, waits};
use crate::codes;
use crate::openapi::parts::{QUESTION, RUN};
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::schedules::{CreateBody, NextQuery, PreviewBody, ShownSchedule, ShownTimes};
use crate::steering::NoBody;

fn schedule() -> Shape {
    Shape::resource::<ShownSchedule>("Schedule", "schedule")
}

fn times() -> Shape {
    Shape::resource::<ShownTimes>("ScheduleTimes", "schedule_times")
}

/// What it does at which times; without its name.
fn nightly() -> Value {
    json!({
        "workflow": "greet", "input": { "name": "Ada" }, "cron": "30 2 * * *",
        "zone": "Europe/Berlin", "overlap": "skip",
    })
}

fn named_nightly() -> Value {
    let mut body = json!({ "name": "nightly" });
    if let (Some(all), Some(more)) = (body.as_object_mut(), nightly().as_object_mut()) {
        all.append(more);
    }
    body
}

pub(super) fn operations() -> Vec<Operation> {
    let mut all = kept();
    all.extend(steered());
    all.extend(foreseen());
    all
}

fn kept() -> Vec<Operation> {
    vec![
        Operation::get("/v1/schedules", "listSchedules", "Lists the schedules, by name")
            .query::<PageQuery>(&[("limit", json!(20))])
            .pages("Schedules, with what came of them and what they do next.", schedule()),
        Operation::post("/v1/schedules", "createSchedule", "Makes a schedule")
            .about("It runs a registered workflow at the times of a cron expression in a zone.")
            .json::<CreateBody>(named_nightly())
            .gives(201, "It starts its first run when it is due.", schedule())
            .refuses(&[&codes::NOT_FOUND, &codes::QUOTA]),
        Operation::get("/v1/schedules/{schedule}", "showSchedule", "Shows a schedule").gives(
            200,
            "What it does, what came of it, and what it does next.",
            schedule(),
        ),
        Operation::put(
            "/v1/schedules/{schedule}",
            "putSchedule",
            "Makes a schedule, or has it do something else from now on",
        )
        .about("The name may be left out of the body, for the path has it.")
        .json_of(Shape::optional::<CreateBody>("SchedulePut", "name"), nightly())
        .gives(200, "The schedule as it is from now on.", schedule())
        .refuses(&[&codes::QUOTA]),
        Operation::delete("/v1/schedules/{schedule}", "removeSchedule", "Removes a schedule")
            .gives(200, "It is gone; runs that it started go on.", schedule()),
    ]
}

fn steered() -> Vec<Operation> {
    vec![
        Operation::post(
            "/v1/schedules/{schedule}/pause",
            "pauseSchedule",
            "Has a schedule start nothing until it is continued",
        )
        .gives(200, "It is paused.", schedule()),
        Operation::post(
            "/v1/schedules/{schedule}/continue",
            "continueSchedule",
            "Has a schedule start runs again",
        )
        .gives(200, "It goes on with its next time.", schedule()),
        waits(
            Operation::post(
                "/v1/schedules/{schedule}/trigger",
                "triggerSchedule",
                "Starts a run of a schedule now",
            )
            .keyed(),
        )
        .about("Paused or not; its times stay as they are.")
        .json_or_nothing::<NoBody>(json!({}))
        .refuses(&START)
        .known_as("/id", RUN)
        .known_as("/questions/0/id", QUESTION),
    ]
}

fn foreseen() -> Vec<Operation> {
    vec![
        Operation::get(
            "/v1/schedules/{schedule}/next",
            "showScheduleTimes",
            "Shows the next times of a schedule, paused or not",
        )
        .query::<NextQuery>(&[("count", json!(3))])
        .gives(200, "The times.", times()),
        Operation::post(
            "/v1/schedules/preview",
            "previewSchedule",
            "Shows the next times of an expression that no schedule has yet",
        )
        .json::<PreviewBody>(json!({ "cron": "30 2 * * 1-5", "zone": "Europe/Berlin", "count": 3 }))
        .gives(200, "The times.", times()),
    ]
}
