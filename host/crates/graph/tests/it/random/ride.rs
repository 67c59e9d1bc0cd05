//! Drives a run to its end by answers that follow from nothing but the run, and checks after each
//! fact that a decision is the same twice, that nothing more follows, and what a
//! restart would find.

use std::collections::BTreeSet;

use wforge_graph::{
    Carried, Library, Run, TaskStatus, apply, begin, decide, next_wake, settle, waiting_for,
};
use wforge_model::agent::{Execution, Reply};
use wforge_model::beginning::{Origin, StateUpdate};
use wforge_model::command::{Command, Fact};
use wforge_model::effect::Waiting;
use wforge_model::event::{EventKind, RunEvent, Write};
use wforge_model::head::RunStatus;
use wforge_model::{Checkpoint, Failure, Problem, RunId, Seq, TaskId, Timestamp, Value};
use wforge_spec::Cel;

use super::generate::{Draw, Texts};
use crate::harness::{Start, library, started};

const BEGIN: Timestamp = Timestamp(1_000_000);

/// A run under way.
pub(super) struct Ride {
    pub(super) run: Run,
    pub(super) log: Vec<RunEvent>,
    /// How long the log was after each decision, which is in a log whole or not at all.
    pub(super) decisions: Vec<usize>,
    library: Library,
    carried: Option<Carried>,
    calls: BTreeSet<(TaskId, u32)>,
    now: Timestamp,
    cel: Cel,
}

impl Ride {
    pub(super) fn begin(texts: &Texts) -> Self {
        let [middle, inner] = &texts.parts;
        let library = library(&texts.root, &[middle, inner]);
        Self::begun(library, 7, Origin::Input, None).unwrap()
    }

    /// A run that begins at a border of this one, drawn with how; none where that is refused, as an
    /// update is whose edges cannot be evaluated.
    pub(super) fn forked(&self, draw: &mut Draw<'_>) -> Option<Self> {
        let borders: Vec<u64> = (1..)
            .zip(&self.log)
            .filter(|(_, event)| {
                matches!(
                    event.kind,
                    EventKind::StepCommitted { ns: None, .. } | EventKind::RunStarted(_)
                )
            })
            .map(|(seq, _)| seq)
            .collect();
        let place = usize::try_from(draw.below(borders.len() as u64)).unwrap();
        let base = Checkpoint { run: self.run.id, seq: Seq(borders[borders.len() - 1 - place]) };
        let carried = Carried::from(&self.folded(base.seq));
        let origin = match draw.below(5) {
            0 => Origin::Continue,
            1 => Origin::Input,
            2 => Origin::Copy,
            3 => Origin::Migrate,
            _ => Origin::Update((0..1 + draw.below(2)).map(|_| update(draw)).collect()),
        };
        let seed = self.run.id.as_bytes()[0] + 1;
        Self::begun(self.library.clone(), seed, origin, Some((base, carried)))
    }

    fn begun(
        library: Library,
        seed: u8,
        origin: Origin,
        base: Option<(Checkpoint, Carried)>,
    ) -> Option<Self> {
        let (id, cel) = (RunId::from_bytes([seed; 16]), Cel::default());
        let mut started = started(&library, Start::default());
        let (base, carried) = base.unzip();
        (started.origin, started.base) = (origin, base);
        let first = begin(id, &library, started, carried.as_ref(), BEGIN, &cel).ok()?;
        let run = fold(id, &library, carried.as_ref(), std::slice::from_ref(&first));
        let (log, decisions, calls) = (vec![first], vec![1], BTreeSet::new());
        Some(Self { run, log, decisions, library, carried, calls, now: BEGIN, cel })
    }

    /// The same run taken up again after its first events, as after a crash.
    pub(super) fn resumed(&self, events: usize) -> Self {
        let log = self.log[..events].to_vec();
        let run = fold(self.run.id, &self.library, self.carried.as_ref(), &log);
        let (library, carried) = (self.library.clone(), self.carried.clone());
        let (decisions, calls, now) = (Vec::new(), BTreeSet::new(), log.last().unwrap().at);
        Self { run, log, decisions, library, carried, calls, now, cel: Cel::default() }
    }

    pub(super) fn folded(&self, seq: Seq) -> Run {
        let events = usize::try_from(seq.0).unwrap();
        fold(self.run.id, &self.library, self.carried.as_ref(), &self.log[..events])
    }

    /// Answers, waits and continues until the run has ended.
    pub(super) fn ride_to_the_end(&mut self) {
        self.tell(&Fact::Loaded);
        for _ in 0..5_000 {
            if self.run.status.is_final() {
                return;
            }
            assert!(!waiting_for(&self.run).is_empty(), "a live run waits for nothing");
            let fact = self.next_fact();
            self.tell(&fact);
        }
        panic!("the run never ends");
    }

