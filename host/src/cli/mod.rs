//! The command line: what each command does, and with which code it ends.

mod admin;
mod args;
mod blobs;
mod brakes;
mod build;
mod bulk;
mod check;
mod commands;
mod configuration;
mod dev;
mod doctor;
mod draw;
mod explain;
mod folder;
mod follow;
mod grants;
mod hooks;
mod inbox;
mod inputs;
mod inspect;
mod install;
mod keygen;
mod keys;
mod kv;
mod login;
mod logs;
mod members;
mod new;
mod one_agent;
mod parts;
mod passwords;
mod plugins;
mod progress;
mod publish;
mod pull;
mod questions;
pub(crate) mod refusal;
mod registries;
mod replay;
mod result;
mod resume;
mod run;
mod run_views;
mod runs;
mod schedules;
mod screen;
mod secrets;
mod serve;
mod sign;
mod subject;
mod system;
mod tell;
mod tenants;
mod test;
mod threads;
mod token;
mod top;
mod trust;
pub(crate) mod ui;
mod verify;
mod watch;
mod watching;
mod webhooks;
mod workflows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{RunId, ThreadId};
use wforge_ports::workflows::{Report, WorkflowReader as _};
use wforge_spec::Cel;

use crate::author::machine::Machine;
use crate::compose::lanes;
use crate::config::{self, Config, ConfigError, Loaded};
use crate::logging::Log;
use crate::reader::Reader;
use args::{Cli, Command, CompileWorkerArgs};
use refusal::{EXIT_FAILED, Refusal, exit_code};
use registries::Surroundings;
use ui::{Paint, Ui};

/// What the process was given.
#[derive(Debug)]
pub(crate) struct Process {
    /// The folder that it was started in.
    pub(crate) current_dir: PathBuf,
    /// Its environment.
    pub(crate) variables: BTreeMap<String, String>,
}

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) ui: Ui,
    pub(crate) config: Config,
    /// The file of logins; none where the system has no place for one.
    pub(crate) contexts: Option<PathBuf>,
    /// What compilers are found on.
    pub(crate) machine: Machine,
    /// The folder, and docker's logins.
    pub(crate) around: Surroundings,
    /// What the API shows of this process.
    pub(crate) log: Log,
}

/// Runs the command line to its end; the exit code.
pub(crate) fn main(process: Process) -> u8 {
    let cli = Cli::parse();
    let no_color = process.variables.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ui = Ui::new(&cli.global, no_color);
    match start(cli, process, &ui) {
        Ok(code) => code,
        Err(error) => {
            ui.error(&error);
            exit_code(&error)
        }
    }
}

fn start(cli: Cli, process: Process, ui: &Ui) -> anyhow::Result<u8> {
    #[cfg(feature = "controls")]
    go_without(&process.variables)?;
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "wforge", &mut script);
        ui.out_text(&String::from_utf8_lossy(&script));
        return Ok(0);
    }
    if let Command::Commands = cli.command {
        commands::list(ui, &Cli::command());
        return Ok(0);
    }
    if let Command::CompileWorker(args) = &cli.command {
        return compile(args);
    }
    if let Command::Explain { code } = &cli.command {
        return explain::run(ui, code);
    }
    if matches!(cli.command, Command::Openapi) {
        ui.out_text(&String::from_utf8_lossy(&wforge_api::document_text()));
        return Ok(0);
    }
    if let Some(done) = of_authors(ui, &process, &cli) {
        return done;
    }
    let contexts = crate::contexts::path(&process.variables);
    let machine = Machine::new(process.variables.clone());
    let around = Surroundings::of(&process);
    if let Some(done) = of_publishers(ui, &cli.command, contexts.as_deref(), &around) {
        return done;
    }
    let login = login::meant(&cli, &process, contexts.as_deref())?;
    let loaded = config::load(&config::Surroundings {
        current_dir: process.current_dir,
        variables: process.variables,
        flags: cli.flags(),
        file: cli.global.config.clone(),
        login,
    });
    if let Command::Config(command) = &cli.command {
        return configuration::run(ui, command, loaded);
    }
    let Loaded { config, warnings, .. } = loaded;
    let config = config.map_err(|error| configuration::refused(&error))?;
    let is_server = matches!(cli.command, Command::Serve(_));
    let telemetry = crate::logging::start(&config, cli.global.quiet, is_server)?;
    for warning in warnings {
        tracing::warn!(place = warning.place, help = warning.help, "{}", warning.message);
    }
    let log = Log::of(&telemetry);
    let session = Session { ui: ui.clone(), config, contexts, machine, around, log };
    let lane = lanes::first_lane()?;
    let code = lane.block_on(command(&session, cli.command));
    // A thread that waits for a line of the terminal must not hold up the end.
    lane.shutdown_background();
    // What is left of log and traces is written now, outside of any executor.
    drop(telemetry);
    code
}

