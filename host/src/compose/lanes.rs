//! Threads by what runs on them, so that no plugin slows a decision, and neither slows the API.
//!
//! The API's threads are the process's first runtime; storage has threads of its own inside the
//! store.

use std::num::NonZero;

use anyhow::Context as _;
use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use wforge_model::defence::{Defence, holds};

/// The niceness of the threads of the engine and its plugins; the API has 0: what a refusal costs
/// is little, and it is not to wait behind all that was let in.
const NICE: i32 = 3;

/// The lanes of the engine.
#[derive(Debug)]
pub(crate) struct Lanes {
    engine: Option<Runtime>,
    plugins: Option<Runtime>,
}

/// Threads of this machine.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Threads for plugins where nothing is said: one is left to everything else.
pub(crate) fn plugin_threads() -> usize {
    (cores() - 1).max(1)
}

impl Lanes {
    /// Starts the threads.
    pub(crate) fn start(plugin_threads: Option<usize>) -> anyhow::Result<Self> {
        let plugins = plugin_threads.unwrap_or_else(self::plugin_threads).max(1);
        Ok(Self {
            engine: Some(lane("engine", cores().div_ceil(2), NICE)?),
            // Guests run on as many threads as there are turns for them; the one more has what is
            // done around them, so that it need not wait for a guest to make room.
            plugins: Some(lane("plugins", plugins + 1, NICE)?),
        })
    }

    /// Where the engine starts its work; none once the lanes have ended.
    pub(crate) fn handles(&self) -> Option<wforge_engine::Lanes> {
        let handle = |lane: &Option<Runtime>| lane.as_ref().map(|lane| lane.handle().clone());
        let plugins = handle(&self.plugins)?;
        let plugins = if holds(Defence::Lanes) { plugins } else { Handle::current() };
        Some(wforge_engine::Lanes { engine: handle(&self.engine)?, plugins })
    }
}

/// A runtime must not be waited for on a thread of another one, so its threads are told to end and
/// end by themselves.
impl Drop for Lanes {
    fn drop(&mut self) {
        for lane in [self.engine.take(), self.plugins.take()].into_iter().flatten() {
            lane.shutdown_background();
        }
    }
}

fn lane(name: &str, threads: usize, niceness: i32) -> anyhow::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name(format!("wforge-{name}"))
        .on_thread_start(move || {
            // Where the system has it otherwise, all are as urgent.
            let _ = setpriority_process(None, niceness);
        })
        .enable_all()
        .build()
        .with_context(|| format!("starting the threads of the lane {name}"))
}

/// The runtime that the process itself runs on: the API, the command line, signals.
pub(crate) fn first_lane() -> anyhow::Result<Runtime> {
    lane("api", cores().min(2), 0)
}

/// Where a service is spawned from a command.
pub(crate) fn spawn_on(
    handle: &Handle,
    service: impl Future<Output = ()> + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    handle.spawn(service)
}
