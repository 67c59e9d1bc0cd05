//! What agents reach: servers, models and tools, as the configuration has them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use wforge_effects::llm::{
    Budgets, ModelConfig, Models, ModelsConfig, ModelsParts, Provider, SecretText,
};
use wforge_effects::mcp::{McpServer, McpServers};
use wforge_effects::outbound::{
    Breaker, Egress, EgressCounts, EgressOptions, Exception, Outbound, Surface, Watched,
};
use wforge_effects::{Blobs, Outside, Secrets, Tools};
use wforge_ports::{Clock, TokenMeter};

use super::cassettes::{self, CassetteFiles};
use crate::config::{Config, OutsideConfig, Propagate};
use crate::schemas::Schemas;

/// The variable under which the key of the model `default` is known.
const DEFAULT_KEY: &str = "llm.api_key";

/// What it takes to make the world.
pub(crate) struct WorldParts {
    pub(crate) blobs: Blobs,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) meter: Arc<dyn TokenMeter>,
}

/// The world, and its tools, to which the engine adds its agents.
pub(crate) fn open(whole: &Config, parts: &WorldParts) -> anyhow::Result<(Outside, Arc<Tools>)> {
    let Config { outside: config, reach, .. } = whole;
    let trusted_pem = match &config.ca_file {
        Some(path) => fs_err::read(path).context("outbound.ca_file")?,
        None => Vec::new(),
    };
    let egress = |allow: Vec<Exception>| -> anyhow::Result<Arc<dyn Outbound>> {
        let trusted_pem = trusted_pem.clone();
        let options = EgressOptions { allow, trusted_pem, ..reach.egress.clone() };
        let egress = Arc::new(Egress::new(options)?);
        Ok(Arc::new(Breaker::new(egress, parts.clock.clone(), config.breaker)))
    };
    let counts = Arc::new(EgressCounts::default());
    let watched = |way: &Arc<dyn Outbound>, surface: Surface| -> Arc<dyn Outbound> {
        let watched = Watched::new(way.clone(), surface, counts.clone());
        Arc::new(watched.telling(trace_for(whole.telemetry.propagate, surface)))
    };
    let way = egress(config.allow.clone())?;
    let (outbound, to_tools) = (watched(&way, Surface::Http), watched(&way, Surface::Tool));
    let variable = |name: &str| config.variables.get(name).map(ToOwned::to_owned);
    let servers = McpFile::read(&config.mcp_file)?.servers;
    let mcp = McpServers::new(servers, &to_tools, &parts.clock, reach.mcp, &variable);
    let mcp = mcp.with_context(|| format!("reading {}", config.mcp_file.display()))?;
    let bodies = Arc::new(parts.blobs.clone());
    let to_models = |allow: Vec<Exception>| -> anyhow::Result<Arc<dyn Outbound>> {
        Ok(watched(&egress(allow)?, Surface::Model))
    };
    let models = models(whole, parts, &to_models)?;
    let (fetch, secrets) = (reach.fetch.clone(), parts.secrets.clone());
    let world = Outside { outbound, fetch, bodies, models, secrets, counts: counts.clone() };
    Ok((world, Arc::new(Tools::new(mcp).deep(config.tool_depth_max))))
}

/// What tells a server to which trace a request belongs; strangers' servers are told only where the
/// operator wants all to be.
fn trace_for(propagate: Propagate, surface: Surface) -> Option<fn() -> Option<String>> {
    let is_told = match (propagate, surface) {
        (Propagate::None, _) => false,
        (Propagate::Models, surface) => surface == Surface::Model,
        (Propagate::All, _) => true,
    };
    is_told.then_some(wforge_telemetry::current as fn() -> Option<String>)
}