/// Takes a defence down, which only a build for the proofs can; one that names none proves nothing.
#[cfg(feature = "controls")]
fn go_without(variables: &BTreeMap<String, String>) -> Result<(), Refusal> {
    use wforge_model::defence::{VARIABLE, go_without};
    match variables.get(VARIABLE) {
        Some(name) if !go_without(name) => {
            let message = format!("{VARIABLE}: there is no defence \"{name}\"");
            let help = format!("wforge_model::defence lists them; without {VARIABLE} all are up");
            Err(Refusal::user("bad_variable", message).help(help))
        }
        Some(_) | None => Ok(()),
    }
}

/// What authors do, which needs no store, and fails for no broken configuration.
fn of_authors(ui: &Ui, process: &Process, cli: &Cli) -> Option<anyhow::Result<u8>> {
    let machine = || Machine::new(process.variables.clone());
    let done = match &cli.command {
        Command::New(command) => on_a_lane(new::run(ui, &machine(), command)),
        Command::Build(args) => on_a_lane(build::run(ui, machine(), args)),
        Command::Doctor(args) => {
            let config = configuration_for(cli, process);
            on_a_lane(doctor::run(ui, &machine(), config, args))
        }
        Command::Test(args) => on_a_lane(test::run(ui, machine(), args)),
        Command::Check(args) => on_a_lane(check::run(ui, machine(), args)),
        Command::Inspect(args) if inspect::is_file(&args.name) => {
            on_a_lane(inspect::run(ui, &args.name))
        }
        _ => return None,
    };
    Some(done)
}

/// The configuration as it is here, for a command that only looks at it.
fn configuration_for(cli: &Cli, process: &Process) -> Result<Config, ConfigError> {
    let surroundings = config::Surroundings {
        current_dir: process.current_dir.clone(),
        variables: process.variables.clone(),
        flags: cli.flags(),
        file: cli.global.config.clone(),
        login: None,
    };
    config::load(&surroundings).config
}

/// Runs a command to its end, on threads of its own.
fn on_a_lane(command: impl Future<Output = anyhow::Result<u8>>) -> anyhow::Result<u8> {
    let lane = lanes::first_lane()?;
    let code = lane.block_on(command);
    lane.shutdown_background();
    code
}

/// What authors do before a host sees a plugin: without configuration and without a store.
fn of_publishers(
    ui: &Ui,
    command: &Command,
    contexts: Option<&Path>,
    around: &Surroundings,
) -> Option<anyhow::Result<u8>> {
    let key = contexts.map(|path| path.with_file_name(keygen::DEFAULT));
    match command {
        Command::Keygen(args) => Some(keygen::run(ui, args, key)),
        Command::Sign(args) => Some(sign::run(ui, args, key)),
        Command::Verify(args) => Some(verify::run(ui, args)),
        Command::Publish(args) => Some(on_a_lane(publish::run(ui, args, around))),
        Command::Pull(args) => Some(on_a_lane(pull::run(ui, args, around))),
        _ => None,
    }
}

/// Serves a running wforge; without configuration, log or executor, since it will hold nothing.
fn compile(args: &CompileWorkerArgs) -> anyhow::Result<u8> {
    wforge_runtime::compile_worker(wforge_runtime::WorkerCaps {
        memory_bytes_max: args.memory_bytes_max,
        cpu_s_max: args.cpu_s_max,
        component_bytes_max: args.component_bytes_max,
        parent: args.parent,
    })?;
    Ok(0)
}

