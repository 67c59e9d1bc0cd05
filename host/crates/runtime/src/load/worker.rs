//! The process that compiles one component: takes away from itself what it will not need, then
//! reads the component, and answers with native code or a reason.
//!
//! It is the same program as the host's, started with a hidden command. What a stranger's component
//! does to it, it does to a process that holds nothing.

use std::io::{self, Read, Write};
use std::thread;

use rustix::process::{
    Resource, Rlimit, Signal, getppid, getrlimit, nice, set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};
use wforge_model::limits::AdmissionLimits;

use super::aot;
use super::compile::{self, CompileError};
use super::frame::{self, FrameError};
use crate::engine;

/// Cranelift and the readers of types recurse with the shape of what they read.
const STACK_BYTES: usize = 16 << 20;
/// Enough for the files in which the system says how many cores there are.
const FILES_MAX: u64 = 16;
/// Others go first: nobody waits for a compiler as for an answer.
const NICE: i32 = 19;

/// What the process may take, told by arguments: the limits stand before a byte is read.
#[derive(Debug, Clone, Copy)]
pub struct WorkerCaps {
    /// Its address space.
    pub memory_bytes_max: u64,
    /// Its CPU time, over all threads, in seconds.
    pub cpu_s_max: u64,
    /// The largest component that it reads.
    pub component_bytes_max: u64,
    /// The process that it works for, and with which it ends.
    pub parent: u32,
}

/// Why the process could not even answer.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The system does not let it give up what it must.
    #[error("the compiler's process cannot be confined")]
    Confine(#[source] io::Error),
    /// Whoever asked is gone, or asks in another way.
    #[error("the compiler's process was asked nothing: {0}")]
    Request(String),
    /// The answer was not taken.
    #[error("the compiler's answer was not taken")]
    Answer(#[source] io::Error),
}

/// What is asked; the component comes after it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Which engine the code is for.
    pub(crate) configuration: String,
    pub(crate) limits: AdmissionLimits,
}

/// What is answered; native code comes after it, if there is any.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Compiled,
    Refused(String),
    Limit(String),
    /// This program makes another engine than the one that asks.
    OtherEngine,
}

/// Serves one request on stdin and stdout, and is done.
///
/// # Errors
/// There is nobody to whom it could be told otherwise.
pub fn compile_worker(caps: WorkerCaps) -> Result<(), WorkerError> {
    confine(caps).map_err(WorkerError::Confine)?;
    let work = move || serve(caps, &mut io::stdin().lock(), &mut io::stdout().lock());
    let worker = thread::Builder::new()
        .name("wforge-compile".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(WorkerError::Confine)?;
    worker.join().unwrap_or_else(|_| Err(WorkerError::Request("it panicked".to_owned())))
}

fn confine(caps: WorkerCaps) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Had the parent ended before, nobody would tell.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if parent != Some(caps.parent) {
        return Err(io::Error::other("whoever asked is gone"));
    }
    close_all_but_stdio()?;
    let hard = |resource, max: u64, grace: u64| {
        // What is less already cannot be raised, and need not be.
        let maximum = getrlimit(resource).maximum.unwrap_or(u64::MAX).min(max + grace);
        let limit = Rlimit { current: Some(max.min(maximum)), maximum: Some(maximum) };
        setrlimit(resource, limit)
    };
    hard(Resource::Core, 0, 0)?;
    hard(Resource::Fsize, 0, 0)?;
    hard(Resource::Nofile, FILES_MAX, 0)?;
    hard(Resource::As, caps.memory_bytes_max, 0)?;
    // One second between the signal that says why and the one that only ends.
    hard(Resource::Cpu, caps.cpu_s_max, 1)?;
    nice(NICE)?;
    Ok(())
}

/// What the host opened closes by itself; what it was given by whoever started it does not.
#[expect(unsafe_code, reason = "a file that nobody in this process knows has no owner to drop")]
fn close_all_but_stdio() -> io::Result<()> {
    let entries = fs_err::read_dir("/proc/self/fd")?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let open: Vec<i32> = numbers.filter(|number| *number > 2).collect();
    // The list was read to its end, so the folder is closed; its own number is still in the list.
    let is_open =
        |number: &i32| fs_err::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok();
    for number in open.into_iter().filter(is_open) {
        // SAFETY: this runs first in a process with one thread, which has opened nothing itself.
        unsafe { rustix::io::close(number) };
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this process ends by the signal that says why")]
fn serve(
    caps: WorkerCaps,
    input: &mut impl Read,
    output: &mut impl Write,
) -> Result<(), WorkerError> {
    let read = frame::read::<Request>(input, caps.component_bytes_max);
    if matches!(&read, Err(FrameError::Ended(error)) if error.kind() == io::ErrorKind::OutOfMemory)
    {
        // As where any other allocation fails: whoever asked knows what that signal means.
        std::process::abort();
    }
    let (request, component) = read.map_err(|error| WorkerError::Request(error.to_string()))?;
    let (answer, code) = answer(&request, &component);
    frame::write(output, &answer, &code).map_err(WorkerError::Answer)
}

fn answer(request: &Request, component: &[u8]) -> (Answer, Vec<u8>) {
    let Ok(engine) = engine::for_compiling() else {
        return (Answer::OtherEngine, Vec::new());
    };
    if aot::configuration_hex(&engine) != request.configuration {
        return (Answer::OtherEngine, Vec::new());
    }
    match compile::checked(&engine, component, &request.limits) {
        Ok(code) => (Answer::Compiled, code),
        Err(CompileError::Limit(message)) => (Answer::Limit(message), Vec::new()),
        Err(CompileError::Refused(message) | CompileError::Failed(message)) => {
            (Answer::Refused(message), Vec::new())
        }
    }
}
