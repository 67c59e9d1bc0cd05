//! `wforge run --agent`: one call of an agent with real effects, as a run of a workflow with one
//! node in a store that is gone with the process.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use wforge_model::head::RunStatus;
use wforge_model::limits::SandboxLimits;
use wforge_model::manifest::AgentManifest;
use wforge_model::mock::MockMode;
use wforge_model::{Capability, Object, RunId, Seq, Value};
use wforge_ports::Clock as _;
use wforge_ports::plugins::Admitted;
use wforge_ports::workflows::WorkflowReader as _;

use super::args::RunArgs;
use super::follow::{Follower, Stops, since_ms};
use super::refusal::{EXIT_WAITING, Refusal};
use super::result::{exit_of, summary};
use super::ui::{Paint, Ui, harmless};
use super::watch::{interrupted_now, may_ask, settled};
use super::{Session, inputs, invalid, questions, reader};
use crate::author::sandbox::{Sandbox, refusal_of};
use crate::client::{self, Client, Component, Report, RunOptions, Start, Workflow, WorkflowFile};
use crate::clock::SystemClock;
use crate::compose::{Mode, read_component};
use crate::config::{ClientConfig, Config, MockConfig, PluginsConfig, StoreConfig, StoreKind};

/// The longest file that a flag names, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// What `--grant` takes for all needs.
const ALL: &str = "all";
/// Why an agent has no name to be called by.
const NO_AGENT: &str = "no_agent";

/// `wforge run --agent`.
pub(super) async fn run(session: &Session, args: &RunArgs, path: &Path) -> anyhow::Result<u8> {
    let component = read_component(path)?;
    let folder = tempfile::Builder::new().prefix("wforge-").tempdir();
    let folder = folder.context("making a folder for the call")?;
    // The host that is opened over the same folder takes the code that is compiled here.
    let sandbox = Sandbox::at(folder.path(), &SandboxLimits::default())?;
    let admitted = sandbox.admit(component.bytes.clone()).await;
    let admitted = admitted.map_err(|error| refusal_of(error, path))?;
    drop(sandbox);
    let agent = agent_of(&admitted, args.one.name.as_deref())?;
    let granted = granted(&admitted, &args.one.grants)?;
    let one = OneNode {
        admitted: &admitted,
        agent,
        config: flag_of("--agent-config", args.one.agent_config.as_deref())?,
        granted: &granted,
    };
    let input = input_of(&args.inputs, &agent.input)?;
    let context = flag_of("--context", args.context.as_deref())?.unwrap_or(Value::Null);
    let start = start(one.workflow(&input)?, input, context, component);
    let config = config(&session.config, folder.path(), &admitted)?;
    tell_needs(&session.ui, &admitted, &granted);
    let mut client = client::open(&config, Mode::Drive).await?;
    let outcome = start_and_follow(&session.ui, &mut client, start, &args.answers, &one).await;
    client.finish(outcome).await
}

fn agent_of<'a>(admitted: &'a Admitted, name: Option<&str>) -> anyhow::Result<&'a AgentManifest> {
    admitted.manifest.agent(name).ok_or_else(|| {
        let names = admitted.manifest.agents.iter().map(|agent| agent.name.as_str());
        let all = names.collect::<Vec<_>>().join(", ");
        let message = match name {
            Some(name) => format!("{} has no agent \"{name}\"", admitted.manifest.name),
            None => format!("{} has several agents", admitted.manifest.name),
        };
        Refusal::user(NO_AGENT, message).help(format!("write --name with one of {all}")).into()
    })
}

/// The needs that flags grant. One that grants nothing is refused, since it was meant to.
fn granted(admitted: &Admitted, flags: &[String]) -> anyhow::Result<Vec<Capability>> {
    let needs: Vec<Capability> = admitted.needs().cloned().collect();
    let all = || needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if flags.iter().any(|flag| flag == ALL) {
        return Ok(needs);
    }
    let mut grants: Vec<Capability> = Vec::new();
    for flag in flags {
        let grant = flag
            .parse::<Capability>()
            .map_err(|error| Refusal::user("bad_flags", format!("--grant {flag}: {error}")))?;
        if !needs.iter().any(|need| grant.covers(need)) {
            let message = format!("--grant {flag} covers no need of {}", admitted.manifest.name);
            let help = match needs.len() {
                0 => "it needs nothing".to_owned(),
                _ => format!("it needs {}; --grant all grants them", all()),
            };
            return Err(Refusal::user("bad_flags", message).help(help).into());
        }
        grants.push(grant);
    }
    Ok(needs.iter().filter(|need| grants.iter().any(|grant| grant.covers(need))).cloned().collect())
}

