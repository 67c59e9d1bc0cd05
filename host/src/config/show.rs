//! What `wforge config show` prints: each key with its value and where it was written.

use super::key::Key;
use super::keys::{KEYS, RawConfig};
use super::layers::Layers;
use super::setting::Setting;
use super::{Config, LogFormat};

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ShownKey {
    /// Its name.
    pub(crate) key: &'static str,
    /// Its value as TOML; `***` for a secret, none where it is unset.
    pub(crate) value: Option<String>,
    /// Where it was written.
    pub(crate) origin: String,
}

/// Every key. Defaults that depend on others are shown as they came out.
pub(crate) fn show(raw: &RawConfig, layers: &Layers, config: Option<&Config>) -> Vec<ShownKey> {
    let written = raw.shown();
    let one = |&Key { name: key, is_secret, .. }: &Key| {
        let value = written.iter().find(|(name, _)| *name == key).and_then(|(_, v)| v.clone());
        let computed = || config.and_then(|config| computed(config, key));
        match value {
            Some(_) if is_secret => {
                ShownKey { key, value: Some("***".to_owned()), origin: layers.origin(key) }
            }
            Some(value) => ShownKey { key, value: Some(value), origin: layers.origin(key) },
            None => match computed() {
                Some(value) => ShownKey { key, value: Some(value), origin: "default".to_owned() },
                None => ShownKey { key, value: None, origin: layers.origin(key) },
            },
        }
    };
    KEYS.iter().map(one).collect()
}

fn computed(config: &Config, key: &str) -> Option<String> {
    Some(match key {
        "data_dir" => config.data_dir.to_toml(),
        "plugins.grants_file" => config.plugins.grants_file.to_toml(),
        "log.format" => {
            let format: LogFormat = config.log.format;
            format.to_toml()
        }
        _ => return None,
    })
}
