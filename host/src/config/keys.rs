//! Every key of the configuration: its name, its meaning, its default and its short variable.
//!
//! This table is the only list of keys. The raw configuration, the defaults, the reference in
//! `docs/reference/wforge.toml` and `wforge config show` are made of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use wforge_model::mock::MockMode;

use super::layers::Layers;
use super::setting::{Environment, LogFormat, Secret, Setting, StoreKind};

/// The keys whose value is never shown.
pub(crate) const SECRETS: [&str; 2] = ["client.api_key", "store.kek"];

/// What is known of one key.
#[derive(Debug)]
pub(crate) struct Key {
    /// `table.name`.
    pub(crate) name: &'static str,
    /// Its meaning, line by line.
    pub(crate) docs: &'static [&'static str],
    /// What a value looks like.
    pub(crate) expected: &'static str,
    /// The default as TOML; none: unset, or computed as the docs say.
    pub(crate) default: Option<&'static str>,
    /// A variable that is shorter than `WFORGE_<TABLE>__<NAME>`.
    pub(crate) short: Option<&'static str>,
}

impl Key {
    /// The variable that every key has.
    pub(crate) fn variable(&self) -> String {
        format!("WFORGE_{}", self.name.replace('.', "__").to_uppercase())
    }
}

macro_rules! keys {
    (@some) => { None };
    (@some $value:literal) => { Some($value) };
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = $name:literal
            $(, default $default:literal)? $(, short $short:literal)?;
    )*) => {
        /// All keys, in the order of the reference.
        pub(crate) const KEYS: &[Key] = &[$(Key {
            name: $name,
            docs: &[$($doc),+],
            expected: <$type as Setting>::EXPECTED,
            default: keys!(@some $($default)?),
            short: keys!(@some $($short)?),
        }),*];

        /// The configuration as written: each key may be missing, nothing is compared yet.
        #[derive(Debug, Default)]
        pub(crate) struct RawConfig {
            $($(#[doc = $doc])+ pub(crate) $field: Option<$type>,)*
        }

        impl RawConfig {
            /// Reads every key; what cannot be read is noted in `layers`.
            pub(crate) fn read(layers: &mut Layers) -> Self {
                Self { $($field: layers.read($name),)* }
            }

            /// Each key with its value as TOML.
            pub(crate) fn shown(&self) -> Vec<(&'static str, Option<String>)> {
                vec![$(($name, self.$field.as_ref().map(Setting::to_toml)),)*]
            }
        }
    };
}

keys! {
    /// What kind of place this is: development, testing or production. Production is stricter:
    /// see `mock.production`, `plugins.dirs`, `store.kind` and `wforge config check`.
    env: Environment = "env", default "\"development\"";
    /// Where everything is kept. Unset: `.wforge` beside the nearest wforge.toml in development,
    /// else `$XDG_DATA_HOME/wforge` (`~/.local/share/wforge`).
    data_dir: PathBuf = "data_dir";

    /// The address that `wforge serve` listens on: one of loopback, port 0: any free one.
    server_listen: SocketAddr = "server.listen", default "\"127.0.0.1:7420\"";
    /// How long a stopping server waits for requests and tasks, in milliseconds.
    server_drain_ms_max: u64 = "server.drain_ms_max", default "25_000";

    /// The server that commands go to. Unset: the one that holds the data directory, else none:
    /// the command opens the store itself.
    client_server: String = "client.server", short "WFORGE_SERVER";
    /// The API key for that server. Keep it out of files that others read.
    client_api_key: Secret = "client.api_key", short "WFORGE_API_KEY";
    /// How long one request may wait for the server, in milliseconds.
    client_timeout_ms: u64 = "client.timeout_ms", default "60_000";

    /// Where runs are kept: `sled` survives, `memory` is gone when the process ends.
    store_kind: StoreKind = "store.kind", default "\"sled\"";
    /// The key-encryption key that seals the tenants' data keys, 64 hexadecimal digits. Unset:
    /// the file `store/kek` of the data directory, made on first use with mode 0600.
    store_kek: Secret = "store.kek", short "WFORGE_KEK";

    /// Who may be replaced by the mock agent: off (nobody), node (each node's own `fallback`
    /// decides), fallback (every node that is not `fallback: none`) or always. Unset: node, unless
    /// a run says otherwise; the strictest of those set holds. USE_MOCK_WORKFLOW=true is always,
    /// =false is node; WFORGE_MOCK wins over it.
    mock_mode: MockMode = "mock.mode", short "WFORGE_MOCK";
    /// Whether runs in the modes fallback and always are let in at all in production; the workflow
    /// must say `mock.allow: true` as well.
    mock_production: bool = "mock.production", default "false";

    /// Folders with components, taken where the data directory has none installed; in development
    /// only. Relative to this file.
    plugins_dirs: Vec<PathBuf> = "plugins.dirs", default "[]";
    /// The operator's grants: what a plugin that asks for it may do. Unset: `grants.toml` in the
    /// data directory. A file that does not exist grants nothing.
    plugins_grants_file: PathBuf = "plugins.grants_file";

    /// Runs that are live at the same time; more wait outside with 429.
    runs_live_max: u32 = "runs.live_max", default "10_000";
    /// A file to which every call of a plugin is appended, before and after, and once its result
    /// is durable. For tests that count calls. Unset: none.
    runs_call_log: PathBuf = "runs.call_log", short "WFORGE_CALL_LOG";
    /// Threads that run plugins. 0: one less than the machine has, at least one.
    runs_plugin_threads: u32 = "runs.plugin_threads", default "0";
    /// Facts (results, answers, timers) that wait for one run; whoever brings more waits too.
    runs_inbox_max: u32 = "runs.inbox_max", default "4_096";
    /// Super-steps between two snapshots of a run, from which it is loaded again.
    runs_snapshot_steps: u32 = "runs.snapshot_steps", default "64";
    /// Messages that a reader of a run's events may be behind before it misses those that are not
    /// kept, such as log lines; up to 1_048_576.
    runs_subscriber_lag_max: u32 = "runs.subscriber_lag_max", default "1_024";

    /// Super-steps of one run. These six hold for workflows whose `limits` say nothing; a workflow
    /// may ask for less, and one that asks for more is not started. A run keeps what it was
    /// started with.
    run_steps_max: u32 = "limits.run.steps_max", default "1_000";
    /// Time during which a task of one run works, in milliseconds; waiting is free. 0: no limit.
    run_wall_ms_max: u64 = "limits.run.wall_ms_max", default "3_600_000";
    /// The same of one super-step. 0: no limit.
    run_step_ms_max: u64 = "limits.run.step_ms_max", default "0";
    /// Tasks of one run at the same time.
    run_parallel_max: u32 = "limits.run.parallel_max", default "16";
    /// State of one run after a super-step, as JSON text.
    run_state_bytes_max: u64 = "limits.run.state_bytes_max", default "8_388_608";
    /// Tasks in one super-step.
    run_tasks_per_step_max: u32 = "limits.run.tasks_per_step_max", default "4_096";

    /// Linear memory of one call of a plugin.
    sandbox_memory_bytes_max: u64 = "limits.sandbox.memory_bytes_max", default "134_217_728";
    /// Elements of one table.
    sandbox_table_elements_max: u32 = "limits.sandbox.table_elements_max", default "100_000";
    /// CPU time of one call, in milliseconds.
    sandbox_cpu_ms_max: u64 = "limits.sandbox.cpu_ms_max", default "10_000";
    /// Time of one call, host calls included, in milliseconds.
    sandbox_wall_ms_max: u64 = "limits.sandbox.wall_ms_max", default "60_000";
    /// Calls from the guest into the host.
    sandbox_host_calls_max: u32 = "limits.sandbox.host_calls_max", default "100_000";
    /// Recorded effects of one task.
    sandbox_effects_max: u32 = "limits.sandbox.effects_max", default "1_000";
    /// Bytes that one host call may copy out of the guest.
    sandbox_host_call_bytes_max: u64 = "limits.sandbox.host_call_bytes_max", default "8_388_608";
    /// JSON text of one input.
    sandbox_input_bytes_max: u32 = "limits.sandbox.input_bytes_max", default "4_194_304";
    /// JSON text of one reply.
    sandbox_output_bytes_max: u32 = "limits.sandbox.output_bytes_max", default "4_194_304";
    /// Nesting of JSON that a guest hands over.
    sandbox_json_depth_max: u32 = "limits.sandbox.json_depth_max", default "64";
    /// Log lines of one call.
    sandbox_log_lines_max: u32 = "limits.sandbox.log_lines_max", default "1_000";
    /// Bytes of one log line.
    sandbox_log_line_bytes_max: u32 = "limits.sandbox.log_line_bytes_max", default "8_192";
    /// Bytes of all log lines of one call.
    sandbox_log_bytes_max: u32 = "limits.sandbox.log_bytes_max", default "1_048_576";
    /// Events that one call may emit.
    sandbox_emits_max: u32 = "limits.sandbox.emits_max", default "10_000";
    /// Random bytes of one request.
    sandbox_random_bytes_max: u32 = "limits.sandbox.random_bytes_max", default "65_536";
    /// Live handles of the component model in one sandbox.
    sandbox_handles_max: u32 = "limits.sandbox.handles_max", default "4_096";

    /// How log lines look on stderr: pretty or json. Unset: json in production, else pretty.
    log_format: LogFormat = "log.format";
    /// What is logged: error, warn, info, debug or trace, also by target (`warn,wforge=debug`).
    log_level: String = "log.level", default "\"warn\"", short "WFORGE_LOG";

    /// The hashed API keys of the server. Unset: `keys.toml` in the data directory.
    auth_keys_file: PathBuf = "auth.keys_file";
}
