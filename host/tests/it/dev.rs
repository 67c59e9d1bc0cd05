//! `wforge dev`: what a save leads to, through the real program on a project in JavaScript.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::Value;

use crate::harness::Cli;
use crate::repo;

/// Only a test that would hang waits so long: compilers share the machine with other tests.
const SILENCE_MAX: Duration = Duration::from_secs(180);
/// What the agent's summary is made of.
const SUMMARY: &str = r#"chosen.map(({ line }) => line).join(" ")"#;

const WORKFLOW: &str = "apiVersion: workflowforge/v1
name: try
version: 1.0.0
state: { section: {}, digest: {} }
input: [section]
output: [digest]
nodes:
  it: { agent: wforge/digest, in: { section: state.section }, out: { digest: result } }
edges: [{ from: START, to: it }]
";
const SETTINGS: &str = "input: { section: { text: 'A tree grows. A tree falls.' } }\n";

/// A project that is watched.
struct Dev {
    cli: Cli,
    child: Child,
    events: Receiver<String>,
}

impl Dev {
    /// The plugin wforge/digest as somebody's own project, with a workflow and settings.
    fn start() -> Self {
        let path = std::env::var("PATH").expect("compilers are found in PATH");
        let cli = Cli::new().with("PATH", &path);
        for name in ["plugin.toml", "src/agent.js", "src/digest.js", "src/rank.js"] {
            cli.file(&format!("digest/{name}"), repo::read(&format!("plugins/digest/{name}")));
        }
        for name in ["src/sentences.js", "src/terms.js"] {
            cli.file(&format!("digest/{name}"), repo::read(&format!("plugins/digest/{name}")));
        }
        cli.file("digest/workflow.yaml", WORKFLOW);
        let settings = cli.file("digest/dev.yaml", SETTINGS);
        let folder = settings.parent().expect("a folder").display().to_string();
        let args = ["dev", folder.as_str(), "--output", "json"];
        let mut command = cli.not_started(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().expect("its stdout"));
        let (send, events) = sync_channel(1_000);
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Self { cli, child, events }
    }

    /// The next event of that name; others go by.
    fn next(&self, name: &str) -> Value {
        let mut seen = Vec::new();
        loop {
            let line = self.events.recv_timeout(SILENCE_MAX);
            let line = line.unwrap_or_else(|_| panic!("no \"{name}\" after {seen:#?}"));
            let event: Value = serde_json::from_str(&line).expect("each line is JSON");
            if event["event"] == name {
                return event;
            }
            seen.push(line);
        }
    }

    /// Saves the module with this in the place of what the summary is made of.
    fn save(&self, summary: &str) -> PathBuf {
        let text = repo::read("plugins/digest/src/digest.js");
        assert!(text.contains(SUMMARY), "the plugin has changed: adapt this test");
        self.cli.file("digest/src/digest.js", text.replace(SUMMARY, summary))
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_save_is_built_and_run_and_a_bad_one_says_why_and_goes_on() {
    let mut dev = Dev::start();
    assert_eq!(dev.next("watching")["plugin"], "wforge/digest");
    let first = dev.next("output");
    assert_eq!(first["status"], "completed", "{first}");
    assert_eq!(first["output"]["digest"]["sentences"], 1, "{first}");

    dev.save("(console.log('looking'), 'changed')");
    assert_eq!(dev.next("log")["message"], "looking");
    let second = dev.next("output");
    assert_eq!(second["output"]["digest"]["summary"], "changed", "{second}");
    assert!(second["since_save_ms"].as_u64() >= second["run_ms"].as_u64(), "{second}");

    dev.save("(");
    let failed = dev.next("build_failed");
    let said = failed.to_string();
    assert!(said.contains("digest.js") && said.contains("wforge/digest 0.1.0"), "{said}");

    // The workflow alone is run with what served before.
    dev.cli.file("digest/dev.yaml", SETTINGS.replace("A tree falls.", "A tree falls. It lies."));
    let third = dev.next("output");
    assert_eq!(third["output"]["digest"]["summary"], "changed", "{third}");

    dev.save("'mended'");
    let fourth = dev.next("output");
    assert_eq!(fourth["output"]["digest"]["summary"], "mended", "{fourth}");

    dev.signal("-INT");
    dev.next("stopped");
    assert!(dev.child.wait().unwrap().success());
}

#[test]
fn a_run_that_takes_long_ends_when_the_project_is_saved_again() {
    let dev = Dev::start();
    dev.next("output");
    dev.save("(() => { for (;;); })()");
    dev.next("started");
    dev.save("'quick'");
    dev.next("cancelled");
    assert_eq!(dev.next("output")["output"]["digest"]["summary"], "quick");
}

#[test]
fn a_folder_without_a_plugin_is_refused_before_anything_is_watched() {
    let cli = Cli::new();
    let folder = cli.file("empty/README.md", "nothing").parent().unwrap().to_owned();
    let ran = cli.run(["dev", folder.to_str().unwrap()]);
    ran.exits(2).says(&["it has no plugin.toml", "wforge new"]);
}

#[test]
fn a_setting_that_is_unknown_is_named_with_its_place() {
    let dev = Dev::start();
    dev.next("output");
    dev.cli.file("digest/dev.yaml", "inputs: {}\n");
    let failed = dev.next("failed").to_string();
    assert!(failed.contains("dev.yaml:1:1") && failed.contains("did you mean"), "{failed}");
}
