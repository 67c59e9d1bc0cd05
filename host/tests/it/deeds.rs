//! What agents did: what they used of models, shown wherever a run is, and whether somebody may
//! still stand in for them.

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, TestHost, plugins, taking_posts};

const GRANTS: &str = "[[grant]]
plugin = \"wforge/effects-rust\"
capabilities = [\"llm:*\", \"http:*\", \"kv:run\", \"ask\"]
";

fn workflow(policy: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: deeds
version: 1.0.0
state: {{ url: {{}}, seen: {{}} }}
input: [url]
output: [seen]
nodes:
  it: {{ agent: wforge/effects-rust.exactly-once, in: {{ model: \"'mock'\", url: state.url }}, out: {{ seen: result }}{policy} }}
edges: [{{ from: START, to: it }}]
"
    )
}

/// Commands whose agents may post to servers of this machine.
pub(crate) fn open() -> Cli {
    let cli = Cli::new().with("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32");
    let grants = cli.file("grants.toml", GRANTS);
    cli.with("WFORGE_PLUGINS__GRANTS_FILE", grants.to_str().expect("UTF-8"))
}

pub(crate) fn run(cli: &Cli, policy: &str, address: &str) -> Ran {
    let file = cli.file("deeds.yaml", workflow(policy));
    let proofs = plugins().join("proofs");
    let (file, proofs) = (file.to_str().expect("UTF-8"), proofs.to_str().expect("UTF-8"));
    let url = format!("url=http://{address}/posts");
    let args = ["run", file, "--plugins", proofs, "--input", &url, "--output", "json"];
    cli.run(args)
}

pub(crate) fn answer(cli: &Cli, run: &str, value: &str) -> Ran {
    cli.run(["runs", "resume", run, "--answer", value, "--output", "json"])
}

#[test]
fn what_a_run_used_of_models_is_counted_once_over_a_kill_and_shown_everywhere() {
    let host = TestHost::on(open());
    let ran = run(&host.cli, "", &taking_posts(usize::MAX));
    let id = ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned();
    answer(&host.cli, &id, "yes").exits(3);
    let host = host.restart();
    let ended = answer(&host.cli, &id, "yes");
    ended.exits(0).says(&["5 model calls, "]);
    let ended = ended.json();
    let usage = &ended["usage"];
    assert_eq!((&usage["calls"], &usage["models"]["mock"]["calls"]), (&json!(5), &json!(5)));
    assert!(usage["input_tokens"].as_u64() > Some(0), "{usage}");
    assert_eq!(&ended["tasks"][0]["usage"], usage);

    let shown = host.cli.run(["runs", "show", &id]);
    shown.exits(0).says(&["mock: 5 model calls, "]);
    let shown = host.get(&format!("/v1/runs/{id}")).status(200).json();
    assert_eq!((&shown["usage"], &shown["tasks"][0]["usage"]), (usage, usage));
    let listed = host.get("/v1/runs").status(200).json();
    assert_eq!(&listed["items"][0]["usage"], usage);
    let events = host.cli.run(["runs", "show", &id, "--events"]).exits(0).stdout.clone();
    let finished = events.lines().find(|line| line.contains("task_finished")).expect("its end");
    let finished: Value = serde_json::from_str(finished).expect("JSON");
    assert_eq!(&finished["kind"]["task_finished"]["usage"], usage);
    let page = host.cli.file("run.html", "");
    host.cli.run(["runs", "show", &id, "--html", page.to_str().expect("UTF-8")]).exits(0);
    let page = fs_err::read_to_string(page).unwrap();
    assert!(page.contains("<h2>Models</h2>") && page.contains("<td>mock</td><td>5</td>"), "{page}");
}

#[test]
fn calls_of_models_are_figures_by_the_names_that_the_operator_gave() {
    let host = TestHost::on(open());
    run(&host.cli, "", &taking_posts(usize::MAX)).exits(3);
    let metrics = host.get("/metrics").status(200).text.clone();
    let line = |start: &str| metrics.lines().find(|line| line.starts_with(start)).expect(start);
    assert_eq!(
        line("wforge_llm_calls_total"),
        "wforge_llm_calls_total{model=\"mock\",outcome=\"ok\"} 2"
    );
    for direction in ["input", "output"] {
        let start = format!("wforge_llm_tokens_total{{model=\"mock\",direction=\"{direction}\"}} ");
        assert!(!line(&start).ends_with(" 0"), "{metrics}");
    }
    // What a plugin asked for is no label.
    let text = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { out: {} }
input: []
output: [out]
nodes: { it: { agent: wforge/probe.denied, in: {}, out: { out: result } } }
edges: [{ from: START, to: it }]
";
    let grants = GRANTS.to_owned()
        + "[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:*\"]\n";
    host.cli.file("grants.toml", grants);
    let file = host.cli.file("asks.yaml", text);
    host.cli.run(["run", file.to_str().expect("UTF-8")]).exits(1).says(&["no model is called"]);
    assert!(!host.get("/metrics").status(200).text.contains("model=\"fast\""));
}

/// How a run ends whose agent posts to that server, and what is said.
#[test]
fn rule_10_nobody_stands_in_for_an_agent_that_may_have_posted() {
    let mocked = ", fallback: mock, mock: { output: { by: mock } }";
    let named = format!("{mocked}, fallback_on: [after_write]");
    let cli = open();
    // Its second post is cut off, and so is its first.
    for answers in [1, 0] {
        let failed = run(&cli, mocked, &taking_posts(answers));
        failed.exits(1).says(&["broken", "nobody stands in", "fallback_on: [after_write]"]);
        assert_eq!(failed.json()["degraded"], json!(false));
        let stood = run(&cli, &named, &taking_posts(answers)).exits(0).json();
        assert_eq!(
            (&stood["degraded"], &stood["output"]["seen"]["by"]),
            (&json!(true), &json!("mock"))
        );
    }
    // Nobody listens there, so nothing was posted.
    let ended = run(&cli, mocked, "127.0.0.1:1").exits(0).json();
    assert_eq!(ended["degraded"], json!(true));
}
