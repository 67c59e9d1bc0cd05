//! `author::build::build`: from a project's folder to a component that a host admits.
//!
//! The steps: read `plugin.toml`, find the compiler, compile, pack, ask the component in the host's
//! own sandbox what it knows of its agents, and pack again where that says more than `plugin.toml`.
//! What is checked and what is written into a component is `wforge_build`'s; here is the order of
//! the steps, and the calls of compilers.

mod describe;
mod refused;
mod rust;
mod schemas;
mod scripted;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use wforge_build::{Language, Packed, Plugin};
use wforge_model::manifest::Manifest;
use wforge_ports::Clock as _;

use super::machine::Machine;
use super::toolchain::{Missing, install};
use crate::cli::refusal::Refusal;
use crate::clock::SystemClock;

pub(crate) use refused::refused;
pub(crate) use stage::PYTHON_CACHE;

/// Where a project's component lies, and below it what was made on the way.
pub(crate) const TARGET: &str = "target";

/// What is wanted of a build.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The machine whose compilers are used.
    pub(crate) machine: Machine,
    /// Where the component goes; none: `target` in the project.
    pub(crate) out: Option<PathBuf>,
    /// Whether a missing tool may be installed into the cache.
    pub(crate) install: bool,
    /// Where the schemas in the code come from.
    pub(crate) schemas: Schemas,
}

impl Options {
    /// A build as `wforge build` makes one.
    pub(crate) const fn new(machine: Machine) -> Self {
        Self { machine, out: None, install: false, schemas: Schemas::Ask }
    }
}

/// Where the schemas in the code come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schemas {
    /// The component is asked.
    Ask,
    /// The answer to the last build's question is taken, where there is one: for whoever builds at
    /// every change, and would wait for the component to be compiled twice.
    Kept,
}

/// What happens during a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// A stage begins.
    Begun(Stage),
    /// A tool was installed, or a compiler warns.
    Said(&'a str),
}

/// Hears what happens.
pub(crate) type Progress<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// A part of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Looking for compilers, and installing them where that is wanted.
    Tools,
    /// Compiling.
    Compile,
    /// Asking the component what it knows.
    Describe,
    /// Checking, stripping and embedding the manifest.
    Pack,
}

impl Stage {
    /// In words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Compile => "compile",
            Self::Describe => "describe",
            Self::Pack => "pack",
        }
    }
}

/// A component, and how it came about.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    /// Its file.
    pub(crate) component: PathBuf,
    /// What is in it.
    pub(crate) manifest: Manifest,
    /// How long each stage took, in order.
    pub(crate) stages: Vec<(Stage, Duration)>,
    /// Its size.
    pub(crate) bytes: usize,
    /// Its size before stripping.
    pub(crate) bytes_before: usize,
    /// `sha256:…` of it.
    pub(crate) digest: String,
    /// The compiler.
    pub(crate) compiler: String,
}

/// Builds the project in `folder`.
pub(crate) async fn build(
    folder: &Path,
    options: &Options,
    progress: Progress<'_>,
) -> anyhow::Result<Built> {
    let mut plugin = read(folder)?;
    let work = Work::make(&plugin)?;
    let mut stages = Stages { progress, done: Vec::new() };
    let began_ns = stages.begin(Stage::Tools);
    let compiler = Compiler::find(&plugin, options, progress).await?;
    stages.end(Stage::Tools, began_ns);

    let began_ns = stages.begin(Stage::Compile);
    let raw = compiler.compile(&plugin, &work, options, progress).await?;
    stages.end(Stage::Compile, began_ns);

    let written = plugin.manifest.clone();
    let began_ns = stages.begin(Stage::Pack);
    // What the last build heard is most likely what this one will hear. Then what is asked is what
    // is written, and whoever calls the component next finds its native code.
    let last = work.last_description();
    let guess = last.filter(|known| schemas::merge(&mut plugin.clone(), known).is_ok());
    if let Some(known) = &guess {
        schemas::merge(&mut plugin, known)?;
    }
    let mut packed = pack(&plugin, &raw).await?;
    stages.end(Stage::Pack, began_ns);

    if guess.is_none() || options.schemas == Schemas::Ask {
        let began_ns = stages.begin(Stage::Describe);
        let known = describe::ask(&packed.bytes, &place(&plugin, options)).await?;
        work.keep_description(&known)?;
        stages.end(Stage::Describe, began_ns);
        let guessed = std::mem::replace(&mut plugin.manifest, written);
        schemas::merge(&mut plugin, &known)?;
        if plugin.manifest != guessed {
            let began_ns = stages.begin(Stage::Pack);
            packed = pack(&plugin, &raw).await?;
            stages.end(Stage::Pack, began_ns);
        }
    }
    let component = write(&plugin, &packed, options)?;
    Ok(stages.built(component, plugin.manifest, &packed, compiler.said()))
}

