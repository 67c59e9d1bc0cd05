//! A layered layout of a workflow's graph: each node in a row below those that lead to it, the
//! order within a row by where its neighbours are.
//!
//! After Sugiyama, Tagawa, Toda (1981), with the barycenter heuristic. Edges that close a loop are
//! drawn along the side.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use wforge_graph::Drawing;

/// Sweeps over the rows; more change little.
const SWEEPS: usize = 8;

/// Where everything is drawn, in pixels.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) boxes: Vec<Box>,
    pub(crate) edges: Vec<Line>,
}

/// A node's box, by its place in the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Box {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// An edge's line, by its place in the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The `d` of an SVG path.
    pub(crate) path: String,
    /// Where its label is.
    pub(crate) label: (i32, i32),
    /// Which part of the label is there.
    pub(crate) anchor: &'static str,
}

const BOX_HEIGHT: i32 = 46;
const ROW_GAP: i32 = 64;
const COLUMN_GAP: i32 = 36;
const MARGIN: i32 = 28;
const LANE: i32 = 16;
const LABEL_WIDTH: i32 = 260;

/// Lays a drawing out.
pub(crate) fn layout(drawing: &Drawing) -> Layout {
    let graph = Graph::of(drawing);
    let ranks = graph.ranks();
    let rows = graph.ordered_rows(&ranks);
    let widths: Vec<i32> = drawing.nodes.iter().map(box_width).collect();
    let row_width = |row: &Vec<usize>| -> i32 {
        let boxes: i32 = row.iter().filter_map(|node| widths.get(*node)).sum();
        boxes + COLUMN_GAP * i32::try_from(row.len().saturating_sub(1)).unwrap_or(0)
    };
    let widest = rows.iter().map(row_width).max().unwrap_or(0);
    let nothing = Box { x: 0, y: 0, width: 0, height: 0 };
    let mut boxes = vec![nothing; drawing.nodes.len()];
    let mut y = MARGIN;
    for row in &rows {
        let mut x = MARGIN + (widest - row_width(row)) / 2;
        for node in row {
            let width = widths.get(*node).copied().unwrap_or(0);
            if let Some(place) = boxes.get_mut(*node) {
                *place = Box { x, y, width, height: BOX_HEIGHT };
            }
            x += width + COLUMN_GAP;
        }
        y += BOX_HEIGHT + ROW_GAP;
    }
    let right = MARGIN + widest;
    let box_of = |node: usize| boxes.get(node).copied().unwrap_or(nothing);
    let lanes = graph.edges.iter().filter(|edge| box_of(edge.to).y < box_of(edge.from).y);
    let labels_at = right + LANE * i32::try_from(lanes.count()).unwrap_or(0) + 8;
    let mut lane = 0;
    let edges: Vec<Line> = (0..)
        .zip(&graph.edges)
        .map(|(number, edge)| {
            let (from, to) = (box_of(edge.from), box_of(edge.to));
            match to.y.cmp(&from.y) {
                Ordering::Greater => down(from, to, number),
                Ordering::Equal => below(from, to),
                Ordering::Less => {
                    lane += 1;
                    aside(from, to, right + lane * LANE, (labels_at, lane))
                }
            }
        })
        .collect();
    let width = if lane > 0 { labels_at + LABEL_WIDTH } else { right + MARGIN + LABEL_WIDTH / 2 };
    Layout { width, height: y - ROW_GAP + MARGIN, boxes, edges }
}

fn box_width(node: &wforge_graph::DrawnNode) -> i32 {
    let longest = node.id.chars().count().max(node.agent.as_deref().unwrap_or("").chars().count());
    i32::try_from(longest).unwrap_or(40).clamp(8, 48) * 8 + 24
}

/// An arc below two boxes of one row, or below one box alone.
fn below(from: Box, to: Box) -> Line {
    let left_out = if from == to { from.width / 4 } else { 0 };
    let (x1, x2) = (from.x + from.width / 2 - left_out, to.x + to.width / 2 + left_out);
    let y = from.y + from.height;
    let path = format!("M{x1},{y} C{x1},{} {x2},{} {x2},{y}", y + 34, y + 34);
    Line { path, label: ((x1 + x2) / 2, y + 20), anchor: "middle" }
}

