//! Precedence, by table: what is set where, and what holds.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use wforge_effects::llm::ModelLimits;
use wforge_effects::mcp::McpLimits;
use wforge_effects::outbound::EgressOptions;
use wforge_effects::{BlobLimits, FetchLimits, KvLimits};
use wforge_engine::{EngineOptions, RetentionOptions};
use wforge_model::limits::{AdmissionLimits, BreakerLimits, RunLimits, SandboxLimits};
use wforge_model::mock::MockMode;

use super::keys::KEYS;
use super::{Config, Environment, Flag, Loaded, ReachLimits, Surroundings, load};

/// What a case sets.
#[derive(Default)]
struct Given<'a> {
    file: &'a str,
    dotenv: &'a str,
    environment: &'a [(&'a str, &'a str)],
    flags: &'a [(&'static str, &'static str, &'a str)],
}

fn loaded(given: &Given<'_>) -> (tempfile::TempDir, Loaded) {
    let folder = tempfile::tempdir().unwrap();
    if !given.file.is_empty() {
        fs_err::write(folder.path().join("wforge.toml"), given.file).unwrap();
    }
    if !given.dotenv.is_empty() {
        fs_err::write(folder.path().join(".env"), given.dotenv).unwrap();
    }
    let inner = folder.path().join("inner");
    fs_err::create_dir(&inner).unwrap();
    let mut variables: std::collections::BTreeMap<String, String> =
        given.environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    variables.entry("HOME".to_owned()).or_insert_with(|| "/home/someone".to_owned());
    let flag = |(key, flag, value): &(&'static str, &'static str, &str)| Flag {
        key,
        flag,
        value: (*value).to_owned(),
    };
    let loaded = load(&Surroundings {
        current_dir: if given.file.is_empty() { folder.path().to_owned() } else { inner },
        variables,
        flags: given.flags.iter().map(flag).collect(),
        file: None,
        login: None,
    });
    (folder, loaded)
}

fn config(given: &Given<'_>) -> Config {
    loaded(given).1.config.unwrap()
}

fn listen(given: &Given<'_>) -> (String, String) {
    let (folder, loaded) = loaded(given);
    let shown = loaded.shown.iter().find(|key| key.key == "server.listen").unwrap();
    let folder = folder.path().to_string_lossy().into_owned();
    (shown.value.clone().unwrap(), shown.origin.replace(&folder, "DIR"))
}

