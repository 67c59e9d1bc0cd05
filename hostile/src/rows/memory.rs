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

fn snoops(arena: &Arena) -> Result<Outcome> {
    let key = format!("key-{}", arena.number());
    let remember = json!([{ "do": "remember", "key": key, "scope": "plugin", "value": "theirs" }]);
    for (client, tenant) in [(&arena.acme, "acme"), (&arena.mallory, "mallory")] {
        let ran = arena.act_as(client, tenant, &remember, "")?;
        anyhow::ensure!(ran.deed(0).get("ok").is_some(), "it remembers nothing: {}", ran.run);
    }
    let keys = [
        key.clone(),
        format!("../wforge/hostile/{key}"),
        format!("wforge/hostile/{key}"),
        format!("/wforge/hostile\0{key}"),
        format!("\0{key}"),
        format!("../../acme/wforge/hostile/{key}"),
        format!("acme\0wforge/hostile\0{key}"),
        "../".to_owned(),
        "\u{ffff}".to_owned(),
    ];
    let recall = |key: &String| json!({ "do": "recall", "key": key, "scope": "plugin" });
    let deeds: Value = keys.iter().map(recall).collect();
    let ran = cast::act(arena, (&arena.mallory, "mallory"), SNOOP, &deeds)?;
    // The one of the same name sees its own tenant's under the plain key, and nothing else.
    let others: Value = keys.iter().skip(1).map(recall).collect();
    let own = arena.act(&others)?;
    anyhow::ensure!(ran.completed && own.completed, "{} {}", ran.run, own.run);
    if ran.result().to_string().contains("theirs") || own.result().to_string().contains("theirs") {
        return Outcome::through("another plugin's value was read");
    }
    Outcome::held(format!("{} keys lead nowhere", keys.len()))
}
