//! What the code knows of its agents, put into the manifest.
//!
//! A schema may stand in the code, in `plugin.toml`, or in both as the same JSON. Two that differ
//! are refused: nobody could say which of them is meant.

use std::path::Path;

use serde_json::Value;
use wforge_build::Plugin;
use wforge_model::manifest::AgentManifest;

use crate::cli::refusal::Refusal;

/// Puts it in.
pub(super) fn merge(plugin: &mut Plugin, known: &Value) -> Result<(), Refusal> {
    let file = plugin.file();
    if known.is_null() {
        // Its SDK tells nothing.
        return Ok(());
    }
    let agents = known.get("agents").and_then(Value::as_object).ok_or_else(|| {
        Refusal::user("bad_component", "the component describes itself in an unknown way")
            .help("build it with an SDK of the same release as this wforge")
    })?;
    same_agents(&file, plugin, agents.keys().map(String::as_str).collect())?;
    for agent in &mut plugin.manifest.agents {
        if let Some(said) = agents.get(&agent.name) {
            one(&file, agent, said)?;
        }
    }
    Ok(())
}

fn same_agents(file: &Path, plugin: &Plugin, mut code: Vec<&str>) -> Result<(), Refusal> {
    let mut manifest: Vec<&str> =
        plugin.manifest.agents.iter().map(|it| it.name.as_str()).collect();
    manifest.sort_unstable();
    code.sort_unstable();
    if code == manifest {
        return Ok(());
    }
    let (file, code, manifest) = (file.display(), code.join(", "), manifest.join(", "));
    let message = format!("{file}: the code has the agents [{code}], plugin.toml has [{manifest}]");
    Err(Refusal::user("agents_differ", message).help("make them the same"))
}

fn one(file: &Path, agent: &mut AgentManifest, said: &Value) -> Result<(), Refusal> {
    let name = agent.name.clone();
    let fields =
        [("input", &mut agent.input), ("output", &mut agent.output), ("config", &mut agent.config)];
    for (field, written) in fields {
        let Some(code) = said.get(field).filter(|schema| !schema.is_null()) else { continue };
        check(file, (&name, field), code)?;
        if says_nothing(written) {
            *written = code.clone();
        } else if written != code {
            return Err(differs(file, (&name, field), written, code));
        }
    }
    if let (None, Some(text)) =
        (&agent.description, said.get("description").and_then(Value::as_str))
    {
        agent.description = Some(text.to_owned());
    }
    Ok(())
}

/// Whether it is the schema of an agent of which `plugin.toml` says nothing.
fn says_nothing(schema: &Value) -> bool {
    schema.as_object().is_some_and(serde_json::Map::is_empty)
}

/// What an installation would refuse is refused here, where the author sees it.
fn check(file: &Path, (agent, field): (&str, &str), schema: &Value) -> Result<(), Refusal> {
    wforge_spec::Schemas::new().check_schema(schema).map_err(|problem| {
        let file = file.display();
        let place = format!("{file}: agent \"{agent}\", {field} schema in the code");
        Refusal::user("bad_schema", format!("{place}: {problem}"))
    })
}

fn differs(file: &Path, (agent, field): (&str, &str), written: &Value, code: &Value) -> Refusal {
    let place = first_difference(written, code, String::new());
    let at = |schema: &Value| {
        schema.pointer(&place).map_or_else(|| "nothing".to_owned(), Value::to_string)
    };
    let shown = if place.is_empty() { "/" } else { &place };
    let message = format!(
        "{}: agent \"{agent}\": its {field} schema in plugin.toml is not the one in the code",
        file.display()
    );
    Refusal::user("schemas_differ", message)
        .details([
            format!("plugin.toml has {} at {shown}", at(written)),
            format!("the code has {} at {shown}", at(code)),
        ])
        .help(format!("take {field} out of plugin.toml, or change one of them"))
}

/// The pointer to the first place where two schemas differ.
fn first_difference(left: &Value, right: &Value, at: String) -> String {
    let (Value::Object(ours), Value::Object(theirs)) = (left, right) else { return at };
    let names = ours.keys().chain(theirs.keys());
    let inner = names.map(|name| (name, ours.get(name), theirs.get(name)));
    let Some((name, left, right)) = inner.into_iter().find(|(_, left, right)| left != right) else {
        return at;
    };
    let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (left, right) {
        (Some(left), Some(right)) => first_difference(left, right, at),
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plugin(agents: &str) -> (tempfile::TempDir, Plugin) {
        let folder = tempfile::tempdir().unwrap();
        let head = "name = \"me/x\"\nversion = \"0.1.0\"\nbuild.language = \"rust\"\n";
        fs_err::write(folder.path().join("plugin.toml"), format!("{head}{agents}")).unwrap();
        let plugin = Plugin::read(folder.path()).unwrap();
        (folder, plugin)
    }

    #[test]
    fn what_the_code_knows_fills_what_plugin_toml_leaves_open() {
        let (_folder, mut plugin) = plugin("[[agents]]\ndescription = \"Mine.\"\n");
        let known = json!({ "agents": { "main": {
            "description": "The code's.", "input": { "type": "object" }, "config": null } } });
        merge(&mut plugin, &known).unwrap();
        let once = plugin.manifest.clone();
        let agent = once.agents.first().unwrap();
        assert_eq!(agent.input, json!({ "type": "object" }));
        assert_eq!((&agent.output, &agent.config), (&json!({}), &json!({})));
        assert_eq!(agent.description.as_deref(), Some("Mine."));
        merge(&mut plugin, &known).unwrap();
        assert_eq!(plugin.manifest, once, "a second time there is nothing to change");
    }

    #[test]
    fn two_schemas_that_differ_are_refused_with_the_place() {
        let (_folder, mut plugin) =
            plugin("[[agents]]\ninput = { properties = { n = { type = \"integer\" } } }\n");
        let input = json!({ "properties": { "n": { "type": "string" } } });
        let refusal = merge(&mut plugin, &json!({ "agents": { "main": { "input": input } } }));
        let refusal = refusal.unwrap_err();
        assert_eq!(refusal.code, "schemas_differ");
        let expected = [
            "plugin.toml has \"integer\" at /properties/n/type",
            "the code has \"string\" at /properties/n/type",
        ];
        assert_eq!(refusal.details, expected);
    }

    #[test]
    fn agents_and_schemas_must_be_there_and_be_good() {
        let (_folder, mut plugin) = plugin("[[agents]]\n");
        let other = json!({ "agents": { "other": {} } });
        assert_eq!(merge(&mut plugin, &other).unwrap_err().code, "agents_differ");
        let bad = json!({ "agents": { "main": { "output": { "type": "texxt" } } } });
        assert_eq!(merge(&mut plugin, &bad).unwrap_err().code, "bad_schema");
        assert_eq!(merge(&mut plugin, &json!({})).unwrap_err().code, "bad_component");
    }
}
