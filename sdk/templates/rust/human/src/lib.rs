//! Asks a person whether a text may be published.
//!
//! The sandbox is gone while the question is open. Once it is answered, the function runs from its
//! top again and the host answers from its record; so what comes before a question must not depend
//! on anything but the input.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, Question, Reply, agent, json};

/// What the agent works on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Input {
    /// The text to publish.
    pub text: String,
}

/// What it answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// Whether a person agreed.
    pub published: bool,
    /// What the person said about it.
    pub note: String,
}

/// What a person answers.
#[derive(Debug, Deserialize)]
struct Answer {
    publish: bool,
    #[serde(default)]
    note: String,
}

/// Asks a person whether a text may be published.
#[agent]
pub fn review(ctx: &Ctx, input: Input) -> Result<Reply<Output>, Failure> {
    let question = Question::new(&format!("Publish this?\n\n{}", input.text)).schema(&json!({
        "type": "object",
        "required": ["publish"],
        "properties": { "publish": { "type": "boolean" }, "note": { "type": "string" } },
    }));
    let answer: Answer = ctx.ask(question)?;
    let reply = Reply::new(Output { published: answer.publish, note: answer.note });
    Ok(if answer.publish { reply } else { reply.goto("rejected") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflowforge_sdk::MockHost;

    fn reviewed(answer: workflowforge_sdk::Value) -> Reply<Output> {
        let host = MockHost::new().ask(answer);
        host.run(review, Input { text: "All is well.".to_owned() }).unwrap()
    }

    #[test]
    fn it_publishes_when_a_person_agrees() {
        let reply = reviewed(json!({ "publish": true }));
        assert_eq!(reply.output, Output { published: true, note: String::new() });
        assert!(reply.exits.is_empty());
    }

    #[test]
    fn it_goes_another_way_when_a_person_refuses() {
        let reply = reviewed(json!({ "publish": false, "note": "too short" }));
        assert_eq!(reply.output.note, "too short");
        assert_eq!(reply.exits.len(), 1);
    }
}
