//! Other agents and the tools of MCP servers. Needs `tool:<name>`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ctx;
use crate::Failure;
use crate::bindings::workflowforge::plugin::tools;
use crate::host::{Answers, only};
use crate::json::{read_each, write};

impl Ctx {
    /// The tools that this node may call.
    ///
    /// # Errors
    /// The host cannot list them.
    pub fn tools(&self) -> Result<Vec<tools::Tool>, Failure> {
        self.host.list_tools()
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// Denied, failed, or answered with something that is no `T`.
    pub fn tool<T: DeserializeOwned>(
        &self,
        name: &str,
        input: &impl Serialize,
    ) -> Result<T, Failure> {
        only(self.tool_all([(name, input)]))
    }

    /// Calls several tools at once, each with its input.
    ///
    /// # Errors
    /// None of them could be called.
    pub fn tool_all<'a, T: DeserializeOwned>(
        &self,
        calls: impl IntoIterator<Item = (&'a str, impl Serialize)>,
    ) -> Answers<T> {
        let calls = calls.into_iter().map(|(name, input)| {
            let (name, input) = (name.to_owned(), write("tool's input", &input)?);
            Ok(tools::Request { name, input, options: "{}".to_owned() })
        });
        let requests: Vec<_> = calls.collect::<Result<_, Failure>>()?;
        Ok(read_each("tool's answer", self.host.call_tools(&requests)?))
    }
}
