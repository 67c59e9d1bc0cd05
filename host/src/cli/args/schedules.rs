//! Arguments of the commands about schedules.

use clap::{Args, Subcommand, ValueEnum};

/// `wforge schedules …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchedulesCommand {
    /// List the schedules: when each runs next, and what came of it last
    #[command(after_help = "Example:\n  wforge schedules list --output json")]
    List,
    /// Make a schedule, or change the one of that name
    #[command(after_help = ADD_EXAMPLES)]
    Add(Box<ScheduleAdd>),
    /// Show a schedule
    #[command(after_help = "Example:\n  wforge schedules show nightly")]
    Show {
        /// Its name
        name: String,
    },
    /// Remove a schedule; runs that it started go on
    #[command(after_help = "Example:\n  wforge schedules remove nightly")]
    Remove {
        /// Its name
        name: String,
    },
    /// Have a schedule start nothing until it is continued
    #[command(after_help = "Example:\n  wforge schedules pause nightly")]
    Pause {
        /// Its name
        name: String,
    },
    /// Have a schedule start runs again, from its next time on
    #[command(after_help = "Example:\n  wforge schedules continue nightly")]
    Continue {
        /// Its name
        name: String,
    },
    /// Start a run of a schedule now, paused or not
    #[command(after_help = "Example:\n  wforge schedules trigger nightly --wait 10s")]
    Trigger {
        /// Its name
        name: String,
        /// How long to wait for the run, such as 10s
        #[arg(long, default_value = "30s", value_name = "DURATION")]
        wait: String,
    },
    /// Show the next times of a schedule, or of an expression before there is one
    #[command(after_help = "Examples:\n  wforge schedules next nightly --count 10\n  \
        wforge schedules next --cron '30 7 * * MON-FRI' --zone Europe/Berlin")]
    Next(ScheduleNext),
}

/// Where and when anything happens.
const ADD_EXAMPLES: &str = "\
Times are started by a server, wforge serve; commands without one start none.

An expression has five fields: minute, hour, day of the month, month and day of the week; or it is
@hourly, @daily, @weekly, @monthly or @yearly. wforge schedules next shows what it means.

Examples:
  wforge schedules add nightly --workflow brief --cron '0 2 * * *' --zone Europe/Berlin
  wforge schedules add watch --workflow scan@1.2.0 --cron '*/5 * * * *' --overlap skip
  wforge schedules add report --workflow report --cron @daily --input '{\"to\": \"ann\"}' \\
    --time-key date --missed all --jitter 60";

/// `wforge schedules add`.
#[derive(Debug, Args)]
pub(crate) struct ScheduleAdd {
    /// Letters, digits, _ and -
    pub(crate) name: String,
    /// A registered workflow, NAME or NAME@VERSION; without a version the newest at each start
    #[arg(long, value_name = "NAME[@VERSION]")]
    pub(crate) workflow: String,
    /// When: five fields, or @daily and the like
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) cron: String,
    /// The time zone that is meant
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub(crate) zone: String,
    /// The input keys of each run, as JSON
    #[arg(long, value_name = "@FILE|JSON")]
    pub(crate) input: Option<String>,
    /// Read-only JSON that expressions of each run see as `context`
    #[arg(long, value_name = "@FILE|JSON")]
    pub(crate) context: Option<String>,
    /// The input key that gets the time by the expression
    #[arg(long, value_name = "KEY")]
    pub(crate) time_key: Option<String>,
    /// The thread of its runs, or `new` for one of its own for each
    #[arg(long, default_value = "none", value_name = "THREAD|new")]
    pub(crate) thread: String,
    /// What becomes of times at which the server was off
    #[arg(long, default_value = "one")]
    pub(crate) missed: Missed,
    /// What becomes of a time at which the run before has not ended
    #[arg(long, default_value = "allow")]
    pub(crate) overlap: Overlap,
    /// The most that a start is put off, in seconds
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub(crate) jitter: u32,
    /// For how long it starts runs, such as 30d [default: until it is removed]
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) lasting: Option<String>,
    /// How many runs it starts [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) runs_max: Option<u64>,
    /// It starts nothing until it is continued
    #[arg(long)]
    pub(crate) paused: bool,
}

/// What becomes of times at which the server was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Missed {
    /// Nothing
    Skip,
    /// One run for all of them
    One,
    /// A run for each of them, for the newest hundred at most
    All,
}

/// What becomes of a time at which the run before has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Overlap {
    /// Another run is started beside it
    Allow,
    /// Nothing is started
    Skip,
}

/// `wforge schedules next`.
#[derive(Debug, Args)]
pub(crate) struct ScheduleNext {
    /// A schedule
    #[arg(required_unless_present = "cron", conflicts_with = "cron")]
    pub(crate) name: Option<String>,
    /// An expression
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) cron: Option<String>,
    /// The time zone in which it is meant [default: UTC]
    #[arg(long, value_name = "ZONE", requires = "cron")]
    pub(crate) zone: Option<String>,
    /// How many times, 1 to 100
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) count: usize,
}
