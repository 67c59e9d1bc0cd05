//! The command line as typed. What it means is the commands' matter.

mod admin;
mod author;
mod dev;
mod following;
mod grants;
mod hooks;
mod kv;
mod plugins;
mod registry;
mod runs;
mod schedules;
mod signing;
mod system;
mod testing;
mod threads;
mod trust;
mod webhooks;
mod workflows;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::Flag;

pub(crate) use admin::{
    AuditCommand, ContextCommand, ExportArgs, KeyAdd, KeysCommand, LoginArgs, MembersCommand,
    SecretSet, SecretsCommand, TenantsCommand, TokenCommand, Whose,
};
pub(crate) use author::{BuildArgs, DoctorArgs, NewAgent, NewCommand, NewWorkflow};
pub(crate) use dev::DevArgs;
pub(crate) use following::{LogLevel, LogsArgs, TopArgs, WatchArgs};
pub(crate) use grants::{GrantsCommand, Site, What, Which};
pub(crate) use hooks::{HookAdd, HooksCommand};
pub(crate) use kv::{BlobsCommand, KvCommand, KvPlace, KvPut};
pub(crate) use plugins::PluginCommand;
pub(crate) use registry::{FromRegistry, PublishArgs, PullArgs, RegistryArgs};
pub(crate) use runs::{
    Inbox, InboxCommand, InboxList, Many, ReplayRunArgs, ResumeArgs, RunsCommand, StreamArgs,
    Watch, WhichRuns,
};
pub(crate) use schedules::{Missed, Overlap, ScheduleAdd, ScheduleNext, SchedulesCommand};
pub(crate) use signing::{KeygenArgs, SignArgs, VerifyArgs};
pub(crate) use system::{LogLevelArgs, SystemArgs, SystemCommand};
pub(crate) use testing::{CheckArgs, InspectArgs, OneAgent, SubjectArgs, TestArgs};
pub(crate) use threads::{
    ForkArgs, HistoryArgs, MigrateArgs, PruneArgs, ReplayArgs, ThreadsCommand, UpdateArgs,
};
pub(crate) use trust::{PolicyArgs, TrustCommand};
pub(crate) use webhooks::{WebhookAdd, WebhooksCommand};
pub(crate) use workflows::{
    Durability, GraphArgs, GraphFormat, Multitask, RunArgs, ValidateArgs, WorkflowCommand,
};

/// Runs other people's agents, sandboxed, as workflows that survive kill -9.
#[derive(Debug, Parser)]
#[command(
    name = "wforge",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed: a run, a server, this machine
  2    the request was wrong: flags, a file, an answer, a missing agent; nothing was started
  3    the run waits for a person, is paused, or waits for its turn
  4    the run completed on stand-ins, and --fail-on-degraded was given
  130  interrupted; `wforge runs resume RUN` goes on";

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The data directory [default: see `wforge config show`]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    #[arg(help_heading = "Global options")]
    pub(crate) data_dir: Option<String>,
    /// The configuration file [default: the nearest wforge.toml upwards]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(env = "WFORGE_CONFIG", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// The server to ask, by the name of a login [default: the current one; see wforge context]
    #[arg(long, global = true, value_name = "NAME", env = "WFORGE_CONTEXT")]
    #[arg(help_heading = "Global options")]
    pub(crate) context: Option<String>,
    /// The server to ask, with WFORGE_API_KEY [default: the login's; who holds the data directory]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) server: Option<String>,
    /// How results are written to stdout
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    #[arg(help_heading = "Global options")]
    pub(crate) output: Output,
    /// No progress, only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    #[arg(help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// More on stderr: plugins' log lines, then the host's own (-vv)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    #[arg(help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// When to colour; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(help_heading = "Global options")]
    pub(crate) color: Color,
}

impl From<Multitask> for wforge_engine::Multitask {
    fn from(typed: Multitask) -> Self {
        match typed {
            Multitask::Reject => Self::Reject,
            Multitask::Enqueue => Self::Enqueue,
            Multitask::Interrupt => Self::Interrupt,
            Multitask::Rollback => Self::Rollback,
        }
    }
}

