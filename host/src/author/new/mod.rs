//! `author::new::create`: a project, from templates that the program carries along.
//!
//! What is made appears whole or not at all: it is written beside its place and then renamed. An
//! empty folder that is there already stays the same one, and the parts of the project are renamed
//! into it. What is there already is never touched.

mod render;

use std::path::{Path, PathBuf};

use fs_err as fs;
use wforge_model::manifest::PluginName;

use super::assets::{self, Asset};
use super::machine::{Call, Machine};
use crate::cli::refusal::Refusal;

use render::Words;

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lang {
    /// Rust, compiled by cargo
    Rust,
    /// JavaScript
    #[value(alias = "javascript")]
    Js,
    /// TypeScript
    #[value(alias = "typescript")]
    Ts,
    /// Python
    #[value(alias = "py")]
    Python,
}

impl Lang {
    /// Its name as people write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Ts => "TypeScript",
            Self::Python => "Python",
        }
    }

    /// Its name in `plugin.toml`.
    const fn written(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "javascript",
            Self::Ts => "typescript",
            Self::Python => "python",
        }
    }

    /// The folder of its templates.
    const fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Ts => "ts",
            Self::Python => "python",
        }
    }

    /// What tests the agent without a sandbox.
    pub(crate) const fn tests(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::Js | Self::Ts => "npm install && npm test",
            Self::Python => "python3 -m unittest",
        }
    }
}

/// What an agent does to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Template {
    /// Greets: input, output, a failure
    Hello,
    /// Is called by other agents: schemas for a model to read
    Tool,
    /// Asks a model once
    Llm,
    /// Lets a model call tools until it can answer
    React,
    /// Fetches a page by a rule
    Http,
    /// Asks a person, and goes on after the answer
    Human,
}

impl Template {
    /// Its name, which is its folder's too.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Tool => "tool",
            Self::Llm => "llm",
            Self::React => "react",
            Self::Http => "http",
            Self::Human => "human",
        }
    }
}

/// What is to be made.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// A plugin with an agent.
    Agent { name: PluginName, lang: Lang, template: Template },
    /// A workflow without a plugin.
    Workflow { name: String },
}

impl Wanted {
    /// The last part of its name.
    pub(crate) fn short(&self) -> &str {
        match self {
            Self::Agent { name, .. } => name.as_str().rsplit('/').next().unwrap_or_default(),
            Self::Workflow { name } => name,
        }
    }
}

/// A project that was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
    /// Its files, without those of the SDK.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) git: Git,
}

/// What became of its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Git {
    /// A repository with a first commit.
    Committed,
    /// A repository; git does not know whose commit it would be.
    Begun,
    /// The folder lies in a repository already.
    Inside,
    /// There is no git.
    None,
}

/// The publisher of a name that says none: whoever takes it for real changes it.
pub(crate) const PUBLISHER: &str = "me";

/// The name of a plugin as typed, with a publisher of its own or that one.
pub(crate) fn plugin_name(text: &str, publisher: &str) -> Result<PluginName, Refusal> {
    let whole = if text.contains('/') { text.to_owned() } else { format!("{publisher}/{text}") };
    whole.parse().map_err(|error: wforge_model::manifest::ParsePluginNameError| {
        Refusal::user("bad_name", error.to_string())
    })
}

/// The name of a workflow as typed.
pub(crate) fn workflow_name(text: &str) -> Result<String, Refusal> {
    let whole = plugin_name(&format!("{PUBLISHER}/{text}"), PUBLISHER);
    whole.map(|_| text.to_owned()).map_err(|_| {
        let message = format!("\"{text}\" is no name of a workflow");
        Refusal::user("bad_name", message)
            .help("write small letters, digits and -, beginning with a letter")
    })
}

/// Makes the project in `folder`, which must not be there, or be empty.
pub(crate) async fn create(
    machine: &Machine,
    wanted: &Wanted,
    folder: &Path,
) -> anyhow::Result<Made> {
    refuse_taken(folder)?;
    let project = render::project(wanted, &Words::of(wanted))?;
    // Somebody may stand in a folder that is there, so it is filled and not replaced.
    let is_there = folder.is_dir();
    let around = match folder.parent() {
        _ if is_there => folder,
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(around)?;
    let unfinished = tempfile::Builder::new().prefix(".wforge-new-").tempdir_in(around)?;
    let place = unfinished.path().join("project");
    assets::write(&project, &place)?;
    let git = begin_history(machine, around, &place).await;
    if is_there {
        fill(folder, &place)?;
    } else {
        fs::rename(&place, folder).map_err(|error| taken(folder, &error.to_string()))?;
    }
    let own = |file: &Asset| !file.path.starts_with("vendor");
    let files = project.iter().filter(|file| own(file)).map(|file| file.path.clone()).collect();
    Ok(Made { folder: folder.to_owned(), files, git })
}

/// Moves a project into a folder, unless somebody put something there meanwhile.
fn fill(folder: &Path, place: &Path) -> anyhow::Result<()> {
    let parts = fs::read_dir(place)?.map(|part| part.map(|part| part.file_name()));
    let parts = parts.collect::<std::io::Result<Vec<_>>>()?;
    if parts.iter().any(|part| folder.join(part).exists()) {
        return Err(taken(folder, "it is not empty any more").into());
    }
    for part in parts {
        fs::rename(place.join(&part), folder.join(&part))?;
    }
    Ok(())
}

fn refuse_taken(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(taken(folder, "it is a file").into());
    }
    match fs::read_dir(folder)?.next() {
        None => Ok(()),
        Some(_) => Err(taken(folder, "it is not empty").into()),
    }
}

