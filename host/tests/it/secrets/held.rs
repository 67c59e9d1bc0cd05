//! A secret that an agent uses and does not see.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::Value;

use super::{VALUE, granted, granting, workflow};
use crate::harness::{Cli, Ran};

/// A server that answers each request with the request itself, and notes it.
fn echo() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let (sender, seen) = sync_channel(64);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let length = head.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{head}");
            let _ = stream.write_all(answer.as_bytes());
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (address, seen)
}

fn run(cli: &Cli, address: SocketAddr) -> Ran {
    let input = format!("{{ name: \"'token'\", url: \"'http://{address}/x'\" }}");
    let file = cli.file("workflow.yaml", workflow("hold", &input));
    cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"])
}

fn set(cli: &Cli, value: &str, host: &str) {
    let args = ["secrets", "set", "token", "--host", host];
    cli.run_with_stdin(&args, value).exits(0);
}

#[test]
fn the_server_gets_the_secret_and_the_agent_does_not() {
    let (address, seen) = echo();
    let cli = granted().with("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32");
    set(&cli, VALUE, &format!("http://{address}"));
    let ran = run(&cli, address);
    ran.exits(0);
    let head = seen.recv().expect("a request");
    assert!(head.contains(&format!("authorization: Bearer {VALUE}\r\n")), "{head}");
    let body = ran.json()["output"]["result"]["body"].as_str().expect("a text").to_owned();
    assert!(body.contains("authorization: Bearer [secret token]\r\n"), "{body}");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(VALUE));
}

#[test]
fn a_server_that_the_secret_is_not_meant_for_is_not_asked() {
    let (address, seen) = echo();
    let cli = granted().with("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32");
    for host in ["api.example.com", "http://127.0.0.1", "127.0.0.1:1"] {
        set(&cli, VALUE, host);
        run(&cli, address).exits(1).says(&[
            "the secret token is not meant for",
            &format!("wforge secrets set token --host http://{address}"),
        ]);
    }
    assert!(seen.try_recv().is_err(), "nothing was sent");
}

#[test]
fn a_secret_that_nobody_granted_is_denied_with_the_command_that_grants_it() {
    let (address, seen) = echo();
    let cli = granting("");
    set(&cli, VALUE, "api.example.com");
    run(&cli, address).exits(2).says(&["wforge grants approve wforge/effects-secrets", "secret:*"]);
    // At a node that leaves no secret to the plugin.
    let cli = granted();
    set(&cli, VALUE, "api.example.com");
    let file = workflow("hold", "{ name: \"'token'\", url: \"'http://127.0.0.1:1'\" }");
    let file = file.replace("out: { result: result }", "out: { result: result }, allow: [http:*]");
    let file = cli.file("workflow.yaml", file);
    cli.run(["run", file.to_str().expect("UTF-8")]).exits(1).says(&[
        "secret:token:hold",
        "wforge grants approve wforge/effects-secrets secret:token:hold",
    ]);
    assert!(seen.try_recv().is_err(), "nothing was sent");
}

#[test]
fn a_recorded_run_that_revealed_a_secret_is_replayed_with_the_version_of_then() {
    let cli = granted();
    set(&cli, VALUE, "api.example.com");
    let file = cli.file("workflow.yaml", workflow("leak", "{ name: \"'token'\" }"));
    let ran = cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"]);
    let run = ran.exits(0).json()["run_id"].as_str().expect("an id").to_owned();
    set(&cli, "another-secret-of-later", "api.example.com");
    let replay = |cli: &Cli| -> Value {
        let ran = cli.run(["replay", &run, "--output", "json"]);
        serde_json::from_str(&ran.stdout).expect("a report")
    };
    assert_eq!(replay(&cli)["difference"], Value::Null);
    // Once its value is gone, it says so.
    cli.run(["secrets", "remove", "token"]).exits(0);
    let report = replay(&cli).to_string();
    assert!(report.contains("secret_gone"), "{report}");
}
