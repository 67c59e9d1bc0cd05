//! Whether a component's imports and exports are those of the contract, and its imports those of
//! its manifest.
//!
//! A manifest asks and never grants: what is checked here is only that nothing is imported that was
//! not asked for. Each call is checked against the grants later.

use wforge_model::manifest::Manifest;
use wforge_model::{Capability, Recording};
use wforge_ports::AdmissionError;

use crate::load::inspect::{Inspected, refused};

const PACKAGE: &str = "workflowforge:plugin/";
const AGENT: &str = "workflowforge:plugin/agent@0.1";
/// The version of the contract that is served; later patches of it add nothing that breaks.
const SERVED: &str = "0.1";
/// Of WASI alone this one reaches out, so it is told like the contract's own.
const RAW_HTTP: &str = "wasi:http/outgoing-handler";

/// Interfaces of the contract, and the kinds of need of which one lets it be imported; none needed
/// where the list is empty. `http` carries secrets in its types.
const INTERFACES: [(&str, &[&str]); 11] = [
    ("types", &[]),
    ("log", &[]),
    ("events", &[]),
    ("blobs", &[]),
    ("timer", &[]),
    ("kv", &["kv"]),
    ("llm", &["llm"]),
    ("http", &["http"]),
    ("secrets", &["secret", "http"]),
    ("tools", &["tool"]),
    ("human", &["ask"]),
];

/// Packages of WASI that are linked and lead nowhere.
const INERT: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Checks both lists of names; gives the interfaces of the contract that are imported.
pub(crate) fn check_world(component: &Inspected) -> Result<Vec<String>, AdmissionError> {
    if !component.exports.iter().any(|export| is_version_of(export, AGENT)) {
        let message = format!(
            "{} does not export {AGENT}.0; export `agent.invoke` as the contract has it",
            component.manifest.name
        );
        return Err(refused("wrong_world", message));
    }
    let mut imports = Vec::new();
    for import in &component.imports {
        if let Some(interface) = check_import(import, &component.manifest)? {
            imports.push(interface.to_owned());
        }
    }
    imports.sort_unstable();
    Ok(imports)
}

/// Whether `name` is `base` itself or a later patch of it.
fn is_version_of(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|patch| patch.is_empty() || patch.starts_with('.'))
}

/// The interface that is imported, if it leads anywhere.
fn check_import<'a>(
    import: &'a str,
    manifest: &Manifest,
) -> Result<Option<&'a str>, AdmissionError> {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let plugin = &manifest.name;
    if let Some(interface) = path.strip_prefix(PACKAGE) {
        if !is_version_of(version, SERVED) {
            let message = format!(
                "{plugin} imports {interface}@{version}; this host serves {SERVED}; rebuild with \
                 sdk {SERVED} or upgrade the host"
            );
            return Err(refused("unsupported_api", message));
        }
        let known = INTERFACES.iter().find(|(name, _)| *name == interface);
        let (_, kinds) = known.ok_or_else(|| {
            let served = INTERFACES.map(|(name, _)| name).join(", ");
            let message = format!(
                "{plugin} imports {interface}@{version}, which contract {SERVED} does not have: it \
                 has {served}; rebuild with sdk {SERVED} or upgrade the host"
            );
            refused("wrong_world", message)
        })?;
        need(import, kinds, manifest)?;
        return Ok((interface != "types").then_some(interface));
    }
    if !is_version_of(version, "0.2") {
        return Err(unknown(import, manifest));
    }
    if path == RAW_HTTP {
        need(import, &[Recording::UNRECORDED_KIND], manifest)?;
        return Ok(Some(RAW_HTTP));
    }
    if path != "wasi:http/types" && !INERT.iter().any(|package| path.starts_with(package)) {
        return Err(unknown(import, manifest));
    }
    Ok(None)
}

fn unknown(import: &str, manifest: &Manifest) -> AdmissionError {
    let message = format!(
        "{} imports \"{import}\", which this host does not serve; a plugin may import \
         workflowforge:plugin@{SERVED} and WASI 0.2",
        manifest.name
    );
    refused("wrong_world", message)
}

/// What the linker's error means: the names are the contract's, and the types are not.
pub(crate) fn misfit(plugin: &str, error: &str) -> String {
    let at = error.split(PACKAGE).nth(1).and_then(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && !"@.-".contains(c)).next()
    });
    let place = at.map_or_else(String::new, |interface| format!(" at {interface}"));
    format!(
        "{plugin} does not fit the contract {SERVED}{place}: other types than this host serves \
         ({error}); rebuild with sdk {SERVED} or upgrade the host"
    )
}

fn need(import: &str, kinds: &[&str], manifest: &Manifest) -> Result<(), AdmissionError> {
    let asks =
        |kind: &&str| manifest.needs.iter().any(|need| Capability::kind(&need.capability) == *kind);
    let Some(first) = kinds.first() else {
        return Ok(());
    };
    if kinds.iter().any(asks) {
        return Ok(());
    }
    let message = format!(
        "{} imports {import}, but its manifest names no need of kind \"{first}\"; add \
         the need to plugin.toml, or build without the import",
        manifest.name
    );
    Err(refused("wrong_world", message))
}