impl From<Durability> for wforge_model::checkpoint::Durability {
    fn from(typed: Durability) -> Self {
        match typed {
            Durability::Sync => Self::Sync,
            Durability::Async => Self::Async,
            Durability::Exit => Self::Exit,
        }
    }
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow and print its output
    #[command(after_help = workflows::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Write a plugin: build and run a project again whenever it is saved
    #[command(after_help = dev::DEV_EXAMPLES)]
    Dev(Box<DevArgs>),
    /// Check workflow files; every problem at once, with line and column
    #[command(after_help = "Example:\n  wforge validate examples/*/workflow.yaml")]
    Validate(ValidateArgs),
    /// Draw a workflow
    #[command(after_help = "Example:\n  wforge graph workflow.yaml --format dot | dot -Tsvg")]
    Graph(GraphArgs),
    /// Make a project: a plugin with an agent, or a workflow
    #[command(subcommand)]
    New(NewCommand),
    /// Build a plugin: its folder becomes one component
    #[command(after_help = author::BUILD_EXAMPLES)]
    Build(BuildArgs),
    /// Say what this machine has for building plugins, what it lacks, and what mends it
    #[command(after_help = author::DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Run a plugin's test cases in the sandbox
    #[command(after_help = testing::TEST_EXAMPLES)]
    Test(TestArgs),
    /// Check a component as a host that requires it would; exit 1 where a check fails
    #[command(after_help = testing::CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show what a component, a workflow file, a cassette or an installed plugin says of itself
    #[command(after_help = testing::INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Install, list and inspect plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Register and list workflows
    #[command(subcommand)]
    Workflow(WorkflowCommand),
    /// List, show, watch, resume, pause, retry, stream and cancel runs; one or many
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Show what happened in runs and what their plugins write, line by line
    #[command(after_help = following::LOGS_EXAMPLES)]
    Logs(LogsArgs),
    /// Look at what a server has to do right now, every second
    #[command(after_help = following::TOP_EXAMPLES)]
    Top(TopArgs),
    /// Make a recorded run again without any effect, and show the first difference
    #[command(after_help = runs::REPLAY_EXAMPLES)]
    Replay(ReplayRunArgs),
    /// List the open questions of all runs, put them to somebody, answer them
    #[command(after_help = runs::INBOX_EXAMPLES, args_conflicts_with_subcommands = true)]
    Inbox(Inbox),
    /// Look at the state that runs share, go back in it, change it, tidy it up
    #[command(subcommand)]
    Threads(ThreadsCommand),
    /// Look at what plugins remember, and put it right
    #[command(subcommand)]
    Kv(KvCommand),
    /// List and read blobs, and remove those that nothing names any more
    #[command(subcommand)]
    Blobs(BlobsCommand),
    /// Start runs by the clock: make, list, pause and check schedules
    #[command(subcommand)]
    Schedules(SchedulesCommand),
    /// Serve the HTTP API, and go on with the runs of the data directory
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Make, list, rotate and revoke API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What plugins may do: ask for it, approve, deny, revoke, explain
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Add, list and remove the people of a tenant
    #[command(subcommand)]
    Members(MembersCommand),
    /// Set, list and remove secrets; no command shows a value
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Be told of what happens to runs, at a server of your own
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Signed URLs with which others start runs and answer questions
    #[command(subcommand)]
    Hooks(HooksCommand),
    /// Whose signatures of plugins are trusted, and what is asked of versions
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Make a key to sign plugins with
    #[command(after_help = signing::KEYGEN_EXAMPLES)]
    Keygen(KeygenArgs),
    /// Sign a plugin, as the program minisign does
    #[command(after_help = signing::SIGN_EXAMPLES)]
    Sign(SignArgs),
    /// Check who signed a file
    #[command(after_help = signing::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Bring a plugin into a registry
    #[command(after_help = registry::PUBLISH_EXAMPLES, allow_missing_positional = true)]
    Publish(Box<PublishArgs>),
    /// Fetch a plugin from a registry, without installing it
    #[command(after_help = registry::PULL_EXAMPLES)]
    Pull(Box<PullArgs>),
    /// Make, suspend, limit and erase tenants
    #[command(subcommand)]
    Tenants(TenantsCommand),
    /// Read and check the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show what a tenant uses, beside what it may
    #[command(after_help = "Examples:\n  wforge usage --tenant acme --output json\n  \
                            wforge usage --since 2026-11-01 --until 2026-11-30")]
    Usage {
        /// The tenant [default: your own]
        #[arg(long)]
        tenant: Option<String>,
        /// Also what was used on each day from this one on, in UTC
        #[arg(long, value_name = "DAY")]
        since: Option<String>,
        /// Up to this day [default: today]
        #[arg(long, value_name = "DAY", requires = "since")]
        until: Option<String>,
    },
    /// Write everything that is kept of a tenant, as lines of JSON
    #[command(after_help = "Example:\n  wforge export --tenant acme --to acme.ndjson")]
    Export(ExportArgs),
    /// Make tokens with the deployment's own secret
    #[command(subcommand)]
    Token(TokenCommand),
    /// Keep a server's address and key, so that commands go to it
    #[command(after_help = admin::LOGIN_EXAMPLES)]
    Login(LoginArgs),
    /// List, choose and forget the servers that you logged in to
    #[command(subcommand)]
    Context(ContextCommand),
    /// Say what an error code means and what to do
    #[command(after_help = "Example:\n  wforge explain WF1007")]
    Explain {
        /// A code such as WF0404
        code: String,
    },
    /// Print the description of the API, by OpenAPI 3.1, without a server; always JSON
    #[command(after_help = OPENAPI_EXAMPLES)]
    Openapi,
    /// Show what the server is, and to whoever runs it, what it takes and holds
    #[command(after_help = system::EXAMPLES)]
    System(SystemArgs),
    /// Show and check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask whether the server takes work; for health checks
    #[command(after_help = "Example:\n  HEALTHCHECK CMD [\"wforge\", \"health\"]")]
    Health,
    /// Print every command, one a line
    #[command(hide = true)]
    Commands,
    /// Compile one component, as a running wforge asks for
    #[command(name = crate::compose::COMPILE_WORKER, hide = true)]
    CompileWorker(CompileWorkerArgs),
    /// Print the completion script of a shell
    #[command(after_help = "Example:\n  wforge completions bash > ~/.local/share/\
                            bash-completion/completions/wforge")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The caps of `wforge compile-worker`, in the order of `wforge_runtime::ChildCompiler`.
#[derive(Debug, Args)]
pub(crate) struct CompileWorkerArgs {
    pub(crate) memory_bytes_max: u64,
    pub(crate) cpu_s_max: u64,
    pub(crate) component_bytes_max: u64,
    pub(crate) parent: u32,
}

const OPENAPI_EXAMPLES: &str = "\
Example:
  wforge openapi > openapi.json
  wforge openapi --output json | jq '.paths | keys'";

const SERVE_EXAMPLES: &str = "\
Example:
  wforge serve
  KEY=$(wforge keys add me --role developer)
  curl -H \"authorization: Bearer $KEY\" http://127.0.0.1:7420/v1/system";

/// `wforge serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen on; one that others reach needs TLS
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Append every call of a plugin to this file, outside the store
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) call_log: Option<String>,
}

