//! The layers that values come from, one over the other: defaults, a login, `wforge.toml`, `.env`
//! and the environment, flags. Keeps for every value where it was written.
//!
//! Never here: what a value means. That is `config::Config`'s.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};

use super::key::Key;
use super::keys::KEYS;
use super::setting::Setting;
use super::{Finding, reference};
use crate::contexts::Login;

/// What the process was given, so that a test can give something else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// The folder that the command was started in.
    pub(crate) current_dir: PathBuf,
    /// The environment.
    pub(crate) variables: BTreeMap<String, String>,
    /// Keys that flags set, with the flag.
    pub(crate) flags: Vec<Flag>,
    /// `--config`.
    pub(crate) file: Option<PathBuf>,
    /// The server that somebody logged in to, where commands go to it.
    pub(crate) login: Option<Named>,
}

/// A login and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// `context NAME`.
    pub(crate) origin: String,
    pub(crate) login: Login,
}

/// A key that a flag sets.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// The key.
    pub(crate) key: &'static str,
    /// The flag, such as `--data-dir`.
    pub(crate) flag: &'static str,
    /// Its value.
    pub(crate) value: String,
}

/// All layers, merged, and what was wrong with them.
#[derive(Debug)]
pub(crate) struct Layers {
    figment: Figment,
    current_dir: PathBuf,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// The environment, and what .env adds to it.
    pub(crate) variables: BTreeMap<String, String>,
    /// What is wrong.
    pub(crate) findings: Vec<Finding>,
}

/// One value from one place.
struct Single {
    key: &'static str,
    origin: String,
    text: String,
}

impl Provider for Single {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let leaf = Value::String(Tag::Default, self.text.clone());
        let value = self
            .key
            .rsplit('.')
            .fold(leaf, |inner, name| Value::from(Dict::from([(name.to_owned(), inner)])));
        Ok(Profile::Default.collect(value.into_dict().unwrap_or_default()))
    }
}

/// A TOML text.
struct Document {
    metadata: Metadata,
    dict: Dict,
}

impl Provider for Document {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

impl Layers {
    /// Reads and merges all of them.
    pub(crate) fn load(surroundings: &Surroundings) -> Self {
        let mut layers = Self {
            figment: Figment::new(),
            current_dir: surroundings.current_dir.clone(),
            file: None,
            variables: BTreeMap::new(),
            findings: Vec::new(),
        };
        layers.add_defaults();
        layers.add_login(surroundings.login.clone());
        layers.add_file(surroundings);
        layers.add_variables(&surroundings.variables);
        for Flag { key, flag, value } in &surroundings.flags {
            layers.add(key, format!("flag {flag}"), value.clone());
        }
        layers.find_unknown_keys();
        layers
    }

    /// The value of a key; what cannot be read becomes a finding.
    pub(crate) fn read<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        let value = self.figment.find_value(key).ok()?;
        let read = T::from_value(&value, &self.base_of(key));
        if read.is_none() {
            let origin = self.origin(key);
            let found =
                if T::IS_SECRET { String::new() } else { format!(", not {}", describe(&value)) };
            self.findings.push(Finding::error(
                format!("{origin}: {key}"),
                format!("must be {}{found}", T::EXPECTED),
                format!("write {}", T::EXPECTED),
            ));
        }
        read
    }

    /// Where the value of a key was written.
    pub(crate) fn origin(&self, key: &str) -> String {
        match self.figment.find_metadata(key) {
            Some(metadata) => match &metadata.source {
                Some(Source::File(path)) => path.display().to_string(),
                _ => metadata.name.to_string(),
            },
            None => "unset".to_owned(),
        }
    }

    pub(super) fn base_of(&self, key: &str) -> PathBuf {
        let source = self.figment.find_metadata(key).and_then(|metadata| metadata.source.as_ref());
        match source {
            Some(Source::File(path)) => path.parent().map(Path::to_path_buf),
            _ => None,
        }
        .unwrap_or_else(|| self.current_dir.clone())
    }

