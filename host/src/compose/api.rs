//! The API over the engine of this process.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wforge_api::{
    ApiParts, BuildInfo, HostNames, KeyIds, NoLog, Phase, Readiness, SystemInfo, TokenRules,
};

use super::Host;
use crate::config::{Config, TokenKeys, TokensConfig};
use crate::jwks::{Provider, Source};
use crate::known::{Known, OwnKey};
use crate::machine_figures::ThisMachine;

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the API is made of: ready, for names of this machine, and with nothing that stops it.
pub(crate) fn api_parts(host: &Host, own: OwnKey) -> anyhow::Result<ApiParts> {
    let config = &host.config;
    let readiness = Readiness::default();
    readiness.set(Phase::Ready);
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    Ok(ApiParts {
        engine: host.handle.clone(),
        reader: host.reader.clone(),
        credentials: Arc::new(Known { engine: host.handle.clone(), own }),
        pepper: host.pepper.clone(),
        tokens: None,
        origins: config.server.origins.clone(),
        clock: host.clock.clone(),
        entropy: host.entropy.clone(),
        hosts: HostNames::of_listener(loopback, []),
        system: system(config),
        log: Arc::new(NoLog),
        machine: Arc::new(ThisMachine { data_dir: config.data_dir.clone() }),
        readiness,
        shutdown: CancellationToken::new(),
        tasks: TaskTracker::new(),
        limits: config.server.limits.clone(),
    })
}

fn system(config: &Config) -> SystemInfo {
    SystemInfo {
        version: VERSION.to_owned(),
        build: BuildInfo {
            commit: option_env!("WFORGE_COMMIT").filter(|it| !it.is_empty()).map(str::to_owned),
            rustc: env!("WFORGE_RUSTC").to_owned(),
            wasmtime: env!("WFORGE_WASMTIME").to_owned(),
        },
        environment: config.env.as_str().to_owned(),
        mock: config.mock.mode.map(|mode| mode.as_str().to_owned()),
        tls: config.server.tls.is_some(),
    }
}

/// Which tokens are taken, and the provider whose keys must be kept fresh for it.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) rules: Option<Arc<TokenRules>>,
    pub(crate) provider: Option<Arc<Provider>>,
}

/// As the configuration says.
pub(crate) fn tokens(host: &Host) -> anyhow::Result<Tokens> {
    let Some(TokensConfig { keys, issuer, audience, ttl_s_max }) = host.config.auth.tokens.clone()
    else {
        return Ok(Tokens::default());
    };
    let provider = |source| Provider::new(source, host.clock.clone()).map(Arc::new);
    let (keys, provider) = match keys {
        TokenKeys::Secret(secret) => (KeyIds::Secret(secret), None),
        TokenKeys::Url(url) => {
            let provider = provider(Source::Url(url))?;
            (KeyIds::Provider(provider.clone()), Some(provider))
        }
        TokenKeys::File(path) => {
            let provider = provider(Source::File(path))?;
            (KeyIds::Provider(provider.clone()), Some(provider))
        }
    };
    Ok(Tokens { rules: Some(Arc::new(TokenRules { keys, issuer, audience, ttl_s_max })), provider })
}
