//! Arguments of the commands for authors of plugins: new, build, doctor.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::author::new::{Lang, Template};

pub(super) const BUILD_EXAMPLES: &str = "\
Examples:
  wforge build
  wforge build plugins/crawler --out dist
  wforge build --install   # fetches what is missing, such as a target or packages of npm
  wforge build --output json";

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  wforge doctor
  wforge doctor --lang rust --lang js   # no other language than these two
  wforge doctor --fix                   # installs what needs no rights: a target, pinned packages";

/// `wforge new …`.
#[derive(Debug, Subcommand)]
pub(crate) enum NewCommand {
    /// Make a plugin: an agent with its tests, an example workflow, and the SDK
    #[command(after_help = "Examples:\n  wforge new agent\n  \
                            wforge new agent acme/greeter --lang rust\n  \
                            wforge new agent acme/reader --lang python --template http --dir reader")]
    Agent(NewAgent),
    /// Make a workflow that runs without a plugin
    #[command(after_help = "Example:\n  wforge new workflow review")]
    Workflow(NewWorkflow),
}

/// `wforge new agent`.
#[derive(Debug, Args)]
pub(crate) struct NewAgent {
    /// publisher/name, or a name alone; asked for at a terminal
    pub(crate) name: Option<String>,
    /// The language; asked for at a terminal
    #[arg(long, value_name = "LANG")]
    pub(crate) lang: Option<Lang>,
    /// What the agent does to begin with [default: hello]
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) template: Option<Template>,
    /// The folder of the project, new or empty [default: the name]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

/// `wforge new workflow`.
#[derive(Debug, Args)]
pub(crate) struct NewWorkflow {
    /// The workflow's name; asked for at a terminal
    pub(crate) name: Option<String>,
    /// The folder of the project, new or empty [default: the name]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

/// `wforge build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder with plugin.toml [default: this one]
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
    /// Install what is missing: a target by rustup, pinned packages of npm or pip into the cache
    #[arg(long)]
    pub(crate) install: bool,
    /// Where the component goes [default: target in the plugin's folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

/// `wforge doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Look at no other language than this one; can be given several times
    #[arg(long = "lang", value_name = "LANG")]
    pub(crate) langs: Vec<Lang>,
    /// Install what is missing and needs no rights: a target, pinned packages in the cache
    #[arg(long)]
    pub(crate) fix: bool,
}
