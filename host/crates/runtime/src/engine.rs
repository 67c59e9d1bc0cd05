//! The wasmtime engine: what it accepts, how it finds memory, how it interrupts.
//!
//! Cranelift only, no asynchronous component model, no GC, no exceptions, no shared memory: each of
//! them is a place where sandboxes have been escaped from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};
use wforge_model::limits::SandboxLimits;
use wforge_ports::figures::Kept;

use crate::options::{Allocator, OpenRuntimeError, RuntimeOptions};

/// Time between two ticks of the epoch, in milliseconds: how long a guest runs before it yields.
pub(crate) const TICK_MS: u64 = 4;
const CORE_INSTANCE_BYTES_MAX: usize = 16 << 20;
/// What the host's own functions have of a fiber's stack, above the guest's frames.
const HOST_STACK_BYTES: usize = 1536 << 10;
/// What a slot of the pool keeps in memory when its sandbox has ended.
const KEPT_MEMORY_BYTES: usize = 2 << 20;
const KEPT_TABLE_BYTES: usize = 512 << 10;
/// Slots of memories that stay what a component left them for, so that its next call begins at
/// once: for each thread, and at most. One that has ever had a large guest keeps all it may for
/// good, so more of them than are of use are memory that does not come back.
const WARM_PER_THREAD: usize = 16;
const WARM_MAX: usize = 100;

/// The same engine without a pool: native code of the one fits the other. Stacks are no part of
/// native code, so the limits are not either.
pub(crate) fn for_compiling() -> wasmtime::Result<Engine> {
    Engine::new(&config(&SandboxLimits::default()))
}

/// An engine, and the name of the allocator that it got.
pub(crate) struct MadeEngine {
    pub(crate) engine: Engine,
    pub(crate) allocator: &'static str,
}

/// Makes the engine. Reserving the pool is the probe whether the address space allows it.
pub(crate) fn make(options: &RuntimeOptions) -> Result<MadeEngine, OpenRuntimeError> {
    if options.allocator == Allocator::Pooling {
        let mut config = config(&options.limits);
        config.allocation_strategy(pool(options));
        match Engine::new(&config) {
            Ok(engine) => {
                return Ok(MadeEngine { engine, allocator: "pooling" });
            }
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the sandbox pool cannot be reserved; memory is mapped for each call instead"
            ),
        }
    }
    let engine = Engine::new(&config(&options.limits));
    let engine = engine.map_err(|error| OpenRuntimeError::Engine(error.into()))?;
    Ok(MadeEngine { engine, allocator: "on-demand" })
}

fn config(limits: &SandboxLimits) -> Config {
    let stack = usize::try_from(limits.stack_bytes_max).unwrap_or(usize::MAX);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        // A replay on another machine must see the same bits.
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(stack)
        .async_stack_size(stack.saturating_add(HOST_STACK_BYTES))
        .async_stack_zeroing(true)
        .memory_init_cow(true);
    config
}

fn pool(options: &RuntimeOptions) -> PoolingAllocationConfig {
    let (limits, sandboxes) = (&options.limits, options.sandboxes_max);
    let warm = options.threads.max(1).saturating_mul(WARM_PER_THREAD).min(WARM_MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(sandboxes)
        .total_core_instances(at_least(sandboxes, 16, limits.instances_max))
        .total_memories(at_least(sandboxes, 2, limits.memories_max))
        .total_tables(at_least(sandboxes, 8, limits.tables_max))
        .total_stacks(sandboxes)
        .max_memory_size(usize::try_from(limits.memory_bytes_max).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(limits.table_elements_max).unwrap_or(usize::MAX))
        .max_core_instances_per_component(limits.instances_max)
        .max_memories_per_component(limits.memories_max)
        .max_tables_per_component(limits.tables_max)
        .max_core_instance_size(CORE_INSTANCE_BYTES_MAX)
        .max_component_instance_size(CORE_INSTANCE_BYTES_MAX)
        .max_memories_per_module(2)
        .max_tables_per_module(4)
        .linear_memory_keep_resident(KEPT_MEMORY_BYTES)
        .table_keep_resident(KEPT_TABLE_BYTES)
        .max_unused_warm_slots(u32::try_from(warm).unwrap_or(u32::MAX))
        // It misses swapped-out pages, so that a slot could show what the last tenant left.
        .pagemap_scan(Enabled::No);
    pool
}

/// What the pool keeps in memory of sandboxes that have ended, for those to come.
pub(crate) fn kept(engine: &Engine) -> Vec<Kept> {
    let Some(pool) = engine.pooling_allocator_metrics() else { return Vec::new() };
    let slots = |slots: u32| usize::try_from(slots).unwrap_or(usize::MAX);
    let stack_bytes = pool.unused_stack_bytes_resident().unwrap_or(0);
    vec![
        Kept::bytes(
            "pool_memories",
            slots(pool.unused_warm_memories()),
            pool.unused_memory_bytes_resident(),
        ),
        Kept::bytes(
            "pool_tables",
            slots(pool.unused_warm_tables()),
            pool.unused_table_bytes_resident(),
        ),
        Kept::bytes("pool_stacks", slots(pool.unused_warm_stacks()), stack_bytes),
    ]
}

fn at_least(sandboxes: u32, each: u32, least: u32) -> u32 {
    sandboxes.saturating_mul(each).max(least)
}

/// Starts the one thread that moves the epoch. It ends with the engine.
#[expect(clippy::disallowed_methods, reason = "the thread has nothing to do but sleep")]
pub(crate) fn start_ticker(engine: &Engine) -> Result<Arc<Ticks>, OpenRuntimeError> {
    let engine = engine.weak();
    let ticks = Arc::new(Ticks::default());
    let counted = Arc::clone(&ticks);
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            counted.0.fetch_add(1, Ordering::Relaxed);
            drop(engine);
            std::thread::sleep(Duration::from_millis(TICK_MS));
        }
    };
    std::thread::Builder::new()
        .name("wforge-epoch".to_owned())
        .spawn(tick)
        .map_err(OpenRuntimeError::Thread)?;
    Ok(ticks)
}

/// How often the epoch has moved. On a machine that is busy that is less often than it should be.
#[derive(Debug, Default)]
pub(crate) struct Ticks(AtomicU64);

impl Ticks {
    /// So far.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
