//! Takes secrets out of what leaves a task: each form of a value becomes `[secret NAME]`.

use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use wforge_model::agent::{Divergence, Execution, Exit, Reply};
use wforge_model::effect::{Question, Waiting};
use wforge_model::{Denial, Failure, Problem, SecretName, Value};
use wforge_ports::effects::GuestLine;

use super::forms::forms;
use crate::llm::SecretText;

/// Values of one tenant that are known; the one that was opened longest ago goes.
const VALUES_MAX: usize = 1_024;

/// The opened secrets of one tenant, in all of their forms.
pub(crate) struct Redactor {
    /// The oldest first.
    values: Vec<(SecretName, SecretText)>,
    finder: Option<AhoCorasick>,
    /// The forms, and what stands in the place of each.
    forms: Vec<(SecretText, String)>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

impl Redactor {
    /// The values that are known, and one more.
    pub(super) fn with(before: Option<&Self>, name: &SecretName, value: &SecretText) -> Self {
        let mut values = before.map(|before| before.values.clone()).unwrap_or_default();
        if values.len() >= VALUES_MAX {
            values.remove(0);
        }
        values.push((name.clone(), value.clone()));
        let all = values.iter().flat_map(|(name, value)| {
            let place = format!("[secret {name}]");
            forms(value.reveal())
                .into_iter()
                .map(move |form| (SecretText::new(form), place.clone()))
        });
        let all: Vec<(SecretText, String)> = all.collect();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(all.iter().map(|(form, _)| form.reveal()));
        if finder.is_err() {
            tracing::error!("too many secrets to be looked for: what plugins say is left out");
        }
        Self { values, finder: finder.ok(), forms: all }
    }

    pub(super) fn knows(&self, name: &SecretName, value: &SecretText) -> bool {
        self.values.iter().any(|(known, text)| known == name && text == value)
    }

    /// The text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let Some(finder) = &self.finder else { return "[redacted]".to_owned() };
        let mut shown = String::with_capacity(text.len());
        finder.replace_all_with(text, &mut shown, |found, _, shown| {
            shown.push_str(self.place(found.pattern().as_usize()));
            true
        });
        shown
    }

