//! The server itself: whether it lives, what it is, how it is described; and what is used of it.

use wforge_engine::TenantUsage;

use super::Operation;
use crate::codes;
use crate::health::Health;
use crate::openapi::shape::Shape;
use crate::system::System;

pub(super) fn operations() -> Vec<Operation> {
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
        Operation::get("/v1/system", "showSystem", "What the server is, and who asks")
            .about("The role platform sees the server's figures too.")
            .gives(200, "The server.", Shape::of::<System>()),
        Operation::get("/v1/usage", "showUsage", "What the tenant uses, beside what it may").gives(
            200,
            "Today's figures and the quotas.",
            Shape::of::<TenantUsage>(),
        ),
    ]
}
