//! Drives a workflow file with scripted agents, and writes down what happened.
//!
//! Every run is also folded again from its own log and compared, so that each test is a test of
//! replay as well.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use wforge_graph::{Beginning, Run, Workflow, apply, begin, call_of, settle, validate};
use wforge_model::agent::{AgentCall, AgentPin, Execution, Exit, Reply};
use wforge_model::command::{Command, Fact};
use wforge_model::effect::Waiting;
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::workflow::Work;
use wforge_model::{
    Digest, Failure, Grants, NodeId, Object, Problem, RunId, TaskId, Timestamp, Value,
};
use wforge_spec::Cel;

/// When every test begins.
pub(crate) const BEGIN: Timestamp = Timestamp(1_000_000);

/// A run of a workflow under test.
pub(crate) struct Bench {
    pub(crate) run: Run,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<RunEvent>,
    cel: Cel,
    scripts: BTreeMap<String, VecDeque<String>>,
    wake: Option<Timestamp>,
    starts: VecDeque<Command>,
    names: BTreeMap<TaskId, String>,
    story: String,
    workflow: Arc<Workflow>,
}

/// How a run is started, apart from its workflow.
#[derive(Clone, Copy, Default)]
pub(crate) struct Start {
    pub(crate) input: &'static str,
    pub(crate) mode: Option<MockMode>,
    pub(crate) answers: &'static str,
    pub(crate) mocks: &'static [&'static str],
}

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

