//! `wforge threads …` and `wforge workflow migrate`.

use std::num::NonZeroU32;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;
use wforge_graph::AnswerFate;
use wforge_model::event::Write;
use wforge_model::{Checkpoint, Key, NodeId, Object, Seq, ThreadId, Value};

use super::args::{
    ForkArgs, HistoryArgs, MigrateArgs, PruneArgs, ReplayArgs, ThreadsCommand, UpdateArgs,
};
use super::inputs::{self, text_of};
use super::refusal::Refusal;
use super::run::{components, from_file, new_thread, read_file, registered};
use super::ui::{Paint, Ui, columns, harmless};
use super::watch::{Watched, may_ask, to_the_end};
use super::{Session, thread_id};
use crate::client::{
    self, CheckpointRow, Client, Keep, Migrate, Migrated, ThreadReport, ThreadRow, Update,
};
use crate::compose::Mode;

/// The longest file of `--updates`, in bytes.
const UPDATES_BYTES_MAX: u64 = 8 << 20;
/// Of a value, in a row.
const VALUE_CHARS_MAX: usize = 60;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: ThreadsCommand) -> anyhow::Result<u8> {
    let mode = match &command {
        ThreadsCommand::List { .. } | ThreadsCommand::Show { .. } | ThreadsCommand::History(_) => {
            Mode::Look
        }
        ThreadsCommand::Update(_)
        | ThreadsCommand::Fork(_)
        | ThreadsCommand::Replay(_)
        | ThreadsCommand::Copy { .. }
        | ThreadsCommand::Prune(_)
        | ThreadsCommand::Migrate(_) => Mode::Drive,
    };
    let mut client = client::open(&session.config, mode).await?;
    let result = with_client(session, &mut client, command).await;
    client.finish(result).await
}

async fn with_client(
    session: &Session,
    client: &mut Client,
    command: ThreadsCommand,
) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        ThreadsCommand::List { limit } => list(ui, client, usize::from(limit)).await?,
        ThreadsCommand::Show { thread, at } => show(ui, client, &thread, at.as_deref()).await?,
        ThreadsCommand::History(args) => history(ui, client, &args).await?,
        ThreadsCommand::Update(args) => update(session, client, &args).await?,
        ThreadsCommand::Fork(args) => fork(session, client, &args).await?,
        ThreadsCommand::Replay(args) => return replay(ui, client, &args).await,
        ThreadsCommand::Copy { thread } => {
            let (from, to) = (thread_id(&thread)?, new_thread()?);
            let made = client.copy(from, to).await?;
            told(ui, to, made, &to.to_string())?;
        }
        ThreadsCommand::Prune(args) => prune(ui, client, &args).await?,
        ThreadsCommand::Migrate(args) => migrate(session, client, &args).await?,
    }
    Ok(0)
}

fn checkpoint(text: &str) -> Result<Checkpoint, Refusal> {
    text.parse().map_err(|error: wforge_model::checkpoint::ParseCheckpointError| {
        Refusal::user("bad_flags", error.to_string())
            .help("wforge threads history THREAD lists them")
    })
}

async fn list(ui: &Ui, client: &Client, limit: usize) -> anyhow::Result<()> {
    let rows = client.threads(limit).await?;
    if ui.is_json() {
        return ui.out_json(&rows);
    }
    let row = |it: &ThreadRow| {
        let queued = match it.queue.len() {
            0 => String::new(),
            many => format!("{many} queued"),
        };
        let head = it.head.map(|run| run.to_string()).unwrap_or_default();
        let updated = it.updated_at.to_string();
        vec![it.thread.to_string(), harmless(&it.workflow), updated, head, queued]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("no threads; wforge run --thread new begins one");
    }
    Ok(())
}

