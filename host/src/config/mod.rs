//! The configuration: one model, read in two stages, as written ([`keys::RawConfig`]) and as meant
//! ([`Config`]).
//!
//! Every problem is found at once, and each names the file or variable, the key and the fix. Never
//! here: anything that only `wforge config check` warns of; that is [`check`].

mod admission;
mod check;
mod kept;
mod key;
mod keys;
mod layers;
mod outside;
mod reach;
mod reference;
mod schema;
mod server;
mod setting;
mod show;
mod telemetry;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use wforge_engine::{BlobOptions, RetentionOptions};
use wforge_model::SecretLimits;
use wforge_model::limits::{AdmissionLimits, BreakerLimits, RunLimits, SandboxLimits};
use wforge_model::mock::MockMode;
use wforge_model::tenancy::Quotas;
use wforge_model::trust::TrustLimits;
use wforge_model::webhook::WebhookLimits;

pub(crate) use check::{check, refuse_red};
use keys::RawConfig;
use layers::Layers;
pub(crate) use layers::{Flag, Named, Surroundings};
pub(crate) use outside::OutsideConfig;
pub(crate) use reach::ReachLimits;
pub(crate) use schema::schema;
pub(crate) use server::{AuthConfig, Key32, ServerConfig, TlsConfig, TokenKeys, TokensConfig};
pub(crate) use setting::{Environment, LogFormat, LogTo, Propagate, Secret, StoreKind};
pub(crate) use show::{ShownKey, show};
pub(crate) use telemetry::{LogConfig, TelemetryConfig};

/// The most of `runs.subscriber_lag_max`: so many places are kept for each run that is followed.
const SUBSCRIBER_LAG_MAX: u32 = 1 << 20;

/// The configuration as meant.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) env: Environment,
    pub(crate) data_dir: PathBuf,
    pub(crate) server: ServerConfig,
    pub(crate) client: ClientConfig,
    pub(crate) store: StoreConfig,
    pub(crate) mock: MockConfig,
    pub(crate) plugins: PluginsConfig,
    pub(crate) runs: RunsConfig,
    /// What one run may use.
    pub(crate) run_limits: RunLimits,
    /// What one call of a plugin may use.
    pub(crate) sandbox: SandboxLimits,
    /// What a component may be, and what compiling it may take.
    pub(crate) admission: AdmissionLimits,
    /// When a plugin that keeps breaking is left alone.
    pub(crate) breaker: BreakerLimits,
    /// What one tenant may use, where nothing else was said of it.
    pub(crate) quotas: Quotas,
    /// What tenants may keep as secrets.
    pub(crate) secrets: SecretLimits,
    /// What webhooks may use.
    pub(crate) webhooks: WebhookLimits,
    /// What they may keep in their trust stores.
    pub(crate) trust: TrustLimits,
    /// When blobs go that nothing names.
    pub(crate) blobs: BlobOptions,
    /// How long what has ended is kept.
    pub(crate) retention: RetentionOptions,
    /// Schedules of one tenant.
    pub(crate) schedules_count_max: usize,
    /// Entries of a tenant's audit log in a minute about what was stopped or refused.
    pub(crate) refusals_noted_per_minute_max: u32,
    /// What agents reach.
    pub(crate) outside: OutsideConfig,
    /// How much of it.
    pub(crate) reach: ReachLimits,
    pub(crate) log: LogConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) auth: AuthConfig,
    /// Whether somebody said where everything is kept.
    pub(crate) data_dir_is_named: bool,
}

/// Where commands go.
#[derive(Debug, Clone)]
pub(crate) struct ClientConfig {
    pub(crate) server: Option<String>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) timeout_ms: u64,
    /// Certificates to trust, beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
}

/// Where runs are kept.
#[derive(Debug, Clone)]
pub(crate) struct StoreConfig {
    pub(crate) kind: StoreKind,
    /// None: the file in the data directory.
    pub(crate) kek: Option<Key32>,
}

