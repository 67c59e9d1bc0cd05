//! A component's sections, read and written without touching what they hold.
//!
//! What goes: DWARF, which only a debugger wants and which can be most of the file. What stays:
//! the `name` section, so that a trap says in which function it was; file and line of a panic are
//! in its message.

use wasm_encoder::{CustomSection, RawSection, Section};
use wasmparser::{BinaryReader, BinaryReaderError, Encoding, Parser, Payload};

/// The section with the agents' names, which `#[agent]` writes and the build takes out.
const AGENTS_SECTION: &str = "workflowforge:agents";
/// How every WebAssembly file begins: magic, version and layer.
const HEADER_BYTES: usize = 8;

/// What the build wants to know about a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sections {
    /// Names of imports at the top.
    pub imports: Vec<String>,
    /// Names of exports at the top.
    pub exports: Vec<String>,
    /// Custom sections at the top: name and content.
    pub custom: Vec<(String, Vec<u8>)>,
}

/// Why bytes are no component that can be packed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComponentError {
    #[error("this is a core module, not a component: build for the target wasm32-wasip2")]
    CoreModule,
    #[error("this is no WebAssembly component: {0}")]
    Malformed(#[from] BinaryReaderError),
}

impl Sections {
    /// Reads the top of a component and validates all of it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ComponentError> {
        let mut sections = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(ComponentError::CoreModule);
                }
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                payload if depth == 1 => sections.add(payload)?,
                _ => {}
            }
        }
        wasmparser::Validator::new().validate_all(bytes)?;
        Ok(sections)
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) => {
                self.custom.push((section.name().to_owned(), section.data().to_vec()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A component without DWARF, and the agents' names that its modules carried.
#[derive(Debug, Default)]
pub(crate) struct Stripped {
    pub(crate) bytes: Vec<u8>,
    pub(crate) agents: Vec<String>,
}

/// Takes DWARF, the agents' names and `drop` out, in nested modules and components as well.
pub(crate) fn strip(bytes: &[u8], drop: &[&str]) -> Result<Stripped, BinaryReaderError> {
    let mut stripped = Stripped::default();
    let mut reader = BinaryReader::new(bytes, 0);
    stripped.bytes.extend_from_slice(reader.read_bytes(HEADER_BYTES)?);
    let is_component = stripped.bytes.get(6) == Some(&1);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = usize::try_from(reader.read_var_u32()?).unwrap_or(usize::MAX);
        let data = reader.read_bytes(length)?;
        match (id, is_component) {
            (0, _) => stripped.custom(data, drop)?,
            // Ids of a core module and of a component inside a component.
            (1 | 4, true) => stripped.nested(id, strip(data, drop)?),
            _ => stripped.raw(id, data),
        }
    }
    Ok(stripped)
}

impl Stripped {
    fn custom(&mut self, data: &[u8], drop: &[&str]) -> Result<(), BinaryReaderError> {
        let mut reader = BinaryReader::new(data, 0);
        let name = reader.read_string()?;
        if name == AGENTS_SECTION {
            let names = String::from_utf8_lossy(reader.read_bytes(reader.bytes_remaining())?);
            self.agents.extend(names.lines().map(ToOwned::to_owned));
        } else if !name.starts_with(".debug_") && !drop.contains(&name) {
            self.raw(0, data);
        }
        Ok(())
    }

    fn nested(&mut self, id: u8, inner: Self) {
        self.raw(id, &inner.bytes);
        self.agents.extend(inner.agents);
    }

    fn raw(&mut self, id: u8, data: &[u8]) {
        RawSection { id, data }.append_to(&mut self.bytes);
    }
}

/// The bytes with custom sections put in front, where a host finds them without reading on.
pub(crate) fn prepend(bytes: &[u8], sections: &[(&str, &[u8])]) -> Vec<u8> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).unwrap_or((bytes, &[]));
    let mut out = header.to_vec();
    for (name, data) in sections {
        let section = CustomSection { name: (*name).into(), data: (*data).into() };
        section.append_to(&mut out);
    }
    out.extend_from_slice(rest);
    out
}
