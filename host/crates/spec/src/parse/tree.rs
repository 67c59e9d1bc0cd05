//! A file as a tree of values, each with its line and column, and the places of a workflow in it.

use serde_json::{Map, Value};
use wforge_graph::Place;

/// Where something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Anything without parts. `plain` keeps the text of an unquoted scalar, so that an expression
    /// such as `true` or `1` can be read back as it was written.
    Scalar {
        value: Value,
        plain: Option<String>,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Position,
    pub(super) value: Node,
}

impl Entry {
    /// What is wrong with a scalar is wrong with its text, else the key names it best.
    pub(super) const fn position(&self) -> Position {
        match self.value.kind {
            Kind::Scalar { .. } => self.value.at,
            Kind::List(_) | Kind::Map(_) => self.at,
        }
    }
}

impl Node {
    /// What it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { value, .. } => match value {
                Value::Null => "nothing",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                _ => "text",
            },
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        match &self.kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(entries) => {
                let entries = entries.iter().map(|entry| (entry.key.clone(), entry.value.json()));
                Value::Object(Map::from_iter(entries))
            }
        }
    }

    /// The text of a scalar.
    pub(super) const fn text(&self) -> Option<&String> {
        match &self.kind {
            Kind::Scalar { value: Value::String(text), .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it is a number.
    pub(super) const fn is_number(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value: Value::Number(_), .. })
    }

    /// The part that a segment of a place names, and where it begins.
    pub(super) fn child(&self, segment: &str) -> Option<(Position, &Self)> {
        match &self.kind {
            Kind::Scalar { .. } => None,
            Kind::List(items) => {
                let item = items.get(segment.parse::<usize>().ok()?)?;
                Some((item.at, item))
            }
            Kind::Map(entries) => {
                let entry = entries.iter().find(|entry| entry.key == segment)?;
                Some((entry.position(), &entry.value))
            }
        }
    }
}

/// Where the places of a workflow are in its file.
#[derive(Debug, Clone)]
pub struct SourceMap {
    pub(super) root: Node,
}

impl SourceMap {
    /// Where this place, or the nearest place around it that the file writes, begins.
    #[must_use]
    pub fn locate(&self, place: &Place) -> Position {
        let (mut position, mut node) = (self.root.at, &self.root);
        for segment in place.segments() {
            let Some((at, child)) = node.child(segment) else { break };
            (position, node) = (at, child);
        }
        position
    }
}
