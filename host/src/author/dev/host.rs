//! A host of the project's own, in this process: it keeps nothing but compiled code, in
//! `.wforge/dev` of the project, and drops that of components that nobody will run again.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures::stream::BoxStream;
use wforge_engine::RunMessage;
use wforge_model::manifest::Manifest;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Capability, Digest, RunId};

use crate::cli::refusal::Refusal;
use crate::client::{Answer, Component, Embedded, Report, Start};
use crate::compose::{Host, Mode, components_in, default_tenant, read_component};
use crate::config::{Config, Environment, StoreKind};
use crate::secrets::private_folder;

/// Where compiled code lies in a project.
const FOLDER: &str = ".wforge";
/// Components whose code is kept: the newest, and those that a save takes back.
const KEPT_MAX: usize = 4;
/// Everything that the manifest asks for.
pub(crate) const NEEDS: &str = "needs";

/// The host.
#[derive(Debug)]
pub(crate) struct LocalHost {
    client: Embedded,
    folder: PathBuf,
    /// Where other plugins of the workflow come from.
    dirs: Vec<PathBuf>,
    /// The operator's grants as they were found, beside those of the project.
    grants: toml::Table,
    current: Option<Current>,
    kept: VecDeque<Digest>,
}

/// The component that serves.
#[derive(Debug)]
struct Current {
    component: Component,
    manifest: Manifest,
}

impl LocalHost {
    /// Opens it for the project in `project`.
    pub(crate) async fn open(config: &Config, project: &Path) -> anyhow::Result<Self> {
        let outer = project.join(FOLDER);
        private_folder(&outer)?;
        // Nobody wants it in a commit, whatever the project's own file says.
        fs_err::write(outer.join(".gitignore"), "*\n")?;
        let folder = outer.join("dev");
        private_folder(&folder)?;
        let grants = operators(&config.plugins.grants_file)?;
        let config = local(config, &folder);
        fs_err::write(&config.plugins.grants_file, toml::to_string(&grants)?)?;
        let dirs = config.plugins.dirs.clone();
        let host = Host::open(&config, Mode::Drive).await?;
        let client = Embedded::new(host, default_tenant()?);
        let kept = of_before(&config.data_dir)?;
        Ok(Self { client, folder, dirs, grants, current: None, kept })
    }

    /// Lets a component serve in the place of the one before; where a host refuses it, that one
    /// stays.
    pub(crate) async fn swap(&mut self, component: Component) -> anyhow::Result<()> {
        let admitted = self.client.admit(component.clone()).await?;
        self.current = Some(Current { component, manifest: admitted.manifest });
        self.keep(admitted.component);
        Ok(())
    }

