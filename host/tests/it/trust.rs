//! Signatures of plugins: who is trusted, what is refused and why, what a revoked key stops.

use std::path::PathBuf;

use serde_json::{Value, json};
use wforge_testkit::SigningKey;

use crate::harness::{Cli, Ran, TestHost, changed, component, everywhere, within_a_minute};

const PROBE: &str = "wforge/probe";

fn workflow(agent: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: {agent}
version: 1.0.0
state: {{ result: {{}} }}
input: []
output: [result]
nodes: {{ it: {{ agent: wforge/probe.{agent}, in: {{}}, out: {{ result: result }} }} }}
edges: [{{ from: START, to: it }}]
"
    )
}

/// Commands that find no plugins but those that are installed.
fn commands() -> Cli {
    Cli::new().with("WFORGE_ENV", "testing").with("WFORGE_MOCK", "off")
}

fn probe() -> Vec<u8> {
    fs_err::read(component(PROBE)).unwrap()
}

/// The next version of the probe, 0.2.0.
fn next_probe() -> Vec<u8> {
    changed(&component(PROBE), &[])
}

/// The same version of the probe with other bytes: a custom section that nobody reads.
fn other_probe() -> Vec<u8> {
    [probe().as_slice(), &[0, 3, 2, b'x', b'y']].concat()
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn trust(cli: &Cli, name: &str, key: &SigningKey) -> Ran {
    let file = cli.file(&format!("{name}.pub"), key.public_file());
    let ran = cli.run(["trust", "add", name, text(&file)]);
    ran.exits(0);
    ran
}

/// A file with these bytes, and its signature beside it.
fn file(cli: &Cli, bytes: &[u8], signature: Option<&[u8]>) -> PathBuf {
    let path = cli.file("plugin.wasm", bytes);
    let beside = path.with_extension("wasm.minisig");
    match signature {
        Some(signature) => fs_err::write(beside, signature).unwrap(),
        None => drop(fs_err::remove_file(beside)),
    }
    path
}

fn install(cli: &Cli, bytes: &[u8], signature: Option<&[u8]>) -> Ran {
    cli.run(["plugin", "install", text(&file(cli, bytes, signature)), "--output", "json"])
}

fn install_signed(cli: &Cli, bytes: &[u8], key: &SigningKey) -> Ran {
    install(cli, bytes, Some(key.sign(bytes).as_bytes()))
}

fn run(cli: &Cli, agent: &str) -> Ran {
    let file = cli.file("workflow.yaml", workflow(agent));
    cli.run(["run", text(&file), "--output", "json"])
}

/// Components that the data directory keeps: none was compiled that is not among them.
fn components(cli: &Cli) -> usize {
    fs_err::read_dir(cli.data().join("components")).map_or(0, Iterator::count)
}

fn policy(cli: &Cli, flags: &[&str]) -> Value {
    cli.run([&["trust", "policy", "--output", "json"], flags].concat()).exits(0).json()
}

fn inspected(cli: &Cli) -> Value {
    cli.run(["plugin", "inspect", PROBE, "--output", "json"]).exits(0).json()
}

#[test]
fn a_signed_plugin_says_who_signed_it() {
    everywhere(|cli| {
        let key = SigningKey::of(1);
        trust(cli, "acme", &key).says(&["trusted", &key.id()]);
        let bytes = next_probe();
        let installed = install_signed(cli, &bytes, &key).exits(0).json();
        assert_eq!(installed[0]["signer"], json!({ "key": key.id(), "name": "acme" }));
        assert_eq!(inspected(cli)["signer"]["name"], "acme");
        cli.run(["plugin", "list"]).exits(0).says(&["wforge/probe@0.2.0", "acme"]);
        let name = format!("signed by {} (acme)", key.id());
        cli.run(["plugin", "inspect", PROBE]).exits(0).says(&[&name]);
        run(cli, "echo").exits(0);
        let log = cli.run(["audit", "list", "--output", "json"]).exits(0).stdout.clone();
        for said in ["trust.add", &name] {
            assert!(log.contains(said), "no {said} in {log}");
        }
    });
}

#[test]
fn what_is_not_signed_by_a_trusted_key_is_refused_before_it_is_compiled() {
    let cli = commands();
    let (key, stranger, gone) = (SigningKey::of(1), SigningKey::of(2), SigningKey::of(3));
    trust(&cli, "acme", &key).exits(0);
    trust(&cli, "gone", &gone).exits(0);
    cli.run(["trust", "revoke", "gone", "--reason", "their laptop was stolen"]).exits(0);
    policy(&cli, &["--require-signed", "true"]);
    let bytes = probe();
    let mut tampered = bytes.clone();
    *tampered.last_mut().unwrap() ^= 1;
    let check = |bytes: &[u8], signature: Option<&[u8]>, says: &[&str]| {
        install(&cli, bytes, signature).exits(2).says(says);
        let list = cli.run(["plugin", "list", "--output", "json"]).exits(0).json();
        assert_eq!(list, json!([]), "{says:?}");
        assert_eq!(components(&cli), 0, "{says:?}");
    };
    let signature = key.sign(&bytes);
    let (by_stranger, by_gone) = (stranger.sign(&bytes), gone.sign(&bytes));
    check(&bytes, None, &["unsigned", "--signature"]);
    let unknown = ["unknown_key", &stranger.id(), "wforge trust add"];
    check(&bytes, Some(by_stranger.as_bytes()), &unknown);
    check(&tampered, Some(signature.as_bytes()), &["bad_signature", &key.id()]);
    let revoked = ["revoked_key", &gone.id(), "their laptop was stolen"];
    check(&bytes, Some(by_gone.as_bytes()), &revoked);
    let legacy = key.sign_legacy(&bytes);
    check(&bytes, Some(legacy.as_bytes()), &["bad_signature", "old form"]);
    check(&bytes, Some(b"\xff\xfe\x00"), &["bad_signature", "four lines"]);
    let large = [signature.as_bytes(), &[b' '; 4_096]].concat();
    check(&bytes, Some(&large), &["bad_signature", "limits.trust.signature_bytes_max"]);
    check(&bytes, Some(&[b'x'; 100_000]), &["bad_signature"]);
    install_signed(&cli, &bytes, &key).exits(0);
}

#[test]
fn a_version_has_one_identity_whoever_signs_it() {
    let cli = commands();
    let key = SigningKey::of(1);
    trust(&cli, "acme", &key).exits(0);
    install(&cli, &probe(), None).exits(0);
    let before = inspected(&cli);
    let other = other_probe();
    install_signed(&cli, &other, &key).exits(2).says(&["version_taken"]);
    assert_eq!(inspected(&cli), before);
}

#[test]
fn what_was_installed_unsigned_serves_again_once_it_is_signed() {
    let cli = commands();
    let key = SigningKey::of(1);
    trust(&cli, "acme", &key).exits(0);
    let before = install(&cli, &probe(), None).exits(0).json();
    run(&cli, "echo").exits(0);
    let shown = policy(&cli, &["--require-signed", "true"]);
    assert_eq!(shown["signatures_required"], true);
    run(&cli, "echo").exits(2).says(&["unsigned", "wforge/probe@0.1.0"]);
    assert_eq!(inspected(&cli)["standing"]["distrust"]["code"], "unsigned");
    // What comes with the run is held to the same.
    let file = cli.file("workflow.yaml", workflow("echo"));
    let folder = component(PROBE);
    let folder = folder.parent().unwrap();
    cli.run(["run", text(&file), "--plugins", text(folder)]).exits(2).says(&["unsigned"]);
    let after = install_signed(&cli, &probe(), &key).exits(0).json();
    assert_eq!(after[0]["component"], before[0]["component"]);
    assert_eq!(after[0]["installed_at"], before[0]["installed_at"]);
    assert_eq!(after[0]["signer"]["name"], "acme");
    run(&cli, "echo").exits(0);
    let log = cli.run(["audit", "list", "--output", "json"]).exits(0).stdout.clone();
    assert!(log.contains("plugin.sign"), "{log}");
}

#[test]
fn the_operator_can_require_signatures_of_all() {
    let cli = commands().with("WFORGE_PLUGINS__REQUIRE_SIGNED", "true");
    install(&cli, &probe(), None).exits(2).says(&["unsigned"]);
    let shown = policy(&cli, &["--require-signed", "false"]);
    assert_eq!(shown["signatures_required"], true);
    install(&cli, &probe(), None).exits(2).says(&["unsigned"]);
    cli.run(["trust", "policy"]).exits(0).says(&["required by the operator"]);
}

#[test]
fn no_old_version_comes_back_and_none_below_the_minimum_serves() {
    let cli = commands();
    let (key, later) = (SigningKey::of(1), SigningKey::of(2));
    trust(&cli, "acme", &key).exits(0);
    trust(&cli, "acme-2", &later).exits(0);
    install_signed(&cli, &next_probe(), &key).exits(0);
    // By whichever key.
    let old = install_signed(&cli, &probe(), &later);
    old.exits(2).says(&["below_minimum", "0.2.0", "--allow-rollback"]);
    policy(&cli, &["--allow-rollback", "true"]);
    install_signed(&cli, &probe(), &later).exits(0);
    policy(&cli, &["--minimum", "wforge/probe=0.3.0"]);
    run(&cli, "echo").exits(2).says(&["below_minimum", "0.3.0"]);
    policy(&cli, &["--minimum", "wforge/probe=0.2.0"]);
    run(&cli, "echo").exits(0);
    let pinned = workflow("echo").replace("probe.echo", "probe.echo@=0.1.0");
    let pinned = cli.file("pinned.yaml", pinned);
    cli.run(["run", text(&pinned)]).exits(2).says(&["below_minimum", "0.1.0"]);
    let cleared = policy(&cli, &["--no-minimum", PROBE]);
    assert_eq!(cleared["minimum"], json!({}));
    cli.run(["run", text(&pinned)]).exits(0);
}

#[test]
fn a_version_below_the_minimum_gets_no_further_than_its_manifest() {
    let cli = commands();
    policy(&cli, &["--minimum", "wforge/probe=0.2.0"]);
    install(&cli, &probe(), None).exits(2).says(&["below_minimum", "0.2.0"]);
    assert_eq!(components(&cli), 0);
}

fn sandboxes(host: &TestHost) -> u64 {
    let system = host.get("/v1/system").status(200).json();
    system["figures"]["runtime"]["sandboxes"].as_u64().expect("a figure")
}

fn run_of(host: &TestHost, run: &str) -> Value {
    host.get(&format!("/v1/runs/{run}")).status(200).json()
}

/// A run that spins in a sandbox of a signed plugin.
fn spinning(host: &TestHost) -> String {
    let file = host.cli.file("spins.yaml", workflow("spin"));
    let started = host.run(&["run", text(&file), "--detach", "--output", "json"]);
    let run = started.exits(0).json()["run_id"].as_str().expect("an id").to_owned();
    assert!(within_a_minute(|| sandboxes(host) == 1), "it never began");
    run
}

#[test]
fn a_revoked_key_stops_new_runs_and_holds_running_ones_until_another_has_signed() {
    let host = TestHost::on(commands());
    let (key, later) = (SigningKey::of(1), SigningKey::of(2));
    trust(&host.cli, "acme", &key).exits(0);
    install_signed(&host.cli, &probe(), &key).exits(0);
    let run = spinning(&host);
    host.run(&["trust", "revoke", &key.id(), "--reason", "stolen"]).exits(0);
    assert!(within_a_minute(|| sandboxes(&host) == 0), "it runs on");
    assert!(within_a_minute(|| run_of(&host, &run)["status"] == "blocked"));
    let waits = run_of(&host, &run)["waiting_for"][0]["waiting"]["quarantine"].clone();
    let reason = waits["reason"].as_str().expect("a reason");
    for word in ["signing key", &key.id(), "acme", "stolen"] {
        assert!(reason.contains(word), "no {word} in {reason}");
    }
    let file = host.cli.file("spins.yaml", workflow("spin"));
    let host = host.restart();
    let again = host.run(&["run", text(&file), "--detach"]);
    again.exits(2).says(&["revoked_key", &key.id(), "acme", "stolen"]);
    host.run(&["plugin", "list"]).exits(0).says(&["not trusted", &key.id()]);
    let discarded = host.run(&["runs", "resume", &run, "--discard-effects"]);
    discarded.exits(2).says(&["wforge trust restore"]);
    trust(&host.cli, "acme-2", &later).exits(0);
    let signed = install_signed(&host.cli, &probe(), &later).exits(0).json();
    assert_eq!(signed[0]["signer"]["name"], "acme-2");
    assert!(within_a_minute(|| sandboxes(&host) == 1), "it does not go on");
    host.run(&["runs", "cancel", &run]).exits(0);
}

#[test]
fn a_restored_key_lets_its_runs_go_on() {
    let host = TestHost::on(commands());
    let key = SigningKey::of(1);
    trust(&host.cli, "acme", &key).exits(0);
    install_signed(&host.cli, &probe(), &key).exits(0);
    let run = spinning(&host);
    host.run(&["trust", "revoke", "acme", "--reason", "stolen"]).exits(0);
    assert!(within_a_minute(|| run_of(&host, &run)["status"] == "blocked"));
    let file = host.cli.file("acme.pub", key.public_file());
    host.run(&["trust", "add", "acme", text(&file)]).exits(2).says(&["wforge trust restore"]);
    host.run(&["trust", "restore", "acme", "--reason", "found again"]).exits(0);
    assert!(within_a_minute(|| sandboxes(&host) == 1), "it does not go on");
    host.run(&["runs", "cancel", &run]).exits(0);
    let list = host.run(&["trust", "list"]);
    list.exits(0).says(&[&key.id(), "acme", "trusted"]);
}

#[test]
fn a_tenants_trust_store_is_its_own() {
    let host = TestHost::start();
    let key = SigningKey::of(1);
    let tenant = |name: &str| {
        host.run(&["tenants", "create", name]).exits(0);
        let made = host.run(&["keys", "add", "ci", "--tenant", name, "--role", "admin"]);
        let made = made.exits(0).stdout.trim().to_owned();
        Cli::new().with("WFORGE_API_KEY", &made).with("WFORGE_SERVER", &host.url())
    };
    let (acme, other) = (tenant("acme"), tenant("other"));
    trust(&acme, "ours", &key).exits(0);
    policy(&acme, &["--require-signed", "true"]);
    let list = other.run(["trust", "list", "--output", "json"]).exits(0).json();
    assert_eq!(list, json!([]));
    install_signed(&other, &probe(), &key).exits(2).says(&["unknown_key"]);
    other.run(["trust", "revoke", "ours", "--reason", "theirs"]).exits(2).says(&["ours"]);
    install(&other, &probe(), None).exits(0);
    install(&acme, &probe(), None).exits(2).says(&["unsigned"]);
    install_signed(&acme, &probe(), &key).exits(0);
    // The platform looks after each, and has one of its own.
    let list = host.run(&["trust", "list", "--tenant", "acme", "--output", "json"]);
    assert_eq!(list.exits(0).json()[0]["key"], key.id());
    let file = host.cli.file("key.pub", key.public_file());
    let add = ["trust", "add", "vendor", text(&file), "--tenant", "platform"];
    host.run(&add).exits(0);
    let signed = file_of(&host.cli, &key);
    let installed = host.run(&["plugin", "install", text(&signed), "--platform"]);
    installed.exits(0);
    host.run(&["tenants", "plugins", "other", PROBE]).exits(0);
}

fn file_of(cli: &Cli, key: &SigningKey) -> PathBuf {
    let bytes = next_probe();
    file(cli, &bytes, Some(key.sign(&bytes).as_bytes()))
}

#[test]
fn the_api_takes_a_signature_as_a_header() {
    let host = TestHost::start();
    let key = SigningKey::of(1);
    trust(&host.cli, "acme", &key).exits(0);
    let bytes = next_probe();
    let refused = host.install_signed(&bytes, &SigningKey::of(2).sign(&bytes));
    let problem = refused.status(422).json();
    assert_eq!((&problem["code"], &problem["reason"]), (&json!("WF1012"), &json!("unknown_key")));
    let problem = host.install_signed(&bytes, &"x".repeat(6_000)).status(422).json();
    assert_eq!(problem["reason"], "bad_signature");
    let installed = host.install_signed(&bytes, &key.sign(&bytes)).status(201).json();
    assert_eq!(installed["signer"]["name"], "acme");
    let shown = host.get("/v1/plugins/wforge/probe@0.2.0").status(200).json();
    assert_eq!(shown["signer"]["key"], key.id());
}

#[test]
fn a_trust_store_has_its_limits() {
    let cli = commands()
        .with("WFORGE_LIMITS__TRUST__KEYS_MAX", "2")
        .with("WFORGE_LIMITS__TRUST__MINIMUMS_MAX", "1")
        .with("WFORGE_LIMITS__TRUST__SIGNATURE_BYTES_MAX", "100");
    for seed in 1..=2 {
        trust(&cli, &format!("key-{seed}"), &SigningKey::of(seed)).exits(0);
    }
    let third = cli.file("third.pub", SigningKey::of(3).public_file());
    let add = ["trust", "add", "third", text(&third)];
    cli.run(add).exits(2).says(&["too_many_trusted_keys", "limits.trust.keys_max"]);
    cli.run(["trust", "revoke", "key-1", "--reason", "old"]).exits(0);
    cli.run(add).exits(0);
    let minimum = |plugin: &str| cli.run(["trust", "policy", "--minimum", plugin]);
    minimum("a/b=1.0.0").exits(0);
    minimum("a/c=1.0.0").exits(2).says(&["too_many_minimums", "limits.trust.minimums_max"]);
    let signed = install_signed(&cli, &probe(), &SigningKey::of(2));
    signed.exits(2).says(&["bad_signature", "more than 100"]);
    for key in ["", "RW", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO"] {
        cli.run(["trust", "add", "bad", key]).exits(2).says(&["bad_key"]);
    }
}
