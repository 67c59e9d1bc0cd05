//! The runs behind the golden logs: real ones of the engine's core, told in facts.

use serde_json::json;
use wforge_model::agent::{Divergence, Execution, Reply, ToolPin, ToolPins};
use wforge_model::beginning::{Origin, RunStarted, StateUpdate};
use wforge_model::checkpoint::Durability;
use wforge_model::command::Fact;
use wforge_model::effect::{Operation, Question, RequestHash, Waiting, question_id};
use wforge_model::event::Write;
use wforge_model::limits::RunLimits;
use wforge_model::mock::MockMode;
use wforge_model::{
    Deeds, Denial, Digest, Failure, Labels, ModelUsage, Problem, RunId, ThreadId, Timestamp, Usage,
};

use crate::harness::{At, Bench, Start};

/// The name of its folder, and what is told.
type Story = (&'static str, fn() -> Vec<Bench>);

/// All of them, in order.
pub(super) const ALL: [Story; 16] = [
    ("answers", answers),
    ("assigned", assigned),
    ("blocked", blocked),
    ("cancelled", cancelled),
    ("deeds", deeds),
    ("failures", failures),
    ("mocked", mocked),
    ("pauses", pauses),
    ("people", people),
    ("quarantined", quarantined),
    ("retries", retries),
    ("revived", revived),
    ("steps", steps),
    ("subgraphs", subgraphs),
    ("threads", threads),
    ("tools", tools),
];

macro_rules! file {
    ($path:literal) => {
        include_str!(concat!("../../golden/", $path, ".yaml"))
    };
}

fn seed(seed: u8) -> Start<'static> {
    Start { seed: Some(seed), ..Start::default() }
}

fn ada() -> String {
    "ada".into()
}

fn replied() -> Execution {
    Execution::Replied(Reply::default())
}

fn failed(failure: Failure) -> Execution {
    Execution::Failed { failure, effects: 3 }
}

fn problem(code: &str) -> Problem {
    Problem::new(code, "as the story goes")
}

fn in_thread(started: &mut RunStarted) {
    started.thread = Some(ThreadId::from_bytes([3; 16]));
}

fn steps() -> Vec<Bench> {
    let with = |started: &mut RunStarted| {
        started.context = json!({ "who": "ada" });
        started.limits = Some(RunLimits { step_ms_max: 60_000, ..RunLimits::default() });
        started.durability = Durability::Async;
        let pin = started.pins.values_mut().next().unwrap();
        pin.exits = vec!["again".into(), "on".into()];
        pin.grants = ["kv:run".parse().unwrap()].into_iter().collect();
    };
    let text = file!("steps/workflow");
    let input = r#"{"items":[1,2,3]}"#;
    let script = "t/work: send again {\"why\":\"once more\"}; exit on; echo";
    let mut outcome = Bench::begin(text, script, Start { input, with: Some(with), ..seed(1) });
    outcome.drain();
    let mut empty = Bench::begin(text, "", Start { steps: Some(1), ..seed(2) });
    empty.go_on(None);
    vec![outcome, empty]
}

/// A run whose agent may call another.
fn tools() -> Vec<Bench> {
    let with = |started: &mut RunStarted| {
        let agent = started.pins.values().next().unwrap().clone();
        let tool = ToolPin { description: "Calls itself.".into(), agent };
        started.tools = ToolPins::from([("t__caller".to_owned(), tool)]).into();
    };
    let mut bench =
        Bench::begin(file!("tools/workflow"), "", Start { with: Some(with), ..seed(1) });
    bench.drain();
    vec![bench]
}

fn failures() -> Vec<Bench> {
    let mut bench = Bench::begin(file!("failures/workflow"), "", seed(1));
    let denial =
        Denial { capability: "kv".into(), resource: "run".into(), hint: "grant it".into() };
    let later =
        Problem { retry_after_ms: Some(5), details: json!({ "status": 429 }), ..problem("busy") };
    // The calls come in the order of the nodes' names.
    for failure in [
        Failure::Denied(denial),
        Failure::Failed(problem("bug")),
        Failure::InvalidInput(problem("input_schema")),
        Failure::Limit(problem("fuel").retryable()),
        Failure::Missing(problem("no_plugin")),
        Failure::BadOutput(problem("output_schema")),
        Failure::Timeout(problem("timeout")),
        Failure::Trap(problem("unreachable")),
        Failure::Upstream(later),
        Failure::Cancelled(problem("stopped")),
    ] {
        bench.end(failed(failure));
    }
    vec![bench]
}