    fn add(&mut self, key: &'static str, origin: String, text: String) {
        let figment = std::mem::take(&mut self.figment);
        self.figment = figment.merge(Single { key, origin, text });
    }

    fn add_document(&mut self, metadata: Metadata, text: &str) {
        match toml::from_str::<Dict>(text) {
            Ok(dict) => {
                let figment = std::mem::take(&mut self.figment);
                self.figment = figment.merge(Document { metadata, dict });
            }
            Err(error) => {
                let file = match &metadata.source {
                    Some(Source::File(path)) => path.display().to_string(),
                    _ => metadata.name.to_string(),
                };
                let before = error.span().and_then(|span| text.get(..span.start));
                let line = before.map_or(1, |before| before.matches('\n').count() + 1);
                self.findings.push(Finding::error(
                    format!("{file}:{line}"),
                    format!("is no TOML: {}", error.message().replace('\n', ", ")),
                    "mend the file; docs/reference/wforge.toml shows every key",
                ));
            }
        }
    }

    fn add_defaults(&mut self) {
        self.add_document(Metadata::named("default"), &reference::defaults());
    }

    fn add_login(&mut self, named: Option<Named>) {
        let Some(Named { origin, login }) = named else { return };
        self.add("client.server", origin.clone(), login.server);
        self.add("client.api_key", origin.clone(), login.api_key);
        if let Some(path) = login.ca_file {
            self.add("client.ca_file", origin, path.display().to_string());
        }
    }

    fn add_file(&mut self, surroundings: &Surroundings) {
        let path = match surroundings.file.clone() {
            Some(path) => Some(self.current_dir.join(path)),
            None => nearest_file(&self.current_dir),
        };
        let Some(path) = path else { return };
        match fs_err::read_to_string(&path) {
            Ok(text) => {
                let source = Source::File(path.clone());
                self.add_document(Metadata::from("file", source), &text);
                self.file = Some(path);
            }
            Err(error) => self.findings.push(Finding::error(
                path.display().to_string(),
                format!("cannot be read: {error}"),
                "name an existing file with --config, or leave it out",
            )),
        }
    }

    /// `.env` counts only where the environment itself does not say.
    fn add_variables(&mut self, environment: &BTreeMap<String, String>) {
        let mut variables: BTreeMap<String, (String, String)> = BTreeMap::new();
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or(&self.current_dir);
        let path = folder.join(".env");
        for (name, value) in self.dotenv(&path) {
            let origin = format!("{}: {name}", path.display());
            variables.insert(name, (value, origin));
        }
        for (name, value) in environment {
            let origin = format!("environment variable {name}");
            variables.insert(name.clone(), (value.clone(), origin));
        }
        variables.retain(|_, (value, _)| !value.is_empty());
        let all = variables.iter().map(|(name, (value, _))| (name.clone(), value.clone()));
        self.variables = all.collect();
        self.add_use_mock_workflow(&variables);
        for key in KEYS {
            self.add_variable(key, &mut variables);
        }
        self.find_unknown_variables(&variables);
    }

    fn dotenv(&mut self, path: &Path) -> Vec<(String, String)> {
        if !path.is_file() {
            return Vec::new();
        }
        let read: Result<Vec<_>, _> = dotenvy::from_path_iter(path).and_then(Iterator::collect);
        read.unwrap_or_else(|error| {
            self.findings.push(Finding::error(
                path.display().to_string(),
                format!("cannot be read: {error}"),
                "write one NAME=value a line",
            ));
            Vec::new()
        })
    }

