//! TLS, certificates that are replaced, logins and tokens.

use std::path::PathBuf;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::harness::{Cli, TestHost};

/// A certificate for this machine and its key, as files of that command's folder.
fn certificate(cli: &Cli) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let certificate = cli.file("tls/cert.pem", cert.pem());
    let key = cli.file("tls/key.pem", signing_key.serialize_pem());
    fs_err::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    (certificate, key)
}

fn with_tls() -> (TestHost, PathBuf) {
    let cli = Cli::new();
    let (certificate, key) = certificate(&cli);
    let cli = cli
        .with("WFORGE_SERVER__TLS_CERTIFICATE", certificate.to_str().unwrap())
        .with("WFORGE_SERVER__TLS_KEY", key.to_str().unwrap());
    (TestHost::on(cli), certificate)
}

#[test]
fn a_login_keeps_server_and_key_and_commands_go_there() {
    let (host, certificate) = with_tls();
    let url = host.public();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let key = host.run(&["keys", "add", "me", "--role", "admin"]).exits(0).stdout.clone();
    let me = Cli::at_home();
    let distrusted = me.run_with_stdin(&["login", &url], &key);
    distrusted.exits(1).says(&["cannot be reached"]);
    let ca = certificate.to_str().unwrap();
    let login = ["login", url.as_str(), "--name", "prod", "--ca-file", ca];
    me.run_with_stdin(&login, "wf_wrong").exits(2).says(&["WF0401"]);
    me.run_with_stdin(&login, &key).exits(0).says(&["as me (admin of default)"]);
    me.run(["context", "list"]).exits(0).says(&["*  prod", &url]);
    me.run(["keys", "list"]).exits(0).says(&["bootstrap", "me"]);
    let shown = me.run(["config", "show", "--output", "json"]).exits(0).json();
    let server = shown.as_array().unwrap().iter().find(|key| key["key"] == "client.server");
    assert_eq!(server.unwrap()["origin"], "context prod");
    me.run(["context", "use", "none"]).exits(0);
    me.run(["context", "list"]).exits(0);
    me.run(["--context", "other", "runs", "list"]).exits(2).says(&["no login \"other\""]);
    me.run(["--context", "prod", "usage"]).exits(0).says(&["runs live"]);
    me.run(["context", "remove", "prod"]).exits(0);
}

#[test]
fn a_certificate_is_replaced_while_the_server_runs() {
    let (host, first) = with_tls();
    let url = host.public();
    let key = host.run(&["keys", "add", "me"]).exits(0).stdout.trim().to_owned();
    let old = fs_err::read(&first).unwrap();
    let old = host.cli.file("old.pem", old);
    let ask = |ca: &std::path::Path| {
        Cli::new()
            .with("WFORGE_SERVER", &url)
            .with("WFORGE_API_KEY", &key)
            .with("WFORGE_CA_FILE", ca.to_str().unwrap())
            .run(["usage"])
            .code
    };
    assert_eq!(ask(&old), 0);
    certificate(&host.cli);
    let replaced = crate::harness::within_a_minute(|| ask(&first) == 0);
    assert!(replaced, "the new certificate is shown");
    assert_eq!(ask(&old), 1, "the old one is not");
}

#[test]
fn a_token_speaks_for_a_member_until_they_are_removed() {
    let cli = Cli::new()
        .with("WFORGE_JWT_SECRET", crate::authz::SECRET)
        .with("WFORGE_JWT_ISSUER", "https://id.example")
        .with("WFORGE_JWT_AUDIENCE", "wforge");
    let host = TestHost::on(cli);
    let mint = |args: &[&str]| {
        let all = [&["token", "mint", "--subject", "ann"], args].concat();
        host.run(&all).exits(0).stdout.trim().to_owned()
    };
    let token = mint(&["--role", "operator"]);
    let system = host.get_as("/v1/system", Some(&token)).status(200).json();
    assert_eq!(
        (&system["you"]["name"], &system["you"]["role"]),
        (&"ann".into(), &"operator".into())
    );
    let bare = mint(&[]);
    host.get_as("/v1/system", Some(&bare)).status(401);
    host.run(&["members", "add", "ann", "--role", "viewer"]).exits(0);
    host.get_as("/v1/system", Some(&bare)).status(200);
    host.run(&["members", "remove", "ann"]).exits(0);
    host.get_as("/v1/system", Some(&bare)).status(401);
    host.run(&["token", "mint", "--subject", "x", "--role", "platform"]).exits(2);
    host.run(&["token", "mint", "--subject", "x", "--ttl", "25h"])
        .exits(2)
        .says(&["at most 86400s"]);
    host.get_as("/v1/system", Some(&token)).status(200);
    host.run(&["token", "revoke-all"]).exits(0);
    host.get_as("/v1/system", Some(&token)).status(401);
}

#[test]
fn a_rotated_key_works_on_for_its_overlap_and_a_revoked_one_not_at_all() {
    let host = TestHost::start();
    let first = host.run(&["keys", "add", "ci"]).exits(0).stdout.trim().to_owned();
    let id = first.split('_').nth(1).unwrap().to_owned();
    let second = host.run(&["keys", "rotate", &id, "--overlap", "1h"]);
    let second = second.exits(0).stdout.trim().to_owned();
    for key in [&first, &second] {
        host.get_as("/v1/runs", Some(key)).status(200);
    }
    host.run(&["keys", "revoke", &id]).exits(0);
    host.get_as("/v1/runs", Some(&first)).status(401);
    host.get_as("/v1/runs", Some(&second)).status(200);
    let now = host.run(&["keys", "add", "now"]).exits(0).stdout.trim().to_owned();
    let id = now.split('_').nth(1).unwrap().to_owned();
    host.run(&["keys", "rotate", &id, "--overlap", "0s"]).exits(0);
    host.get_as("/v1/runs", Some(&now)).status(401);
    // No file of the data directory holds a key or its secret.
    let secret = second.split('_').nth(2).unwrap();
    let held = crate::harness::files_holding(&host.cli.data(), secret.as_bytes());
    assert_eq!(held, Vec::<String>::new());
}
