//! Webhooks: those that tell what happens to runs, and those that are posted to.

use serde_json::{Value, json};

use super::Operation;
use crate::codes;
use crate::inbound::{Accepted, HookUrl, NewHook, ShownHook, UrlBody};
use crate::openapi::parts::DELIVERY;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::webhooks::{DeliveriesQuery, NewWebhook, ShownDelivery, ShownWebhook};

/// A receiver that nobody has.
const URL: &str = "https://hooks.example.invalid/wforge";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = outbound();
    all.extend(deliveries());
    all.extend(inbound());
    all.extend(posted());
    all
}

fn webhook() -> Shape {
    Shape::resource::<ShownWebhook>("Webhook", "webhook")
}

fn delivery() -> Shape {
    Shape::resource::<ShownDelivery>("Delivery", "delivery")
}

fn hook() -> Shape {
    Shape::resource::<ShownHook>("Hook", "hook")
}

fn outbound() -> Vec<Operation> {
    vec![
        Operation::get("/v1/webhooks", "listWebhooks", "Lists the webhooks, by name")
            .query::<PageQuery>(&[])
            .pages("Webhooks without their secrets.", webhook()),
        Operation::post("/v1/webhooks", "addWebhook", "Makes a webhook")
            .about("It is told of what happens to runs, signed by Standard Webhooks.")
            .json::<NewWebhook>(json!({
                "name": "ci", "url": URL, "events": ["run.completed", "run.failed"],
            }))
            .gives(201, "Its secret is in the answer, this once.", webhook())
            .refuses(&[&codes::QUOTA]),
        Operation::get("/v1/webhooks/{webhook}", "showWebhook", "Shows a webhook").gives(
            200,
            "The webhook without its secret.",
            webhook(),
        ),
        Operation::put("/v1/webhooks/{webhook}", "putWebhook", "Changes a webhook, or makes it")
            .about("What the body leaves out is as in a new one.")
            .json_of(
                Shape::optional::<NewWebhook>("WebhookPut", "name"),
                json!({
                    "url": URL, "events": ["run.failed", "interrupt.opened"], "workflow": "greet",
                    "labels": { "env": "prod" },
                }),
            )
            .gives(200, "It was changed; its secret is the same.", webhook())
            .gives(201, "It was made; its secret is in the answer, this once.", webhook())
            .refuses(&[&codes::QUOTA]),
        Operation::delete("/v1/webhooks/{webhook}", "removeWebhook", "Removes a webhook").gives(
            200,
            "It is gone with its secret and all that it was told.",
            webhook(),
        ),
        Operation::post("/v1/webhooks/{webhook}/rotate", "rotateWebhook", "Makes a new secret")
            .about("The old one signs beside it for a while.")
            .gives(200, "The new secret is in the answer, this once.", webhook()),
    ]
}

fn deliveries() -> Vec<Operation> {
    vec![
        Operation::post("/v1/webhooks/{webhook}/test", "testWebhook", "Sends a ping to a webhook")
            .gives(202, "It is sent; how it went is found at the delivery.", delivery())
            .known_as("/id", DELIVERY),
        Operation::get(
            "/v1/webhooks/{webhook}/deliveries",
            "listDeliveries",
            "Lists what a webhook is and was told, the newest first",
        )
        .query::<DeliveriesQuery>(&[("limit", json!(20))])
        .pattern("cursor", "^dlv_[0-9a-f]{32}$")
        .pages("Deliveries with their newest attempts.", delivery()),
        Operation::get(
            "/v1/webhooks/{webhook}/deliveries/{delivery}",
            "showDelivery",
            "Shows a delivery with its attempts",
        )
        .gives(200, "The delivery.", delivery()),
        Operation::post(
            "/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver",
            "redeliver",
            "Sends a delivery that has ended once more",
        )
        .about("Under its own id, by which receivers tell repeats.")
        .gives(202, "It is sent again.", delivery())
        // Nobody is there in the examples, so that it is still tried.
        .example_gives(409),
    ]
}

/// A run for each post, with a name out of its body.
fn starts() -> Value {
    json!({ "start": { "workflow": "greet", "input": { "name": "/customer/name" } } })
}

fn inbound() -> Vec<Operation> {
    vec![
        Operation::get("/v1/hooks", "listHooks", "Lists the inbound webhooks, by name")
            .query::<PageQuery>(&[])
            .pages("Inbound webhooks without their secrets.", hook()),
        Operation::post("/v1/hooks", "addHook", "Makes an inbound webhook")
            .about("It starts a run, or answers a question, whenever somebody posts to its URL.")
            .json::<NewHook>(json!({
                "name": "orders", "action": starts(), "verify": "standard",
            }))
            .gives(201, "A secret that was made for it is in the answer, this once.", hook())
            .refuses(&[&codes::QUOTA]),
        Operation::get("/v1/hooks/{hook}", "showHook", "Shows an inbound webhook").gives(
            200,
            "The inbound webhook without its secrets.",
            hook(),
        ),
        Operation::put("/v1/hooks/{hook}", "putHook", "Changes an inbound webhook, or makes it")
            .about("URLs of another workflow, run or question are good for nothing from then on.")
            .json_of(
                Shape::optional::<NewHook>("HookPut", "name"),
                json!({ "action": starts(), "verify": "none" }),
            )
            .gives(200, "The inbound webhook.", hook())
            .refuses(&[&codes::QUOTA]),
        Operation::delete("/v1/hooks/{hook}", "removeHook", "Removes an inbound webhook").gives(
            200,
            "It is gone, and its URLs are good for nothing.",
            hook(),
        ),
        Operation::post(
            "/v1/hooks/{hook}/rotate",
            "rotateHook",
            "Makes new secrets for an inbound webhook",
        )
        .gives(200, "All URLs of before are good for nothing.", hook()),
        Operation::post(
            "/v1/hooks/{hook}/url",
            "makeHookUrl",
            "Makes a URL to which somebody can post without a credential",
        )
        .json_or_nothing::<UrlBody>(json!({ "ttl_ms": 3_600_000 }))
        .gives(
            200,
            "Where to post. Whoever has it may.",
            Shape::resource::<HookUrl>("HookUrl", "hook_url"),
        ),
    ]
}

fn posted() -> Vec<Operation> {
    vec![
        Operation::post(
            "/in/{hook}/{expires}/{signature}",
            "postToHook",
            "Takes a post to the signed URL of an inbound webhook",
        )
        .about(
            "It starts a run or answers a question. What is not valid, and what comes too late, is \
             one and the same 404. What has the same webhook-id, x-github-delivery or \
             idempotency-key is done once.",
        )
        .tag("webhooks")
        .at("hook", "hook_00000000000000000000000000000001")
        .json_of(Shape::anything(), json!({ "customer": { "name": "Ada" } }))
        .gives(202, "It is done.", Shape::of::<Accepted>())
        .unplaced()
        .refuses(&[
            &codes::MALFORMED,
            &codes::NOT_FOUND,
            &codes::FAILURES,
            &codes::RATE,
            &codes::TENANT_BUSY,
            &codes::BUSY,
        ])
        // Its URL cannot be written down before it is made.
        .example_gives(404),
    ]
}
