//! How a component is called to be looked at: as its cases say, and where an agent has none, with
//! an input that is built from its schema in a world that is made up.

use wforge_effects::llm::CassetteEntry;
use wforge_model::manifest::AgentManifest;
use wforge_model::{Failure, FailureKind};
use wforge_spec::suite::{Expect, Script};

use crate::author::sandbox::Call;
use crate::author::script::Extras;
use crate::author::stage::{Played, Stage, World};
use crate::author::suite::{CaseFile, call_of};
use crate::cli::refusal::Refusal;

/// Cases that are looked at, so that a plugin with thousands is checked in minutes.
const SAMPLES_MAX: usize = 64;
/// The codes with which the sandbox ends a call that takes too much.
const OVER_LIMIT: [&str; 9] = [
    "cpu_limit",
    "memory_limit",
    "table_limit",
    "instance_limit",
    "handles",
    "host_call_bytes",
    "output_too_large",
    "tenant_memory",
    "timers",
];

/// A call and its world.
#[derive(Debug)]
pub(super) struct Sample {
    /// How it is named in reports.
    pub(super) name: String,
    pub(super) agent: AgentManifest,
    pub(super) call: Call,
    /// Whether its case expects that the schemas refuse it.
    pub(super) is_refused: bool,
    script: Script,
    cassette: Vec<CassetteEntry>,
    extras: Extras,
}

impl Sample {
    pub(super) fn world(&self) -> World<'_> {
        World { script: self.script.clone(), cassette: &self.cassette, extras: self.extras }
    }
}

/// The samples of a component, at least one of each agent.
pub(super) fn samples(stage: &Stage, cases: &[CaseFile]) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for file in cases {
        for case in &file.suite.cases {
            let Some(agent) = stage.agent(case.agent.as_deref()) else { continue };
            let cassette = file.cassette(case);
            let cassette = cassette.map_err(|problem| Refusal::user("bad_cassette", problem))?;
            samples.push(Sample {
                name: format!("case \"{}\"", case.name),
                agent: agent.clone(),
                call: call_of(stage, agent, case),
                is_refused: expects_misfit(&case.expect),
                script: case.script.clone(),
                cassette,
                extras: Extras::Denied,
            });
        }
    }
    samples.truncate(SAMPLES_MAX);
    for agent in &stage.admitted.manifest.agents {
        if !samples.iter().any(|sample| sample.agent.name == agent.name) {
            samples.push(built(stage, agent));
        }
    }
    Ok(samples)
}

fn expects_misfit(expect: &Expect) -> bool {
    let Expect::Given(expected) = expect else { return false };
    expected.failure.as_ref().is_some_and(|failure| {
        matches!(failure.kind, FailureKind::InvalidInput | FailureKind::BadOutput)
    })
}

fn built(stage: &Stage, agent: &AgentManifest) -> Sample {
    let of_schema = |schema| match stage.schemas().build(schema, 0) {
        built if built.is_null() => serde_json::json!({}),
        built => built,
    };
    let empty = serde_json::json!({});
    let is_optional = stage.schemas().check(&agent.config, &empty).is_ok();
    let call = Call {
        config: if is_optional { empty } else { of_schema(&agent.config) },
        grants: stage.all_granted(),
        ..Call::of(&agent.name, of_schema(&agent.input))
    };
    Sample {
        name: format!("agent {} with a built input", agent.name),
        agent: agent.clone(),
        call,
        is_refused: false,
        script: Script::default(),
        cassette: Vec::new(),
        extras: Extras::MadeUp,
    }
}

/// Calls each of them once.
pub(super) async fn see(stage: &Stage, samples: &[Sample]) -> anyhow::Result<Vec<Played>> {
    let mut seen = Vec::with_capacity(samples.len());
    for sample in samples {
        seen.push(stage.play(&sample.agent, sample.call.clone(), &sample.world()).await?);
    }
    Ok(seen)
}

/// What no agent may end in, whatever it is asked; none where it ended as it may.
pub(super) fn broken(result: &Result<wforge_model::agent::Reply, Failure>) -> Option<String> {
    let failure = result.as_ref().err()?;
    let is_broken = match failure {
        Failure::Trap(_) | Failure::Timeout(_) | Failure::BadOutput(_) => true,
        Failure::Failed(problem) => problem.code == "exception",
        Failure::Limit(problem) => OVER_LIMIT.contains(&problem.code.as_str()),
        Failure::InvalidInput(_)
        | Failure::Denied(_)
        | Failure::Upstream(_)
        | Failure::Cancelled(_)
        | Failure::Missing(_) => false,
    };
    is_broken.then(|| failure.to_string())
}
