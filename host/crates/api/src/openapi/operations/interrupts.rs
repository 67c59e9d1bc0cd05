//! The inbox: what waits for people.

use serde_json::json;
use wforge_engine::InboxEntry;

use super::Operation;
use super::runs::waits;
use crate::interrupts::{AnswerBody, AssignBody, ListQuery};
use crate::openapi::parts::QUESTION;
use crate::openapi::shape::Shape;

pub(super) fn operations() -> Vec<Operation> {
    let interrupt = || Shape::resource::<InboxEntry>("Interrupt", "interrupt");
    vec![
        Operation::get("/v1/interrupts", "listInterrupts", "Lists what waits for people")
            .about("The oldest run first, or what is due first. What is shown fits all filters.")
            .query::<ListQuery>(&[("workflow", json!("greet")), ("kind", json!("question"))])
            .pattern("cursor", "^[0-9]+[.]run_[0-9a-f]{32}[.](ask|run|task)_[0-9a-f]{32}$")
            .pattern("run", "^run_[0-9a-f]{32}$")
            .pattern("thread", "^thread_[0-9a-f]{32}$")
            .pattern("older_than", "^[0-9]+(ms|s|m|h|d)$")
            .pages("The inbox.", interrupt())
            .known_as("/items/0/id", QUESTION),
        Operation::get("/v1/interrupts/{interrupt}", "showInterrupt", "Shows what waits")
            .about("As long as it waits.")
            .gives(200, "The question, or the pause.", interrupt()),
        waits(Operation::post(
            "/v1/interrupts/{interrupt}/answer",
            "answerInterrupt",
            "Answers one question",
        ))
        .about("Its run goes on.")
        .json::<AnswerBody>(json!({ "answer": "Hello" })),
        Operation::post(
            "/v1/interrupts/{interrupt}/assign",
            "assignInterrupt",
            "Puts a question to somebody",
        )
        .about("Null in the place of a name leaves it to whoever comes.")
        .json::<AssignBody>(json!({ "assignee": "kim@example.com", "note": "Please have a look." }))
        .gives(200, "The question with whose it is.", interrupt()),
    ]
}
