//! The super-step of a run that is open: its span, and how long it and its run take.

use tracing::{Span, info_span};
use wforge_graph::Run;
use wforge_model::Timestamp;
use wforge_model::event::{EventKind, RunEvent};

use crate::stats::Stats;

/// The open super-step of a run itself; those of its subgraphs are inside it.
#[derive(Debug, Default)]
pub(crate) struct OpenStep {
    /// Its number, and the span that its tasks are in.
    span: Option<(u32, Span)>,
    began_at: Option<Timestamp>,
}

impl OpenStep {
    /// The one that a loaded run is in.
    pub(crate) fn of(run: &Run) -> Self {
        Self { span: None, began_at: run.tasks().iter().map(|task| task.began_at).min() }
    }

    /// Takes note of durable events of a run that began at that time.
    pub(crate) fn follow(&mut self, stats: &Stats, run_began: Timestamp, events: &[RunEvent]) {
        for RunEvent { at, kind } in events {
            match kind {
                EventKind::StepPlanned { ns: None, .. } => self.began_at = Some(*at),
                EventKind::StepCommitted { ns: None, .. } => {
                    self.span = None;
                    if let Some(began_at) = self.began_at.take() {
                        stats.took.step.count_ms(between(began_at, *at));
                    }
                }
                ended if ended.ends_run() => {
                    self.span = None;
                    stats.took.run.count_ms(between(run_began, *at));
                }
                _ => {}
            }
        }
    }

    /// The span for tasks of that super-step, inside the span that this is called in.
    pub(crate) fn span(&mut self, step: u32) -> Span {
        match &self.span {
            Some((its, span)) if *its == step => span.clone(),
            Some(_) | None => {
                let span = info_span!("step", step);
                self.span = Some((step, span.clone()));
                span
            }
        }
    }
}

const fn between(from: Timestamp, to: Timestamp) -> u64 {
    to.0.saturating_sub(from.0)
}
