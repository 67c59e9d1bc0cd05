//! Test cases of a plugin: read, called in the sandbox, held against what they expect.

mod difference;
mod files;
pub(crate) mod junit;
mod report;
pub(crate) mod snapshot;
mod verdict;

use std::collections::BTreeSet;

use wforge_effects::llm::CassetteEntry;
use wforge_model::manifest::AgentManifest;
use wforge_spec::suite::{Case, Expect};

pub(crate) use files::{CaseFile, read_all};
pub(crate) use report::{CaseReport, Coverage, SuiteReport, Tested};
use snapshot::Snapshots;

use super::coverage;
use super::sandbox::{Call, Cost};
use super::script::Extras;
use super::stage::{Played, Stage, World};

/// What to do with the cases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Only those whose name holds this.
    pub(crate) filter: Option<&'a str>,
    /// Whether snapshots are written anew.
    pub(crate) update: bool,
}

/// Runs the cases, one after the other.
pub(crate) async fn run(
    stage: &Stage,
    files: &[CaseFile],
    wanted: Wanted<'_>,
    mut on_case: impl FnMut(&CaseReport),
) -> anyhow::Result<SuiteReport> {
    let needs = stage.needs();
    let (mut cases, mut used) = (Vec::new(), BTreeSet::new());
    for file in files {
        let snapshots = Snapshots::beside(&file.path);
        let is_wanted = |case: &&Case| wanted.filter.is_none_or(|part| case.name.contains(part));
        for case in file.suite.cases.iter().filter(is_wanted) {
            let (report, effects) = run_case(stage, file, case, (&snapshots, wanted)).await?;
            used.extend(coverage::used(&needs, &effects).cloned());
            on_case(&report);
            cases.push(report);
        }
    }
    let coverage = needs
        .into_iter()
        .map(|need| Coverage { is_used: used.contains(&need), capability: need })
        .collect();
    Ok(SuiteReport::new(&stage.admitted, cases, coverage))
}

async fn run_case(
    stage: &Stage,
    file: &CaseFile,
    case: &Case,
    (snapshots, wanted): (&Snapshots, Wanted<'_>),
) -> anyhow::Result<(CaseReport, Vec<super::sandbox::Effect>)> {
    let report = CaseReport::of(file, case);
    let Some(agent) = stage.agent(case.agent.as_deref()) else {
        let problem = unknown_agent(stage, case.agent.as_deref());
        return Ok((report.failed(vec![problem]), Vec::new()));
    };
    let cassette = match file.cassette(case) {
        Ok(cassette) => cassette,
        Err(problem) => return Ok((report.failed(vec![problem]), Vec::new())),
    };
    let Played { outcome, mut problems, left_over } = play(stage, agent, case, &cassette).await?;
    let mut notes = left_over;
    match &case.expect {
        Expect::Given(expected) => problems.extend(verdict::of(expected, &outcome)),
        Expect::Snapshot => match snapshots.hold(&case.name, &outcome, wanted.update)? {
            snapshot::Held::Same => {}
            snapshot::Held::Written(path) => notes.push(format!("wrote {}", path.display())),
            snapshot::Held::Differs(differences) => problems.extend(differences),
        },
    }
    let report = CaseReport { agent: agent.name.clone(), cost: outcome.cost, notes, ..report };
    Ok((report.failed(problems), outcome.effects))
}

/// Plays a case as it stands.
pub(crate) async fn play(
    stage: &Stage,
    agent: &AgentManifest,
    case: &Case,
    cassette: &[CassetteEntry],
) -> anyhow::Result<Played> {
    let world = World { script: case.script.clone(), cassette, extras: Extras::Denied };
    stage.play(agent, call_of(stage, agent, case), &world).await
}

/// The call that a case makes.
pub(crate) fn call_of(stage: &Stage, agent: &AgentManifest, case: &Case) -> Call {
    let granted = case.grants.as_ref().map(|grants| grants.iter().cloned().collect());
    Call {
        config: case.config.clone(),
        context: case.context.clone(),
        grants: granted.unwrap_or_else(|| stage.all_granted()),
        ..Call::of(&agent.name, case.input.clone())
    }
}

fn unknown_agent(stage: &Stage, name: Option<&str>) -> String {
    let names: Vec<&str> =
        stage.admitted.manifest.agents.iter().map(|agent| agent.name.as_str()).collect();
    let all = names.join(", ");
    match name {
        Some(name) => format!("the plugin has no agent \"{name}\"; it has {all}"),
        None => format!("the plugin has several agents: write agent: one of {all}"),
    }
}

impl Cost {
    /// In a few words.
    pub(crate) fn told(&self) -> String {
        let Self { cpu_us, memory_bytes, host_calls, .. } = self;
        let (ms, mib) = (cpu_us.div_ceil(100), memory_bytes.div_ceil(104_858));
        let calls = if *host_calls == 1 { "host call" } else { "host calls" };
        format!(
            "{}.{} ms cpu, {}.{} MiB, {host_calls} {calls}",
            ms / 10,
            ms % 10,
            mib / 10,
            mib % 10
        )
    }
}
