//! `wforge runs cancel|retry --all`: what is meant is shown first, and what was shown is done.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use serde_json::{Value, json};
use wforge_model::head::{RunHead, RunStatus};

use super::Session;
use super::admin::{text_of, with_control_to};
use super::args::{Many, WhichRuns};
use super::refusal::{EXIT_FAILED, Refusal};
use super::run_views::print_heads;
use super::ui::{Paint, Ui, columns};
use crate::client::Control;
use crate::compose::Mode;

/// Runs of one command; more need a second one.
const RUNS_MAX: usize = 1_000;

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Cancel { reason: String },
    Retry,
}

impl Deed {
    const fn verb(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "cancel",
            Self::Retry => "retry",
        }
    }

    fn fits(&self, status: RunStatus) -> bool {
        match self {
            Self::Cancel { .. } => !status.is_final(),
            Self::Retry => status == RunStatus::Failed,
        }
    }

    fn body(&self, ids: &[String]) -> Value {
        match self {
            Self::Cancel { reason } => json!({ "ids": ids, "reason": reason }),
            Self::Retry => json!({ "ids": ids }),
        }
    }
}

/// The one run that is meant; none: those of the flags.
pub(super) fn meant<'a>(run: Option<&'a str>, many: &Many) -> Result<Option<&'a str>, Refusal> {
    if run.is_some() && !many.which.is_empty() {
        let message = "flags such as --status choose among all runs, but one is named";
        let help = "leave the run out and say --all, or leave the flags out";
        return Err(Refusal::user("bad_flags", message).help(help));
    }
    Ok(run)
}

/// One of the commands.
pub(super) async fn run(session: &Session, deed: Deed, many: &Many) -> anyhow::Result<u8> {
    with_control_to(session, Mode::Drive, async |control: &Control| {
        all(&session.ui, control, &deed, many).await
    })
    .await
}

async fn all(ui: &Ui, control: &Control, deed: &Deed, many: &Many) -> anyhow::Result<u8> {
    let heads = found(control, deed, &many.which).await?;
    if many.dry_run {
        if ui.is_json() {
            ui.out_json(&heads)?;
        } else {
            print_heads(ui, &heads);
            ui.note(&format!("{} runs; nothing was done", heads.len()));
        }
        return Ok(0);
    }
    if heads.is_empty() {
        return told(ui, &json!({ "items": [], "changed": 0, "refused": 0 }));
    }
    confirm(ui, deed, &heads, many.yes)?;
    let ids: Vec<String> = heads.iter().map(|head| head.run.to_string()).collect();
    let path = format!("/v1/runs/{}", deed.verb());
    let done = control.post(&path, Some(&deed.body(&ids))).await?;
    if heads.len() == RUNS_MAX {
        ui.note("there may be more: the same command again takes them");
    }
    told(ui, &done)
}

/// The runs that are meant, as they stand now. Without --status those to which it can be done.
async fn found(control: &Control, deed: &Deed, which: &WhichRuns) -> anyhow::Result<Vec<RunHead>> {
    let mut which = which.clone();
    if which.status.is_empty() {
        let fitting = RunStatus::ALL.into_iter().filter(|status| deed.fits(*status));
        which.status = fitting.map(|status| status.as_str().to_owned()).collect();
    }
    let rows = control.first(&which.path(), RUNS_MAX).await?;
    serde_json::from_value(rows.into()).context("reading the answer")
}

/// Asks at the terminal, unless that was answered.
fn confirm(ui: &Ui, deed: &Deed, heads: &[RunHead], yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    let (verb, count) = (deed.verb(), heads.len());
    if !std::io::stdin().is_terminal() {
        let message = format!("{count} runs are meant, and nobody has confirmed that");
        let help = format!("--dry-run shows them, --yes does {verb} them");
        return Err(Refusal::user("not_confirmed", message).help(help).into());
    }
    if !ui.is_json() {
        print_heads(ui, heads);
    }
    ui.ask(&ui.paint(Paint::Cyan, &format!("{verb} these {count} runs? (yes/no) > ")));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("reading the answer")?;
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Refusal::user("not_confirmed", "nothing was done").into()),
    }
}

/// What came of it; fails where a run was left as it is.
fn told(ui: &Ui, done: &Value) -> anyhow::Result<u8> {
    let refused = done.get("refused").and_then(Value::as_u64).unwrap_or(0);
    let exit = if refused > 0 { EXIT_FAILED } else { 0 };
    if ui.is_json() {
        ui.out_json(done)?;
        return Ok(exit);
    }
    let items = done.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let row = |item: &Value| {
        ["run", "outcome", "status", "refusal.detail"].map(|field| text_of(item, field)).to_vec()
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    ui.note(&format!("{} changed, {refused} refused", text_of(done, "changed")));
    Ok(exit)
}
