//! What a file's mistakes of writing leave unknown, so that no problem of the graph is told that
//! only echoes one of them.
//!
//! Never here: finding problems. What this takes away in doubt is told once the mistake is mended;
//! what it leaves is wrong whatever was meant where the mistakes are.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;
use wforge_graph::{Place, Problem, draw};
use wforge_model::NodeId;
use wforge_model::workflow::{Node as Draft, NodeEffects, Work, WorkflowDraft};

use super::forms::FILE;
use super::scan::Flaw;
use super::tree::{Entry, Kind, Node, Position};

/// Puts a node or key that does as little as can be where the file has one that could not be read,
/// so that a reference to it is no unknown name. Gives the names of those nodes.
pub(super) fn stand_ins(draft: &mut WorkflowDraft, root: &Node) -> BTreeSet<NodeId> {
    for key in entries(root, "state").iter().filter_map(|entry| entry.key.parse().ok()) {
        draft.state.entry(key).or_default();
    }
    let named = entries(root, "nodes").iter().filter_map(|entry| entry.key.parse().ok());
    let unread: BTreeSet<NodeId> = named.filter(|id| !draft.nodes.contains_key(id)).collect();
    draft.nodes.extend(unread.iter().map(|id| (id.clone(), stand_in())));
    unread
}

/// A node that may write any key.
fn stand_in() -> Draft {
    Draft {
        work: Work::Mock,
        input: None,
        out: None,
        goto: BTreeMap::new(),
        config: Value::Null,
        retry: Vec::new(),
        timeout_ms: None,
        idle_ms: None,
        cache_ms: None,
        on_error: None,
        fallback: None,
        fallback_on: Vec::new(),
        fallback_after_write: false,
        mock: None,
        defer: false,
        allow: None,
        effects: NodeEffects::default(),
        labels: Vec::new(),
    }
}

/// What is not known of a file.
pub(super) struct Gaps<'a> {
    draft: &'a WorkflowDraft,
    root: &'a Node,
    /// The places in which a mistake stands, and those around them.
    flawed: BTreeSet<Place>,
    /// Whether a mistake may hide that a node or the input writes a key.
    hides_writes: bool,
    /// Nodes that the file names, but that could not be read.
    unread: BTreeSet<NodeId>,
    /// Nodes to which a part that could not be read may lead, and all that may follow on them.
    doubtful: BTreeSet<String>,
}

impl<'a> Gaps<'a> {
    pub(super) fn of(
        draft: &'a WorkflowDraft,
        root: &'a Node,
        flaws: &[Flaw],
        unread: BTreeSet<NodeId>,
    ) -> Self {
        let positions = flaws.iter().map(|flaw| flaw.at).collect();
        let mut flawed = BTreeSet::new();
        mark(root, &Place::root(), &positions, &mut flawed);
        let doubtful = BTreeSet::new();
        let mut gaps = Self { draft, root, flawed, hides_writes: false, unread, doubtful };
        // Of what is written twice only one was read.
        let doubled = flaws.iter().any(|flaw| flaw.code == "duplicate_key");
        gaps.hides_writes = doubled || gaps.hides_writes();
        gaps.doubtful = following(draft, gaps.led_to());
        gaps
    }

    /// Whether a problem may be nothing but the echo of a mistake.
    pub(super) fn explain(&self, problem: &Problem) -> bool {
        let place = &problem.place;
        let segments: Vec<&str> = place.segments().iter().map(String::as_str).collect();
        match (problem.code, segments.as_slice()) {
            ("unreachable_node", [_, node]) => {
                self.unread.contains(*node) || self.doubtful.contains(*node)
            }
            ("starving_join", _) => !self.doubtful.is_empty() || self.is_flawed(&["edges"]),
            ("no_nodes", _) => self.lacks("nodes") || self.is_flawed(&["nodes"]),
            ("no_start", _) => self.lacks("edges") || self.is_flawed(&["edges"]),
            ("never_written", [_, index]) => {
                self.hides_writes || self.may_start(index) || self.hides(place)
            }
            ("unknown_node", _) => self.lacks("nodes") || self.hides(place),
            ("unknown_key", _) => self.lacks("state") || self.hides(place),
            ("unknown_name" | "unbound_name", _) => self.may_bind(&segments) || self.hides(place),
            _ => self.hides(place),
        }
    }

    /// Whether a mistake stands in this place, or in a list around it whose indices it may have
    /// moved. Edges and arms keep theirs.
    fn hides(&self, place: &Place) -> bool {
        let mut node = Some(self.root);
        let mut around = Place::root();
        for segment in place.segments() {
            let in_list = matches!(node.map(|node| &node.kind), Some(Kind::List(_)));
            let moves =
                !matches!(around.segments().last().map(String::as_str), Some("edges" | "branch"));
            if in_list && moves && self.flawed.contains(&around) {
                return true;
            }
            node = node.and_then(|node| node.child(segment)).map(|(_, child)| child);
            around = around.at(segment);
        }
        self.flawed.contains(place)
    }

    fn is_flawed(&self, segments: &[&str]) -> bool {
        self.flawed.contains(&place(segments))
    }

