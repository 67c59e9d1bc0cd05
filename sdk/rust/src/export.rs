//! What the attributes call: turns a call of the contract into a call of a function, and back, and
//! says what is known of the agents' types.
//!
//! Not for authors; its shape may change with any version.
#![doc(hidden)]

use core::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use crate::bindings::exports::workflowforge::plugin::agent::{Call, Guest, Reply};
use crate::failure::unreadable;
use crate::host::Host;
use crate::{Agent, Ctx, Failure, IntoReply};

/// The agent that a build asks what the code knows of its agents. No manifest can name it.
pub const DESCRIBE: &str = "workflowforge:describe";

/// Reads the input, calls the agent and writes its answer.
///
/// # Errors
/// The agent's own failure, or an input that does not fit its type.
pub fn serve<A, Form>(mut call: Call, agent: A) -> Result<Reply, Failure>
where
    A: Agent<Form>,
    A::Input: DeserializeOwned,
    A::Output: IntoReply,
{
    let text = core::mem::take(&mut call.input);
    let input = serde_json::from_str(&text).map_err(|error| unreadable("input", &error))?;
    // A large document should not be held twice while the agent works on it.
    drop(text);
    agent.call(&Ctx::new(call, Host::default()), input)?.into_reply()
}

/// The failure for an agent that the plugin does not have.
#[must_use]
pub fn unknown_agent(call: &Call, known: &str) -> Failure {
    let known = known.trim_end().replace('\n', ", ");
    Failure::invalid_input(
        "unknown_agent",
        format!("the plugin has no agent \"{}\"; it has {known}", call.agent),
    )
}

/// What the code knows of one agent.
#[derive(Debug, Serialize)]
pub struct Known {
    /// The first paragraph of its documentation.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'static str,
    /// JSON Schema of its input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// JSON Schema of its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// JSON Schema of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
}

/// The answer to [`DESCRIBE`].
///
/// # Errors
/// None today.
pub fn describe<const N: usize>(agents: [(&str, Known); N]) -> Result<Reply, Failure> {
    let agents: serde_json::Map<_, _> =
        agents.into_iter().map(|(name, known)| (name.to_owned(), json!(known))).collect();
    json!({ "agents": agents }).into_reply()
}

/// The types of an agent.
pub fn types<I, O, E>(_: fn(&Ctx, I) -> Result<O, E>) -> (Probe<I>, Probe<O>) {
    (Probe(PhantomData), Probe(PhantomData))
}

/// The types of an agent with a configuration.
pub fn types_with_config<I, C, O, E>(
    _: fn(&Ctx, I, C) -> Result<O, E>,
) -> (Probe<I>, Probe<O>, Probe<C>) {
    (Probe(PhantomData), Probe(PhantomData), Probe(PhantomData))
}

/// Asks a type for its JSON Schema, whether or not it has one.
///
/// `(&probe).schema(…)` takes the first that fits: the methods here, for types that say nothing;
/// [`WithSchema`], for types that implement `JsonSchema`; one reference further,
/// [`WithoutSchema`], for all others. So a type without a schema costs no code of schemars.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// Which way a type crosses. What may be left out differs between reading and writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Input and configuration.
    In,
    /// Output.
    Out,
}

impl Probe<Value> {
    #[must_use]
    pub fn schema(&self, _: Way) -> Option<Value> {
        None
    }
}

impl Probe<crate::Reply<Value>> {
    #[must_use]
    pub fn schema(&self, _: Way) -> Option<Value> {
        None
    }
}

/// A type with a JSON Schema.
pub trait WithSchema {
    /// The schema, unless it allows everything.
    fn schema(&self, way: Way) -> Option<Value>;
}

#[cfg(feature = "schemas")]
impl<T: crate::JsonSchema> WithSchema for Probe<T> {
    fn schema(&self, way: Way) -> Option<Value> {
        crate::schema::of::<T>(way)
    }
}

#[cfg(feature = "schemas")]
impl<T: crate::JsonSchema> WithSchema for Probe<crate::Reply<T>> {
    fn schema(&self, way: Way) -> Option<Value> {
        crate::schema::of::<T>(way)
    }
}

/// Any type.
pub trait WithoutSchema {
    /// Nothing is known.
    fn schema(&self, _: Way) -> Option<Value> {
        None
    }
}

impl<T> WithoutSchema for &Probe<T> {}
