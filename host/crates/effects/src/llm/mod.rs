//! Language models behind `llm.complete`: the operator's named models, each at a provider.
//!
//! - [`Models`] finds the model, holds the tokens, and goes on to the fallbacks; `config` is what
//!   the operator writes, `build` makes models of it.
//! - `request` and `answer` are the JSON of the contract; `openai`, `anthropic`, `mock` and
//!   `cassette` are the providers; `exchange` is one HTTP request with its retries, `events` a
//!   stream of server-sent events.
//! - [`Budgets`] limits what a run, a node and a plugin may use.
//!
//! Never here: a grant (checked before), a record (written after), or a key in anything that is
//! printed.

mod answer;
mod anthropic;
mod budgets;
mod build;
mod cassette;
mod config;
mod deltas;
mod events;
mod exchange;
mod files;
mod key;
mod limits;
mod mock;
mod models;
mod openai;
mod remote;
mod request;
mod reservation;
mod retry;
mod secret;

pub use answer::Usage;
pub use budgets::{Budgets, TokenLimits};
pub use cassette::{CassetteEntry, CassetteError, CassetteSink};
pub use config::{
    CassetteMode, MaxTokensField, ModelConfig, ModelsConfig, ModelsError, Provider, ScriptFailure,
    ScriptFailureKind, ScriptLine, ScriptToolCall,
};
pub use deltas::Delta;
pub use limits::ModelLimits;
pub use models::{ModelCall, Models, ModelsParts};
pub(crate) use retry::retry_after_ms;
pub use secret::SecretText;
