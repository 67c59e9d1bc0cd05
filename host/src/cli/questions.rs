//! Questions to the person: answered by flags, asked at the terminal, or told with the command
//! that answers them.

use tokio::sync::oneshot;
use wforge_graph::nearest;

use super::follow::Stops;
use super::inputs::coerced;
use super::refusal::Refusal;
use super::ui::{Paint, Ui, harmless, harmless_lines};
use crate::client::{Answer, QuestionRow, Report};

/// The answers of `--answer NODE=VALUE`, or `--answer VALUE` where one question is open.
pub(crate) fn given(open: &[QuestionRow], flags: &[String]) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    let mut problems = Vec::new();
    for flag in flags {
        match one(open, flag) {
            Ok(answer) => answers.push(answer),
            Err(problem) => problems.push(problem),
        }
    }
    match problems.len() {
        0 => Ok(answers),
        1 => Err(Refusal::user("bad_flags", problems.remove(0)).into()),
        many => {
            let message = format!("{many} answers are wrong");
            Err(Refusal::user("bad_flags", message).details(problems).into())
        }
    }
}

fn one(open: &[QuestionRow], flag: &str) -> Result<Answer, String> {
    let (name, text) =
        flag.split_once('=').ok_or_else(|| format!("--answer {flag}: write NODE=VALUE"))?;
    let question =
        open.iter().find(|question| question.node.as_str() == name).ok_or_else(|| {
            let known: Vec<&str> = open.iter().map(|question| question.node.as_str()).collect();
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("; did you mean {near}?"),
                None if known.is_empty() => "; no question is open".to_owned(),
                None => format!("; open: {}", known.join(", ")),
            };
            format!("--answer {name}: it asks nothing{hint}")
        })?;
    let answer = coerced(text, question.schema.as_ref())
        .map_err(|problem| format!("--answer {name}: {problem}"))?;
    Ok(Answer { question: question.id, answer })
}

/// Asks at the terminal; none where the person would rather stop.
pub(crate) async fn ask(
    ui: &Ui,
    open: &[QuestionRow],
    stops: &mut Stops,
) -> anyhow::Result<Option<Vec<Answer>>> {
    let mut answers = Vec::new();
    for question in open {
        let prompt = harmless_lines(&question.prompt);
        let node = ui.paint(Paint::Bold, question.node.as_str());
        ui.err(&format!("{node}  {prompt}"));
        loop {
            ui.ask(&ui.paint(Paint::Cyan, &format!("{} > ", hint(question))));
            let Some(line) = line(stops).await? else { return Ok(None) };
            match coerced(line.trim(), question.schema.as_ref()) {
                Ok(answer) => {
                    answers.push(Answer { question: question.id, answer });
                    break;
                }
                Err(problem) => ui.err(&problem),
            }
        }
    }
    Ok(Some(answers))
}

/// What an answer looks like.
fn hint(question: &QuestionRow) -> String {
    let property = question.schema.as_ref().and_then(|schema| {
        let [name] = schema.get("required")?.as_array()?.as_slice() else { return None };
        let kind = schema.get("properties")?.get(name.as_str()?)?.get("type")?.as_str()?;
        Some((name.as_str()?, kind))
    });
    match property {
        Some((name, "boolean")) => format!("{} (yes/no)", harmless(name)),
        Some((name, _)) => harmless(name),
        None => "answer".to_owned(),
    }
}

/// A line of the terminal; none at its end, or after a signal.
async fn line(stops: &mut Stops) -> anyhow::Result<Option<String>> {
    let (sender, receiver) = oneshot::channel();
    // A read of a terminal cannot be given up, so it has a thread of its own, which the end of the
    // process ends.
    std::thread::Builder::new().name("wforge-stdin".to_owned()).spawn(move || {
        let mut text = String::new();
        let read = std::io::stdin().read_line(&mut text).map(|count| (count > 0).then_some(text));
        let _ = sender.send(read);
    })?;
    tokio::select! {
        () = stops.next() => Ok(None),
        read = receiver => Ok(read??),
    }
}

/// Says which questions are open and how to answer them.
pub(crate) fn tell(ui: &Ui, report: &Report) {
    let run = report.head.run;
    for question in &report.questions {
        let prompt = harmless_lines(&question.prompt);
        ui.err(&format!("{}  {prompt}", ui.paint(Paint::Bold, question.node.as_str())));
        if let Some(deadline) = question.deadline {
            ui.err(&format!("  until {deadline}"));
        }
    }
    let answers: String =
        report.questions.iter().map(|it| format!(" --answer {}=VALUE", it.node)).collect();
    let label = ui.paint(Paint::Cyan, "help:");
    ui.err(&format!("{label} wforge runs resume {run}{answers}"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(node: &str) -> QuestionRow {
        QuestionRow {
            id: wforge_model::QuestionId::from_bytes([1; 16]),
            node: node.parse().unwrap(),
            prompt: "?".into(),
            schema: Some(json!({
                "type": "object", "required": ["approve"],
                "properties": { "approve": { "type": "boolean" } },
            })),
            deadline: None,
        }
    }

    fn check(flags: &[&str], expected: &str) {
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let text = match given(&[question("approve")], &flags) {
            Ok(answers) => answers.iter().map(|answer| answer.answer.to_string()).collect(),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn an_answer_is_read_by_its_question() {
        check(&["approve=yes"], r#"{"approve":true}"#);
        check(&["aprove=yes"], "--answer aprove: it asks nothing; did you mean approve?");
        check(&["yes"], "--answer yes: write NODE=VALUE");
    }

    #[test]
    fn the_prompt_says_what_an_answer_looks_like() {
        assert_eq!(hint(&question("approve")), "approve (yes/no)");
    }
}
