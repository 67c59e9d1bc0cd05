//! Attacks a running `wforge` in every way of the list, and checks that its defences are what stops
//! it: each attack is made once more where its one defence is down, and must get through there.

mod arena;
mod cast;
mod fixture;
mod guests;
mod http;
mod judge;
mod kept;
mod probe;
mod rows;
mod server;
mod stand_in;
mod table;
mod tally;
mod victim;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::judge::{Judge, Programs};

/// Attacks a running wforge, and checks that its defences are what stops it.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// The program.
    #[arg(long, default_value = "target/debug/wforge")]
    program: PathBuf,
    /// The same program, built so that it can go without a defence.
    #[arg(long, default_value = "target/debug/wforge-controls")]
    controls: PathBuf,
    /// The folder with the components.
    #[arg(long, default_value = "target/plugins")]
    plugins: PathBuf,
    /// Only these rows of the list.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<u8>,
    /// Only so many of the rows, drawn by the seed.
    #[arg(long)]
    sample: Option<usize>,
    /// The seed of the draw; unset: today's.
    #[arg(long)]
    seed: Option<u64>,
    /// How often the whole list is gone through; 0: only the storm.
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// After the list, so many seconds of all attacks at once.
    #[arg(long, default_value_t = 0)]
    storm_s: u64,
    /// Leaves out what is measured in time: the neighbour, the health checks and the memory.
    #[arg(long)]
    untimed: bool,
    /// Leaves out the controls.
    #[arg(long)]
    uncontrolled: bool,
}

fn main() -> ExitCode {
    match attack(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            table::complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn attack(arguments: &Arguments) -> Result<bool> {
    let programs = Programs {
        program: arguments.program.canonicalize()?,
        controls: (!arguments.uncontrolled)
            .then(|| arguments.controls.canonicalize())
            .transpose()?,
        plugins: arguments.plugins.canonicalize()?,
    };
    if arguments.rows.is_empty() && arguments.sample.is_none() {
        rows::complete()?;
    }
    let fixtures = rows::drawn(&arguments.rows, arguments.sample, arguments.seed)?;
    // A proof of nothing must not pass.
    anyhow::ensure!(
        !fixtures.is_empty() && (arguments.times > 0 || arguments.storm_s > 0),
        "there is nothing to do: --times 0 wants --storm-s, and --rows rows of the list"
    );
    let mut judge = Judge::new(programs, !arguments.untimed);
    for _ in 0..arguments.times {
        judge.all(&fixtures)?;
    }
    if arguments.storm_s > 0 {
        judge.storm(&fixtures, arguments.storm_s)?;
    }
    Ok(judge.finish())
}