/// When mocks may stand in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MockConfig {
    pub(crate) mode: Option<MockMode>,
    pub(crate) production: bool,
}

/// Where plugins come from and what they may do.
#[derive(Debug, Clone)]
pub(crate) struct PluginsConfig {
    /// Empty outside development.
    pub(crate) dirs: Vec<PathBuf>,
    pub(crate) grants_file: PathBuf,
    /// Whether every tenant requires signatures.
    pub(crate) require_signed: bool,
}

/// How many runs, on how many threads.
#[derive(Debug, Clone)]
pub(crate) struct RunsConfig {
    pub(crate) live_max: usize,
    pub(crate) beginning_max: usize,
    pub(crate) call_log: Option<PathBuf>,
    pub(crate) failpoint_log: Option<PathBuf>,
    pub(crate) failpoint_kill: u64,
    /// None: by the machine.
    pub(crate) plugin_threads: Option<usize>,
    pub(crate) inbox_max: usize,
    pub(crate) snapshot_steps: u32,
    pub(crate) subscriber_lag_max: usize,
}

/// Something that is wrong, or likely not meant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Finding {
    /// How bad.
    pub(crate) severity: Severity,
    /// The file or variable, and the key.
    pub(crate) place: String,
    /// What, in a few words.
    pub(crate) message: String,
    /// The fix.
    pub(crate) help: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Nothing starts with it.
    Error,
    /// It works, and is likely not meant.
    Warning,
    /// It was looked at and is well.
    Ok,
}

impl Finding {
    pub(crate) fn new(
        severity: Severity,
        place: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { severity, place: place.into(), message: message.into(), help: help.into() }
    }

    pub(crate) fn error(
        place: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Error, place, message, help)
    }

    pub(crate) fn warning(
        place: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, place, message, help)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {}", problems(.0.len()))]
pub(crate) struct ConfigError(pub(crate) Vec<Finding>);

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

/// What was read: the configuration, what it warns of, and where everything was written.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Result<Config, ConfigError>,
    pub(crate) warnings: Vec<Finding>,
    pub(crate) shown: Vec<ShownKey>,
}

/// Reads the configuration.
pub(crate) fn load(surroundings: &Surroundings) -> Loaded {
    let mut layers = Layers::load(surroundings);
    let raw = RawConfig::read(&mut layers);
    let mut findings = std::mem::take(&mut layers.findings);
    let meant = Meant { layers: &layers, surroundings, findings: &mut findings };
    let config = meant.config(&raw);
    let shown = show(&raw, &layers, config.as_ref());
    let (mut errors, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    errors.dedup();
    let config = match config {
        Some(config) if errors.is_empty() => Ok(config),
        _ => Err(ConfigError(errors)),
    };
    Loaded { config, warnings, shown }
}

/// From written to meant.
struct Meant<'a> {
    layers: &'a Layers,
    surroundings: &'a Surroundings,
    findings: &'a mut Vec<Finding>,
}