    /// Under WFORGE_MOCK, which is read after it and so wins.
    fn add_use_mock_workflow(&mut self, variables: &BTreeMap<String, (String, String)>) {
        let Some((value, origin)) = variables.get("USE_MOCK_WORKFLOW") else { return };
        match bool::from_text(&value.to_lowercase()) {
            Some(true) => self.add("mock.mode", origin.clone(), "always".to_owned()),
            Some(false) => self.add("mock.mode", origin.clone(), "node".to_owned()),
            None => self.findings.push(Finding::error(
                origin.clone(),
                format!("must be true or false, not \"{value}\""),
                "write true for WFORGE_MOCK=always, false for WFORGE_MOCK=node",
            )),
        }
    }

    fn add_variable(
        &mut self,
        key: &'static Key,
        variables: &mut BTreeMap<String, (String, String)>,
    ) {
        let long = variables.remove(&key.variable());
        let short = key.short.and_then(|name| variables.remove(name));
        if let (Some((long, _)), Some((short, origin))) = (&long, &short)
            && long != short
        {
            self.findings.push(Finding::error(
                origin.clone(),
                format!("says something else than {}", key.variable()),
                "keep one of the two",
            ));
        }
        if let Some((value, origin)) = short.or(long) {
            self.add(key.name, origin, value);
        }
    }

    /// A double underscore is a key of ours; other names may be anybody's (Kubernetes sets
    /// WFORGE_SERVICE_HOST where a service is called so).
    fn find_unknown_variables(&mut self, left: &BTreeMap<String, (String, String)>) {
        for (name, (_, origin)) in left {
            let Some(rest) = name.strip_prefix("WFORGE_") else { continue };
            if rest == "CONFIG" || rest == "CONTEXT" {
                continue;
            }
            let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
            let shorts = KEYS.iter().filter_map(|key| key.short);
            let help = suggestion(name, known.iter().map(String::as_str).chain(shorts));
            let message = "is no variable of wforge".to_owned();
            self.findings.push(if rest.contains("__") {
                Finding::error(origin.clone(), message, help)
            } else {
                Finding::warning(origin.clone(), message, help)
            });
        }
    }

    fn find_unknown_keys(&mut self) {
        let Some(path) = self.file.clone() else { return };
        let Ok(all) = self.figment.extract::<Dict>() else { return };
        let mut names = Vec::new();
        collect_names("", &all, &mut names);
        for name in names {
            if KEYS.iter().any(|key| key.name == name) {
                continue;
            }
            let inside = KEYS.iter().any(|key| key.name.starts_with(&format!("{name}.")));
            let (message, help) = if inside {
                ("is a table".to_owned(), format!("write [{name}] and keys below it"))
            } else {
                ("is no key".to_owned(), suggestion(&name, KEYS.iter().map(|key| key.name)))
            };
            self.findings.push(Finding::error(
                format!("{}: {name}", path.display()),
                message,
                help,
            ));
        }
    }
}

fn collect_names(prefix: &str, dict: &Dict, names: &mut Vec<String>) {
    for (name, value) in dict {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value.as_dict() {
            Some(inner) if KEYS.iter().any(|key| key.name.starts_with(&format!("{name}."))) => {
                collect_names(&name, inner, names);
            }
            _ => names.push(name),
        }
    }
}

fn suggestion<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match wforge_graph::nearest(wrong, known) {
        Some(name) => format!("did you mean {name}?"),
        None => "`wforge config show` lists every key and its variable".to_owned(),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("\"{text}\""),
        Value::Bool(_, value) => value.to_string(),
        Value::Num(_, number) => number
            .to_i128()
            .map(|n| n.to_string())
            .or_else(|| number.to_f64().map(|n| n.to_string()))
            .unwrap_or_else(|| "a number".to_owned()),
        Value::Array(..) => "a list".to_owned(),
        Value::Dict(..) => "a table".to_owned(),
        Value::Char(_, c) => format!("\"{c}\""),
        Value::Empty(..) => "nothing".to_owned(),
    }
}

/// The nearest `wforge.toml`, upwards from a folder.
fn nearest_file(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join("wforge.toml")).find(|path| path.is_file())
}
