//! Makes models of their configuration, or says what is wrong with it.

use std::sync::Arc;

use super::anthropic::Anthropic;
use super::cassette::{Recording, Replay};
use super::config::{CassetteMode, ModelConfig, ModelsConfig, ModelsError, Provider, ScriptLine};
use super::exchange::{Endpoint, Exchange, Key};
use super::mock::Mock;
use super::models::{Answers, Directory, Model, ModelsParts};
use super::openai::Openai;
use super::remote::{Dialect, Remote};

/// The longest name of a model, in bytes.
const NAME_BYTES_MAX: usize = 128;
const REMOTE: &[Provider] = &[Provider::Openai, Provider::Anthropic];

type Built = Result<Box<dyn Answers>, ModelsError>;

/// All models by name.
pub(crate) fn build(config: ModelsConfig, parts: ModelsParts) -> Result<Directory, ModelsError> {
    let mut configs = config.models;
    if configs.is_empty() {
        configs.push(ModelConfig::new("mock", Provider::Mock));
    }
    configs.iter().try_for_each(check_fields)?;
    let mut parts = parts;
    let is_recording = |config: &ModelConfig| config.mode == Some(CassetteMode::Record);
    let (recording, others): (Vec<_>, Vec<_>) = configs.into_iter().partition(is_recording);
    let mut directory = Directory::new();
    for config in others {
        let provider = provider(&config, &mut parts)?;
        insert(&mut directory, config, provider)?;
    }
    // Made before any of them is inserted, so that none records another recording.
    let made: Result<Vec<_>, ModelsError> =
        recording.iter().map(|config| record(config, &directory, &parts)).collect();
    for (config, provider) in recording.into_iter().zip(made?) {
        insert(&mut directory, config, provider)?;
    }
    check_fallbacks(&directory)?;
    Ok(directory)
}

fn insert(
    directory: &mut Directory,
    config: ModelConfig,
    provider: Box<dyn Answers>,
) -> Result<(), ModelsError> {
    let named = directory.entry(config.name.clone()).or_default();
    let twice = ModelsError::Twice { model: config.name.clone() };
    let model = Arc::new(Model {
        name: config.name,
        fallbacks: config.fallbacks,
        max_tokens_default: config.max_tokens_default,
        provider,
    });
    let before = match config.tenant {
        Some(tenant) => named.own.insert(tenant, model),
        None => named.general.replace(model),
    };
    before.map_or(Ok(()), |_| Err(twice))
}

fn provider(config: &ModelConfig, parts: &mut ModelsParts) -> Built {
    match config.provider {
        Provider::Openai => {
            let key = Key { header: "authorization", prefix: "Bearer ", secret: None };
            let dialect = Openai {
                model: needed(config, "model", config.model.as_ref())?,
                max_tokens_field: config.max_tokens_field.unwrap_or_default(),
            };
            remote(dialect, "https://api.openai.com/v1", key, config, parts)
        }
        Provider::Anthropic => {
            let key = Key { header: "x-api-key", prefix: "", secret: None };
            let dialect = Anthropic { model: needed(config, "model", config.model.as_ref())? };
            remote(dialect, "https://api.anthropic.com/v1", key, config, parts)
        }
        Provider::Mock => Ok(Box::new(Mock {
            seed: config.seed.unwrap_or_default(),
            script: config.script.clone(),
            schemas: Arc::clone(&parts.schemas),
        })),
        Provider::Cassette => replay(config, parts),
    }
}

fn remote<D: Dialect + 'static>(
    dialect: D,
    base_url: &str,
    mut key: Key,
    config: &ModelConfig,
    parts: &ModelsParts,
) -> Built {
    let base_url = config.base_url.as_deref().unwrap_or(base_url).trim_end_matches('/');
    check_url(config, base_url)?;
    if let Some(variable) = &config.api_key_variable {
        let secret = parts.keys.get(variable).filter(|key| is_header(key.reveal()));
        key.secret = Some(secret.cloned().ok_or_else(|| ModelsError::NoKey {
            model: config.name.clone(),
            variable: variable.clone(),
        })?);
    }
    let limits = &parts.limits;
    let endpoint = Endpoint {
        url: format!("{base_url}{}", D::PATH),
        headers: D::HEADERS,
        key,
        timeout_ms: config.timeout_ms.unwrap_or(limits.timeout_ms),
        retries_max: config.retries_max.unwrap_or(limits.retries_max),
        retry_wait_ms_max: config.retry_wait_ms_max.unwrap_or(limits.retry_wait_ms_max),
        answer_bytes_max: config.answer_bytes_max.unwrap_or(limits.answer_bytes_max),
    };
    let (outbound, clock) = (Arc::clone(&parts.outbound), Arc::clone(&parts.clock));
    Ok(Box::new(Remote { dialect, exchange: Exchange { outbound, clock, endpoint } }))
}

fn replay(config: &ModelConfig, parts: &ModelsParts) -> Built {
    needed(config, "mode", config.mode.as_ref())?;
    let cassette = needed(config, "cassette", config.cassette.as_ref())?;
    let entries = parts.cassettes.get(&cassette).ok_or_else(|| ModelsError::NoCassette {
        model: config.name.clone(),
        cassette: cassette.clone(),
    })?;
    Ok(Box::new(Replay::new(cassette, entries)))
}