    /// Whether a part of the file is missing, or not what it must be to be read at all.
    fn lacks(&self, section: &str) -> bool {
        let Kind::Map(all) = &self.root.kind else { return true };
        let mut written = all.iter().filter(|entry| entry.key == section);
        match (written.next().map(|entry| &entry.value.kind), written.next()) {
            (Some(Kind::Map(_)), None) => !matches!(section, "nodes" | "state"),
            (Some(Kind::List(_)), None) => matches!(section, "nodes" | "state"),
            (Some(_), _) => true,
            // What is not needed may stand there under a misspelt name.
            (None, _) => {
                let misspelt = |entry: &Entry| !FILE.fields.contains(&entry.key.as_str());
                matches!(section, "nodes" | "edges") || all.iter().any(misspelt)
            }
        }
    }

    /// Whether the output key of that index may have a first value after all.
    fn may_start(&self, index: &str) -> bool {
        let key = index.parse().ok().and_then(|index: usize| self.draft.output.get(index));
        key.is_some_and(|key| self.is_flawed(&["state", key.as_str()]))
    }

    fn hides_writes(&self) -> bool {
        let writes = |node: &NodeId| {
            ["set", "out"].iter().any(|field| self.is_flawed(&["nodes", node.as_str(), field]))
        };
        self.lacks("input")
            || self.is_flawed(&["input"])
            || self.lacks("nodes")
            || self.draft.nodes.keys().any(writes)
    }

    /// Whether an `as` name may be bound where the problem is, by an edge that could not be read.
    fn may_bind(&self, segments: &[&str]) -> bool {
        match segments {
            ["nodes", node, ..] => self.doubtful.contains(*node),
            ["edges", edge, ..] => {
                let from = ["edges", edge, "from"];
                let sources = find(self.root, &from).map(texts).unwrap_or_default();
                self.is_flawed(&["edges", edge])
                    || sources.iter().any(|node| self.doubtful.contains(*node))
            }
            _ => false,
        }
    }

    /// The names that stand where a part that could not be read would say where it leads.
    fn led_to(&self) -> Vec<&'a str> {
        if self.lacks("edges") {
            return self.draft.nodes.keys().map(NodeId::as_str).collect();
        }
        let edges = find(self.root, &["edges"]).into_iter().flat_map(items).enumerate();
        let edges = edges.filter(|(index, _)| self.is_flawed(&["edges", &index.to_string()]));
        let targets = edges.flat_map(|(_, edge)| fields(edge)).filter(|entry| entry.key != "from");
        let exits = entries(self.root, "nodes").iter().flat_map(|node| {
            let unread = !self.draft.nodes.contains_key(node.key.as_str())
                || self.unread.contains(node.key.as_str());
            let flawed =
                move |field: &&Entry| unread || self.is_flawed(&["nodes", &node.key, &field.key]);
            fields(&node.value).iter().filter(flawed)
        });
        targets.chain(exits).flat_map(|entry| texts(&entry.value)).collect()
    }
}

/// These nodes and all that may come after them.
fn following(draft: &WorkflowDraft, first: Vec<&str>) -> BTreeSet<String> {
    let edges = draw(draft).edges;
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in &edges {
        next.entry(&edge.from).or_default().push(&edge.to);
    }
    let mut open: Vec<&str> =
        first.into_iter().filter(|name| draft.nodes.contains_key(*name)).collect();
    let mut seen = BTreeSet::new();
    while let Some(node) = open.pop() {
        if seen.insert(node.to_owned()) {
            open.extend(next.get(node).into_iter().flatten());
        }
    }
    seen
}

/// Collects the places that begin at one of the positions, and those around them.
fn mark(
    node: &Node,
    place: &Place,
    positions: &HashSet<Position>,
    flawed: &mut BTreeSet<Place>,
) -> bool {
    let mut found = positions.contains(&node.at);
    match &node.kind {
        Kind::Scalar { .. } => {}
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                found |= mark(item, &place.at(index), positions, flawed);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                let place = place.at(&entry.key);
                let inside = mark(&entry.value, &place, positions, flawed);
                if positions.contains(&entry.at) {
                    flawed.insert(place);
                    found = true;
                }
                found |= inside;
            }
        }
    }
    if found {
        flawed.insert(place.clone());
    }
    found
}

fn place(segments: &[&str]) -> Place {
    segments.iter().fold(Place::root(), |place, segment| place.at(segment))
}

fn find<'a>(root: &'a Node, segments: &[&str]) -> Option<&'a Node> {
    segments.iter().try_fold(root, |node, segment| Some(node.child(segment)?.1))
}

/// The entries of a part of the file that is a map.
fn entries<'a>(root: &'a Node, section: &str) -> &'a [Entry] {
    find(root, &[section]).map_or(&[], fields)
}

fn fields(node: &Node) -> &[Entry] {
    match &node.kind {
        Kind::Map(entries) => entries,
        Kind::Scalar { .. } | Kind::List(_) => &[],
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::List(items) => items,
        Kind::Scalar { .. } | Kind::Map(_) => &[],
    }
}

/// All texts in a value.
fn texts(node: &Node) -> Vec<&str> {
    match &node.kind {
        Kind::Scalar { .. } => node.text().map(String::as_str).into_iter().collect(),
        Kind::List(items) => items.iter().flat_map(texts).collect(),
        Kind::Map(entries) => entries.iter().flat_map(|entry| texts(&entry.value)).collect(),
    }
}
