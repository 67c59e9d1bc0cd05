//! Arguments of the commands about workflows: run, validate, draw, register, migrate.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{MigrateArgs, OneAgent, Watch, threads};

pub(super) const RUN_EXAMPLES: &str = "\
Inputs:
  KEY=text         the text; JSON where the key's schema is not a string
  KEY=@FILE        the text of a file
  KEY=@FILE.json   the JSON of a file, where the key's schema is not a string
  KEY=-            the text of stdin

Examples:
  wforge run examples/brief/workflow.yaml --input document=@README.md
  wforge run workflow.yaml --input document=- --answer approve=yes --output json < notes.txt
  wforge run workflow.yaml --input n=3 --plugins ./plugins --mock scan=scan.json
  wforge run outer.yaml --with inner.yaml --input text=- --answer outer/approve=yes
  wforge run chat --thread new --input messages=@question.json
  wforge run chat --thread THREAD --multitask enqueue --input messages=@more.json
  wforge run workflow.yaml --steps 1   # and then: wforge runs step RUN
  wforge run workflow.yaml --label team=search --label nightly=yes

One agent, with real effects and nothing kept:
  wforge run --agent target/me-count.wasm --input '{\"text\": \"one two\"}'
  wforge run --agent count.wasm --input text=@README.md --grant llm:fast --grant kv:run
  wforge run --agent tools.wasm --name search --input @query.json --agent-config '{\"top\": 3}'";

/// `wforge run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A workflow file, or the NAME[@VERSION] of a registered workflow
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(required_unless_present = "agent", conflicts_with = "agent")]
    pub(crate) file: Option<String>,
    #[command(flatten)]
    pub(crate) one: OneAgent,
    /// An input key: KEY=text, KEY=@FILE or KEY=- (see below)
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// An answer to an `ask` node, given beforehand; outer/inner inside a subgraph
    #[arg(short, long = "answer", value_name = "NODE=VALUE")]
    pub(crate) answers: Vec<String>,
    /// Let the mock agent do a node, outer/inner inside a subgraph; FILE is the JSON of its answer
    #[arg(long = "mock", value_name = "NODE[=FILE]")]
    pub(crate) mocks: Vec<String>,
    /// Take plugins from the components in this folder, and only from there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) plugins: Option<PathBuf>,
    /// Read-only JSON that expressions see as `context`
    #[arg(long, value_name = "@FILE|JSON")]
    pub(crate) context: Option<String>,
    /// A further workflow file, for nodes that run a workflow; can be given several times
    #[arg(long = "with", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) with: Vec<PathBuf>,
    /// The thread whose state the run goes on from, or `new` for one of its own
    #[arg(long, value_name = "THREAD|new")]
    pub(crate) thread: Option<String>,
    /// What to do where another run of the thread is under way [default: enqueue]
    #[arg(long, value_name = "HOW", requires = "thread")]
    pub(crate) multitask: Option<Multitask>,
    /// Which super-steps the thread's history keeps [default: sync]
    #[arg(long, value_name = "WHEN")]
    pub(crate) durability: Option<Durability>,
    /// Pause after so many super-steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: Option<u32>,
    /// What the run is found by later, such as team=search; can be given several times
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Start the run on the server and do not wait for it
    #[arg(long, conflicts_with = "fail_on_degraded")]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

/// What to do where another run of the thread is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Multitask {
    /// Refuse the new run
    Reject,
    /// Let the new run wait for its turn
    Enqueue,
    /// Cancel the run that is under way, and keep the steps that it finished
    Interrupt,
    /// Cancel the run that is under way, and go back to where the thread was before it
    Rollback,
}

/// Which super-steps the thread's history keeps; what is acknowledged is always on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// Every one
    Sync,
    /// Every one; the same as sync
    Async,
    /// The last one only
    Exit,
}

/// `wforge validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Workflow files
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

/// `wforge graph`.
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// A workflow file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The language to draw in
    #[arg(long, default_value = "mermaid")]
    pub(crate) format: GraphFormat,
}

/// Languages to draw in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Dot,
    Json,
    Svg,
}

/// `wforge workflow …`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// Register a workflow under its name and version
    #[command(after_help = "Example:\n  wforge workflow register examples/brief/workflow.yaml")]
    Register {
        /// A workflow file
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// List the registered workflows
    #[command(after_help = "Example:\n  wforge workflow list")]
    List,
    /// List the registered versions of a workflow, the newest first
    #[command(after_help = "Example:\n  wforge workflow versions brief")]
    Versions {
        /// The name of the workflow
        name: String,
    },
    /// Bring a thread to another version of its workflow, after showing what differs
    #[command(after_help = threads::MIGRATE_EXAMPLES)]
    Migrate(Box<MigrateArgs>),
}
