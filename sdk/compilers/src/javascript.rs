//! JavaScript and TypeScript to a component: QuickJS, the author's modules loaded into it once, and
//! a snapshot of that.
//!
//! The runtime, the glue to the plugin's world and the removal of the build's own imports are those
//! of the crate componentize-qjs, of the release that npm's tool has. The loading itself is ours
//! for two reasons: what is compiled for it is the same for every build against the same world, so
//! it comes from a cache the next time; and TypeScript loses its types as it is read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use componentize_qjs::{codegen, default_sync_runtime_wasm, stubwasi};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Cache, CacheConfig, Config, Engine, Store};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};
use wit_parser::Resolve;

use crate::error::{CompileError, ToolError};
use crate::modules::Modules;

/// What the author's code may print while it is loaded, in bytes.
const PRINTED_BYTES_MAX: usize = 64 << 10;

/// What to compile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    /// The folder with the world.
    pub(crate) wit: &'a Path,
    /// The world.
    pub(crate) world: &'a str,
    /// The folder with all modules.
    pub(crate) module_root: &'a Path,
    /// The first module.
    pub(crate) entry: &'a Path,
    /// Where compiled code is kept; none: nowhere.
    pub(crate) cache: Option<&'a Path>,
}

/// The component.
pub(crate) fn componentize(job: Job<'_>) -> Result<Vec<u8>, CompileError> {
    let modules = Modules::open(job.module_root, job.entry)?;
    let bare = link(job)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let loaded = runtime.block_on(load(&bare, modules, job.cache))?;
    stubwasi::stub_internal_imports(&loaded)
        .map_err(CompileError::tool("the loader's own import cannot be closed"))
}

/// The runtime joined with the plugin's world, no author's code in it yet.
struct Bare {
    component: Vec<u8>,
    /// JavaScript that knows the world's types.
    shim: String,
}

fn link(job: Job<'_>) -> Result<Bare, CompileError> {
    let mut resolve = Resolve::default();
    let world = resolve
        .push_path(job.wit)
        .and_then(|(package, _)| resolve.select_world(&[package], Some(job.world)));
    let world = world.map_err(|source| CompileError::World {
        folder: job.wit.to_owned(),
        world: job.world.to_owned(),
        source: source.into(),
    })?;
    let (mut glue, metadata) = wit_dylib::create_with_metadata(&resolve, world, None);
    let shim = codegen::generate_shim(&resolve, &metadata);
    let encoding = wit_component::StringEncoding::UTF8;
    let step = "the runtime cannot be joined with the world";
    wit_component::embed_component_metadata(&mut glue, &resolve, world, encoding)
        .map_err(CompileError::tool(step))?;
    let component = encode(&glue).map_err(CompileError::tool(step))?;
    Ok(Bare { component, shim })
}

fn encode(glue: &[u8]) -> Result<Vec<u8>, ToolError> {
    let mut linker = wit_component::Linker::default();
    linker.encoder().validate(true);
    linker.library("componentize_qjs_runtime.wasm", default_sync_runtime_wasm(), false)?;
    linker.library("wit-dylib.wasm", glue, false)?;
    let adapter = WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
    linker.encoder().adapter("wasi_snapshot_preview1", adapter)?;
    Ok(linker.encode()?)
}

/// What the runtime finds outside while it loads: pipes that nobody reads, and no files.
struct Outside {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Outside {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Clocks that stand still.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Loads the modules and takes the snapshot.
async fn load(
    bare: &Bare,
    modules: Modules,
    cache: Option<&Path>,
) -> Result<Vec<u8>, CompileError> {
    let step = "the runtime does not start";
    let printed = MemoryOutputPipe::new(PRINTED_BYTES_MAX);
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(printed.clone()).stderr(printed.clone());
    // The snapshot holds what they say, and is to be the same tomorrow.
    wasi.wall_clock(Stopped).monotonic_clock(Stopped);
    wasi.secure_random(Deterministic::new(vec![0])).insecure_random(Deterministic::new(vec![0]));
    wasi.insecure_random_seed(0);
    let outside = Outside { wasi: wasi.build(), table: ResourceTable::new() };
    let engine = engine(cache).map_err(CompileError::tool(step))?;
    let mut store = Store::new(&engine, outside);

    let wizer = Wizer::new();
    let (context, instrumented) =
        wizer.instrument_component(&bare.component).map_err(CompileError::tool(step))?;
    let component = Component::new(&engine, &instrumented).map_err(CompileError::tool(step))?;
    let modules = Arc::new(modules);
    let linker = linker(&engine, &component, &modules).map_err(CompileError::tool(step))?;
    let instance = linker.instantiate_async(&mut store, &component).await;
    let instance = instance.map_err(CompileError::tool(step))?;

    // The runtime's: glue, the entry's text and name, whether memory is never collected.
    type Loads<'a> = (&'a str, &'a str, Option<&'a str>, bool);
    let init = instance.get_typed_func::<Loads<'_>, (Result<(), String>,)>(&mut store, "init");
    let init = init.map_err(CompileError::tool(step))?;
    let text = modules.load(modules.entry()).map_err(|error| CompileError::Code(error.into()))?;
    let arguments = (bare.shim.as_str(), text.as_str(), Some(modules.entry()), false);
    let (loaded,) = init
        .call_async(&mut store, arguments)
        .await
        .map_err(|error| CompileError::Code(with_printed(&format!("{error:#}"), &printed)))?;
    loaded.map_err(|error| CompileError::Code(with_printed(&error, &printed)))?;

    let mut state = WasmtimeWizerComponent { store: &mut store, instance };
    let snapshot = wizer.snapshot_component(context, &mut state).await;
    snapshot.map_err(CompileError::tool("no snapshot of the loaded code can be taken"))
}

fn engine(cache: Option<&Path>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    if let Some(folder) = cache {
        let mut kept = CacheConfig::new();
        kept.with_directory(folder);
        config.cache(Some(Cache::new(kept)?));
    }
    Engine::new(&config)
}

fn linker(
    engine: &Engine,
    component: &Component,
    modules: &Arc<Modules>,
) -> wasmtime::Result<Linker<Outside>> {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    // No capability of a host is there while code is loaded: calling one is an error of the code.
    linker.define_unknown_imports_as_traps(component)?;
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let mut loader = linker.instance("local:init/module-loader")?;
    let at_hand = Arc::clone(modules);
    loader.func_wrap("resolve", move |_, (referrer, specifier): (String, String)| {
        let found = at_hand.resolve(&referrer, &specifier).map_err(|error| error.to_string());
        Ok((found,))
    })?;
    let at_hand = Arc::clone(modules);
    loader.func_wrap("load", move |_, (name,): (String,)| {
        Ok((at_hand.load(&name).map_err(|error| error.to_string()),))
    })?;
    Ok(linker)
}

/// What went wrong, after what the code had printed.
fn with_printed(error: &str, printed: &MemoryOutputPipe) -> ToolError {
    let printed = String::from_utf8_lossy(&printed.contents()).into_owned();
    format!("{printed}{error}").into()
}