    /// The manifest of the component that serves.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.current.as_ref().map(|current| &current.manifest)
    }

    /// Grants the component this and nothing else; none: what it needs. What it then may do.
    pub(crate) fn grant(&self, wanted: Option<&[String]>) -> anyhow::Result<Vec<Capability>> {
        let Some(Current { manifest, .. }) = &self.current else { return Ok(Vec::new()) };
        let needs = || manifest.needs.iter().map(|need| need.capability.clone());
        let mut granted: Vec<Capability> = Vec::new();
        match wanted {
            None => granted.extend(needs()),
            Some(words) => {
                for word in words {
                    if word == NEEDS {
                        granted.extend(needs());
                        continue;
                    }
                    let parsed = word.parse::<Capability>();
                    granted.push(parsed.map_err(|error| {
                        Refusal::user("bad_flags", format!("--grant {word}: {error}"))
                            .help("plugin.toml's needs are written the same way")
                    })?);
                }
            }
        }
        let mut file = self.grants.clone();
        let all = file.entry("grant").or_insert_with(|| toml::Value::Array(Vec::new()));
        if let toml::Value::Array(all) = all {
            let name = toml::Value::from(manifest.name.as_str());
            // Who says what is granted means that and nothing else.
            all.retain(|grant| wanted.is_none() || grant.get("plugin") != Some(&name));
            let names: Vec<String> = granted.iter().map(ToString::to_string).collect();
            let mut ours = toml::Table::new();
            ours.insert("plugin".to_owned(), name);
            ours.insert("capabilities".to_owned(), names.into());
            ours.insert("reason".to_owned(), "wforge dev".into());
            all.push(toml::Value::Table(ours));
        }
        fs_err::write(self.folder.join("grants.toml"), toml::to_string(&file)?)?;
        self.client.read_grants_again();
        Ok(granted)
    }

    /// Starts a run on the component that serves, and on others that the workflow names.
    pub(crate) async fn start(&mut self, start: Start) -> anyhow::Result<RunId> {
        let current = self.current.as_ref().context("nothing is built yet")?;
        let mut components = vec![current.component.clone()];
        if names_others(start.workflow.draft(), &current.manifest) {
            let built = Path::new(&current.component.file).file_name();
            for dir in self.dirs.iter().filter(|dir| dir.is_dir()) {
                let files = components_in(dir)?;
                let others = files.iter().filter(|file| file.file_name() != built);
                for file in others {
                    components.push(read_component(file)?);
                }
            }
        }
        self.client.start(Start { plugins: Some(components), ..start }).await
    }

    /// What comes from a run.
    pub(crate) fn messages(&self, run: RunId) -> BoxStream<'static, anyhow::Result<RunMessage>> {
        self.client.messages(run)
    }

    /// A run with everything that is known of it.
    pub(crate) async fn report(&self, run: RunId) -> anyhow::Result<Report> {
        self.client.report(run).await
    }

    /// Answers what a run asks.
    pub(crate) async fn resume(&self, run: RunId, answers: Vec<Answer>) -> anyhow::Result<()> {
        self.client.resume(run, answers).await.map(drop)
    }

    /// Ends a run.
    pub(crate) async fn cancel(&self, run: RunId, reason: &str) -> anyhow::Result<()> {
        self.client.cancel(run, reason).await.map(drop)
    }

    /// Keeps the bytes of a file that an input names by its digest.
    pub(crate) async fn put_blob(&self, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.client.put_blob(bytes).await
    }

    /// Ends the host. Runs end with it, since it keeps nothing.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.client.close().await
    }

    /// Keeps the code of the newest components.
    fn keep(&mut self, digest: Digest) {
        self.kept.retain(|kept| *kept != digest);
        self.kept.push_back(digest);
        while self.kept.len() > KEPT_MAX {
            let Some(old) = self.kept.pop_front() else { return };
            if let Err(error) = forget(&self.folder, &old.hex()) {
                tracing::warn!(%old, %error, "the code of an old component cannot be removed");
            }
        }
    }
}

/// The components that are kept from the time before, the oldest first.
fn of_before(folder: &Path) -> anyhow::Result<VecDeque<Digest>> {
    let mut found = Vec::new();
    let components = folder.join("components");
    let files = if components.is_dir() { components_in(&components)? } else { Vec::new() };
    for file in files {
        let hex = file.file_stem().and_then(|stem| stem.to_str());
        let digest = hex.map(|hex| format!("sha256:{hex}").parse::<Digest>());
        if let Some(Ok(digest)) = digest {
            found.push((fs_err::metadata(&file)?.modified()?, digest));
        }
    }
    found.sort_by_key(|(saved, _)| *saved);
    Ok(found.into_iter().map(|(_, digest)| digest).collect())
}

/// The operator's grants; none where there is no file.
fn operators(path: &Path) -> anyhow::Result<toml::Table> {
    match fs_err::read_to_string(path) {
        Ok(text) => text.parse().with_context(|| format!("reading {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(toml::Table::new()),
        Err(error) => Err(error.into()),
    }
}

/// The configuration, for a host of the project's own.
fn local(config: &Config, folder: &Path) -> Config {
    let mut config = config.clone();
    config.env = Environment::Development;
    config.store.kind = StoreKind::Memory;
    config.plugins.grants_file = folder.join("grants.toml");
    // What is built here is its author's own, and is not signed yet.
    config.plugins.require_signed = false;
    config.client.server = None;
    config.data_dir = folder.to_owned();
    config
}

/// Whether a node wants another plugin than this one.
fn names_others(draft: &WorkflowDraft, manifest: &Manifest) -> bool {
    draft.nodes.values().any(|node| match &node.work {
        Work::Agent(agent) => agent.plugin != manifest.name,
        // Who is named in there is not known here.
        Work::Workflow(_) => true,
        Work::Mock | Work::Set(_) | Work::Ask(_) => false,
    })
}

/// Removes the files of a component, which begin with its digest.
fn forget(folder: &Path, digest: &str) -> std::io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "keys") {
            forget(&path, digest)?;
        } else if path.file_stem().is_some_and(|stem| stem == digest) {
            fs_err::remove_file(path)?;
        }
    }
    Ok(())
}
