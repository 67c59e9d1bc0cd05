//! Answers a question with a model that calls tools: it thinks, acts, looks at what came of it, and
//! so on, until it can answer or has no turn left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, Value, agents, json, llm};

const SYSTEM: &str = "Answer the question. Call tools for what you do not know.";
const LAST_TURN: &str = "This is the last turn. Call no tool; answer with what you know.";

/// What the agent works on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Input {
    /// The question.
    pub question: String,
    /// The name of a model in the host's configuration.
    #[serde(default = "mock")]
    pub model: String,
}

/// What a node of a workflow may set.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Config {
    /// The most turns of the model.
    #[serde(default = "four")]
    pub turns_max: usize,
}

/// What it answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The answer.
    pub answer: String,
    /// How many turns it took.
    pub turns: usize,
}

/// A word that somebody does not know.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Word {
    /// The word.
    pub word: String,
}

/// What it means.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Meaning {
    /// The meaning; null where the glossary does not have the word.
    pub meaning: Option<&'static str>,
}

/// The agents of the plugin.
#[agents]
pub mod plugin {
    use super::*;

    /// Thinks, calls tools and looks at their answers, until it can answer.
    pub fn main(ctx: &Ctx, input: Input, config: Config) -> Result<Output, Failure> {
        let tools = ctx.tools()?;
        let mut request = llm::Request::new(&input.model).system(SYSTEM).user(&input.question);
        for tool in &tools {
            request = request.tool(&tool.name, &tool.description, &schema_of(tool));
        }
        let turns_max = config.turns_max.max(1);
        for turn in 1..=turns_max {
            let is_last = turn == turns_max;
            if is_last && turn > 1 {
                request = request.user(LAST_TURN);
            }
            let message = ctx.complete(request.clone())?.message;
            let calls = message.tool_calls();
            if is_last || calls.is_empty() {
                return Ok(Output { answer: message.text(), turns: turn });
            }
            let results = act(ctx, &calls)?;
            request = results.into_iter().fold(request.message(message), llm::Request::message);
        }
        Err(Failure::failed("no_turns", "the last turn always answers"))
    }

    /// Looks a word up in a small glossary.
    pub fn lookup(_ctx: &Ctx, input: Word) -> Result<Meaning, Failure> {
        let meaning = match input.word.to_lowercase().as_str() {
            "agent" => Some("A plugin that does one thing in a sandbox of its own."),
            "run" => Some("One execution of a workflow, which survives a crash."),
            _ => None,
        };
        Ok(Meaning { meaning })
    }
}

/// Calls the tools side by side. A tool's failure is for the model to read.
fn act(ctx: &Ctx, calls: &[&llm::ToolCall]) -> Result<Vec<llm::Message>, Failure> {
    let inputs = calls.iter().map(|call| Ok((call.name.as_str(), call.read::<Value>()?)));
    let inputs = inputs.collect::<Result<Vec<_>, Failure>>()?;
    let mut messages = Vec::new();
    for (call, answer) in calls.iter().zip(ctx.tool_all::<Value>(inputs)?) {
        ctx.emit("step", &json!({ "tool": call.name, "ok": answer.is_ok() }))?;
        messages.push(match answer {
            Ok(answer) => llm::Message::tool_result(call, &answer)?,
            Err(failure) => llm::Message::tool_failed(call, &failure.to_string()),
        });
    }
    Ok(messages)
}

fn schema_of(tool: &workflowforge_sdk::tools::Tool) -> Value {
    tool.input_schema.parse().unwrap_or_default()
}

fn mock() -> String {
    "mock".to_owned()
}

fn four() -> usize {
    4
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflowforge_sdk::MockHost;

    fn asked() -> Input {
        Input { question: "What is an agent?".to_owned(), model: "fast".to_owned() }
    }

    fn calling(name: &str) -> llm::Message {
        llm::Message::text_of("assistant", "").calling("1", name, &json!({ "word": "agent" }))
    }

    #[test]
    fn it_calls_a_tool_and_then_answers() {
        let host = MockHost::new().llm(calling("glossary")).llm("A plugin.");
        let host = host.tool("glossary", json!({ "meaning": "A plugin." }));
        let output = host.run(plugin::main, asked()).unwrap();
        assert_eq!(output, Output { answer: "A plugin.".to_owned(), turns: 2 });
        assert!(host.done().contains(&"tool glossary".to_owned()));
    }

    #[test]
    fn it_answers_in_its_last_turn_whatever_the_model_wants() {
        let host = MockHost::new().config(json!({ "turns_max": 1 })).llm(calling("glossary"));
        assert_eq!(host.run(plugin::main, asked()).unwrap().turns, 1);
    }

    #[test]
    fn the_glossary_knows_a_word_whatever_its_case() {
        let known =
            |word: &str| MockHost::new().run(plugin::lookup, Word { word: word.to_owned() });
        assert!(known("Agent").unwrap().meaning.is_some());
        assert_eq!(known("xyzzy").unwrap().meaning, None);
    }
}