/// `wforge config …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the JSON Schema of wforge.toml, for editors
    #[command(after_help = "Example:\n  wforge config schema > wforge.schema.json")]
    Schema,
    /// Print every key with its value and where it was written
    #[command(after_help = "Example:\n  WFORGE_MOCK=off wforge config show")]
    Show,
    /// Find everything that is wrong, with its fix; exit 2 where something is red
    #[command(after_help = "Example:\n  wforge config check --output json")]
    Check,
    /// Print a commented example with every key
    #[command(after_help = "Example:\n  wforge config reference > wforge.toml")]
    Reference,
}

impl Cli {
    /// The keys of the configuration that flags set.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        let mut set = |key, flag, value: &Option<String>| {
            let value = value.clone();
            flags.extend(value.map(|value| Flag { key, flag, value }));
        };
        set("data_dir", "--data-dir", &self.global.data_dir);
        set("client.server", "--server", &self.global.server);
        match &self.command {
            Command::Run(args) => set("runs.call_log", "--call-log", &args.watch.call_log),
            Command::Runs(command) => {
                set("runs.call_log", "--call-log", command.call_log());
            }
            Command::Threads(ThreadsCommand::Replay(args)) => {
                set("runs.call_log", "--call-log", &args.watch.call_log);
            }
            Command::Serve(args) => {
                set("runs.call_log", "--call-log", &args.call_log);
                set("server.listen", "--listen", &args.listen);
            }
            // Flags of other commands are no keys.
            _ => {}
        }
        let level = match self.global.verbose {
            0 | 1 => None,
            2 => Some("info".to_owned()),
            3 => Some("info,wforge=debug".to_owned()),
            _ => Some("debug".to_owned()),
        };
        set("log.level", "-v", &level);
        flags
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn bare(command: &clap::Command, path: &str, found: &mut Vec<String>) {
            let path = format!("{path} {}", command.get_name());
            let leaf = !command.has_subcommands() && !command.is_hide_set();
            if leaf && command.get_after_help().is_none() {
                found.push(path.clone());
            }
            command.get_subcommands().for_each(|sub| bare(sub, &path, found));
        }
        let mut found = Vec::new();
        bare(&Cli::command(), "", &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn flags_set_keys() {
        let cli = Cli::parse_from(["wforge", "serve", "--listen", "127.0.0.1:0", "-vv"]);
        let flags: Vec<_> = cli.flags().into_iter().map(|flag| (flag.key, flag.value)).collect();
        let expected = [("server.listen", "127.0.0.1:0"), ("log.level", "info")];
        assert_eq!(flags, expected.map(|(key, value)| (key, value.to_owned())));
    }
}
