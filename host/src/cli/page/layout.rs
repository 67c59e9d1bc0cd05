//! A layered layout of a workflow's graph: each node in a row below those that lead to it, the
//! order within a row by where its neighbours are.
//!
//! After Sugiyama, Tagawa, Toda (1981), with the barycenter heuristic. Edges that close a loop are
//! drawn along the side.

use std::collections::{BTreeMap, BTreeSet};

use wforge_graph::Drawing;

/// Sweeps over the rows; more change little.
const SWEEPS: usize = 8;

/// Where everything is drawn, in pixels.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) boxes: Vec<Box>,
    pub(super) edges: Vec<Line>,
}

/// A node's box, by its place in the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Box {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// An edge's line, by its place in the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The `d` of an SVG path.
    pub(super) path: String,
    /// Where its label begins.
    pub(super) label: (i32, i32),
}

const BOX_HEIGHT: i32 = 46;
const ROW_GAP: i32 = 64;
const COLUMN_GAP: i32 = 36;
const MARGIN: i32 = 28;

/// Lays a drawing out.
pub(super) fn layout(drawing: &Drawing) -> Layout {
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
    let mut lanes = 0;
    let edges: Vec<Line> = graph
        .edges
        .iter()
        .map(|(from, to)| {
            let (from, to) =
                (boxes.get(*from).unwrap_or(&nothing), boxes.get(*to).unwrap_or(&nothing));
            line(*from, *to, right, &mut lanes)
        })
        .collect();
    let width = right + MARGIN + lanes * 18 + if lanes > 0 { 150 } else { 40 };
    Layout { width, height: y - ROW_GAP + MARGIN, boxes, edges }
}

fn box_width(node: &wforge_graph::DrawnNode) -> i32 {
    let longest = node.id.chars().count().max(node.agent.as_deref().unwrap_or("").chars().count());
    i32::try_from(longest).unwrap_or(40).clamp(8, 48) * 8 + 24
}

/// Down: a curve from bottom to top. Up or sideways: along the right side, in a lane of its own.
fn line(from: Box, to: Box, right: i32, lanes: &mut i32) -> Line {
    let (x1, y1) = (from.x + from.width / 2, from.y + from.height);
    let (x2, y2) = (to.x + to.width / 2, to.y);
    if y2 > y1 {
        let bend = (y2 - y1) / 2;
        let path = format!("M{x1},{y1} C{x1},{} {x2},{} {x2},{y2}", y1 + bend, y2 - bend);
        return Line { path, label: ((x1 + x2) / 2 + 6, (y1 + y2) / 2) };
    }
    *lanes += 1;
    let lane = right + *lanes * 18;
    let (x1, y1) = (from.x + from.width, from.y + from.height / 2);
    let (x2, y2) = (to.x + to.width, to.y + to.height / 2);
    let path = format!(
        "M{x1},{y1} C{lane},{y1} {lane},{y1} {lane},{} L{lane},{} C{lane},{y2} \
                        {lane},{y2} {x2},{y2}",
        y1 - 20,
        y2 + 20
    );
    Line { path, label: (lane + 4, (y1 + y2) / 2) }
}

/// The drawing by places.
struct Graph {
    nodes: usize,
    edges: Vec<(usize, usize)>,
    end: Option<usize>,
}

impl Graph {
    fn of(drawing: &Drawing) -> Self {
        let place: BTreeMap<&str, usize> = drawing
            .nodes
            .iter()
            .enumerate()
            .map(|(place, node)| (node.id.as_str(), place))
            .collect();
        let at = |id: &str| place.get(id).copied().unwrap_or(0);
        let edges = drawing.edges.iter().map(|edge| (at(&edge.from), at(&edge.to))).collect();
        let end = drawing.nodes.iter().position(|node| node.kind == "end");
        Self { nodes: drawing.nodes.len(), edges, end }
    }

    /// The longest way from the start without the edges that close a loop.
    fn ranks(&self) -> Vec<usize> {
        let back = self.back_edges();
        let mut ranks = vec![0; self.nodes];
        for _ in 0..self.nodes {
            let mut changed = false;
            for edge in self.edges.iter().filter(|edge| !back.contains(edge)) {
                let least = ranks.get(edge.0).copied().unwrap_or(0) + 1;
                if let Some(rank) = ranks.get_mut(edge.1)
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

    /// Edges to a node that is on the way from the start to their own beginning, found by walking
    /// in depth.
    fn back_edges(&self) -> BTreeSet<(usize, usize)> {
        let mut back = BTreeSet::new();
        let mut done = vec![false; self.nodes];
        for first in 0..self.nodes {
            let mut way: Vec<(usize, Vec<usize>)> = Vec::new();
            if !done.get(first).copied().unwrap_or(true) {
                way.push((first, self.targets(first)));
            }
            while let Some((node, left)) = way.last_mut() {
                let node = *node;
                let Some(next) = left.pop() else {
                    if let Some(done) = done.get_mut(node) {
                        *done = true;
                    }
                    way.pop();
                    continue;
                };
                if way.iter().any(|(on_way, _)| *on_way == next) {
                    back.insert((node, next));
                } else if !done.get(next).copied().unwrap_or(true) {
                    let targets = self.targets(next);
                    way.push((next, targets));
                }
            }
        }
        back
    }

    fn targets(&self, node: usize) -> Vec<usize> {
        self.edges.iter().rev().filter(|(from, _)| *from == node).map(|(_, to)| *to).collect()
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
            .filter_map(|(from, to)| match (*from == node, *to == node) {
                (true, false) => place.get(to),
                (false, true) => place.get(from),
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
