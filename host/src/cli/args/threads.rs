//! `wforge threads …` as typed.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::Watch;

/// `wforge threads …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ThreadsCommand {
    /// List threads, the one that changed last first
    #[command(after_help = "Example:\n  wforge threads list --limit 10")]
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
    },
    /// Show a thread: its state, what comes next, its runs
    #[command(after_help = "Example:\n  wforge threads show THREAD --output json")]
    Show {
        /// The thread
        thread: String,
        /// The state at this checkpoint instead of the newest, as RUN@N
        #[arg(long, value_name = "CHECKPOINT")]
        at: Option<String>,
    },
    /// List a thread's checkpoints, the newest first
    #[command(after_help = "Example:\n  wforge threads history THREAD --output json")]
    History(HistoryArgs),
    /// Write a thread's state in the place of a node
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(Box<UpdateArgs>),
    /// Make an older checkpoint the newest again, as it is or with other values
    #[command(after_help = FORK_EXAMPLES)]
    Fork(Box<ForkArgs>),
    /// Run what is still to be done at a checkpoint
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Box<ReplayArgs>),
    /// Copy a thread to a new one
    #[command(after_help = "Example:\n  wforge threads copy THREAD")]
    Copy {
        /// The thread
        thread: String,
    },
    /// Keep only the newest checkpoints; runs that nothing goes on from are removed
    #[command(after_help = PRUNE_EXAMPLES)]
    Prune(PruneArgs),
    /// Bring a thread to another version of its workflow, after showing what differs
    #[command(after_help = MIGRATE_EXAMPLES)]
    Migrate(Box<MigrateArgs>),
}

/// `wforge threads history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The thread
    pub(crate) thread: String,
    /// How many checkpoints
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,
    /// Begin with those before this checkpoint, as RUN@N
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) before: Option<String>,
}

const UPDATE_EXAMPLES: &str = "\
Examples:
  wforge threads update THREAD --set approval=true --as approve
  wforge threads update THREAD --set draft=@draft.md && wforge threads replay THREAD
  wforge threads update THREAD --updates steps.json   # [{\"as\": …, \"writes\": {…}}, …]";

/// `wforge threads update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The thread
    pub(crate) thread: String,
    /// A write: KEY=text, KEY=@FILE or KEY=-; JSON where the key's schema is not a string
    #[arg(long = "set", value_name = "KEY=VALUE", required_unless_present = "updates")]
    pub(crate) set: Vec<String>,
    /// Write in the place of this node: what follows it comes next [default: who wrote last]
    #[arg(long = "as", value_name = "NODE", requires = "set")]
    pub(crate) node: Option<String>,
    /// Several updates, one after the other: a JSON list of {as, writes}
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "set")]
    pub(crate) updates: Option<PathBuf>,
    /// Update this checkpoint instead of the newest, as RUN@N
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) at: Option<String>,
}

const PRUNE_EXAMPLES: &str = "\
Examples:
  wforge threads prune THREAD                  # keeps the newest checkpoint
  wforge threads prune THREAD --keep 20
  wforge threads prune THREAD --before RUN@12  # keeps RUN@12 and what came after it";

/// `wforge threads prune`.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// The thread
    pub(crate) thread: String,
    /// How many of the newest checkpoints are kept [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "before")]
    pub(crate) keep: Option<NonZeroU32>,
    /// Keep this checkpoint, as RUN@N, and all that came after it
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) before: Option<String>,
}

const FORK_EXAMPLES: &str = "\
Examples:
  wforge threads history THREAD
  wforge threads fork THREAD --at RUN@12   # a copy beside it, which is the newest then
  wforge threads fork THREAD --at RUN@12 --set title=Better --as outline
  wforge threads replay THREAD             # runs what follows outline
  wforge threads replay THREAD --at RUN@12 # once more without a change";

/// `wforge threads fork`.
#[derive(Debug, Args)]
pub(crate) struct ForkArgs {
    /// The thread
    pub(crate) thread: String,
    /// The checkpoint, as RUN@N; wforge threads history lists them
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) at: String,
    /// A write: KEY=text, KEY=@FILE or KEY=-; JSON where the key's schema is not a string. Without
    /// any, the checkpoint is copied as it is
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Write in the place of this node: what follows it comes next [default: who wrote last]
    #[arg(long = "as", value_name = "NODE", requires = "set")]
    pub(crate) node: Option<String>,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  wforge threads replay THREAD                 # goes on at the newest checkpoint
  wforge threads replay THREAD --at RUN@12     # once more from an older one";

/// `wforge threads replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The thread
    pub(crate) thread: String,
    /// The checkpoint, as RUN@N [default: the newest]
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) at: Option<String>,
    /// Pause after so many super-steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: Option<u32>,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

pub(super) const MIGRATE_EXAMPLES: &str = "\
Examples:
  wforge workflow migrate THREAD --to brief@2.0.0 --dry-run
  wforge workflow migrate THREAD --to workflow.yaml --restart-tasks
  wforge workflow migrate THREAD --to workflow.yaml --plugins target/plugins";

/// `wforge threads migrate` and `wforge workflow migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// The thread
    pub(crate) thread: String,
    /// The workflow: the NAME@VERSION of a registered one, or a file
    #[arg(long, value_name = "NAME@VERSION|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) to: String,
    /// Show what differs, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Let tasks that are under way begin again; people's answers are kept where the same is asked
    #[arg(long)]
    pub(crate) restart_tasks: bool,
    /// Take plugins from the components in this folder, and only from there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) plugins: Option<PathBuf>,
    /// A further workflow file, for nodes that run a workflow; can be given several times
    #[arg(long = "with", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) with: Vec<PathBuf>,
}
