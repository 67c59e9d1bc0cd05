//! Arguments of `wforge hooks …`.

use clap::{ArgGroup, Args, Subcommand};

/// `wforge hooks …`.
#[derive(Debug, Subcommand)]
pub(crate) enum HooksCommand {
    /// List the inbound hooks
    #[command(after_help = "Example:\n  wforge hooks list --output json")]
    List,
    /// Make an inbound hook that starts a run, or answers a question
    #[command(after_help = "Examples:\n  \
        wforge hooks add issues --start triage --input title=/issue/title --verify github\n  \
        wforge hooks add raw --start ingest\n  \
        wforge hooks add desk --resume run_018bcfe5680000000000000000000001 \
        --interrupt ask_00000000000000000000000000000001")]
    Add(Box<HookAdd>),
    /// Print a URL to which can be posted without a credential; whoever has it may
    #[command(after_help = "Examples:\n  wforge hooks url issues\n  \
        wforge hooks url desk --ttl 24h")]
    Url {
        /// The hook's name
        name: String,
        /// How long it is good, such as 24h [default: until the hook is rotated or removed]
        #[arg(long, value_name = "DURATION")]
        ttl: Option<String>,
    },
    /// Make all URLs of a hook invalid, and a new secret where bodies are signed
    #[command(after_help = "Example:\n  wforge hooks rotate issues")]
    Rotate {
        /// The hook's name
        name: String,
    },
    /// Remove a hook; its URLs are good for nothing
    #[command(after_help = "Example:\n  wforge hooks remove issues")]
    Remove {
        /// The hook's name
        name: String,
    },
}

/// `wforge hooks add`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("action").required(true).args(["start", "resume"]))]
pub(crate) struct HookAdd {
    /// Its name: small letters, digits and -
    pub(crate) name: String,
    /// The registered workflow of which a post starts a run
    #[arg(long, value_name = "WORKFLOW")]
    pub(crate) start: Option<String>,
    /// What of the body becomes an input key, KEY=JSON-POINTER; can be given several times
    /// [default: the whole body becomes the key body]
    #[arg(long = "input", value_name = "KEY=POINTER", requires = "start")]
    pub(crate) inputs: Vec<String>,
    /// The run whose question a post answers
    #[arg(long, value_name = "RUN", requires = "interrupt")]
    pub(crate) resume: Option<String>,
    /// The question
    #[arg(long, value_name = "QUESTION", requires = "resume")]
    pub(crate) interrupt: Option<String>,
    /// What of the body is the answer, a JSON pointer [default: the whole body]
    #[arg(long, value_name = "POINTER", requires = "resume")]
    pub(crate) answer: Option<String>,
    /// How bodies are signed
    #[arg(long, default_value = "none", value_parser = ["none", "standard", "github"])]
    pub(crate) verify: String,
}
