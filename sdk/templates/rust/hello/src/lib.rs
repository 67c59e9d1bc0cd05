//! Greets whoever it is told of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, agent};

/// What the agent works on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Input {
    /// Whom to greet.
    pub name: String,
}

/// What it answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The greeting.
    pub greeting: String,
}

/// Greets whoever it is told of.
#[agent]
pub fn greet(ctx: &Ctx, input: Input) -> Result<Output, Failure> {
    if input.name.is_empty() {
        return Err(Failure::invalid_input("no_name", "name is empty: whom shall I greet?"));
    }
    ctx.info("greeting");
    Ok(Output { greeting: format!("Hello, {}!", input.name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflowforge_sdk::MockHost;

    #[test]
    fn it_greets_by_name() {
        let host = MockHost::new();
        let output = host.run(greet, Input { name: "Ada".to_owned() }).unwrap();
        assert_eq!(output.greeting, "Hello, Ada!");
        assert_eq!(host.done(), Vec::<String>::new());
    }

    #[test]
    fn it_refuses_a_name_that_is_empty() {
        let failure = MockHost::new().run(greet, Input { name: String::new() }).unwrap_err();
        assert_eq!(failure.code(), Some("no_name"));
    }
}
