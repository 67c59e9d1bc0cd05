//! Kills a running brief with SIGKILL at seeded moments and lets a restart finish it.
//!
//! The witness is the call log, which the program appends outside its store: a task that was
//! `committed` must never be `called` again. What a kill can hit is in [`program`], what the log
//! must say in [`calls`].

#![expect(clippy::print_stdout, reason = "a program whose output is its report")]

mod calls;
mod moments;
mod program;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use calls::CallLog;
use moments::Moments;
use program::{Killed, Program, Restart, Summary};

const MOMENTS: u32 = 30;
/// A machine that is suddenly faster finishes before the kill; then the moment is tried earlier.
const TRIES_MAX: u32 = 6;

fn main() -> Result<ExitCode> {
    let seed = moments::seed()?;
    println!("seed {seed}: make crash-smoke SEED={seed} repeats these moments");
    let folder = tempfile::tempdir().context("making a folder for the store")?;
    let smoke = Smoke::prepare(folder.path())?;
    let (mut passed, mut failed) = (0, 0);
    for (number, fraction) in Moments::new(seed, MOMENTS).enumerate() {
        match smoke.moment(number, fraction) {
            Ok(line) => {
                passed += 1;
                println!("moment {number:2}: {line}");
            }
            Err(error) => {
                failed += 1;
                println!("moment {number:2}: FAILED: {error:#}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What every moment is compared with.
struct Smoke {
    folder: PathBuf,
    document: PathBuf,
    whole: Summary,
    running_ms: u64,
}

impl Smoke {
    /// Runs the brief twice undisturbed: to compile the plugins, and to see how long it runs.
    fn prepare(folder: &Path) -> Result<Self> {
        let document = folder.join("document.md");
        fs_err::write(&document, program::document()?)?;
        let first = program(folder, "first").run(&document)?;
        let second = program(folder, "second").run(&document)?;
        ensure!(first.summary.report == second.summary.report, "two runs gave two reports");
        let Summary { tasks, .. } = second.summary;
        println!("undisturbed: {} ms, {tasks} tasks", second.running_ms);
        let folder = folder.to_owned();
        Ok(Self { folder, document, whole: second.summary, running_ms: second.running_ms })
    }

    fn moment(&self, number: usize, fraction: f64) -> Result<String> {
        let restart = if number % 3 == 2 { Restart::Serve } else { Restart::Resume };
        for attempt in 0..TRIES_MAX {
            let program = program(&self.folder, &format!("moment-{number}-{attempt}"));
            let sooner = 0.8_f64.powi(i32::try_from(attempt)?);
            let after_ms = whole_ms(self.running_ms, fraction * sooner);
            if let Some(killed) = program.kill_after(&self.document, after_ms)? {
                let before = CallLog::read(program.call_log())?;
                let end = program.restart(&killed, restart)?;
                return self.judge(&program, &before, &killed, (&end, restart));
            }
        }
        bail!("the run ended before each of {TRIES_MAX} kills")
    }

    fn judge(
        &self,
        program: &Program,
        before: &CallLog,
        killed: &Killed,
        (end, restart): (&Summary, Restart),
    ) -> Result<String> {
        let after = CallLog::read(program.call_log())?;
        let repeated = after.called_after_committed();
        ensure!(repeated.is_empty(), "{} called again after committed: {repeated:?}", killed.run);
        ensure!(end.report == self.whole.report, "{} gave another report", killed.run);
        ensure!(end.tasks == self.whole.tasks, "{}: {} tasks", killed.run, end.tasks);
        ensure!(!end.degraded, "{} is degraded", killed.run);
        Ok(format!(
            "killed after {} ms with {} of {} tasks committed, {} open; finished by {restart}, \
             {} finished tasks repeated",
            killed.after_ms,
            before.committed(),
            after.tasks(),
            before.open(),
            repeated.len(),
        ))
    }
}

fn program(folder: &Path, name: &str) -> Program {
    // One data directory for all, as in life: compiled once, and a store with a past.
    Program::new(folder.join("data"), folder.join(format!("{name}.calls")))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "milliseconds of one run, times a fraction of one"
)]
fn whole_ms(running_ms: u64, fraction: f64) -> u64 {
    (running_ms as f64 * fraction) as u64
}
