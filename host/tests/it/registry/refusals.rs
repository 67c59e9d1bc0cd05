//! What a registry, or a reference, or a person refuses: each says what is wrong and how to mend
//! it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::server::{NAME, PASSWORD, Registry};
use super::{author, install, lock, path, person, publish, run, versions};
use crate::harness::Cli;

#[test]
fn nothing_is_installed_before_somebody_agreed() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    publish(&cli, "probe.wasm", &to).exits(0);
    let refused = install(&cli, &to, "");
    refused.exits(2).says(&["not_confirmed", "--yes", "wforge/probe@0.1.0", "needs "]);
    assert_eq!(versions(&cli), Vec::<String>::new());
    assert_eq!(lock(&cli), "");
}

#[test]
fn what_is_not_signed_by_a_trusted_key_is_refused_as_from_a_file() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    publish(&cli, "probe.wasm", &to).exits(0);
    let stranger = install(&cli, &to, " --yes");
    stranger.exits(2).says(&["unknown_signer", "not in the trust store", "wforge trust add"]);
    let unsigned = registry.reference("acme/unsigned");
    run(&cli, &format!("publish probe.wasm {unsigned} --insecure-http")).exits(0);
    run(&cli, "trust policy --require-signed true").exits(0);
    install(&cli, &unsigned, " --yes").exits(2).says(&["unsigned", "nobody"]);
    // A signature from elsewhere counts as the registry's would.
    run(&cli, "sign probe.wasm --key acme.key").exits(0);
    run(&cli, "trust add acme acme.pub").exits(0);
    install(&cli, &unsigned, " --yes --signature probe.wasm.minisig").exits(0);
    run(&cli, "trust revoke acme --reason stolen").exits(0);
    install(&cli, &to, " --yes").exits(2).says(&["revoked_key", "acme, revoked"]);
    assert_eq!(versions(&cli), ["0.1.0"]);
}

#[test]
fn a_registry_that_asks_who_it_is_gets_an_answer() {
    let (registry, cli) = (Registry::with_login(), author());
    let to = registry.reference("acme/probe");
    let anonymous = publish(&cli, "probe.wasm", &to);
    anonymous.exits(2).says(&["registry_unauthorized", "docker login", registry.address()]);
    let login =
        format!("publish probe.wasm {to} --insecure-http --username {NAME} --password-stdin");
    let login: Vec<&str> = login.split(' ').collect();
    cli.run_with_stdin(&login, "wrong\n").exits(2).says(&["registry_unauthorized"]);
    cli.run_with_stdin(&login, "").exits(2).says(&["no_password", "--password-stdin"]);
    let long = "x".repeat((64 << 10) + 1);
    cli.run_with_stdin(&login, &long).exits(2).says(&["no_password", "more than 65536 bytes"]);
    cli.run_with_stdin(&login, &format!("{PASSWORD}\n")).exits(0);
    run(&cli, &format!("pull {to} --insecure-http")).exits(2).says(&["registry_unauthorized"]);
    let docker = |name: &str, password: &str| {
        let auth = STANDARD.encode(format!("{name}:{password}"));
        let host = registry.address();
        let text = format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#);
        cli.file(".docker/config.json", text);
    };
    docker(NAME, PASSWORD);
    run(&cli, &format!("pull {to} --insecure-http")).exits(0);
    docker("you", PASSWORD);
    run(&cli, &format!("pull {to} --insecure-http")).exits(2).says(&["registry_unauthorized"]);
    cli.file(".docker/config.json", "{");
    let broken = run(&cli, &format!("pull {to} --insecure-http"));
    broken.exits(2).says(&["bad_login", "config.json", "--password-stdin"]);
}

