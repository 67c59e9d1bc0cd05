//! What people do in a simulated life, beside answering: they start runs, in threads and out of
//! them, write the state of threads, go on from old borders, and copy threads.

use std::collections::VecDeque;

use serde_json::json;
use wforge_engine::{
    ContinueFrom, EngineError, ForkPoint, Idempotency, Multitask, StartRun, UpdateAs, UpdateGiven,
    UpdateState,
};
use wforge_model::checkpoint::Durability;
use wforge_model::event::Write;
use wforge_model::{Checkpoint, Seq, ThreadId, Timestamp};
use wforge_testkit::FaultyStore;

use super::draw::Draw;
use super::workflows;
use crate::harness::{World, tenant};

/// How often each of them was acknowledged, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Super-steps that were committed, and those of subgraphs among them.
    pub(super) steps: u64,
    pub(super) inner_steps: u64,
    pub(super) completed: u64,
    pub(super) starts: u64,
    pub(super) updates: u64,
    pub(super) forks: u64,
    pub(super) copies: u64,
}

impl Figures {
    pub(super) fn add(&mut self, more: Self) {
        self.steps += more.steps;
        self.inner_steps += more.inner_steps;
        self.completed += more.completed;
        self.starts += more.starts;
        self.updates += more.updates;
        self.forks += more.forks;
        self.copies += more.copies;
    }
}

/// One thing to do.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    what: What,
    /// Whether it is done while others are under way, else once all runs have ended.
    pub(super) at_once: bool,
}

#[derive(Debug, Clone)]
enum What {
    Start(Box<StartRun>),
    Update { thread: ThreadId, border: u64, as_node: UpdateAs },
    GoOn { thread: ThreadId, border: u64 },
    Copy { from: ThreadId, to: ThreadId },
}

/// What became of a deed.
pub(super) enum Done {
    /// It was acknowledged: so much of that run is in the store for ever.
    Acknowledged(Checkpoint),
    /// It was refused, and left nothing behind.
    Refused,
    /// The store went down; it is done again, whether or not it had been done.
    Unknown,
}

fn thread(number: u64) -> ThreadId {
    ThreadId::from_bytes([u8::try_from(number).unwrap(); 16])
}

/// Everything that one life is about.
pub(super) fn plan(draw: &mut Draw) -> VecDeque<Deed> {
    let of_threads = [workflows::drawn(draw), workflows::drawn(draw)];
    let start = |draw: &mut Draw, number: u64| {
        let slot = if number == 0 { 1 } else { draw.below(4) };
        let request = match slot {
            0 => workflows::drawn(draw),
            1 | 2 => StartRun { thread: Some(thread(1)), ..of_threads[0].clone() },
            _ => StartRun { thread: Some(thread(2)), ..of_threads[1].clone() },
        };
        let strategies = [Multitask::Enqueue, Multitask::Enqueue, Multitask::Interrupt];
        let multitask =
            draw.one_of(&[&strategies[..], &[Multitask::Rollback, Multitask::Reject]].concat());
        let (key, expires_at) = (format!("start-{number}"), Timestamp(u64::MAX));
        let idempotency = Some(Idempotency { fingerprint: key.clone(), key, expires_at });
        let durability = draw.one_of(&[Durability::Sync, Durability::Exit]);
        Box::new(StartRun { idempotency, multitask, durability, ..request })
    };
    let first = 1 + draw.below(3);
    let mut deeds: VecDeque<Deed> =
        (0..first).map(|n| Deed { what: What::Start(start(draw, n)), at_once: true }).collect();
    for number in first..first + 1 + draw.below(5) {
        let (of, border) = (thread(draw.one_of(&[1, 1, 2])), draw.below(8));
        let what = match draw.below(6) {
            0 => What::Start(start(draw, number)),
            1 | 2 => What::Update { thread: of, border, as_node: as_node(draw) },
            3 | 4 => What::GoOn { thread: of, border },
            _ => What::Copy { from: of, to: thread(10 + number) },
        };
        deeds.push_back(Deed { what, at_once: draw.below(4) == 0 });
    }
    deeds
}

fn as_node(draw: &mut Draw) -> UpdateAs {
    match draw.below(6) {
        0 => UpdateAs::Input,
        1 => UpdateAs::Node("a".parse().unwrap()),
        2 => UpdateAs::Node("n0".parse().unwrap()),
        3 => UpdateAs::Node("h".parse().unwrap()),
        _ => UpdateAs::LastWriter,
    }
}

impl Deed {
    pub(super) async fn perform(&self, world: &World, store: &FaultyStore) -> (Done, Figures) {
        let mut figures = Figures::default();
        let count = match &self.what {
            What::Start(_) => &mut figures.starts,
            What::Update { .. } => &mut figures.updates,
            What::GoOn { .. } => &mut figures.forks,
            What::Copy { .. } => &mut figures.copies,
        };
        match self.asked(world).await {
            Ok(made) => {
                *count += 1;
                (Done::Acknowledged(made), figures)
            }
            Err(_) if store.is_down() => (Done::Unknown, figures),
            Err(
                EngineError::Conflict { .. }
                | EngineError::Invalid { .. }
                | EngineError::NotFound { .. },
            ) => (Done::Refused, figures),
            Err(error) => panic!("{error} while {self:?}"),
        }
    }

    async fn asked(&self, world: &World) -> Result<Checkpoint, EngineError> {
        let by = || "ada".to_owned();
        match &self.what {
            What::Start(request) => {
                let started = world.handle.start(&tenant(), (**request).clone()).await?;
                Ok(Checkpoint { run: started.run, seq: Seq(1) })
            }
            What::Update { thread, border, as_node } => {
                let at = point(world, *thread, *border).await?;
                let write = Write {
                    key: "log".parse().unwrap(),
                    value: json!(["update"]),
                    overwrite: false,
                };
                let given = UpdateGiven { writes: vec![write], as_node: as_node.clone() };
                let steps = vec![vec![given]];
                let (workflow, idempotency) = (None, None);
                let update = UpdateState { at, workflow, steps, idempotency, by: by() };
                world.handle.update_state(&tenant(), update).await.map(|made| made.checkpoint)
            }
            What::GoOn { thread, border } => {
                let at = point(world, *thread, *border).await?;
                let answers = std::collections::BTreeMap::new();
                let (durability, idempotency) = (Durability::Sync, None);
                let wanted =
                    ContinueFrom { at, answers, durability, steps: None, idempotency, by: by() };
                let started = world.handle.continue_from(&tenant(), wanted).await?;
                Ok(Checkpoint { run: started.run, seq: Seq(1) })
            }
            What::Copy { from, to } => world.handle.copy_thread(&tenant(), *from, *to, &by()).await,
        }
    }
}

/// A border of a thread, or where it stands.
async fn point(world: &World, thread: ThreadId, border: u64) -> Result<ForkPoint, EngineError> {
    let borders = world.handle.history(&tenant(), thread, None, 99).await?;
    let at = usize::try_from(border).unwrap().checked_sub(1);
    let found = at.and_then(|at| borders.get(at % borders.len().max(1)));
    Ok(found.map_or(ForkPoint::Thread(thread), |view| ForkPoint::Checkpoint(view.checkpoint)))
}