    fn tell(&mut self, fact: &Fact) {
        let mut again = self.run.clone();
        let stepwise = self.step_by_step(fact);
        let facts = std::slice::from_ref(fact);
        let decision = settle(&mut self.run, facts, self.now, &self.cel);
        assert_eq!(decision.events, stepwise, "a decision is another one at once");
        assert_eq!(settle(&mut again, facts, self.now, &self.cel), decision);
        self.log.extend(decision.events);
        decision.commands.iter().for_each(|command| self.perform(command));
        self.check_quiet();
    }

    /// What follows from a fact, decision by decision.
    fn step_by_step(&mut self, fact: &Fact) -> Vec<RunEvent> {
        let (mut run, mut events) = (self.run.clone(), Vec::new());
        let mut facts = vec![&Fact::Time, fact].into_iter();
        loop {
            let fact = facts.next();
            let twice = [0, 1].map(|_| decide(&run, fact, self.now, &self.cel));
            assert_eq!(twice[0], twice[1], "a decision is not the same twice");
            let [decided, _] = twice;
            if fact.is_none() && decided.is_empty() {
                return events;
            }
            decided.iter().for_each(|event| apply(&mut run, event));
            events.extend(decided);
            self.decisions.push(self.log.len() + events.len());
        }
    }

    fn perform(&mut self, command: &Command) {
        match command {
            Command::Start { task, attempt } => {
                self.calls.insert((*task, *attempt));
            }
            Command::StopTasks => self.calls.clear(),
            Command::Drop { tasks } => self.calls.retain(|(task, _)| !tasks.contains(task)),
            Command::WakeAt { .. } | Command::HandleFailure => {}
        }
    }

    /// Nothing more follows, and whoever took the run up again would find the same calls under way.
    fn check_quiet(&self) {
        assert_eq!(decide(&self.run, None, self.now, &self.cel), [], "more follows");
        let mut restarted = self.run.clone();
        let decision = settle(&mut restarted, &[Fact::Loaded], self.now, &self.cel);
        assert_eq!(decision.events, [], "a restart does more");
        let started = decision.commands.iter().filter_map(|command| match command {
            Command::Start { task, attempt } => Some((*task, *attempt)),
            _ => None,
        });
        assert_eq!(started.collect::<BTreeSet<_>>(), self.calls, "a restart calls others");
    }

    fn next_fact(&mut self) -> Fact {
        if let Some((task, attempt)) = self.calls.pop_first() {
            return Fact::executed(task, attempt, execution(task), 1);
        }
        let asked = self.run.all_tasks().find_map(|task| match &task.status {
            TaskStatus::Suspended(Waiting::Question(question)) => {
                Some((question.id, task.answers.len()))
            }
            _ => None,
        });
        if let Some((question, given)) = asked {
            let answer = Value::from(given + 2);
            return Fact::Answer { question, answer, by: "ada".into() };
        }
        if let Some(at) = next_wake(&self.run, self.now) {
            self.now = at;
            return Fact::Time;
        }
        assert_eq!(self.run.standing(), RunStatus::Paused, "nobody can do anything");
        Fact::Continue { by: "ada".into(), steps: None }
    }
}

/// What a call comes to: it follows from the task, so that a second life gives the same.
fn execution(task: TaskId) -> Execution {
    let problem = Problem::new("drawn", "as the task's id says");
    match task.as_bytes()[0] % 8 {
        0 => Execution::Failed { failure: Failure::Upstream(problem), effects: 2 },
        1 => Execution::Failed { failure: Failure::Failed(problem), effects: 1 },
        _ => Execution::Replied(Reply::default()),
    }
}

fn update(draw: &mut Draw<'_>) -> StateUpdate {
    let node = (draw.below(3) > 0).then(|| format!("n{}", draw.below(3)).parse().unwrap());
    let write =
        |key: &str, value: Value, overwrite| Write { key: key.parse().unwrap(), value, overwrite };
    let log = write("log", serde_json::json!(["update"]), draw.below(2) == 1);
    StateUpdate { node, writes: vec![log, write("total", 1.into(), false)] }
}

fn fold(id: RunId, library: &Library, carried: Option<&Carried>, log: &[RunEvent]) -> Run {
    let run = Run::new(id, library.clone());
    let mut run = match carried {
        Some(carried) => run.with_carried(carried.clone()),
        None => run,
    };
    for event in log {
        let text = serde_json::to_string(event).unwrap();
        apply(&mut run, &serde_json::from_str(&text).unwrap());
    }
    run
}
