//! The server itself: whether it lives, what it is, how it is described; and what is used of it.

use serde_json::json;

use super::Operation;
use crate::codes;
use crate::health::Health;
use crate::log_level::{LogLevel, LogLevelBody};
use crate::openapi::shape::Shape;
use crate::system::System;
use crate::usage::{ShownUsage, UsageQuery};

/// A day in UTC.
const DAY: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = open();
    all.extend(shown());
    all
}

fn open() -> Vec<Operation> {
    let health = || Shape::of::<Health>();
    vec![
        Operation::get("/healthz", "checkHealth", "Whether the process lives").gives(
            200,
            "It does.",
            health(),
        ),
        Operation::get("/readyz", "checkReadiness", "Whether the server takes work")
            .gives(200, "It does.", health())
            .refuses(&[&codes::BUSY]),
        Operation::get("/metrics", "showMetrics", "Figures in the text format of Prometheus")
            .gives_text("text/plain", "The figures."),
        Operation::get("/openapi.json", "showDocument", "This document").gives(
            200,
            "OpenAPI 3.1.",
            Shape::anything(),
        ),
        Operation::get("/docs", "browseDocument", "This document as a page")
            .gives_text("text/html", "The page, which asks nobody but this server."),
        Operation::get("/docs/docs.js", "showDocsScript", "The script of that page")
            .gives_text("text/javascript", "The script."),
        Operation::get("/docs/docs.css", "showDocsStyle", "The style of that page")
            .gives_text("text/css", "The style."),
    ]
}

fn shown() -> Vec<Operation> {
    let level = || Shape::resource::<LogLevel>("LogLevel", "log_level");
    vec![
        Operation::get("/v1/system", "showSystem", "What the server is, and who asks")
            .about("The role platform sees the server's figures too.")
            .gives(200, "The server.", Shape::of::<System>()),
        Operation::get("/v1/system/log-level", "showLogLevel", "What the server logs").gives(
            200,
            "What it logs now, what is configured, and when it goes back to that.",
            level(),
        ),
        Operation::put("/v1/system/log-level", "setLogLevel", "Changes what the server logs")
            .about("For a while or until further notice; an empty body goes back to what is configured.")
            .json::<LogLevelBody>(json!({ "level": "info", "for_s": 60 }))
            .gives(200, "What it logs from now on.", level()),
        Operation::get("/v1/usage", "showUsage", "What the tenant uses, beside what it may")
            .about("And what it used on days before, where since names the first of them.")
            .query::<UsageQuery>(&[("since", json!("2026-11-01"))])
            .pattern("since", DAY)
            .pattern("until", DAY)
            .gives(200, "Today's figures, the quotas, and those days.", Shape::of::<ShownUsage>()),
    ]
}
