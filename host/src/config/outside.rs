//! What agents reach outside: addresses, models, tools.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use wforge_effects::llm::TokenLimits;
use wforge_effects::outbound::{BreakerOptions, Exception};

use super::keys::RawConfig;
use super::{Meant, Secret};

/// What agents reach, and how much of it.
#[derive(Debug, Clone)]
pub(crate) struct OutsideConfig {
    /// Addresses that may be reached although they are not public.
    pub(crate) allow: Vec<Exception>,
    /// Certificates to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) breaker: BreakerOptions,
    pub(crate) models_file: PathBuf,
    /// The model `default`.
    pub(crate) model: Option<DefaultModel>,
    pub(crate) mcp_file: PathBuf,
    /// Effects of one tenant that are performed at once.
    pub(crate) at_once_max: u32,
    /// How deep agents call each other.
    pub(crate) tool_depth_max: u32,
    pub(crate) tokens: TokenLimits,
    pub(crate) variables: Variables,
}

/// A model that needs no file.
#[derive(Debug, Clone)]
pub(crate) struct DefaultModel {
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) api_key: Option<Secret>,
}

/// The environment, in which models and tools find their secrets.
#[derive(Clone, Default)]
pub(crate) struct Variables(Arc<BTreeMap<String, String>>);

impl Variables {
    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Meant<'_> {
    pub(super) fn outside(
        &mut self,
        raw: &RawConfig,
        data_dir: &std::path::Path,
    ) -> Option<OutsideConfig> {
        let (allow, model) = (self.exceptions(raw), self.model(raw));
        let at_once = self.at_least_1("limits.effects.at_once_max", raw.effects_at_once_max);
        let rest = self.at_least_1("outbound.breaker_rest_ms", raw.outbound_breaker_rest_ms);
        let file = |named: &Option<PathBuf>, name: &str| {
            named.clone().unwrap_or_else(|| data_dir.join(name))
        };
        Some(OutsideConfig {
            allow: allow?,
            ca_file: raw.outbound_ca_file.clone(),
            breaker: BreakerOptions {
                failures_max: raw.outbound_breaker_failures_max?,
                rest_ms: rest?,
                rest_ms_max: raw.outbound_breaker_rest_ms_max?,
            },
            models_file: file(&raw.llm_models_file, "models.toml"),
            model,
            mcp_file: file(&raw.tools_mcp_file, "mcp.toml"),
            at_once_max: at_once?,
            tool_depth_max: raw.effects_tool_depth_max?,
            tokens: TokenLimits {
                tokens_per_run_max: raw.llm_tokens_per_run_max?,
                tokens_per_node_max: raw.llm_tokens_per_node_max?,
                tokens_per_plugin_per_day_max: raw.llm_tokens_per_plugin_per_day_max?,
            },
            variables: Variables(Arc::new(self.layers.variables.clone())),
        })
    }

    fn exceptions(&mut self, raw: &RawConfig) -> Option<Vec<Exception>> {
        let texts = raw.outbound_allow.clone()?;
        let mut exceptions = Vec::with_capacity(texts.len());
        for text in texts {
            match text.parse() {
                Ok(exception) => exceptions.push(exception),
                Err(error) => {
                    let error: wforge_effects::outbound::ParseExceptionError = error;
                    let help = "write addresses, such as 10.0.0.0/8 or 127.0.0.1/32:8080";
                    self.error("outbound.allow", &error.to_string(), help);
                }
            }
        }
        Some(exceptions)
    }

    fn model(&mut self, raw: &RawConfig) -> Option<DefaultModel> {
        match (&raw.llm_base_url, &raw.llm_model) {
            (Some(base_url), Some(model)) => Some(DefaultModel {
                base_url: base_url.trim_end_matches('/').to_owned(),
                model: model.clone(),
                api_key: raw.llm_api_key.clone(),
            }),
            (None, None) => None,
            (Some(_), None) => {
                self.error("llm.model", "is missing", "say what the server calls its model");
                None
            }
            (None, Some(_)) => {
                let help = "say where the server is, such as https://api.openai.com/v1";
                self.error("llm.base_url", "is missing", help);
                None
            }
        }
    }
}