async fn show(ui: &Ui, client: &Client, thread: &str, at: Option<&str>) -> anyhow::Result<()> {
    let thread = thread_id(thread)?;
    if let Some(at) = at {
        let found = at_checkpoint(client, thread, checkpoint(at)?).await?;
        if ui.is_json() {
            return ui.out_json(&found);
        }
        let facts = [("checkpoint", found.checkpoint.to_string()), ("next", names(&found.next))];
        facts_and_state(ui, &facts, &found.state);
        return Ok(());
    }
    let report = client.thread(thread).await?;
    if ui.is_json() {
        return ui.out_json(&report);
    }
    let ThreadReport { row, status, checkpoint, state, next, .. } = &report;
    let text = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
    let facts = [
        ("thread", row.thread.to_string()),
        ("workflow", format!("{} {}", harmless(&row.workflow), row.digest)),
        ("newest run", text(row.head.map(|run| run.to_string()))),
        ("status", text(status.map(|status| status.as_str().to_owned()))),
        ("queued", row.queue.len().to_string()),
        ("checkpoint", text(checkpoint.map(|it| it.to_string()))),
        ("next", names(next)),
        ("changed", row.updated_at.to_string()),
    ];
    facts_and_state(ui, &facts, state);
    for task in &report.tasks {
        for question in &task.interrupts {
            ui.out(&format!("{} asks: {}", task.node, harmless(&question.prompt)));
        }
    }
    Ok(())
}

/// The checkpoint is the first before the place after it.
async fn at_checkpoint(
    client: &Client,
    thread: ThreadId,
    at: Checkpoint,
) -> anyhow::Result<CheckpointRow> {
    let after = Checkpoint { run: at.run, seq: Seq(at.seq.0.saturating_add(1)) };
    let found = client.history(thread, Some(after), 1).await?.into_iter().next();
    found.filter(|found| found.checkpoint == at).ok_or_else(|| {
        Refusal::user("not_found", format!("no checkpoint \"{at}\""))
            .help(format!("wforge threads history {thread} lists them"))
            .into()
    })
}

fn names(nodes: &[NodeId]) -> String {
    let names: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn facts_and_state(ui: &Ui, facts: &[(&str, String)], state: &Value) {
    let row = |(name, value): &(&str, String)| vec![(*name).to_owned(), value.clone()];
    let rows: Vec<Vec<String>> = facts.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    ui.out("");
    let keys = state.as_object().into_iter().flatten();
    let rows: Vec<Vec<String>> =
        keys.map(|(key, value)| vec![key.clone(), clipped(value)]).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note("nothing is written");
    }
}

fn clipped(value: &Value) -> String {
    let text = harmless(&value.to_string());
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

async fn history(ui: &Ui, client: &Client, args: &HistoryArgs) -> anyhow::Result<()> {
    let thread = thread_id(&args.thread)?;
    let before = args.before.as_deref().map(checkpoint).transpose()?;
    let rows = client.history(thread, before, usize::from(args.limit)).await?;
    if ui.is_json() {
        return ui.out_json(&rows);
    }
    let row = |it: &CheckpointRow| {
        vec![
            it.checkpoint.to_string(),
            it.source.clone(),
            format!("step {}", it.step),
            it.created_at.to_string(),
            format!("next: {}", names(&it.next)),
        ]
    };
    let lines: Vec<Vec<String>> = rows.iter().map(row).collect();
    columns(&lines).iter().for_each(|line| ui.out(line));
    if rows.len() == usize::from(args.limit)
        && let Some(last) = rows.last()
    {
        ui.note(&format!(
            "older ones: wforge threads history {thread} --before {}",
            last.checkpoint
        ));
    }
    Ok(())
}

async fn update(session: &Session, client: &Client, args: &UpdateArgs) -> anyhow::Result<()> {
    let thread = thread_id(&args.thread)?;
    let at = args.at.as_deref().map(checkpoint).transpose()?;
    let steps = match &args.updates {
        Some(path) => updates(path)?,
        None => {
            let writes = writes(session, client, thread, &args.set).await?;
            vec![vec![Update { writes, as_node: args.node.clone() }]]
        }
    };
    written(&session.ui, client, (thread, at), steps).await
}

async fn fork(session: &Session, client: &Client, args: &ForkArgs) -> anyhow::Result<()> {
    let (thread, at) = (thread_id(&args.thread)?, checkpoint(&args.at)?);
    if args.set.is_empty() {
        let made = client.fork(thread, at).await?;
        return gone_back(&session.ui, thread, made);
    }
    let writes = writes(session, client, thread, &args.set).await?;
    let steps = vec![vec![Update { writes, as_node: args.node.clone() }]];
    written(&session.ui, client, (thread, Some(at)), steps).await
}

async fn written(
    ui: &Ui,
    client: &Client,
    (thread, at): (ThreadId, Option<Checkpoint>),
    steps: Vec<Vec<Update>>,
) -> anyhow::Result<()> {
    gone_back(ui, thread, client.update(thread, at, steps).await?)
}

fn gone_back(ui: &Ui, thread: ThreadId, made: Checkpoint) -> anyhow::Result<()> {
    told(ui, thread, made, &made.to_string())?;
    let label = ui.paint(Paint::Cyan, "help:");
    ui.note(&format!("{label} wforge threads replay {thread} goes on from here"));
    ui.note(
        "what its runs remembered goes back; memory of the thread and of plugins does not go back",
    );
    Ok(())
}

fn told(ui: &Ui, thread: ThreadId, made: Checkpoint, text: &str) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(&json!({ "thread": thread, "checkpoint": made }));
    }
    ui.out(text);
    Ok(())
}

