//! One pass over the sections of a component and of everything inside it.

use wasmparser::{BinaryReaderError, Chunk, Parser, Payload};
use wforge_ports::AdmissionError;

use super::inspect::refused;

/// Hands over each section, and how many components and modules it lies in. A module or component
/// inside is handed over before its sections.
pub(crate) fn walk<'a>(
    bytes: &'a [u8],
    mut take: impl FnMut(Payload<'a>, usize) -> Result<(), AdmissionError>,
) -> Result<(), AdmissionError> {
    let mut parser = Parser::new(0);
    // The parser around each module or component that is open, and where that one ends.
    let mut outer: Vec<(Parser, usize)> = Vec::new();
    let mut rest = bytes;
    loop {
        // A component may end after any of its sections; what is inside it ends where it says.
        let ends_here = outer.last().is_none_or(|(_, end)| *end == bytes.len());
        let at_end = rest.is_empty() && ends_here;
        let chunk = parser.parse(rest, at_end).map_err(|error| malformed(&error))?;
        let Chunk::Parsed { consumed, payload } = chunk else {
            return Err(truncated());
        };
        rest = rest.get(consumed..).unwrap_or_default();
        let inner = match &payload {
            Payload::ModuleSection { parser, unchecked_range }
            | Payload::ComponentSection { parser, unchecked_range } => {
                Some((parser.clone(), unchecked_range.end))
            }
            _ => None,
        };
        let is_end = matches!(payload, Payload::End(_));
        take(payload, outer.len())?;
        if let Some((inner, end)) = inner {
            outer.push((std::mem::replace(&mut parser, inner), end));
        } else if is_end {
            match outer.pop() {
                Some((next, _)) => parser = next,
                None => return Ok(()),
            }
        }
    }
}

fn truncated() -> AdmissionError {
    refused("truncated", "the file ends in the middle of a section; copy or build it again")
}

pub(crate) fn malformed(error: &BinaryReaderError) -> AdmissionError {
    refused("invalid", format!("the file is no valid component: {error}; build it again"))
}
