//! YAML or JSON text to a tree, bounded. What is wrong with the text itself is reported here, with
//! the help that the usual traps of YAML deserve; what it means is read in [`super::workflow`].

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value;

use super::scalar::resolve;
use super::traps;
use super::tree::{Entry, Kind, Node, Position};
use wforge_model::defence::{Defence, holds};

/// The longest file.
const FILE_BYTES_MAX: usize = 1 << 20;
/// How deep values nest.
const DEPTH_MAX: usize = 64;
/// Values in one file, those that aliases repeat included.
const NODES_MAX: usize = 100_000;
/// Values that aliases repeat.
const ALIASED_MAX: usize = 10_000;
/// What to do where YAML reads an expression in its own way.
pub(super) const QUOTE: &str = "quote the expression";

/// A problem of the text.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) at: Position,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Flaw {
    pub(super) fn new(at: Position, code: &'static str, message: impl Into<String>) -> Self {
        Self { at, code, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The tree, with what is wrong but does not keep it from being read; or why it cannot be.
pub(super) fn scan(text: &str) -> Result<(Node, Vec<Flaw>), Flaw> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("a workflow has at most {FILE_BYTES_MAX} bytes, not {}", text.len());
        return Err(Flaw::new(Position::START, "file_too_large", message));
    }
    let text = joined_surrogates(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut builder = Builder::default();
    for event in Parser::new_from_str(&text) {
        match event {
            Ok((event, span)) => builder.event(event, span)?,
            Err(error) => return Err(scan_flaw(&error, &text)),
        }
    }
    let Builder { root, flaws, .. } = builder;
    let root = root.ok_or_else(|| Flaw::new(Position::START, "empty_file", "the file is empty"))?;
    Ok((root, flaws))
}

/// JSON writes characters past U+FFFF as two escapes, which YAML, otherwise its superset, does not
/// know. They are joined first; only columns behind one, in the same line, move by that.
fn joined_surrogates(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with(['{', '[']) || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        joined.push_str(before);
        if let Some(character) = surrogates(escape) {
            joined.push(character);
            rest = escape.get(12..).unwrap_or_default();
        } else {
            // The escape and what it escapes, so that `\\\\u` is not read as an escape of its own.
            let end = escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end);
            let (pair, after) = escape.split_at(end);
            joined.push_str(pair);
            rest = after;
        }
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

/// The character of `\ud83d\ude00`, if the text begins with such a pair.
fn surrogates(text: &str) -> Option<char> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let pair = [unit(0)?, unit(6)?];
    let is_high = (0xd800..0xdc00).contains(&unit(0)?);
    char::decode_utf16(pair).next()?.ok().filter(|_| is_high)
}

/// The scanner's message; an expression on the same line is what is meant most often.
fn scan_flaw(error: &ScanError, text: &str) -> Flaw {
    let at = position(error.marker());
    // The scanner's own limit is passed before ours where nothing stands between the brackets.
    if error.info().contains("recursion limit") {
        return too_deep(at);
    }
    let line = usize::try_from(at.line).ok().and_then(|line| text.lines().nth(line - 1));
    let flaw = Flaw::new(at, "yaml", error.info());
    // A * that names no anchor was meant to multiply.
    let meant = error.info().contains("anchor") || line.is_some_and(traps::holds_expression);
    if meant { flaw.help(QUOTE) } else { flaw }
}

fn position(marker: &Marker) -> Position {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col().saturating_add(1)) }
}

