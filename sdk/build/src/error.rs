//! What can go wrong on the way from a plugin's folder to a component. Each names place and fix.

use std::path::PathBuf;

use wforge_model::manifest::ManifestError;

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file could not be read or written; the source names it.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// `plugin.toml` is no TOML or has fields that it should not have.
    #[error("{}: {message}", path.display())]
    PluginFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        message: String,
    },
    /// The manifest that `plugin.toml` describes cannot be used.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A schema is missing or is none.
    #[error("{}: agent \"{agent}\", {field} schema: {message}", path.display())]
    Schema {
        /// The file that says where the schema is.
        path: PathBuf,
        /// The agent.
        agent: String,
        /// `input`, `output` or `config`.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The contract's WIT cannot be read, or lacks an interface.
    #[error("{}: {message}", path.display())]
    Wit {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The need cannot be met for this language yet.
    #[error(
        "{}: the need \"{need}\" is not supported yet for {language}: ask for http:<rule>, whose \
         requests are recorded, or write the plugin in Rust", path.display()
    )]
    Unsupported {
        /// The file with the need.
        path: PathBuf,
        /// The capability.
        need: String,
        /// The plugin's language.
        language: &'static str,
    },
    /// The bytes are no component.
    #[error("{}: {message}", path.display())]
    NoComponent {
        /// The file.
        path: PathBuf,
        /// What it is instead, and what to do.
        message: String,
    },
    /// The component imports what its manifest does not ask for.
    #[error("{}: the component imports {import}: {fix}", path.display())]
    Undeclared {
        /// The component.
        path: PathBuf,
        /// The import's name.
        import: String,
        /// What to do about it.
        fix: String,
    },
    /// The component does not export `agent`.
    #[error(
        "{}: the component does not export {export}: put #[agent] (Rust) or @agent (Python) on a \
         function, or `export const agent = defineAgent(…)` in the entry module", path.display()
    )]
    NoAgent {
        /// The component.
        path: PathBuf,
        /// The export that is missing.
        export: String,
    },
    /// The agents in the code are not those in `plugin.toml`.
    #[error(
        "{}: the code has the agents [{code}], plugin.toml has [{manifest}]: make them the same",
        path.display()
    )]
    Agents {
        /// The component.
        path: PathBuf,
        /// Names in the code.
        code: String,
        /// Names in the manifest.
        manifest: String,
    },
}
