//! One thread: its runs, its history, and what an action does with them.
//!
//! What belongs to a thread rather than to a run is decided here, as the engine decides it: which
//! run an action speaks to, which borders a history lists, in whose place an update counts.

#![expect(
    clippy::indexing_slicing,
    reason = "a field of a JSON object that is made right above; it panics only on other values"
)]

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use wforge_graph::{Carried, Run, Site, TaskStatus, apply, begin, next_nodes, next_wake, settle};
use wforge_model::command::Fact;
use wforge_model::effect::{Question, Waiting};
use wforge_model::event::{Origin, RunEvent, StateUpdate, Write};
use wforge_model::head::RunStatus;
use wforge_model::{Checkpoint, NodeId, RunId, TaskId, Timestamp};

use super::book::Book;
use super::records::{Names, object};
use super::watch::{Border, Watch, names};
use crate::case::{Action, Invoke, Options, Resume, Update};

/// When every case begins.
const BEGIN: Timestamp = Timestamp(1_000_000);
/// How deep subgraphs may lie in one another; the engine's own limit is lower.
const DEPTH_MAX: usize = 64;

/// A run and its log.
#[derive(Debug)]
struct Logged {
    run: Run,
    carried: Option<Carried>,
    events: Vec<RunEvent>,
    /// Whether it only makes a checkpoint.
    ends_at_once: bool,
}

/// A thread.
#[derive(Debug)]
pub struct Thread {
    book: Book,
    now: Timestamp,
    runs: Vec<Logged>,
    history: Vec<Border>,
    /// The newest border, which may be no part of the history.
    head: Option<Border>,
    watch: Watch,
    names: Names,
}

type Refused = String;

impl Thread {
    /// A thread without a run.
    #[must_use]
    pub fn new(book: Book) -> Self {
        Self {
            book,
            now: BEGIN,
            runs: Vec::new(),
            history: Vec::new(),
            head: None,
            watch: Watch::default(),
            names: Names::default(),
        }
    }

    /// Does something with the thread and writes down what it led to.
    pub fn act(&mut self, action: &Action) -> Value {
        self.watch.stream.clear();
        let refused = match action {
            Action::Invoke(invoke) => self.invoke(invoke),
            Action::Resume(resume) => self.resume(resume),
            Action::Continue(go_on) => self.go_on(&go_on.options),
            Action::Update(update) => self.update(&[update], &update.options),
            Action::Bulk(bulk) => self.bulk(&bulk.steps, &bulk.options),
            Action::Copy(copy) => self.copy(&copy.options),
        };
        let record = self.record(action, refused.err());
        self.names.renamed(record)
    }

    fn invoke(&mut self, invoke: &Invoke) -> Result<(), Refused> {
        self.start(Origin::Input, invoke.input.clone(), &invoke.options)
    }

    fn copy(&mut self, options: &Options) -> Result<(), Refused> {
        self.start(Origin::Copy, Map::new(), options)
    }

    fn bulk(&mut self, steps: &[Vec<Update>], options: &Options) -> Result<(), Refused> {
        let mut options = options.clone();
        for step in steps {
            let updates: Vec<&Update> = step.iter().collect();
            self.update(&updates, &options)?;
            options.at = None;
        }
        Ok(())
    }

    fn update(&mut self, updates: &[&Update], options: &Options) -> Result<(), Refused> {
        let base = self.base(options);
        let updates: Vec<StateUpdate> = updates
            .iter()
            .map(|update| state_update(update, base.as_ref()))
            .collect::<Result<_, _>>()?;
        self.start(Origin::Update(updates), Map::new(), options)
    }

    /// A run that stands or failed goes on; from a checkpoint goes a run of its own.
    fn go_on(&mut self, options: &Options) -> Result<(), Refused> {
        let by = String::from("conformance");
        let of_the_last =
            self.runs.last().filter(|last| options.at.is_none() && !last.ends_at_once);
        let fact = match of_the_last.map(|last| last.run.standing()) {
            Some(RunStatus::Paused) => Fact::Continue { by, steps: options.steps },
            Some(RunStatus::Failed) => Fact::Revive { by },
            Some(_) => return Ok(()),
            None if self.base(options).is_some_and(|base| next_nodes(&base.run).is_empty())
                && options.at.is_none() =>
            {
                return Ok(());
            }
            None => return self.start(Origin::Continue, Map::new(), options),
        };
        self.show_first();
        self.tell(&[fact]);
        Ok(())
    }

