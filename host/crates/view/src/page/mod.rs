//! A run as one self-contained page.
//!
//! No script and nothing from elsewhere: its policy forbids both. Everything that a workflow, a
//! plugin or a person wrote is escaped.

mod story;
mod timeline;
mod usage;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use wforge_engine::{RunView, TaskView};
use wforge_graph::Run;
use wforge_model::event::StoredEvent;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Recording, TaskId};

use crate::drawing::drawing;
use crate::html::{clipped, escape};
use crate::svg::graph;
use crate::words::duration;
use story::{Change, Story, Teller};

const STYLE: &str = include_str!("style.css");
/// Of one value before or after a change.
const VALUE_CHARS_MAX: usize = 4_000;
/// Rows of a table, and super-steps with their changes; the rest is counted.
const ROWS_MAX: usize = 500;

/// What a run's log tells, gathered while it is lived again.
#[derive(Debug, Default)]
pub struct Telling(Teller);

impl Telling {
    /// Takes the next event of the log, and the run as it is after it.
    pub fn take(&mut self, run: &Run, stored: &StoredEvent) {
        self.0.take(run, &stored.event);
    }
}

/// Where the tasks of a run are found.
struct Paths<'a>(HashMap<TaskId, &'a TaskView>);

impl<'a> Paths<'a> {
    fn new(report: &'a RunView) -> Self {
        Self(report.tasks.iter().map(|task| (task.task, task)).collect())
    }

    /// The nodes through which a task is reached, such as `outer/inner`.
    fn of(&self, task: TaskId) -> String {
        let (mut names, mut next) = (Vec::new(), Some(task));
        while let Some(task) = next.and_then(|task| self.0.get(&task)) {
            names.push(task.node.as_str());
            next = task.within;
        }
        names.reverse();
        names.join("/")
    }
}

/// The page of a run: its view, the workflow that it is pinned to, and what its log told.
#[must_use]
pub fn page(report: &RunView, workflow: &WorkflowDraft, telling: &Telling) -> String {
    let story = &telling.0.story;
    let (head, paths) = (&report.head, Paths::new(report));
    let title = format!("{}@{}", head.workflow, head.version);
    let mut out = start(&format!("{title} {}", head.run));
    heading(&mut out, report, &title, story);
    partial(&mut out, report, &paths);
    out.push_str("<h2>Graph</h2>");
    let place = ("", "The workflow's graph", "");
    let svg = graph(&drawing(workflow), place, |node| timeline::ran(node, story));
    let _ = write!(out, "<div class=\"scroll\">{svg}</div>");
    let timeline = timeline::timeline(story);
    let _ = write!(out, "<h2>Timeline</h2><div class=\"scroll\">{timeline}</div>");
    mocks(&mut out, story);
    usage::models(&mut out, report, &paths);
    notes(&mut out, story);
    out.push_str("<h2>State by super-step</h2>");
    story.changes.iter().for_each(|change| changes(&mut out, change));
    left_out(&mut out, story.changes_made);
    if let Some(output) = &report.output {
        let text = serde_json::to_string_pretty(output).unwrap_or_default();
        let text = escape(&clipped(&text, 20 * VALUE_CHARS_MAX));
        let _ = write!(
            out,
            "<h2>Output</h2><details><summary>JSON</summary><pre>{text}</pre>\
                             </details>"
        );
    }
    out + "</body></html>\n"
}

fn start(title: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\"><title>{}</title><style>{STYLE}</style>\
         </head><body>",
        escape(title)
    )
}

fn heading(out: &mut String, report: &RunView, title: &str, story: &Story) {
    let head = &report.head;
    let outcome = head.outcome.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    let class = match head.status.as_str() {
        "completed" => "live",
        "failed" | "cancelled" | "rolled_back" | "blocked" => "failed",
        _ => "mock",
    };
    let took = duration(story.ended.0.saturating_sub(story.began.0));
    let _ = write!(
        out,
        "<h1>{}</h1><p class=\"dim\">{} · started {} by {} · {took} · {} tasks</p>\
         <p><strong class=\"{class}\">{}</strong>{}</p>",
        escape(title),
        head.run,
        head.started_at,
        escape(&head.by),
        report.tasks.len(),
        escape(&format!("{}{outcome}", head.status.as_str())),
        if head.degraded {
            " <strong class=\"fallback\">degraded: mocks stood in for named agents</strong>"
        } else {
            ""
        }
    );
    if let Some(error) = &head.error {
        let node = error.node.as_ref().map(|node| format!("{node}: ")).unwrap_or_default();
        let text = escape(&format!("{node}{} ({})", error.message, error.code));
        let _ = write!(out, "<p class=\"failed\">{text}</p>");
    }
    if !head.labels.is_empty() {
        let _ = write!(out, "<p class=\"dim\">{}</p>", escape(&head.labels.to_string()));
    }
}

