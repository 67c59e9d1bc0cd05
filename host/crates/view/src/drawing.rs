//! A workflow as text of languages that draw: Mermaid and DOT.

use std::fmt::Write as _;

use wforge_graph::{Drawing, DrawnNode, draw};
use wforge_model::workflow::WorkflowDraft;

/// What to draw. Exits may lead to nodes of the workflow around this one, which have their place
/// here as well.
#[must_use]
pub fn drawing(draft: &WorkflowDraft) -> Drawing {
    let mut drawing = draw(draft);
    for edge in &drawing.edges {
        if drawing.nodes.iter().all(|node| node.id != edge.to) {
            let (id, kind) = (edge.to.clone(), "parent");
            drawing.nodes.push(DrawnNode { id, kind, agent: None, defer: false });
        }
    }
    drawing
}

/// The text of a node: its name, and its agent below.
fn title<'a>(id: &'a str, agent: Option<&'a str>, between: &str) -> String {
    match agent {
        Some(agent) => format!("{id}{between}{agent}"),
        None => id.to_owned(),
    }
}

/// The drawing as a flowchart of Mermaid.
#[must_use]
pub fn mermaid(drawing: &Drawing) -> String {
    let mut out = String::from("flowchart TD\n");
    let place = |id: &str| drawing.nodes.iter().position(|node| node.id == id).unwrap_or(0);
    for (place, node) in drawing.nodes.iter().enumerate() {
        let text = mermaid_text(&title(&node.id, node.agent.as_deref(), "<br/>"));
        let (open, close) = match node.kind {
            "start" | "end" => ("([", "])"),
            "ask" => ("{{", "}}"),
            "set" => ("[/", "/]"),
            "mock" => (">", "]"),
            "workflow" => ("[[", "]]"),
            "parent" => ("((", "))"),
            _ => ("[", "]"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  n{place}{open}\"{text}\"{close}");
    }
    for edge in &drawing.edges {
        let arrow = match edge.kind {
            "branch" | "exit" | "empty" | "error" => "-.->",
            "each" | "barrier" => "==>",
            _ => "-->",
        };
        let label = edge.label.as_deref().map(|label| format!("|\"{}\"|", mermaid_text(label)));
        let (from, to) = (place(&edge.from), place(&edge.to));
        let _ = writeln!(out, "  n{from} {arrow}{} n{to}", label.unwrap_or_default());
    }
    out
}

/// Mermaid takes HTML entities, and nothing else that keeps its own signs apart from text.
fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.replace("<br/>", "\n").chars() {
        match c {
            '\n' => out.push_str("<br/>"),
            '"' | '<' | '>' | '&' | '#' | '`' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The drawing as a graph of DOT.
#[must_use]
pub fn dot(drawing: &Drawing) -> String {
    let mut out = format!("digraph {} {{\n  rankdir=TB;\n", dot_text(&drawing.title));
    for node in &drawing.nodes {
        let shape = match node.kind {
            "start" | "end" => "oval",
            "ask" => "hexagon",
            "set" => "parallelogram",
            "workflow" => "box3d",
            "parent" => "circle",
            _ => "box",
        };
        let label = dot_text(&title(&node.id, node.agent.as_deref(), "\n"));
        let _ = writeln!(out, "  {} [label={label}, shape={shape}];", dot_text(&node.id));
    }
    for edge in &drawing.edges {
        let style = match edge.kind {
            "branch" | "exit" | "empty" => "dashed",
            "error" => "dotted",
            "each" | "barrier" => "bold",
            _ => "solid",
        };
        let label = edge.label.as_deref().map(|label| format!(", label={}", dot_text(label)));
        let (from, to) = (dot_text(&edge.from), dot_text(&edge.to));
        let _ = writeln!(out, "  {from} -> {to} [style={style}{}];", label.unwrap_or_default());
    }
    out + "}\n"
}

fn dot_text(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const WORKFLOW: &str = r#"
apiVersion: workflowforge/v1
name: t
version: 1.0.0
state: { list: { default: [] }, x: { default: "" } }
input: [list]
output: [x]
nodes:
  scan: { agent: acme/scan, in: { text: item }, out: { x: result } }
  done: { set: { x: "'\"<b>\"'" } }
edges:
  - { from: START, each: state.list, as: item, to: scan, empty: done }
  - { from: scan, branch: [{ when: 'state.x < "a"', to: done }, { to: END }] }
"#;

    fn drawn() -> Drawing {
        drawing(&wforge_spec::parse("t", WORKFLOW).unwrap().draft)
    }

    #[test]
    fn an_exit_to_the_parent_leads_out_and_not_to_the_start() {
        let workflow = WORKFLOW
            .replace("out: { x: result } }", "out: { x: result }, goto: { up: \"parent:next\" } }");
        let drawing = drawing(&wforge_spec::parse("t", &workflow).unwrap().draft);
        let lines = mermaid(&drawing);
        assert!(lines.contains("n4((\"parent:next\"))"), "{lines}");
        assert!(lines.contains("n2 -.->|\"up\"| n4"), "{lines}");
    }

    #[test]
    fn mermaid_keeps_its_signs_apart_from_text() {
        expect![[r#"
            flowchart TD
              n0(["START"])
              n1[/"done"/]
              n2["scan<br/>acme/scan"]
              n3(["END"])
              n0 ==>|"each state.list as item"| n2
              n0 -.->|"empty"| n1
              n2 -.->|"state.x #60; #34;a#34;"| n1
              n2 -.->|"else"| n3
        "#]]
        .assert_eq(&mermaid(&drawn()));
    }

    #[test]
    fn dot_quotes_everything() {
        expect![[r#"
            digraph "t@1.0.0" {
              rankdir=TB;
              "START" [label="START", shape=oval];
              "done" [label="done", shape=parallelogram];
              "scan" [label="scan\nacme/scan", shape=box];
              "END" [label="END", shape=oval];
              "START" -> "scan" [style=bold, label="each state.list as item"];
              "START" -> "done" [style=dashed, label="empty"];
              "scan" -> "done" [style=dashed, label="state.x < \"a\""];
              "scan" -> "END" [style=dashed, label="else"];
            }
        "#]]
        .assert_eq(&dot(&drawn()));
    }
}