fn deeds() -> Vec<Bench> {
    let mut bench = Bench::begin(file!("deeds/workflow"), "", seed(1));
    did(&mut bench, failed(Failure::Upstream(problem("busy"))), 1, false);
    bench.say_to("May it?", "\"yes\"");
    bench.wait_only();
    did(&mut bench, replied(), 2, false);
    did(&mut bench, failed(Failure::Trap(problem("unreachable"))), 2, true);
    vec![bench]
}

/// Ends a call that asked a model so often, and wrote something or not.
fn did(bench: &mut Bench, execution: Execution, calls: u64, wrote: bool) {
    let mut usage = Usage::default();
    usage.take("fast", &ModelUsage { calls, failed: 1, input_tokens: 20, output_tokens: 3 });
    let (task, attempt) = bench.next_call();
    let deeds = Deeds { usage, wrote };
    bench.tell(Fact::Executed { task, attempt, execution, elapsed_ms: 1, deeds });
}

fn retries() -> Vec<Bench> {
    let start = Start { mode: Some(MockMode::Fallback), ..seed(1) };
    let mut bench = Bench::begin(file!("retries/workflow"), "", start);
    bench.end(failed(Failure::Upstream(problem("busy"))));
    bench.end(failed(Failure::Trap(problem("unreachable"))));
    let (task, attempt) = bench.next_call();
    let reply = Reply { output: json!("from the cache"), ..Reply::default() };
    bench.tell(Fact::Cached { task, attempt, reply });
    bench.end(failed(Failure::Trap(problem("unreachable"))));
    bench.end(replied());
    bench.wait();
    vec![bench]
}

