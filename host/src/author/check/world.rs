//! What a component says of itself: imports, schemas, size.

use wforge_model::limits::AdmissionLimits;
use wforge_model::manifest::AgentManifest;
use wforge_model::{Failure, Value};

use super::Check;
use super::sample::Sample;
use crate::author::stage::{Played, Stage};

/// The interface through which a need of that kind is used.
const INTERFACES: [(&str, &str); 7] = [
    ("ask", "human"),
    ("http", "http"),
    ("http.raw", "wasi:http/outgoing-handler"),
    ("kv", "kv"),
    ("llm", "llm"),
    ("secret", "secrets"),
    ("tool", "tools"),
];

/// That each need is one that the component can use. The other way round is a matter of admission.
pub(super) fn imports(stage: &Stage) -> Check {
    let (imports, needs) = (&stage.admitted.imports, stage.needs());
    let problems = needs.iter().filter_map(|need| {
        let (_, interface) = INTERFACES.iter().find(|(kind, _)| *kind == need.kind())?;
        let is_imported = imports.iter().any(|import| import == interface);
        (!is_imported).then(|| {
            format!(
                "it asks for {need} and does not import {interface}: take the need out of \
                 plugin.toml, or use it"
            )
        })
    });
    let reason = if imports.is_empty() {
        "it imports nothing that leads anywhere".to_owned()
    } else {
        format!("it imports {}, and its needs are {}", imports.join(", "), needs.len())
    };
    Check::of("world", reason, problems.collect())
}

/// That schemas are schemas, that they are those of the code, and that what it is called with and
/// answers fits them.
pub(super) async fn schemas(
    stage: &Stage,
    samples: &[Sample],
    seen: &[Played],
) -> anyhow::Result<Check> {
    let agents = &stage.admitted.manifest.agents;
    let mut problems: Vec<String> = agents.iter().flat_map(|agent| invalid(stage, agent)).collect();
    match stage.sandbox.describe(&stage.admitted).await? {
        Ok(Some(described)) => {
            problems.extend(agents.iter().flat_map(|agent| other_than_code(agent, &described)));
        }
        Ok(None) => {}
        Err(problem) => problems.push(problem),
    }
    let unmeant = samples.iter().zip(seen).filter(|(sample, _)| !sample.is_refused);
    let misfits = unmeant.filter_map(|(_, played)| match &played.outcome.result {
        Err(failure @ Failure::BadOutput(_)) => Some(failure.to_string()),
        Err(failure @ Failure::InvalidInput(problem)) if problem.code.ends_with("_schema") => {
            Some(failure.to_string())
        }
        _ => None,
    });
    problems.extend(misfits);
    let bare = agents.iter().filter(|agent| is_anything(&agent.input)).map(|agent| {
        format!("agent {} takes any input: a schema would have the host refuse others", agent.name)
    });
    let is_wrong = !problems.is_empty();
    let names: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
    let check = Check::of("schemas", format!("those of {}", names.join(", ")), problems);
    Ok(if is_wrong { check } else { check.with(bare.collect()) })
}

fn of(agent: &AgentManifest) -> [(&'static str, &Value); 3] {
    [("input", &agent.input), ("output", &agent.output), ("config", &agent.config)]
}

fn invalid(stage: &Stage, agent: &AgentManifest) -> Vec<String> {
    let wrong = of(agent).into_iter().filter_map(|(what, schema)| {
        let reason = stage.schemas().check_schema(schema).err()?;
        Some(format!("agent {}: its {what} schema cannot be used: {reason}", agent.name))
    });
    wrong.collect()
}

fn other_than_code(agent: &AgentManifest, described: &Value) -> Vec<String> {
    let known = |what: &str| {
        described.get("agents")?.get(&agent.name)?.get(what).filter(|schema| !schema.is_null())
    };
    let other = of(agent).into_iter().filter_map(|(what, schema)| {
        let in_code = known(what)?;
        (in_code != schema).then(|| {
            format!(
                "agent {}: its {what} schema in the manifest is another one than in the code: \
                 build it again",
                agent.name
            )
        })
    });
    other.collect()
}

fn is_anything(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(any) => *any,
        _ => false,
    }
}

/// How much of what a host takes.
pub(super) fn size(bytes: u64) -> Check {
    let max = AdmissionLimits::default().component_bytes_max;
    let percent = bytes.saturating_mul(100).checked_div(max).unwrap_or(0);
    Check::passed("size", format!("{bytes} bytes, {percent} % of what a host takes"))
}
