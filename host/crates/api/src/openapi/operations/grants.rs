//! Grants: what plugins may do.

use serde_json::json;
use wforge_engine::Explained;

use super::Operation;
use crate::codes;
use crate::grants::{DecisionBody, ExplainQuery, ListQuery, RequestBody, ShownGrant};
use crate::openapi::parts::GRANT;
use crate::openapi::shape::Shape;

fn grant() -> Shape {
    Shape::resource::<ShownGrant>("Grant", "grant")
}

pub(super) fn operations() -> Vec<Operation> {
    let decides = |operation: Operation, reason: &str| {
        operation.json_or_nothing::<DecisionBody>(json!({ "reason": reason }))
    };
    vec![
        Operation::get("/v1/grants", "listGrants", "Lists what plugins were or may be granted")
            .query::<ListQuery>(&[("standing", json!("requested"))])
            .pages("Grants, by id.", grant()),
        Operation::post("/v1/grants", "requestGrant", "Asks for a grant")
            .about("The same twice is one. Only what the plugin's manifest needs can be asked for.")
            .json::<RequestBody>(json!({
                "plugin": "wforge/probe", "capability": "ask", "reason": "It asks before it acts.",
            }))
            .gives(201, "It waits for an admin.", grant())
            .refuses(&[&codes::NOT_FOUND])
            .known_as("/id", GRANT),
        Operation::get(
            "/v1/grants/explain",
            "explainGrant",
            "Why a plugin may do something or not",
        )
        .query::<ExplainQuery>(&[("plugin", json!("wforge/probe")), ("capability", json!("ask"))])
        .gives(200, "What was found, in the order in which it counts.", Shape::of::<Explained>())
        .refuses(&[&codes::NOT_FOUND, &codes::UNACCEPTABLE]),
        decides(
            Operation::post("/v1/grants/{grant}/deny", "denyGrant", "Refuses a grant"),
            "Nobody is there to answer.",
        )
        .gives(200, "It is refused.", grant()),
        decides(
            Operation::post("/v1/grants/{grant}/approve", "approveGrant", "Gives a grant"),
            "Reviewed.",
        )
        .gives(200, "It holds from the next host call on.", grant()),
        decides(
            Operation::post("/v1/grants/{grant}/revoke", "revokeGrant", "Takes a grant back"),
            "No longer needed.",
        )
        .gives(200, "It is refused from the next host call on.", grant()),
    ]
}