/// A curve from bottom to top, its label above the end, since ends are further apart.
fn down(from: Box, to: Box, number: i32) -> Line {
    let (x1, y1) = (from.x + from.width / 2, from.y + from.height);
    let (x2, y2) = (to.x + to.width / 2, to.y);
    let bend = (y2 - y1) / 2;
    let path = format!("M{x1},{y1} C{x1},{} {x2},{} {x2},{y2}", y1 + bend, y2 - bend);
    let label = (x1 + (x2 - x1) * 4 / 5, y2 - 14 - number % 2 * 14);
    Line { path, label, anchor: "middle" }
}

/// Along the right side, in a lane of its own; the labels of all lanes stand beside the last one.
fn aside(from: Box, to: Box, lane: i32, (labels_at, number): (i32, i32)) -> Line {
    let (x1, y1) = (from.x + from.width, from.y + from.height / 2);
    let (x2, y2) = (to.x + to.width, to.y + to.height / 2);
    // Edges of one box leave and enter at places of their own.
    let (y1, y2) = (y1 + number % 3 * 6 - 6, y2 + number % 3 * 6 - 6);
    let turn = if y1 > y2 { 14 } else { -14 };
    let (first, last) = (y1 - turn, y2 + turn);
    let path = format!(
        "M{x1},{y1} H{} Q{lane},{y1} {lane},{first} V{last} Q{lane},{y2} {},{y2} \
                        H{x2}",
        lane - 14,
        lane - 14
    );
    Line { path, label: (labels_at, (y1 + y2) / 2 + number * 14 - 28), anchor: "start" }
}

/// The drawing by places.
struct Graph {
    nodes: usize,
    edges: Vec<Edge>,
    end: Option<usize>,
}

struct Edge {
    from: usize,
    to: usize,
    /// A plugin's own jump: does not say which node comes first.
    jumps: bool,
}

impl Graph {
    fn of(drawing: &Drawing) -> Self {
        let place: BTreeMap<&str, usize> =
            (0..).zip(&drawing.nodes).map(|(place, node)| (node.id.as_str(), place)).collect();
        let at = |id: &str| place.get(id).copied().unwrap_or(0);
        let edge = |edge: &wforge_graph::DrawnEdge| Edge {
            from: at(&edge.from),
            to: at(&edge.to),
            jumps: edge.kind == "exit",
        };
        let edges = drawing.edges.iter().map(edge).collect();
        let end = drawing.nodes.iter().position(|node| node.kind == "end");
        Self { nodes: drawing.nodes.len(), edges, end }
    }

