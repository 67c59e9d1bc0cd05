//! Plugins in a registry: published, pulled, installed, locked. Against the program
//! docker-registry.

mod attacks;
mod refusals;
mod server;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, TestHost, changed, component};
use server::Registry;

const PROBE: &str = "wforge/probe";

/// A person in the folder of a project, with a data directory of their own.
pub(super) fn person() -> Cli {
    let cli = Cli::at_home();
    cli.copy_compiled(&Cli::new());
    cli.file("wforge.toml", "env = \"testing\"\n");
    let data = cli.data().to_str().expect("UTF-8").to_owned();
    cli.with("WFORGE_DATA_DIR", &data)
}

/// The same as an author with a key and two versions of a plugin.
pub(super) fn author() -> Cli {
    let cli = person();
    cli.run(["keygen", "--out", "acme.key", "--no-password", "--quiet"]).exits(0);
    cli.file("probe.wasm", probe());
    cli.file("next.wasm", changed(&component(PROBE), &[]));
    cli
}

pub(super) fn probe() -> Vec<u8> {
    fs_err::read(component(PROBE)).unwrap()
}

pub(super) fn path(cli: &Cli, name: &str) -> PathBuf {
    cli.data().parent().expect("a folder").join(name)
}

/// A command of words.
pub(super) fn run(cli: &Cli, line: &str) -> Ran {
    cli.run(line.split(' '))
}

pub(super) fn publish(cli: &Cli, file: &str, to: &str) -> Ran {
    run(cli, &format!("publish {file} {to} --sign acme.key --insecure-http --output json"))
}

pub(super) fn install(cli: &Cli, from: &str, flags: &str) -> Ran {
    run(cli, &format!("plugin install {from} --insecure-http --output json{flags}"))
}

fn versions(cli: &Cli) -> Vec<String> {
    let list = run(cli, "plugin list --output json").exits(0).json();
    let list = list.as_array().expect("a list");
    let mut versions: Vec<String> = list
        .iter()
        .map(|info| info["manifest"]["version"].as_str().expect("a version").to_owned())
        .collect();
    versions.sort();
    versions
}

fn lock(cli: &Cli) -> String {
    fs_err::read_to_string(path(cli, "wforge.lock")).unwrap_or_default()
}

#[test]
fn a_plugin_is_published_signed_and_installed_from_there() {
    let registry = Registry::start();
    let check = |cli: &Cli, repository: &str| {
        let to = registry.reference(repository);
        let published = publish(cli, "probe.wasm", &to).exits(0).json();
        assert_eq!(
            (&published["version"], &published["was_there"]),
            (&json!("0.1.0"), &json!(false))
        );
        let signer = &published["signer"];
        run(cli, "trust add acme acme.pub").exits(0);
        let installed = install(cli, &format!("{to}:0.1.0"), " --yes");
        installed.exits(0).says(&[
            "wforge/probe@0.1.0",
            "acme, trusted",
            "needs ",
            "wforge grants approve",
        ]);
        let installed = installed.json();
        assert_eq!(installed[0]["signer"], json!({ "key": signer, "name": "acme" }));
        assert_eq!(installed[0]["source"]["digest"], published["digest"]);
        assert_eq!(installed[0]["component"], published["component"]);
        let lock = lock(cli);
        for part in ["digest", "component", "signer"] {
            let said = format!("{part} = {}", published[part]);
            assert!(lock.contains(&said), "no {said} in {lock}");
        }
        assert!(lock.contains(&format!("reference = \"{to}:0.1.0\"")), "{lock}");
        let log = run(cli, "audit list --output json").exits(0).stdout.clone();
        assert!(log.contains("plugin.install"), "{log}");
    };
    check(&author(), "acme/probe");
    check(&TestHost::on(author()).cli, "acme/served");
}

#[test]
fn what_lies_there_is_the_standard_artifact_of_a_component() {
    let (registry, cli) = (Registry::start(), author());
    let published = publish(&cli, "probe.wasm", &registry.reference("acme/probe")).exits(0).json();
    let digest = published["digest"].as_str().expect("a digest");
    let manifest: Value = serde_json::from_slice(&registry.blob(digest)).unwrap();
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(1));
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], published["component"]);
    assert_eq!(manifest["annotations"]["org.opencontainers.image.title"], PROBE);
    assert_eq!(manifest["annotations"]["org.opencontainers.image.version"], "0.1.0");
    let component = published["component"].as_str().expect("a digest");
    assert_eq!(registry.blob(component), probe());
}

#[test]
fn a_version_that_is_there_stays_what_it_is() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    let first = publish(&cli, "probe.wasm", &to).exits(0).json();
    let again = publish(&cli, "probe.wasm", &to).exits(0).json();
    assert_eq!((&again["was_there"], &again["digest"]), (&json!(true), &first["digest"]));
    let other = [probe().as_slice(), &[0, 3, 2, b'x', b'y']].concat();
    cli.file("other.wasm", other);
    let refused = publish(&cli, "other.wasm", &to);
    refused.exits(2).says(&["version_taken", "other bytes", "--force-tag", &to]);
    run(&cli, "keygen --out other.key --no-password").exits(0);
    let resigned = format!("publish probe.wasm {to} --sign other.key --insecure-http");
    run(&cli, &resigned).exits(2).says(&["version_taken", "another signature"]);
    let moved = run(&cli, &format!("{resigned} --force-tag --output json")).exits(0).json();
    assert_eq!((&moved["was_there"], &moved["component"]), (&json!(false), &first["component"]));
    let claimed = publish(&cli, "next.wasm", &format!("{to}:0.1.0"));
    claimed.exits(2).says(&["other_version", "0.1.0", "0.2.0"]);
}