async fn command(session: &Session, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Run(args) => run::run(session, &args).await,
        Command::Dev(args) => Box::pin(dev::run(session, &args)).await,
        Command::Validate(args) => workflows::validate(session, &args.files),
        Command::Graph(args) => draw::run(session, &args),
        Command::Inspect(args) => {
            plugins::run(session, args::PluginCommand::Inspect { name: args.name }).await
        }
        Command::Plugin(command) => plugins::run(session, command).await,
        Command::Workflow(command) => workflows::run(session, command).await,
        Command::Runs(command) => runs::run(session, command).await,
        Command::Logs(args) => logs::run(session, &args).await,
        Command::Top(args) => top::run(session, &args).await,
        Command::Replay(args) => replay::run(session, &args).await,
        Command::Kv(command) => kv::run(session, command).await,
        Command::Blobs(command) => blobs::run(session, command).await,
        Command::Inbox(inbox) => inbox::run(session, inbox).await,
        Command::Threads(command) => threads::run(session, command).await,
        Command::Schedules(command) => schedules::run(session, command).await,
        Command::Serve(_) => serve::run(session).await,
        Command::System(args) => system::run(session, args.command).await,
        Command::Keys(command) => keys::run(session, command).await,
        Command::Grants(command) => grants::run(session, command).await,
        Command::Members(command) => members::run(session, command).await,
        Command::Secrets(command) => secrets::run(session, command).await,
        Command::Webhooks(command) => webhooks::run(session, command).await,
        Command::Hooks(command) => hooks::run(session, command).await,
        Command::Trust(command) => trust::run(session, command).await,
        Command::Tenants(command) => tenants::run(session, command).await,
        Command::Audit(command) => tenants::audit(session, command).await,
        Command::Usage { tenant, since, until } => {
            let days = (since.as_deref(), until.as_deref());
            tenants::usage(session, tenant.as_deref(), days).await
        }
        Command::Export(args) => tenants::export(session, &args).await,
        Command::Token(command) => token::run(session, command).await,
        Command::Login(args) => login::run(session, args).await,
        Command::Context(command) => login::context(session, command),
        Command::Health => serve::health(session).await,
        // These were done before a configuration was needed.
        Command::New(_)
        | Command::Build(_)
        | Command::Doctor(_)
        | Command::Config(_)
        | Command::Test(_)
        | Command::Check(_)
        | Command::CompileWorker(_)
        | Command::Commands
        | Command::Completions { .. }
        | Command::Explain { .. }
        | Command::Keygen(_)
        | Command::Openapi
        | Command::Sign(_)
        | Command::Verify(_)
        | Command::Publish(_)
        | Command::Pull(_) => Ok(EXIT_FAILED),
    }
}

/// A reader of workflow files without an engine.
fn reader() -> Reader {
    Reader::new(Arc::new(Cel::new()))
}

/// Reads a workflow file; warnings go to stderr, and everything that is wrong is the error.
fn workflow_file(session: &Session, path: &Path) -> anyhow::Result<(String, WorkflowDraft)> {
    let text = inputs::workflow_text(path)?;
    let name = path.display().to_string();
    match reader().read(&name, &text) {
        Ok(read) => {
            for warning in &read.warnings {
                session.ui.note(&session.ui.paint(Paint::Yellow, &line(warning)));
            }
            Ok((text, read.draft))
        }
        Err(reports) => Err(invalid(&name, &reports).into()),
    }
}

fn invalid(name: &str, reports: &[Report]) -> Refusal {
    let count = reports.iter().filter(|report| report.severity == "error").count();
    let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
    Refusal::user("invalid_workflow", format!("{name} has {problems}"))
        .details(reports.iter().map(line))
}

/// A report in one line, as compilers write it.
fn line(report: &Report) -> String {
    let Report { file, line, column, severity, code, message, help } = report;
    let help = help.as_deref().map(|help| format!("; help: {help}")).unwrap_or_default();
    format!("{file}:{line}:{column}: {severity}[{code}]: {message}{help}")
}

/// The id of a run as typed.
fn run_id(text: &str) -> Result<RunId, Refusal> {
    text.parse().map_err(|error: wforge_model::id::ParseIdError| {
        Refusal::user("bad_flags", error.to_string()).help("wforge runs list shows the ids")
    })
}

/// The id of a thread as typed.
fn thread_id(text: &str) -> Result<ThreadId, Refusal> {
    text.parse().map_err(|error: wforge_model::id::ParseIdError| {
        Refusal::user("bad_flags", error.to_string())
            .help("wforge threads list shows the ids; wforge run --thread new begins a thread")
    })
}