/// The project in a folder.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Plugin> {
    let file = folder.join(wforge_build::PLUGIN_FILE);
    if !file.is_file() {
        let message = format!("{} is no plugin: it has no plugin.toml", folder.display());
        return Err(Refusal::user("no_plugin", message)
            .help("wforge new agent NAME makes a project; or name the folder of one")
            .into());
    }
    // Compilers run elsewhere, so the folder must be found from everywhere.
    let folder = fs::canonicalize(folder)?;
    Plugin::read(&folder).map_err(|error| refused(&error).into())
}

/// What compiles a plugin.
#[derive(Debug, Clone)]
enum Compiler {
    Rust(super::toolchain::rust::Rust),
    Scripted(super::toolchain::scripted::Compiler),
}

impl Compiler {
    /// Looks for it; installs it once, where that is wanted and can be done.
    async fn find(
        plugin: &Plugin,
        options: &Options,
        progress: Progress<'_>,
    ) -> anyhow::Result<Self> {
        let missing = match Self::look(plugin, &options.machine).await {
            Ok(found) => return Ok(found),
            Err(missing) => missing,
        };
        let (true, Some(fix)) = (options.install, missing.fix) else {
            return Err(Refusal::from(missing).into());
        };
        let installed = install::fix(&options.machine, fix).await?;
        progress(Event::Said(&format!("installed {installed}")));
        Ok(Self::look(plugin, &options.machine).await.map_err(Refusal::from)?)
    }

    async fn look(plugin: &Plugin, machine: &Machine) -> Result<Self, Missing> {
        use super::toolchain::{rust, scripted};
        let folder = &plugin.folder;
        match plugin.build.language {
            Language::Rust => rust::find(machine, folder).await.map(Self::Rust),
            Language::JavaScript | Language::TypeScript => {
                scripted::javascript(machine, folder).await.map(Self::Scripted)
            }
            Language::Python => scripted::python(machine, folder).await.map(Self::Scripted),
        }
    }

    async fn compile(
        &self,
        plugin: &Plugin,
        work: &Work,
        options: &Options,
        progress: Progress<'_>,
    ) -> anyhow::Result<PathBuf> {
        match self {
            Self::Rust(rust) => rust::compile(rust, plugin, options, progress).await,
            Self::Scripted(compiler) => {
                scripted::compile(compiler, plugin, work, options, progress).await
            }
        }
    }

    fn said(&self) -> String {
        match self {
            Self::Rust(rust) => rust.said(),
            Self::Scripted(compiler) => compiler.program().display().to_string(),
        }
    }
}

/// Where what is made on the way lies.
#[derive(Debug, Clone)]
struct Work {
    folder: PathBuf,
}

impl Work {
    fn make(plugin: &Plugin) -> anyhow::Result<Self> {
        let folder = plugin.folder.join(TARGET).join("wforge");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the component said of itself at the last build; null where that was nothing.
    fn last_description(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&fs::read(self.path("agents.json")).ok()?).ok()
    }

    fn keep_description(&self, known: &serde_json::Value) -> anyhow::Result<()> {
        fs::write(self.path("agents.json"), serde_json::to_vec(known)?)?;
        Ok(())
    }
}

/// Off the executor: a component in Python has 18 MB to be validated.
async fn pack(plugin: &Plugin, raw: &Path) -> anyhow::Result<Packed> {
    let (plugin, raw) = (plugin.clone(), raw.to_owned());
    let packed = tokio::task::spawn_blocking(move || wforge_build::pack(&plugin, &raw)).await?;
    packed.map_err(|error| refused(&error).into())
}

/// Where the component goes.
fn place(plugin: &Plugin, options: &Options) -> PathBuf {
    let folder = options.out.clone().unwrap_or_else(|| plugin.folder.join(TARGET));
    folder.join(plugin.component_file())
}

/// Writes the component. A reader never sees half of one.
fn write(plugin: &Plugin, packed: &Packed, options: &Options) -> anyhow::Result<PathBuf> {
    let component = place(plugin, options);
    if let Some(folder) = component.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = component.with_extension("wasm.part");
    fs::write(&unfinished, &packed.bytes)?;
    fs::rename(&unfinished, &component)?;
    Ok(component)
}

/// The clock of a build.
struct Stages<'a> {
    progress: Progress<'a>,
    done: Vec<(Stage, Duration)>,
}

impl Stages<'_> {
    fn begin(&self, stage: Stage) -> u64 {
        (self.progress)(Event::Begun(stage));
        SystemClock.monotonic_ns()
    }

    /// A stage that comes twice counts once.
    fn end(&mut self, stage: Stage, began_ns: u64) {
        let took = Duration::from_nanos(SystemClock.monotonic_ns().saturating_sub(began_ns));
        match self.done.iter_mut().find(|(done, _)| *done == stage) {
            Some((_, before)) => *before += took,
            None => self.done.push((stage, took)),
        }
    }

    fn built(
        self,
        component: PathBuf,
        manifest: Manifest,
        packed: &Packed,
        compiler: String,
    ) -> Built {
        let digest = Sha256::digest(&packed.bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Built {
            component,
            manifest,
            stages: self.done,
            bytes: packed.bytes.len(),
            bytes_before: packed.bytes_before,
            digest: format!("sha256:{digest}"),
            compiler,
        }
    }
}
