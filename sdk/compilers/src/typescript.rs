//! TypeScript to JavaScript by blanking its types out, so that every line and column stays where
//! its author wrote it. Nothing is bundled, lowered or moved, and no source map is needed.
//!
//! What has a meaning at run time beyond its types (`enum`, namespaces, parameter properties) is
//! refused with its place, as Node does.

use std::sync::{Arc, Mutex, PoisonError};

use swc_common::errors::{DiagnosticBuilder, Emitter, Handler};
use swc_common::sync::Lrc;
use swc_common::{GLOBALS, Globals, SourceMap};
use swc_ts_fast_strip::{Mode, Options, operate};

use crate::error::CompileError;

/// The same text without its types; `name` is the file, for messages.
pub(crate) fn strip(name: &str, source: &str) -> Result<String, CompileError> {
    let map = Lrc::new(SourceMap::default());
    let problems = Arc::<Mutex<Vec<String>>>::default();
    let collect =
        Collect { name: name.to_owned(), map: map.clone(), problems: Arc::clone(&problems) };
    let handler = Handler::with_emitter(false, false, Box::new(collect));
    let options = Options {
        module: Some(true),
        filename: Some(name.to_owned()),
        mode: Mode::StripOnly,
        ..Options::default()
    };
    let stripped =
        GLOBALS.set(&Globals::new(), || operate(&map, &handler, source.to_owned(), options));
    stripped.map(|output| output.code).map_err(|error| {
        let problems = problems.lock().unwrap_or_else(PoisonError::into_inner);
        CompileError::TypeScript(match problems.as_slice() {
            [] => format!("{name}: {}", error.message),
            problems => problems.join("\n"),
        })
    })
}

/// Keeps what the parser says, as `file:line:column: message`.
struct Collect {
    name: String,
    map: Lrc<SourceMap>,
    problems: Arc<Mutex<Vec<String>>>,
}

impl Emitter for Collect {
    fn emit(&mut self, diagnostic: &mut DiagnosticBuilder<'_>) {
        let place = diagnostic.span.primary_span().map_or_else(String::new, |span| {
            let place = self.map.lookup_char_pos(span.lo());
            format!("{}:{}:", place.line, place.col.0 + 1)
        });
        let problem = format!("{}:{place} {}", self.name, diagnostic.message());
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_become_blanks_and_everything_else_stays_where_it_was() {
        let source = "import type { Ctx } from \"sdk\";\nexport const twice = (n: number): number \
                      => n * 2 as number;\n";
        let stripped = strip("agent.ts", source).unwrap();
        assert_eq!(stripped.lines().count(), source.lines().count());
        let (line, before) = (stripped.lines().nth(1).unwrap(), source.lines().nth(1).unwrap());
        assert_eq!(line.find("=> n * 2"), before.find("=> n * 2"), "{line}");
        assert!(!stripped.contains("number") && !stripped.contains("Ctx"), "{stripped}");
    }

    #[test]
    fn an_enum_is_refused_with_its_place() {
        let error = strip("src/agent.ts", "let a = 1;\n  enum Colour { Red }\n").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("src/agent.ts:2:3: ") && text.contains("enum"), "{text}");
    }

    #[test]
    fn a_mistake_of_writing_is_named_with_its_place() {
        let error = strip("agent.ts", "const a: number = ;\n").unwrap_err();
        assert!(error.to_string().starts_with("agent.ts:1:19: "), "{error}");
    }
}
