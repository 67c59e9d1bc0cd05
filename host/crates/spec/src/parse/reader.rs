//! Reads typed values from a tree and collects every problem on the way: a field that is wrong
//! gives a report and a placeholder, and reading goes on.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use super::duration::{self, NoTime};
use super::forms::FILE;
use super::scan::{Flaw, QUOTE};
use super::tree::{Entry, Kind, Node, Position};

/// Whole numbers from here on fit no type.
const LARGE: f64 = u64::MAX as f64;

/// The fields of one kind of map.
#[derive(Debug)]
pub(super) struct Form {
    /// What the map is, with its article: `a node`.
    pub(super) what: &'static str,
    /// The fields that it may have.
    pub(super) fields: &'static [&'static str],
    /// Fields of the language that this version does not carry out.
    pub(super) later: &'static [&'static str],
}

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) flaws: Vec<Flaw>,
}

/// The entries of a map whose form was checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'t> {
    pub(super) at: Position,
    entries: &'t [Entry],
}

impl<'t> Fields<'t> {
    pub(super) fn get(&self, field: &str) -> Option<&'t Node> {
        self.entries.iter().find(|entry| entry.key == field).map(|entry| &entry.value)
    }

    pub(super) fn position(&self, field: &str) -> Position {
        let entry = self.entries.iter().find(|entry| entry.key == field);
        entry.map_or(self.at, |entry| entry.at)
    }
}

impl Reader {
    pub(super) fn flaw(&mut self, at: Position, code: &'static str, message: impl Into<String>) {
        self.flaws.push(Flaw::new(at, code, message));
    }

    pub(super) fn flaw_help(
        &mut self,
        at: Position,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.flaws.push(Flaw::new(at, code, message).help(help));
    }

    /// That something of the language is not carried out by this version.
    pub(super) fn later(&mut self, at: Position, what: impl Display) {
        let message = format!("{what} is not supported yet");
        self.flaw(at, "not_supported_yet", message);
    }

