//! Row 30: what others remember.

use anyhow::Result;
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::cast;
use crate::fixture::{Control, Fixture, Outcome, Trace};

pub(super) const FIXTURES: &[Fixture] = &[Fixture {
    row: 30,
    attack: "keys of another plugin and another tenant",
    defence: "a memory of its own for each",
    settings: &[],
    make: snoops,
    control: Control::Without("memory"),
    trace: Trace::Inert("the keys lead to its own memory"),
}];

/// Another plugin of the attacker's.
pub(super) const SNOOP: (&str, &[&str]) = (
    "wforge/snoop",
    &["http:GET@http://127.0.0.2:8080/", "kv:plugin", "ask", "tool:none", "llm:mock"],
);

/// What a neighbour remembers, and another plugin of the attacker's own tenant.
const OF_ACME: &str = "of a neighbour";
const OF_ANOTHER: &str = "of another plugin";

fn snoops(arena: &Arena) -> Result<Outcome> {
    let key = format!("key-{}", arena.number());
    let owners = [(&arena.acme, "acme", OF_ACME), (&arena.mallory, "mallory", OF_ANOTHER)];
    for (client, tenant, value) in owners {
        let deed = json!({ "do": "remember", "key": key, "scope": "plugin", "value": value });
        let ran = arena.act_as(client, tenant, &json!([deed]), "")?;
        anyhow::ensure!(ran.deed(0).get("ok").is_some(), "it remembers nothing: {}", ran.run);
    }
    let deeds = snooping(&key);
    let other = cast::act(arena, (&arena.mallory, "mallory"), SNOOP, &json!(deeds))?;
    // The plugin that the neighbour has as well sees what its own tenant had it remember.
    let same = arena.act(&json!(deeds.get(1..)))?;
    anyhow::ensure!(other.completed && same.completed, "{} {}", other.run, same.run);
    let (other, same) = (other.result().to_string(), same.result().to_string());
    if other.contains(OF_ANOTHER) || other.contains(OF_ACME) {
        return Outcome::through("another plugin's value was read");
    }
    if same.contains(OF_ACME) {
        return Outcome::through("a neighbour's value was read");
    }
    anyhow::ensure!(same.contains(OF_ANOTHER), "it does not even see its own: {same}");
    Outcome::held(format!("{} ways to read it lead nowhere", deeds.len()))
}

/// Ways to ask for a key that somebody else has.
fn snooping(key: &str) -> Vec<Value> {
    let recalls = [
        key.to_owned(),
        format!("../wforge/hostile/{key}"),
        format!("wforge/hostile/{key}"),
        format!("/wforge/hostile\0{key}"),
        format!("\0{key}"),
        format!("../../acme/wforge/hostile/{key}"),
        format!("acme\0wforge/hostile\0{key}"),
    ];
    let recalls = recalls.map(|key| json!({ "do": "recall", "key": key, "scope": "plugin" }));
    // A page that begins where another's keys would stand: the cursor is base64 of "acme".
    let lists =
        [(key, None), ("../", None), ("\0", None), ("\u{ffff}", None), ("key-", Some("YWNtZQ"))];
    let lists = lists.map(|(prefix, cursor)| {
        json!({ "do": "list", "prefix": prefix, "scope": "plugin", "cursor": cursor })
    });
    recalls.into_iter().chain(lists).collect()
}
