//! What a call costs: a fresh store and one call of an echo component, with bare wasmtime and
//! through the runtime. With a path, that component is called instead, and its answer is shown.
//! With `--table`, one line for each component that follows: what it weighs and what it costs.
//!
//!     cargo run -p wforge-runtime --example call_cost [COMPONENT.wasm [INPUT-JSON [AGENT]]]
//!     cargo run -p wforge-runtime --example call_cost -- --table INPUT-JSON COMPONENT.wasm…
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement on the command line"
)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::{Digest, Timestamp, Value};
use wforge_ports::effects::{EffectRequest, GuestLine};
use wforge_ports::{
    AgentRuntime, BoxFuture, Clock, EffectAnswer, EffectSession, PluginAdmission, RawFailure,
    RawRequest, RawResponse,
};
use wforge_runtime::{RuntimeOptions, RuntimeParts, SandboxRuntime};
use wforge_testkit::guests as components;

mod bare {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "plugin",
        imports: { default: async },
        exports: { default: async },
    });
}

const CALLS: usize = 3_000;

type Measured<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Measured<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => echo().await,
        ["--table", input, components @ ..] => table(input, components).await,
        [component] => call_file(component, Value::Null, "main").await,
        [component, input] => call_file(component, serde_json::from_str(input)?, "main").await,
        [component, input, agent, ..] => {
            call_file(component, serde_json::from_str(input)?, agent).await
        }
    }
}

async fn echo() -> Measured<()> {
    let echo = components::echo().build();
    report("bare wasmtime", &bare_calls(&echo).await?);
    let (runtime, digest, _dir) = opened(echo).await?;
    let call = call_of(digest, Value::Null);
    report("through the runtime", &runtime_calls(&runtime, &call).await?);
    Ok(())
}

async fn call_file(path: &str, input: Value, agent: &str) -> Measured<()> {
    let bytes = std::fs::read(path)?;
    let began = Instant::now();
    let (runtime, digest, _dir) = opened(bytes).await?;
    println!("admission: {:?}", began.elapsed());
    let call = AgentCall { agent: agent.to_owned(), ..call_of(digest, input) };
    println!("{:#?}", runtime.call(&call, &mut Aloud).await?);
    report("through the runtime", &runtime_calls(&runtime, &call).await?);
    Ok(())
}

/// For each component: bytes, compiling, loading its native code, and one call in a fresh sandbox.
async fn table(input: &str, components: &[&str]) -> Measured<()> {
    let input: Value = serde_json::from_str(input)?;
    println!("component                     bytes  compile ms  load ms  fresh call p50 us  p99 us");
    for component in components {
        let bytes = std::fs::read(component)?;
        let size = bytes.len();
        let dir = tempfile::tempdir()?;
        let began = Instant::now();
        let digest = admitted(&runtime_at(dir.path())?, bytes).await?;
        let compile = began.elapsed();
        // Another one over the same folder has nothing ready, and finds what was compiled.
        let runtime = runtime_at(dir.path())?;
        let call = call_of(digest, input.clone());
        let began = Instant::now();
        runtime.prepare(&call.tenant, digest).await?;
        let load = began.elapsed();
        let times = runtime_calls(&runtime, &call).await?;
        println!(
            "{:<24} {size:>10} {:>11} {:>8.1} {:>18} {:>7}",
            Path::new(component).file_stem().unwrap_or_default().to_string_lossy(),
            compile.as_millis(),
            load.as_secs_f64() * 1e3,
            share(&times, 50).as_micros(),
            share(&times, 99).as_micros(),
        );
    }
    Ok(())
}

fn report(what: &str, times: &[Duration]) {
    let (p50, p99) = (share(times, 50), share(times, 99));
    println!("{what}: p50 {p50:?}, p99 {p99:?}, {} calls", times.len());
}

