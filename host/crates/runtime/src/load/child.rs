//! Compiling in a process of its own, from the host's side: started for one component, asked,
//! listened to for so long, and gone.
//!
//! Whatever happens to it is a reason not to take the component, never an end of the host.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;
use wasmtime::Engine;
use wforge_model::limits::AdmissionLimits;

use super::aot;
use super::compile::{CompileError, Compiler};
use super::frame::{self, FrameError};
use super::worker::{Answer, Request};

/// How a program ends whose memory is not given, or whose stack overflows.
const OUT_OF_MEMORY: [Signal; 4] = [Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::KILL];

/// Compiles each component in a new process.
#[derive(Debug)]
pub struct ChildCompiler {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: AdmissionLimits,
}

impl ChildCompiler {
    /// By that program, which with those arguments and the four numbers of
    /// [`WorkerCaps`](crate::WorkerCaps) after them runs [`compile_worker`](crate::compile_worker).
    #[must_use]
    pub const fn new(program: PathBuf, arguments: Vec<OsString>, limits: AdmissionLimits) -> Self {
        Self { program, arguments, limits }
    }

    fn start(&self) -> io::Result<(Watched, ChildStdin, ChildStdout)> {
        let limits = &self.limits;
        let cpu_s_max = limits.compile_cpu_ms_max.div_ceil(1_000).max(1);
        let parent = u64::from(std::process::id());
        let caps = [limits.compile_memory_bytes_max, cpu_s_max, limits.component_bytes_max, parent];
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args(caps.map(|cap| cap.to_string()))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let watched = Watched::start(child, Duration::from_millis(limits.compile_wall_ms_max))?;
        match pipes {
            Some((stdin, stdout)) => Ok((watched, stdin, stdout)),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn ask(
        &self,
        mut stdin: ChildStdin,
        mut stdout: ChildStdout,
        request: &Request,
        component: &[u8],
    ) -> Result<(Answer, Vec<u8>), FrameError> {
        frame::write(&mut stdin, request, component)?;
        drop(stdin);
        frame::read(&mut stdout, self.limits.compiled_bytes_max)
    }

    /// Why there was no answer.
    fn explain(&self, error: &FrameError, end: End) -> CompileError {
        let limits = &self.limits;
        let signal = end.status.and_then(|status| status.signal());
        let over = |name: &str, max: u64| {
            CompileError::Limit(format!(
                "compiling the component takes more than limits.admission.{name} ({max}) allows; \
                 make it smaller, or ask the operator"
            ))
        };
        if end.was_late {
            over("compile_wall_ms_max", limits.compile_wall_ms_max)
        } else if matches!(error, FrameError::TooLarge { .. }) {
            over("compiled_bytes_max", limits.compiled_bytes_max)
        } else if signal == Some(Signal::XCPU.as_raw()) {
            over("compile_cpu_ms_max", limits.compile_cpu_ms_max)
        } else if OUT_OF_MEMORY.iter().any(|of_memory| signal == Some(of_memory.as_raw())) {
            over("compile_memory_bytes_max", limits.compile_memory_bytes_max)
        } else {
            let status = end.status.map_or_else(String::new, |status| format!(" ({status})"));
            CompileError::Failed(format!(
                "the compiler broke off on the component{status}: {error}; build it again, or tell \
                 the operator"
            ))
        }
    }
}

impl Compiler for ChildCompiler {
    fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let (watched, stdin, stdout) = self.start().map_err(|error| {
            CompileError::Failed(format!("the compiler cannot be started: {error}; try again"))
        })?;
        let configuration = aot::configuration_hex(engine);
        let request = Request { configuration, limits: self.limits.clone() };
        let answer = self.ask(stdin, stdout, &request, component);
        let end = watched.end();
        match answer {
            Ok((Answer::Compiled, code)) => Ok(code),
            Ok((Answer::Refused(reason), _)) => Err(CompileError::Refused(reason)),
            Ok((Answer::Limit(reason), _)) => Err(CompileError::Limit(reason)),
            Ok((Answer::OtherEngine, _)) => Err(CompileError::Failed(
                "the compiler is of another build than the host; start the host again".to_owned(),
            )),
            Err(error) => Err(self.explain(&error, end)),
        }
    }
}

/// The process, and the thread that ends it when its time is over.
struct Watched {
    child: Arc<Mutex<Child>>,
    /// Dropped when there is nothing to watch any more.
    done: SyncSender<()>,
    watch: JoinHandle<bool>,
}

/// How the process ended.
#[derive(Debug, Clone, Copy)]
struct End {
    was_late: bool,
    status: Option<ExitStatus>,
}

impl Watched {
    fn start(child: Child, wall: Duration) -> io::Result<Self> {
        let child = Arc::new(Mutex::new(child));
        let (done, over) = sync_channel(1);
        let watched = Arc::clone(&child);
        let watch = move || {
            let is_late = over.recv_timeout(wall) == Err(RecvTimeoutError::Timeout);
            if is_late {
                kill(&watched);
            }
            is_late
        };
        let watch = thread::Builder::new().name("wforge-compiler".to_owned()).spawn(watch);
        match watch {
            Ok(watch) => Ok(Self { child, done, watch }),
            Err(error) => {
                reap(&child);
                Err(error)
            }
        }
    }

    fn end(self) -> End {
        drop(self.done);
        let was_late = self.watch.join().unwrap_or(false);
        End { was_late, status: reap(&self.child) }
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = child.kill() {
        tracing::warn!(%error, "a compiler's process cannot be ended");
    }
}

/// Ends it, if it has not ended, and takes its status, so that nothing of it is left. That it was
/// killed here, because it had said all that it would, is no status of its own.
fn reap(child: &Mutex<Child>) -> Option<ExitStatus> {
    let has_ended = || child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
    let is_alive = matches!(has_ended(), Ok(None));
    kill(child);
    let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait().ok()?;
    let by_us = is_alive && status.signal() == Some(Signal::KILL.as_raw());
    (!by_us).then_some(status)
}
