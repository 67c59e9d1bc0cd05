//! `human.ask`: the question and its deadline are written down, the task suspends, and its rerun
//! finds the answer among those that the run keeps for it.
//!
//! Answers outlive attempts: what a person has said is never asked again for the same request.

use wforge_model::effect::{Answered, Question, Waiting, question_id};
use wforge_model::{Failure, Problem, QuestionId, Value};
use wforge_ports::store::EffectIntent;

use crate::request::Asked;
use crate::session::{Answer, Session, Stop};

impl Session {
    pub(crate) async fn ask(
        &mut self,
        asked: &Asked<'_>,
        intent: Option<EffectIntent>,
    ) -> Result<Answer, Stop> {
        let id = question_id(self.call.task, self.questions);
        self.questions += 1;
        if let Some(answered) = self.answer_of_a_person(id, asked) {
            return self.write_answer(asked, told(answered)).await;
        }
        let intent = match intent {
            Some(intent) => intent,
            None => {
                let now = self.clock_now();
                let deadline = asked.number("deadline_ms").map(|ms| now.after_ms(ms));
                self.write_intent(asked, now, deadline).await?
            }
        };
        Err(Stop::Suspend(Waiting::Question(Question {
            id,
            prompt: asked.text("prompt").to_owned(),
            schema: asked.element.get("schema").filter(|schema| !schema.is_null()).cloned(),
            deadline: intent.due,
            assignee: Some(asked.text("assignee"))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            note: None,
            escalation: None,
            request: asked.hash,
        })))
    }

    /// The answer to the same request that this execution has not used yet; of several, the one
    /// that was given to this very question. Agents that the task calls as tools, or that call it,
    /// ask on their own account: what one of them was told is no other's answer.
    fn answer_of_a_person(&mut self, id: QuestionId, asked: &Asked<'_>) -> Option<Answered> {
        let fits = |(place, answered): &(usize, &Answered)| {
            answered.request == asked.hash && !self.used_answers.contains(place)
        };
        let fitting: Vec<(usize, &Answered)> =
            self.call.answers.iter().enumerate().filter(fits).collect();
        let same = fitting.iter().find(|(_, answered)| answered.question == id);
        let (place, answered) =
            same.or_else(|| fitting.iter().find(|(_, answered)| self.asks(answered.question)))?;
        let (place, answered) = (*place, (*answered).clone());
        self.used_answers.push(place);
        Some(answered)
    }

    /// Whether a question is one of this task's.
    fn asks(&self, question: QuestionId) -> bool {
        let mut ordinals = 0..self.effects_max();
        ordinals.any(|ordinal| question_id(self.call.task, ordinal) == question)
    }
}

/// What the guest gets of it.
fn told(answered: Answered) -> Answer {
    answered.answer.map_or_else(
        || {
            let message = "nobody answered before the question's deadline";
            Err(Failure::Upstream(Problem::new("deadline", message)))
        },
        Ok::<Value, Failure>,
    )
}