impl Meant<'_> {
    /// None where something essential is missing; it was noted then.
    fn config(mut self, raw: &RawConfig) -> Option<Config> {
        // Each part notes its own problems, so all are asked before the first one may give up.
        let (server, client, auth) = (self.server(raw), self.client(raw), self.auth(raw));
        let kek = self.key_32("store.kek", raw.store_kek.as_ref());
        let (runs, run_limits) = (self.runs(raw), self.run_limits(raw));
        let quotas = self.quotas(raw);
        let (secrets, webhooks) = (self.secrets(raw), self.webhooks(raw));
        let env = raw.env?;
        let data_dir = self.data_dir(raw, env)?;
        let grants = raw.plugins_grants_file.clone();
        let outside = self.outside(raw, &data_dir);
        let reach = self.reach(raw);
        let (log, telemetry) = (Self::log(raw, env), self.telemetry(raw));
        Some(Config {
            env,
            server: server?,
            client: client?,
            store: StoreConfig { kind: raw.store_kind?, kek },
            mock: MockConfig { mode: raw.mock_mode, production: raw.mock_production? },
            plugins: PluginsConfig {
                dirs: match env {
                    Environment::Development => raw.plugins_dirs.clone()?,
                    Environment::Testing | Environment::Production => Vec::new(),
                },
                grants_file: grants.unwrap_or_else(|| data_dir.join("grants.toml")),
                require_signed: raw.plugins_require_signed?,
            },
            runs: runs?,
            run_limits: run_limits?,
            sandbox: self.sandbox(raw)?,
            admission: self.admission(raw)?,
            breaker: Self::breaker(raw)?,
            quotas: quotas?,
            secrets: secrets?,
            webhooks: webhooks?,
            trust: Self::trust(raw)?,
            blobs: Self::blobs(raw)?,
            retention: Self::retention(raw)?,
            schedules_count_max: usize::try_from(raw.schedules_count_max?).ok()?,
            refusals_noted_per_minute_max: raw.audit_refusals_per_minute_max?,
            outside: outside?,
            reach: reach?,
            log: log?,
            telemetry: telemetry?,
            auth,
            data_dir_is_named: raw.data_dir.is_some(),
            data_dir,
        })
    }

    fn data_dir(&mut self, raw: &RawConfig, env: Environment) -> Option<PathBuf> {
        if let Some(dir) = &raw.data_dir {
            return Some(dir.clone());
        }
        if let (Environment::Development, Some(file)) = (env, &self.layers.file) {
            return Some(file.parent().unwrap_or(Path::new(".")).join(".wforge"));
        }
        let variable = |name| self.surroundings.variables.get(name).filter(|v| !v.is_empty());
        let platform = match (variable("XDG_DATA_HOME"), variable("HOME")) {
            (Some(dir), _) => Some(PathBuf::from(dir).join("wforge")),
            (None, Some(home)) => Some(PathBuf::from(home).join(".local/share/wforge")),
            (None, None) => None,
        };
        if platform.is_none() {
            self.error("data_dir", "has no default here: HOME is not set", "set WFORGE_DATA_DIR");
        }
        platform
    }

    fn client(&mut self, raw: &RawConfig) -> Option<ClientConfig> {
        let server = raw.client_server.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = &server
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            self.error(
                "client.server",
                &format!("\"{url}\" is no address of a server"),
                "write https://host, or http://127.0.0.1:7420 for one on this machine",
            );
        }
        Some(ClientConfig {
            server,
            api_key: raw.client_api_key.clone(),
            timeout_ms: raw.client_timeout_ms?,
            ca_file: raw.client_ca_file.clone(),
        })
    }

    fn runs(&mut self, raw: &RawConfig) -> Option<RunsConfig> {
        let threads = usize::try_from(raw.runs_plugin_threads?).ok()?;
        let beginning_max = self.at_least_1("runs.beginning_max", raw.runs_beginning_max);
        let inbox_max = self.at_least_1("runs.inbox_max", raw.runs_inbox_max);
        let snapshot_steps = self.at_least_1("runs.snapshot_steps", raw.runs_snapshot_steps);
        let lag_max = self.at_least_1("runs.subscriber_lag_max", raw.runs_subscriber_lag_max);
        if lag_max.is_some_and(|max| max > SUBSCRIBER_LAG_MAX) {
            let message = format!("would keep more than {SUBSCRIBER_LAG_MAX} messages of each run");
            self.error("runs.subscriber_lag_max", &message, "write less");
        }
        if raw.runs_failpoint_log.is_some() && raw.env == Some(Environment::Production) {
            let message = "is for tests, which end the process with it";
            self.error("runs.failpoint_log", message, "leave it out");
        }
        Some(RunsConfig {
            live_max: usize::try_from(raw.runs_live_max?).ok()?,
            beginning_max: usize::try_from(beginning_max?).ok()?,
            call_log: raw.runs_call_log.clone(),
            failpoint_log: raw.runs_failpoint_log.clone(),
            failpoint_kill: raw.runs_failpoint_kill?,
            plugin_threads: (threads > 0).then_some(threads),
            inbox_max: usize::try_from(inbox_max?).ok()?,
            snapshot_steps: snapshot_steps?,
            subscriber_lag_max: usize::try_from(lag_max?).ok()?,
        })
    }

    fn run_limits(&mut self, raw: &RawConfig) -> Option<RunLimits> {
        let steps = self.at_least_1("limits.run.steps_max", raw.run_steps_max);
        let parallel = self.at_least_1("limits.run.parallel_max", raw.run_parallel_max);
        let tasks = self.at_least_1("limits.run.tasks_per_step_max", raw.run_tasks_per_step_max);
        let bytes = self.at_least_1("limits.run.state_bytes_max", raw.run_state_bytes_max);
        Some(RunLimits {
            steps_max: steps?,
            wall_ms_max: raw.run_wall_ms_max?,
            step_ms_max: raw.run_step_ms_max?,
            parallel_max: parallel?,
            state_bytes_max: bytes?,
            tasks_per_step_max: tasks?,
        })
    }

    /// A count of which 0 would let nothing happen at all.
    fn at_least_1<T: Copy + Default + PartialEq>(
        &mut self,
        key: &str,
        count: Option<T>,
    ) -> Option<T> {
        if count == Some(T::default()) {
            self.error(key, "must be at least 1", "write 1 or more, or leave it out");
        }
        count
    }

    fn sandbox(&mut self, raw: &RawConfig) -> Option<SandboxLimits> {
        Some(SandboxLimits {
            memory_bytes_max: raw.sandbox_memory_bytes_max?,
            memory_per_tenant_bytes_max: raw.sandbox_memory_per_tenant_bytes_max?,
            calls_per_tenant_max: self.at_least_1(
                "limits.sandbox.calls_per_tenant_max",
                raw.sandbox_calls_per_tenant_max,
            )?,
            calls_per_plugin_max: self.at_least_1(
                "limits.sandbox.calls_per_plugin_max",
                raw.sandbox_calls_per_plugin_max,
            )?,
            instances_max: raw.sandbox_instances_max?,
            memories_max: raw.sandbox_memories_max?,
            tables_max: raw.sandbox_tables_max?,
            table_elements_max: raw.sandbox_table_elements_max?,
            stack_bytes_max: self
                .at_least_1("limits.sandbox.stack_bytes_max", raw.sandbox_stack_bytes_max)?,
            cpu_ms_max: raw.sandbox_cpu_ms_max?,
            wall_ms_max: raw.sandbox_wall_ms_max?,
            host_calls_max: raw.sandbox_host_calls_max?,
            effects_max: raw.sandbox_effects_max?,
            host_call_bytes_max: raw.sandbox_host_call_bytes_max?,
            input_bytes_max: raw.sandbox_input_bytes_max?,
            output_bytes_max: raw.sandbox_output_bytes_max?,
            json_depth_max: raw.sandbox_json_depth_max?,
            json_values_max: raw.sandbox_json_values_max?,
            log_lines_max: raw.sandbox_log_lines_max?,
            log_line_bytes_max: raw.sandbox_log_line_bytes_max?,
            log_bytes_max: raw.sandbox_log_bytes_max?,
            emits_max: raw.sandbox_emits_max?,
            random_bytes_max: raw.sandbox_random_bytes_max?,
            handles_max: raw.sandbox_handles_max?,
            timers_max: raw.sandbox_timers_max?,
            http_at_once_max: raw.sandbox_http_at_once_max?,
        })
    }

    fn error(&mut self, key: &str, message: &str, help: &str) {
        let place = format!("{}: {key}", self.layers.origin(key));
        self.findings.push(Finding::error(place, message, help));
    }
}

/// The commented example of every key.
pub(crate) fn reference_text() -> String {
    reference::reference()
}
