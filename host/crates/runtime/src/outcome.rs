//! What came of a call: the guest's reply, or which of the many ways to fail it took.
//!
//! Everything that a guest does wrong becomes data here; only what is the host's own fault stays an
//! error.

use serde_json::json;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::{I32Exit, ResourceTableError};
use wforge_model::agent::{Execution, Exit, Reply};
use wforge_model::json::{self, JsonMax};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Failure, Problem};
use wforge_ports::RuntimeError;

use crate::bindings::exports::workflowforge::plugin::agent as wit;
use crate::bindings::workflowforge::plugin::types;
use crate::capabilities::from_wit;
use crate::guest::limiter::Refused;
use crate::guest::unwind::Unwind;

pub(crate) mod exception;

/// The most frames of a backtrace that a failure shows.
const FRAMES_MAX: usize = 32;

/// How an execution ended.
pub(crate) enum Ending {
    /// As the engine sees it, but for the count of effects.
    Execution(Execution),
    /// The guest failed, or was ended.
    Failed(Failure),
    /// The host's own fault.
    Host(RuntimeError),
}

/// What the store remembers of an execution that broke off.
pub(crate) struct Remains {
    pub(crate) refused: Option<Refused>,
    pub(crate) last_lines: Vec<String>,
}

/// Reads a reply.
pub(crate) fn replied(
    result: Result<wit::Reply, types::Failure>,
    limits: &SandboxLimits,
) -> Ending {
    let reply = match result {
        Ok(reply) => reply,
        Err(failure) => return Ending::Failed(from_wit(failure, JsonMax::of(limits))),
    };
    match read_reply(reply, limits) {
        Ok(reply) => Ending::Execution(Execution::Replied(reply)),
        Err(failure) => Ending::Failed(failure),
    }
}

fn read_reply(reply: wit::Reply, limits: &SandboxLimits) -> Result<Reply, Failure> {
    let max = limits.output_bytes_max;
    let total = reply.goto.iter().fold(reply.output.len(), |total, exit| {
        total.saturating_add(match exit {
            wit::Exit::Name(name) => name.len(),
            wit::Exit::Send(send) => send.name.len().saturating_add(send.input.len()),
        })
    });
    if u32::try_from(total).map_or(true, |total| total > max) {
        return Err(output_too_large(max));
    }
    let parse = |place: &str, text: &str| {
        json::parse(text, JsonMax::of(limits)).map_err(|error| {
            Failure::BadOutput(Problem::new(error.code(), format!("the agent's {place}: {error}")))
        })
    };
    let mut exits = Vec::with_capacity(reply.goto.len());
    for exit in reply.goto {
        exits.push(match exit {
            wit::Exit::Name(name) => Exit { name, input: None },
            wit::Exit::Send(send) => {
                Exit { input: Some(parse("exit input", &send.input)?), name: send.name }
            }
        });
    }
    Ok(Reply { output: parse("output", &reply.output)?, exits })
}

fn output_too_large(max: u32) -> Failure {
    let message = format!("the agent's reply is larger than {max} bytes");
    Failure::Limit(Problem::new("output_too_large", message))
}

/// Explains an execution that broke off.
pub(crate) fn broke_off(
    error: wasmtime::Error,
    remains: &Remains,
    limits: &SandboxLimits,
) -> Ending {
    let error = match error.downcast::<Unwind>() {
        Ok(unwind) => return unwound(unwind),
        Err(error) => error,
    };
    if error.is::<PoolConcurrencyLimitError>() {
        return Ending::Host(RuntimeError::Busy);
    }
    let frames = frames(&error);
    if let Some(failure) = limit(&error, remains, &frames, limits) {
        return Ending::Failed(failure);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        let said = exception::explain(&remains.last_lines);
        let message = said.unwrap_or_else(|| format!("the agent left with exit({})", exit.0));
        return Ending::Failed(exception_failure(message, remains, &frames));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => Ending::Failed(abort(remains, &frames)),
        Some(trap) => Ending::Failed(trapped(trap_code(*trap), &trap.to_string(), &frames)),
        None => Ending::Failed(trapped("trap", &format!("{error:#}"), &frames)),
    }
}

fn unwound(unwind: Unwind) -> Ending {
    match unwind {
        Unwind::Suspended(waiting) => Ending::Execution(Execution::Suspended(waiting)),
        Unwind::Diverged(divergence) => Ending::Execution(Execution::Diverged(divergence)),
        Unwind::Limit { code, message } => {
            Ending::Failed(Failure::Limit(Problem::new(code, message)))
        }
        Unwind::Failed(failure) => Ending::Failed(failure),
        Unwind::Fault(error) => Ending::Host(RuntimeError::Host(error.into())),
    }
}

