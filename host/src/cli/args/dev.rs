//! Arguments of `wforge dev`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const DEV_EXAMPLES: &str = "\
Settings, all of which may be left out, are kept in the project's dev.yaml:
  workflow: workflow.yaml          # the workflow to run
  input: { text: hello }           # its input keys
  answers: { approve: \"yes\" }      # answers to what nodes ask
  context: { user: me }            # what expressions see as `context`
  grants: [\"kv:run\"]               # what the plugin may do

Without grants, the plugin may do all that its plugin.toml needs: it is your own. Nothing is kept
between two starts but compiled code, in .wforge of the project.

Examples:
  wforge dev
  wforge dev my/plugin --input text='two words'
  wforge dev --grant kv:run --grant llm:fast     # these and nothing else
  wforge dev --output json | jq -r 'select(.event == \"output\").output'";

/// `wforge dev`.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// The project's folder, with its plugin.toml
    #[arg(value_name = "FOLDER", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// The workflow to run [default: that of dev.yaml, else the project's workflow.yaml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) workflow: Option<PathBuf>,
    /// An input key: KEY=text or KEY=@FILE, as wforge run has it; goes before dev.yaml
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// An answer to what a node asks; goes before dev.yaml
    #[arg(short, long = "answer", value_name = "NODE=VALUE")]
    pub(crate) answers: Vec<String>,
    /// What the plugin may do, instead of all that it needs; `needs` is all of it
    #[arg(long = "grant", value_name = "CAPABILITY")]
    pub(crate) grants: Vec<String>,
}
