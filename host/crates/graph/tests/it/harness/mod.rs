//! Drives workflow files with scripted agents, and writes down what happened.
//!
//! After each fact the run is also folded again from its own log, and read back from what may be
//! stored of it, and compared: each test is a test of replay as well.

mod files;
mod story;

use std::collections::{BTreeMap, VecDeque};

use wforge_graph::{Carried, Library, Run, apply, begin, call_of, settle};
use wforge_model::agent::{AgentCall, Execution, Exit, Reply};
use wforge_model::beginning::{Origin, RunQueued, RunStarted};
use wforge_model::command::{Command, Fact};
use wforge_model::effect::{Operation, Question, RequestHash, Waiting, question_id};
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::mock::MockMode;
use wforge_model::{Checkpoint, Failure, Problem, RunId, Seq, TaskId, Timestamp, Value};
use wforge_spec::Cel;

pub(crate) use self::files::{LIST, library, started, workflow};
use self::story::Story;

/// When every test begins.
const BEGIN: Timestamp = Timestamp(1_000_000);

/// A run of a workflow under test.
pub(crate) struct Bench {
    pub(crate) run: Run,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<RunEvent>,
    library: Library,
    carried: Option<Carried>,
    cel: Cel,
    /// What calls answer in turn, by node or plugin.
    scripts: BTreeMap<String, VecDeque<String>>,
    wake: Option<Timestamp>,
    starts: VecDeque<(TaskId, u32)>,
    story: Story,
}

/// How a run is started, apart from its workflow.
#[derive(Clone, Copy, Default)]
pub(crate) struct Start<'a> {
    pub(crate) input: &'a str,
    pub(crate) mode: Option<MockMode>,
    pub(crate) answers: &'a str,
    /// Nodes that the mock agent does: `node`, or `node={ what it answers }`.
    pub(crate) mocks: &'a [&'a str],
    /// The files of the workflows that are parts of it.
    pub(crate) parts: &'a [&'a str],
    /// Super-steps after which it pauses.
    pub(crate) steps: Option<u32>,
    /// What its id is made of; none: as tests have it, another one for each run of a thread.
    pub(crate) seed: Option<u8>,
    /// Anything else.
    pub(crate) with: Option<fn(&mut RunStarted)>,
    /// Whether it waited for its turn in its thread.
    pub(crate) queued: bool,
    /// Whether it is handed what people answered to the tasks that it begins again.
    pub(crate) keeps: bool,
}

/// The checkpoint at which a run begins.
#[derive(Clone, Copy)]
pub(crate) enum At {
    /// After so many super-steps.
    Step(usize),
    /// Its last border: where it ended, or the super-step under way began.
    End,
}

impl Bench {
    /// A run that was begun. `script` has a line for each node, or each plugin: what its calls
    /// answer in turn, separated by `;`. The last answer is given again; a node without a line
    /// answers its input.
    pub(crate) fn begin(text: &str, script: &str, start: Start<'_>) -> Self {
        Self::try_begin(text, script, start, Origin::Input, None).unwrap()
    }

    /// A run that goes on from a checkpoint of another one.
    pub(crate) fn after(
        (before, at): (&Self, At),
        text: &str,
        start: Start<'_>,
        origin: Origin,
    ) -> Self {
        Self::try_begin(text, "", start, origin, Some((before, at))).unwrap()
    }

    /// The same, or why it cannot be begun.
    pub(crate) fn try_begin(
        text: &str,
        script: &str,
        start: Start<'_>,
        origin: Origin,
        base: Option<(&Self, At)>,
    ) -> Result<Self, String> {
        let library = files::library(text, start.parts);
        let (seed, checkpoint) = match base {
            Some((before, at)) => {
                let seed = before.run.id.as_bytes()[0] + 1;
                (seed, Some(Checkpoint { run: before.run.id, seq: before.seq_at(at) }))
            }
            None => (7, None),
        };
        let run = RunId::from_bytes([start.seed.unwrap_or(seed); 16]);
        let mut started = files::started(&library, start);
        start.with.iter().for_each(|with| with(&mut started));
        (started.origin, started.base) = (origin, checkpoint);
        let queued = start.queued.then(|| queued(&started));
        if let Some((before, _)) = base.filter(|_| start.keeps) {
            started.kept_answers = before.run.answers_given();
        }
        let carried = base.map(|(before, at)| Carried::from(&before.folded(before.seq_at(at))));
        let cel = Cel::default();
        let first = begin(run, &library, started, carried.as_ref(), BEGIN, &cel)
            .map_err(|problems| files::lines(&problems))?;
        let mut bench = Self {
            run: new_run(run, &library, carried.as_ref()),
            now: BEGIN,
            log: Vec::new(),
            library,
            carried,
            cel,
            scripts: files::scripts(script),
            wake: None,
            starts: VecDeque::new(),
            story: Story::default(),
        };
        for event in queued.into_iter().chain([first]) {
            apply(&mut bench.run, &event);
            bench.log.push(event);
        }
        bench.tell(Fact::Loaded);
        Ok(bench)
    }

