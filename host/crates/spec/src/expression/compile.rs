//! From source text to a [`Plan`], so that no source, however hostile, harms the process.
//!
//! The crate `cel` gives the grammar and the syntax tree; its parser is recursive, so it runs on a
//! thread with a large stack, behind a scan that has already refused deep nesting. What the tree
//! means is decided in [`super::lower`].

use cel::{Env, ParseErrors};
use wforge_graph::{ExprError, ExprInfo};

use super::failure::{failure, limit, syntax};
use super::lower::lower;
use super::plan::{Node, Plan};
use wforge_model::defence::{Defence, holds};

/// The longest source.
pub(super) const SOURCE_BYTES_MAX: usize = 4 << 10;
/// How deep terms nest.
pub(super) const DEPTH_MAX: usize = 32;
/// Stack of the thread that parses. The deepest tree that 4 KiB can hold needs a small part of it.
const STACK_BYTES: usize = 64 << 20;

/// Words that CEL keeps for itself.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Compiles, or says why the source can never be evaluated.
pub(super) fn compile(source: &str) -> Result<Plan, ExprError> {
    scan(source)?;
    if let Some(plan) = chain(source) {
        return Ok(plan);
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("cel-compile".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || parse(source))
            .map_err(|error| failure("expression_limit", format!("no thread to compile: {error}")))?
            .join()
            .unwrap_or_else(|_| Err(syntax("the expression cannot be parsed")))
    })
}

/// A chain of plain selections needs no parser: most expressions of a workflow are one.
fn chain(source: &str) -> Option<Plan> {
    let parts: Vec<&str> = source.trim().split('.').collect();
    let (first, fields) = parts.split_first().filter(|_| parts.iter().all(|part| is_name(part)))?;
    let mut root = Node::Name((*first).to_owned());
    for field in fields {
        root = Node::Select(Box::new(root), (*field).to_owned());
    }
    let mut info = ExprInfo {
        roots: [(*first).to_owned()].into(),
        select_chain: root.chain(),
        ..ExprInfo::default()
    };
    if let (true, Some(key)) = (*first == "state", fields.first()) {
        info.state_keys.insert((*key).to_owned());
    }
    (parts.len() <= DEPTH_MAX).then_some(Plan { root, info, loops: false })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&text)
}

fn parse(source: &str) -> Result<Plan, ExprError> {
    // No macros: `has`, `map` and the like stay calls, whose meaning `lower` gives.
    let program = Env::default()
        .with_optional_support(false)
        .compile(source)
        .map_err(|errors| syntax(describe(&errors)))?;
    lower(program.expression())
}

fn describe(errors: &ParseErrors) -> String {
    let Some(first) = errors.errors.first() else { return "the expression is malformed".into() };
    // What ANTLR expects is a list of its token names, which helps nobody.
    let line = first.msg.lines().next().unwrap_or_default().to_lowercase();
    let message = line.split(" expecting ").next().unwrap_or_default();
    let message = match message.trim_start_matches("syntax error: ") {
        ends if ends.contains("'<eof>'") => "the expression ends too early",
        message => message,
    };
    format!("{message} (column {} of the expression)", first.pos.1.max(1))
}

/// Refuses what is too long or nests too deep, before any recursive code sees it.
fn scan(source: &str) -> Result<(), ExprError> {
    if source.trim().is_empty() {
        return Err(syntax("the expression is empty; literal text is written \"'text'\""));
    }
    if source.len() > SOURCE_BYTES_MAX && holds(Defence::Expressions) {
        return Err(limit(format!(
            "an expression has at most {SOURCE_BYTES_MAX} bytes, this one has {}",
            source.len()
        )));
    }
    let (mut depth, mut conditions, mut quote) = (0_usize, 0_usize, None);
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', Some(_)) => drop(characters.next()),
            (_, Some(open)) if character == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(character),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            ('?', None) => conditions += 1,
            _ => {}
        }
        let is_deep = depth > DEPTH_MAX || conditions > DEPTH_MAX;
        if is_deep && holds(Defence::Expressions) {
            return Err(too_deep());
        }
    }
    Ok(())
}

pub(super) fn too_deep() -> ExprError {
    limit(format!("an expression nests at most {DEPTH_MAX} deep; compute a part in a `set` node"))
}
