//! Whom a tenant trusts to sign plugins.

use serde_json::json;
use wforge_engine::PolicyShown;
use wforge_model::trust::TrustedKey;

use super::Operation;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::trust::{AddBody, PolicyBody, ReasonBody};

/// The key in minisign's own manual.
const PUBLIC: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

pub(super) fn operations() -> Vec<Operation> {
    let key = || Shape::resource::<TrustedKey>("TrustedKey", "trusted_key");
    let policy = || Shape::of::<PolicyShown>();
    vec![
        Operation::get("/v1/trust/keys", "listTrustedKeys", "Lists the keys that sign plugins")
            .query::<PageQuery>(&[])
            .pages("Keys, by id.", key()),
        Operation::post("/v1/trust/keys", "trustKey", "Trusts a key that signs plugins")
            .json::<AddBody>(json!({ "name": "manual", "public": PUBLIC, "note": "An example." }))
            .gives(201, "What it signs is let in.", key()),
        Operation::post("/v1/trust/keys/{signer}/revoke", "revokeTrustedKey", "Distrusts a key")
            .json_or_nothing::<ReasonBody>(json!({ "reason": "It was lost." }))
            .gives(200, "What it signed starts no new run; running ones wait.", key()),
        Operation::post("/v1/trust/keys/{signer}/restore", "restoreTrustedKey", "Trusts it again")
            .json_or_nothing::<ReasonBody>(json!({ "reason": "It was found." }))
            .gives(200, "The runs that waited go on.", key()),
        Operation::get("/v1/trust/policy", "showTrustPolicy", "What is asked of signatures").gives(
            200,
            "The policy.",
            policy(),
        ),
        Operation::post("/v1/trust/policy", "changeTrustPolicy", "Asks more or less of signatures")
            .about("What the body leaves out stays as it is; null takes a minimum away.")
            .json::<PolicyBody>(json!({
                "require_signed": false, "minimum": { "wforge/probe": "0.1.0" },
            }))
            .gives(200, "It holds from the next run on.", policy()),
    ]
}
