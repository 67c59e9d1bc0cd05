//! Secrets. No operation gives a value back.

use serde_json::json;

use super::Operation;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::secrets::{PutBody, ShownSecret};

pub(super) fn operations() -> Vec<Operation> {
    let secret = || Shape::resource::<ShownSecret>("Secret", "secret");
    vec![
        Operation::get("/v1/secrets", "listSecrets", "Lists the secrets without their values")
            .query::<PageQuery>(&[])
            .pages("Secrets, by name.", secret()),
        Operation::put(
            "/v1/secrets/{secret}",
            "putSecret",
            "Sets a secret, or a new version of it",
        )
        .json::<PutBody>(json!({
            "value": "an-example-value", "hosts": ["api.example.com"],
        }))
        .gives(200, "The secret without its value.", secret()),
        Operation::delete("/v1/secrets/{secret}", "removeSecret", "Removes a secret").gives(
            200,
            "All of its values are gone.",
            secret(),
        ),
    ]
}
