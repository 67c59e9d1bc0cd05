//! Reading a stranger's bytes before anything is compiled: are they a component, what do they say
//! about themselves, what do they import.
//!
//! Never here: compilation, or trust in a word of the manifest beyond its shape.

use wasmparser::{Chunk, Encoding, Parser, Payload, Validator, WasmFeatures};
use wforge_model::manifest::{API_SECTION, MANIFEST_SECTION, Manifest};
use wforge_ports::AdmissionError;

/// Functions in one component; CPython's has some thirty thousand.
const FUNCTIONS_MAX: u64 = 200_000;

/// What a component says about itself.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) manifest: Manifest,
    pub(crate) api: String,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> AdmissionError {
    AdmissionError::Refused { code, message: message.into() }
}

/// Reads structure, sections and names.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, AdmissionError> {
    check_magic(bytes)?;
    let outline = Outline::read(bytes)?;
    let api = outline.api.ok_or_else(|| no_section(API_SECTION))?;
    let api = String::from_utf8(api).map_err(|_| unsupported_api("is no text"))?;
    check_api(api.trim())?;
    let manifest = outline.manifest.ok_or_else(|| no_section(MANIFEST_SECTION))?;
    let manifest = Manifest::from_section(&manifest)
        .map_err(|error| refused("bad_manifest", error.to_string()))?;
    Ok(Inspected {
        manifest,
        api: api.trim().to_owned(),
        imports: outline.imports,
        exports: outline.exports,
    })
}

/// Validates every byte; the compiler sees only what has passed.
pub(crate) fn validate(bytes: &[u8], features: WasmFeatures) -> Result<(), AdmissionError> {
    Validator::new_with_features(features).validate_all(bytes).map(drop).map_err(|error| {
        refused("invalid", format!("the component is invalid: {error}; build it again"))
    })
}

fn no_section(name: &str) -> AdmissionError {
    let message = format!(
        "the component has no section \"{name}\"; build it with the project's plugin build, which \
         writes plugin.toml into it"
    );
    refused("no_manifest", message)
}

/// Whether this host serves that version: the same minor while the major is 0.
fn check_api(api: &str) -> Result<(), AdmissionError> {
    match semver::Version::parse(api) {
        Ok(version) if version.major == 0 && version.minor == 1 => Ok(()),
        Ok(_) => Err(unsupported_api(&format!("is {api}"))),
        Err(_) => Err(unsupported_api(&format!("is \"{}\", no version", api.escape_default()))),
    }
}

fn unsupported_api(what: &str) -> AdmissionError {
    let message = format!(
        "the contract that the component was built against {what}; this host serves 0.1: build the \
         plugin against it, or upgrade the host"
    );
    refused("unsupported_api", message)
}

fn check_magic(bytes: &[u8]) -> Result<(), AdmissionError> {
    if bytes.starts_with(b"\x7fELF") || wasmtime::Engine::detect_precompiled(bytes).is_some() {
        let message = "the file is native code; hand in the component itself, the host compiles it";
        return Err(refused("precompiled", message));
    }
    if !bytes.starts_with(b"\0asm") {
        let is_text = bytes.trim_ascii_start().starts_with(b"(");
        let hint = if is_text { "text; turn it into a binary with `wasm-tools parse`" } else { "" };
        let what = if is_text { hint } else { "no WebAssembly; hand in a .wasm component" };
        return Err(refused("not_wasm", format!("the file is {what}")));
    }
    Ok(())
}

/// What the walk over the sections collects.
#[derive(Default)]
struct Outline {
    manifest: Option<Vec<u8>>,
    api: Option<Vec<u8>>,
    imports: Vec<String>,
    exports: Vec<String>,
    functions: u64,
}

impl Outline {
    fn read(bytes: &[u8]) -> Result<Self, AdmissionError> {
        let mut outline = Self::default();
        let mut parser = Parser::new(0);
        let mut outer = Vec::new();
        let mut rest = bytes;
        loop {
            // A component may end after any of its sections; a module inside it may not.
            let at_end = rest.is_empty() && outer.is_empty();
            let chunk = parser.parse(rest, at_end).map_err(|error| malformed(&error))?;
            let Chunk::Parsed { consumed, payload } = chunk else {
                return Err(truncated());
            };
            rest = rest.get(consumed..).unwrap_or_default();
            match payload {
                Payload::ModuleSection { parser: inner, .. }
                | Payload::ComponentSection { parser: inner, .. } => {
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::End(_) => match outer.pop() {
                    Some(next) => parser = next,
                    None => return Ok(outline),
                },
                payload => outline.take(payload, outer.is_empty())?,
            }
        }
    }

    fn take(&mut self, payload: Payload<'_>, is_outermost: bool) -> Result<(), AdmissionError> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if is_outermost => {
                let message = "the file is a core module; build a component (wasm32-wasip2, or \
                               `wasm-tools component new`)";
                Err(refused("core_module", message))
            }
            Payload::CustomSection(section) if is_outermost => match section.name() {
                MANIFEST_SECTION => once(&mut self.manifest, section.data(), MANIFEST_SECTION),
                API_SECTION => once(&mut self.api, section.data(), API_SECTION),
                _ => Ok(()),
            },
            Payload::ComponentImportSection(section) if is_outermost => {
                for import in section {
                    self.imports
                        .push(import.map_err(|error| malformed(&error))?.name.name.to_owned());
                }
                Ok(())
            }
            Payload::ComponentExportSection(section) if is_outermost => {
                for export in section {
                    self.exports
                        .push(export.map_err(|error| malformed(&error))?.name.name.to_owned());
                }
                Ok(())
            }
            Payload::CodeSectionStart { count, .. } => self.count_functions(count),
            _ => Ok(()),
        }
    }

    fn count_functions(&mut self, count: u32) -> Result<(), AdmissionError> {
        self.functions = self.functions.saturating_add(u64::from(count));
        if self.functions > FUNCTIONS_MAX {
            let message = format!("the component has more than {FUNCTIONS_MAX} functions");
            return Err(refused("compile_limit", message));
        }
        Ok(())
    }
}

fn once(slot: &mut Option<Vec<u8>>, data: &[u8], name: &str) -> Result<(), AdmissionError> {
    if slot.replace(data.to_vec()).is_some() {
        let message = format!("the component has the section \"{name}\" twice");
        return Err(refused("bad_manifest", message));
    }
    Ok(())
}

fn truncated() -> AdmissionError {
    refused("truncated", "the file ends in the middle of a section; copy or build it again")
}

fn malformed(error: &wasmparser::BinaryReaderError) -> AdmissionError {
    refused("invalid", format!("the file is no valid component: {error}; build it again"))
}
