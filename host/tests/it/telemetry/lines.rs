//! What a server logs, where, and how that is changed while it runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, with_probe};
use crate::harness::{Cli, TestHost};

/// Only a test that would hang waits so long.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const LEVEL: &str = "/v1/system/log-level";

fn put(host: &TestHost, body: &Value) -> (u16, Value) {
    let reply = host.send_by("PUT", LEVEL, "application/json", &body.to_string(), None);
    (reply.status, reply.json())
}

/// Lines are written beside; asking for something makes some, and gives them time.
fn line_with(host: &TestHost, what: &str) -> Value {
    let begun = Instant::now();
    while begun.elapsed() < SILENCE_MAX {
        let log = host.log();
        if let Some(line) = log.lines().find(|line| line.contains(what)) {
            return serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
        host.get("/v1/system").status(200);
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no {what} in {}", host.log());
}

#[test]
fn a_line_about_a_run_says_whose_it_is_and_which_process_wrote_it() {
    let cli = Cli::new().with("WFORGE_LOG__FORMAT", "json").with("WFORGE_LOG__INSTANCE", "node-1");
    let host = with_probe(cli);
    let run = ask(&host, &[]);
    let line = line_with(&host, "run failed");
    assert_eq!((&line["level"], &line["instance"]), (&json!("WARN"), &json!("node-1")));
    assert_eq!((&line["env"], line["version"].is_string()), (&json!("development"), true));
    let span = &line["spans"][0];
    assert_eq!((&span["name"], &span["run"]), (&json!("run"), &run["id"]), "{line}");
    assert_eq!(span["tenant"], "default");
    assert!(span["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{line}");
}

#[test]
fn levels_change_by_module_while_the_server_runs_and_go_back_by_themselves() {
    let host = TestHost::on(Cli::new().with("WFORGE_LOG__FORMAT", "json"));
    let shown = host.get(LEVEL).status(200).json();
    assert_eq!((&shown["kind"], &shown["level"]), (&json!("log_level"), &json!("warn")));
    assert_eq!(shown["until"], Value::Null);

    let (status, set) = put(&host, &json!({ "level": "warn,wforge_api=info", "for_s": 2 }));
    assert_eq!((status, &set["level"]), (200, &json!("warn,wforge_api=info")), "{set}");
    assert!(set["until"].is_u64());
    let line = line_with(&host, "request answered");
    assert_eq!(line["spans"][0]["name"], "request", "{line}");
    line_with(&host, "went back to what is configured");
    assert_eq!(host.get(LEVEL).status(200).json()["level"], "warn");

    for bad in
        [json!({ "level": "loud" }), json!({ "level": "info", "for_s": 0 }), json!({ "l": 1 })]
    {
        let (status, problem) = put(&host, &bad);
        assert!(matches!(status, 400 | 422), "{bad}: {problem}");
    }
    let ran = host.run(&["system", "log-level", "debug", "--for", "15m", "--output", "json"]);
    assert_eq!(ran.exits(0).json()["level"], "debug");
    host.run(&["system", "log-level", "--reset"]).exits(0);
    assert_eq!(host.get(LEVEL).status(200).json()["level"], "warn");
    Cli::new().run(["system", "log-level"]).exits(1).says(&["no server runs here"]);
}

#[test]
fn lines_go_to_a_file_that_gives_way_when_it_is_full() {
    let cli = Cli::new();
    let file = cli.file("log/.keep", "").with_file_name("wforge.log");
    let cli = cli
        .with("WFORGE_LOG", "info")
        .with("WFORGE_LOG__FORMAT", "json")
        .with("WFORGE_LOG__FILE", file.to_str().expect("UTF-8"))
        .with("WFORGE_LOG__FILE_BYTES_MAX", "4000")
        .with("WFORGE_LOG__FILES_MAX", "2");
    let host = TestHost::on(cli);
    let old = file.with_extension("log.2");
    let begun = Instant::now();
    while !old.exists() && begun.elapsed() < SILENCE_MAX {
        host.get("/v1/system").status(200);
    }
    let text = fs_err::read_to_string(&old).expect("the second old file");
    assert!(text.len() <= 4_000);
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    assert!(lines.count() > 2);
    assert!(!file.with_extension("log.3").exists());
    assert!(!host.log().contains("request answered"));
}
