//! Events of a run's log as lines that a person reads.

use wforge_model::TaskId;
use wforge_model::effect::Waiting;
use wforge_model::event::{AnsweredBy, EventKind, RunStarted, TaskFinished};
use wforge_view::{Trail, assigned, cancelled, duration, for_steps, when_text};

use super::args::LogLevel;

/// What is said of an event. Names in it are as their authors wrote them: print it harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) level: LogLevel,
    /// The task that it is about.
    pub(crate) task: Option<TaskId>,
    pub(crate) text: String,
}

impl Told {
    const fn of_run(level: LogLevel, text: String) -> Self {
        Self { level, task: None, text }
    }

    const fn of_task(level: LogLevel, task: TaskId, text: String) -> Self {
        Self { level, task: Some(task), text }
    }
}

/// What is said of the next event of a log, which the trail has taken already.
pub(crate) fn tell(trail: &Trail, event: &EventKind) -> Told {
    use LogLevel::{Debug, Error, Info, Warn};
    match event {
        EventKind::RunQueued(queued) => {
            Told::of_run(Info, format!("queued: another run of {} goes first", queued.thread))
        }
        EventKind::RunStarted(started) => Told::of_run(Info, begun(started)),
        EventKind::StepPlanned { ns, step, tasks } => {
            let nodes: Vec<String> =
                tasks.iter().map(|task| trail.path_in(*ns, &task.node)).collect();
            Told::of_run(Debug, format!("step {step}: {}", nodes.join(", ")))
        }
        EventKind::RunCompleted { outcome: Some(outcome), .. } => {
            Told::of_run(Info, format!("completed: {outcome}"))
        }
        EventKind::RunCompleted { outcome: None, .. } => Told::of_run(Info, "completed".into()),
        EventKind::RunFailed { error } => {
            Told::of_run(Error, format!("failed: {} ({})", error.message, error.code))
        }
        EventKind::RunCancelled { reason, by, rolled_back } => {
            Told::of_run(Warn, cancelled(reason, by, *rolled_back))
        }
        EventKind::Interrupted { when, nodes, .. } => {
            let nodes: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
            Told::of_run(Info, format!("pauses {} {}", when_text(*when), nodes.join(", ")))
        }
        EventKind::PauseRequested { by } => {
            Told::of_run(Info, format!("pauses after this super-step, as {by} asked"))
        }
        EventKind::Continued { by, steps } => {
            Told::of_run(Info, format!("continued by {by}{}", for_steps(*steps)))
        }
        EventKind::RunRevived { by } => {
            Told::of_run(Info, format!("what failed begins again: {by}"))
        }
        EventKind::FailureHandled { run: Some(run), .. } => {
            Told::of_run(Warn, format!("{run} handles the failure"))
        }
        EventKind::FailureHandled { run: None, refused } => {
            let why = refused.as_deref().unwrap_or_default();
            Told::of_run(Error, format!("nothing handles the failure: {why}"))
        }
        _ => of_task(event).unwrap_or_else(|| Told::of_run(Debug, event.name().replace('_', " "))),
    }
}

fn begun(started: &RunStarted) -> String {
    let RunStarted { workflow, version, by, .. } = started;
    match started.handles {
        Some(failed) => format!("{workflow}@{version} begun for the failure of {failed}"),
        None => format!("{workflow}@{version} begun by {by}"),
    }
}

/// What is said of an event of one task.
fn of_task(event: &EventKind) -> Option<Told> {
    use LogLevel::{Debug, Error, Info, Warn};
    let told = match event {
        EventKind::TaskRetried { task, attempt, failure, at, falls_back, elapsed_ms, .. } => {
            let next = if *falls_back { "its fallback agent takes over" } else { "once more" };
            let time = duration(*elapsed_ms);
            let text = format!("attempt {attempt} failed after {time}: {failure}; {next} at {at}");
            Told::of_task(Warn, *task, text)
        }
        EventKind::TaskSuspended { task, waiting } => {
            Told::of_task(Info, *task, waits_for(waiting))
        }
        EventKind::TaskResumed { task } => Told::of_task(Debug, *task, "goes on".into()),
        EventKind::QuestionAnswered { task, question, by, .. } => {
            let who = match by {
                AnsweredBy::Person(name) => format!("answered by {name}"),
                AnsweredBy::Start => "answered beforehand".to_owned(),
                AnsweredBy::Mock => "answered by the mock agent".to_owned(),
                AnsweredBy::Deadline => "not answered in time".to_owned(),
            };
            Told::of_task(Info, *task, format!("{question} {who}"))
        }
        EventKind::QuestionAssigned { task, question, assignee, note, by } => {
            let to = assigned(assignee.as_deref(), note.as_deref(), by);
            Told::of_task(Info, *task, format!("{question} {to}"))
        }
        EventKind::TaskFinished(finished) => finished_task(finished),
        EventKind::TaskFailed { task, attempt, failure, elapsed_ms, handler, .. } => {
            let time = duration(*elapsed_ms);
            let text = format!("attempt {attempt} failed after {time}: {failure}");
            match handler {
                Some(handler) => {
                    Told::of_task(Warn, *task, format!("{text}; {} handles it", handler.node))
                }
                None => Told::of_task(Error, *task, text),
            }
        }
        EventKind::RunBlocked { task, divergence } => {
            let (recorded, asked) = (&divergence.recorded, &divergence.asked);
            let text = format!("blocked: {recorded} is recorded, and {asked} was asked");
            Told::of_task(Error, *task, text)
        }
        EventKind::RunUnblocked { task, by } => {
            Told::of_task(Info, *task, format!("begins anew, as {by} decided"))
        }
        _ => return None,
    };
    Some(told)
}

fn waits_for(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Timer { until } => format!("sleeps until {until}"),
        Waiting::Quarantine { reason, .. } => format!("waits: its plugin was put away: {reason}"),
        Waiting::Question(_) | Waiting::Questions(_) => {
            let asked = waiting.questions().iter();
            let asked: Vec<String> =
                asked.map(|question| format!("{}: {}", question.id, question.prompt)).collect();
            format!("asks {}", asked.join("; "))
        }
    }
}

fn finished_task(finished: &TaskFinished) -> Told {
    let (source, time) = (finished.source.as_str(), duration(finished.elapsed_ms));
    match &finished.instead_of {
        Some(failure) => {
            let text = format!("finished by {source} after {time}, instead of: {failure}");
            Told::of_task(LogLevel::Warn, finished.task, text)
        }
        None => {
            let text = format!("finished: {source} after {time}");
            Told::of_task(LogLevel::Info, finished.task, text)
        }
    }
}
