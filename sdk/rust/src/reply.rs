//! What an agent answers: its output, and the exits that it takes beside the node's edges.

use serde::Serialize;
use serde_json::Value;

use crate::bindings::exports::workflowforge::plugin::agent as wit;
use crate::failure::{Failure, unwritable};

/// An output with exits. An agent that takes none returns its output alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// The result; the node's `out` maps it to state.
    pub output: T,
    /// The exits, in the order in which they are taken.
    pub exits: Vec<Exit>,
}

/// A way out of the node, one of those that `plugin.toml` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Its name.
    pub name: String,
    /// What the task that it starts sees as `sent`.
    pub sent: Option<Value>,
}

impl<T> Reply<T> {
    /// The output, without exits.
    pub fn new(output: T) -> Self {
        Self { output, exits: Vec::new() }
    }

    /// Also takes the exit.
    #[must_use]
    pub fn goto(self, exit: &str) -> Self {
        self.and(Exit { name: exit.to_owned(), sent: None })
    }

    /// Also takes the exit and hands an input to the task that it starts.
    #[must_use]
    pub fn send(self, exit: &str, input: Value) -> Self {
        self.and(Exit { name: exit.to_owned(), sent: Some(input) })
    }

    fn and(mut self, exit: Exit) -> Self {
        self.exits.push(exit);
        self
    }
}

/// What a function with `#[agent]` may return inside `Result`: anything serde can write, or a
/// [`Reply`] of it.
pub trait IntoReply {
    /// The answer as the contract has it.
    ///
    /// # Errors
    /// The output is no JSON.
    fn into_reply(self) -> Result<wit::Reply, Failure>;
}

impl<T: Serialize> IntoReply for T {
    fn into_reply(self) -> Result<wit::Reply, Failure> {
        Reply::new(self).into_reply()
    }
}

impl<T: Serialize> IntoReply for Reply<T> {
    fn into_reply(self) -> Result<wit::Reply, Failure> {
        let output =
            serde_json::to_string(&self.output).map_err(|error| unwritable("output", &error))?;
        let goto = self.exits.into_iter().map(wit::Exit::from).collect();
        Ok(wit::Reply { output, goto, extra: "{}".to_owned() })
    }
}

impl From<Exit> for wit::Exit {
    fn from(exit: Exit) -> Self {
        match exit.sent {
            None => Self::Name(exit.name),
            Some(sent) => Self::Send(wit::SentExit { name: exit.name, input: sent.to_string() }),
        }
    }
}