async fn prune(ui: &Ui, client: &Client, args: &PruneArgs) -> anyhow::Result<()> {
    let thread = thread_id(&args.thread)?;
    let keep = match args.before.as_deref() {
        Some(before) => Keep::From(checkpoint(before)?),
        None => Keep::Newest(args.keep.unwrap_or(NonZeroU32::MIN)),
    };
    let pruned = client.prune(thread, keep).await?;
    if ui.is_json() {
        return ui.out_json(&pruned);
    }
    ui.out(&pruned.checkpoint.to_string());
    let several = |count: u64, one: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
    };
    let kept = several(pruned.kept, "checkpoint");
    ui.note(&format!("kept {kept}; removed {}", several(pruned.runs_removed, "run")));
    if pruned.runs_needed > 0 {
        let needed = several(pruned.runs_needed, "older run");
        ui.note(&format!("{needed} kept on the disk: what is kept goes on from them"));
    }
    Ok(())
}

/// The writes of `--set`, read by the schemas of the thread's workflow.
async fn writes(
    session: &Session,
    client: &Client,
    thread: ThreadId,
    flags: &[String],
) -> anyhow::Result<Vec<Write>> {
    let head = client.thread(thread).await?.row.head.ok_or_else(|| {
        Refusal::user("empty_thread", format!("{thread} has no run yet"))
            .help(format!("wforge run FILE --thread {thread} gives it one"))
    })?;
    let draft = client.workflow_of(&client.report(head).await?.head).await?;
    inputs::writes(&draft, flags, session.config.run_limits.state_bytes_max)
}

/// One update of a file of `--updates`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateInFile {
    #[serde(default, rename = "as")]
    as_node: Option<String>,
    #[serde(default)]
    writes: WritesInFile,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WritesInFile {
    ByKey(Object),
    InOrder(Vec<Write>),
}

impl Default for WritesInFile {
    fn default() -> Self {
        Self::InOrder(Vec::new())
    }
}

/// A super-step of a file: one update, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum StepInFile {
    One(UpdateInFile),
    Several(Vec<UpdateInFile>),
}

fn updates(path: &Path) -> anyhow::Result<Vec<Vec<Update>>> {
    const FORM: &str = "write a JSON list of super-steps: [{\"as\": NODE, \"writes\": {KEY: VALUE}}, \
                        …], or lists of such updates";
    let wrong = |problem: String| Refusal::user("bad_flags", problem).help(FORM);
    let text = text_of(path, UPDATES_BYTES_MAX).map_err(wrong)?;
    let steps: Vec<StepInFile> = serde_json::from_str(&text)
        .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    let several = |step| match step {
        StepInFile::One(update) => vec![update],
        StepInFile::Several(updates) => updates,
    };
    let meant = |update: UpdateInFile| -> anyhow::Result<Update> {
        Ok(Update { writes: in_order(update.writes)?, as_node: update.as_node })
    };
    steps.into_iter().map(|step| several(step).into_iter().map(meant).collect()).collect()
}

