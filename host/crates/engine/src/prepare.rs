//! What a run is started with: its workflows, who serves them, and what is checked about both.
//! Nothing here writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wforge_graph::{Library, Problem, Workflow};
use wforge_model::event::{Origin, PinnedSubgraph, RunStarted};
use wforge_model::limits::RunLimits;
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::{Digest, Grants, NodeId, NodePath, TenantId};
use wforge_ports::plugins::Admitted;

use crate::allowed::limits_of;
use crate::catalog;
use crate::flows::{self, Served};
use crate::lists;
use crate::load::within;
use crate::mocked::mocked;
use crate::parts::EngineOptions;
use crate::pinning::{Pinner, Pins, Place, sentence};
use crate::quarantine;
use crate::request::{EngineError, StartRun, WorkflowChoice};
use crate::resolve::{Part, Resolved, resolve};
use crate::service::Shared;
use crate::tenancy::Directory;
use crate::trust;
use crate::workflows::{self, Known};

/// A run that may begin.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) library: Library,
    /// Complete but for base and routes, which are found when it begins.
    pub(crate) started: RunStarted,
    /// Its workflows, which are kept before it begins.
    pub(crate) resolved: Resolved,
}

/// Checks everything about a request that does not depend on where the run begins.
///
/// # Errors
/// [`EngineError::Invalid`] with everything of one kind that is wrong.
pub(crate) async fn prepare(
    shared: &Shared,
    tenant: &TenantId,
    request: &StartRun,
) -> Result<Prepared, EngineError> {
    Directory::load(shared).await?;
    let root = chosen(shared, tenant, &request.workflow).await?;
    let resolved = resolve(shared, tenant, root, &request.workflows).await?;
    let of_tenant = shared.directory.tenant(tenant).and_then(|tenant| tenant.quotas.mock);
    let mode = mode(&shared.options, of_tenant, &resolved, request)?;
    let given = request.mocks.iter();
    let mocks: BTreeMap<NodePath, MockAnswer> =
        given.map(|(path, answer)| (path.clone(), answer.clone().unwrap_or_default())).collect();
    let mocked = mocked(&resolved, &mocks);
    let none = BTreeSet::new();
    let offered = offered(shared, tenant, request.plugins.as_ref()).await?;
    let mut pinner = Pinner::new(shared, tenant, &offered, mode);
    let workflow = &resolved.root.known.workflow;
    let limits = limits_of(workflow, &shared.options.run_limits)?;
    let pins = pinner.pin(Place { workflow, prefix: "" }, mocked.get(&None).unwrap_or(&none));
    let subgraphs = subgraphs(shared, &mut pinner, &resolved, &mocked)?;
    let tools = pinner.tools(&workflow.name, grants_of(&pins, subgraphs.values()))?;
    pinner.finish(&workflow.title())?;
    let Pins { agents, fallbacks } = &pins;
    let root = Served { workflow, pins: agents, fallbacks, uses: &resolved.root.uses };
    let parts = served(&resolved, &subgraphs);
    flows::check(&shared.parts, tenant, root, resolved.on_failure, &parts)?;
    let started = RunStarted {
        workflow: workflow.name.clone(),
        version: workflow.version.clone(),
        digest: resolved.root.known.digest,
        thread: request.thread,
        input: request.input.clone(),
        context: request.context.clone(),
        mock_mode: mode,
        mocks,
        answers: request.answers.clone(),
        kept_answers: Vec::new(),
        pins: pins.agents,
        fallbacks: pins.fallbacks,
        tools: tools.into(),
        uses: resolved.root.uses.clone(),
        subgraphs,
        on_failure: resolved.on_failure,
        handles: None,
        base: None,
        origin: Origin::Input,
        durability: request.durability,
        steps: request.steps,
        limits: Some(limits),
        routes: Vec::new(),
        labels: request.labels.clone(),
        by: request.by.clone(),
    };
    quarantine::check(shared, tenant, &started).await?;
    trust::check(shared, tenant, &started).await?;
    Ok(Prepared { library: bounded(&resolved, &started), started, resolved })
}

/// The workflows of a run, each within its limits.
fn bounded(resolved: &Resolved, started: &RunStarted) -> Library {
    let mut library = resolved.library();
    library.root = within(library.root, started.limits.as_ref());
    for (digest, part) in &mut library.parts {
        let limits = started.subgraphs.get(digest).and_then(|pinned| pinned.limits.as_ref());
        *part = within(part.clone(), limits);
    }
    library
}

/// The parts of a run with who serves them.
fn served<'a>(
    resolved: &'a Resolved,
    subgraphs: &'a BTreeMap<Digest, PinnedSubgraph>,
) -> BTreeMap<Digest, Served<'a>> {
    let of = |(digest, part): (&Digest, &'a Part)| {
        let pinned = subgraphs.get(digest)?;
        let PinnedSubgraph { pins, fallbacks, uses, .. } = pinned;
        Some((*digest, Served { workflow: &part.known.workflow, pins, fallbacks, uses }))
    };
    resolved.parts.iter().filter_map(of).collect()
}

