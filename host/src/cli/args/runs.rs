//! `wforge runs …` and `wforge inbox …` as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// `wforge runs …`.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, the newest first
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        #[command(flatten)]
        which: WhichRuns,
    },
    /// Show a run: its tasks, its questions, its output
    #[command(after_help = "Example:\n  wforge runs show RUN --html run.html")]
    Show {
        /// The run
        run: String,
        /// Write one self-contained page: graph, timeline, state, mocks
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        html: Option<PathBuf>,
        /// Print the run's log instead, one JSON object a line
        #[arg(long, conflicts_with = "html")]
        events: bool,
    },
    /// Watch a run to its end, or how the newest runs stand
    #[command(after_help = super::following::WATCH_EXAMPLES)]
    Watch(super::following::WatchArgs),
    /// Answer a run's questions, or go on with one that was interrupted
    #[command(after_help = RESUME_EXAMPLES)]
    Resume(Box<ResumeArgs>),
    /// Stop a run at its next border; nothing that is under way is thrown away
    #[command(after_help = "Example:\n  wforge runs pause RUN && wforge runs show RUN")]
    Pause {
        /// The run
        run: String,
    },
    /// Let a paused run go on, to its end or for some super-steps
    #[command(after_help = "Example:\n  wforge runs continue RUN --steps 1")]
    Continue {
        /// The run
        run: String,
        /// Pause again after so many super-steps
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        steps: Option<u32>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Let a paused run make one super-step, and pause again
    #[command(after_help = "Example:\n  wforge runs step RUN")]
    Step {
        /// The run
        run: String,
        #[command(flatten)]
        watch: Watch,
    },
    /// Take up a run that failed: what failed begins again, what had finished is kept
    #[command(after_help = RETRY_EXAMPLES)]
    Retry {
        /// The run
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        run: Option<String>,
        #[command(flatten)]
        many: Box<Many>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show what a run used, by node: time, memory, host calls, tokens
    #[command(after_help = "Example:\n  wforge runs receipt RUN --output json")]
    Receipt {
        /// The run
        run: String,
    },
    /// Write one self-contained page of a run: graph, timeline, state, mocks
    #[command(after_help = "Example:\n  wforge runs report RUN --to run.html")]
    Report {
        /// The run
        run: String,
        /// The file [default: stdout]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        to: Option<PathBuf>,
    },
    /// Print what a run streams, one JSON object a line, from its beginning to its end
    #[command(after_help = STREAM_EXAMPLES)]
    Stream(Box<StreamArgs>),
    /// Write a run's recorded answers as a cassette, one JSON object a line
    #[command(after_help = "Example:\n  wforge runs export RUN --to run.cassette.ndjson")]
    Export {
        /// The run
        run: String,
        /// The file [default: stdout]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        to: Option<PathBuf>,
    },
    /// End a run, or many
    #[command(after_help = CANCEL_EXAMPLES)]
    Cancel {
        /// The run
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        run: Option<String>,
        #[command(flatten)]
        many: Box<Many>,
        /// Why; kept in the run's log
        #[arg(long, default_value = "cancelled from the command line")]
        reason: String,
    },
}

impl RunsCommand {
    /// The file of `--call-log`, where the command takes one.
    pub(super) fn call_log(&self) -> &Option<String> {
        match self {
            Self::Resume(args) => &args.watch.call_log,
            Self::Continue { watch, .. } | Self::Step { watch, .. } | Self::Retry { watch, .. } => {
                &watch.call_log
            }
            Self::List { .. }
            | Self::Show { .. }
            | Self::Watch(_)
            | Self::Pause { .. }
            | Self::Stream(_)
            | Self::Export { .. }
            | Self::Receipt { .. }
            | Self::Report { .. }
            | Self::Cancel { .. } => &None,
        }
    }
}

const LIST_EXAMPLES: &str = "\
Examples:
  wforge runs list --limit 10
  wforge runs list --status failed,blocked --since 2h
  wforge runs list --workflow brief --label team=search --degraded";

const CANCEL_EXAMPLES: &str = "\
Examples:
  wforge runs cancel RUN --reason \"wrong document\"
  wforge runs cancel --all --status waiting --workflow brief --dry-run
  wforge runs cancel --all --label nightly=yes --yes";

const RETRY_EXAMPLES: &str = "\
Examples:
  wforge runs retry RUN
  wforge runs retry --all --workflow brief --since 1d";

/// Which runs are meant.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WhichRuns {
    /// How they stand, such as failed; several are parted by commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// The name of their workflow
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// Their thread
    #[arg(long, value_name = "THREAD")]
    pub(crate) thread: Option<String>,
    /// A label that they have; can be given several times
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Accepted since so long ago, such as 90m or 7d; or milliseconds since 1970
    #[arg(long, value_name = "AGO")]
    pub(crate) since: Option<String>,
    /// Accepted before then, in the same way
    #[arg(long, value_name = "AGO")]
    pub(crate) until: Option<String>,
    /// Only those in which a mock stood in for a named agent
    #[arg(long)]
    pub(crate) degraded: bool,
}

