//! The variable parts of paths: what fits them, and how the examples write them.

use serde_json::{Value, json};
use wforge_model::tenancy::PLATFORM;

/// A run in examples.
pub(super) const RUN: &str = "run_00000000000000000000000000000001";
/// A thread in examples.
pub(super) const THREAD: &str = "thread_00000000000000000000000000000001";
/// A component in examples.
pub(super) const COMPONENT: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000001";
/// A grant in examples.
pub(super) const GRANT: &str = "grant_00000000000000000000000000000001";
/// An API key in examples, by its id.
pub(super) const KEY: &str = "000000000001";
/// The id of the key in minisign's own manual.
pub(super) const SIGNER: &str = "E7620F1842B4E81F";
/// A question in examples.
pub(super) const QUESTION: &str = "ask_00000000000000000000000000000001";
/// A blob in examples.
pub(super) const BLOB: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000002";
/// What a webhook was told in examples.
pub(super) const DELIVERY: &str = "dlv_00000000000000000000000000000001";
/// The memory of the thread of the examples.
const SPACE: &str = "thread:thread_00000000000000000000000000000001";
/// The tenant of the platform's examples.
pub(super) const TENANT: &str = "acme";

/// What stands in braces in a path.
struct Part {
    name: &'static str,
    about: &'static str,
    pattern: &'static str,
    example: &'static str,
}

const NAME: &str = "^[a-z][a-z0-9-]{0,63}$";
const PARTS: &[Part] = &[
    Part { name: "run", about: "The id of a run.", pattern: "^run_[0-9a-f]{32}$", example: RUN },
    Part {
        name: "thread",
        about: "The id of a thread.",
        pattern: "^thread_[0-9a-f]{32}$",
        example: THREAD,
    },
    Part {
        name: "interrupt",
        about: "The id of what waits: a question, a run at a border, or a task whose subgraph \
                stands at one.",
        pattern: "^(ask|run|task)_[0-9a-f]{32}$",
        example: QUESTION,
    },
    Part {
        name: "blob",
        about: "The SHA-256 of a blob.",
        pattern: "^sha256:[0-9a-f]{64}$",
        example: BLOB,
    },
    Part {
        name: "space",
        about: "Whose memory: run:RUN, thread:THREAD or plugin:PUBLISHER/NAME.",
        pattern: "^(run:run_[0-9a-f]{32}|thread:thread_[0-9a-f]{32}|plugin:[^/]+/[^/]+)$",
        example: SPACE,
    },
    Part { name: "entry", about: "A key of a memory.", pattern: "^.+$", example: "greeted" },
    Part {
        name: "schedule",
        about: "The name of a schedule.",
        pattern: "^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        example: "nightly",
    },
    Part { name: "webhook", about: "The name of a webhook.", pattern: NAME, example: "ci" },
    Part {
        name: "delivery",
        about: "The id of what a webhook was told.",
        pattern: "^dlv_[0-9a-f]{32}$",
        example: DELIVERY,
    },
    Part {
        name: "hook",
        about: "The name of an inbound webhook; where it is posted to, its id.",
        pattern: "^[a-z][a-z0-9_-]{0,63}$",
        example: "orders",
    },
    Part {
        name: "expires",
        about: "When the URL ends, in seconds since 1970; 0: not by itself.",
        pattern: "^[0-9]+$",
        example: "0",
    },
    Part {
        name: "signature",
        about: "The signature of the URL.",
        pattern: "^[^/]+$",
        example: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    },
    Part {
        name: "digest",
        about: "The SHA-256 of a component.",
        pattern: "^sha256:[0-9a-f]{64}$",
        example: COMPONENT,
    },
    Part {
        name: "grant",
        about: "The id of a grant.",
        pattern: "^grant_[0-9a-f]{32}$",
        example: GRANT,
    },
    Part {
        name: "key",
        about: "The id of an API key, which is no secret.",
        pattern: "^[0-9a-f]{12}$",
        example: KEY,
    },
    Part {
        name: "signer",
        about: "The id or the name of a key that signs plugins.",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        example: SIGNER,
    },
    Part {
        name: "secret",
        about: "The name of a secret.",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        example: "weather-token",
    },
    Part {
        name: "subject",
        about: "Who a person is, as the identity provider calls them.",
        pattern: "^[^/]+$",
        example: "kim@example.com",
    },
    Part { name: "tenant", about: "The name of a tenant.", pattern: NAME, example: TENANT },
    Part {
        name: "publisher",
        about: "Who publishes the plugin.",
        pattern: NAME,
        example: "wforge",
    },
    Part {
        name: "name",
        about: "The name; of a plugin it may carry @version.",
        pattern: "^[^/]+$",
        example: "greet",
    },
];

/// The parameters of a path, with the example's own values for some.
pub(super) fn parameters(path: &str, own: &[(&str, &str)]) -> Vec<Value> {
    names(path).map(|name| parameter(name, own)).collect()
}

/// What stands in braces in that path.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(name: &str, own: &[(&str, &str)]) -> Value {
    let known = PARTS.iter().find(|part| part.name == name);
    let (about, pattern, usual) =
        known.map_or(("", "^[^/]+$", ""), |part| (part.about, part.pattern, part.example));
    let example = own.iter().find(|(of, _)| *of == name).map_or(usual, |(_, value)| value);
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": about,
        "schema": { "type": "string", "pattern": pattern },
        "example": example,
    })
}

/// Whether the document says something of that part.
#[cfg(test)]
pub(super) fn is_known(name: &str) -> bool {
    PARTS.iter().any(|part| part.name == name)
}

/// The way to another tenant's things that only the platform has.
pub(super) const OF_TENANT: &str = "/v1/tenants/{tenant}";

/// What the description of that part says beyond a name: some routes take the platform's own.
pub(super) fn about_platform(path: &str) -> Option<String> {
    let is_open = ["/trust/", "/audit"].iter().any(|part| path.contains(part));
    (path.starts_with(OF_TENANT) && is_open)
        .then(|| format!("The tenant may be `{PLATFORM}`: what belongs to no tenant."))
}