/// The budget that was used up, if that is why the execution ended.
fn limit(
    error: &wasmtime::Error,
    remains: &Remains,
    frames: &[String],
    limits: &SandboxLimits,
) -> Option<Failure> {
    let problem = |code, message: String| Some(Failure::Limit(Problem::new(code, message)));
    if is_copy_budget(error) {
        // Outside any frame of the guest it was the reply that was too large.
        if frames.is_empty() {
            let copied = u32::try_from(limits.host_call_bytes_max).unwrap_or(u32::MAX);
            return Some(output_too_large(limits.output_bytes_max.min(copied)));
        }
        let max = limits.host_call_bytes_max;
        return problem(
            "host_call_bytes",
            format!("a host call handed over more than {max} bytes"),
        );
    }
    if matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full))
        || error.root_cause().to_string().contains("component handles")
    {
        let max = limits.handles_max;
        return problem("handles", format!("the agent held more than {max} handles"));
    }
    if let Some(counted) = counted(error, limits) {
        return Some(counted);
    }
    match remains.refused? {
        Refused::Memory(bytes) => {
            let mib = bytes >> 20;
            problem("memory_limit", format!("the agent needed more than {mib} MiB of memory"))
        }
        Refused::TenantMemory(bytes) => Some(Failure::Limit(tenant_memory(bytes))),
        Refused::Table(max) => {
            problem("table_limit", format!("the agent needed more than {max} table elements"))
        }
    }
}

/// Others of the tenant let theirs go, so the call may be made again.
fn tenant_memory(bytes: u64) -> Problem {
    let mib = bytes >> 20;
    let message = format!("the tenant's agents together needed more than {mib} MiB of memory");
    Problem { retryable: true, ..Problem::new("tenant_memory", message) }
}

/// Too many instances, memories or tables. Admission refuses them where there is a pool, so that
/// this is for components which were let in under larger limits, or without one.
fn counted(error: &wasmtime::Error, limits: &SandboxLimits) -> Option<Failure> {
    let text = error.root_cause().to_string();
    let what = text.strip_prefix("resource limit exceeded: ")?;
    let counts = [
        ("instance", "instance_limit", limits.instances_max, "core instances"),
        ("memory", "memory_limit", limits.memories_max, "memories"),
        ("table", "table_limit", limits.tables_max, "tables"),
    ];
    let (_, code, max, things) = counts.into_iter().find(|(name, ..)| what.starts_with(name))?;
    let message = format!("the agent has more than {max} {things}");
    Some(Failure::Limit(Problem::new(code, message)))
}

/// wasmtime keeps the type of this error to itself; its text is all there is to go by, and a test
/// holds it.
fn is_copy_budget(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

/// `unreachable` is where panics and aborts end; what the guest said last tells which.
fn abort(remains: &Remains, frames: &[String]) -> Failure {
    let panicked = |frame: &String| frame.contains("panic");
    match exception::explain(&remains.last_lines) {
        Some(message) => exception_failure(message, remains, frames),
        None if frames.iter().any(panicked) => {
            exception_failure("the agent panicked".to_owned(), remains, frames)
        }
        None => trapped("unreachable", "the agent aborted", frames),
    }
}

fn exception_failure(message: String, remains: &Remains, frames: &[String]) -> Failure {
    let mut problem = Problem::new("exception", message);
    problem.details = json!({ "stderr": remains.last_lines, "frames": frames });
    Failure::Failed(problem)
}

fn trapped(code: &str, message: &str, frames: &[String]) -> Failure {
    let mut problem = Problem::new(code, message);
    if !frames.is_empty() {
        problem.details = json!({ "frames": frames });
    }
    Failure::Trap(problem)
}

const fn trap_code(trap: Trap) -> &'static str {
    match trap {
        Trap::StackOverflow => "stack_overflow",
        Trap::MemoryOutOfBounds => "memory_out_of_bounds",
        Trap::TableOutOfBounds => "table_out_of_bounds",
        Trap::IndirectCallToNull | Trap::BadSignature => "bad_indirect_call",
        Trap::IntegerOverflow | Trap::BadConversionToInteger => "integer_overflow",
        Trap::IntegerDivisionByZero => "divide_by_zero",
        Trap::CannotEnterComponent => "cannot_enter",
        _ => "trap",
    }
}

/// Names of the guest's functions, innermost first.
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let text = backtrace.to_string();
    let lines = text.lines().filter_map(|line| line.split_once(" - ").map(|(_, name)| name));
    lines.take(FRAMES_MAX).map(|name| wforge_model::text::harmless(name.trim())).collect()
}

/// The call was longer than its time.
pub(crate) fn timed_out(ms: u64, is_nodes_own: bool) -> Failure {
    let (code, whose) =
        if is_nodes_own { ("timeout", "its node allows") } else { ("wall_limit", "any call may") };
    let mut problem = Problem::new(code, format!("the call took longer than {ms} ms, as {whose}"));
    problem.details = json!({ "ms": ms });
    Failure::Timeout(problem)
}

/// A call whose arguments are more than a sandbox takes.
pub(crate) fn input_too_large(bytes: usize, max: u32) -> Failure {
    let message = format!("input, config and context have {bytes} bytes, more than {max}");
    Failure::Limit(Problem::new("input_too_large", message))
}
