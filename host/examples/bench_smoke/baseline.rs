//! What the parts cost alone: bare wasmtime, and a bare fdatasync in the same folder.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};
use wforge_ports::Clock;

use crate::report::Spread;

mod bare {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "plugin",
        imports: { default: async },
        exports: { default: async },
    });
}

use bare::exports::workflowforge::plugin::agent::Call;

const MEMORY_BYTES_MAX: usize = 128 << 20;
const EPOCHS_MAX: u64 = 1_000_000;

/// A fresh store, an instance and one call of the component's `echo`, with nothing around it.
pub(crate) async fn bare_calls(
    component: &[u8],
    input: &str,
    count: usize,
    clock: &dyn Clock,
) -> Result<Spread> {
    let times = timed_calls(component, input, count, clock).await;
    times.map(Spread::of).map_err(|error| anyhow!("bare wasmtime: {error:?}"))
}

async fn timed_calls(
    component: &[u8],
    input: &str,
    count: usize,
    clock: &dyn Clock,
) -> wasmtime::Result<Vec<u64>> {
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(MEMORY_BYTES_MAX);
    let mut config = Config::new();
    config.epoch_interruption(true).allocation_strategy(pool);
    let engine = Engine::new(&config)?;
    let component = Component::from_binary(&engine, component)?;
    let mut linker: Linker<()> = Linker::new(&engine);
    // `echo` calls nothing of the host.
    linker.define_unknown_imports_as_traps(&component)?;
    let plugin = bare::PluginPre::new(linker.instantiate_pre(&component)?)?;
    let call = call_of(input);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = clock.monotonic_ns();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(EPOCHS_MAX);
        let instance = plugin.instantiate_async(&mut store).await?;
        let agent = instance.workflowforge_plugin_agent();
        let reply = agent.call_invoke(&mut store, &call).await?;
        if !reply.is_ok_and(|reply| reply.output == input) {
            return Err(wasmtime::Error::msg("echo gave something else"));
        }
        drop(store);
        times.push(clock.monotonic_ns() - begun);
    }
    Ok(times)
}

fn call_of(input: &str) -> Call {
    let empty = || "{}".to_owned();
    Call {
        agent: "echo".to_owned(),
        task: "task_00000000000000000000000000000001".to_owned(),
        run: "run_00000000000000000000000000000002".to_owned(),
        thread: None,
        workflow: "chain@1.0.0".to_owned(),
        node: "n0".to_owned(),
        step: 1,
        attempt: 1,
        timeout_ms: 0,
        input: input.to_owned(),
        config: empty(),
        context: empty(),
        extra: empty(),
    }
}

/// Writes of that many bytes into a file whose space is there, each followed by an fdatasync.
pub(crate) fn bare_fdatasyncs(
    folder: &Path,
    bytes: usize,
    count: usize,
    clock: &dyn Clock,
) -> Result<Spread> {
    let path = folder.join("bare");
    let mut file = fs_err::File::create(&path)?;
    file.write_all(&vec![0; bytes * count])?;
    file.sync_all()?;
    let mut file = fs_err::OpenOptions::new().write(true).open(&path)?;
    let frame = vec![0xa5; bytes];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = clock.monotonic_ns();
        file.write_all(&frame)?;
        file.sync_data().context("fdatasync")?;
        times.push(clock.monotonic_ns() - begun);
    }
    fs_err::remove_file(path)?;
    Ok(Spread::of(times))
}