    /// The same, with what calls answer from now on.
    pub(crate) fn script(&mut self, text: &str) {
        self.scripts = files::scripts(text);
    }

    /// Its workflows.
    pub(crate) const fn library(&self) -> &Library {
        &self.library
    }

    /// Hands over a fact and writes down what follows.
    pub(crate) fn tell(&mut self, fact: Fact) {
        let decision = settle(&mut self.run, &[fact], self.now, &self.cel);
        self.wake = None;
        for event in &decision.events {
            self.story.tell(&event.kind);
        }
        self.log.extend(decision.events);
        for command in decision.commands {
            match command {
                Command::WakeAt { at } => self.wake = Some(at),
                Command::Start { task, attempt } if !self.starts.contains(&(task, attempt)) => {
                    self.starts.push_back((task, attempt));
                }
                Command::Start { .. } => {}
                Command::StopTasks => self.starts.clear(),
                Command::Drop { tasks } => self.starts.retain(|(task, _)| !tasks.contains(task)),
                Command::HandleFailure => self.story.line("  its failure is to be handled"),
            }
        }
        self.check_replay();
    }

    /// Answers every call until nothing can go on without a person or time.
    pub(crate) fn drain(&mut self) {
        while let Some((task, attempt)) = self.starts.pop_front() {
            self.execute(task, attempt);
        }
    }

    /// Answers so many calls, and leaves the others under way.
    pub(crate) fn drain_only(&mut self, calls: usize) {
        for _ in 0..calls {
            let (task, attempt) = self.starts.pop_front().expect("a call");
            self.execute(task, attempt);
        }
    }

    /// The next call, which whoever asks answers by a fact.
    pub(crate) fn next_call(&mut self) -> (TaskId, u32) {
        self.starts.pop_front().expect("a call")
    }

    /// The next call ends so, after a while.
    pub(crate) fn end(&mut self, execution: Execution) {
        let (task, attempt) = self.next_call();
        self.now = self.now.after_ms(7);
        self.tell(Fact::executed(task, attempt, execution, 7));
    }

    fn execute(&mut self, task: TaskId, attempt: u32) {
        let tenant = "default".parse().unwrap();
        let execution = match call_of(&self.run, &tenant, task, &self.cel) {
            Ok(call) => self.answer(&call),
            Err(failure) => Execution::Failed { failure, effects: 0 },
        };
        self.tell(Fact::executed(task, attempt, execution, 1));
    }

    /// Lets time pass to the next moment at which something is due.
    pub(crate) fn wait(&mut self) {
        self.wait_only();
        self.drain();
    }

    /// The same, and leaves the calls that follow under way.
    pub(crate) fn wait_only(&mut self) {
        let at = self.wake.expect("nothing is due");
        self.story.line(&format!("  after {} ms", at.0 - self.now.0));
        self.now = at;
        self.tell(Fact::Time);
    }

    /// Answers the question that was asked last, and every call that follows.
    pub(crate) fn say(&mut self, answer: &str) {
        self.say_only(answer);
        self.drain();
    }

    /// Answers the question that was asked last.
    pub(crate) fn say_only(&mut self, answer: &str) {
        let question = self.log.iter().rev().find_map(|event| match &event.kind {
            EventKind::TaskSuspended { waiting, .. } => Some(waiting.questions().last()?.id),
            _ => None,
        });
        let answer = serde_json::from_str(answer).unwrap();
        self.tell(Fact::Answer { question: question.unwrap(), answer, by: "ada".into() });
    }

    /// Answers the open question with that prompt.
    pub(crate) fn say_to(&mut self, prompt: &str, answer: &str) {
        let question = self.run.all_tasks().find_map(|task| match &task.status {
            wforge_graph::TaskStatus::Suspended(waiting) => {
                let asked = waiting.questions().iter().find(|asked| asked.prompt == prompt);
                asked.map(|asked| asked.id)
            }
            _ => None,
        });
        let answer = serde_json::from_str(answer).unwrap();
        self.tell(Fact::Answer { question: question.unwrap(), answer, by: "ada".into() });
        self.drain();
    }

    /// Lets a paused run go on, for so many super-steps or to its end.
    pub(crate) fn go_on(&mut self, steps: Option<u32>) {
        self.tell(Fact::Continue { by: "ada".into(), steps });
        self.drain();
    }

    /// The state of the run itself.
    pub(crate) fn state(&self) -> String {
        serde_json::to_string(self.run.state()).unwrap()
    }

