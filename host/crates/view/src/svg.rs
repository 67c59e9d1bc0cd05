//! A workflow's graph as SVG, alone or within the page of a run.

use std::fmt::Write as _;

use wforge_graph::{Drawing, DrawnEdge, DrawnNode};

use crate::html::{clipped, escape};
use crate::layout::{self, Line, layout};

const LABEL_CHARS_MAX: usize = 40;

/// What a drawing has where no page around it says so.
const ALONE: &str = "\
svg { background: #fff; } \
text { fill: #1c2024; font: 13px system-ui, sans-serif; } \
.small { font-size: 11px; fill: #60646c; paint-order: stroke; stroke: #fff; stroke-width: 3px; } \
.node { fill: #f6f7f9; stroke: #d0d4da; stroke-width: 1.5; } \
.edge { fill: none; stroke: #60646c; stroke-width: 1.3; } \
.dashed { stroke-dasharray: 5 4; } .bold { stroke-width: 2.4; } .head { fill: #60646c; }";

/// How a node ran.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ran {
    /// The class that colours it; empty: it did not.
    pub(crate) class: &'static str,
    pub(crate) tasks: usize,
}

/// The drawing as a file of its own, without scripts and without anything from elsewhere.
#[must_use]
pub fn svg(drawing: &Drawing) -> String {
    let attributes = "xmlns=\"http://www.w3.org/2000/svg\" ";
    let style = format!("<style>{ALONE}</style>");
    let title = escape(&format!("The graph of {}", drawing.title));
    graph(drawing, (attributes, title.as_str(), style.as_str()), |_| Ran::default()) + "\n"
}

/// The graph, each node with how it ran; with attributes, a label and what comes first in it.
pub(crate) fn graph(
    drawing: &Drawing,
    (attributes, label, first): (&str, &str, &str),
    ran: impl Fn(&DrawnNode) -> Ran,
) -> String {
    let place = layout(drawing);
    let (width, height) = (place.width, place.height);
    let mut svg = format!(
        "<svg {attributes}viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{label}\">{first}<defs><marker id=\"head\" viewBox=\"0 0 8 8\" \
         refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"head\" d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>"
    );
    for (edge, line) in drawing.edges.iter().zip(&place.edges) {
        draw_edge(&mut svg, edge, line);
    }
    for (node, place) in drawing.nodes.iter().zip(&place.boxes) {
        draw_node(&mut svg, node, place, ran(node));
    }
    svg + "</svg>"
}

fn draw_edge(svg: &mut String, edge: &DrawnEdge, line: &Line) {
    let style = match edge.kind {
        "branch" | "exit" | "empty" | "error" => " dashed",
        "each" | "barrier" => " bold",
        _ => "",
    };
    // Writing to a String cannot fail.
    let _ =
        write!(svg, "<path class=\"edge{style}\" d=\"{}\" marker-end=\"url(#head)\"/>", line.path);
    if let Some(label) = &edge.label {
        let (x, y) = line.label;
        let text = escape(&clipped(label, LABEL_CHARS_MAX));
        let anchor = line.anchor;
        let _ = write!(
            svg,
            "<text class=\"small\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{text}</text>"
        );
    }
}

fn draw_node(svg: &mut String, node: &DrawnNode, place: &layout::Box, ran: Ran) {
    let Ran { class, tasks } = ran;
    let round = if matches!(node.kind, "start" | "end") { 22 } else { 6 };
    let _ = write!(
        svg,
        "<rect class=\"node {class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
         rx=\"{round}\"/>",
        place.x, place.y, place.width, place.height
    );
    let count = if tasks > 1 { format!(" ×{tasks}") } else { String::new() };
    let below = node.agent.as_deref().unwrap_or(match node.kind {
        "start" | "end" => "",
        kind => kind,
    });
    let (middle, y) = (place.x + place.width / 2, place.y);
    let title = escape(&format!("{}{count}", node.id));
    let dy = if below.is_empty() { 28 } else { 20 };
    let _ = write!(
        svg,
        "<text text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{title}</text>\
         <text class=\"small\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{}</text>",
        y + dy,
        y + 36,
        escape(&clipped(below, LABEL_CHARS_MAX))
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing;

    const WORKFLOW: &str = r#"
apiVersion: workflowforge/v1
name: t
version: 1.0.0
state: { x: { default: "" } }
input: []
output: [x]
nodes:
  a: { set: { x: "'a'" } }
  b: { set: { x: "'b'" } }
edges:
  - { from: START, to: a }
  - { from: a, branch: [{ when: 'state.x < "<script>"', to: b }, { to: END }] }
"#;

    #[test]
    fn a_drawing_stands_alone_and_what_a_stranger_wrote_stays_text() {
        let drawn = svg(&drawing(&wforge_spec::parse("t", WORKFLOW).unwrap().draft));
        assert!(drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "), "{drawn}");
        assert!(drawn.contains("state.x &lt; &quot;&lt;script&gt;&quot;"), "{drawn}");
        assert!(!drawn.contains("<script"), "{drawn}");
        assert_eq!(drawn.matches("<rect").count(), 4, "{drawn}");
        for loads in ["href", "url(http", "@import"] {
            assert!(!drawn.contains(loads), "{loads} in {drawn}");
        }
    }
}