    /// The longest way from the start without the edges that lead back.
    fn ranks(&self) -> Vec<usize> {
        let forward = self.forward();
        let mut ranks = vec![0; self.nodes];
        for _ in 0..self.nodes {
            let mut changed = false;
            for (from, to) in &forward {
                let least = ranks.get(*from).copied().unwrap_or(0) + 1;
                if let Some(rank) = ranks.get_mut(*to)
                    && *rank < least
                {
                    *rank = least;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let deepest = ranks.iter().copied().max().unwrap_or(0);
        if let Some(rank) = self.end.and_then(|end| ranks.get_mut(end)) {
            *rank = deepest.max(*rank);
        }
        ranks
    }

    /// Edges that lead on: not nearer to the start, no jump, and closing no loop.
    fn forward(&self) -> Vec<(usize, usize)> {
        let far = self.distances();
        let on = |edge: &&Edge| !edge.jumps && far.get(edge.from) <= far.get(edge.to);
        let mut kept: Vec<(usize, usize)> = Vec::new();
        for edge in self.edges.iter().filter(on) {
            if !reaches(&kept, edge.to, edge.from) {
                kept.push((edge.from, edge.to));
            }
        }
        kept
    }

    /// Edges from the start to each node, at least; a node that nothing leads to is at the start.
    fn distances(&self) -> Vec<usize> {
        let mut far = vec![None; self.nodes];
        let mut next = vec![0];
        let mut distance = 0;
        while !next.is_empty() {
            let mut found = Vec::new();
            for node in next {
                if let Some(place @ None) = far.get_mut(node) {
                    *place = Some(distance);
                    found.extend(self.targets(node));
                }
            }
            next = found;
            distance += 1;
        }
        far.into_iter().map(|distance| distance.unwrap_or(0)).collect()
    }

    fn targets(&self, node: usize) -> impl Iterator<Item = usize> {
        self.edges.iter().filter(move |edge| edge.from == node).map(|edge| edge.to)
    }

    fn ordered_rows(&self, ranks: &[usize]) -> Vec<Vec<usize>> {
        let mut rows: Vec<Vec<usize>> =
            vec![Vec::new(); ranks.iter().copied().max().map_or(0, |deepest| deepest + 1)];
        for (node, rank) in ranks.iter().enumerate() {
            if let Some(row) = rows.get_mut(*rank) {
                row.push(node);
            }
        }
        for _ in 0..SWEEPS {
            let place: BTreeMap<usize, f64> = rows
                .iter()
                .flat_map(|row| {
                    let middle = row.len() as f64 / 2.0;
                    row.iter().enumerate().map(move |(place, node)| (*node, place as f64 - middle))
                })
                .collect();
            for row in &mut rows {
                row.sort_by(|left, right| {
                    self.center(*left, &place).total_cmp(&self.center(*right, &place))
                });
            }
        }
        rows
    }

    /// The mean place of a node's neighbours; its own where it has none.
    fn center(&self, node: usize, place: &BTreeMap<usize, f64>) -> f64 {
        let neighbours: Vec<f64> = self
            .edges
            .iter()
            .filter_map(|edge| match (edge.from == node, edge.to == node) {
                (true, false) => place.get(&edge.to),
                (false, true) => place.get(&edge.from),
                _ => None,
            })
            .copied()
            .collect();
        if neighbours.is_empty() {
            return place.get(&node).copied().unwrap_or(0.0);
        }
        neighbours.iter().sum::<f64>() / neighbours.len() as f64
    }
}

/// Whether these edges lead from one node to the other.
fn reaches(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(node) = next.pop() {
        if node == to {
            return true;
        }
        if seen.insert(node) {
            next.extend(edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| *to));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use wforge_graph::draw;

    use super::*;

    const WORKFLOW: &str = r#"
apiVersion: workflowforge/v1
name: t
version: 1.0.0
state: { x: { default: 0 } }
input: []
output: [x]
nodes:
  a: { set: { x: "1" } }
  b: { set: { x: "2" } }
  c: { set: { x: "3" } }
  d: { set: { x: "4" } }
edges:
  - { from: START, to: a }
  - { from: a, to: b }
  - { from: b, branch: [{ when: state.x < 3, to: a }, { to: [c, d] }] }
  - { from: [c, d], to: END }
"#;

    #[test]
    fn each_node_is_below_those_that_lead_to_it_and_no_two_overlap() {
        let drawing = draw(&wforge_spec::parse("t", WORKFLOW).unwrap().draft);
        let layout = layout(&drawing);
        let at =
            |id: &str| layout.boxes[drawing.nodes.iter().position(|node| node.id == id).unwrap()];
        for (above, below) in [("START", "a"), ("a", "b"), ("b", "c"), ("b", "d"), ("c", "END")] {
            assert!(at(above).y < at(below).y, "{above} {below}");
        }
        let (c, d) = (at("c"), at("d"));
        assert!(c.y == d.y && (c.x + c.width <= d.x || d.x + d.width <= c.x), "{c:?} {d:?}");
        for place in &layout.boxes {
            assert!(place.x >= 0 && place.x + place.width <= layout.width, "{place:?}");
            assert!(place.y >= 0 && place.y + place.height <= layout.height, "{place:?}");
        }
        assert_eq!(layout.edges.len(), drawing.edges.len());
    }
}
