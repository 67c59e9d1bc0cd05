//! `wforge run`: reads the flags, starts the run, and follows it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{RunId, ThreadId};
use wforge_ports::{Clock as _, Entropy as _};

use super::admin::labels_of;
use super::args::RunArgs;
use super::folder;
use super::inputs::{self, Flags, Given};
use super::one_agent;
use super::parts::Parts;
use super::refusal::Refusal;
use super::result::result_json;
use super::ui::{Paint, Ui};
use super::watch::{Watched, may_ask, to_the_end};
use super::{Session, thread_id, workflow_file};
use crate::client::{self, Client, Component, RunOptions, Start, Workflow, WorkflowFile};
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose::{Mode, components_in, read_component};

/// `wforge run`.
pub(crate) async fn run(session: &Session, args: &RunArgs) -> anyhow::Result<u8> {
    if let Some(component) = &args.one.agent {
        return Box::pin(one_agent::run(session, args, component)).await;
    }
    // What is wrong with the flags is found before anything is opened, where that is possible.
    let file = args.file.as_deref().unwrap_or_default();
    let workflow = from_file(session, file)?;
    let with = args.with.iter().map(|path| read_file(session, path));
    let with = with.collect::<anyhow::Result<Vec<_>>>()?;
    let options = options(args)?;
    let flags = Flags {
        inputs: &args.inputs,
        answers: &args.answers,
        mocks: &args.mocks,
        context: args.context.as_deref(),
        state_bytes_max: session.config.run_limits.state_bytes_max,
    };
    let mut others: Vec<WorkflowDraft> = with.iter().map(|file| file.draft.clone()).collect();
    let at_hand = workflow.as_ref().map(|it| Parts { root: it.draft(), others: &others });
    let at_hand = at_hand.filter(|parts| inputs::missing_parts(*parts, flags).is_empty());
    let early = at_hand.map(|parts| inputs::read(parts, flags)).transpose()?;
    let plugins = args.plugins.as_deref().map(components).transpose()?;

    let mut client = client::open(&session.config, Mode::Drive).await?;
    let outcome = async {
        let workflow = match workflow {
            Some(workflow) => workflow,
            None => registered(&client, file).await?,
        };
        let given = match early {
            Some(given) => given,
            None => {
                let root = workflow.draft();
                add_registered(&client, root, &mut others, flags).await?;
                inputs::read(Parts { root, others: &others }, flags)?
            }
        };
        let Given { input, answers, mocks, context, bring, stdin_taken } = given;
        bring_along(&session.ui, &client, &bring).await?;
        let start = Start { workflow, with, input, context, answers, mocks, plugins, options };
        start_and_follow(&session.ui, &mut client, args, start, stdin_taken).await
    };
    let outcome = outcome.await;
    client.finish(outcome).await
}

/// Brings files to whoever runs the workflow.
async fn bring_along(ui: &Ui, client: &Client, files: &[PathBuf]) -> anyhow::Result<()> {
    if files.len() > 1 {
        ui.note(&format!("bringing {} files along", files.len()));
    }
    for path in files {
        let bytes = folder::read(path).map_err(|problem| Refusal::user("bad_flags", problem))?;
        client.put_blob(bytes).await?;
    }
    Ok(())
}

/// Adds the registered workflows through which flags lead.
async fn add_registered(
    client: &Client,
    root: &WorkflowDraft,
    others: &mut Vec<WorkflowDraft>,
    flags: Flags<'_>,
) -> anyhow::Result<()> {
    loop {
        let missing = inputs::missing_parts(Parts { root, others: others.as_slice() }, flags);
        let Some(named) = missing.first() else { return Ok(()) };
        let known = client.workflows().await?;
        let fits = |version: &semver::Version| {
            named.range.as_ref().is_none_or(|range| range.matches(version))
        };
        let known = known.into_iter().filter(|it| it.name == named.name && fits(&it.version));
        let Some(newest) = known.max_by(|a, b| a.version.cmp(&b.version)) else {
            return Err(Refusal::user(
                "missing_workflows",
                format!("no workflow {named} is at hand"),
            )
            .help("name its file: --with FILE; or register it: wforge workflow register FILE")
            .into());
        };
        others.push(client.workflow(&newest.name, Some(&newest.version)).await?.1);
    }
}