/// What that share of the times, in percent, is at most; they ascend.
fn share(times: &[Duration], percent: usize) -> Duration {
    times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

async fn bare_calls(component: &[u8]) -> Measured<Vec<Duration>> {
    let mut config = Config::new();
    config.concurrency_support(false).epoch_interruption(true);
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(128 << 20);
    config.allocation_strategy(pool);
    let engine = Engine::new(&config)?;
    let component = Component::from_binary(&engine, component)?;
    let linker: Linker<()> = Linker::new(&engine);
    let pre = bare::PluginPre::new(linker.instantiate_pre(&component)?)?;
    let text = || "{}".to_owned();
    let call = bare::exports::workflowforge::plugin::agent::Call {
        agent: "main".to_owned(),
        task: text(),
        run: text(),
        thread: None,
        workflow: text(),
        node: text(),
        step: 1,
        attempt: 1,
        timeout_ms: 0,
        input: text(),
        config: text(),
        context: text(),
        extra: text(),
    };
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1_000_000);
        let plugin = pre.instantiate_async(&mut store).await?;
        let agent = plugin.workflowforge_plugin_agent();
        let reply = agent.call_invoke(&mut store, &call).await?;
        if !reply.is_ok_and(|reply| reply.output == "{}") {
            return Err("the echo said something else".into());
        }
        drop(store);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

fn runtime_at(dir: &Path) -> Measured<SandboxRuntime> {
    let parts = RuntimeParts {
        clock: Arc::new(RealClock),
        host_key: [1; 32],
        policy: None,
        compiler: None,
    };
    Ok(SandboxRuntime::open(RuntimeOptions::at(dir), parts)?)
}

async fn admitted(runtime: &SandboxRuntime, component: Vec<u8>) -> Measured<Digest> {
    let admitted = runtime.admit(&"acme".parse()?, component, wforge_ports::open_gate()).await?;
    Ok(admitted.component)
}

async fn opened(component: Vec<u8>) -> Measured<(SandboxRuntime, Digest, tempfile::TempDir)> {
    let dir = tempfile::tempdir()?;
    let runtime = runtime_at(dir.path())?;
    println!("allocator: {}", runtime.figures().allocator);
    let digest = admitted(&runtime, component).await?;
    Ok((runtime, digest, dir))
}

/// Times of calls that succeed. The first that does not is an error: a refusal takes no time.
async fn runtime_calls(runtime: &SandboxRuntime, call: &AgentCall) -> Measured<Vec<Duration>> {
    let mut times = Vec::new();
    let all = Instant::now();
    while times.len() < CALLS && all.elapsed() < Duration::from_secs(5) {
        let began = Instant::now();
        let execution = runtime.call(call, &mut Silent).await?;
        times.push(began.elapsed());
        if !matches!(execution, Execution::Replied(_)) {
            return Err(format!("the call did not succeed: {execution:?}").into());
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn call_of(component: Digest, input: Value) -> AgentCall {
    AgentCall { component, input, ..wforge_testkit::call() }
}

#[derive(Debug)]
struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_ns(&self) -> u64 {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let start = START.get_or_init(Instant::now);
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}

/// Effects of an agent that asks for nothing.
#[derive(Debug)]
struct Silent;
/// The same, but what the agent writes is shown.
#[derive(Debug)]
struct Aloud;

macro_rules! no_effects {
    ($name:ident, $line:ident => $show:expr) => {
        impl EffectSession for $name {
            fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
                let problem = wforge_model::Problem::new("unserved", request.operation.as_str());
                let answer = EffectAnswer::Refused(wforge_model::Failure::Failed(problem));
                Box::pin(std::future::ready(answer))
            }
            fn exchange(
                &mut self,
                _request: RawRequest,
            ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
                Box::pin(std::future::ready(Err(RawFailure::Unserved)))
            }

            fn now(&self) -> Timestamp {
                Timestamp(1_700_000_000_000)
            }
            fn random_seed(&self) -> [u8; 32] {
                [3; 32]
            }
            fn position(&self) -> u32 {
                0
            }
            fn log(&mut self, $line: GuestLine) {
                let show = $show;
                show($line);
            }
            fn emit(&mut self, _topic: String, _payload: Value) {}
        }
    };
}

no_effects!(Silent, line => drop::<GuestLine>);
no_effects!(Aloud, line => |line: GuestLine| println!("{:?}: {}", line.level, line.message));
