//! Sends a running `wforge` more than it can take, and follows its streams through crashes.

mod arrivals;
mod client;
mod figures;
mod greedy;
mod knee;
mod measure;
mod overload;
mod process;
mod server;
mod site;
mod soak;
mod streams;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::overload::Times;
use crate::server::{Server, Setting};
use crate::site::Site;
use crate::streams::Size;
use crate::verdict::{Verdict, complain, say};

/// Sends a running wforge more than it can take, and follows its streams through crashes.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    proof: Proof,
}

#[derive(Debug, Args)]
struct Common {
    /// The program
    #[arg(long, global = true, default_value = "target/debug/wforge")]
    program: PathBuf,
    /// The folder below which the server keeps its data; on a real disk
    #[arg(long, global = true, default_value = "target/load")]
    below: PathBuf,
    /// A setting of the server, such as LIMITS__API__REQUESTS_MAX=64
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<Setting>,
    /// The seed of everything that is left to chance; unset: another each time
    #[arg(long, global = true)]
    seed: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Proof {
    /// Half of what the server can take, all of it, twice as much; then a greedy tenant
    Overload {
        /// Each load that is judged
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Each rate on the way to the knee
        #[arg(long, default_value_t = 4)]
        step_seconds: u64,
    },
    /// A long time at 70 % of what the server can take: memory and descriptors do not grow
    Soak {
        /// How long what is judged lasts; it settles for a tenth of that before
        #[arg(long, default_value_t = 3_600)]
        seconds: u64,
        /// Runs a second, instead of looking for the knee
        #[arg(long)]
        rate: Option<f64>,
    },
    /// Readers of runs that are torn off, and a server that is killed: each has read the same
    Streams {
        /// Readers, a share of them for each run
        #[arg(long, default_value_t = 200)]
        readers: usize,
        /// Runs
        #[arg(long, default_value_t = 50)]
        runs: usize,
        /// Rounds of each run, of about 50 ms
        #[arg(long, default_value_t = 150)]
        rounds: usize,
        /// How often the server is killed
        #[arg(long, default_value_t = 2)]
        kills: usize,
    },
}

fn setting(text: &str) -> Result<Setting, String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is asked for")?;
    Ok((name.trim_start_matches("WFORGE_").to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    match prove(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn prove(Arguments { common, proof }: Arguments) -> Result<bool> {
    let program = common.program.canonicalize().context("the program; make build makes it")?;
    let seed = common.seed.unwrap_or_else(|| fastrand::u64(1..1 << 32));
    say(&format!("seed {seed}: --seed {seed} draws the same"));
    let settings = match proof {
        Proof::Soak { .. } => soak::settings(&common.settings),
        Proof::Overload { .. } | Proof::Streams { .. } => common.settings,
    };
    for (name, value) in &settings {
        say(&format!("with {name}={value}"));
    }
    let server = Server::start(&program, &common.below, &settings)?;
    let mut verdict = Verdict::default();
    // One thread: what the generator needs of the machine is then at most one processor.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match proof {
            Proof::Overload { seconds, step_seconds } => {
                let [stretch, step] = [seconds, step_seconds].map(Duration::from_secs);
                let site = Site::open(server).await?;
                overload::prove(&site, Times { step, stretch }, seed, &mut verdict).await
            }
            Proof::Soak { seconds, rate } => {
                let site = Site::open(server).await?;
                soak::prove(&site, rate, Duration::from_secs(seconds), seed, &mut verdict).await
            }
            Proof::Streams { readers, runs, rounds, kills } => {
                let size = Size { readers, runs, rounds, kills };
                streams::prove(server, size, seed, &mut verdict).await
            }
        }
    })?;
    Ok(verdict.finish())
}