fn tell_needs(ui: &Ui, admitted: &Admitted, granted: &[Capability]) {
    let left = admitted.manifest.needs.iter().filter(|need| !granted.contains(&need.capability));
    for need in left {
        let (capability, reason) = (&need.capability, harmless(&need.reason));
        let hint = format!("--grant {capability}");
        let line = format!("not granted: {capability}: {reason} ({hint})");
        ui.note(&ui.paint(Paint::Dim, &line));
    }
}

/// What a flag says that may be left out.
fn flag_of(flag: &str, text: Option<&str>) -> Result<Option<Value>, Refusal> {
    let help = "write JSON or @FILE";
    text.map(|text| json_of(flag, text).map_err(|refusal| refusal.help(help))).transpose()
}

/// JSON as it is, or of a file.
fn json_of(flag: &str, text: &str) -> Result<Value, Refusal> {
    let wrong = |problem: String| Refusal::user("bad_flags", format!("{flag} {problem}"));
    let json = match text.strip_prefix('@') {
        Some(path) => inputs::text_of(Path::new(path), FILE_BYTES_MAX).map_err(wrong)?,
        None => text.to_owned(),
    };
    serde_json::from_str(&json).map_err(|error| wrong(format!("{text} is no JSON: {error}")))
}

/// The input: JSON, `@FILE`, or fields of it as `KEY=VALUE`; several flags add up.
fn input_of(flags: &[String], schema: &Value) -> anyhow::Result<Object> {
    let help = "write {\"key\": …}, @FILE or KEY=VALUE";
    let mut input = Object::new();
    for flag in flags {
        let is_json = flag.starts_with(['{', '@', '[', '"']);
        let more = match flag.split_once('=') {
            Some((key, text)) if !is_json => Object::from_iter([field(key, text, schema)?]),
            _ => match json_of("--input", flag).map_err(|refusal| refusal.help(help))? {
                Value::Object(fields) => fields,
                _ => {
                    let message = format!("--input {flag}: the input of a node is an object");
                    return Err(Refusal::user("bad_flags", message).help(help).into());
                }
            },
        };
        input.extend(more);
    }
    Ok(input)
}

/// One field of the input, as its schema wants it.
fn field(key: &str, text: &str, schema: &Value) -> anyhow::Result<(String, Value)> {
    let wrong = |problem: String| Refusal::user("bad_flags", format!("--input {key}: {problem}"));
    let own = schema.get("properties").and_then(|properties| properties.get(key));
    let text = match text.strip_prefix('@') {
        Some(path) => inputs::text_of(Path::new(path), FILE_BYTES_MAX).map_err(wrong)?,
        None => text.to_owned(),
    };
    let value = inputs::coerced(&text, own).map_err(wrong)?;
    Ok((key.to_owned(), value))
}

/// A workflow that is one call.
#[derive(Debug)]
struct OneNode<'a> {
    admitted: &'a Admitted,
    agent: &'a AgentManifest,
    config: Option<Value>,
    granted: &'a [Capability],
}

impl OneNode<'_> {
    fn title(&self) -> String {
        format!("{}.{}", self.admitted.manifest.name, self.agent.name)
    }

    /// The call writes `output`; each exit leads to a node that writes its name into `exits`.
    fn workflow(&self, input: &Object) -> anyhow::Result<WorkflowFile> {
        let read = |key: &String| (key.clone(), json!(format!("state.input[{}]", json!(key))));
        let mut call = json!({
            "agent": self.title(),
            "in": input.keys().map(read).collect::<Object>(),
            "out": { "output": "result" },
            "allow": self.granted,
            "config": self.config.clone().unwrap_or_else(|| json!({})),
        });
        let (mut nodes, mut goto) = (Object::new(), Object::new());
        for (at, exit) in self.agent.exits.iter().enumerate() {
            let node = format!("exit-{at}");
            nodes.insert(node.clone(), json!({ "set": { "exits": format!("[{}]", json!(exit)) } }));
            goto.insert(exit.clone(), json!(node));
        }
        if let Some(fields) = call.as_object_mut() {
            if !goto.is_empty() {
                fields.insert("goto".to_owned(), Value::Object(goto));
            }
            if self.admitted.manifest.behaviour.idempotent {
                fields.insert("effects".to_owned(), json!({ "idempotent": true }));
            }
        }
        nodes.insert("call".to_owned(), call);
        let text = json!({
            "apiVersion": "workflowforge/v1",
            "name": "one-call",
            "version": "0.0.0",
            "state": { "input": {}, "output": {}, "exits": { "reducer": "append" } },
            "input": ["input"],
            "output": ["output", "exits"],
            "nodes": nodes,
            "edges": [{ "from": "START", "to": "call" }],
        });
        let (name, text) = ("one-call".to_owned(), text.to_string());
        let read = reader().read(&name, &text).map_err(|reports| invalid(&name, &reports))?;
        Ok(WorkflowFile { name, text, draft: read.draft })
    }
}