    fn resume(&mut self, resume: &Resume) -> Result<(), Refused> {
        let waiting = self.questions();
        let answer = |question: &Question, answer: &Value| Fact::Answer {
            question: question.id,
            answer: answer.clone(),
            by: "conformance".into(),
        };
        let facts = match (&resume.value, waiting.as_slice()) {
            (Some(value), [(_, question)]) => vec![answer(question, value)],
            (Some(_), []) => Vec::new(),
            (Some(_), _) => return Err("ambiguous_resume".into()),
            (None, waiting) => {
                let mut facts = Vec::new();
                for given in &resume.answers {
                    let mut asked = waiting.iter().filter(|(node, _)| node.as_str() == given.node);
                    let (_, question) = asked.nth(given.ordinal).ok_or("unknown_question")?;
                    facts.push(answer(question, &given.value));
                }
                facts
            }
        };
        self.show_first();
        self.tell(&facts);
        Ok(())
    }

    /// A stream of values begins with the state where a run goes on.
    fn show_first(&mut self) {
        if let Some(last) = self.runs.last() {
            self.watch.show(&last.run);
        }
    }

    fn base(&self, options: &Options) -> Option<Border> {
        match options.at {
            Some(place) => self.history.get(place).cloned(),
            None => self.head.clone(),
        }
    }

    /// Begins a run where the thread stands.
    fn start(
        &mut self,
        origin: Origin,
        input: Map<String, Value>,
        options: &Options,
    ) -> Result<(), Refused> {
        let base = self.base(options);
        let carried = base.as_ref().map(|base| Carried::from(&base.run));
        let ends_at_once = origin.ends_at_once();
        let source = self.source(&origin, base.as_ref(), options);
        let mut bytes = [0; 16];
        bytes[15] = u8::try_from(self.runs.len() + 1).unwrap_or(u8::MAX);
        let id = RunId::from_bytes(bytes);
        let checkpoint = base.map(|base| Checkpoint { run: base.run.id, seq: base.run.seq });
        let mut started = self.book.start(origin, input, checkpoint);
        started.steps = options.steps;
        let (library, cel) = (&self.book.library, &self.book.cel);
        let first = begin(id, library, started, carried.as_ref(), self.now, cel)
            .map_err(|problems| problems.first().map_or("refused", |p| p.code).to_owned())?;
        let mut run = Run::new(id, library.clone());
        if let Some(carried) = &carried {
            run = run.with_carried(carried.clone());
        }
        apply(&mut run, &first);
        self.watch.drop_open();
        self.watch.see(&run, &first, source);
        self.runs.push(Logged { run, carried, events: vec![first], ends_at_once });
        self.tell(&[Fact::Loaded]);
        Ok(())
    }

    /// How the first border of a run came about; `hidden` is one that its base shows already.
    fn source(&self, origin: &Origin, base: Option<&Border>, options: &Options) -> &'static str {
        match origin {
            Origin::Input => "input",
            Origin::Update(_) => "update",
            Origin::Migrate | Origin::Copy => "fork",
            Origin::Continue => {
                let is_fork = base.is_some_and(|base| ["update", "fork"].contains(&base.source));
                let is_head = options.at.is_none_or(|place| place + 1 == self.history.len());
                if options.at.is_none() || is_fork && is_head { "hidden" } else { "fork" }
            }
        }
    }

    /// Hands facts to the newest run, and lets time pass while only time is waited for.
    fn tell(&mut self, facts: &[Fact]) {
        let mut facts = facts.to_vec();
        while let Some(last) = self.runs.last_mut() {
            let mut shadow = last.run.clone();
            let decision = settle(&mut last.run, &facts, self.now, &self.book.cel);
            for event in decision.events {
                apply(&mut shadow, &event);
                self.watch.see(&shadow, &event, "loop");
                last.events.push(event);
            }
            match due(&last.run, self.now) {
                Some(at) => self.now = at,
                None => return,
            }
            facts = vec![Fact::Time];
        }
    }

    fn record(&mut self, action: &Action, refused: Option<Refused>) -> Value {
        let options = action.options();
        let added = self.new_history(options);
        let waiting = self.questions();
        let (status, error) = self.status(refused);
        let mut record = json!({
            "action": action.name(),
            "status": status,
            "values": self.head.as_ref().map_or(json!({}), |head| object(&head.run.persisted_state())),
            "next": self.runs.last().map(|last| names(&next_nodes(&last.run))).unwrap_or_default(),
            "interrupts": waiting.iter().map(|(n, q)| json!([n, q.prompt])).collect::<Vec<_>>(),
            "steps": self.watch.take_steps(),
            "history": added,
            "history_length": self.history.len(),
        });
        if let Some(error) = error {
            record["error"] = Value::String(error);
        }
        let (emitted, waits) = (self.watch.take_emitted(), self.watch.take_waits());
        if !emitted.is_empty() {
            record["custom"] = Value::Array(emitted);
        }
        if options.waits {
            record["waits"] = json!(waits);
        }
        if options.stream {
            let asked = waiting.iter().map(|(_, q)| json!({ "interrupts": [q.prompt] }));
            self.watch.stream.extend(asked);
            record["stream"] = json!(self.watch.stream);
        }
        record
    }

    /// The checkpoints that the action added to the history.
    fn new_history(&mut self, options: &Options) -> Vec<Value> {
        let mut borders = std::mem::take(&mut self.watch.borders);
        if let Some(newest) = borders.last() {
            self.head = Some(newest.clone());
        }
        let exits = options.durability.as_deref() == Some("exit");
        if exits {
            borders.drain(..borders.len().saturating_sub(1));
        }
        borders.retain(|border| border.source != "hidden");
        let entry = |border: &Border| {
            let mut entry = border.entry();
            if exits {
                // The steps before it are no history, so it does not know its place.
                entry["source"] = "loop".into();
                entry["step"] = Value::Null;
            }
            entry
        };
        let entries = borders.iter().map(entry).collect();
        self.history.extend(borders);
        entries
    }

    fn status(&self, refused: Option<Refused>) -> (&'static str, Option<String>) {
        if let Some(code) = refused {
            return ("failed", Some(code));
        }
        let Some(last) = self.runs.last() else { return ("completed", None) };
        match last.run.standing() {
            RunStatus::Completed if last.ends_at_once && !next_nodes(&last.run).is_empty() => {
                ("paused", None)
            }
            RunStatus::Failed => ("failed", last.run.error.as_ref().map(|e| e.code.clone())),
            status => (status.as_str(), None),
        }
    }

    /// Every open question with the innermost node that asks it, in order of the tasks.
    fn questions(&self) -> Vec<(NodeId, Question)> {
        let mut found = Vec::new();
        if let Some(site) = self.runs.last().and_then(|last| last.run.site(None)) {
            questions_in(&site, DEPTH_MAX, &mut found);
        }
        found
    }

    /// Folds every log anew: a replay must give the run that wrote it.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check_logs(&self) -> Result<()> {
        for logged in &self.runs {
            let mut again = Run::new(logged.run.id, self.book.library.clone());
            if let Some(carried) = &logged.carried {
                again = again.with_carried(carried.clone());
            }
            for event in &logged.events {
                let text = serde_json::to_string(event).context("writing an event")?;
                apply(&mut again, &serde_json::from_str(&text).context("reading an event")?);
            }
            let (again, before) = (again.persisted(), logged.run.persisted());
            let (again, before) = (serde_json::to_value(&again)?, serde_json::to_value(&before)?);
            let difference = || crate::text::difference(&before, &again);
            ensure!(again == before, "a log folds to another run:\n{}", difference());
        }
        Ok(())
    }
}

