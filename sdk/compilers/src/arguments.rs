//! The command line as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Compiles plugins in JavaScript, TypeScript and Python to WebAssembly components, without Node
/// or Python.
#[derive(Debug, Parser)]
#[command(
    name = "wforge-build",
    version = concat!(
        env!("CARGO_PKG_VERSION"),
        " (JavaScript: componentize-qjs 0.4.5; Python 3.14: componentize-py 0.25.1)"
    ),
    disable_help_subcommand = true,
    after_help = format!("Steps around it:\n{}", wforge_build::shell::USAGE)
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a component of code and a WIT world; `wforge build` calls this
    #[command(after_help = COMPONENTIZE_EXAMPLES)]
    Componentize(Box<Componentize>),
    /// Print TypeScript without its types; every line and column stays where it was
    #[command(after_help = "Example:\n  wforge-build strip src/agent.ts > agent.js")]
    Strip {
        /// A TypeScript module
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

const COMPONENTIZE_EXAMPLES: &str = "\
Examples:
  wforge-build componentize --language javascript --wit wit --world plugin \\
      --module-root . --entry wforge_entry.js --output agent.wasm
  wforge-build componentize --language python --wit wit --world plugin \\
      --module-root src --entry agent.py --path vendor --output agent.wasm";

/// `wforge-build componentize`.
#[derive(Debug, Args)]
pub(crate) struct Componentize {
    /// The language of the entry; TypeScript and JavaScript modules may import each other
    #[arg(long)]
    pub(crate) language: Language,
    /// The folder with the world in WIT
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) wit: PathBuf,
    /// The world that the component has
    #[arg(long, value_name = "NAME")]
    pub(crate) world: String,
    /// The folder with the modules; nothing outside of it is read
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) module_root: PathBuf,
    /// The module with the world's exports, below the module root or a --path
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) entry: PathBuf,
    /// A further folder of Python modules; can be given several times
    #[arg(long = "path", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// The component to write
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Keep compiled code of the JavaScript runtime here [default: ~/.cache/wforge/javascript]
    #[arg(long, value_name = "DIR", env = "WFORGE_BUILD_CACHE", value_hint = ValueHint::DirPath)]
    pub(crate) cache: Option<PathBuf>,
    /// Keep nothing between builds
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Give up after so many seconds
    #[arg(long, value_name = "N", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout_s: u64,
    /// Where the cache lies by default.
    #[arg(long, env = "HOME", hide = true)]
    pub(crate) home: Option<PathBuf>,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// ES modules, run by QuickJS
    Javascript,
    /// The same, with types that are left out
    Typescript,
    /// Python 3.14 with its standard library
    Python,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
