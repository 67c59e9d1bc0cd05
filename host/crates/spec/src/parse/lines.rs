//! The lines of everything that a failure of a run may name as its place.

use std::collections::BTreeMap;

use wforge_model::Lines;

use super::tree::{Kind, Node, Position};

/// The fields of a node that hold expressions.
const OF_NODE: [&str; 5] = ["in", "out", "set", "ask", "mock"];
/// The fields of an edge that do.
const OF_EDGE: [&str; 2] = ["branch", "each"];
/// Text of all places in bytes. A file of usual size needs a hundredth; of one that nests long
/// names, the places that are left out have one above them.
const PLACES_BYTES_MAX: usize = 1 << 20;

/// The lines of a file.
pub(super) fn of(file_name: &str, root: &Node) -> Lines {
    let mut walk = Walk { places: BTreeMap::new(), bytes: 0 };
    // What all others may fall back to comes first.
    let parts = [("nodes", &OF_NODE[..]), ("edges", &OF_EDGE[..])];
    let parts = parts.map(|(name, fields)| (children(root, name), name, fields));
    for (entries, name, _) in &parts {
        for (entry, at, _) in entries {
            walk.note(format!("{name}.{entry}"), *at);
        }
    }
    for (entries, name, fields) in &parts {
        for (entry, _, node) in entries {
            for field in *fields {
                let Some((at, below)) = node.child(field) else { continue };
                walk.visit(format!("{name}.{entry}.{field}"), at, below);
            }
        }
    }
    Lines { file: file_name.to_owned(), places: walk.places }
}

/// The parts of a field of the file: their names, where they begin, what they are.
fn children<'t>(root: &'t Node, field: &str) -> Vec<(String, Position, &'t Node)> {
    root.child(field).map(|(_, node)| parts(node)).unwrap_or_default()
}

fn parts(node: &Node) -> Vec<(String, Position, &Node)> {
    match &node.kind {
        Kind::Scalar { .. } => Vec::new(),
        Kind::List(items) => {
            items.iter().enumerate().map(|(at, item)| (at.to_string(), item.at, item)).collect()
        }
        Kind::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), entry.position(), &entry.value))
            .collect(),
    }
}

struct Walk {
    places: BTreeMap<String, (u32, u32)>,
    bytes: usize,
}

impl Walk {
    fn visit(&mut self, place: String, at: Position, node: &Node) {
        for (name, at, below) in parts(node) {
            // Looked at before the place is made: one of nested names may be as long as the file.
            if self.bytes > PLACES_BYTES_MAX {
                return;
            }
            self.visit(format!("{place}.{name}"), at, below);
        }
        self.note(place, at);
    }

    fn note(&mut self, place: String, at: Position) {
        self.bytes = self.bytes.saturating_add(place.len());
        if self.bytes <= PLACES_BYTES_MAX {
            self.places.insert(place, (at.line, at.column));
        }
    }
}
