//! How routes refuse. Many refuse alike, so each way stands once among the components, by the name
//! of its codes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::parts::OF_TENANT;
use super::render::header;
use crate::codes::{self, Code};
use crate::routes::{Access, Route};

const PROBLEM: &str = "application/problem+json";

/// What can be refused on every route, before anybody looks at what is asked.
const EVERYWHERE: [&Code; 4] =
    [&codes::ORIGIN, &codes::WRONG_HOST, &codes::HEADERS, &codes::INTERNAL];
/// What besides on those that ask who it is.
const GUARDED: [&Code; 9] = [
    &codes::MALFORMED,
    &codes::UNAUTHENTICATED,
    &codes::FORBIDDEN,
    &codes::SUSPENDED,
    &codes::TENANT_BUSY,
    &codes::RATE,
    &codes::FAILURES,
    &codes::BUSY,
    &codes::TIMEOUT,
];

/// The codes that one status of a route may carry, by their ids.
#[derive(Debug, Default)]
pub(super) struct Refusal(BTreeMap<&'static str, &'static Code>);

/// How a route refuses, by status.
pub(super) fn of(operation: &Operation, route: &Route) -> BTreeMap<u16, Refusal> {
    let mut all: Vec<&'static Code> = EVERYWHERE.to_vec();
    if route.access != Access::Open {
        all.extend(GUARDED);
        if route.path.contains('{') {
            all.push(&codes::NOT_FOUND);
        }
    }
    // What only the platform does for another tenant may find no such tenant.
    if route.path.starts_with(OF_TENANT) {
        all.push(&codes::NOT_FOUND);
    }
    // Somebody else may change the same thing at the same moment.
    if route.method != "GET" {
        all.push(&codes::CONFLICT);
    }
    all.extend(&operation.codes);
    let mut by_status = BTreeMap::<u16, Refusal>::new();
    for code in all {
        by_status.entry(code.status.as_u16()).or_default().0.insert(code.id, code);
    }
    by_status
}

impl Refusal {
    /// What it is called among the components.
    pub(super) fn name(&self) -> String {
        self.ids().join("-")
    }

    /// What an operation says in its place.
    pub(super) fn reference(&self) -> Value {
        json!({ "$ref": format!("#/components/responses/{}", self.name()) })
    }

    /// What it is.
    pub(super) fn response(&self) -> Value {
        let said: Vec<String> =
            self.0.values().map(|code| format!("{}: {}", code.id, code.title)).collect();
        json!({
            "description": said.join("; "),
            "headers": self.headers(),
            "content": { PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } } },
            "x-wforge-codes": self.ids(),
        })
    }

    fn ids(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    fn has(&self, statuses: &[u16]) -> bool {
        self.0.values().any(|code| statuses.contains(&code.status.as_u16()))
    }

    fn headers(&self) -> Map<String, Value> {
        let mut headers = Map::new();
        headers.insert("x-request-id".into(), header("The id of the request, as the log has it."));
        if self.has(&[409, 429, 503]) {
            let about = "When to come back, in seconds, where that is known.";
            let schema = json!({ "type": "integer", "minimum": 1 });
            headers.insert("Retry-After".into(), json!({ "description": about, "schema": schema }));
        }
        if self.has(&[401]) {
            headers.insert("WWW-Authenticate".into(), header("Bearer."));
        }
        headers
    }
}
