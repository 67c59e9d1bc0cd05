//! Workflow files under test, and everything that a run of them is started with.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wforge_graph::{Library, Workflow, validate};
use wforge_model::agent::AgentPin;
use wforge_model::beginning::{Origin, PinnedSubgraph, RunStarted};
use wforge_model::mock::MockAnswer;
use wforge_model::workflow::{Fallback, Work};
use wforge_model::{AgentRef, Digest, Grants, NodeId, NodePath, Object, Value};
use wforge_spec::Cel;

use super::Start;

/// The state, input and output that most tests need; `nodes:` and `edges:` follow.
pub(crate) const LIST: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state:
  log: { reducer: append }
  items: { default: [] }
input: [items]
output: [log]
";

/// The checked workflow of a file.
pub(crate) fn workflow(text: &str) -> Result<Workflow, String> {
    let parsed = wforge_spec::parse("test.yaml", text).map_err(|reports| {
        reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    })?;
    let checked = validate(parsed.draft, &Cel::default());
    checked.map(|(workflow, _)| workflow).map_err(|problems| lines(&problems))
}

/// Problems, a line each.
pub(super) fn lines(problems: &[wforge_graph::Problem]) -> String {
    let line = |p: &wforge_graph::Problem| {
        let help = p.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}: {}: {}{help}", p.place, p.code, p.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn object(text: &str) -> Object {
    if text.is_empty() { Object::new() } else { serde_json::from_str(text).unwrap() }
}

/// The workflow of a file with those that it uses.
pub(crate) fn library(text: &str, parts: &[&str]) -> Library {
    let checked = |text: &str| Arc::new(workflow(text).unwrap_or_else(|error| panic!("{error}")));
    let part = |text: &&str| {
        let workflow = checked(text);
        (wforge_spec::digest(&workflow).unwrap(), workflow)
    };
    Library { root: checked(text), parts: parts.iter().map(part).collect() }
}

/// The scripts of agents, a line each.
pub(super) fn scripts(text: &str) -> BTreeMap<String, VecDeque<String>> {
    let lines = text.lines().filter_map(|line| line.trim().split_once(':'));
    let answers = |text: &str| text.split(';').map(|answer| answer.trim().to_owned()).collect();
    lines.map(|(name, text)| (name.to_owned(), answers(text))).collect()
}

/// What a run is begun with: agents for all nodes, but for those of the publisher `missing`.
pub(crate) fn started(library: &Library, start: Start<'_>) -> RunStarted {
    let root = &library.root;
    let subgraphs = library.parts.iter().map(|(digest, workflow)| {
        let pinned = PinnedSubgraph {
            title: workflow.title(),
            pins: pins(workflow),
            fallbacks: fallbacks(workflow),
            uses: uses(workflow, library),
            limits: None,
        };
        (*digest, pinned)
    });
    let handler = |name: &wforge_model::WorkflowRef| {
        library.parts.iter().find(|(_, part)| part.name == name.name).map(|(digest, _)| *digest)
    };
    let answers = object(start.answers).into_iter();
    RunStarted {
        workflow: root.name.clone(),
        version: root.version.clone(),
        digest: wforge_spec::digest(root).unwrap(),
        thread: None,
        input: object(start.input),
        context: Value::Null,
        mock_mode: start.mode.unwrap_or_default(),
        mocks: start.mocks.iter().map(|text| mock(text)).collect(),
        answers: answers.map(|(node, answer)| (node.parse().unwrap(), answer)).collect(),
        kept_answers: Vec::new(),
        pins: pins(root),
        fallbacks: fallbacks(root),
        tools: std::sync::Arc::default(),
        uses: uses(root, library),
        subgraphs: subgraphs.collect(),
        on_failure: root.on_failure.as_ref().and_then(handler),
        handles: None,
        base: None,
        origin: Origin::Input,
        durability: wforge_model::checkpoint::Durability::Sync,
        steps: start.steps,
        limits: None,
        routes: Vec::new(),
        labels: wforge_model::Labels::default(),
        by: "test".into(),
    }
}

fn mock(text: &str) -> (NodePath, MockAnswer) {
    let (node, answer) = text.split_once('=').unwrap_or((text, "{}"));
    (node.parse().unwrap(), serde_json::from_str(answer).unwrap())
}

fn pins(workflow: &Workflow) -> BTreeMap<NodeId, AgentPin> {
    let agents = workflow.nodes.iter().filter_map(|(id, node)| match &node.work {
        Work::Agent(agent) => Some((id, agent)),
        _ => None,
    });
    served(agents)
}

fn fallbacks(workflow: &Workflow) -> BTreeMap<NodeId, AgentPin> {
    let agents = workflow.nodes.iter().filter_map(|(id, node)| match &node.fallback {
        Some(Fallback::Agent(agent)) => Some((id, agent)),
        _ => None,
    });
    served(agents)
}

fn served<'a>(
    agents: impl Iterator<Item = (&'a NodeId, &'a AgentRef)>,
) -> BTreeMap<NodeId, AgentPin> {
    let pin = |agent: &AgentRef| AgentPin {
        plugin: agent.plugin.clone(),
        version: "1.0.0".parse().unwrap(),
        component: Digest::from_bytes([1; 32]),
        agent: "main".into(),
        grants: Grants::default(),
        input: serde_json::json!({}),
        output: serde_json::json!({}),
        exits: Vec::new(),
    };
    let there = agents.filter(|(_, agent)| !agent.plugin.as_str().starts_with("missing/"));
    there.map(|(id, agent)| (id.clone(), pin(agent))).collect()
}

fn uses(workflow: &Workflow, library: &Library) -> BTreeMap<NodeId, Digest> {
    let used = workflow.nodes.iter().filter_map(|(id, node)| match &node.work {
        Work::Workflow(subgraph) => Some((id, &subgraph.workflow.name)),
        _ => None,
    });
    let of_name = |name: &String| {
        library.parts.iter().find(|(_, part)| part.name == *name).map(|(digest, _)| *digest)
    };
    used.filter_map(|(id, name)| Some((id.clone(), of_name(name)?))).collect()
}
