//! Answers that somebody wrote down. A line is found by what was said, never by how often the
//! script was asked, so that a rerun gets the same.

use wforge_model::{Failure, Object, Problem, Value};

use super::super::answer::Answer;
use super::super::config::{ScriptFailure, ScriptFailureKind, ScriptLine};
use super::super::request::{Part, ToolCall};
use super::{Scene, cut};

pub(super) fn answer(script: &[ScriptLine], scene: &Scene<'_>) -> Result<Answer, Failure> {
    let matches = |line: &&ScriptLine| {
        line.when.as_ref().is_none_or(|when| scene.asked.contains(when.as_str()))
    };
    let lines: Vec<&ScriptLine> = script.iter().filter(matches).collect();
    let Some(line) = lines.get(scene.turns).or_else(|| lines.last()) else {
        let message = format!("no line of the mock's script matches {:?}", cut(&scene.asked));
        return Err(Failure::Failed(Problem::new("mock_script", message)));
    };
    match &line.failure {
        Some(failure) => Err(failure.play()),
        None => Ok(line.play(scene.turns)),
    }
}

impl ScriptLine {
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_none() && self.tool_calls.is_empty()
    }

    fn play(&self, turn: usize) -> Answer {
        let finish = if self.tool_calls.is_empty() { "stop" } else { "tool_calls" };
        let mut answer = Answer { finish: finish.to_owned(), ..Answer::default() };
        answer.push_text(self.text.clone().unwrap_or_default());
        for (place, call) in self.tool_calls.iter().enumerate() {
            let id = format!("call_{turn}_{place}");
            let arguments = match &call.arguments {
                Value::Null => Value::Object(Object::new()),
                arguments => arguments.clone(),
            };
            let name = call.name.clone();
            answer.parts.push(Part::ToolCall(ToolCall { id, name, arguments }));
        }
        answer
    }
}

impl ScriptFailure {
    fn play(&self) -> Failure {
        let mut problem = Problem::new(&self.code, self.message.clone());
        problem.retryable = self.retryable;
        match self.kind {
            ScriptFailureKind::Upstream => Failure::Upstream(problem),
            ScriptFailureKind::Limit => Failure::Limit(problem),
            ScriptFailureKind::InvalidInput => Failure::InvalidInput(problem),
            ScriptFailureKind::Failed => Failure::Failed(problem),
        }
    }
}
