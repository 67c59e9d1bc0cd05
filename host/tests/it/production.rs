//! Production: what refuses to start, what each red line says, and that doing it is enough.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Cli, Ran, TestHost};
use crate::repo;

const PEPPER: &str = "9f2b7c1de8a04365b1f7c09ad2e4865331d0b7fae91c2d48675fa0b3c1e2d497";
const KEK: &str = "4b1d8e7af0c3562991d7a8f3e06c5b42d98a17f3c4e02b6d75f81ca93e60d257";

/// The program with nothing said but that this is production.
fn bare(home: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wforge"));
    command.env_clear().env("HOME", home).env("WFORGE_ENV", "production");
    let output = command.current_dir(home).stdin(Stdio::null()).args(args).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn with_defaults_it_refuses_and_doing_what_it_lists_makes_it_start() {
    let home = tempfile::tempdir().unwrap();
    let refused = bare(home.path(), &["serve"]);
    refused.exits(2).says(&[
        "data_dir: nobody said where data is kept",
        "set WFORGE_DATA_DIR",
        "auth.pepper: lies beside the hashes",
        "set WFORGE_PEPPER",
        "store.kek: lies beside what it seals",
        "set WFORGE_KEK",
        "auth.bootstrap_key_file: the first start would print the first API key",
        "wforge keys generate > FILE; chmod 600 FILE; set WFORGE_BOOTSTRAP_KEY_FILE=FILE",
    ]);
    assert!(!home.path().join(".local").exists(), "nothing was made");
    let checked = bare(home.path(), &["config", "check", "--output", "json"]);
    let findings = checked.exits(2).json();
    let red = findings.as_array().unwrap().iter().filter(|found| found["severity"] == "error");
    let places: Vec<&str> = red.map(|found| found["place"].as_str().unwrap()).collect();
    let listed = ["data_dir", "auth.pepper", "store.kek", "auth.bootstrap_key_file"];
    assert_eq!(places, listed, "the same lines as serve");

    let cli = Cli::new();
    let key = bare(home.path(), &["keys", "generate"]).exits(0).stdout.trim().to_owned();
    let file = cli.file("bootstrap.key", format!("{key}\n"));
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let cli = cli
        .with("WFORGE_ENV", "production")
        .with("WFORGE_PEPPER", PEPPER)
        .with("WFORGE_KEK", KEK)
        .with("WFORGE_BOOTSTRAP_KEY_FILE", file.to_str().unwrap());
    cli.run(["config", "check"]).exits(0);
    let host = TestHost::on(cli);
    let system = host.get_as("/v1/system", Some(&key)).status(200).json();
    assert_eq!(
        (&system["environment"], &system["you"]["role"]),
        (&Value::from("production"), &Value::from("platform"),)
    );
    // A second start takes no key from the file, and prints none.
    let host = host.restart();
    host.get_as("/v1/system", Some(&key)).status(200);
    let keys = host.run(&["keys", "list", "--output", "json"]).exits(0).json();
    assert_eq!(keys.as_array().unwrap().len(), 1);
}

/// What `wforge config check` says in production with these variables.
fn red(variables: &[(&str, &str)]) -> String {
    let given = [("WFORGE_ENV", "production"), ("WFORGE_PEPPER", PEPPER), ("WFORGE_KEK", KEK)];
    let cli = given.iter().chain(variables).fold(Cli::new(), |cli, (k, v)| cli.with(k, v));
    let checked = cli.run(["config", "check"]);
    let lines = checked.stdout.lines().filter(|line| line.starts_with("error"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_can_be_guessed_is_no_secret() {
    let weak = "0".repeat(64);
    assert!(red(&[("WFORGE_PEPPER", &weak)]).contains("auth.pepper: can be guessed"));
    assert!(red(&[("WFORGE_KEK", &weak)]).contains("store.kek: can be guessed"));
    let typed = "my-super-secret-key-that-is-long-enough!";
    assert!(red(&[("WFORGE_JWT_SECRET", typed)]).contains("auth.jwt_secret: can be guessed"));
    assert!(red(&[("WFORGE_JWT_SECRET", "short")]).contains("HS256 needs 32 or more"));
    assert!(red(&[("WFORGE_KEK", PEPPER)]).contains("is the same as auth.pepper"));
}

#[test]
fn what_is_open_to_strangers_is_red() {
    let cors = red(&[("WFORGE_SERVER__CORS_ORIGINS", "*")]);
    assert!(cors.contains("lets the page of any stranger call the API"), "{cors}");
    let public = red(&[("WFORGE_SERVER__LISTEN", "0.0.0.0:7420")]);
    assert!(public.contains("nothing encrypts what is said"), "{public}");
    let told =
        red(&[("WFORGE_SERVER__LISTEN", "0.0.0.0:7420"), ("WFORGE_SERVER__PLAIN_TEXT", "true")]);
    assert!(!told.contains("server.listen"), "{told}");
    let jwks = red(&[
        ("WFORGE_JWKS", "http://id.example/jwks.json"),
        ("WFORGE_JWT_ISSUER", "x"),
        ("WFORGE_JWT_AUDIENCE", "x"),
    ]);
    assert!(jwks.contains("auth.jwks: is asked for without TLS"), "{jwks}");
    let spans = red(&[("WFORGE_OTLP_ENDPOINT", "http://otel.example:4318")]);
    assert!(spans.contains("nothing encrypts the spans"), "{spans}");
    let told = red(&[
        ("WFORGE_OTLP_ENDPOINT", "http://otel.example:4318"),
        ("WFORGE_TELEMETRY__OTLP_PLAIN_TEXT", "true"),
    ]);
    assert!(!told.contains("telemetry"), "{told}");
    let both = red(&[("WFORGE_JWT_SECRET", KEK), ("WFORGE_JWKS", "https://id.example/jwks.json")]);
    assert!(both.contains("auth.jwks: goes together with auth.jwt_secret"), "{both}");
}

#[test]
fn failpoints_are_for_tests() {
    let log = red(&[("WFORGE_FAILPOINT_LOG", "failpoints"), ("WFORGE_FAILPOINT_KILL", "1")]);
    assert!(log.contains("runs.failpoint_log"), "{log}");
}

#[test]
fn the_reference_and_the_schema_are_printed() {
    let cli = Cli::new();
    let reference = cli.run(["config", "reference"]);
    assert_eq!(reference.exits(0).stdout, repo::read("docs/reference/wforge.toml"));
    let schema = cli.run(["config", "schema"]).exits(0).json();
    let auth = &schema["properties"]["auth"]["properties"];
    assert_eq!(auth["jwt_secret"]["type"], "string");
}