/// The moment at which something goes on by itself; a deadline of a question is none.
fn due(run: &Run, now: Timestamp) -> Option<Timestamp> {
    let waits = run.all_tasks().any(|task| match &task.status {
        TaskStatus::Backoff(_) | TaskStatus::Suspended(Waiting::Timer { .. }) => true,
        // Nobody puts a plugin away here.
        TaskStatus::Suspended(Waiting::Quarantine { .. }) => false,
        TaskStatus::Suspended(Waiting::Question(_) | Waiting::Questions(_))
        | TaskStatus::Ready
        | TaskStatus::Inside
        | TaskStatus::Finished(_)
        | TaskStatus::Failed { .. } => false,
    });
    let under_way = run.status == RunStatus::Running;
    if waits && under_way { next_wake(run, now) } else { None }
}

fn questions_in(site: &Site<'_>, depth: usize, found: &mut Vec<(NodeId, Question)>) {
    for task in site.frame.tasks() {
        match &task.status {
            TaskStatus::Suspended(waiting) => {
                let asked = waiting.questions().iter();
                found.extend(asked.map(|question| (task.node.clone(), question.clone())));
            }
            _ if depth > 0 => {
                let inner: Option<TaskId> = Some(task.id);
                if let Some(inner) = site.run.site(inner) {
                    questions_in(&inner, depth - 1, found);
                }
            }
            _ => {}
        }
    }
}

/// An update as the engine takes it; without a node, the only one that wrote last.
fn state_update(update: &Update, base: Option<&Border>) -> Result<StateUpdate, Refused> {
    let node = match update.node.as_deref() {
        Some("START") => None,
        Some(name) => Some(name.parse().map_err(|_| "unknown_node")?),
        None => {
            let carried = base.map(|base| Carried::from(&base.run)).unwrap_or_default();
            match carried.last_writers() {
                [only] => Some(only.clone()),
                _ => return Err("ambiguous_update".into()),
            }
        }
    };
    let values = update.values.iter();
    let writes = update.writes.iter().map(|(key, value)| (key, value));
    let writes = values.chain(writes).map(|(key, value)| {
        let overwritten = value.get("overwrite").filter(|_| is_alone(value));
        let (value, overwrite) = overwritten.map_or((value, false), |inner| (inner, true));
        let key = key.parse().map_err(|_| "unknown_key")?;
        Ok(Write { key, value: value.clone(), overwrite })
    });
    Ok(StateUpdate { node, writes: writes.collect::<Result<_, Refused>>()? })
}

fn is_alone(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.len() == 1)
}