/// The models of the file, and the one of the variables.
fn models(
    whole: &Config,
    parts: &WorldParts,
    egress: &dyn Fn(Vec<Exception>) -> anyhow::Result<Arc<dyn Outbound>>,
) -> anyhow::Result<Models> {
    let config = &whole.outside;
    let mut named = models_file(&config.models_file)?;
    if let Some(default) = &config.model {
        let mut model = ModelConfig::new("default", Provider::Openai);
        model.base_url = Some(default.base_url.clone());
        model.model = Some(default.model.clone());
        model.api_key_variable = default.api_key.as_ref().map(|_| DEFAULT_KEY.to_owned());
        named.models.push(model);
    }
    if !named.models.iter().any(|model| model.name == "mock") {
        named.models.push(ModelConfig::new("mock", Provider::Mock));
    }
    check_times(whole, &named)?;
    // A model's own address is the operator's word: it may be private, for models alone.
    let own = named.models.iter().filter_map(|model| private(model.base_url.as_deref()?));
    let outbound = egress(config.allow.iter().cloned().chain(own).collect())?;
    let keys = keys(config, &named);
    let meter = Budgets::new(config.tokens, parts.clock.clone(), parts.meter.clone());
    let folder = config.models_file.parent().unwrap_or(Path::new("."));
    let parts = ModelsParts {
        outbound,
        clock: parts.clock.clone(),
        meter: Arc::new(meter),
        schemas: Arc::new(Schemas::default()),
        files: Arc::new(parts.blobs.clone()),
        limits: whole.reach.models,
        secrets: parts.secrets.clone(),
        keys,
        cassettes: cassettes::read(folder, &named)?,
        recorder: CassetteFiles::open(whole.env, folder, &named)?,
    };
    Models::new(named, parts).with_context(|| format!("reading {}", config.models_file.display()))
}

/// No model may take longer than the plugin that asks it: its answer would come to nobody.
fn check_times(config: &Config, named: &ModelsConfig) -> anyhow::Result<()> {
    let wall_ms = config.sandbox.wall_ms_max;
    let is_late = |model: &&ModelConfig| model.timeout_ms.is_some_and(|ms| ms > wall_ms);
    match named.models.iter().find(is_late) {
        None => Ok(()),
        Some(ModelConfig { name, .. }) => anyhow::bail!(
            "model {name}: timeout_ms is more than limits.sandbox.wall_ms_max, {wall_ms}; write \
             less, or raise the other"
        ),
    }
}

/// The providers' keys, by the variables that hold them.
fn keys(config: &OutsideConfig, named: &ModelsConfig) -> BTreeMap<String, SecretText> {
    let mut keys = BTreeMap::new();
    for name in named.models.iter().filter_map(|model| model.api_key_variable.as_deref()) {
        let default = config.model.as_ref().and_then(|model| model.api_key.as_ref());
        let text = match (name, default) {
            (DEFAULT_KEY, Some(key)) => Some(key.0.as_str()),
            (name, _) => config.variables.get(name),
        };
        if let Some(text) = text {
            keys.insert(name.to_owned(), SecretText::new(text.to_owned()));
        }
    }
    keys
}

/// The exception for a server on this machine or at an address that is written down.
fn private(base_url: &str) -> Option<Exception> {
    let url = reqwest::Url::parse(base_url).ok()?;
    let address: IpAddr = match url.host_str()? {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        host => host.trim_start_matches('[').trim_end_matches(']').parse().ok()?,
    };
    let port = url.port_or_known_default()?;
    match address {
        IpAddr::V4(address) => format!("{address}:{port}").parse().ok(),
        IpAddr::V6(address) => format!("[{address}]:{port}").parse().ok(),
    }
}

fn models_file(path: &Path) -> anyhow::Result<ModelsConfig> {
    match optional(path)? {
        Some(text) => toml::from_str(&text).with_context(|| format!("reading {}", path.display())),
        None => Ok(ModelsConfig::default()),
    }
}

/// The text of `mcp.toml`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct McpFile {
    #[serde(default, rename = "server")]
    servers: Vec<McpServer>,
}

impl McpFile {
    fn read(path: &Path) -> anyhow::Result<Self> {
        match optional(path)? {
            Some(text) => {
                toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
            }
            None => Ok(Self::default()),
        }
    }
}

fn optional(path: &Path) -> anyhow::Result<Option<String>> {
    match fs_err::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