    /// Bytes without secrets; as they were where none stands in them.
    pub(crate) fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(finder) = &self.finder else { return b"[redacted]".to_vec() };
        if !finder.is_match(bytes.as_slice()) {
            return bytes;
        }
        let mut shown = Vec::with_capacity(bytes.len());
        finder.replace_all_with_bytes(&bytes, &mut shown, |found, _, shown| {
            shown.extend_from_slice(self.place(found.pattern().as_usize()).as_bytes());
            true
        });
        shown
    }

    fn place(&self, form: usize) -> &str {
        self.forms.get(form).map_or("[secret]", |(_, place)| place)
    }

    /// How much of the end of a text may be the beginning of a secret, in bytes; what is before it
    /// can be shown.
    pub(super) fn open_end(&self, text: &str) -> usize {
        let starts = |(form, _): &(SecretText, String)| {
            let form = form.reveal();
            let longest = form.len().saturating_sub(1).min(text.len());
            let is_start = |length: &usize| form.get(..*length).is_some_and(|s| text.ends_with(s));
            (1..=longest).rev().find(is_start).unwrap_or(0)
        };
        let open = self.forms.iter().map(starts).max().unwrap_or(0);
        let cut = text.len() - open;
        // A secret that is whole is not cut in two because its end looks like a beginning.
        let whole = self.finder.iter().flat_map(|finder| finder.find_iter(text));
        let cut = whole.filter(|found| found.start() < cut).map(|found| found.end()).max();
        cut.map_or(open, |end| open.min(text.len() - end))
    }

    /// JSON without secrets, in texts, names of fields and numbers.
    pub(crate) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                let field = |(name, value): (String, Value)| (self.text(&name), self.value(value));
                Value::Object(fields.into_iter().map(field).collect())
            }
            Value::Number(number) => {
                let text = number.to_string();
                let shown = self.text(&text);
                if shown == text { Value::Number(number) } else { Value::String(shown) }
            }
            Value::Null | Value::Bool(_) => value,
        }
    }

    /// A failure without secrets.
    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        let problem = |problem: Problem| Problem {
            code: self.text(&problem.code),
            message: self.text(&problem.message),
            details: self.value(problem.details),
            ..problem
        };
        match failure {
            Failure::InvalidInput(inner) => Failure::InvalidInput(problem(inner)),
            Failure::Denied(denial) => Failure::Denied(Denial {
                capability: self.text(&denial.capability),
                resource: self.text(&denial.resource),
                hint: self.text(&denial.hint),
            }),
            Failure::Limit(inner) => Failure::Limit(problem(inner)),
            Failure::Upstream(inner) => Failure::Upstream(problem(inner)),
            Failure::Cancelled(inner) => Failure::Cancelled(problem(inner)),
            Failure::Failed(inner) => Failure::Failed(problem(inner)),
            Failure::Trap(inner) => Failure::Trap(problem(inner)),
            Failure::Timeout(inner) => Failure::Timeout(problem(inner)),
            Failure::BadOutput(inner) => Failure::BadOutput(problem(inner)),
            Failure::Missing(inner) => Failure::Missing(problem(inner)),
        }
    }

    /// A line of a guest without secrets.
    pub(crate) fn line(&self, line: &GuestLine) -> GuestLine {
        let field = |(name, value): &(String, String)| (self.text(name), self.text(value));
        GuestLine {
            message: self.text(&line.message),
            fields: line.fields.iter().map(field).collect(),
            level: line.level,
        }
    }

    /// What a call came to, without secrets.
    pub(crate) fn execution(&self, execution: Execution) -> Execution {
        match execution {
            Execution::Replied(Reply { output, exits }) => {
                let exit = |Exit { name, input }| Exit {
                    name: self.text(&name),
                    input: input.map(|input| self.value(input)),
                };
                let exits = exits.into_iter().map(exit).collect();
                Execution::Replied(Reply { output: self.value(output), exits })
            }
            Execution::Suspended(waiting) => Execution::Suspended(self.waiting(waiting)),
            Execution::Failed { failure, effects } => {
                Execution::Failed { failure: self.failure(failure), effects }
            }
            Execution::Diverged(Divergence { position, recorded, asked }) => {
                let (recorded, asked) = (self.text(&recorded), self.text(&asked));
                Execution::Diverged(Divergence { position, recorded, asked })
            }
        }
    }

    fn waiting(&self, waiting: Waiting) -> Waiting {
        let question = |question: Question| Question {
            prompt: self.text(&question.prompt),
            schema: question.schema.map(|schema| self.value(schema)),
            assignee: question.assignee.map(|name| self.text(&name)),
            ..question
        };
        match waiting {
            Waiting::Question(one) => Waiting::Question(question(one)),
            Waiting::Questions(all) => Waiting::Questions(all.into_iter().map(question).collect()),
            waiting @ (Waiting::Timer { .. } | Waiting::Quarantine { .. }) => waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redactor(secrets: &[(&str, &str)]) -> Redactor {
        let mut made = None;
        for (name, value) in secrets {
            let value = SecretText::new((*value).to_owned());
            made = Some(Redactor::with(made.as_ref(), &name.parse().unwrap(), &value));
        }
        made.unwrap()
    }

    #[test]
    fn a_secret_is_replaced_by_its_name_and_the_rest_stays() {
        let redactor = redactor(&[("a", "hunter22"), ("b", "hunter2299")]);
        assert_eq!(redactor.text("x hunter22 y hunter2299 ü"), "x [secret a] y [secret b] ü");
        assert_eq!(redactor.text("nothing of it"), "nothing of it");
        assert_eq!(redactor.bytes(b"\xffhunter22\xfe".to_vec()), b"\xff[secret a]\xfe");
    }

    #[test]
    fn json_is_searched_in_texts_names_and_numbers() {
        let redactor = redactor(&[("pin", "12345678")]);
        let value = json!({ "12345678": [12_345_678, "z12345678", 1, null], "k": 1.5 });
        let shown = json!({ "[secret pin]": ["[secret pin]", "z[secret pin]", 1, null], "k": 1.5 });
        assert_eq!(redactor.value(value), shown);
    }

    #[test]
    fn an_end_is_open_where_it_may_be_the_beginning_of_a_secret() {
        let redactor = redactor(&[("a", "hunter22")]);
        let open = |text: &str| redactor.open_end(text);
        assert_eq!((open("the hunter2"), open("the h"), open("the hunter22")), (7, 1, 0));
        assert_eq!((open(""), open("über")), (0, 0));
        // The last letter of a secret that begins with it as well.
        let redactor = self::redactor(&[("a", "x2345678x")]);
        assert_eq!(redactor.open_end("x2345678x"), 0);
    }

    #[test]
    fn what_is_known_is_bounded_and_the_oldest_goes() {
        let mut known = redactor(&[("a", "0-hunter22")]);
        for n in 1..VALUES_MAX {
            let value = SecretText::new(format!("{n}-hunter22"));
            known.values.push(("a".parse().unwrap(), value));
        }
        let value = SecretText::new("last-hunter22".to_owned());
        let next = Redactor::with(Some(&known), &"a".parse().unwrap(), &value);
        assert_eq!(next.values.len(), VALUES_MAX);
        assert_eq!(next.text("last-hunter22 0-hunter22 "), "[secret a] 0-hunter22 ");
    }
}
