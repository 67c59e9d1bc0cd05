//! What a build refuses, as commands tell it.

use wforge_build::BuildError;

use super::super::machine::Ended;
use super::super::toolchain::install::offline;
use crate::cli::refusal::Refusal;

/// A plugin that cannot be built; the message has the place and the fix.
pub(crate) fn refused(error: &BuildError) -> Refusal {
    let code = match error {
        BuildError::File(_) => "unreadable",
        BuildError::PluginFile { .. }
        | BuildError::Manifest { .. }
        | BuildError::Unsupported { .. } => "bad_plugin",
        BuildError::Schema { .. } => "bad_schema",
        BuildError::Wit { .. } => "bad_wit",
        BuildError::NoComponent { .. } | BuildError::NoAgent { .. } => "bad_component",
        BuildError::Undeclared { .. } => "undeclared_import",
        BuildError::Agents { .. } => "agents_differ",
    };
    Refusal::user(code, error.to_string())
}

/// A compiler that did not do its work; what it said comes along as it is.
pub(super) fn not_compiled(plugin: &str, compiler: &str, ended: &Ended) -> Refusal {
    let said = ended.said();
    let refusal = Refusal::user("not_compiled", format!("{compiler} did not compile {plugin}"));
    let refusal = match offline(&said) {
        Some(help) => refusal.help(help),
        None => refusal,
    };
    refusal.details([said])
}
