//! Every key of the configuration: its name, its meaning, its default and its short variable.
//!
//! This table is the only list of keys. The raw configuration, the defaults, the reference in
//! `docs/reference/wforge.toml` and `wforge config show` are made of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use wforge_model::mock::MockMode;

use super::key::{Key, keys};
use super::layers::Layers;
use super::setting::{Environment, LogFormat, LogTo, Propagate, Secret, Setting, Share, StoreKind};

keys! {
    /// What kind of place this is: development, testing or production. Production is stricter:
    /// see `mock.production`, `plugins.dirs`, `store.kind` and `wforge config check`.
    env: Environment = "env", default "\"development\"";
    /// Where everything is kept. Unset: `.wforge` beside the nearest wforge.toml in development,
    /// else `$XDG_DATA_HOME/wforge` (`~/.local/share/wforge`).
    data_dir: PathBuf = "data_dir";

    /// The address that `wforge serve` listens on; port 0: any free one. One that others can reach
    /// needs TLS, or `server.plain_text`.
    server_listen: SocketAddr = "server.listen", default "\"127.0.0.1:7420\"";
    /// Names under which clients reach it, beside its address; requests for others are refused.
    server_hosts: Vec<String> = "server.hosts", default "[]";
    /// The certificate chain, PEM. Read again when it changes. Unset: no TLS.
    server_tls_certificate: PathBuf = "server.tls_certificate";
    /// The certificate's private key, PEM.
    server_tls_key: PathBuf = "server.tls_key";
    /// Whether an address that others can reach may be served without TLS: where a proxy before it
    /// ends TLS.
    server_plain_text: bool = "server.plain_text", default "false";
    /// Origins of web pages that may call the API, such as https://console.example. `*`: all of
    /// them, outside production only.
    server_cors_origins: Vec<String> = "server.cors_origins", default "[]";
    /// How long a stopping server waits for requests and tasks, in milliseconds.
    server_drain_ms_max: u64 = "server.drain_ms_max", default "25_000";

    /// The server that commands go to. Unset: the one of the login that was chosen, unless a data
    /// directory is named; else the one that holds the data directory; else none, and the command
    /// opens the store itself.
    client_server: String = "client.server", short "WFORGE_SERVER";
    /// The API key for that server. Keep it out of files that others read.
    client_api_key: Secret = "client.api_key", short "WFORGE_API_KEY";
    /// Certificates that the server's is trusted by, beside the system's: PEM. For servers with a
    /// certificate of their own making.
    client_ca_file: PathBuf = "client.ca_file", short "WFORGE_CA_FILE";
    /// How long one request may wait for the server, in milliseconds.
    client_timeout_ms: u64 = "client.timeout_ms", default "60_000";

    /// Where runs are kept: `sled` survives, `memory` is gone when the process ends.
    store_kind: StoreKind = "store.kind", default "\"sled\"";
    /// The key-encryption key that seals the tenants' data keys, 64 hexadecimal digits. Unset:
    /// the file `store/kek` of the data directory, made on first use with mode 0600.
    store_kek: Secret = "store.kek", short "WFORGE_KEK";

    /// How long it must have been known of a blob that no run, record, memory, thread or cached
    /// result names it before it is removed, in milliseconds. An upload has at least as long until
    /// a run names it.
    blobs_grace_ms: u64 = "blobs.grace_ms", default "86_400_000";
    /// How often a server looks for such blobs, in milliseconds; `wforge blobs gc` does so at once.
    /// 0: never.
    blobs_sweep_ms: u64 = "blobs.sweep_ms", default "3_600_000";

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
    /// Whether no tenant installs or starts what is not signed by a key of its trust store,
    /// whatever its own policy says.
    plugins_require_signed: bool = "plugins.require_signed", default "false";

    /// Addresses that plugins and tools may reach although they are not public, such as
    /// 10.0.0.0/8 or 127.0.0.1/32:8080. Names are resolved first. They still need their grants.
    outbound_allow: Vec<String> = "outbound.allow", default "[]";
    /// Certificates that servers outside are trusted by, beside the system's: PEM.
    outbound_ca_file: PathBuf = "outbound.ca_file";
    /// Failures of a server one after the other (no connection, a broken one, no answer in time)
    /// after which a tenant's requests to it fail at once for a while. 0: it is always asked.
    outbound_breaker_failures_max: u32 = "outbound.breaker_failures_max", default "5";
    /// How long it is left alone at first, in milliseconds; twice as long each time that it fails
    /// again. Then one request finds out whether it answers.
    outbound_breaker_rest_ms: u64 = "outbound.breaker_rest_ms", default "30_000";
    /// How long it is left alone at most, in milliseconds.
    outbound_breaker_rest_ms_max: u64 = "outbound.breaker_rest_ms_max", default "300_000";

    /// A server with OpenAI's chat completions, such as https://api.openai.com/v1. With
    /// `llm.model` it is the model `default`; its own address may be private.
    llm_base_url: String = "llm.base_url", short "WFORGE_LLM_URL";
    /// What that server calls the model.
    llm_model: String = "llm.model", short "WFORGE_LLM_MODEL";
    /// That server's key. Unset: none is sent.
    llm_api_key: Secret = "llm.api_key", short "WFORGE_LLM_API_KEY";
    /// Models by name, as `[[model]]`. Unset: `models.toml` in the data directory. Where there is
    /// no file: `default`, if it is said above, and `mock`, which makes its answers up.
    llm_models_file: PathBuf = "llm.models_file";
    /// Tokens of one run. These three count what models read and write. 0: no limit.
    llm_tokens_per_run_max: u64 = "llm.tokens_per_run_max", default "0";
    /// Tokens of one node in one run. 0: no limit.
    llm_tokens_per_node_max: u64 = "llm.tokens_per_node_max", default "0";
    /// Tokens of one plugin of a tenant on a day (UTC). 0: no limit.
    llm_tokens_per_plugin_per_day_max: u64 = "llm.tokens_per_plugin_per_day_max", default "0";

    /// MCP servers whose tools may be granted, as `[[server]]`. Unset: `mcp.toml` in the data
    /// directory. Where there is no file: none.
    tools_mcp_file: PathBuf = "tools.mcp_file";

    /// Runs that are live at the same time; more wait outside with 429.
    runs_live_max: u32 = "runs.live_max", default "10_000";
    /// Runs that begin at the same time. To begin waits for nothing but the host itself, so a
    /// machine does no more with more of them; each only takes longer. Further ones wait in a line,
    /// a second in a burst and 2 ms where it stands, and are then told by 503 when to come back.
    runs_beginning_max: u32 = "runs.beginning_max", default "56";
    /// A file to which every call of a plugin is appended, before and after, and once its result
    /// is durable. For tests that count calls. Unset: none.
    runs_call_log: PathBuf = "runs.call_log", short "WFORGE_CALL_LOG";
    /// A file to which every commit and every recording of an effect is appended. For tests, not
    /// in production. Unset: none.
    runs_failpoint_log: PathBuf = "runs.failpoint_log", short "WFORGE_FAILPOINT_LOG";
    /// The line of that file at which the process kills itself. 0: at none.
    runs_failpoint_kill: u64 = "runs.failpoint_kill", default "0",
        short "WFORGE_FAILPOINT_KILL";
    /// Threads that run plugins. 0: one less than the machine has, at least one.
    runs_plugin_threads: u32 = "runs.plugin_threads", default "0";
    /// Facts (results, answers, timers) that wait for one run; whoever brings more waits too.
    runs_inbox_max: u32 = "runs.inbox_max", default "4_096";
    /// Super-steps between two snapshots of a run, from which it is loaded again.
    runs_snapshot_steps: u32 = "runs.snapshot_steps", default "64";
    /// Messages that a reader of a run's events may be behind before it misses those that are not
    /// kept, such as log lines; up to 1_048_576.
    runs_subscriber_lag_max: u32 = "runs.subscriber_lag_max", default "256";

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

    /// How long a run is kept after its end, in milliseconds; then it goes with its log, its
    /// records, its snapshots and its memory. A run of a thread goes with its thread, once the
    /// newest is due. 0: for ever.
    retention_runs_ms: u64 = "limits.retention.runs_ms", default "2_592_000_000";
    /// Runs of one tenant that have ended and are kept; of more the oldest go, but none that ended
    /// in the last ten minutes. 0: any number.
    retention_runs_max: u64 = "limits.retention.runs_max", default "100_000";
    /// How often a server looks for what is due, and for replies under idempotency keys that have
    /// expired, in milliseconds. 0: never, so that nothing goes.
    retention_sweep_ms: u64 = "limits.retention.sweep_ms", default "3_600_000";

    /// Linear memory of one call of a plugin.
    sandbox_memory_bytes_max: u64 = "limits.sandbox.memory_bytes_max", default "134_217_728";
    /// Linear memory of all sandboxes of one tenant at one time, in bytes.
    sandbox_memory_per_tenant_bytes_max: u64 = "limits.sandbox.memory_per_tenant_bytes_max",
        default "2_147_483_648";
    /// Calls of plugins by one tenant at the same time; further ones wait for their turn.
    sandbox_calls_per_tenant_max: u32 = "limits.sandbox.calls_per_tenant_max", default "128";
    /// Calls of one plugin by one tenant at the same time; further ones wait for their turn.
    sandbox_calls_per_plugin_max: u32 = "limits.sandbox.calls_per_plugin_max", default "64";
    /// Core instances of one component; one that is written in Python has hundreds.
    sandbox_instances_max: u32 = "limits.sandbox.instances_max", default "512";
    /// Memories of one component.
    sandbox_memories_max: u32 = "limits.sandbox.memories_max", default "32";
    /// Tables of one component.
    sandbox_tables_max: u32 = "limits.sandbox.tables_max", default "256";
    /// Elements of one table.
    sandbox_table_elements_max: u32 = "limits.sandbox.table_elements_max", default "100_000";
    /// Stack of one call, in bytes; what the host needs above it comes on top.
    sandbox_stack_bytes_max: u32 = "limits.sandbox.stack_bytes_max", default "524_288";
    /// CPU time of one call, in milliseconds.
    sandbox_cpu_ms_max: u64 = "limits.sandbox.cpu_ms_max", default "10_000";
    /// Time of one call, host calls included, in milliseconds.
    sandbox_wall_ms_max: u64 = "limits.sandbox.wall_ms_max", default "180_000";
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
    /// Values in one JSON document that a guest hands over: elements, members, and the whole.
    sandbox_json_values_max: u32 = "limits.sandbox.json_values_max", default "200_000";
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
    /// Timers of wasi:clocks that one call has at the same time.
    sandbox_timers_max: u32 = "limits.sandbox.timers_max", default "64";
    /// Exchanges by wasi:http that one call has open at the same time, each until the body of its
    /// response is read or dropped.
    sandbox_http_at_once_max: u32 = "limits.sandbox.http_at_once_max", default "8";

    /// Bytes of a component. The first fifteen of these hold before anything is compiled.
    admission_component_bytes_max: u64 = "limits.admission.component_bytes_max",
        default "67_108_864";
    /// Functions of a component, in all modules inside it.
    admission_functions_max: u32 = "limits.admission.functions_max", default "60_000";
    /// Bytes of code of one function.
    admission_function_bytes_max: u32 = "limits.admission.function_bytes_max",
        default "2_097_152";
    /// Local variables of one function.
    admission_function_locals_max: u32 = "limits.admission.function_locals_max", default "10_000";
    /// Blocks, loops and conditions of one function.
    admission_function_blocks_max: u32 = "limits.admission.function_blocks_max", default "10_000";
    /// How deep they nest.
    admission_block_depth_max: u32 = "limits.admission.block_depth_max", default "3_000";
    /// Targets of all jump tables of one function.
    admission_jump_targets_max: u32 = "limits.admission.jump_targets_max", default "60_000";
    /// Types of a component.
    admission_types_max: u32 = "limits.admission.types_max", default "20_000";
    /// Cases, fields, elements or parameters of one type.
    admission_type_parts_max: u32 = "limits.admission.type_parts_max", default "500";
    /// How deep types nest.
    admission_type_depth_max: u32 = "limits.admission.type_depth_max", default "40";
    /// Modules and components inside a component.
    admission_nested_max: u32 = "limits.admission.nested_max", default "500";
    /// Imports of a component and of the modules inside it.
    admission_imports_max: u32 = "limits.admission.imports_max", default "20_000";
    /// Exports of a component and of the modules inside it.
    admission_exports_max: u32 = "limits.admission.exports_max", default "100_000";
    /// Segments of data and of table elements.
    admission_segments_max: u32 = "limits.admission.segments_max", default "50_000";
    /// Bytes of custom sections, such as names for backtraces and the manifest.
    admission_custom_bytes_max: u64 = "limits.admission.custom_bytes_max", default "16_777_216";
    /// Address space of the process that compiles a component.
    admission_compile_memory_bytes_max: u64 = "limits.admission.compile_memory_bytes_max",
        default "4_294_967_296";
    /// CPU time of that process, over all its threads, in milliseconds; counted in whole seconds.
    admission_compile_cpu_ms_max: u64 = "limits.admission.compile_cpu_ms_max", default "120_000";
    /// Time that it may take, in milliseconds.
    admission_compile_wall_ms_max: u64 = "limits.admission.compile_wall_ms_max",
        default "120_000";
    /// Native code of one component.
    admission_compiled_bytes_max: u64 = "limits.admission.compiled_bytes_max",
        default "268_435_456";
    /// Components that are compiled or loaded at the same time; of one tenant it is one.
    admission_compile_at_once_max: u32 = "limits.admission.compile_at_once_max", default "2";

    /// Calls of a plugin that break in a row (a trap, an exception, no end in time) before it is
    /// left alone for a while, for that tenant. 0: no limit.
    breaker_failures_max: u32 = "limits.breaker.failures_max", default "5";
    /// Those of so long ago count, in milliseconds.
    breaker_window_ms: u64 = "limits.breaker.window_ms", default "60_000";
    /// The first while, in milliseconds; each further one is twice as long.
    breaker_open_ms: u64 = "limits.breaker.open_ms", default "5_000";
    /// The longest while, in milliseconds.
    breaker_open_ms_max: u64 = "limits.breaker.open_ms_max", default "300_000";

    /// Entries of one tenant's audit log in a minute that say what was stopped or refused of its
    /// plugins and files; further ones are counted in the metrics only.
    audit_refusals_per_minute_max: u32 = "limits.audit.refusals_per_minute_max", default "60";

    /// Requests to models, servers and tools of one tenant that are under way at the same time;
    /// further ones wait for their turn.
    effects_at_once_max: u32 = "limits.effects.at_once_max", default "64";
    /// How deep agents may call each other as tools. 0: no agent is a tool of another.
    effects_tool_depth_max: u32 = "limits.effects.tool_depth_max", default "4";

    /// The longest key of a plugin's memory, in bytes.
    kv_key_bytes_max: u32 = "limits.kv.key_bytes_max", default "512";
    /// The largest value, as JSON text.
    kv_value_bytes_max: u32 = "limits.kv.value_bytes_max", default "262_144";
    /// Keys that one run, thread or plugin remembers.
    kv_keys_max: u64 = "limits.kv.keys_max", default "10_000";
    /// Keys and values of one run, thread or plugin together, in bytes.
    kv_bytes_max: u64 = "limits.kv.bytes_max", default "16_777_216";
    /// Keys and values of one page of a listing, in bytes; one entry always fits.
    kv_page_bytes_max: u64 = "limits.kv.page_bytes_max", default "1_048_576";

    /// The largest blob that a plugin writes, in bytes.
    blob_bytes_max: u32 = "limits.blobs.blob_bytes_max", default "8_388_608";
    /// The most that one read of a blob gives, in bytes.
    blob_read_bytes_max: u32 = "limits.blobs.read_bytes_max", default "8_388_608";
    /// What is held in memory of blobs that were read lately, in bytes over all tenants.
    blob_held_bytes_max: u32 = "limits.blobs.held_bytes_max", default "67_108_864";

    /// A body of a plugin's request, or of its response, that is part of the message, in bytes; a
    /// larger one is a blob.
    http_inline_bytes_max: u32 = "limits.http.inline_bytes_max", default "262_144";
    /// A body that a plugin sends from a blob, in bytes.
    http_request_bytes_max: u32 = "limits.http.request_bytes_max", default "8_388_608";
    /// A body that a plugin receives, in bytes.
    http_response_bytes_max: u64 = "limits.http.response_bytes_max", default "8_388_608";
    /// Time for an exchange for which a plugin names none, in milliseconds.
    http_timeout_ms: u64 = "limits.http.timeout_ms", default "30_000";
    /// The longest time that a plugin may ask for, in milliseconds.
    http_timeout_ms_max: u64 = "limits.http.timeout_ms_max", default "300_000";

    /// Time until a connection to a server, a model or a tool stands, in milliseconds.
    outbound_connect_ms_max: u64 = "limits.outbound.connect_ms_max", default "10_000";
    /// Headers of one request, and of its response; up to 16_384.
    outbound_headers_max: u32 = "limits.outbound.headers_max", default "100";
    /// Names and values of these headers together, in bytes.
    outbound_header_bytes_max: u32 = "limits.outbound.header_bytes_max", default "65_536";

    /// Time for one question to a model and its whole answer, in milliseconds. These four hold for
    /// models whose entry says nothing. No model may take longer than a plugin's whole call:
    /// `limits.sandbox.wall_ms_max`.
    models_timeout_ms: u64 = "limits.models.timeout_ms", default "60_000";
    /// How often a question is sent again after 429, 5xx or no connection.
    models_retries_max: u32 = "limits.models.retries_max", default "2";
    /// The longest wait before that, in milliseconds.
    models_retry_wait_ms_max: u64 = "limits.models.retry_wait_ms_max", default "30_000";
    /// The largest answer, in bytes.
    models_answer_bytes_max: u64 = "limits.models.answer_bytes_max", default "4_194_304";
    /// All files in the messages of one question together, in bytes.
    models_file_bytes_max: u32 = "limits.models.file_bytes_max", default "8_388_608";

    /// Time for one call of a tool at an MCP server whose entry says nothing, in milliseconds.
    mcp_timeout_ms: u64 = "limits.mcp.timeout_ms", default "30_000";
    /// Tools that are taken of one MCP server.
    mcp_tools_max: u32 = "limits.mcp.tools_max", default "256";

    /// Requests of one tenant in a second, on average. These seven hold for tenants of which
    /// nothing else was said: `wforge tenants quotas`.
    tenant_requests_per_second_max: u32 = "limits.tenant.requests_per_second_max", default "200";
    /// Requests of one tenant at once above the average.
    tenant_requests_burst_max: u32 = "limits.tenant.requests_burst_max", default "400";
    /// Runs of one tenant in memory at the same time.
    tenant_runs_live_max: u32 = "limits.tenant.runs_live_max", default "2_000";
    /// Runs that one tenant starts on a day (UTC). 0: no limit.
    tenant_runs_per_day_max: u64 = "limits.tenant.runs_per_day_max", default "0";
    /// Bytes that one tenant keeps. 0: no limit.
    tenant_storage_bytes_max: u64 = "limits.tenant.storage_bytes_max", default "68_719_476_736";
    /// CPU time of one tenant's plugins on a day (UTC), in seconds. 0: no limit.
    tenant_cpu_seconds_per_day_max: u64 = "limits.tenant.cpu_seconds_per_day_max", default "0";
    /// Tokens of models that one tenant uses on a day (UTC). 0: no limit.
    tenant_tokens_per_day_max: u64 = "limits.tenant.tokens_per_day_max", default "0";

    /// Secrets of one tenant.
    secrets_count_max: u32 = "limits.secrets.count_max", default "100";
    /// Bytes of one secret; at least 8 are asked for.
    secrets_value_bytes_max: u32 = "limits.secrets.value_bytes_max", default "4_096";
    /// Versions of one secret that are kept: a task that revealed an older one and runs again finds
    /// it gone.
    secrets_versions_max: u32 = "limits.secrets.versions_max", default "8";
    /// Hosts that one secret may be for.
    secrets_hosts_max: u32 = "limits.secrets.hosts_max", default "16";

    /// Schedules of one tenant.
    schedules_count_max: u32 = "limits.schedules.count_max", default "1_000";

    /// Webhooks of one tenant, and inbound ones.
    webhooks_count_max: u32 = "limits.webhooks.count_max", default "20";
    /// Bytes of what one webhook is told at once.
    webhooks_body_bytes_max: u32 = "limits.webhooks.body_bytes_max", default "262_144";
    /// Deliveries of one tenant that are under way at once.
    webhooks_at_once_max: u32 = "limits.webhooks.at_once_max", default "4";
    /// Deliveries of all tenants that are under way at once.
    webhooks_total_at_once_max: u32 = "limits.webhooks.total_at_once_max", default "64";
    /// Deliveries that wait for one webhook; with one more it is switched off.
    webhooks_pending_max: u32 = "limits.webhooks.pending_max", default "1_000";
    /// Deliveries of one webhook that have ended and are kept to be looked at.
    webhooks_kept_max: u32 = "limits.webhooks.kept_max", default "100";
    /// How long a receiver has for its answer, in milliseconds.
    webhooks_timeout_ms: u64 = "limits.webhooks.timeout_ms", default "15_000";
    /// Between the first attempt and the second, in milliseconds; four times as long each time.
    webhooks_retry_first_ms: u64 = "limits.webhooks.retry_first_ms", default "5_000";
    /// Between two attempts at most, in milliseconds.
    webhooks_retry_ms_max: u64 = "limits.webhooks.retry_ms_max", default "14_400_000";
    /// How long a delivery is tried, in milliseconds.
    webhooks_give_up_ms: u64 = "limits.webhooks.give_up_ms", default "86_400_000";
    /// Deliveries given up one after the other with which a webhook is switched off. 0: never.
    webhooks_given_up_in_row_max: u32 = "limits.webhooks.given_up_in_row_max", default "5";
    /// How long the secret of before signs beside a new one, in milliseconds.
    webhooks_secret_overlap_ms: u64 = "limits.webhooks.secret_overlap_ms", default "86_400_000";

    /// Keys whose signatures one tenant trusts.
    trust_keys_max: u32 = "limits.trust.keys_max", default "100";
    /// Plugins for which one tenant may say a minimum version.
    trust_minimums_max: u32 = "limits.trust.minimums_max", default "1_000";
    /// Bytes of one signature file of minisign. Over the API it is a header, whose base64 form is
    /// a third larger and must fit into `limits.api.header_bytes_max` with all others.
    trust_signature_bytes_max: u32 = "limits.trust.signature_bytes_max", default "4_096";

    /// Connections at the same time; further ones wait.
    api_connections_max: u32 = "limits.api.connections_max", default "1_024";
    /// Connections of one address at the same time; further ones are closed. 0: no limit, for
    /// servers behind a proxy.
    api_connections_per_address_max: u32 = "limits.api.connections_per_address_max",
        default "256";
    /// Requests under way at the same time, of all tenants together.
    api_requests_max: u32 = "limits.api.requests_max", default "512";
    /// The same of one tenant.
    api_requests_per_tenant_max: u32 = "limits.api.requests_per_tenant_max", default "128";
    /// Event streams at the same time, of all tenants together.
    api_streams_max: u32 = "limits.api.streams_max", default "512";
    /// The same of one tenant.
    api_streams_per_tenant_max: u32 = "limits.api.streams_per_tenant_max", default "64";
    /// Uploads of components at the same time, of all tenants together.
    api_uploads_max: u32 = "limits.api.uploads_max", default "4";
    /// The same of one tenant.
    api_uploads_per_tenant_max: u32 = "limits.api.uploads_per_tenant_max", default "2";
    /// Header fields of one request.
    api_headers_max: u32 = "limits.api.headers_max", default "64";
    /// Bytes of all header fields and the request line together.
    api_header_bytes_max: u32 = "limits.api.header_bytes_max", default "16_384";
    /// Time for the handshake of TLS, and for the headers of a request, in milliseconds.
    api_header_ms_max: u64 = "limits.api.header_ms_max", default "10_000";
    /// Bytes of a JSON body where no other limit is named.
    api_json_bytes_max: u32 = "limits.api.json_bytes_max", default "1_048_576";
    /// Bytes of a body that starts a run or writes a thread.
    api_run_bytes_max: u32 = "limits.api.run_bytes_max", default "8_388_608";
    /// Bytes of a workflow file.
    api_workflow_bytes_max: u32 = "limits.api.workflow_bytes_max", default "1_048_576";
    /// Bytes of a component.
    api_plugin_bytes_max: u32 = "limits.api.plugin_bytes_max", default "67_108_864";
    /// Nesting of JSON.
    api_json_depth_max: u32 = "limits.api.json_depth_max", default "64";
    /// Time to read a body, in milliseconds.
    api_body_ms_max: u64 = "limits.api.body_ms_max", default "30_000";
    /// Time to read a component, in milliseconds.
    api_upload_ms_max: u64 = "limits.api.upload_ms_max", default "120_000";
    /// Time for a request from its headers to its response, in milliseconds.
    api_request_ms_max: u64 = "limits.api.request_ms_max", default "240_000";
    /// Age of a connection, in milliseconds.
    api_connection_age_ms_max: u64 = "limits.api.connection_age_ms_max", default "14_400_000";
    /// Age of an event stream, in milliseconds; clients go on from their last event.
    api_stream_age_ms_max: u64 = "limits.api.stream_age_ms_max", default "3_600_000";
    /// Invalid credentials of one address, or for one key, in a minute.
    api_auth_failures_per_minute_max: u32 = "limits.api.auth_failures_per_minute_max",
        default "30";
    /// Posts to one inbound hook in a second.
    api_hook_posts_per_second_max: u32 = "limits.api.hook_posts_per_second_max", default "20";
    /// How long an idempotency key is remembered, in milliseconds.
    api_idempotency_ms: u64 = "limits.api.idempotency_ms", default "86_400_000";

    /// How log lines look on stderr: pretty or json. Unset: json in production, else pretty.
    log_format: LogFormat = "log.format";
    /// What is logged: error, warn, info, debug or trace, also by target (`warn,wforge=debug`).
    log_level: String = "log.level", default "\"warn\"", short "WFORGE_LOG";
    /// Where the lines of a server go that go to no file: stderr or stdout.
    log_to: LogTo = "log.to", default "\"stderr\"";
    /// The file that a server's lines go to instead. Commands write to stderr all the same.
    log_file: PathBuf = "log.file";
    /// The largest size of that file, in bytes; then it becomes `.1`, and a new one begins. 0: any.
    log_file_bytes_max: u64 = "log.file_bytes_max", default "104_857_600";
    /// Whether each day (UTC) has a file of its own.
    log_file_daily: bool = "log.file_daily", default "true";
    /// Old files that are kept: `.1` is the newest.
    log_files_max: u32 = "log.files_max", default "14";
    /// What lines and spans call this process, where there are several. Unset: the machine's name.
    log_instance: String = "log.instance";

    /// The collector that a server sends its spans to, by OTLP over HTTP: the base of its address,
    /// such as http://127.0.0.1:4318. One that is not on this machine needs https, or
    /// `telemetry.otlp_plain_text`. Unset: nowhere.
    telemetry_otlp_endpoint: String = "telemetry.otlp_endpoint", short "WFORGE_OTLP_ENDPOINT";
    /// Whether spans and the collector's key may go to another machine without TLS: where nobody
    /// listens in between.
    telemetry_otlp_plain_text: bool = "telemetry.otlp_plain_text", default "false";
    /// Headers of each request to it, such as a key: `name=value,name=value`.
    telemetry_otlp_headers: Secret = "telemetry.otlp_headers", short "WFORGE_OTLP_HEADERS";
    /// What the collector calls this service.
    telemetry_service_name: String = "telemetry.service_name", default "\"wforge\"";
    /// Of which share of the traces that begin here spans are sent. Whoever begins a trace
    /// elsewhere and names it in `traceparent` decides for it.
    telemetry_sample_ratio: Share = "telemetry.sample_ratio", default "1.0";
    /// Spans that may wait for the collector, up to 131_072; further ones are dropped and counted.
    telemetry_queue_spans_max: u32 = "telemetry.queue_spans_max", default "8_192";
    /// Spans of one request to it.
    telemetry_batch_spans_max: u32 = "telemetry.batch_spans_max", default "512";
    /// How long spans wait for others, in milliseconds.
    telemetry_delay_ms: u64 = "telemetry.delay_ms", default "1_000";
    /// How long one request to it may take, in milliseconds.
    telemetry_timeout_ms_max: u64 = "telemetry.timeout_ms_max", default "5_000";
    /// Which servers are told, by a header `traceparent`, to which trace a request belongs: none,
    /// models (those of the operator), or all that plugins and tools reach, strangers included.
    telemetry_propagate: Propagate = "telemetry.propagate", default "\"none\"";

    /// What API keys are hashed with, 64 hexadecimal digits; with another one no key is known any
    /// more. Unset: the file `keys/pepper` of the data directory, made on first use.
    auth_pepper: Secret = "auth.pepper", short "WFORGE_PEPPER";
    /// A file with the first API key, such as `wforge keys generate` prints. Taken at the first
    /// start, with the role platform. Unset: a key is made then, and printed once.
    auth_bootstrap_key_file: PathBuf = "auth.bootstrap_key_file",
        short "WFORGE_BOOTSTRAP_KEY_FILE";
    /// The secret of tokens by HS256: 32 bytes or more. `wforge token mint` makes such tokens.
    /// Unset: none is taken.
    auth_jwt_secret: Secret = "auth.jwt_secret", short "WFORGE_JWT_SECRET";
    /// The public keys of an identity provider (JWKS): an https address, or a file. Tokens by
    /// RS256, ES256 and EdDSA are taken then, and none by HS256. Unset: none is taken.
    auth_jwks: String = "auth.jwks", short "WFORGE_JWKS";
    /// Who must have issued a token. Needed where tokens are taken.
    auth_jwt_issuer: String = "auth.jwt_issuer", short "WFORGE_JWT_ISSUER";
    /// For whom a token must be. Needed where tokens are taken.
    auth_jwt_audience: String = "auth.jwt_audience", short "WFORGE_JWT_AUDIENCE";
    /// How much longer a token may be valid, in seconds; one that ends later is refused.
    auth_jwt_ttl_s_max: u64 = "auth.jwt_ttl_s_max", default "86_400";
}
