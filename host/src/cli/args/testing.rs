//! Arguments of the commands about one component: test, check, inspect, and the part of run that
//! calls one agent.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const TEST_EXAMPLES: &str = "\
A case, in tests/first.yaml:
  # yaml-language-server: $schema=tests.schema.json
  cases:
    - name: counts words
      input: { text: one two three }
      expect: { output: { words: 3 } }
    - name: asks a model
      input: { text: hi }
      script: { llm: [a made up answer] }
      expect: snapshot

Examples:
  wforge test
  wforge test my/plugin --filter words
  wforge test target/me-count.wasm --cases tests --junit report.xml
  wforge test --update                          # write tests/snapshots/ anew
  wforge test --schema > tests/tests.schema.json # for editors";

pub(super) const CHECK_EXAMPLES: &str = "\
Checks: admission, world, schemas, size, limits, determinism, denial, hostile-inputs. A project's
cases, tests/*.yaml, say how its agents are called; without any, inputs are built from schemas.

Examples:
  wforge check
  wforge check target/me-count.wasm
  wforge check my/plugin --output json > check.json";

pub(super) const INSPECT_EXAMPLES: &str = "\
Examples:
  wforge inspect target/me-count.wasm
  wforge inspect wforge/digest@0.1.0
  wforge inspect examples/brief/workflow.yaml
  wforge inspect cassettes/answers.ndjson --output json";

/// `wforge test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// A plugin's folder, which is built where its sources are newer; or a component
    #[arg(value_name = "FOLDER|COMPONENT", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    /// Write the snapshots anew
    #[arg(long)]
    pub(crate) update: bool,
    /// Only the cases whose name holds this
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Write the report as JUnit XML too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Print the JSON Schema of files of cases, for editors, and do nothing else
    #[arg(long)]
    pub(crate) schema: bool,
}

/// `wforge check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A component; or a plugin's folder, which is built where its sources are newer
    #[arg(value_name = "COMPONENT|FOLDER", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
}

/// What is taken in the place of a project's own.
#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    /// The component [default: target/<publisher>-<name>.wasm of the folder]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) component: Option<PathBuf>,
    /// The folder with the cases [default: tests]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cases: Option<PathBuf>,
}

/// `wforge inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A component, a workflow file, a cassette; or the publisher/name[@VERSION] of an installed
    /// plugin
    #[arg(value_name = "FILE|NAME", value_hint = ValueHint::FilePath)]
    pub(crate) name: String,
}

/// The part of `wforge run` that calls one agent.
#[derive(Debug, Args)]
#[command(next_help_heading = "One agent")]
pub(crate) struct OneAgent {
    /// Call one agent of this component instead of a workflow; nothing of it is kept
    #[arg(long, value_name = "COMPONENT", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = [
        "mocks", "plugins", "with", "thread", "durability", "steps", "labels", "detach",
    ])]
    pub(crate) agent: Option<PathBuf>,
    /// The agent's name [default: the only one, or main]
    #[arg(long, value_name = "AGENT", requires = "agent")]
    pub(crate) name: Option<String>,
    /// The agent's configuration
    #[arg(long, value_name = "JSON|@FILE", requires = "agent")]
    pub(crate) agent_config: Option<String>,
    /// Let it do this, one of its needs; or `all` of them. Can be given several times
    #[arg(long = "grant", value_name = "CAP", requires = "agent")]
    pub(crate) grants: Vec<String>,
}
