//! `wforge run` and `wforge runs resume`: start or go on, follow, ask, print.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use tokio_util::task::TaskTracker;
use wforge_model::head::RunStatus;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{RunId, Seq};
use wforge_ports::Clock as _;

use super::args::{ResumeArgs, RunArgs};
use super::follow::{Followed, Follower, Stops, abort_at_next, interrupted, since_ms};
use super::inputs::{self, Flags, Given};
use super::refusal::Refusal;
use super::result::{exit_of, print, result_json};
use super::ui::{Paint, Ui, harmless};
use super::{Session, questions, workflow_file};
use crate::client::{self, Client, Component, Report, Start, Workflow, is_settled};
use crate::clock::SystemClock;
use crate::compose::{Mode, components_in, read_component};

/// `wforge run`.
pub(crate) async fn run(session: &Session, args: &RunArgs) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let from_file = Path::new(&args.file).exists() || !is_name(&args.file);
    let workflow = if from_file {
        let (text, draft) = workflow_file(session, Path::new(&args.file))?;
        Some(Workflow::File { text, draft: Box::new(draft) })
    } else {
        None
    };
    // What is wrong with the flags is found before anything is opened, where that is possible.
    let flags = Flags {
        inputs: &args.inputs,
        answers: &args.answers,
        mocks: &args.mocks,
        context: args.context.as_deref(),
        state_bytes_max: session.config.run_limits.state_bytes_max,
    };
    let early = workflow.as_ref().map(|it| inputs::read(it.draft(), flags)).transpose()?;
    let plugins = args.plugins.as_deref().map(components).transpose()?;

    let mut client = client::open(&session.config, Mode::Drive).await?;
    let outcome = async {
        let workflow = match workflow {
            Some(workflow) => workflow,
            None => registered(&client, &args.file).await?,
        };
        let given = match early {
            Some(given) => given,
            None => inputs::read(workflow.draft(), flags)?,
        };
        start(ui, &mut client, args, workflow, given, plugins).await
    };
    let outcome = outcome.await;
    client.finish(outcome).await
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_@.+".contains(c))
        && !text.contains(".y")
        && !text.ends_with(".json")
}

