//! When each node of a run ran, as inline SVG; and how its graph is coloured.

use std::fmt::Write as _;

use wforge_graph::DrawnNode;
use wforge_model::Timestamp;

use super::story::{Bar, RETRIED, Story};
use crate::html::{clipped, escape};
use crate::svg::Ran;
use crate::words::duration;

/// Of a node of a subgraph, in the timeline.
const PATH_CHARS_MAX: usize = 28;
/// Rows of the timeline; a run of more steps shows its first and says so.
const ROWS_MAX: usize = 400;

/// How a node of the graph ran.
pub(super) fn ran(node: &DrawnNode, story: &Story) -> Ran {
    let of_node = |bar: &&Bar| bar.path == node.id && bar.source != RETRIED;
    let bars: Vec<&Bar> = story.bars.iter().filter(of_node).collect();
    Ran { class: worst(&bars), tasks: bars.iter().map(|bar| bar.tasks).sum() }
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