#[test]
fn a_lock_holds_what_a_moving_tag_meant() {
    let (registry, cli) = (Registry::start(), author());
    let stable = format!("{}:stable", registry.reference("acme/probe"));
    run(&cli, "trust add acme acme.pub").exits(0);
    publish(&cli, "probe.wasm", &stable).exits(0);
    install(&cli, &stable, " --yes").exits(0);
    publish(&cli, "next.wasm", &stable).exits(2).says(&["version_taken"]);
    let moved = format!("publish next.wasm {stable} --sign acme.key --insecure-http --force-tag");
    run(&cli, &moved).exits(0);
    let before = lock(&cli);
    let installed = install(&cli, &stable, " --yes").exits(0).json();
    assert_eq!(installed[0]["manifest"]["version"], "0.1.0");
    assert_eq!((versions(&cli), lock(&cli)), (vec!["0.1.0".to_owned()], before));
    install(&cli, &stable, " --yes --update").exits(0);
    assert_eq!(versions(&cli), ["0.1.0", "0.2.0"]);
    assert!(lock(&cli).contains("version = \"0.2.0\""), "{}", lock(&cli));
}

#[test]
fn a_locked_version_is_not_exchanged_for_another_from_elsewhere() {
    let (registry, cli) = (Registry::start(), author());
    let (first, second) = (registry.reference("acme/probe"), registry.reference("thief/probe"));
    publish(&cli, "probe.wasm", &first).exits(0);
    run(&cli, "trust add acme acme.pub").exits(0);
    install(&cli, &format!("{first}:0.1.0"), " --yes").exits(0);
    let unsigned = format!("publish probe.wasm {second} --insecure-http");
    run(&cli, &unsigned).exits(0).says(&["not signed"]);
    let refused = install(&cli, &format!("{second}:0.1.0"), " --yes");
    refused.exits(2).says(&["lock_mismatch", "is signed by nobody", "--update"]);
    let other = [probe().as_slice(), &[0, 3, 2, b'x', b'y']].concat();
    cli.file("other.wasm", other);
    let other = format!("publish other.wasm {second}:other --insecure-http");
    run(&cli, &other).exits(0);
    let refused = install(&cli, &format!("{second}:other"), " --yes");
    refused.exits(2).says(&["lock_mismatch", "is locked to sha256:"]);
    cli.file("wforge.lock", "version = 7\n");
    install(&cli, &first, " --yes").exits(2).says(&["bad_lock", "newer wforge"]);
}

#[test]
fn without_a_tag_the_newest_version_is_meant() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    publish(&cli, "next.wasm", &to).exits(0);
    publish(&cli, "probe.wasm", &to).exits(0);
    run(&cli, "trust add acme acme.pub").exits(0);
    install(&cli, &to, " --yes").exits(0);
    assert_eq!(versions(&cli), ["0.2.0"]);
    let pulled = run(&cli, &format!("pull {to} --insecure-http --output json")).exits(0).json();
    assert_eq!(pulled["version"], "0.2.0");
}

#[test]
fn what_is_pulled_is_what_was_published() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    let published = publish(&cli, "probe.wasm", &to).exits(0).json();
    let pinned = format!("{to}@{}", published["digest"].as_str().expect("a digest"));
    let pulled = run(&cli, &format!("pull {pinned} --out got.wasm --insecure-http --output json"));
    assert_eq!(pulled.exits(0).json()["signer"], published["signer"]);
    assert_eq!(fs_err::read(path(&cli, "got.wasm")).unwrap(), probe());
    run(&cli, "verify got.wasm --public-key acme.pub").exits(0).says(&["file:wforge-probe.wasm"]);
    // The same once more changes nothing; another file is not overwritten.
    run(&cli, &format!("pull {pinned} --out got.wasm --insecure-http")).exits(0);
    cli.file("got.wasm", b"mine");
    let refused = run(&cli, &format!("pull {pinned} --out got.wasm --insecure-http"));
    refused.exits(2).says(&["file_exists", "got.wasm", "--out"]);
    assert_eq!(fs_err::read(path(&cli, "got.wasm")).unwrap(), b"mine");
    cli.file("beside.wasm.minisig", "another's");
    let refused = run(&cli, &format!("pull {pinned} --out beside.wasm --insecure-http"));
    refused.exits(2).says(&["file_exists", "beside.wasm.minisig"]);
    assert!(!path(&cli, "beside.wasm").exists(), "written beside another's signature");
}

#[test]
fn a_project_is_published_as_it_was_built() {
    let (registry, cli) = (Registry::start(), person());
    let to = registry.reference("wforge/probe");
    let publish = format!("publish {to} --insecure-http");
    run(&cli, &publish).exits(2).says(&["no_plugin", "plugin.toml"]);
    cli.file("plugin.toml", "name = \"wforge/probe\"\nversion = \"0.1.0\"\n");
    run(&cli, &publish).exits(2).says(&["not_built", "wforge build", "target/wforge-probe.wasm"]);
    let built = cli.file("target/wforge-probe.wasm", probe());
    run(&cli, "keygen --no-password --quiet").exits(0);
    run(&cli, &format!("sign {}", built.display())).exits(0);
    // A signature beside it goes along.
    run(&cli, &publish).exits(0).says(&["published", "signed by", &to]);
    cli.file("plugin.toml", "name = 1");
    run(&cli, &publish).exits(2).says(&["bad_plugin", "plugin.toml"]);
    cli.file("plugin.toml", "#".repeat((1 << 20) + 1));
    run(&cli, &publish).exits(2).says(&["bad_plugin", "more than 1048576 bytes"]);
}