/// A list or map that is not yet closed.
struct Open {
    at: Position,
    anchor: usize,
    kind: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Position)>, seen: HashMap<String, u32> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    aliased: usize,
    documents: usize,
    flaws: Vec<Flaw>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Flaw> {
        let at = position(&span.start);
        match event {
            Event::DocumentStart(_) => self.document(at),
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    self.flaws.push(tag_flaw(at));
                }
                let node = self.scalar(&text, style, at);
                self.value(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(at, anchor, Parts::List(Vec::new()), tag.is_some())
            }
            Event::MappingStart(anchor, tag) => {
                let (entries, key, seen) = Default::default();
                let parts = Parts::Map { entries, key, seen };
                self.begin(at, anchor, parts, tag.is_some())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn document(&mut self, at: Position) -> Result<(), Flaw> {
        self.documents += 1;
        if self.documents > 1 {
            let message = "a file holds one workflow, here begins another document";
            return Err(Flaw::new(at, "several_documents", message));
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), Flaw> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX && holds(Defence::Workflows) {
            let message = format!("a workflow has at most {NODES_MAX} values");
            return Err(Flaw::new(at, "file_too_large", message));
        }
        Ok(())
    }

    fn begin(&mut self, at: Position, anchor: usize, kind: Parts, tag: bool) -> Result<(), Flaw> {
        if tag {
            self.flaws.push(tag_flaw(at));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, kind });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let Some(Open { at, anchor, kind }) = self.open.pop() else { return Ok(()) };
        let kind = match kind {
            Parts::List(items) => {
                self.flaws.extend(traps::in_list(&items));
                Kind::List(items)
            }
            Parts::Map { entries, .. } => {
                self.flaws.extend(traps::in_map(&entries));
                Kind::Map(entries)
            }
        };
        self.value(Node { at, kind }, anchor)
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<(), Flaw> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Flaw::new(at, "alias", "an alias cannot stand inside its own anchor"));
        };
        let (mut node, size) = (node.clone(), *size);
        self.aliased = self.aliased.saturating_add(size);
        if self.aliased > ALIASED_MAX && holds(Defence::Workflows) {
            let message = format!("aliases repeat at most {ALIASED_MAX} values in all");
            return Err(Flaw::new(at, "alias", message));
        }
        let depth = self.open.len().saturating_add(depth(&node));
        if depth > DEPTH_MAX {
            return Err(too_deep(at));
        }
        node.at = at;
        self.count(size, at)?;
        self.place(node)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: Position) -> Node {
        if style != ScalarStyle::Plain {
            let kind = Kind::Scalar { value: Value::from(text), plain: None };
            return Node { at, kind };
        }
        let value = resolve(text).unwrap_or_else(|| {
            let message = format!("{text} is a number that JSON cannot hold");
            self.flaws.push(Flaw::new(at, "number", message));
            Value::Null
        });
        Node { at, kind: Kind::Scalar { value, plain: Some(text.to_owned()) } }
    }

    /// A value that is complete: kept for its aliases, then put where it belongs.
    fn value(&mut self, node: Node, anchor: usize) -> Result<(), Flaw> {
        self.count(1, node.at)?;
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        self.place(node)
    }

    fn place(&mut self, node: Node) -> Result<(), Flaw> {
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(Parts::List(items)) => items.push(node),
            Some(Parts::Map { entries, key, seen }) => match key.take() {
                None => *key = Some(key_of(node)?),
                Some((key, at)) => {
                    if let Some(first) = seen.insert(key.clone(), at.line) {
                        self.flaws.push(duplicate(&key, first, at));
                    }
                    entries.push(Entry { key, at, value: node });
                }
            },
        }
        Ok(())
    }
}

fn too_deep(at: Position) -> Flaw {
    Flaw::new(at, "too_deep", format!("values nest at most {DEPTH_MAX} deep"))
}

fn tag_flaw(at: Position) -> Flaw {
    Flaw::new(at, "tag", "tags such as !x are not read; an expression that begins with ! is quoted")
        .help(QUOTE)
}

fn key_of(node: Node) -> Result<(String, Position), Flaw> {
    let at = node.at;
    match node.kind {
        Kind::Scalar { value: Value::String(text), .. } => Ok((text, at)),
        Kind::Scalar { plain: Some(text), .. } => Ok((text, at)),
        _ => {
            let message = format!("the key of a map is text, here is {}", node.describe());
            Err(Flaw::new(at, "key", message).help(QUOTE))
        }
    }
}

fn duplicate(key: &str, first: u32, at: Position) -> Flaw {
    let message = format!("\"{key}\" is written twice, first in line {first}");
    Flaw::new(at, "duplicate_key", message).help("remove one of them")
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => {
            1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0)
        }
    }
}
