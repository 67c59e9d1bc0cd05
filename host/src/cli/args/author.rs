//! Arguments of the commands for authors of plugins: new, build, doctor.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const BUILD_EXAMPLES: &str = "\
Examples:
  wforge build
  wforge build plugins/crawler --out dist
  wforge build --install   # fetches what is missing, such as a target or packages of npm
  wforge build --output json";

/// `wforge build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder with plugin.toml [default: this one]
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
    /// Install what is missing: a target by rustup, pinned packages of npm or pip into the cache
    #[arg(long)]
    pub(crate) install: bool,
    /// Where the component goes [default: target in the plugin's folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}