/// What the agents of a run may do, those of its parts included.
fn grants_of<'a>(
    root: &'a Pins,
    parts: impl Iterator<Item = &'a PinnedSubgraph>,
) -> impl Iterator<Item = &'a Grants> {
    let of_parts = parts.flat_map(|part| part.pins.values().chain(part.fallbacks.values()));
    root.agents.values().chain(root.fallbacks.values()).chain(of_parts).map(|pin| &pin.grants)
}

/// The parts of a run, and who serves them.
fn subgraphs(
    shared: &Shared,
    pinner: &mut Pinner<'_>,
    resolved: &Resolved,
    mocked: &BTreeMap<Option<Digest>, BTreeSet<NodeId>>,
) -> Result<BTreeMap<Digest, PinnedSubgraph>, EngineError> {
    let none = BTreeSet::new();
    let pinned = |(digest, part): (&Digest, &Part)| {
        let limits = limits_of(&part.known.workflow, &shared.options.run_limits)?;
        let mocked = mocked.get(&Some(*digest)).unwrap_or(&none);
        Ok((*digest, pinned(pinner, part, mocked, limits)))
    };
    resolved.parts.iter().map(pinned).collect()
}

/// A part of a run, and who serves it.
fn pinned(
    pinner: &mut Pinner<'_>,
    part: &Part,
    mocked: &BTreeSet<NodeId>,
    limits: RunLimits,
) -> PinnedSubgraph {
    let workflow: &Workflow = &part.known.workflow;
    let title = workflow.title();
    let prefix = format!("{title}: ");
    let Pins { agents, fallbacks } = pinner.pin(Place { workflow, prefix: &prefix }, mocked);
    let uses = part.uses.clone();
    PinnedSubgraph { title, pins: agents, fallbacks, uses, limits: Some(limits) }
}

/// The workflow that is meant.
pub(crate) async fn chosen(
    shared: &Shared,
    tenant: &TenantId,
    choice: &WorkflowChoice,
) -> Result<Known, EngineError> {
    match choice {
        WorkflowChoice::Draft(draft) => workflows::checked(shared, tenant, draft),
        WorkflowChoice::Registered { name, version } => {
            let info = catalog::registered(shared, tenant, name, version.as_ref()).await?;
            workflows::by_digest(shared, tenant, info.digest).await
        }
    }
}

async fn offered(
    shared: &Shared,
    tenant: &TenantId,
    only: Option<&Vec<Admitted>>,
) -> Result<Arc<[Admitted]>, EngineError> {
    match only {
        Some(only) => Ok(only.as_slice().into()),
        None => lists::offered(shared, tenant).await,
    }
}

/// The mode that holds: the strictest of those that are set; `off` where a workflow forbids.
fn mode(
    options: &EngineOptions,
    of_tenant: Option<MockMode>,
    resolved: &Resolved,
    request: &StartRun,
) -> Result<MockMode, EngineError> {
    let refuse = |message: String| {
        Err(EngineError::Invalid { code: "mock_refused", message, details: Vec::new() })
    };
    let root = &resolved.root.known.workflow;
    let parts = resolved.parts.values().map(|part| &part.known.workflow);
    let forbids = core::iter::once(root).chain(parts).any(|w| w.mock.allow == Some(false));
    let mode = if forbids {
        MockMode::Off
    } else {
        MockMode::strictest([options.mock_mode, of_tenant, request.mock_mode])
    };
    let consented = options.mock_production && root.mock.allow == Some(true);
    if options.production && mode >= MockMode::Fallback && !consented {
        return refuse(format!(
            "mock mode {} is refused in production: the workflow must say `mock: {{ allow: true }}` \
             and the operator must set mock.production = true",
            mode.as_str()
        ));
    }
    match request.mocks.keys().next() {
        Some(node) if mode == MockMode::Off => refuse(format!(
            "--mock {node} is refused: mocks are off for this run (WFORGE_MOCK=off, the \
             tenant's mock=off, or the workflow's mock.allow is false)"
        )),
        Some(_) | None => Ok(mode),
    }
}

/// A run of a workflow that cannot begin with what it was given.
pub(crate) fn refused(workflow: &Workflow, problems: &[Problem]) -> EngineError {
    // Only what has a place in the file stands at a line; an input is its name alone.
    let located = |problem: &Problem| {
        let place = problem.place.to_string();
        let at = if place.contains('.') { workflow.locate(&place) } else { None };
        at.map_or_else(|| sentence(problem), |at| format!("{at}: {}", sentence(problem)))
    };
    let details: Vec<String> = problems.iter().map(located).collect();
    EngineError::Invalid {
        code: problems.first().map_or("invalid_input", |problem| problem.code),
        message: "the run cannot start with what it was given".into(),
        details,
    }
}