fn start(workflow: WorkflowFile, input: Object, context: Value, component: Component) -> Start {
    Start {
        workflow: Workflow::File(Box::new(workflow)),
        input: Object::from_iter([("input".to_owned(), Value::Object(input))]),
        context,
        answers: std::collections::BTreeMap::new(),
        mocks: std::collections::BTreeMap::new(),
        plugins: Some(vec![component]),
        with: Vec::new(),
        options: RunOptions::default(),
    }
}

/// The configuration with a store that is gone afterwards. Every need is granted, and the node
/// allows what the flags grant: a host runs no plugin that still waits for grants.
fn config(own: &Config, folder: &Path, admitted: &Admitted) -> anyhow::Result<Config> {
    #[derive(serde::Serialize)]
    struct File<'a> {
        grant: [Grant<'a>; 1],
    }
    #[derive(serde::Serialize)]
    struct Grant<'a> {
        plugin: &'a wforge_model::PluginName,
        capabilities: Vec<&'a Capability>,
    }
    let grants_file = folder.join("grants.toml");
    let grant = Grant { plugin: &admitted.manifest.name, capabilities: admitted.needs().collect() };
    fs_err::write(&grants_file, toml::to_string(&File { grant: [grant] })?)?;
    Ok(Config {
        data_dir: folder.to_owned(),
        store: StoreConfig { kind: StoreKind::Memory, kek: None },
        client: ClientConfig { server: None, ..own.client.clone() },
        plugins: PluginsConfig { dirs: Vec::new(), grants_file, require_signed: false },
        mock: MockConfig { mode: Some(MockMode::Off), ..own.mock },
        ..own.clone()
    })
}

async fn start_and_follow(
    ui: &Ui,
    client: &mut Client,
    start: Start,
    answers: &[String],
    one: &OneNode<'_>,
) -> anyhow::Result<u8> {
    let started_ns = SystemClock.monotonic_ns();
    let draft = start.workflow.draft().clone();
    let run = client.start(start).await?;
    let mut stops = Stops::listen()?;
    let mut follower = Follower::new(client, ui, run, (Seq(0), &draft)).await?;
    let (mut from, mut answers) = (Seq(0), answers.iter());
    let report = loop {
        let Some(report) = settled(client, &mut follower, (run, from), &mut stops).await? else {
            return interrupted_now(client, run, stops);
        };
        if report.head.status != RunStatus::Waiting {
            break report;
        }
        let given = match answers.next() {
            Some(answer) => Some(questions::given(&report, std::slice::from_ref(answer))?),
            None if may_ask(ui) => questions::ask(ui, &report, &mut stops).await?,
            None => return Err(asks(&report).into()),
        };
        let Some(given) = given else { return interrupted_now(client, run, stops) };
        from = client.resume(run, given).await?.seq;
    };
    summary(ui, &report, since_ms(started_ns));
    print(ui, &report, run, one)?;
    Ok(exit_of(&report, false))
}

/// Nobody is there to answer.
fn asks(report: &Report) -> Refusal {
    let prompts = report.questions.iter().map(|question| harmless(&question.prompt));
    let refusal = Refusal::user("waits_for_a_person", "the agent asks, and nobody is there")
        .details(prompts)
        .help("give the answer: --answer VALUE; or run it in a terminal");
    Refusal { exit: EXIT_WAITING, ..refusal }
}

fn print(ui: &Ui, report: &Report, run: RunId, one: &OneNode<'_>) -> anyhow::Result<()> {
    let field = |name| report.output.as_ref().and_then(|output| output.get(name)).cloned();
    let (output, exits) = (field("output"), field("exits"));
    let exits = exits.filter(|exits| exits.as_array().is_some_and(|names| !names.is_empty()));
    if ui.is_json() {
        let error = report.head.error.as_ref();
        return ui.out_json(&json!({
            "agent": one.title(),
            "component": one.admitted.component,
            "run_id": run,
            "status": report.head.status,
            "output": output,
            "exits": exits.unwrap_or_else(|| json!([])),
            "failure": error.and_then(|error| error.failure.as_ref()),
            "usage": report.head.usage,
        }));
    }
    if let Some(exits) = exits {
        ui.note(&format!("exits: {}", harmless(&exits.to_string())));
    }
    match output {
        Some(Value::String(text)) => ui.out_text(&text),
        Some(output) => ui.out_json(&output)?,
        None => {}
    }
    Ok(())
}
