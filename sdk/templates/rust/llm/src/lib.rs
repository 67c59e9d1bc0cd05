//! Sums a text up in one sentence, with one call of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, agent, llm};

/// What the agent works on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Input {
    /// The text to sum up.
    pub text: String,
    /// The name of a model in the host's configuration.
    #[serde(default = "mock")]
    pub model: String,
}

/// What it answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The text in one sentence.
    pub summary: String,
}

/// Sums a text up in one sentence.
#[agent]
pub fn summarize(ctx: &Ctx, input: Input) -> Result<Output, Failure> {
    let request = llm::Request::new(&input.model)
        .system("Sum up what the user writes in one sentence.")
        .user(&input.text)
        .max_tokens(200);
    let summary = ctx.complete(request)?.message.text();
    Ok(Output { summary: summary.trim().to_owned() })
}

fn mock() -> String {
    "mock".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflowforge_sdk::MockHost;

    fn input() -> Input {
        Input { text: "A long text.".to_owned(), model: "fast".to_owned() }
    }

    #[test]
    fn it_gives_back_what_the_model_says() {
        let host = MockHost::new().llm(" It is short.\n");
        assert_eq!(host.run(summarize, input()).unwrap().summary, "It is short.");
        assert_eq!(host.done(), ["llm fast A long text."]);
    }

    #[test]
    fn without_the_grant_it_is_denied() {
        let failure = MockHost::new().deny("llm").run(summarize, input()).unwrap_err();
        assert_eq!(failure.kind(), "denied");
    }
}
