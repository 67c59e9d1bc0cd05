//! The brief: four plugins of two languages on a real file, live and with stand-ins.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::Cli;
use crate::repo;

const BRIEF: &str = "examples/brief/workflow.yaml";
const DOCUMENT: &str = "document=@docs/ARCHITECTURE.md";

/// Agents of the brief's tasks with the sources of their results.
fn sources(ran: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut sources: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for task in ran["tasks"].as_array().expect("tasks") {
        if let Some(agent) = task["agent"].as_str() {
            let name = agent.split('@').next().expect("a name").to_owned();
            let source = task["source"].as_str().expect("a source").to_owned();
            sources.entry(name).or_default().insert(source);
        }
    }
    sources
}

fn all_are(sources: &BTreeMap<String, BTreeSet<String>>, source: &str) {
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    assert_eq!(names, ["wforge/digest", "wforge/outline", "wforge/report", "wforge/scan"]);
    for (agent, found) in sources {
        assert_eq!(found.iter().collect::<Vec<_>>(), [source], "{agent}");
    }
}

fn start<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run", BRIEF, "--input", DOCUMENT, "--output", "json"], more].concat()
}

#[test]
fn every_agent_runs_live_and_the_report_names_the_sections() {
    let ran = Cli::new().run(start(&["--answer", "approve=yes"])).exits(0).json();
    assert_eq!(ran["status"], "completed");
    assert_eq!(ran["degraded"], false);
    all_are(&sources(&ran), "live");
    let report = ran["output"]["report"].as_str().expect("a report");
    for heading in ["One super-step", "Files of a data directory"] {
        assert!(report.contains(heading), "no \"{heading}\" in\n{report}");
    }
    let score = ran["output"]["score"].as_f64().expect("a score");
    assert!(score > 0.0 && score <= 1.0, "{score}");
}

#[test]
fn the_same_document_gives_the_same_report() {
    let report = || {
        let ran = Cli::new().run(start(&["--answer", "approve=yes"])).exits(0).json();
        ran["output"].clone()
    };
    assert_eq!(report(), report());
}

#[test]
fn a_refused_approval_ends_as_rejected() {
    let ran = Cli::new().run(start(&["--answer", "approve=no"])).exits(0).json();
    assert_eq!(ran["status"], "completed");
    assert_eq!(ran["outcome"], "rejected");
    assert_eq!(ran["output"].get("report"), None);
}

#[test]
fn without_plugins_in_mode_fallback_every_agent_is_stood_in_for() {
    let cli = Cli::new().with("WFORGE_MOCK", "fallback");
    let empty = cli.file("empty/.keep", "");
    let empty = empty.parent().expect("a folder").to_str().expect("UTF-8").to_owned();
    let more = ["--answer", "approve=yes", "--plugins", &empty];
    let ran = cli.run(start(&more)).exits(0).json();
    assert_eq!(ran["status"], "completed");
    assert_eq!(ran["degraded"], true);
    all_are(&sources(&ran), "fallback");
    cli.run(start(&[&more[..], &["--fail-on-degraded"]].concat())).exits(4);
}

#[test]
fn without_plugins_in_mode_off_every_missing_agent_is_named_before_the_first_step() {
    let cli = Cli::new().with("WFORGE_MOCK", "off");
    let empty = cli.file("empty/.keep", "");
    let empty = empty.parent().expect("a folder").to_str().expect("UTF-8").to_owned();
    cli.run(start(&["--plugins", &empty])).exits(2).says(&[
        "wforge/outline",
        "wforge/digest",
        "wforge/scan",
        "wforge/report",
    ]);
    let listed = cli.run(["runs", "list", "--output", "json"]).exits(0).json();
    let items = listed.as_array().or_else(|| listed["items"].as_array()).expect("a list");
    assert!(items.is_empty(), "{items:?}");
}

#[test]
fn a_mocked_node_is_shown_and_degrades_the_run() {
    let ran =
        Cli::new().run(start(&["--answer", "approve=yes", "--mock", "digest"])).exits(0).json();
    assert_eq!(ran["degraded"], true);
    let sources = sources(&ran);
    assert_eq!(sources["wforge/digest"], BTreeSet::from(["mock".to_owned()]));
    assert_eq!(sources["wforge/scan"], BTreeSet::from(["live".to_owned()]));
}

#[test]
fn progress_shows_each_node_its_agent_and_how_it_ran() {
    Cli::new().run(start(&["--answer", "approve=yes"])).exits(0).says(&[
        "outline",
        "wforge/outline",
        "digest",
        "wforge/digest",
        "live",
        "run_",
    ]);
}

#[test]
fn the_page_of_a_run_is_one_file_that_loads_nothing() {
    let cli = Cli::new();
    let ran = cli.run(start(&["--answer", "approve=yes", "--mock", "scan"])).exits(0).json();
    let run = ran["run_id"].as_str().expect("a run id");
    let page = cli.file("page.html", "");
    cli.run(["runs", "show", run, "--html", page.to_str().expect("UTF-8")]).exits(0);
    let html = fs_err::read_to_string(page).unwrap();
    let loading = ["src=", "href=\"http", "@import", "url(http", "<link", "fetch(", "<iframe"];
    for loads in loading {
        assert!(!html.contains(loads), "the page loads something: {loads}");
    }
    for shown in [run, "wforge/digest", "outline", "mock", "<svg"] {
        assert!(html.contains(shown), "the page does not show {shown}");
    }
}

#[test]
fn any_text_file_will_do() {
    for path in ["LICENSE", "CHANGELOG.md", "docs/STYLE.md"] {
        assert!(repo::root().join(path).is_file());
        let input = format!("document=@{path}");
        let args = ["run", BRIEF, "--input", &input, "--answer", "approve=yes", "--output", "json"];
        let ran = Cli::new().run(args).exits(0).json();
        assert_eq!(ran["degraded"], false, "{path}");
    }
}
