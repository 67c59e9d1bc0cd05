//! `plugin.toml`: what a plugin says about itself, and how it is built.
//!
//! The part about itself becomes the manifest. The table `[build]` is for the build alone.

use std::path::{Path, PathBuf};

use fs_err as fs;
use semver::Version;
use serde::Deserialize;
use serde_json::Value;
use wforge_model::manifest::{
    AgentManifest, Behaviour, LimitHints, MAIN_AGENT, Manifest, Need, PluginName,
};

use crate::{BuildError, Interface, schema};

/// The file's name in a plugin's folder.
pub const PLUGIN_FILE: &str = "plugin.toml";

/// A plugin's folder, read and checked.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The folder.
    pub folder: PathBuf,
    /// What goes into the component.
    pub manifest: Manifest,
    /// How the component is made.
    pub build: Build,
}

/// The table `[build]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The language, and with it the tools.
    pub language: Language,
    /// The author's module with the agents; see [`Build::entry`].
    #[serde(default)]
    entry: Option<PathBuf>,
    /// The interfaces without a grant that the plugin imports. Rust imports what it calls, so there
    /// the default is all of them; elsewhere it is `log`.
    #[serde(default)]
    pub uses: Option<Vec<Interface>>,
}

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust, through cargo.
    Rust,
    /// JavaScript, through componentize-qjs.
    JavaScript,
    /// TypeScript: JavaScript once its types are taken out.
    TypeScript,
    /// Python, through componentize-py.
    Python,
}

impl Language {
    /// Its name as `plugin.toml` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }

    /// Whether QuickJS runs it.
    #[must_use]
    pub const fn is_script(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript)
    }
}

impl Build {
    /// The author's module with the agents, as `plugin.toml` says or as is usual.
    #[must_use]
    pub fn entry(&self) -> &Path {
        let usual = match self.language {
            Language::Rust => "src/lib.rs",
            Language::JavaScript => "src/agent.js",
            Language::TypeScript => "src/agent.ts",
            Language::Python => "src/agent.py",
        };
        self.entry.as_deref().unwrap_or(Path::new(usual))
    }

    /// The interfaces without a grant that the world has. `log` is always among them.
    #[must_use]
    pub fn free_interfaces(&self) -> Vec<Interface> {
        match (&self.uses, self.language) {
            (Some(uses), _) => uses.iter().copied().chain([Interface::Log]).collect(),
            (None, Language::Rust) => Interface::FREE.to_vec(),
            (None, _) => vec![Interface::Log],
        }
    }
}

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginFile {
    name: PluginName,
    version: Version,
    license: Option<String>,
    description: Option<String>,
    repository: Option<String>,
    agents: Vec<AgentEntry>,
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    limits: LimitHints,
    #[serde(default)]
    behaviour: Behaviour,
    build: Build,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentEntry {
    name: Option<String>,
    description: Option<String>,
    input: Option<Value>,
    output: Option<Value>,
    config: Option<Value>,
    #[serde(default)]
    exits: Vec<String>,
}

impl Plugin {
    /// Reads the folder's `plugin.toml` and the schemas it points to.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(folder: &Path) -> Result<Self, BuildError> {
        let path = folder.join(PLUGIN_FILE);
        let file: PluginFile = toml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| refused(&path, error.to_string().trim_end()))?;
        check(&file).map_err(|message| refused(&path, &message))?;
        let agents = file.agents.into_iter().map(|agent| resolve(folder, &path, agent));
        let manifest = Manifest {
            name: file.name,
            version: file.version,
            license: file.license,
            description: file.description,
            repository: file.repository,
            agents: agents.collect::<Result<_, _>>()?,
            needs: file.needs,
            limits: file.limits,
            behaviour: file.behaviour,
        };
        let manifest =
            manifest.checked().map_err(|source| BuildError::Manifest { path, source })?;
        Ok(Self { folder: folder.to_owned(), manifest, build: file.build })
    }

    /// The file name of the component: `<publisher>-<name>.wasm`.
    #[must_use]
    pub fn component_file(&self) -> String {
        format!("{}.wasm", self.manifest.name.as_str().replace('/', "-"))
    }

    /// The path of `plugin.toml`.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join(PLUGIN_FILE)
    }
}

fn check(file: &PluginFile) -> Result<(), String> {
    if let Some(need) = file.needs.iter().find(|need| need.reason.trim().is_empty()) {
        return Err(format!(
            "the need \"{}\" has no reason: say in a sentence what it is for, whoever grants it \
             reads that",
            need.capability
        ));
    }
    let uses = file.build.uses.iter().flatten();
    match uses.copied().find(|interface| !interface.is_free()) {
        Some(interface) => Err(format!(
            "build.uses has \"{}\", which needs a grant: ask for it under [[needs]]",
            interface.name()
        )),
        None => Ok(()),
    }
}

fn resolve(folder: &Path, path: &Path, agent: AgentEntry) -> Result<AgentManifest, BuildError> {
    let name = agent.name.unwrap_or_else(|| MAIN_AGENT.to_owned());
    let load = |field, written| {
        schema::load(folder, written).map_err(|message| BuildError::Schema {
            path: path.to_owned(),
            agent: name.clone(),
            field,
            message,
        })
    };
    Ok(AgentManifest {
        input: load("input", agent.input)?,
        output: load("output", agent.output)?,
        config: load("config", agent.config)?,
        description: agent.description,
        exits: agent.exits,
        name,
    })
}

fn refused(path: &Path, message: &str) -> BuildError {
    BuildError::PluginFile { path: path.to_owned(), message: message.to_owned() }
}