fn taken(folder: &Path, why: &str) -> Refusal {
    Refusal::user("taken", format!("{} is taken: {why}", folder.display()))
        .help("choose another name, or another place with --dir; nothing was written")
}

/// Begins a repository, unless the place lies in one. That it cannot be done spoils nothing.
async fn begin_history(machine: &Machine, parent: &Path, place: &Path) -> Git {
    let Some(git) = machine.program("git") else { return Git::None };
    let done = async |folder: &Path, args: &[&str]| {
        let ended = machine.run(Call::of(&git).args(args.iter().copied()).inside(folder)).await;
        ended.is_ok_and(|ended| ended.is_success)
    };
    if done(parent, &["rev-parse", "--is-inside-work-tree"]).await {
        return Git::Inside;
    }
    if !done(place, &["init", "--quiet"]).await {
        return Git::None;
    }
    // Git would make up whoever it does not know.
    let has_identity =
        done(place, &["config", "user.email"]).await && done(place, &["config", "user.name"]).await;
    let message = "Begin with what wforge new makes";
    if has_identity
        && done(place, &["add", "--all"]).await
        && done(place, &["commit", "--quiet", "--no-verify", "--message", message]).await
    {
        return Git::Committed;
    }
    Git::Begun
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn machine() -> Machine {
        Machine::new(BTreeMap::new())
    }

    fn agent() -> Wanted {
        let name = plugin_name("acme/greeter", PUBLISHER).unwrap();
        Wanted::Agent { name, lang: Lang::Js, template: Template::Hello }
    }

    #[test]
    fn a_name_without_a_publisher_gets_one() {
        assert_eq!(plugin_name("greeter", "acme").unwrap().as_str(), "acme/greeter");
        assert_eq!(plugin_name("you/greeter", "acme").unwrap().as_str(), "you/greeter");
        assert!(plugin_name("Greeter", "acme").unwrap_err().to_string().contains("no plugin name"));
        assert!(workflow_name("a/b").is_err());
    }

    #[tokio::test]
    async fn a_place_that_is_taken_stays_as_it_is() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("greeter");
        let made = create(&machine(), &agent(), &folder).await.unwrap();
        assert_eq!((made.git, made.files.contains(&"plugin.toml".into())), (Git::None, true));
        fs::write(folder.join("plugin.toml"), "mine").unwrap();
        let error = create(&machine(), &agent(), &folder).await.unwrap_err();
        assert!(error.to_string().ends_with("is taken: it is not empty"), "{error}");
        assert_eq!(fs::read_to_string(folder.join("plugin.toml")).unwrap(), "mine");
        let left: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing unfinished is left: {left:?}");
    }

    #[tokio::test]
    async fn an_empty_folder_is_filled_and_stays_the_same_one() {
        use std::os::unix::fs::MetadataExt as _;
        let outer = tempfile::tempdir().unwrap();
        let inode = || fs::metadata(outer.path()).unwrap().ino();
        let before = inode();
        let made = create(&machine(), &agent(), outer.path()).await.unwrap();
        assert!(made.folder.join("vendor/sdk/src/index.js").is_file());
        assert_eq!(inode(), before, "whoever stands in it would stand in no folder");
        let names = fs::read_dir(outer.path()).unwrap().map(|it| it.unwrap().file_name());
        let mut unfinished = names.filter(|name| name.to_string_lossy().starts_with(".wforge-new"));
        assert_eq!(unfinished.next(), None);
    }

    #[test]
    fn a_folder_that_somebody_filled_meanwhile_stays_as_it_is() {
        let (folder, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("README.md"), "mine").unwrap();
        for part in ["README.md", "plugin.toml"] {
            fs::write(place.path().join(part), "new").unwrap();
        }
        let error = fill(folder.path(), place.path()).unwrap_err().to_string();
        assert!(error.ends_with("is taken: it is not empty any more"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("README.md")).unwrap(), "mine");
        assert!(!folder.path().join("plugin.toml").exists());
    }
}