fn people() -> Vec<Bench> {
    let start = Start { answers: r#"{"given":"at the start"}"#, ..seed(1) };
    let mut bench = Bench::begin(file!("people/workflow"), "", start);
    let (task, _) = bench.next_call();
    let (prompt, asked) = ("May I?", json!({ "prompt": "May I?" }));
    bench.tell(Fact::Executed {
        task,
        attempt: 1,
        execution: Execution::Suspended(Waiting::Question(Question {
            id: question_id(task, 0),
            prompt: prompt.into(),
            schema: Some(json!({ "type": "boolean" })),
            deadline: Some(Timestamp(90_000_000)),
            assignee: None,
            note: None,
            escalation: None,
            request: RequestHash::of(Operation::HumanAsk, &asked),
        })),
        elapsed_ms: 12,
        deeds: Deeds::default(),
    });
    bench.say_to("first?", "\"yes\"");
    bench.say_to("How many, 1?", "3");
    bench.wait();
    bench.say_to("a", "1");
    bench.say_to("b", "null");
    bench.say_to(prompt, "true");
    bench.wait();
    bench.wait();
    vec![bench]
}

/// A question that becomes somebody else's, by the clock and by a person, in a run with labels.
fn assigned() -> Vec<Bench> {
    let with = |started: &mut RunStarted| {
        let labels = [("team".to_owned(), "search".to_owned())];
        started.labels = Labels::new(labels.into()).unwrap();
    };
    let start = Start { with: Some(with), ..seed(1) };
    let mut bench = Bench::begin(file!("assigned/workflow"), "", start);
    bench.drain();
    bench.wait();
    let head = wforge_graph::head_of(&"test".parse().unwrap(), &bench.run);
    let question = head.questions().next().unwrap().1.id;
    let (assignee, note) = (Some("cid".to_owned()), Some("before noon".to_owned()));
    bench.tell(Fact::Assign { question, assignee, note, by: ada() });
    bench.say_to("May it?", "true");
    vec![bench]
}

/// Several questions at once, and a run that begins the same tasks again with what was answered.
fn answers() -> Vec<Bench> {
    let (text, parts) = (file!("answers/workflow"), &[file!("answers/part")]);
    let mut before = Bench::begin(text, "c: asks Third? | Fourth?", Start { parts, ..seed(1) });
    before.drain();
    for (prompt, answer) in [("Second?", "2"), ("Third?", "3"), ("Inside?", "5")] {
        before.say_to(prompt, answer);
    }
    let start = Start { parts, keeps: true, ..seed(2) };
    let mut again = Bench::after((&before, At::End), text, start, Origin::Continue);
    again.script("c: asks Third? | Fourth?");
    again.drain();
    for (prompt, answer) in [("First?", "1"), ("Fourth?", "4"), ("And then?", "6")] {
        again.say_to(prompt, answer);
    }
    vec![before, again]
}

fn subgraphs() -> Vec<Bench> {
    let with = |started: &mut RunStarted| {
        in_thread(started);
        let limits = Some(RunLimits { steps_max: 20, ..RunLimits::default() });
        started.subgraphs.values_mut().for_each(|part| part.limits.clone_from(&limits));
        started.durability = Durability::Exit;
    };
    let parts = &[file!("subgraphs/middle"), file!("subgraphs/inner")];
    let start = Start { parts, with: Some(with), ..seed(1) };
    let text = file!("subgraphs/workflow");
    let mut first = Bench::begin(text, "", start);
    first.drain_only(4);
    let bug = || failed(Failure::Failed(problem("bug")));
    first.end(bug());
    first.wait_only();
    first.end(bug());
    first.end(Execution::Replied(Reply {
        output: json!({ "word": "gone" }),
        exits: vec![wforge_model::agent::Exit {
            name: "out".into(),
            input: Some(json!({ "why": "left" })),
        }],
    }));
    first.drain();
    let mut second =
        Bench::after((&first, At::End), text, Start { seed: None, ..start }, Origin::Input);
    second.drain();
    vec![first, second]
}

fn pauses() -> Vec<Bench> {
    let parts = &[file!("pauses/part")];
    let start = Start { parts, ..seed(1) };
    let mut bench = Bench::begin(file!("pauses/workflow"), "", start);
    // Before b, after x in c, after c.
    for steps in [Some(9), None, None] {
        bench.tell(Fact::Continue { by: ada(), steps });
    }
    bench.tell(Fact::Pause { by: ada() });
    bench.drain();
    bench.go_on(None);
    vec![bench]
}

fn revived() -> Vec<Bench> {
    let parts = &[file!("revived/part"), file!("revived/tells")];
    let mut bench = Bench::begin(file!("revived/workflow"), "", Start { parts, ..seed(1) });
    let bug = || failed(Failure::Failed(problem("bug")));
    bench.end(bug());
    bench.tell(Fact::FailureHandled { outcome: Err("nobody is at home".into()) });
    bench.tell(Fact::Revive { by: ada() });
    bench.end(replied());
    bench.end(bug());
    let handler = RunId::from_bytes([2; 16]);
    bench.tell(Fact::FailureHandled { outcome: Ok(handler) });
    bench.tell(Fact::Revive { by: ada() });
    bench.drain();
    let with = |started: &mut RunStarted| started.handles = Some(RunId::from_bytes([1; 16]));
    let input = r#"{"failure":{"code":"bug"}}"#;
    let handles = Start { input, with: Some(with), ..seed(2) };
    vec![bench, Bench::begin(parts[1], "", handles)]
}

fn blocked() -> Vec<Bench> {
    let mut bench = Bench::begin(file!("blocked/workflow"), "", seed(1));
    bench.end(replied());
    let (recorded, asked) = ("http.fetch of a".into(), "http.fetch of b".into());
    bench.end(Execution::Diverged(Divergence { position: 1, recorded, asked }));
    bench.tell(Fact::DiscardEffects { by: ada() });
    bench.drain();
    vec![bench]
}

fn quarantined() -> Vec<Bench> {
    let mut bench = Bench::begin(file!("quarantined/workflow"), "", seed(1));
    let component = Digest::from_bytes([7; 32]);
    let reason = "sends mail to strangers".to_owned();
    bench.end(Execution::Suspended(Waiting::Quarantine { component, reason }));
    bench.tell(Fact::Released { component });
    bench.drain();
    vec![bench]
}

fn cancelled() -> Vec<Bench> {
    let text = file!("cancelled/workflow");
    let cancel =
        |by: &str, roll_back| Fact::Cancel { reason: "enough".into(), by: by.into(), roll_back };
    let mut bench = Bench::begin(text, "", seed(1));
    bench.tell(cancel("", false));
    let start = Start { queued: true, with: Some(in_thread), ..seed(2) };
    let mut queued = Bench::begin(text, "", start);
    queued.tell(cancel("ada", true));
    vec![bench, queued]
}

fn threads() -> Vec<Bench> {
    let parts = &[file!("threads/part")];
    let (old, new) = (file!("threads/workflow"), file!("threads/workflow-2"));
    let start = Start { parts, with: Some(in_thread), ..Start::default() };
    let input = Start { input: r#"{"log":["more"]}"#, ..start };
    let first = Bench::begin(old, "", Start { seed: Some(1), ..input });
    let second = Bench::after((&first, At::End), old, input, Origin::Input);
    let write = |overwrite| Write { key: "log".parse().unwrap(), value: json!(["x"]), overwrite };
    let updates = vec![
        StateUpdate { node: None, writes: vec![write(true)] },
        StateUpdate { node: Some("b".parse().unwrap()), writes: vec![write(false)] },
    ];
    let updated = Bench::after((&second, At::Step(1)), old, start, Origin::Update(updates));
    let goes_on = Bench::after((&updated, At::End), old, start, Origin::Continue);
    let copied = Bench::after((&goes_on, At::Step(1)), old, start, Origin::Copy);
    let migrated = Bench::after((&copied, At::End), new, start, Origin::Migrate);
    let ends = Bench::after((&migrated, At::End), new, start, Origin::Continue);
    vec![first, second, updated, goes_on, copied, migrated, ends]
}

fn mocked() -> Vec<Bench> {
    let kinds = [
        "invalid-input",
        "denied",
        "limit",
        "upstream",
        "cancelled",
        "failed",
        "trap",
        "timeout",
        "bad_output",
        "missing",
    ];
    let fails = (1..).zip(kinds).map(|(times, kind)| {
        json!({ "fail": { "kind": kind, "code": "played", "message": "by script",
            "retryable": true, "times": times } })
    });
    let fails = json!({ "script": fails.collect::<Vec<_>>() });
    let script = json!({ "script": [
        { "interrupt": "'sure?'" },
        { "interrupt_each": ["'one?'"] },
        { "sleep": 5 },
        { "append": { "log": "answers" } },
        { "overwrite": { "text": "'new'" } },
        { "concat": { "text": "{{ state.text }} and more" } },
        { "set": { "text": "'last'" } },
        { "count": "calls" },
        { "emit": { "topic": "news", "value": { "calls": "size(answers)" } } },
        { "goto": "on" },
        { "send": { "exit": "on", "input": { "why": "'sent'" } } },
    ] });
    let mocks = [
        "output={\"output\":null}".to_owned(),
        "answer={\"answer\":\"by the mock\"}".to_owned(),
        "seed={\"seed\":7}".to_owned(),
        format!("script={script}"),
        "whole={\"script\":[\"identity\"]}".to_owned(),
        "nothing={\"script\":[\"return_none\"]}".to_owned(),
        format!("fails={fails}"),
    ];
    let mocks: Vec<&str> = mocks.iter().map(String::as_str).collect();
    let mut always = Bench::begin(
        file!("mocked/workflow"),
        "",
        Start { mode: Some(MockMode::Always), mocks: &mocks, ..seed(1) },
    );
    always.say_to("sure?", "\"yes\"");
    always.say_to("one?", "1");
    while !always.run.status.is_final() {
        always.wait();
    }
    let off =
        Bench::begin(file!("mocked/workflow"), "", Start { mode: Some(MockMode::Off), ..seed(2) });
    vec![always, off]
}