#[test]
fn a_later_layer_wins_and_the_origin_says_which() {
    const FILE: &str = "[server]\nlisten = \"127.0.0.1:1\"";
    const DOTENV: &str = "WFORGE_SERVER__LISTEN=127.0.0.1:2";
    const ENV: &[(&str, &str)] = &[("WFORGE_SERVER__LISTEN", "127.0.0.1:3")];
    const FLAG: &[(&str, &str, &str)] = &[("server.listen", "--listen", "127.0.0.1:4")];
    let cases: [(Given<'_>, &str, &str); 5] = [
        (Given::default(), "7420", "default"),
        (Given { file: FILE, ..Given::default() }, "1", "DIR/wforge.toml"),
        (
            Given { file: FILE, dotenv: DOTENV, ..Given::default() },
            "2",
            "DIR/.env: WFORGE_SERVER__LISTEN",
        ),
        (
            Given { file: FILE, dotenv: DOTENV, environment: ENV, flags: &[] },
            "3",
            "environment variable WFORGE_SERVER__LISTEN",
        ),
        (Given { file: FILE, dotenv: DOTENV, environment: ENV, flags: FLAG }, "4", "flag --listen"),
    ];
    for (given, port, origin) in cases {
        assert_eq!(listen(&given), (format!("\"127.0.0.1:{port}\""), origin.to_owned()));
    }
}

fn mock_mode(given: &Given<'_>) -> Option<MockMode> {
    config(given).mock.mode
}

#[test]
fn wforge_mock_wins_over_use_mock_workflow_and_both_over_the_file() {
    use MockMode::{Always, Fallback, Node, Off};
    const FILE: &str = "[mock]\nmode = \"fallback\"";
    let env = |environment: &[(&str, &str)]| {
        mock_mode(&Given { file: FILE, environment, ..Given::default() })
    };
    assert_eq!(mock_mode(&Given::default()), None);
    assert_eq!(env(&[]), Some(Fallback));
    assert_eq!(env(&[("USE_MOCK_WORKFLOW", "true")]), Some(Always));
    assert_eq!(env(&[("USE_MOCK_WORKFLOW", "True")]), Some(Always));
    assert_eq!(env(&[("USE_MOCK_WORKFLOW", "false")]), Some(Node));
    assert_eq!(env(&[("USE_MOCK_WORKFLOW", "true"), ("WFORGE_MOCK", "off")]), Some(Off));
    assert_eq!(env(&[("USE_MOCK_WORKFLOW", "false"), ("WFORGE_MOCK", "always")]), Some(Always));
    assert_eq!(env(&[("WFORGE_MOCK", "")]), Some(Fallback));
    assert_eq!(env(&[("WFORGE_MOCK__MODE", "off")]), Some(Off));
    let dotenv = "WFORGE_MOCK=off";
    let given = Given { dotenv, environment: &[("USE_MOCK_WORKFLOW", "true")], ..Given::default() };
    assert_eq!(mock_mode(&given), Some(Off));
}

fn problems(given: &Given<'_>, expected: &Expect) {
    let (folder, loaded) = loaded(given);
    let folder = folder.path().to_string_lossy().into_owned();
    let errors = loaded.config.err().map(|error| error.0).unwrap_or_default();
    let lines: String = errors
        .iter()
        .chain(&loaded.warnings)
        .map(|f| format!("{:?} {} {}; {}\n", f.severity, f.place, f.message, f.help))
        .collect();
    expected.assert_eq(&lines.replace(&folder, "DIR"));
}

#[test]
fn every_problem_is_found_at_once_with_place_and_fix() {
    problems(
        &Given {
            file: "envv = 1\n[server]\nlisten = 7420\n[store]\nkind = \"sledd\"\n[mock]\nmode = 3",
            environment: &[
                ("WFORGE_MOCK__PRODUCTION", "perhaps"),
                ("WFORGE_SERVER__LISTN", "127.0.0.1:1"),
                ("WFORGE_SERVICE_HOST", "10.0.0.1"),
                ("WFORGE_KEK", "abc"),
            ],
            ..Given::default()
        },
        &expect![[r#"
            Error environment variable WFORGE_SERVER__LISTN is no variable of wforge; did you mean WFORGE_SERVER__LISTEN?
            Error DIR/wforge.toml: envv is no key; did you mean env?
            Error DIR/wforge.toml: server.listen must be an address with a port, such as 127.0.0.1:7420, not 7420; write an address with a port, such as 127.0.0.1:7420
            Error DIR/wforge.toml: store.kind must be sled or memory, not "sledd"; write sled or memory
            Error DIR/wforge.toml: mock.mode must be off, node, fallback or always, not 3; write off, node, fallback or always
            Error environment variable WFORGE_MOCK__PRODUCTION: mock.production must be true or false, not "perhaps"; write true or false
            Error environment variable WFORGE_KEK: store.kek must be 64 hexadecimal digits; make one with: openssl rand -hex 32
            Warning environment variable WFORGE_SERVICE_HOST is no variable of wforge; did you mean WFORGE_SERVER__HOSTS?
        "#]],
    );
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line() {
    problems(
        &Given { file: "env = \"testing\n", ..Given::default() },
        &expect![[r#"
        Error DIR/wforge.toml:1 is no TOML: invalid basic string, expected `"`; mend the file; docs/reference/wforge.toml shows every key
    "#]],
    );
}

#[test]
fn an_address_outside_loopback_is_refused() {
    let given = Given { flags: &[("server.listen", "--listen", "0.0.0.0:80")], ..Given::default() };
    problems(
        &given,
        &expect![[r#"
            Error flag --listen: server.listen 0.0.0.0:80 is reachable from outside, and nothing encrypts what is said; set server.tls_certificate and server.tls_key; or, behind a proxy that ends TLS, server.plain_text = true
        "#]],
    );
}

#[test]
fn two_names_of_one_variable_must_agree() {
    let environment = &[("WFORGE_MOCK", "off"), ("WFORGE_MOCK__MODE", "node")];
    problems(
        &Given { environment, ..Given::default() },
        &expect![[r#"
        Error environment variable WFORGE_MOCK says something else than WFORGE_MOCK__MODE; keep one of the two
    "#]],
    );
}

#[test]
fn the_data_directory_lies_beside_the_file_in_development_only() {
    let with = |file, environment: &[(&str, &str)]| {
        let (folder, loaded) = loaded(&Given { file, environment, ..Given::default() });
        let dir = loaded.config.unwrap().data_dir;
        match dir.strip_prefix(folder.path()) {
            Ok(relative) => Path::new("DIR").join(relative),
            Err(_) => dir,
        }
    };
    assert_eq!(with("env = \"development\"", &[]), PathBuf::from("DIR/.wforge"));
    let home = PathBuf::from("/home/someone/.local/share/wforge");
    assert_eq!(with("env = \"production\"", &[]), home);
    assert_eq!(with("", &[]), home);
    assert_eq!(with("", &[("XDG_DATA_HOME", "/data")]), PathBuf::from("/data/wforge"));
    assert_eq!(with("data_dir = \"here\"", &[]), PathBuf::from("DIR/here"));
    let variable = &[("WFORGE_DATA_DIR", "there")];
    assert_eq!(with("data_dir = \"here\"", variable), PathBuf::from("DIR/inner/there"));
}

#[test]
fn folders_of_plugins_count_in_development_only() {
    let dirs = |file| config(&Given { file, ..Given::default() }).plugins.dirs.len();
    assert_eq!(dirs("[plugins]\ndirs = [\"target/plugins\"]"), 1);
    assert_eq!(dirs("env = \"production\"\n[plugins]\ndirs = [\"target/plugins\"]"), 0);
}

/// Each limit by its key, as a run and a sandbox of this configuration have it.
fn limits(config: &Config) -> Vec<(String, u64)> {
    let tables = [
        ("limits.run", serde_json::to_value(&config.run_limits).unwrap()),
        ("limits.sandbox", serde_json::to_value(&config.sandbox).unwrap()),
        ("limits.admission", serde_json::to_value(&config.admission).unwrap()),
        ("limits.breaker", serde_json::to_value(&config.breaker).unwrap()),
        ("limits.retention", serde_json::to_value(config.retention).unwrap()),
    ];
    let mut limits = Vec::new();
    for (table, fields) in tables {
        let fields = fields.as_object().unwrap();
        limits.extend(fields.iter().map(|(f, n)| (format!("{table}.{f}"), n.as_u64().unwrap())));
    }
    limits
}

#[test]
fn the_defaults_of_limits_are_those_of_the_libraries() {
    let config = config(&Given::default());
    assert_eq!(config.run_limits, RunLimits::default());
    assert_eq!(config.sandbox, SandboxLimits::default());
    assert_eq!(config.admission, AdmissionLimits::default());
    assert_eq!(config.breaker, BreakerLimits::default());
    // What embeds the engine looks when it wants to.
    let sweep_ms = 3_600_000;
    assert_eq!(config.retention, RetentionOptions { sweep_ms, ..RetentionOptions::default() });
    let (runs, engine) = (config.runs, EngineOptions::default());
    assert_eq!(
        (runs.live_max, runs.inbox_max, runs.snapshot_steps, runs.subscriber_lag_max),
        (engine.runs_live_max, engine.inbox_max, engine.snapshot_steps, engine.subscriber_lag_max)
    );
    assert_eq!(runs.beginning_max, engine.runs_beginning_max);
}

#[test]
fn every_limit_has_a_key_that_sets_it_and_no_other() {
    let before = limits(&config(&Given::default()));
    assert_eq!(before.len(), 58);
    for (key, default) in &before {
        let variable = format!("WFORGE_{}", key.replace('.', "__").to_uppercase());
        let value = (default + 1).to_string();
        let environment: &[(&str, &str)] = &[(&variable, &value)];
        let (_folder, loaded) = loaded(&Given { environment, ..Given::default() });
        let shown = loaded.shown.iter().find(|shown| shown.key == key).unwrap();
        assert_eq!(shown.value.as_ref().unwrap().replace('_', ""), value, "{key}");
        let mut expected = before.clone();
        expected.iter_mut().filter(|(other, _)| other == key).for_each(|(_, n)| *n += 1);
        assert_eq!(limits(&loaded.config.unwrap()), expected, "{key}");
    }
}

#[test]
fn what_agents_reach_has_a_key_for_each_limit_and_the_defaults_of_the_library() {
    let before = config(&Given::default()).reach;
    let ReachLimits { kv, blobs, fetch, models, mcp, egress } = &before;
    assert_eq!(
        (*kv, *blobs, fetch),
        (KvLimits::default(), BlobLimits::default(), &FetchLimits::default())
    );
    assert_eq!((*models, *mcp), (ModelLimits::default(), McpLimits::default()));
    assert_eq!(format!("{egress:?}"), format!("{:?}", EgressOptions::default()));
    let tables = ["kv", "blobs", "http", "outbound", "models", "mcp"];
    let is_of_one = |key: &str| tables.iter().any(|of| key.starts_with(&format!("limits.{of}.")));
    let keys = KEYS.iter().filter(|key| is_of_one(key.name));
    let mut set = std::collections::BTreeSet::new();
    for key in keys {
        let default: u64 = key.default.unwrap().replace('_', "").parse().unwrap();
        let (variable, value) = (key.variable(), (default + 1).to_string());
        let environment: &[(&str, &str)] = &[(&variable, &value)];
        let after = config(&Given { environment, ..Given::default() }).reach;
        set.insert(format!("{after:?}"));
        assert_ne!(format!("{after:?}"), format!("{before:?}"), "{}", key.name);
    }
    assert_eq!(set.len(), 23, "each sets another");
}

#[test]
fn a_model_may_take_no_longer_than_a_sandbox() {
    problems(
        &Given { file: "[limits.models]\ntimeout_ms = 180_001", ..Given::default() },
        &expect![[r#"
            Error DIR/wforge.toml: limits.models.timeout_ms 180001 is more than limits.sandbox.wall_ms_max, 180000; write less, or raise the other
        "#]],
    );
}

#[test]
fn a_limit_under_which_nothing_can_happen_is_refused() {
    problems(
        &Given {
            file: "[limits.run]\nsteps_max = 0\nparallel_max = 0\nwall_ms_max = 0\n\
                   [runs]\ninbox_max = 0\nsubscriber_lag_max = 2_000_000",
            ..Given::default()
        },
        &expect![[r#"
            Error DIR/wforge.toml: runs.inbox_max must be at least 1; write 1 or more, or leave it out
            Error DIR/wforge.toml: runs.subscriber_lag_max would keep more than 1048576 messages of each run; write less
            Error DIR/wforge.toml: limits.run.steps_max must be at least 1; write 1 or more, or leave it out
            Error DIR/wforge.toml: limits.run.parallel_max must be at least 1; write 1 or more, or leave it out
        "#]],
    );
}

#[test]
fn no_message_has_more_headers_than_a_map_of_them_holds() {
    problems(
        &Given { file: "[limits.outbound]\nheaders_max = 16_385", ..Given::default() },
        &expect![[r#"
            Error DIR/wforge.toml: limits.outbound.headers_max is more than one message can have, 16384; write less
        "#]],
    );
}

#[test]
fn a_collector_has_an_address_headers_and_a_share_of_traces() {
    let file = "[telemetry]\notlp_endpoint = \"https://h:4318\"\nsample_ratio = 1";
    let environment = &[("WFORGE_OTLP_HEADERS", "x-key=a=b, x-other=c")];
    let telemetry = config(&Given { file, environment, ..Given::default() }).telemetry;
    let headers = [("x-key", "a=b"), ("x-other", "c")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(telemetry.otlp_headers, headers);
    assert!((telemetry.sample_ratio - 1.0).abs() < f64::EPSILON);
    assert!(!format!("{telemetry:?}").contains("a=b"));
    problems(
        &Given {
            file: "[telemetry]\notlp_endpoint = \"h:4318\"\notlp_headers = \"x-key\"\n\
                   sample_ratio = 1.5\npropagate = \"some\"",
            ..Given::default()
        },
        &expect![[r#"
            Error DIR/wforge.toml: telemetry.sample_ratio must be a number from 0 to 1, not 1.5; write a number from 0 to 1
            Error DIR/wforge.toml: telemetry.propagate must be none, models or all, not "some"; write none, models or all
            Error DIR/wforge.toml: telemetry.otlp_endpoint "h:4318" is no address of a collector; write https://host:4318, or http:// for one on this machine
            Error DIR/wforge.toml: telemetry.otlp_headers cannot be read; write name=value,name=value
        "#]],
    );
}

#[test]
fn a_collector_elsewhere_is_told_in_plain_text_only_where_the_operator_says_so() {
    let file = |url: &str, more: &str| format!("[telemetry]\notlp_endpoint = \"{url}\"\n{more}");
    let taken = |file: &str| config(&Given { file, ..Given::default() }).telemetry.otlp_endpoint;
    for url in ["http://127.0.0.1:4318", "http://localhost:4318", "http://[::1]:4318/v1/traces"] {
        assert_eq!(taken(&file(url, "")).as_deref(), Some(url));
    }
    assert_eq!(taken(&file("https://h:4318", "")).as_deref(), Some("https://h:4318"));
    let allowed = file("http://h:4318", "otlp_plain_text = true");
    assert_eq!(taken(&allowed).as_deref(), Some("http://h:4318"));
    problems(
        &Given { file: &file("http://127.0.0.1:80@h:4318", ""), ..Given::default() },
        &expect![[r#"
            Error DIR/wforge.toml: telemetry.otlp_endpoint http://127.0.0.1:80@h:4318 is not on this machine, and nothing encrypts the spans and the key on their way; write https://; or, where nobody listens in between, telemetry.otlp_plain_text = true
        "#]],
    );
}

#[test]
fn what_is_no_header_is_said_and_so_is_room_for_too_many_spans() {
    problems(
        &Given {
            file: "[telemetry]\notlp_headers = \"x key=a\"\nqueue_spans_max = 131_073",
            ..Given::default()
        },
        &expect![[r#"
            Error DIR/wforge.toml: telemetry.otlp_headers cannot be read; write name=value,name=value
            Error DIR/wforge.toml: telemetry.queue_spans_max would take room for more than 131072 spans; write less
        "#]],
    );
}

#[test]
fn a_secret_is_never_shown() {
    let environment = &[("WFORGE_API_KEY", "wfk_hunter2")];
    let (_folder, loaded) = loaded(&Given { environment, ..Given::default() });
    let shown = loaded.shown.iter().find(|key| key.key == "client.api_key").unwrap();
    assert_eq!(shown.value.as_deref(), Some("***"));
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

#[test]
fn production_is_stricter() {
    let check = |file| {
        let config = config(&Given { file, ..Given::default() });
        assert_eq!(config.env, Environment::Production);
        let errors = super::check(&config).into_iter();
        errors
            .filter(|finding| finding.severity == super::Severity::Error)
            .map(|finding| finding.place)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let nothing_said = "data_dir auth.pepper store.kek auth.bootstrap_key_file";
    assert_eq!(check("env = \"production\""), nothing_said);
    assert_eq!(
        check("env = \"production\"\n[store]\nkind = \"memory\"\n[mock]\nmode = \"always\""),
        format!("{nothing_said} mock.mode store.kind")
    );
    let consented = "env = \"production\"\n[mock]\nmode = \"always\"\nproduction = true";
    assert_eq!(check(consented), nothing_said);
}
