//! What `wforge config check` finds beside what cannot be read: permissions, missing files, and
//! what is not meant for production.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use wforge_model::mock::MockMode;

use super::{Config, Environment, Finding, LogFormat, Severity, StoreKind};
use crate::grants;

/// Every finding about a configuration that can be read, the well ones included.
pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        data_dir(config),
        private_file("auth.keys_file", &config.keys_file),
        mocks(config),
        store(config),
        log(config),
        grants(config),
        listen(config),
    ];
    findings.extend(config.plugins.dirs.iter().map(|dir| plugin_dir(dir)));
    findings
}

fn ok(place: &str, message: impl Into<String>) -> Finding {
    Finding::new(Severity::Ok, place, message, "")
}

/// What is only a warning elsewhere, and an error in production.
fn strict(config: &Config, place: &str, message: String, help: &str) -> Finding {
    let severity = match config.env {
        Environment::Production => Severity::Error,
        Environment::Development | Environment::Testing => Severity::Warning,
    };
    Finding::new(severity, place, message, help)
}

fn mode(path: &Path) -> Option<u32> {
    fs_err::metadata(path).ok().map(|data| data.permissions().mode() & 0o777)
}

fn data_dir(config: &Config) -> Finding {
    let path = config.data_dir.display();
    match mode(&config.data_dir) {
        None => ok("data_dir", format!("{path} will be made on first use, with mode 0700")),
        Some(mode) if mode & 0o077 != 0 => strict(
            config,
            "data_dir",
            format!("others on this machine can read {path} (mode {mode:04o})"),
            &format!("chmod 700 {path}"),
        ),
        Some(_) => ok("data_dir", format!("{path} is private")),
    }
}

fn private_file(place: &str, path: &Path) -> Finding {
    match mode(path) {
        None => ok(place, format!("{} does not exist: there are no API keys", path.display())),
        Some(mode) if mode & 0o077 != 0 => Finding::error(
            place,
            format!("others on this machine can read {} (mode {mode:04o})", path.display()),
            format!("chmod 600 {}", path.display()),
        ),
        Some(_) => ok(place, format!("{} is private", path.display())),
    }
}

fn mocks(config: &Config) -> Finding {
    let mode = config.mock.mode.unwrap_or_default();
    let stands_in = matches!(mode, MockMode::Fallback | MockMode::Always);
    match (config.env, stands_in, config.mock.production) {
        (Environment::Production, true, false) => Finding::error(
            "mock.mode",
            format!("runs in the mode {} are refused in production", mode.as_str()),
            "set mock.mode to node or off; or set mock.production = true, and mock.allow: true in \
             the workflows that may run so",
        ),
        (Environment::Production, _, true) => Finding::warning(
            "mock.production",
            "lets workflows that say mock.allow: true run on mocks in production",
            "set mock.production = false where nobody needs it",
        ),
        _ => ok("mock.mode", mode.as_str()),
    }
}

fn store(config: &Config) -> Finding {
    match config.store.kind {
        StoreKind::Memory => strict(
            config,
            "store.kind",
            "memory keeps nothing: every run is gone when the process ends".to_owned(),
            "set store.kind = \"sled\"",
        ),
        StoreKind::Sled => ok("store.kind", "sled"),
    }
}

fn log(config: &Config) -> Finding {
    match (config.env, config.log.format) {
        (Environment::Production, LogFormat::Pretty) => Finding::warning(
            "log.format",
            "pretty lines are for people; collectors in production read json",
            "set log.format = \"json\", or leave it out",
        ),
        _ => ok("log.format", "fits the environment"),
    }
}

fn grants(config: &Config) -> Finding {
    let path = &config.plugins.grants_file;
    match grants::load(path) {
        Ok(file) => {
            ok("plugins.grants_file", format!("{}: {}", path.display(), grants::summary(&file)))
        }
        Err(error) => Finding::error(
            "plugins.grants_file",
            format!("{error:#}"),
            "write [[grant]] with plugin and capabilities; see docs/reference/grants.toml",
        ),
    }
}

fn listen(config: &Config) -> Finding {
    ok("server.listen", format!("{} is on loopback only", config.server.listen))
}

fn plugin_dir(dir: &Path) -> Finding {
    if dir.is_dir() {
        return ok("plugins.dirs", format!("{} is there", dir.display()));
    }
    Finding::warning(
        "plugins.dirs",
        format!("{} is no folder", dir.display()),
        "make it, or take it out of the list; in this project `make build` makes it",
    )
}
