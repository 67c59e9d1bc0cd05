//! Tenants: the platform's alone.

use serde_json::json;
use wforge_model::tenancy::AskedQuotas;

use super::Operation;
use crate::openapi::parts::TENANT;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::tenants::{CreateBody, EraseBody, PluginsBody, ShownTenant};

fn tenant() -> Shape {
    Shape::resource::<ShownTenant>("Tenant", "tenant")
}

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![
        Operation::get("/v1/tenants", "listTenants", "Lists the tenants, by name")
            .query::<PageQuery>(&[])
            .pages("Tenants.", tenant()),
        Operation::post("/v1/tenants", "createTenant", "Makes a tenant")
            .json::<CreateBody>(json!({ "id": TENANT, "quotas": { "runs_live_max": 100 } }))
            .gives(201, "It has no key yet.", tenant()),
        Operation::get("/v1/tenants/{tenant}", "showTenant", "Shows a tenant").gives(
            200,
            "The tenant.",
            tenant(),
        ),
    ];
    all.extend(changed());
    all
}

fn changed() -> Vec<Operation> {
    vec![
        Operation::post("/v1/tenants/{tenant}/suspend", "suspendTenant", "Suspends a tenant")
            .gives(200, "Its credentials are refused and its runs stand still.", tenant()),
        Operation::post("/v1/tenants/{tenant}/resume", "resumeTenant", "Lets a tenant go on")
            .gives(200, "Its runs go on.", tenant()),
        Operation::post("/v1/tenants/{tenant}/quotas", "setQuotas", "Says what a tenant may use")
            .about("The body says all that is other than for everybody.")
            .json::<AskedQuotas>(json!({ "runs_live_max": 200 }))
            .gives(200, "The tenant.", tenant()),
        Operation::post(
            "/v1/tenants/{tenant}/plugins",
            "offerPlugins",
            "Says which of the platform's plugins a tenant may use",
        )
        .json::<PluginsBody>(json!({ "plugins": ["wforge/probe"] }))
        .gives(200, "The tenant.", tenant()),
        Operation::post("/v1/tenants/{tenant}/erase", "eraseTenant", "Erases a tenant")
            .about("The body says the name once more.")
            .json::<EraseBody>(json!({ "confirm": TENANT }))
            .gives(200, "Nothing is left of it.", tenant()),
    ]
}
