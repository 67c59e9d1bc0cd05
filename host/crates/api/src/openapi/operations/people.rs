//! API keys, people, and the tokens that are taken back.

use serde_json::json;
use wforge_model::tenancy::Member;

use super::Operation;
use crate::keys::{AddBody, RotateBody, ShownKey};
use crate::members::PutBody;
use crate::openapi::parts::KEY;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::tenants::Revoked;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = keys();
    all.extend(members());
    all
}

fn keys() -> Vec<Operation> {
    let key = || Shape::resource::<ShownKey>("ApiKey", "key");
    vec![
        Operation::get("/v1/keys", "listKeys", "Lists the API keys")
            .query::<PageQuery>(&[])
            .pages("Keys by their ids, without the keys themselves.", key()),
        Operation::post("/v1/keys", "addKey", "Makes an API key")
            .json::<AddBody>(json!({
                "name": "ci", "role": "operator", "scopes": ["runs:write"], "holder": "service",
            }))
            .gives(201, "The key is in the answer, this once.", key())
            .known_as("/id", KEY),
        Operation::post("/v1/keys/{key}/rotate", "rotateKey", "Puts a new key in place of one")
            .about("The old one is still known for a while.")
            .json_or_nothing::<RotateBody>(json!({ "overlap_ms": 60_000 }))
            .gives(201, "The new key is in the answer, this once.", key()),
        Operation::post("/v1/keys/{key}/revoke", "revokeKey", "Takes a key back").gives(
            200,
            "It is unknown at once.",
            key(),
        ),
    ]
}

fn members() -> Vec<Operation> {
    let member = || Shape::resource::<Member>("Member", "member");
    vec![
        Operation::get("/v1/members", "listMembers", "Lists the people of the tenant")
            .query::<PageQuery>(&[])
            .pages("People, by subject.", member()),
        Operation::post("/v1/members", "putMember", "Adds a person, or changes what they may do")
            .json::<PutBody>(json!({ "subject": "kim@example.com", "role": "viewer" }))
            .gives(200, "The person.", member()),
        Operation::post("/v1/members/{subject}/remove", "removeMember", "Removes a person")
            .about("Tokens in which the issuer says the role itself are taken back apart.")
            .gives(200, "Their tokens are refused at once.", member()),
        Operation::post(
            "/v1/tokens/revoke",
            "revokeTokens",
            "Takes every token of the tenant back",
        )
        .gives(200, "Since when tokens must be issued.", Shape::of::<Revoked>()),
    ]
}
