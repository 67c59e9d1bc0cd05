//! What `wforge config check` finds beside what cannot be read: permissions, missing files, and
//! what is not meant for production.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use wforge_model::mock::MockMode;

use super::{Config, Environment, Finding, LogFormat, Severity, StoreKind, TokenKeys};
use crate::grants;

mod resources;

/// Every finding about a configuration that can be read, the well ones included.
pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        environment(config),
        data_dir(config),
        named_data_dir(config),
        pepper(config),
        kek(config),
        tokens(config),
        first_key(config),
        cors(config),
        listen(config),
        tls(config),
        health(config),
        mocks(config),
        store(config),
        log(config),
        grants(config),
        dependencies(),
    ];
    findings.extend(resources::check(config));
    findings.extend(config.plugins.dirs.iter().map(|dir| plugin_dir(dir)));
    findings
}

/// What keeps a server from starting: in production whatever is red.
pub(crate) fn refuse_red(config: &Config) -> Result<(), Vec<Finding>> {
    let red: Vec<Finding> =
        check(config).into_iter().filter(|found| found.severity == Severity::Error).collect();
    match config.env {
        Environment::Production if !red.is_empty() => Err(red),
        Environment::Production | Environment::Development | Environment::Testing => Ok(()),
    }
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

fn environment(config: &Config) -> Finding {
    match config.env {
        Environment::Production => ok("env", "production: nothing starts with an error below"),
        Environment::Testing => ok("env", "testing"),
        Environment::Development => {
            ok("env", "development; for other people's data set WFORGE_ENV=production")
        }
    }
}

fn named_data_dir(config: &Config) -> Finding {
    if config.data_dir_is_named {
        return ok("data_dir", "is named");
    }
    strict(
        config,
        "data_dir",
        format!("nobody said where data is kept; it would be {}", config.data_dir.display()),
        "set WFORGE_DATA_DIR to a folder on a disk that is backed up",
    )
}

fn pepper(config: &Config) -> Finding {
    let guards = Guard {
        key: "auth.pepper",
        variable: "WFORGE_PEPPER",
        beside: "the hashes that it protects",
    };
    guards.finding(config, config.auth.pepper.is_some(), "keys/pepper")
}

fn kek(config: &Config) -> Finding {
    let guards = Guard { key: "store.kek", variable: "WFORGE_KEK", beside: "what it seals" };
    guards.finding(config, config.store.kek.is_some(), "store/kek")
}

/// A secret that must not lie in the folder of what it guards.
struct Guard {
    key: &'static str,
    variable: &'static str,
    beside: &'static str,
}

impl Guard {
    fn finding(&self, config: &Config, set: bool, file: &str) -> Finding {
        let Self { key, variable, beside } = self;
        if set {
            return ok(key, "is set");
        }
        let path = config.data_dir.join(file);
        let found = format!("lies beside {beside}, in {}", path.display());
        let fix = format!(
            "set {variable} from your store of secrets; make one with: openssl rand -hex 32"
        );
        strict(config, key, found, &fix)
    }
}

fn tokens(config: &Config) -> Finding {
    let place = "auth.jwt_secret, auth.jwks";
    match config.auth.tokens.as_ref().map(|tokens| &tokens.keys) {
        None => ok(place, "no tokens are taken, API keys only"),
        Some(TokenKeys::Secret(_)) => ok(place, "tokens by HS256"),
        Some(TokenKeys::Url(url)) => ok(place, format!("tokens of {url}")),
        Some(TokenKeys::File(path)) if path.is_file() => {
            ok(place, format!("tokens by the keys of {}", path.display()))
        }
        Some(TokenKeys::File(path)) => Finding::error(
            "auth.jwks",
            format!("{} is not there", path.display()),
            "name an existing file, or an https address",
        ),
    }
}

/// The first key of a deployment must not end up in the log of a container.
fn first_key(config: &Config) -> Finding {
    let place = "auth.bootstrap_key_file";
    let is_first = !config.data_dir.join("store").exists();
    match &config.auth.bootstrap_key_file {
        Some(path) => private_file(place, path),
        None if is_first => strict(
            config,
            place,
            "the first start would print the first API key, for whoever reads its output".into(),
            "wforge keys generate > FILE; chmod 600 FILE; set WFORGE_BOOTSTRAP_KEY_FILE=FILE",
        ),
        None => ok(place, "is not needed: this is not the first start"),
    }
}

fn private_file(place: &str, path: &Path) -> Finding {
    let shown = path.display();
    match mode(path) {
        None => Finding::error(
            place,
            format!("{shown} is not there"),
            format!("wforge keys generate > {shown}; chmod 600 {shown}"),
        ),
        Some(mode) if mode & 0o077 != 0 => Finding::error(
            place,
            format!("others on this machine can read {shown} (mode {mode:04o})"),
            format!("chmod 600 {shown}"),
        ),
        Some(_) => ok(place, format!("{shown} is private")),
    }
}

fn cors(config: &Config) -> Finding {
    if config.server.origins.are_all() {
        return Finding::warning(
            "server.cors_origins",
            "lets the page of any stranger call the API",
            "name the origins of your own pages, or leave it empty",
        );
    }
    ok("server.cors_origins", "only pages that are named may call")
}

fn tls(config: &Config) -> Finding {
    let Some(files) = &config.server.tls else {
        let message = match config.server.listen.ip().is_loopback() {
            true => "none, on loopback",
            false => "none, as server.plain_text says: a proxy before it must end TLS",
        };
        return ok("server.tls_certificate", message);
    };
    let read = |path: &Path| fs_err::read(path).map_err(anyhow::Error::from);
    let usable = read(&files.certificate).and_then(|certificate| {
        let key = read(&files.key)?;
        Ok(wforge_api::Tls::new(&certificate, &key)?)
    });
    match usable {
        Ok(_) => ok("server.tls_certificate", files.certificate.display().to_string()),
        Err(error) => Finding::error(
            "server.tls_certificate",
            format!("{error:#}"),
            "name a PEM certificate chain and its PEM private key",
        ),
    }
}

fn health(config: &Config) -> Finding {
    let message = format!("wforge health asks GET /readyz at {}", config.server.listen);
    ok("server.listen", message)
}

/// The program holds the lock file that it was built from.
fn dependencies() -> Finding {
    let lock = include_str!("../../../Cargo.lock");
    let packages = lock.lines().filter(|line| line.starts_with("name = ")).count();
    let digest = crate::secrets::to_hex(&<sha2::Sha256 as sha2::Digest>::digest(lock.as_bytes()));
    let short = digest.get(..16).unwrap_or_default();
    ok("dependencies", format!("{packages} packages, locked by Cargo.lock {short}"))
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
    match grants::load_within(path, &config.sandbox) {
        Ok(file) => {
            ok("plugins.grants_file", format!("{}: {}", path.display(), grants::summary(&file)))
        }
        Err(error) => Finding::error(
            "plugins.grants_file",
            format!("{error:#}"),
            "write [[grant]] with plugin and capabilities, and no [[cap]] above limits.sandbox",
        ),
    }
}

fn listen(config: &Config) -> Finding {
    let listen = config.server.listen;
    let how = match (listen.ip().is_loopback(), &config.server.tls) {
        (true, _) => "on this machine only",
        (false, Some(_)) => "for others, by TLS",
        (false, None) => "for others, in plain text",
    };
    ok("server.listen", format!("{listen}, {how}"))
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
