//! Agents as tools: who may call which, and how a caller goes on with its child.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};
use wforge_effects::Tools;
use wforge_model::agent::{AgentPin, Divergence, Execution, Reply, ToolPin};
use wforge_model::effect::{Operation, Question, RequestHash, Waiting, child_task, question_id};
use wforge_model::limits::SandboxLimits;
use wforge_model::tool::TOOL_RESULT_BYTES_MAX;
use wforge_model::{Failure, Grants, Problem};
use wforge_ports::effects::EffectsError;
use wforge_ports::{AgentTools, EffectRequest, ToolCall};

use crate::world::{World, ask, request, world_of};

/// Agents that end as they are told to, one after the other.
#[derive(Debug, Default)]
struct Fake {
    ends: Mutex<Vec<Execution>>,
    calls: Mutex<Vec<String>>,
}

impl AgentTools for Fake {
    fn call<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<Execution, EffectsError>> {
        let told = format!("{} at {} with {}", call.name, call.position, call.input);
        self.calls.lock().unwrap().push(told);
        Box::pin(ready(Ok(self.ends.lock().unwrap().remove(0))))
    }
}

fn tool(description: &str) -> ToolPin {
    let agent = AgentPin {
        plugin: "acme/search".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        component: format!("sha256:{}", "11".repeat(32)).parse().unwrap(),
        agent: "main".into(),
        grants: Grants::default(),
        input: json!({ "type": "object" }),
        output: json!({}),
        exits: Vec::new(),
    };
    ToolPin { description: description.into(), agent }
}

/// A task with two agents for tools, which end so when they are called.
fn world(may: &[&str], ends: Vec<Execution>) -> (World, Arc<Fake>) {
    let fake = Arc::new(Fake { ends: Mutex::new(ends), ..Fake::default() });
    let agents = fake.clone();
    let mut world = world_of(may, SandboxLimits::default(), |_| {
        let tools = Tools::default();
        tools.offer_agents(agents);
        tools
    });
    let pins = [("acme__search", tool("Looks\u{7} things up.")), ("acme__other", tool(""))];
    world.call.tools = Arc::new(BTreeMap::from(pins.map(|(name, pin)| (name.to_owned(), pin))));
    (world, fake)
}

fn search() -> EffectRequest {
    request(Operation::ToolsCall, json!({ "name": "acme__search", "input": { "q": 1 } }))
}

fn replies(output: Value) -> Execution {
    Execution::Replied(Reply { output, exits: Vec::new() })
}

#[tokio::test]
async fn agents_are_listed_as_far_as_they_are_granted() {
    let list = request(Operation::ToolsList, json!({}));
    let (some, _) = world(&["tool:acme__search"], Vec::new());
    let told = some.execute(std::slice::from_ref(&list)).await;
    let expected = json!([[{
        "name": "acme__search",
        "description": "Looks\\u{7} things up.",
        "input_schema": { "type": "object" },
        "output_schema": {},
    }]]);
    assert_eq!(serde_json::from_str::<Value>(&told[0]).unwrap(), expected);
    let (none, _) = world(&["ask"], Vec::new());
    let told = none.execute(&[list]).await;
    assert!(told[0].starts_with("[denied: tool on *;"), "{told:?}");
}

#[tokio::test]
async fn rule_2_an_agent_that_has_answered_is_not_called_again() {
    let (world, fake) = world(&["tool:*"], vec![replies(json!({ "found": 2 }))]);
    for _ in 0..2 {
        assert_eq!(world.execute(&[search()]).await, ["[{\"found\":2}]"]);
    }
    assert_eq!(*fake.calls.lock().unwrap(), ["acme__search at 0 with {\"q\":1}"]);
}

fn waits(task: wforge_model::TaskId) -> (Question, Execution) {
    let element = ask("go on?").elements.remove(0);
    let question = Question {
        id: question_id(task, 0),
        prompt: "go on?".into(),
        schema: None,
        deadline: None,
        assignee: None,
        note: None,
        escalation: None,
        request: RequestHash::of(Operation::HumanAsk, &element),
    };
    (question.clone(), Execution::Suspended(Waiting::Question(question)))
}

#[tokio::test]
async fn rule_11_a_caller_suspends_with_its_child_and_reruns_it() {
    let (mut world, fake) = world(&["tool:*", "ask"], Vec::new());
    let (question, waiting) = waits(child_task(world.call.task, 0));
    *fake.ends.lock().unwrap() = vec![waiting, replies(json!("yes"))];
    let calls = [search(), ask("go on?")];
    assert_eq!(world.execute(&calls).await, ["asks \"go on?\", deadline None"]);
    assert!(world.store.told().is_empty(), "nothing has come of it yet");
    world.told(&question, Some(json!("child's")));
    let second = world.execute(&calls).await;
    assert_eq!(second, ["[\"yes\"]", "asks \"go on?\", deadline None"], "it asks for itself");
    assert_eq!(fake.calls.lock().unwrap().len(), 2);
    let own = world.question(&calls).await;
    assert_eq!(own.id, question_id(world.call.task, 0));
    world.told(&own, Some(json!("its own")));
    assert_eq!(world.execute(&calls).await, ["[\"yes\"]", "[\"its own\"]"]);
}

#[tokio::test]
async fn rule_4_a_child_that_waited_is_no_unknown_outcome() {
    let (mut world, fake) = world(&["tool:*"], Vec::new());
    world.call.fails_unknown = true;
    let (question, waiting) = waits(child_task(world.call.task, 0));
    *fake.ends.lock().unwrap() = vec![waiting, replies(json!("yes"))];
    assert_eq!(world.execute(&[search()]).await, ["asks \"go on?\", deadline None"]);
    world.told(&question, Some(json!("child's")));
    assert_eq!(world.execute(&[search()]).await, ["[\"yes\"]"]);
}

#[tokio::test]
async fn rule_3_an_answer_to_an_earlier_question_of_the_same_task_still_counts() {
    let (mut world, _) = world(&["ask"], Vec::new());
    let early = world.question(&[ask("go on?")]).await;
    world.told(&Question { id: question_id(world.call.task, 5), ..early }, Some(json!("yes")));
    assert_eq!(world.execute(&[ask("go on?")]).await, ["[\"yes\"]"]);
}

#[tokio::test]
async fn what_a_child_fails_with_is_the_answer() {
    let failure = Failure::BadOutput(Problem::new("output_schema", "misses"));
    let divergence =
        Divergence { position: 3, recorded: "a".into(), asked: "b, in the tool".into() };
    let ends = vec![
        Execution::Failed { failure, effects: 2 },
        replies(json!("x".repeat(TOOL_RESULT_BYTES_MAX))),
        Execution::Diverged(divergence),
    ];
    let (world, _) = world(&["tool:*"], ends);
    let expected = [
        "[bad_output (output_schema): misses]",
        "[limit (tool_result_bytes): the result of acme__search has more than 262144 bytes]",
        "diverged at 3: a is recorded, b, in the tool was asked",
    ];
    assert_eq!(world.execute(&[search(), search(), search()]).await, expected);
}

#[tokio::test]
async fn agents_call_each_other_so_deep_and_no_deeper() {
    let (mut world, fake) = world(&["tool:*"], vec![replies(json!(1))]);
    world.call.depth = 3;
    assert_eq!(world.execute(&[search()]).await, ["[1]"]);
    world.call.depth = 4;
    world.call.attempt = 2;
    let told = world.execute(&[search()]).await;
    assert_eq!(told, ["[limit (tool_depth): agents may call each other 4 deep and no deeper]"]);
    assert_eq!(fake.calls.lock().unwrap().len(), 1);
}