    /// A map of the given form, named for messages.
    pub(super) fn fields<'t>(&mut self, node: &'t Node, form: &Form) -> Option<Fields<'t>> {
        let entries = self.map(node, form.what)?;
        for entry in entries {
            let key = entry.key.as_str();
            if form.later.contains(&key) {
                self.later(entry.at, format!("`{key}` of {}", form.what));
            } else if !form.fields.contains(&key) && !self.was_cut(entry) {
                self.unknown_field(entry, form);
            }
        }
        Some(Fields { at: node.at, entries })
    }

    /// Whether the scan has already said that a comma cut this out of an expression.
    pub(super) fn was_cut(&self, entry: &Entry) -> bool {
        matches!(&entry.value.kind, Kind::Scalar { value: Value::Null, plain: Some(_) })
            && self.flaws.iter().any(|flaw| {
                flaw.code == "unquoted_expression"
                    && flaw.help.as_ref().is_some_and(|help| help.contains(&entry.key))
            })
    }

    fn unknown_field(&mut self, entry: &Entry, form: &Form) {
        let message = format!("{} has no field \"{}\"", form.what, entry.key);
        let all = form.fields.iter().copied();
        let of_file = || FILE.fields.contains(&entry.key.as_str());
        let help = match wforge_graph::nearest(&entry.key, all) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if of_file() => format!("`{}` stands at the top of the file", entry.key),
            None => format!("its fields are {}", form.fields.join(", ")),
        };
        self.flaw_help(entry.at, "unknown_field", message, help);
    }

    pub(super) fn map<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t [Entry]> {
        if let Kind::Map(entries) = &node.kind {
            return Some(entries);
        }
        let message = format!("{what} is a map, here is {}", node.describe());
        self.flaw(node.at, "wrong_type", message);
        None
    }

    pub(super) fn list<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t [Node]> {
        if let Kind::List(items) = &node.kind {
            return Some(items);
        }
        let message = format!("{what} is a list, here is {}", node.describe());
        self.flaw(node.at, "wrong_type", message);
        None
    }

    /// Literal JSON, null included.
    pub(super) fn literal(&self, fields: &Fields<'_>, field: &str) -> Option<Value> {
        Some(fields.get(field)?.json())
    }

    /// A list, or one item in its place.
    pub(super) fn one_or_more<'t>(&self, node: &'t Node) -> &'t [Node] {
        match &node.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(node),
        }
    }

    pub(super) fn text<'t>(&mut self, node: &'t Node, what: &str) -> Option<&'t str> {
        if let Some(text) = node.text() {
            return Some(text);
        }
        let message = format!("{what} is text, here is {}", node.describe());
        match &node.kind {
            Kind::Scalar { plain: Some(plain), .. } if !plain.is_empty() => {
                let help = format!("put it in quotes: \"{plain}\"");
                self.flaw_help(node.at, "wrong_type", message, help);
            }
            _ => self.flaw(node.at, "wrong_type", message),
        }
        None
    }

    /// An expression: text, or an unquoted scalar as it was written.
    pub(super) fn expression(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.kind {
            Kind::Scalar { value: Value::String(text), .. } => Some(text.clone()),
            Kind::Scalar { plain: Some(plain), .. } if !plain.is_empty() => Some(plain.clone()),
            _ => {
                let message = format!("{what} is an expression, here is {}", node.describe());
                self.flaw_help(node.at, "wrong_type", message, QUOTE);
                None
            }
        }
    }

    /// Text that parses as a name of some kind.
    pub(super) fn name<T>(&mut self, node: &Node, what: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text(node, what)?;
        self.parsed(text, node.at)
    }

    pub(super) fn parsed<T>(&mut self, text: &str, at: Position) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.flaw(at, "name", error.to_string());
                None
            }
        }
    }

    /// A list of names.
    pub(super) fn names<T>(&mut self, node: &Node, field: &str) -> Vec<T>
    where
        T: FromStr<Err: Display>,
    {
        let items = self.list(node, field).unwrap_or_default();
        let what = format!("an entry of {field}");
        items.iter().filter_map(|item| self.name(item, &what)).collect()
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Kind::Scalar { value: Value::Bool(value), .. } = &node.kind {
            return Some(*value);
        }
        let message = format!("{what} is true or false, here is {}", node.describe());
        self.flaw(node.at, "wrong_type", message);
        None
    }

    /// A whole number that fits the type.
    pub(super) fn whole<T: TryFrom<u64>>(&mut self, node: &Node, what: &str) -> Option<T> {
        let number = match &node.kind {
            Kind::Scalar { value: Value::Number(number), .. } => Some(number),
            _ => None,
        };
        let whole = number.and_then(serde_json::Number::as_u64);
        if let Some(fits) = whole.and_then(|whole| T::try_from(whole).ok()) {
            return Some(fits);
        }
        let is_large = number.and_then(serde_json::Number::as_f64).is_some_and(|n| n >= LARGE);
        let range = if whole.is_some() || is_large {
            format!("below 2^{}", 8 * size_of::<T>())
        } else {
            "of at least 0".to_owned()
        };
        let shown = match &node.kind {
            Kind::Scalar { plain: Some(plain), .. } => plain.as_str(),
            _ => node.describe(),
        };
        let message = format!("{what} is a whole number {range}, here is {shown}");
        self.flaw(node.at, "wrong_type", message);
        None
    }

    pub(super) fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        if let Kind::Scalar { value: Value::Number(number), .. } = &node.kind {
            return number.as_f64();
        }
        let message = format!("{what} is a number, here is {}", node.describe());
        self.flaw(node.at, "wrong_type", message);
        None
    }

    /// A time in milliseconds.
    pub(super) fn milliseconds(&mut self, node: &Node, what: &str) -> Option<u64> {
        let written = match &node.kind {
            Kind::Scalar { value: Value::String(text), .. } => text.as_str(),
            Kind::Scalar { plain: Some(plain), .. } => plain.as_str(),
            _ => "",
        };
        let why = match duration::milliseconds(written) {
            Ok(ms) => return Some(ms),
            Err(why) => why,
        };
        let shown = if written.is_empty() { node.describe() } else { written };
        match why {
            NoTime::Malformed => {
                let message = format!("{what} is a time, here is {shown}");
                self.flaw_help(node.at, "duration", message, duration::EXAMPLES);
            }
            NoTime::TooLong => {
                let message = format!("{what} is too long: {shown}");
                self.flaw_help(node.at, "duration", message, duration::TOO_LONG);
            }
        }
        None
    }

    /// One of some written choices.
    pub(super) fn choice<'c, T: Clone>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &'c [(&'c str, T)],
    ) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(value.clone());
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let message = format!("{what} is one of {}, not \"{text}\"", names.join(", "));
        match wforge_graph::nearest(text, names.iter().copied()) {
            Some(near) => {
                let help = format!("did you mean \"{near}\"?");
                self.flaw_help(node.at, "unknown_choice", message, help);
            }
            None => self.flaw(node.at, "unknown_choice", message),
        }
        None
    }

    /// A field that must be there.
    pub(super) fn required<'t>(
        &mut self,
        fields: &Fields<'t>,
        form: &Form,
        field: &str,
    ) -> Option<&'t Node> {
        let found = fields.get(field);
        if found.is_none() {
            let message = format!("{} needs \"{field}\"", form.what);
            self.flaw(fields.at, "missing_field", message);
        }
        found
    }
}