fn in_order(writes: WritesInFile) -> anyhow::Result<Vec<Write>> {
    let write = |(key, value): (String, Value)| -> anyhow::Result<Write> {
        let key: Key = key.parse()?;
        Ok(Write { key, value, overwrite: false })
    };
    match writes {
        WritesInFile::InOrder(writes) => Ok(writes),
        WritesInFile::ByKey(values) => values.into_iter().map(write).collect(),
    }
}

async fn replay(ui: &Ui, client: &Client, args: &ReplayArgs) -> anyhow::Result<u8> {
    let thread = thread_id(&args.thread)?;
    let at = args.at.as_deref().map(checkpoint).transpose()?;
    let run = client.replay(thread, at, args.steps).await?;
    let head = client.report(run).await?.head;
    let draft = client.workflow_of(&head).await?;
    let title = format!("{}@{}", harmless(&head.workflow), head.version);
    ui.note(&ui.paint(Paint::Dim, &format!("{run}  {title}")));
    let watched = Watched::new(run, &draft, args.watch.fail_on_degraded);
    to_the_end(ui, client, Watched { ask: may_ask(ui), ..watched }).await
}

async fn migrate(session: &Session, client: &mut Client, args: &MigrateArgs) -> anyhow::Result<()> {
    let ui = &session.ui;
    let thread = thread_id(&args.thread)?;
    let to = match from_file(session, &args.to)? {
        Some(file) => file,
        None => registered(client, &args.to).await?,
    };
    let with = args.with.iter().map(|path| read_file(session, path));
    let with = with.collect::<anyhow::Result<Vec<_>>>()?;
    let title = format!("{}@{}", to.draft().name, to.draft().version);
    let plugins = args.plugins.as_deref().map(components).transpose()?;
    let (dry_run, restart_tasks) = (args.dry_run, args.restart_tasks);
    let migrate = Migrate { to, with, plugins, dry_run, restart_tasks };
    let migrated = client.migrate(thread, migrate).await?;
    if ui.is_json() {
        return ui.out_json(&migrated);
    }
    difference(ui, &migrated);
    match (migrated.checkpoint, migrated.continued) {
        (None, _) => ui.note("nothing was changed; leave --dry-run out to migrate"),
        (Some(made), None) => ui.note(&format!("{thread} goes on with {title} from {made}")),
        (Some(_), Some(run)) => {
            let label = ui.paint(Paint::Cyan, "help:");
            ui.note(&format!("{thread} goes on with {title} in {run}"));
            ui.note(&format!("{label} wforge runs resume {run}"));
        }
    }
    Ok(())
}

/// What becomes of an answer that somebody gave.
fn answer(fate: &AnswerFate) -> Vec<String> {
    let (what, why) = match &fate.why {
        None if fate.kept => ("kept", "its answer, where it asks the same".to_owned()),
        None => ("asked again", String::new()),
        Some(why) => ("asked again", why.clone()),
    };
    let why = format!("\"{}\" {why}", harmless(&fate.prompt));
    vec![what.to_owned(), format!("nodes.{}", fate.node), why]
}

/// What differs, a row each.
fn difference(ui: &Ui, migrated: &Migrated) {
    let it = &migrated.difference;
    let keys = |what: &str, keys: &[Key], why: &str| -> Vec<Vec<String>> {
        let row = |key: &Key| vec![what.to_owned(), format!("state.{key}"), why.to_owned()];
        keys.iter().map(row).collect()
    };
    ui.out(&format!("from {}", migrated.from));
    ui.out(&format!("to   {}", migrated.to));
    let mut rows = keys("added", &it.added, "its default, or unwritten");
    rows.extend(keys("dropped", &it.dropped, "its value is lost"));
    rows.extend(keys("kept", &it.kept, ""));
    let misfit = |misfit: &wforge_graph::Misfit| {
        vec!["misfit".to_owned(), format!("state.{}", misfit.key), harmless(&misfit.why)]
    };
    rows.extend(it.misfits.iter().map(misfit));
    let gone = |node: &NodeId| {
        vec!["dropped".to_owned(), format!("nodes.{node}"), "was to be started".to_owned()]
    };
    rows.extend(it.dropped_nodes.iter().map(gone));
    rows.extend(migrated.answers.iter().map(answer));
    columns(&rows).iter().for_each(|line| ui.out(line));
}