fn record(config: &ModelConfig, directory: &Directory, parts: &ModelsParts) -> Built {
    let cassette = needed(config, "cassette", config.cassette.as_ref())?;
    let through = needed(config, "through", config.through.as_ref())?;
    let found = directory.get(&through).and_then(|named| named.of(config.tenant.as_ref()));
    let through =
        found.cloned().ok_or_else(|| unknown(&config.name, "through", through.as_str()))?;
    let sink = parts.recorder.clone().ok_or_else(|| ModelsError::NoCassette {
        model: config.name.clone(),
        cassette: cassette.clone(),
    })?;
    Ok(Box::new(Recording { cassette, through, sink }))
}

fn check_fields(config: &ModelConfig) -> Result<(), ModelsError> {
    check_places(config)?;
    let is_word = |c: char| !c.is_control() && !c.is_whitespace();
    let name = &config.name;
    let is_name = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(is_word)
        && name != "*";
    let is_line = |line: &ScriptLine| line.failure.is_some() == line.is_empty();
    let rules = [
        (is_name, "name", "must be one word of at most 128 bytes"),
        (!config.fallbacks.contains(name), "fallbacks", "must name other models"),
        (config.max_tokens_default > 0, "max_tokens_default", "must be more than 0"),
        (config.timeout_ms != Some(0), "timeout_ms", "must be more than 0"),
        (
            config.script.iter().all(is_line),
            "script",
            "must have in each line text, tool_calls or both, or failure",
        ),
    ];
    match rules.into_iter().find(|(holds, ..)| !holds) {
        None => Ok(()),
        Some((_, field, reason)) => {
            Err(ModelsError::Invalid { model: name.clone(), field, reason: reason.to_owned() })
        }
    }
}

/// No field stands where its provider does not know it.
fn check_places(config: &ModelConfig) -> Result<(), ModelsError> {
    const OPENAI: &[Provider] = &[Provider::Openai];
    const MOCK: &[Provider] = &[Provider::Mock];
    const CASSETTE: &[Provider] = &[Provider::Cassette];
    let fields = [
        (config.base_url.is_some(), "base_url", REMOTE),
        (config.model.is_some(), "model", REMOTE),
        (config.api_key_variable.is_some(), "api_key_variable", REMOTE),
        (config.timeout_ms.is_some(), "timeout_ms", REMOTE),
        (config.retries_max.is_some(), "retries_max", REMOTE),
        (config.retry_wait_ms_max.is_some(), "retry_wait_ms_max", REMOTE),
        (config.answer_bytes_max.is_some(), "answer_bytes_max", REMOTE),
        (config.max_tokens_field.is_some(), "max_tokens_field", OPENAI),
        (config.seed.is_some(), "seed", MOCK),
        (!config.script.is_empty(), "script", MOCK),
        (config.mode.is_some(), "mode", CASSETTE),
        (config.cassette.is_some(), "cassette", CASSETTE),
        (config.through.is_some(), "through", CASSETTE),
    ];
    let is_misplaced = |(is_set, _, providers): &(bool, &str, &[Provider])| {
        *is_set && !providers.contains(&config.provider)
    };
    match fields.into_iter().find(is_misplaced) {
        None => Ok(()),
        Some((_, field, _)) => Err(ModelsError::Misplaced {
            model: config.name.clone(),
            field,
            provider: config.provider.as_str(),
        }),
    }
}

/// Every fallback is there for everybody who may come to it.
fn check_fallbacks(directory: &Directory) -> Result<(), ModelsError> {
    for named in directory.values() {
        let general = named.general.iter().map(|model| (None, model));
        let own = named.own.iter().map(|(tenant, model)| (Some(tenant), model));
        for (tenant, model) in general.chain(own) {
            let is_there =
                |name: &String| directory.get(name).is_some_and(|named| named.of(tenant).is_some());
            if let Some(name) = model.fallbacks.iter().find(|name| !is_there(name)) {
                return Err(unknown(&model.name, "fallbacks", name));
            }
        }
    }
    Ok(())
}

fn check_url(config: &ModelConfig, url: &str) -> Result<(), ModelsError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let fits = |rest: &str| !rest.is_empty() && !rest.contains(['@', '?', '#', '\\', ' ']);
    if rest.is_some_and(fits) {
        return Ok(());
    }
    Err(ModelsError::Invalid {
        model: config.name.clone(),
        field: "base_url",
        reason: "must be http(s)://host[:port]/path, without user, query or fragment".to_owned(),
    })
}

/// Whether a key can stand in a header.
fn is_header(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn needed<T: Clone>(
    config: &ModelConfig,
    field: &'static str,
    value: Option<&T>,
) -> Result<T, ModelsError> {
    value.cloned().ok_or_else(|| ModelsError::Missing {
        model: config.name.clone(),
        field,
        provider: config.provider.as_str(),
    })
}

fn unknown(model: &str, field: &'static str, named: &str) -> ModelsError {
    ModelsError::Unknown { model: model.to_owned(), field, named: named.to_owned() }
}