    /// What happened since the last time.
    pub(crate) fn story(&mut self) -> String {
        self.story.take()
    }

    /// The same run after a restart: what never reaches the store is gone.
    pub(crate) fn restart(&mut self) {
        self.run = self.folded(self.run.seq);
        self.story.line("  restarted");
        self.starts.clear();
        self.tell(Fact::Loaded);
    }

    /// Folds the run from its first event, and shows it after each.
    pub(crate) fn replayed(&self, mut visit: impl FnMut(&Run, Seq, &RunEvent)) {
        let mut run = new_run(self.run.id, &self.library, self.carried.as_ref());
        for event in &self.log {
            apply(&mut run, event);
            visit(&run, run.seq, event);
        }
    }

    fn seq_at(&self, at: At) -> Seq {
        let is_border =
            |event: &RunEvent| matches!(event.kind, EventKind::StepCommitted { ns: None, .. });
        let borders: Vec<u64> =
            (1..).zip(&self.log).filter(|(_, e)| is_border(e)).map(|(seq, _)| seq).collect();
        match at {
            At::Step(0) => Seq(1),
            At::Step(step) => Seq(borders[step - 1]),
            At::End => self.run.border,
        }
    }

    /// The run as its first events, read back, make it.
    fn folded(&self, seq: Seq) -> Run {
        let mut run = new_run(self.run.id, &self.library, self.carried.as_ref());
        for event in self.log.iter().take(usize::try_from(seq.0).unwrap()) {
            let text = serde_json::to_string(event).unwrap();
            apply(&mut run, &serde_json::from_str(&text).unwrap());
        }
        run
    }

    fn check_replay(&self) {
        let json = |run: &Run| serde_json::to_value(run).unwrap();
        let stored = self.run.persisted();
        let again = self.folded(self.run.seq);
        assert_eq!(json(&again), json(&stored), "the log folds to another run");
        let text = serde_json::to_string(&stored).unwrap();
        let read: Run = serde_json::from_str(&text).unwrap();
        let read = read.with_library(self.library.clone());
        assert_eq!(json(&read), json(&stored), "a snapshot reads back as another run");
    }

    fn answer(&mut self, call: &AgentCall) -> Execution {
        let node = call.node.to_string();
        let plugin = call.plugin.to_string();
        let name = if self.scripts.contains_key(&plugin) { plugin } else { node };
        let mut script = "echo".to_owned();
        if let Some(answers) = self.scripts.get_mut(&name) {
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
            "asks" => asks(call, rest),
            "fail" => Execution::Failed { failure: failure(rest), effects: 0 },
            other => panic!("the script knows no \"{other}\""),
        }
    }
}

/// Runs a workflow to where it can go no further, and compares what happened.
pub(crate) fn check(text: &str, script: &str, start: Start<'_>, expected: &expect_test::Expect) {
    let mut bench = Bench::begin(text, script, start);
    bench.drain();
    expected.assert_eq(&bench.story());
}

/// The event of a run that cannot begin yet, as the engine writes it.
fn queued(started: &RunStarted) -> RunEvent {
    let thread = started.thread.expect("only runs of threads wait");
    let queued = RunQueued { thread, start: started.clone() };
    RunEvent { at: BEGIN, kind: EventKind::RunQueued(Box::new(queued)) }
}

fn new_run(id: RunId, library: &Library, carried: Option<&Carried>) -> Run {
    let run = Run::new(id, library.clone());
    match carried {
        Some(carried) => run.with_carried(carried.clone()),
        None => run,
    }
}

/// An agent that asks these questions at once, and replies with their answers.
fn asks(call: &AgentCall, prompts: &str) -> Execution {
    let (mut open, mut told) = (Vec::new(), Vec::new());
    for (ordinal, prompt) in (0..).zip(prompts.split(" | ")) {
        let request = RequestHash::of(Operation::HumanAsk, &Value::from(prompt));
        let answered = call.answers.iter().find(|answered| answered.request == request);
        if let Some(answered) = answered {
            told.push(answered.answer.clone().unwrap_or_default());
            continue;
        }
        // The second has a deadline, so that it can pass.
        let deadline = (ordinal == 1).then(|| BEGIN.after_ms(60_000));
        let (id, prompt) = (question_id(call.task, ordinal), prompt.to_owned());
        open.push(Question {
            id,
            prompt,
            schema: None,
            deadline,
            assignee: None,
            note: None,
            escalation: None,
            request,
        });
    }
    match Waiting::asking(open) {
        Some(waiting) => Execution::Suspended(waiting),
        None => Execution::Replied(Reply { output: Value::Array(told), exits: Vec::new() }),
    }
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
        "cancelled" => Failure::Cancelled(problem),
        other => panic!("the script knows no failure \"{other}\""),
    }
}