/// Which nodes may have done what is not recorded.
fn partial(out: &mut String, report: &RunView, paths: &Paths<'_>) {
    let tasks = report.tasks.iter().filter(|task| task.effects == Recording::Partial);
    let nodes: BTreeSet<String> = tasks.map(|task| paths.of(task.task)).collect();
    if nodes.is_empty() {
        return;
    }
    let nodes: Vec<String> = nodes.into_iter().collect();
    let text = escape(&format!("effects: partial at {}", nodes.join(", ")));
    let _ = write!(
        out,
        "<p><strong class=\"fallback\">{text}</strong>: what wasi:http did there is \
                         not recorded</p>"
    );
}

fn mocks(out: &mut String, story: &Story) {
    out.push_str("<h2>Mocks</h2>");
    if story.mocks.is_empty() {
        out.push_str("<p class=\"dim\">None: every task got its result from its own agent.</p>");
        return;
    }
    out.push_str("<table><tr><th>Step</th><th>Node</th><th>How</th><th>Why</th></tr>");
    for mock in story.mocks.iter().take(ROWS_MAX) {
        let why = mock.why.as_deref().unwrap_or("chosen");
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"{}\">{}</td><td>{}</td></tr>",
            mock.steps,
            escape(&mock.path),
            mock.source,
            mock.source,
            escape(why)
        );
    }
    out.push_str("</table>");
    left_out(out, story.mocks.len());
}

fn notes(out: &mut String, story: &Story) {
    if story.notes.is_empty() {
        return;
    }
    out.push_str("<h2>Questions, pauses and failures</h2><table>");
    for note in story.notes.iter().take(ROWS_MAX) {
        let text = escape(&clipped(&note.text, VALUE_CHARS_MAX));
        let _ = write!(
            out,
            "<tr><td class=\"dim\">{}</td><td>{}</td><td>{text}</td></tr>",
            note.at,
            escape(&note.node)
        );
    }
    out.push_str("</table>");
    left_out(out, story.notes.len());
}

fn left_out(out: &mut String, rows: usize) {
    if rows > ROWS_MAX {
        let _ = write!(out, "<p class=\"dim\">{} more are not shown.</p>", rows - ROWS_MAX);
    }
}

fn changes(out: &mut String, change: &Change) {
    let keys: Vec<&str> = change.keys.iter().map(|(key, ..)| key.as_str()).collect();
    let step = escape(&change.title);
    let keys = escape(&keys.join(", "));
    let _ = write!(out, "<details><summary>{step}: <span class=\"dim\">{keys}</span></summary>");
    out.push_str("<table><tr><th>Key</th><th>Before</th><th>After</th></tr>");
    for (key, before, after) in &change.keys {
        let (before, after) = difference(before.as_deref(), after);
        let _ = write!(
            out,
            "<tr><td>{}</td><td><pre>{}</pre></td><td><pre>{}</pre></td></tr>",
            escape(key.as_str()),
            escape(&clipped(&before, VALUE_CHARS_MAX)),
            escape(&clipped(&after, VALUE_CHARS_MAX))
        );
    }
    out.push_str("</table></details>");
}

/// Of two objects only what differs, since a fan-out adds to a large one step by step.
fn difference(
    before: Option<&wforge_model::Value>,
    after: &wforge_model::Value,
) -> (String, String) {
    let text =
        |value: &wforge_model::Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let (Some(old), Some(new)) = (before.and_then(|it| it.as_object()), after.as_object()) else {
        return (before.map_or_else(|| "(unwritten)".to_owned(), text), text(after));
    };
    let of = |map: &wforge_model::Object, other: &wforge_model::Object| {
        let differs = map.iter().filter(|(key, value)| other.get(*key) != Some(value));
        let differs = differs.map(|(key, value)| (key.clone(), value.clone())).collect();
        let same = map.len() - wforge_model::Object::len(&differs);
        let kept = if same > 0 { format!("({same} more as before)\n") } else { String::new() };
        kept + &text(&wforge_model::Value::Object(differs))
    };
    (of(old, new), of(new, old))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_large_object_only_what_differs_is_shown() {
        let (before, after) =
            difference(Some(&json!({ "a": 1, "b": 2 })), &json!({ "a": 1, "b": 3, "c": "<" }));
        assert_eq!(before, "(1 more as before)\n{\n  \"b\": 2\n}");
        assert_eq!(after, "(1 more as before)\n{\n  \"b\": 3,\n  \"c\": \"<\"\n}");
    }

    #[test]
    fn the_page_forbids_everything_but_its_own_style() {
        let html = start("</title><script>alert(1)</script>");
        assert!(html.contains("default-src 'none'; style-src 'sha256-"), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }
}
