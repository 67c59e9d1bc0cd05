//! Why nothing was compiled. What the author did wrong reads like a compiler's message.

use std::error::Error;
use std::path::PathBuf;

/// What a tool that is called here says.
pub(crate) type ToolError = Box<dyn Error + Send + Sync>;

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// An argument that does not go with the others.
    #[error("{0}")]
    Arguments(String),
    /// A file could not be read or written; the source names it.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The world is not in the folder, or its WIT is none.
    #[error("{}: the world \"{world}\" cannot be read", folder.display())]
    World {
        /// The folder.
        folder: PathBuf,
        /// The world.
        world: String,
        /// What the parser says.
        source: ToolError,
    },
    /// The entry module does not lie where modules are looked for.
    #[error("{}: the entry lies not below {}, nor below a --path", entry.display(), root.display())]
    Outside {
        /// The entry module.
        entry: PathBuf,
        /// The folder.
        root: PathBuf,
    },
    /// TypeScript that cannot become JavaScript by leaving its types out.
    #[error("{0}")]
    TypeScript(String),
    /// The author's code, or what it imports, does not load.
    #[error("the code does not load")]
    Code(#[source] ToolError),
    /// A step of the compiler itself failed.
    #[error("{step}")]
    Tool {
        /// What was being done.
        step: &'static str,
        /// What the tool says.
        source: ToolError,
    },
}

impl CompileError {
    /// A step of the compiler itself failed.
    pub(crate) fn tool<E: Into<ToolError>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Tool { step, source: error.into() }
    }

    /// With every cause, each on a line of its own where it has several lines.
    pub(crate) fn report(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            let said = cause.to_string();
            // Causes often repeat in what stands around them.
            if !said.is_empty() && !text.contains(said.trim_end()) {
                text.push_str(": ");
                text.push_str(said.trim_end());
            }
            next = cause.source();
        }
        text
    }
}
