//! What an expression means, after its syntax is known to be good: the form that is evaluated.
//!
//! A plan is plain data. [`super::lower`] makes it, [`super::evaluate`] runs it.

use std::fmt;

use serde_json::Value;
use wforge_graph::ExprInfo;

/// A checked expression.
#[derive(Debug)]
pub(super) struct Plan {
    /// What it computes.
    pub(super) root: Node,
    /// What it refers to.
    pub(super) info: ExprInfo,
    /// Whether a comprehension is somewhere in it.
    pub(super) loops: bool,
}

/// One term.
#[derive(Debug)]
pub(super) enum Node {
    Literal(Value),
    Name(String),
    Select(Box<Self>, String),
    /// `has(operand.field)`.
    Has(Box<Self>, String),
    Index(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Logic(Logic, Box<Self>, Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    If(Box<[Self; 3]>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Call(Function, Vec<Self>),
    Loop(Box<Loop>),
}

impl Node {
    /// The way to a plain selection, such as `state.outline`; anything else is "the value".
    pub(super) fn path(&self) -> String {
        self.chain().map_or_else(|| "the value".to_owned(), |parts| parts.join("."))
    }

    /// The terms directly below this one.
    pub(super) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_) | Self::Name(_) => Vec::new(),
            Self::Select(operand, _)
            | Self::Has(operand, _)
            | Self::Not(operand)
            | Self::Negate(operand) => vec![operand],
            Self::Index(left, right)
            | Self::Logic(_, left, right)
            | Self::Binary(_, left, right) => vec![left, right],
            Self::If(parts) => parts.iter().collect(),
            Self::List(items) | Self::Call(_, items) => items.iter().collect(),
            Self::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Self::Loop(inner) => inner.guard.iter().chain([&inner.range, &inner.body]).collect(),
        }
    }

    /// The parts of a chain of plain selections.
    pub(super) fn chain(&self) -> Option<Vec<String>> {
        match self {
            Self::Name(name) => Some(vec![name.clone()]),
            Self::Select(operand, field) => {
                let mut parts = operand.chain()?;
                parts.push(field.clone());
                Some(parts)
            }
            _ => None,
        }
    }
}

/// `&&` and `||`, whose sides may make up for each other's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
}

impl Logic {
    /// The side that decides, whatever the other one is.
    pub(super) const fn decides(self) -> bool {
        matches!(self, Self::Or)
    }
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    const ALL: [(&'static str, &'static str, Self); 12] = [
        ("_+_", "+", Self::Add),
        ("_-_", "-", Self::Subtract),
        ("_*_", "*", Self::Multiply),
        ("_/_", "/", Self::Divide),
        ("_%_", "%", Self::Remainder),
        ("_==_", "==", Self::Equal),
        ("_!=_", "!=", Self::Unequal),
        ("_<_", "<", Self::Less),
        ("_<=_", "<=", Self::LessOrEqual),
        ("_>_", ">", Self::Greater),
        ("_>=_", ">=", Self::GreaterOrEqual),
        ("@in", "in", Self::In),
    ];

    /// The operator that the syntax tree names so.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(tree, ..)| *tree == name).map(|(.., operator)| *operator)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Self::ALL.iter().find(|(.., operator)| operator == self);
        f.write_str(written.map_or("?", |(_, written, _)| written))
    }
}

/// A comprehension.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    /// What it goes over: a variable, its fields, or `keys()` or `values()` of those.
    pub(super) range: Node,
    /// The name of the item.
    pub(super) name: String,
    /// The condition of `map(x, condition, value)`.
    pub(super) guard: Option<Node>,
    pub(super) body: Node,
    /// Whether guard or body hold another one.
    pub(super) nested: bool,
}

/// What a comprehension makes of its bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl LoopKind {
    /// The comprehension that is written so.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" | "existsOne" => Self::ExistsOne,
            "filter" => Self::Filter,
            "map" => Self::Map,
            _ => return None,
        })
    }
}

/// A function that expressions may call, as `f(x)` or `x.f()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Avg,
    Bool,
    Contains,
    Default,
    Double,
    EndsWith,
    Int,
    Join,
    Keys,
    Matches,
    Max,
    Min,
    Round,
    Size,
    Split,
    StartsWith,
    String,
    Sum,
    Unique,
    Values,
}

impl Function {
    /// Name, fewest and most arguments. The most that any takes is what one list of terms can
    /// hold, so `min` and `max` have no bound of their own.
    pub(super) const ALL: [(Self, &'static str, usize, usize); 20] = [
        (Self::Avg, "avg", 1, 1),
        (Self::Bool, "bool", 1, 1),
        (Self::Contains, "contains", 2, 2),
        (Self::Default, "default", 2, 2),
        (Self::Double, "double", 1, 1),
        (Self::EndsWith, "endsWith", 2, 2),
        (Self::Int, "int", 1, 1),
        (Self::Join, "join", 1, 2),
        (Self::Keys, "keys", 1, 1),
        (Self::Matches, "matches", 2, 2),
        (Self::Max, "max", 1, usize::MAX),
        (Self::Min, "min", 1, usize::MAX),
        (Self::Round, "round", 1, 2),
        (Self::Size, "size", 1, 1),
        (Self::Split, "split", 2, 2),
        (Self::StartsWith, "startsWith", 2, 2),
        (Self::String, "string", 1, 1),
        (Self::Sum, "sum", 1, 1),
        (Self::Unique, "unique", 1, 1),
        (Self::Values, "values", 1, 1),
    ];

    /// The function of this name, with its fewest and most arguments.
    pub(super) fn named(name: &str) -> Option<(Self, usize, usize)> {
        let (function, _, fewest, most) = *Self::ALL.iter().find(|entry| entry.1 == name)?;
        Some((function, fewest, most))
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = Self::ALL.iter().find(|entry| entry.0 == *self);
        f.write_str(entry.map_or("?", |entry| entry.1))
    }
}
