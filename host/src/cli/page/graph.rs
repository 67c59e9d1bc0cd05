//! The two drawings of the page: the workflow's graph and the run's timeline, as inline SVG.

use std::fmt::Write as _;

use wforge_graph::{Drawing, DrawnEdge, DrawnNode};
use wforge_model::Timestamp;

use super::html::{clipped, escape};
use super::layout::{self, Line, layout};
use super::story::{Bar, RETRIED, Story};
use crate::cli::progress::duration;

const LABEL_CHARS_MAX: usize = 40;
/// Of a node of a subgraph, in the timeline.
const PATH_CHARS_MAX: usize = 28;
/// Rows of the timeline; a run of more steps shows its first and says so.
const ROWS_MAX: usize = 400;

/// The graph, each node with how it ran.
pub(super) fn graph(drawing: &Drawing, story: &Story) -> String {
    let place = layout(drawing);
    let (width, height) = (place.width, place.height);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"The workflow's graph\"><defs><marker id=\"head\" viewBox=\"0 0 8 8\" \
         refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"head\" d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>"
    );
    for (edge, line) in drawing.edges.iter().zip(&place.edges) {
        draw_edge(&mut svg, edge, line);
    }
    for (node, place) in drawing.nodes.iter().zip(&place.boxes) {
        draw_node(&mut svg, node, place, story);
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

fn draw_node(svg: &mut String, node: &DrawnNode, place: &layout::Box, story: &Story) {
    let of_node = |bar: &&Bar| bar.path == node.id && bar.source != RETRIED;
    let ran: Vec<&Bar> = story.bars.iter().filter(of_node).collect();
    let class = worst(&ran);
    let round = if matches!(node.kind, "start" | "end") { 22 } else { 6 };
    let _ = write!(
        svg,
        "<rect class=\"node {class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
         rx=\"{round}\"/>",
        place.x, place.y, place.width, place.height
    );
    let tasks: usize = ran.iter().map(|bar| bar.tasks).sum();
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

/// How a node is coloured: by the source that a reader must not miss.
fn worst(bars: &[&Bar]) -> &'static str {
    ["failed", "handled", "fallback", "mock", "cache", "replay", "live"]
        .into_iter()
        .find(|source| bars.iter().any(|bar| bar.source == *source))
        .unwrap_or("")
}

/// When each node ran.
pub(super) fn timeline(story: &Story) -> String {
    const LEFT: u64 = 220;
    const WIDTH: u64 = 700;
    const ROW: u64 = 22;
    let total = story.ended.0.saturating_sub(story.began.0).max(1);
    let shown = story.bars.len().min(ROWS_MAX);
    let height = ROW * (u64::try_from(shown).unwrap_or(0) + 1);
    let full = LEFT + WIDTH + 200;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {full} {height}\" width=\"{full}\" height=\"{height}\" role=\"img\" \
         aria-label=\"When each node ran\">"
    );
    let x = |at: Timestamp| LEFT + at.0.saturating_sub(story.began.0).min(total) * WIDTH / total;
    for (row, bar) in (0_u64..).zip(story.bars.iter().take(ROWS_MAX)) {
        let (from, until) = (x(bar.from), x(bar.until).max(x(bar.from) + 2));
        let (y, time) = (row * ROW, bar.until.0.saturating_sub(bar.from.0));
        let tasks = if bar.tasks == 1 { String::new() } else { format!("{} tasks, ", bar.tasks) };
        let note = format!("{tasks}{} ({})", duration(time), bar.source);
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{}\">{} {}</text><rect class=\"bar {}\" x=\"{from}\" y=\"{}\" \
             width=\"{}\" height=\"14\" rx=\"3\"/><text class=\"small\" x=\"{}\" y=\"{}\">{}</text>",
            y + 15,
            bar.steps,
            escape(&clipped(&bar.path, PATH_CHARS_MAX)),
            bar.source,
            y + 4,
            until - from,
            until + 6,
            y + 15,
            escape(&note),
        );
    }
    let _ = write!(
        svg,
        "<text class=\"small\" x=\"{LEFT}\" y=\"{}\">0</text><text class=\"small\" \
         text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text></svg>",
        height - 6,
        LEFT + WIDTH,
        height - 6,
        duration(total)
    );
    if story.bars.len() > ROWS_MAX {
        let left = story.bars.len() - ROWS_MAX;
        let _ = write!(svg, "<p class=\"dim\">{left} more rows are not shown.</p>");
    }
    svg
}