/// As on a machine whose docker has a store of logins and nobody is logged in.
#[test]
fn a_helper_that_keeps_no_login_lets_nobody_ask() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    let helper = |says: &str| {
        let script = format!("#!/bin/sh\nread -r host\necho '{says}'\nexit 1\n");
        let file = cli.file("bin/docker-credential-store", script);
        fs_err::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    };
    cli.file(".docker/config.json", r#"{"credsStore":"store"}"#);
    let folder = path(&cli, "bin");
    let publish = format!("publish probe.wasm {to} --insecure-http");
    let asked = |says: &str| {
        helper(says);
        let words: Vec<&str> = publish.split(' ').collect();
        let output = cli.not_started(&words).env("PATH", &folder).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (exit, said) = asked("the keychain is locked");
    assert_eq!(exit, Some(2), "{said}");
    assert!(said.contains(": docker-credential-store failed"), "{said}");
    assert!(!said.contains("locked"), "{said}");
    let (exit, said) = asked("credentials not found in native keychain");
    assert_eq!(exit, Some(0), "{said}");
}

#[test]
fn what_is_not_there_is_not_found() {
    let (registry, cli) = (Registry::start(), author());
    let to = registry.reference("acme/probe");
    install(&cli, &to, " --yes").exits(2).says(&["not_found", "has no version"]);
    publish(&cli, "probe.wasm", &to).exits(0);
    install(&cli, &format!("{to}:9.9.9"), " --yes").exits(2).says(&["not_found", "9.9.9"]);
    let pinned = format!("{to}@sha256:{}", "0".repeat(64));
    install(&cli, &pinned, " --yes").exits(2).says(&["not_found", "is not there"]);
}

#[test]
fn a_locked_artifact_that_is_gone_is_not_exchanged() {
    let (registry, cli) = (Registry::start(), author());
    let stable = format!("{}:stable", registry.reference("acme/probe"));
    run(&cli, "trust add acme acme.pub").exits(0);
    let first = publish(&cli, "probe.wasm", &stable).exits(0).json();
    install(&cli, &stable, " --yes").exits(0);
    let moved = format!("publish next.wasm {stable} --sign acme.key --insecure-http --force-tag");
    run(&cli, &moved).exits(0);
    registry.lose(first["digest"].as_str().expect("a digest"));
    install(&cli, &stable, " --yes").exits(2).says(&["not_found", "wforge.lock", "--update"]);
    install(&cli, &stable, " --yes --update").exits(0);
}

#[test]
fn a_registry_without_tls_is_one_on_this_machine() {
    let cli = author();
    let elsewhere = "oci://registry.example:5000/acme/probe";
    publish(&cli, "probe.wasm", elsewhere).exits(2).says(&["no_tls", "registry.example"]);
    let registry = Registry::start();
    let to = registry.reference("acme/probe");
    let tls = run(&cli, &format!("publish probe.wasm {to}"));
    tls.exits(1).says(&["registry_unreachable", "--insecure-http"]);
    // Nobody listens there any more.
    drop(registry);
    publish(&cli, "probe.wasm", &to).exits(1).says(&["registry_unreachable"]);
}

#[test]
fn a_registry_with_tls_is_trusted_by_its_authority() {
    let (registry, cli) = (Registry::with_tls(), author());
    let publish = format!("publish probe.wasm {}", registry.reference("acme/probe"));
    run(&cli, &publish).exits(1).says(&["registry_unreachable", "certificate"]);
    let trusted = format!("{publish} --registry-ca-file {}", registry.certificate().display());
    run(&cli, &trusted).exits(0).says(&["published"]);
    let wrong = format!("{publish} --registry-ca-file acme.pub");
    run(&cli, &wrong).exits(2).says(&["bad_flags", "acme.pub"]);
}

#[test]
fn what_is_no_reference_or_no_component_is_refused_before_anybody_is_asked() {
    let cli = person();
    for wrong in ["oci://acme/probe", "oci://Registry/probe", "ghcr.io/acme/probe", "oci://"] {
        run(&cli, &format!("pull {wrong}")).exits(2).says(&["bad_reference", wrong]);
    }
    cli.file("text.wasm", "(component)");
    let publish = "publish text.wasm oci://registry.example/acme/probe";
    run(&cli, publish).exits(2).says(&["not_wasm", "text.wasm", "wasm-tools parse"]);
    run(&cli, "publish none.wasm oci://registry.example/a/b").exits(2).says(&["none.wasm"]);
    cli.file("probe.wasm", super::probe());
    let digest = format!("publish probe.wasm oci://registry.example/a/b@sha256:{}", "0".repeat(64));
    run(&cli, &digest).exits(2).says(&["bad_reference", "digest"]);
    cli.file("probe.wasm.minisig", "no signature");
    let broken = run(&cli, "publish probe.wasm oci://registry.example/a/b");
    broken.exits(2).says(&["bad_signature", "probe.wasm.minisig"]);
    let file = run(&cli, "plugin install probe.wasm --update");
    file.exits(2).says(&["bad_flags", "--update", "oci://"]);
}

/// Statuses that no registry of ours ever gives.
#[test]
fn a_refusal_says_whose_turn_it_is() {
    let cli = author();
    let check = |status: &str, exit: i32, says: &[&str]| {
        let body = r#"{"errors":[{"code":"DENIED","message":"the repository is another's"}]}"#;
        let address = answering(status, body);
        let to = format!("oci://{address}/acme/probe");
        publish(&cli, "probe.wasm", &to).exits(exit).says(says);
        install(&cli, &format!("{to}:1.0.0"), " --yes").exits(exit).says(says);
    };
    check("403 Forbidden", 2, &["registry_denied", "another's", "ask its owner"]);
    check("429 Too Many Requests", 1, &["registry_busy", "wait"]);
    check("503 Service Unavailable", 1, &["registry_failed", "503"]);
    let page = answering("200 OK", "<html>a page of somebody else</html>");
    let pulled = run(&cli, &format!("pull oci://{page}/acme/probe:1 --insecure-http"));
    pulled.exits(2).says(&["wrong_media_type", "its manifest is none"]);
    let tags = run(&cli, &format!("pull oci://{page}/acme/probe --insecure-http"));
    tags.exits(1).says(&["registry_failed", "not understood"]);
    let long = answering("200 OK", &" ".repeat((1 << 20) + 1));
    let tags = run(&cli, &format!("pull oci://{long}/acme/probe --insecure-http"));
    tags.exits(2).says(&["too_large", "the list of tags", "1048576"]);
}

/// Answers each request with that; gives its address.
fn answering(status: &str, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 8_192];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn every_command_of_registries_says_how_it_is_used() {
    let cli = Cli::at_home();
    for command in ["keygen", "sign", "verify", "publish", "pull", "plugin install"] {
        run(&cli, &format!("{command} --help")).exits(0).says(&["Examples:"]);
    }
}
