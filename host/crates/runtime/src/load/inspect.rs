//! Reading a stranger's bytes before anything is compiled: are they a component, what do they say
//! about themselves, what do they import.
//!
//! Never here: compilation, trust in a word of the manifest beyond its shape, or a look into types
//! and functions. Their readers recurse with the file, so they work where a broken process harms
//! nobody: `structure`, in the compiler's own.

use wasmparser::{Encoding, Payload};
use wforge_model::limits::AdmissionLimits;
use wforge_model::manifest::{API_SECTION, MANIFEST_SECTION, Manifest, PluginName};
use wforge_ports::AdmissionError;

use super::structure;
use super::walk::{malformed, walk};

/// What a component says about itself.
#[derive(Debug)]
pub struct Inspected {
    /// Its manifest.
    pub manifest: Manifest,
    /// The version of the contract that it was built against.
    pub api: String,
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
}

pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> AdmissionError {
    AdmissionError::Refused { code, message: message.into() }
}

/// Reads structure, sections and names; nothing is compiled.
///
/// # Errors
/// [`AdmissionError::Refused`].
pub fn inspect(bytes: &[u8], limits: &AdmissionLimits) -> Result<Inspected, AdmissionError> {
    check_magic(bytes)?;
    let outline = Outline::read(bytes, limits)?;
    let api = outline.api.ok_or_else(|| no_section(API_SECTION))?;
    let api = String::from_utf8(api)
        .map_err(|_| unsupported_api("the plugin", "a version that is no text"))?;
    check_api(api.trim()).map_err(|what| {
        // A manifest of another contract may be one that this host cannot read.
        unsupported_api(&name_in(outline.manifest.as_deref()), &what)
    })?;
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

fn no_section(name: &str) -> AdmissionError {
    let message = format!(
        "the component has no section \"{name}\"; build it with the project's plugin build, which \
         writes plugin.toml into it"
    );
    refused("no_manifest", message)
}

/// Whether this host serves that version: the same minor while the major is 0.
fn check_api(api: &str) -> Result<(), String> {
    match semver::Version::parse(api) {
        Ok(version) if version.major == 0 && version.minor == 1 => Ok(()),
        Ok(_) => Err(api.to_owned()),
        Err(_) => Err(format!("\"{}\", which is no version", api.escape_default())),
    }
}

fn unsupported_api(plugin: &str, what: &str) -> AdmissionError {
    let message = format!(
        "{plugin} is built against contract {what}; this host serves 0.1; rebuild with sdk 0.1 or \
         upgrade the host"
    );
    refused("unsupported_api", message)
}

/// The plugin's name, if that much can be read.
fn name_in(manifest: Option<&[u8]>) -> String {
    #[derive(serde::Deserialize)]
    struct Named {
        name: PluginName,
    }
    let named = manifest.and_then(|manifest| serde_json::from_slice::<Named>(manifest).ok());
    named.map_or_else(|| "the plugin".to_owned(), |named| named.name.to_string())
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
    nested: u32,
}

impl Outline {
    fn read(bytes: &[u8], limits: &AdmissionLimits) -> Result<Self, AdmissionError> {
        let mut outline = Self::default();
        walk(bytes, |payload, depth| {
            outline.take(payload, depth == 0)?;
            structure::within("nested", outline.nested.into(), limits.nested_max.into())
        })?;
        Ok(outline)
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
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.nested = self.nested.saturating_add(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn once(slot: &mut Option<Vec<u8>>, data: &[u8], name: &str) -> Result<(), AdmissionError> {
    if slot.replace(data.to_vec()).is_some() {
        let message = format!("the component has the section \"{name}\" twice");
        return Err(refused("bad_manifest", message));
    }
    Ok(())
}