fn options(args: &RunArgs) -> anyhow::Result<RunOptions> {
    let thread = match args.thread.as_deref() {
        Some("new") => Some(new_thread()?),
        Some(text) => Some(thread_id(text)?),
        None => None,
    };
    let multitask = args.multitask.map(Into::into).unwrap_or_default();
    let durability = args.durability.map(Into::into).unwrap_or_default();
    let labels = labels_of(&args.labels)?;
    Ok(RunOptions { thread, multitask, durability, steps: args.steps, labels })
}

/// A thread that nobody has yet.
pub(super) fn new_thread() -> anyhow::Result<ThreadId> {
    let mut bytes = [0; 16];
    SystemEntropy::open().context("randomness")?.fill(&mut bytes);
    Ok(ThreadId::from_bytes(bytes))
}

/// The workflow of a file; none where the text is rather the name of a registered one.
pub(super) fn from_file(session: &Session, text: &str) -> anyhow::Result<Option<Workflow>> {
    if !Path::new(text).exists() && is_name(text) {
        return Ok(None);
    }
    let file = read_file(session, Path::new(text))?;
    Ok(Some(Workflow::File(Box::new(file))))
}

pub(super) fn read_file(session: &Session, path: &Path) -> anyhow::Result<WorkflowFile> {
    let (text, draft) = workflow_file(session, path)?;
    Ok(WorkflowFile { name: path.display().to_string(), text, draft })
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_@.+".contains(c))
        && !text.contains(".y")
        && !text.ends_with(".json")
}

/// A registered workflow by `NAME[@VERSION]`.
pub(super) async fn registered(client: &Client, text: &str) -> anyhow::Result<Workflow> {
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => {
            let parsed = version.parse().map_err(|error| {
                Refusal::user("bad_flags", format!("\"{version}\" is no version: {error}"))
            })?;
            (name, Some(parsed))
        }
        None => (text, None),
    };
    let found = client.workflow(name, version.as_ref()).await;
    let (info, draft) = found.with_context(|| {
        Refusal::user("not_found", format!("{text} is neither a file nor a registered workflow"))
    })?;
    Ok(Workflow::Registered { name: info.name, version: info.version, draft: Box::new(draft) })
}

pub(super) fn components(dir: &Path) -> anyhow::Result<Vec<Component>> {
    components_in(dir)?.iter().map(|file| read_component(file)).collect()
}

async fn start_and_follow(
    ui: &Ui,
    client: &mut Client,
    args: &RunArgs,
    start: Start,
    stdin_taken: bool,
) -> anyhow::Result<u8> {
    if args.detach && client.is_embedded() {
        return Err(Refusal::user("nobody_drives", "--detach needs a server that drives the run")
            .help("start one with wforge serve, or leave --detach out")
            .into());
    }
    let source = match (&args.plugins, &start.plugins) {
        (Some(dir), Some(found)) => Some(format!("{} from {}", found.len(), dir.display())),
        _ => None,
    };
    let (draft, thread) = (start.workflow.draft().clone(), start.options.thread);
    let started_ns = SystemClock.monotonic_ns();
    let run = client.start(start).await?;
    let sources = source.map_or_else(|| client.plugin_sources(), |source| vec![source]);
    say_started(ui, (run, thread), &draft, &sources);
    if args.detach {
        return detached(ui, client, run).await;
    }
    let ask = !stdin_taken && may_ask(ui);
    let watched = Watched::new(run, &draft, args.watch.fail_on_degraded);
    to_the_end(ui, client, Watched { started_ns, ask, ..watched }).await
}

fn say_started(
    ui: &Ui,
    (run, thread): (RunId, Option<ThreadId>),
    draft: &WorkflowDraft,
    sources: &[String],
) {
    let title = format!("{}@{}", draft.name, draft.version);
    ui.note(&ui.paint(Paint::Dim, &format!("{run}  {title}")));
    if let Some(thread) = thread {
        ui.note(&ui.paint(Paint::Dim, &thread.to_string()));
    }
    if !sources.is_empty() {
        ui.note(&ui.paint(Paint::Dim, &format!("plugins: {}", sources.join(", "))));
    }
}

async fn detached(ui: &Ui, client: &Client, run: RunId) -> anyhow::Result<u8> {
    if ui.is_json() {
        ui.out_json(&result_json(&client.report(run).await?))?;
    } else {
        ui.out(&run.to_string());
    }
    Ok(0)
}
