//! Templates and the words in them: what the files of a project are.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use wforge_build::{Language, PLUGIN_FILE};
use wforge_model::manifest::MAIN_AGENT;
use wforge_model::tool::agent_tool_name;

use super::{Lang, Wanted};
use crate::author::assets::{self, Asset};

/// Where editors find the JSON Schemas of files.
const SCHEMAS: &str =
    "https://raw.githubusercontent.com/workflowforge/workflowforge/main/docs/reference";

/// What stands for the words in double braces.
#[derive(Debug, Clone)]
pub(super) struct Words(Vec<(&'static str, String)>);

impl Words {
    pub(super) fn of(wanted: &Wanted) -> Self {
        let schemas = ("schemas", SCHEMAS.to_owned());
        match wanted {
            Wanted::Workflow { name } => Self(vec![("name", name.clone()), schemas]),
            Wanted::Agent { name, lang, .. } => {
                let whole = name.as_str();
                let joined = whole.replace('/', "-");
                Self(vec![
                    ("plugin", whole.to_owned()),
                    ("publisher", whole.split('/').next().unwrap_or_default().to_owned()),
                    ("name", wanted.short().to_owned()),
                    ("crate", joined.clone()),
                    ("file", format!("{joined}.wasm")),
                    ("tool", agent_tool_name(name, MAIN_AGENT)),
                    ("lookup_tool", agent_tool_name(name, "lookup")),
                    ("language", lang.written().to_owned()),
                    schemas,
                ])
            }
        }
    }

    /// The text with its words. Other braces, such as those of expressions, stay.
    fn put_into(&self, text: &str) -> String {
        let with = |text: String, (word, value): &(&str, String)| {
            text.replace(&format!("{{{{{word}}}}}"), value)
        };
        self.0.iter().fold(text.to_owned(), with)
    }

    fn and(mut self, word: &'static str, value: String) -> Self {
        self.0.push((word, value));
        self
    }
}

/// All files of a project, the SDK among them.
pub(super) fn project(wanted: &Wanted, words: &Words) -> anyhow::Result<Vec<Asset>> {
    let (layers, vendored) = match wanted {
        Wanted::Workflow { .. } => (vec!["workflow/hello".to_owned()], Vec::new()),
        Wanted::Agent { lang, template, .. } => {
            let (template, lang) = (template.name(), *lang);
            let of = |folder: &str, name: &str| format!("{folder}/{name}");
            let layers = vec![
                of("shared", "base"),
                of("shared", template),
                of(lang.folder(), "base"),
                of(lang.folder(), template),
            ];
            (layers, vendor(lang))
        }
    };
    let assets: Vec<Asset> = layers.iter().flat_map(|layer| assets::template(layer)).collect();
    let words = described(&assets, words.clone())?;
    let mut files = assets.iter().map(|asset| rendered(asset, &words)).collect::<Vec<_>>();
    files.extend(vendored);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// The words with the description that the template's `plugin.toml` has.
fn described(assets: &[Asset], words: Words) -> anyhow::Result<Words> {
    let Some(asset) = assets.iter().find(|asset| asset.path == Path::new(PLUGIN_FILE)) else {
        return Ok(words);
    };
    let text = words.put_into(&String::from_utf8_lossy(&asset.bytes));
    let manifest: toml::Table = toml::from_str(&text)?;
    let description = manifest.get("description").and_then(toml::Value::as_str).unwrap_or_default();
    Ok(words.and("description", description.to_owned()))
}

/// The SDK, where the language's tools find it.
fn vendor(lang: Lang) -> Vec<Asset> {
    let (language, folder) = match lang {
        Lang::Rust => (Language::Rust, "vendor/workflowforge-sdk"),
        Lang::Js | Lang::Ts => (Language::JavaScript, "vendor/sdk"),
        Lang::Python => (Language::Python, "vendor/workflowforge"),
    };
    let below = |asset: Asset| Asset { path: Path::new(folder).join(&asset.path), ..asset };
    assets::sdk(language).into_iter().map(below).collect()
}

fn rendered(asset: &Asset, words: &Words) -> Asset {
    let bytes = match std::str::from_utf8(&asset.bytes) {
        Ok(text) => Cow::Owned(words.put_into(text).into_bytes()),
        Err(_) => asset.bytes.clone(),
    };
    Asset { path: dotted(&asset.path), bytes }
}

/// `_gitignore` is `.gitignore`: under its own name a tool would take it for its own in our tree.
/// Names such as `__init__.py` stay.
fn dotted(path: &Path) -> PathBuf {
    let name = |part: Component<'_>| {
        let part = part.as_os_str().to_string_lossy().into_owned();
        match part.strip_prefix('_') {
            Some(rest) if !rest.starts_with('_') => format!(".{rest}"),
            _ => part,
        }
    };
    path.components().map(name).collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::super::{Template, plugin_name};
    use super::*;

    fn every_agent() -> impl Iterator<Item = Wanted> {
        let name = plugin_name("acme/my-thing", "me").unwrap();
        Lang::value_variants().iter().flat_map(move |&lang| {
            let name = name.clone();
            let wanted =
                move |&template: &Template| Wanted::Agent { name: name.clone(), lang, template };
            Template::value_variants().iter().map(wanted)
        })
    }

    fn files(wanted: &Wanted) -> Vec<Asset> {
        project(wanted, &Words::of(wanted)).unwrap()
    }

    #[test]
    fn every_template_of_every_language_is_whole() {
        let needed = [
            "plugin.toml",
            "workflow.yaml",
            "wforge.toml",
            "grants.toml",
            "tests/agent.yaml",
            "README.md",
            ".gitignore",
            ".github/workflows/ci.yml",
        ];
        for wanted in every_agent() {
            let files = files(&wanted);
            let has = |path: &str| files.iter().any(|file| file.path == Path::new(path));
            for path in needed {
                assert!(has(path), "{wanted:?} has no {path}");
            }
            let own = ["src/lib.rs", "src/agent.js", "src/agent.ts", "src/agent.py"];
            assert_eq!(own.iter().filter(|path| has(path)).count(), 1, "{wanted:?}");
        }
    }

    #[test]
    fn no_word_is_left_and_every_manifest_is_one() {
        for wanted in every_agent() {
            let files = files(&wanted);
            for file in files.iter().filter(|file| !file.path.starts_with("vendor")) {
                let text = String::from_utf8(file.bytes.to_vec()).unwrap();
                assert!(
                    !text.contains("{{"),
                    "{wanted:?}: {} has a word left",
                    file.path.display()
                );
            }
            let folder = tempfile::tempdir().unwrap();
            assets::write(&files, folder.path()).unwrap();
            let plugin = wforge_build::Plugin::read(folder.path()).unwrap();
            assert_eq!(plugin.component_file(), "acme-my-thing.wasm");
        }
    }

    #[test]
    fn a_tool_is_called_as_the_host_calls_it_however_long_its_name_is() {
        let name = plugin_name(&format!("acme/{}", "long".repeat(15)), "me").unwrap();
        let tool = agent_tool_name(&name, "lookup");
        let wanted = Wanted::Agent { name, lang: Lang::Js, template: Template::React };
        let grants = files(&wanted).into_iter().find(|file| file.path == Path::new("grants.toml"));
        let grants = String::from_utf8(grants.unwrap().bytes.into_owned()).unwrap();
        assert!(grants.contains(&format!("\"tool:{tool}\"")), "{grants}");
    }

    #[test]
    fn a_workflow_needs_no_plugin() {
        let files = files(&Wanted::Workflow { name: "review".to_owned() });
        let text = |path: &str| {
            let file = files.iter().find(|file| file.path == Path::new(path)).unwrap();
            String::from_utf8(file.bytes.to_vec()).unwrap()
        };
        assert!(text("workflow.yaml").contains("\nname: review\n"));
        assert!(
            text("workflow.yaml").contains("{{ state.draft }}"),
            "expressions keep their braces"
        );
    }

    #[test]
    fn names_that_tools_would_take_for_their_own_are_disguised() {
        let dotted = |path: &str| dotted(Path::new(path)).display().to_string();
        assert_eq!(dotted("_github/workflows/ci.yml"), ".github/workflows/ci.yml");
        assert_eq!(dotted("test/__init__.py"), "test/__init__.py");
    }
}