/// Flags of the commands that change one run or many.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Many {
    /// All runs that the flags below mean, instead of one; at most 1,000 at a time
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) which: WhichRuns,
    /// Say which runs are meant, and do nothing
    #[arg(long, requires = "all")]
    pub(crate) dry_run: bool,
    /// Do not ask first
    #[arg(long, requires = "all")]
    pub(crate) yes: bool,
}

/// Flags of the commands that follow a run to its end.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Watch {
    /// Exit with 4 where a mock stood in for a named agent
    #[arg(long)]
    pub(crate) fail_on_degraded: bool,
    /// Append every call of a plugin to this file, outside the store
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) call_log: Option<String>,
}

const RESUME_EXAMPLES: &str = "\
Answers:
  VALUE        where one question is open
  NODE=VALUE   the question that this node asks; outer/inner inside a subgraph
  ASK=VALUE    the question with this id, as wforge inbox lists it

Examples:
  wforge runs resume RUN --answer yes
  wforge runs resume RUN --answer approve=yes --answer review/title='A better one'";

/// `wforge runs resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run
    pub(crate) run: String,
    /// An answer to an open question (see below)
    #[arg(short, long = "answer", value_name = "[NODE|ASK=]VALUE")]
    pub(crate) answers: Vec<String>,
    /// Take up a blocked run: the task that diverged from its record begins again with an empty
    /// one, and what it had done to the world may be done once more
    #[arg(long, conflicts_with = "answers")]
    pub(crate) discard_effects: bool,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

const STREAM_EXAMPLES: &str = "\
Examples:
  wforge runs stream RUN --mode values
  wforge runs stream RUN --mode updates,messages --subgraphs | jq .data";

/// `wforge runs stream`.
#[derive(Debug, Args)]
pub(crate) struct StreamArgs {
    /// The run
    pub(crate) run: String,
    /// What to stream; several are separated by commas
    #[arg(long, value_name = "MODES", value_delimiter = ',', default_value = "updates")]
    pub(crate) mode: Vec<StreamMode>,
    /// Also what happens inside of subgraphs
    #[arg(long)]
    pub(crate) subgraphs: bool,
    /// Begin after the chunk with this id, or after all of the event with this number
    #[arg(long, value_name = "ID", value_parser = chunk_id)]
    pub(crate) after: Option<String>,
}

/// `12.1`, or `12` for all of that event.
fn chunk_id(text: &str) -> Result<String, String> {
    let is_number = |text: &str| text.parse::<u64>().is_ok();
    let fits = match text.split_once('.') {
        Some((seq, number)) => is_number(seq) && is_number(number),
        None => is_number(text),
    };
    if fits { Ok(text.to_owned()) } else { Err("write the id of a chunk, such as 12.1".to_owned()) }
}

/// What to stream of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamMode {
    /// The whole state after each super-step
    Values,
    /// What each task wrote
    Updates,
    /// The messages that tasks wrote
    Messages,
    /// What agents emit
    Custom,
    /// The checkpoints, with the state and what comes next
    Checkpoints,
    /// The beginnings and ends of tasks
    Tasks,
    /// Checkpoints and tasks together
    Debug,
}

