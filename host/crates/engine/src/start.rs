//! Starting a run: everything that is checked before its first event, and that event's commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use wforge_graph::{Beginning, Run, Workflow, apply, begin, settle};
use wforge_model::command::{Command, Fact};
use wforge_model::event::RunEvent;
use wforge_model::limits::{OverLimit, RunLimits};
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Epoch, NodeId, RunId, Seq, TenantId, Timestamp, Value};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::{Commit, CommitError, IdempotentReply, QueueChange};

use crate::load::{checked, keep_draft};
use crate::parts::{EngineOptions, EngineParts};
use crate::pinning::{pins, refuse_unserved, sentence};
use crate::request::{EngineError, Idempotency, StartRun, Started, WorkflowChoice};

/// The lease of a store that only one process can open.
pub(crate) const EMBEDDED_LEASE: Epoch = Epoch(1);

/// A run whose beginning is durable, and what is to be done next.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) run: Run,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) commands: Vec<Command>,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Start {
    /// A run.
    Begun(Box<Begun>),
    /// Another request with the same idempotency key was first by a moment.
    Replied(Started),
}

/// Checks a request, and makes the run durable with everything that follows from its beginning.
/// Nothing is left behind where it is refused.
pub(crate) async fn start(
    parts: &EngineParts,
    options: &EngineOptions,
    tenant: &TenantId,
    request: StartRun,
) -> Result<Start, EngineError> {
    let draft = chosen(parts, tenant, &request.workflow).await?;
    let workflow = Arc::new(limited(checked(parts, draft)?, &options.run_limits)?);
    let mode = mode(options, &workflow, &request)?;
    let mocks: BTreeMap<NodeId, MockAnswer> = request
        .mocks
        .iter()
        .map(|(node, answer)| (node.clone(), answer.clone().unwrap_or_default()))
        .collect();
    let offered = offered(parts, tenant, request.plugins).await?;
    let pins = pins(parts, tenant, &workflow, &offered)?;
    refuse_unserved(parts, tenant, &workflow, &offered, (&pins, &mocks, mode))?;
    let now = parts.clock.now();
    let id = new_run_id(parts, now);
    let digest = (parts.digest)(workflow.draft()).map_err(EngineError::Host)?;
    let beginning = Beginning {
        run: id,
        digest,
        thread: request.thread,
        input: request.input,
        context: request.context,
        mock_mode: mode,
        mocks,
        answers: request.answers,
        pins,
        by: request.by,
    };
    let first = begin(&workflow, beginning, now, parts.expressions.as_ref())
        .map_err(|problems| refused(&problems))?;
    keep_draft(parts, tenant, workflow.draft()).await?;
    let mut run = Run::new(id, workflow);
    apply(&mut run, &first);
    let decision = settle(&mut run, &[Fact::Loaded], now, parts.expressions.as_ref());
    let mut events = vec![first];
    events.extend(decision.events);
    let key = request.idempotency.as_ref();
    let reply = key.map(|key| key.reply(Value::String(id.to_string()), now));
    let commit = Commit {
        tenant: tenant.clone(),
        run: id,
        expected: Seq(0),
        lease: EMBEDDED_LEASE,
        events: events.clone(),
        thread_head: None,
        kv: Vec::new(),
        queue: queue_of(&run, now),
        audit: Vec::new(),
        idempotent_reply: reply,
    };
    match parts.store.commit(commit).await {
        Ok(_) => Ok(Start::Begun(Box::new(Begun { run, events, commands: decision.commands }))),
        Err(CommitError::Replied(first)) => replayed(&first, key).map(Start::Replied),
        Err(error) => Err(commit_refused(error)),
    }
}

/// The run that an earlier request with the same idempotency key started.
pub(crate) fn replayed(
    first: &IdempotentReply,
    key: Option<&Idempotency>,
) -> Result<Started, EngineError> {
    if key.is_none_or(|key| key.fingerprint != first.fingerprint) {
        return Err(EngineError::Invalid {
            code: "idempotency_mismatch",
            message: "this idempotency key was used for another request".into(),
            details: Vec::new(),
        });
    }
    let run = first.reply.as_str().and_then(|text| text.parse().ok());
    let run = run.ok_or_else(|| EngineError::Host("a stored reply names no run".into()))?;
    Ok(Started { run, replayed: true })
}

async fn chosen(
    parts: &EngineParts,
    tenant: &TenantId,
    choice: &WorkflowChoice,
) -> Result<WorkflowDraft, EngineError> {
    match choice {
        WorkflowChoice::Draft(draft) => Ok(WorkflowDraft::clone(draft)),
        WorkflowChoice::Registered { name, version } => {
            let found = crate::catalog::workflow(parts, tenant, name, version.as_ref()).await?;
            Ok(found.1)
        }
    }
}

