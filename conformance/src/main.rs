//! Proves the graph engine against LangGraph: cases with recorded expectations, and random graphs
//! that run in both.

mod case;
mod cases;
mod engine;
mod eval;
mod oracle;
mod random;
mod text;
mod ui;
mod yaml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cases::Filed;
use crate::oracle::Oracle;
use crate::text::difference;
use crate::ui::say;

#[derive(Debug, Parser)]
#[command(about = "Runs the cases and random graphs in the engine and in LangGraph, and compares")]
struct Arguments {
    /// The folder `conformance`.
    #[arg(long, global = true, default_value = "conformance")]
    home: PathBuf,
    /// The interpreter of the oracle.
    #[arg(long, global = true, default_value = "target/conformance/venv/bin/python")]
    python: PathBuf,
    /// Where differences are written, shrunk, and what the oracle complains of.
    #[arg(long, global = true, default_value = "target/conformance")]
    folder: PathBuf,
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the cases and compare each with its expectation.
    Run {
        /// Only cases whose name holds this.
        #[arg(long)]
        filter: Option<String>,
        /// Also so many random graphs, in both.
        #[arg(long, default_value_t = 0)]
        random: u64,
    },
    /// Ask the oracle for every expectation anew.
    Record {
        /// Only cases whose name holds this.
        #[arg(long)]
        filter: Option<String>,
        /// Write down what ours does where it differs on purpose, to be checked by hand.
        #[arg(long)]
        ours: bool,
    },
    /// Run random graphs in both and compare.
    Random {
        /// How many.
        #[arg(long, default_value_t = 500)]
        count: u64,
        /// The first seed; the others follow.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run a case that `random` wrote in both.
    Replay {
        /// The file.
        file: PathBuf,
    },
    /// Print a workflow file as JSON.
    Draft {
        /// The file.
        file: PathBuf,
    },
    /// Answer the oracle's questions about expressions.
    Eval,
}

fn main() -> ExitCode {
    dispatch(&Arguments::parse()).unwrap_or_else(|error| {
        say(format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn dispatch(arguments: &Arguments) -> Result<ExitCode> {
    let cases = arguments.home.join("cases");
    match &arguments.command {
        Action::Run { filter, random } => {
            let mut tally = run(&cases, filter.as_deref())?;
            if *random > 0 {
                let graphs = random_graphs(arguments, *random, 1)?;
                tally.passed += graphs.passed;
                tally.failed += graphs.failed;
            }
            Ok(tally.close())
        }
        Action::Record { filter, ours } => record(arguments, filter.as_deref(), *ours),
        Action::Random { count, seed } => {
            let graphs = random_graphs(arguments, *count, *seed)?;
            Ok(Tally { passed: graphs.passed, failed: graphs.failed, skipped: 0 }.close())
        }
        Action::Replay { file } => {
            let same = random::replay(file, &mut start_oracle(arguments, 0)?)?;
            say(if same { "both tell the same" } else { "they differ" });
            Ok(exit(same))
        }
        Action::Draft { file } => {
            say(text::pretty(&cases::draft_json(file)?));
            Ok(ExitCode::SUCCESS)
        }
        Action::Eval => {
            eval::serve(std::io::stdin().lock(), std::io::stdout().lock())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn random_graphs(arguments: &Arguments, count: u64, seed: u64) -> Result<random::Tally> {
    let plan = random::Plan { count, seed, folder: &arguments.folder };
    random::run(&plan, |worker| start_oracle(arguments, worker))
}

fn start_oracle(arguments: &Arguments, worker: usize) -> Result<Oracle> {
    let script = arguments.home.join("oracle/main.py");
    let log = arguments.folder.join(format!("oracle-{worker}.log"));
    Oracle::start(&arguments.python, &script, &std::env::current_exe()?, &log)
}

fn exit(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of a case.
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// How many came out how.
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    /// The last line, and whether all went well.
    fn close(&self) -> ExitCode {
        let skipped = self.skipped;
        let more = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        say(format!("{} passed, {} failed{more}", self.passed, self.failed));
        exit(self.failed == 0)
    }
}

fn run(folder: &Path, filter: Option<&str>) -> Result<Tally> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in cases::all(folder, filter)? {
        let name = format!("{:>2}  {}", case.about.group, case.name);
        match compare(&case) {
            Outcome::Passed => {
                passed += 1;
                let differs = case.about.differs.as_ref().map(|why| format!(" (differs: {why})"));
                say(format!("ok      {name}{}", differs.unwrap_or_default()));
            }
            Outcome::Failed(why) => {
                failed += 1;
                let (source, shows) = (&case.about.source, &case.about.shows);
                say(format!("FAILED  {name}: {shows} (after {source})\n{why}"));
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                say(format!("skipped {name}: {why}"));
            }
        }
    }
    Ok(Tally { passed, failed, skipped })
}

fn compare(case: &Filed) -> Outcome {
    if let Some(why) = &case.about.skip {
        return Outcome::Skipped(why.clone());
    }
    let both = case.ours().and_then(|ours| Ok((ours, case.expected()?)));
    let (ours, expected) = match both {
        Ok(both) => both,
        Err(error) => return Outcome::Failed(format!("  {error:#}")),
    };
    if ours != expected {
        return Outcome::Failed(difference(&expected, &ours));
    }
    let must_differ = case.about.differs.is_some() && case.about.without_oracle.is_none();
    match must_differ.then(|| case.theirs()) {
        Some(Ok(theirs)) if theirs == ours => {
            Outcome::Failed("  it says that ours differs, but LangGraph does the same".into())
        }
        Some(Err(error)) => Outcome::Failed(format!("  {error:#}")),
        _ => Outcome::Passed,
    }
}

fn record(arguments: &Arguments, filter: Option<&str>, ours: bool) -> Result<ExitCode> {
    let mut oracle = start_oracle(arguments, 0)?;
    let (mut count, mut failed) = (0, 0);
    for case in cases::all(&arguments.home.join("cases"), filter)? {
        let about = &case.about;
        if about.skip.is_none() && about.without_oracle.is_none() {
            match case.record(&mut oracle) {
                Ok(()) => count += 1,
                Err(error) => {
                    say(format!("FAILED  {error:#}"));
                    failed += 1;
                }
            }
        }
        if ours && (about.differs.is_some() || about.without_oracle.is_some()) {
            case.record_ours()?;
        }
    }
    say(format!("{count} recorded, {failed} failed"));
    Ok(exit(failed == 0))
}