async fn registered(client: &Client, text: &str) -> anyhow::Result<Workflow> {
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

fn components(dir: &Path) -> anyhow::Result<Vec<Component>> {
    components_in(dir)?.iter().map(|file| read_component(file)).collect()
}

async fn start(
    ui: &Ui,
    client: &mut Client,
    args: &RunArgs,
    workflow: Workflow,
    given: Given,
    plugins: Option<Vec<Component>>,
) -> anyhow::Result<u8> {
    if args.detach && client.is_embedded() {
        return Err(Refusal::user("nobody_drives", "--detach needs a server that drives the run")
            .help("start one with wforge serve, or leave --detach out")
            .into());
    }
    let source = match (&args.plugins, &plugins) {
        (Some(dir), Some(found)) => Some(format!("{} from {}", found.len(), dir.display())),
        _ => None,
    };
    let draft = workflow.draft().clone();
    let Given { input, answers, mocks, context, stdin_taken } = given;
    let request = Start { workflow, input, context, answers, mocks, plugins };
    let started_ns = SystemClock.monotonic_ns();
    let run = client.start(request).await?;
    let sources = source.map_or_else(|| client.plugin_sources(), |source| vec![source]);
    let title = format!("{}@{}", draft.name, draft.version);
    ui.note(&ui.paint(Paint::Dim, &format!("{run}  {title}")));
    if !sources.is_empty() {
        ui.note(&ui.paint(Paint::Dim, &format!("plugins: {}", sources.join(", "))));
    }
    if args.detach {
        return detached(ui, client, run).await;
    }
    let ask = !stdin_taken && may_ask(ui);
    let order = Order { draft: &draft, started_ns, ask };
    let fail_on_degraded = args.fail_on_degraded;
    to_the_end(ui, client, run, (Seq(0), Seq(0)), order, fail_on_degraded).await
}

async fn detached(ui: &Ui, client: &Client, run: RunId) -> anyhow::Result<u8> {
    if ui.is_json() {
        ui.out_json(&result_json(&client.report(run).await?))?;
    } else {
        ui.out(&run.to_string());
    }
    Ok(0)
}

/// Whether there is somebody to ask.
fn may_ask(ui: &Ui) -> bool {
    ui.progress && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// How the end is printed and whether a person is asked.
#[derive(Debug, Clone, Copy)]
struct Order<'a> {
    draft: &'a WorkflowDraft,
    started_ns: u64,
    ask: bool,
}

/// `wforge runs resume`.
pub(crate) async fn resume(session: &Session, args: &ResumeArgs) -> anyhow::Result<u8> {
    let run = super::run_id(&args.run)?;
    let client = client::open(&session.config, Mode::Drive).await?;
    let result = go_on(&session.ui, &client, run, args).await;
    client.finish(result).await
}

async fn go_on(ui: &Ui, client: &Client, run: RunId, args: &ResumeArgs) -> anyhow::Result<u8> {
    let started_ns = SystemClock.monotonic_ns();
    let before = client.report(run).await?;
    if before.head.status.is_final() {
        // Refused with the reason, whatever the answers are.
        client.resume(run, Vec::new()).await?;
    }
    let answers = questions::given(&before.questions, &args.answers)?;
    let draft = client.workflow_of(&before.head).await?;
    let seen = before.head.seq;
    let ask = may_ask(ui);
    let open = !before.questions.is_empty();
    let waits = answers.is_empty() && open && is_settled(&before.head);
    let from = if args.discard_effects {
        client.discard_effects(run).await?.seq
    } else if waits {
        seen
    } else {
        client.resume(run, answers).await?.seq
    };
    ui.note(&ui.paint(Paint::Dim, &format!("{run}  {}", title(&before))));
    let order = Order { draft: &draft, started_ns, ask };
    to_the_end(ui, client, run, (seen, from), order, args.fail_on_degraded).await
}

fn title(report: &Report) -> String {
    format!("{}@{}", harmless(&report.head.workflow), report.head.version)
}

async fn to_the_end(
    ui: &Ui,
    client: &Client,
    run: RunId,
    (seen, mut from): (Seq, Seq),
    order: Order<'_>,
    fail_on_degraded: bool,
) -> anyhow::Result<u8> {
    let mut stops = Stops::listen()?;
    let mut follower = Follower::new(client, ui, run, (seen, order.draft)).await?;
    let report = loop {
        if follower.until_settled(&mut stops, from).await? == Followed::Interrupted {
            return interrupted_now(client, run, stops);
        }
        let report = client.report(run).await?;
        // Within one commit a question may be asked and answered, so what looked settled is looked
        // at again.
        from = report.head.seq;
        if !is_settled(&report.head) || follower.seen() < from {
            continue;
        }
        if report.head.status != RunStatus::Waiting || !order.ask {
            break report;
        }
        let Some(answers) = questions::ask(ui, &report.questions, &mut stops).await? else {
            return interrupted_now(client, run, stops);
        };
        from = client.resume(run, answers).await?.seq;
    };
    print(ui, &report, order.draft, since_ms(order.started_ns))?;
    Ok(exit_of(&report, fail_on_degraded))
}

/// From here on the next signal ends the process at once.
fn interrupted_now(client: &Client, run: RunId, stops: Stops) -> anyhow::Result<u8> {
    TaskTracker::new().spawn(abort_at_next(stops));
    let refusal = interrupted(run);
    if client.is_embedded() {
        return Err(refusal.into());
    }
    let help = format!("the server goes on with it; wforge runs show {run} says how it stands");
    Err(refusal.help(help).into())
}
