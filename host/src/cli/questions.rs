//! Questions to the person: answered by flags, asked at the terminal, or told with the command
//! that answers them.

use tokio::sync::oneshot;
use wforge_graph::nearest;

use super::follow::Stops;
use super::inputs::coerced;
use super::refusal::Refusal;
use super::ui::{Paint, Ui, harmless, harmless_lines};
use crate::client::{Answer, QuestionRow, Report};

/// The answers of `--answer`: `NODE=VALUE`, `ASK=VALUE`, or `VALUE` where one question is open.
pub(crate) fn given(report: &Report, flags: &[String]) -> anyhow::Result<Vec<Answer>> {
    let open = report.asked();
    let mut answers = Vec::new();
    let mut problems = Vec::new();
    for flag in flags {
        match one(&open, flag) {
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

type Asked<'a> = (String, &'a QuestionRow);

fn one(open: &[Asked<'_>], flag: &str) -> Result<Answer, String> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
    let named = flag.split_once('=').filter(|(name, _)| name.chars().all(of_name));
    let (name, question, text) = match named {
        Some((name, text)) => (name, by_name(open, name)?, text),
        None => ("VALUE", the_only(open, flag)?, flag),
    };
    let answer = coerced(text, question.schema.as_ref())
        .map_err(|problem| format!("--answer {name}: {problem}"))?;
    Ok(Answer { question: question.id, answer })
}

/// The question with that id, or of that node: by its whole path, or by its last name where that
/// is enough.
fn by_name<'a>(open: &[Asked<'a>], name: &str) -> Result<&'a QuestionRow, String> {
    let by_id = |(_, question): &&Asked<'a>| question.id.to_string() == name;
    let by_path = |(path, _): &&Asked<'a>| path == name;
    let by_node = |(_, question): &&Asked<'a>| question.node.as_str() == name;
    if let Some((_, question)) = open.iter().find(by_id) {
        return Ok(question);
    }
    let mut found: Vec<&Asked<'a>> = open.iter().filter(by_path).collect();
    if found.is_empty() {
        found = open.iter().filter(by_node).collect();
    }
    match found.as_slice() {
        [(_, question)] => Ok(question),
        [] => Err(asks_nothing(open, name)),
        several => {
            let ids: Vec<String> =
                several.iter().map(|(_, it)| format!("{}=VALUE", it.id)).collect();
            let count = several.len();
            Err(format!("--answer {name}: it asks {count} questions; write {}", ids.join(" or ")))
        }
    }
}

fn asks_nothing(open: &[Asked<'_>], name: &str) -> String {
    let known: Vec<&str> = open.iter().map(|(path, _)| path.as_str()).collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean {near}?"),
        None if known.is_empty() => "; no question is open".to_owned(),
        None => format!("; open: {}", known.join(", ")),
    };
    format!("--answer {name}: it asks nothing{hint}")
}

fn the_only<'a>(open: &[Asked<'a>], flag: &str) -> Result<&'a QuestionRow, String> {
    match open {
        [(_, question)] => Ok(question),
        [] => Err(format!("--answer {flag}: no question is open")),
        several => {
            let known: Vec<&str> = several.iter().map(|(path, _)| path.as_str()).collect();
            let known = known.join(", ");
            Err(format!("--answer {flag}: several questions are open, write NODE=VALUE: {known}"))
        }
    }
}

/// Asks at the terminal; none where the person would rather stop.
pub(crate) async fn ask(
    ui: &Ui,
    report: &Report,
    stops: &mut Stops,
) -> anyhow::Result<Option<Vec<Answer>>> {
    let mut answers = Vec::new();
    for (path, question) in report.asked() {
        let prompt = harmless_lines(&question.prompt);
        let node = ui.paint(Paint::Bold, &path);
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
    let asked = report.asked();
    for (path, question) in &asked {
        let prompt = harmless_lines(&question.prompt);
        ui.err(&format!("{}  {prompt}", ui.paint(Paint::Bold, path)));
        if let Some(deadline) = question.deadline {
            ui.err(&format!("  until {deadline}"));
        }
        if let Some(assignee) = &question.assignee {
            ui.err(&format!("  for {}", harmless(assignee)));
        }
    }
    let unique = |path: &str| asked.iter().filter(|(other, _)| other == path).count() == 1;
    let name = |(path, question): &Asked<'_>| match unique(path) {
        true => format!(" --answer {path}=VALUE"),
        false => format!(" --answer {}=VALUE", question.id),
    };
    let answers: String = asked.iter().map(name).collect();
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
            assignee: None,
        }
    }

    fn report(nodes: &[&str]) -> Report {
        let tenant = "default".parse().unwrap();
        let head =
            wforge_model::head::RunHead::new(tenant, wforge_model::RunId::from_bytes([1; 16]));
        let questions = nodes.iter().map(|node| question(node)).collect();
        Report { head, output: None, tasks: Vec::new(), questions }
    }

    fn check_open(open: &[&str], flags: &[&str], expected: &str) {
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let text = match given(&report(open), &flags) {
            Ok(answers) => answers.iter().map(|answer| answer.answer.to_string()).collect(),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    fn check(flags: &[&str], expected: &str) {
        check_open(&["approve"], flags, expected);
    }

    #[test]
    fn an_answer_is_read_by_its_question() {
        check(&["approve=yes"], r#"{"approve":true}"#);
        check(&["aprove=yes"], "--answer aprove: it asks nothing; did you mean approve?");
        check(&["yes"], r#"{"approve":true}"#);
        check(&["ask_01010101010101010101010101010101=no"], r#"{"approve":false}"#);
    }

    #[test]
    fn an_answer_that_could_be_for_several_is_none() {
        let several = "--answer yes: several questions are open, write NODE=VALUE: a, b";
        check_open(&["a", "b"], &["yes"], several);
        check_open(&[], &["yes"], "--answer yes: no question is open");
        let id = "ask_01010101010101010101010101010101";
        let twice = format!("--answer a: it asks 2 questions; write {id}=VALUE or {id}=VALUE");
        check_open(&["a", "a"], &["a=yes"], &twice);
    }

    #[test]
    fn the_prompt_says_what_an_answer_looks_like() {
        assert_eq!(hint(&question("approve")), "approve (yes/no)");
    }
}