pub(crate) fn workflow(text: &str) -> Result<Workflow, String> {
    let parsed = wforge_spec::parse("test.yaml", text).map_err(|reports| {
        reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    })?;
    validate(parsed.draft, &Cel::default()).map(|(workflow, _)| workflow).map_err(|problems| {
        let line = |p: &wforge_graph::Problem| {
            let help = p.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}: {}: {}{help}", p.place, p.code, p.message)
        };
        problems.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

impl Bench {
    /// A run that was begun. `script` has a line for each node: what its calls answer in turn,
    /// separated by `;`. The last answer is given again; a node without a line answers its input.
    pub(crate) fn begin(text: &str, script: &str, start: Start) -> Self {
        let workflow = Arc::new(workflow(text).unwrap());
        let cel = Cel::default();
        let scripts = script
            .lines()
            .filter_map(|line| line.trim().split_once(':'))
            .map(|(node, answers)| {
                (node.to_owned(), answers.split(';').map(|a| a.trim().to_owned()).collect())
            })
            .collect();
        let run = RunId::from_bytes([7; 16]);
        let beginning = Beginning {
            run,
            digest: Digest::from_bytes([0; 32]),
            thread: None,
            input: object(start.input),
            context: Value::Null,
            mock_mode: start.mode.unwrap_or_default(),
            mocks: start
                .mocks
                .iter()
                .map(|n| (n.parse().unwrap(), MockAnswer::default()))
                .collect(),
            answers: object(start.answers)
                .into_iter()
                .map(|(node, answer)| (node.parse().unwrap(), answer))
                .collect(),
            pins: pins(&workflow),
            by: "test".into(),
        };
        let first = begin(&workflow, beginning, BEGIN, &cel).unwrap();
        let mut bench = Self {
            run: Run::new(run, workflow.clone()),
            now: BEGIN,
            log: Vec::new(),
            cel,
            scripts,
            wake: None,
            starts: VecDeque::new(),
            names: BTreeMap::new(),
            story: String::new(),
            workflow,
        };
        apply(&mut bench.run, &first);
        bench.log.push(first);
        bench.tell(Fact::Loaded);
        bench
    }

    /// Hands over a fact and writes down what follows.
    pub(crate) fn tell(&mut self, fact: Fact) {
        let decision = settle(&mut self.run, &[fact], self.now, &self.cel);
        self.wake = None;
        for event in &decision.events {
            self.narrate(&event.kind);
        }
        self.log.extend(decision.events);
        for command in decision.commands {
            match command {
                Command::WakeAt { at } => self.wake = Some(at),
                Command::Start { .. } => self.starts.push_back(command),
                Command::StopTasks => self.starts.clear(),
            }
        }
    }

    /// Answers every call until nothing can go on without a person or time.
    pub(crate) fn drain(&mut self) {
        while let Some(Command::Start { task, attempt }) = self.starts.pop_front() {
            let tenant = "default".parse().unwrap();
            let execution = match call_of(&self.run, &tenant, task, &self.cel) {
                Ok(call) => self.answer(&call),
                Err(failure) => Execution::Failed { failure, effects: 0 },
            };
            self.tell(Fact::Executed { task, attempt, execution, elapsed_ms: 1 });
        }
    }

    /// Lets time pass to the next moment at which something is due.
    pub(crate) fn wait(&mut self) {
        let at = self.wake.expect("nothing is due");
        writeln!(self.story, "  after {} ms", at.0 - self.now.0).unwrap();
        self.now = at;
        self.tell(Fact::Time);
        self.drain();
    }

    /// Answers the only open question.
    pub(crate) fn say(&mut self, answer: &str) {
        let question = self.log.iter().rev().find_map(|event| match &event.kind {
            EventKind::TaskSuspended { waiting: Waiting::Question(question), .. } => {
                Some(question.id)
            }
            _ => None,
        });
        let answer = serde_json::from_str(answer).unwrap();
        self.tell(Fact::Answer { question: question.unwrap(), answer, by: "ada".into() });
        self.drain();
    }

    /// What happened, after checking that the log folds to the same run.
    pub(crate) fn story(&mut self) -> String {
        let mut again = Run::new(self.run.id, self.workflow.clone());
        for event in &self.log {
            let text = serde_json::to_string(event).unwrap();
            let event: RunEvent = serde_json::from_str(&text).unwrap();
            apply(&mut again, &event);
        }
        let json = |run: &Run| serde_json::to_value(run).unwrap();
        assert_eq!(json(&again), json(&self.run), "the log folds to another run");
        std::mem::take(&mut self.story)
    }

    fn answer(&mut self, call: &AgentCall) -> Execution {
        let node = call.node.as_str();
        let mut script = "echo".to_owned();
        if let Some(answers) = self.scripts.get_mut(node) {
            script = answers.front().cloned().unwrap_or(script);
            if answers.len() > 1 {
                answers.pop_front();
            }
        }
        let (verb, rest) = script.split_once(' ').unwrap_or((&script, ""));
        let reply = |output: Value, exits: Vec<Exit>| Execution::Replied(Reply { output, exits });
        match verb {
            "echo" => reply(call.input.clone(), Vec::new()),
            "ok" => reply(serde_json::from_str(rest).unwrap(), Vec::new()),
            "exit" | "send" => {
                let (name, input) = rest.split_once(' ').unwrap_or((rest, "null"));
                let input = (verb == "send").then(|| serde_json::from_str(input).unwrap());
                reply(call.input.clone(), vec![Exit { name: name.into(), input }])
            }
            "fail" => Execution::Failed { failure: failure(rest), effects: 0 },
            other => panic!("the script knows no \"{other}\""),
        }
    }

    fn narrate(&mut self, kind: &EventKind) {
        let line = match kind {
            EventKind::StepPlanned { step, tasks } => {
                self.names.extend(tasks.iter().map(|task| (task.id, task.node.to_string())));
                let nodes: Vec<&str> = tasks.iter().map(|task| task.node.as_str()).collect();
                format!("step {step}: {}", nodes.join(", "))
            }
            EventKind::TaskRetried { attempt, failure, .. } => {
                format!("  attempt {attempt} failed, {failure}")
            }
            EventKind::TaskFailed { failure, .. } => format!("  failed for good, {failure}"),
            EventKind::TaskSuspended { waiting: Waiting::Question(question), .. } => {
                format!("  asks: {}", question.prompt)
            }
            EventKind::QuestionAnswered { answer, by, .. } => {
                let answer = answer.as_ref().map_or("nothing".into(), Value::to_string);
                format!("  answered: {answer} by {by:?}")
            }
            EventKind::TaskFinished(task) => {
                let degraded = if task.stands_in { " for a named agent" } else { "" };
                match task.source.as_str() {
                    "live" => return,
                    source => format!("  {} by {source}{degraded}", self.names[&task.task]),
                }
            }
            EventKind::RunCompleted { outcome, output } => {
                let outcome = outcome.as_ref().map(|o| format!(" as {o}")).unwrap_or_default();
                format!("completed{outcome}: {}", Value::Object(output.clone()))
            }
            EventKind::RunFailed { error } => format!("failed: {}: {}", error.code, error.message),
            EventKind::RunCancelled { reason } => format!("cancelled: {reason}"),
            EventKind::RunBlocked { .. } => "blocked".into(),
            EventKind::RunStarted(_)
            | EventKind::TaskSuspended { .. }
            | EventKind::TaskResumed { .. }
            | EventKind::StepCommitted { .. }
            | EventKind::RunUnblocked { .. } => return,
        };
        writeln!(self.story, "{line}").unwrap();
    }
}

/// Runs a workflow to where it can go no further, and compares what happened.
pub(crate) fn check(text: &str, script: &str, start: Start, expected: &expect_test::Expect) {
    let mut bench = Bench::begin(text, script, start);
    bench.drain();
    expected.assert_eq(&bench.story());
}

fn failure(text: &str) -> Failure {
    let (kind, code) = text.split_once(' ').unwrap_or((text, "boom"));
    let problem = Problem::new(code, "as the script says");
    match kind {
        "upstream" => Failure::Upstream(problem),
        "trap" => Failure::Trap(problem),
        "failed" => Failure::Failed(problem),
        "timeout" => Failure::Timeout(problem),
        "limit" => Failure::Limit(problem.retryable()),
        "invalid-input" => Failure::InvalidInput(problem),
        other => panic!("the script knows no failure \"{other}\""),
    }
}

/// Every agent is served, but for those of the publisher `missing`.
fn pins(workflow: &Workflow) -> BTreeMap<NodeId, AgentPin> {
    let agents = workflow.nodes.iter().filter_map(|(id, node)| match &node.work {
        Work::Agent(agent) if !agent.plugin.as_str().starts_with("missing/") => {
            Some((id.clone(), agent.plugin.clone()))
        }
        _ => None,
    });
    let pin = |plugin| AgentPin {
        plugin,
        version: "1.0.0".parse().unwrap(),
        component: Digest::from_bytes([1; 32]),
        agent: "main".into(),
        grants: Grants::default(),
        input: serde_json::json!({}),
        output: serde_json::json!({}),
        exits: Vec::new(),
    };
    agents.map(|(id, plugin)| (id, pin(plugin))).collect()
}

pub(crate) fn object(text: &str) -> Object {
    if text.is_empty() { Object::new() } else { serde_json::from_str(text).unwrap() }
}