async fn offered(
    parts: &EngineParts,
    tenant: &TenantId,
    only: Option<Vec<Admitted>>,
) -> Result<Vec<Admitted>, EngineError> {
    match only {
        Some(only) => Ok(only),
        None => {
            let plugins = crate::catalog::plugins(parts, tenant).await?;
            Ok(plugins.into_iter().map(|info| info.admitted).collect())
        }
    }
}

/// The workflow with what it asks for, within what the host allows.
fn limited(workflow: Workflow, allowed: &RunLimits) -> Result<Workflow, EngineError> {
    let asked = &workflow.draft().limits;
    let details: Vec<String> = asked.beyond(allowed).map(over_limit).collect();
    if details.is_empty() {
        let limits = asked.over(allowed);
        return Ok(workflow.with_limits(limits));
    }
    Err(EngineError::Invalid {
        code: "limit_not_allowed",
        message: format!("{} asks for more than this host allows", workflow.title()),
        details,
    })
}

fn over_limit(over: OverLimit) -> String {
    let OverLimit { field, limit, asked, allowed } = over;
    let none = if asked == 0 { ", no limit," } else { "" };
    format!(
        "limits.{field}: {asked}{none} is more than {allowed}, which this host allows; lower it, or \
         raise limits.run.{limit} in the host's configuration"
    )
}

/// The mode that holds: the strictest of those that are set; `off` where the workflow forbids.
fn mode(
    options: &EngineOptions,
    workflow: &Workflow,
    request: &StartRun,
) -> Result<MockMode, EngineError> {
    let refuse = |message: String| {
        Err(EngineError::Invalid { code: "mock_refused", message, details: Vec::new() })
    };
    let mode = match workflow.mock.allow {
        Some(false) => MockMode::Off,
        Some(true) | None => MockMode::strictest([options.mock_mode, request.mock_mode]),
    };
    let consented = options.mock_production && workflow.mock.allow == Some(true);
    if options.production && mode >= MockMode::Fallback && !consented {
        return refuse(format!(
            "mock mode {} is refused in production: the workflow must say `mock: {{ allow: true }}` \
             and the operator must set mock.production = true",
            mode.as_str()
        ));
    }
    match request.mocks.keys().next() {
        Some(node) if mode == MockMode::Off => refuse(format!(
            "--mock {node} is refused: mocks are off for this run (WFORGE_MOCK=off, or the \
             workflow's mock.allow is false)"
        )),
        Some(_) | None => Ok(mode),
    }
}

/// Six bytes of milliseconds, so that ids sort by age, and ten of chance.
fn new_run_id(parts: &EngineParts, now: Timestamp) -> RunId {
    let mut bytes = [0; 16];
    parts.entropy.fill(&mut bytes);
    let (head, _) = bytes.split_at_mut(6);
    let time = now.0.to_be_bytes();
    for (byte, time) in head.iter_mut().zip(time.iter().skip(2)) {
        *byte = *time;
    }
    RunId::from_bytes(bytes)
}

fn refused(problems: &[wforge_graph::Problem]) -> EngineError {
    let details: Vec<String> = problems.iter().map(sentence).collect();
    EngineError::Invalid {
        code: problems.first().map_or("invalid_input", |problem| problem.code),
        message: "the run cannot start with what it was given".into(),
        details,
    }
}

fn commit_refused(error: CommitError) -> EngineError {
    match error {
        CommitError::TooLarge { bytes, limit } => EngineError::Invalid {
            code: "too_large",
            message: format!("the run's beginning has {bytes} bytes, more than {limit}"),
            details: Vec::new(),
        },
        CommitError::Conflict { .. } | CommitError::LeaseLost { .. } | CommitError::Replied(_) => {
            EngineError::Conflict {
                code: "run_taken",
                message: "another writer has the run; try again".into(),
            }
        }
        CommitError::Unavailable(source) => EngineError::Host(source),
    }
}

/// When a run must be looked at again, from how it stands.
pub(crate) fn queue_of(run: &Run, now: Timestamp) -> QueueChange {
    use wforge_model::head::RunStatus;
    match run.standing() {
        RunStatus::Running => QueueChange::Live,
        RunStatus::Waiting => QueueChange::Sleep(wforge_graph::next_wake(run, now)),
        RunStatus::Blocked | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => {
            QueueChange::Done
        }
    }
}