impl From<StreamMode> for wforge_graph::StreamMode {
    fn from(typed: StreamMode) -> Self {
        match typed {
            StreamMode::Values => Self::Values,
            StreamMode::Updates => Self::Updates,
            StreamMode::Messages => Self::Messages,
            StreamMode::Custom => Self::Custom,
            StreamMode::Checkpoints => Self::Checkpoints,
            StreamMode::Tasks => Self::Tasks,
            StreamMode::Debug => Self::Debug,
        }
    }
}

pub(super) const INBOX_EXAMPLES: &str = "\
Examples:
  wforge inbox
  wforge inbox list --mine --overdue
  wforge inbox assign ASK ann --note 'you know the customer'
  wforge inbox answer ASK yes";

/// `wforge inbox`.
#[derive(Debug, Args)]
pub(crate) struct Inbox {
    #[command(subcommand)]
    pub(crate) command: Option<InboxCommand>,
    #[command(flatten)]
    pub(crate) list: InboxList,
}

/// Which questions are listed.
#[derive(Debug, Args)]
pub(crate) struct InboxList {
    /// How many questions, the oldest run first
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,
    /// Only the questions that were put to this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mine", "unassigned"])]
    pub(crate) assignee: Option<String>,
    /// Only the questions that were put to you, by the name of your key or token
    #[arg(long, conflicts_with = "unassigned")]
    pub(crate) mine: bool,
    /// Only the questions that were put to nobody
    #[arg(long)]
    pub(crate) unassigned: bool,
    /// Only what is past its deadline, or past the time after which it escalates
    #[arg(long)]
    pub(crate) overdue: bool,
    /// Only of this workflow: NAME or NAME@VERSION
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// Only of this run
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// Only of this thread
    #[arg(long)]
    pub(crate) thread: Option<String>,
    /// Only what this node asks
    #[arg(long)]
    pub(crate) node: Option<String>,
    /// Only of runs that have not moved for so long, such as 30m, 4h or 2d
    #[arg(long, value_name = "AGE")]
    pub(crate) older_than: Option<String>,
    /// What is due first is first
    #[arg(long)]
    pub(crate) by_deadline: bool,
}

/// `wforge inbox …`.
#[derive(Debug, Subcommand)]
pub(crate) enum InboxCommand {
    /// List the questions that are open, and the runs that are paused
    #[command(after_help = "Examples:\n  wforge inbox list --mine\n  \
        wforge inbox list --overdue --by-deadline --output json")]
    List(InboxList),
    /// Put a question to somebody; the audit log says who did
    #[command(
        after_help = "Examples:\n  wforge inbox assign ASK ann --note 'before noon, please'\n  \
        wforge inbox assign ASK --nobody"
    )]
    Assign {
        /// The question's id, as wforge inbox lists it
        ask: String,
        /// Who should answer: the subject of a member, or whatever name your people go by
        #[arg(required_unless_present = "nobody")]
        assignee: Option<String>,
        /// Leave it to whoever comes
        #[arg(long, conflicts_with = "assignee")]
        nobody: bool,
        /// What is said to them with it
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Answer a question; its run goes on, and is followed as `wforge runs resume` does
    #[command(after_help = "Example:\n  wforge inbox answer ASK yes")]
    Answer {
        /// The question's id, as wforge inbox lists it
        ask: String,
        /// The answer; JSON where its schema is no string, and a scalar fills an object's only
        /// required property
        value: String,
        #[command(flatten)]
        watch: Watch,
    },
}

pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  wforge replay RUN                            # exit 1 where something comes to something else
  wforge replay RUN --with acme/count@1.1.0    # would a new version have behaved the same?
  wforge replay RUN --with ./target/acme-count.wasm --output json";

/// `wforge replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayRunArgs {
    /// The run
    pub(crate) run: String,
    /// Another component of one of its plugins; can be given several times
    #[arg(long, value_name = "NAME@VERSION|FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) with: Vec<String>,
}
