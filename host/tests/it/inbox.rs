//! The open questions of all runs, and answers to them by their ids.

use serde_json::Value;

use crate::harness::{Cli, everywhere};

const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { who: { schema: { type: string } }, yes: {} }
input: [who]
output: [yes]
nodes:
  approve: { ask: { prompt: 'May {{ state.who }} pass?', schema: { type: boolean }, deadline: 24h }, out: { yes: result } }
edges: [{ from: START, to: approve }]
";

fn start(cli: &Cli, who: &str) -> String {
    let file = cli.file("asks.yaml", ASKS);
    let who = format!("who={who}");
    let ran = cli.run(["run", file.to_str().expect("UTF-8"), "--input", &who, "--output", "json"]);
    ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned()
}

fn open(cli: &Cli) -> Vec<Value> {
    let listed = cli.run(["inbox", "--output", "json"]).exits(0).json();
    listed.as_array().expect("a list").clone()
}

#[test]
fn the_inbox_shows_the_questions_of_all_runs_and_takes_answers() {
    everywhere(|cli| {
        let runs = [start(cli, "Ann"), start(cli, "Bob")];
        let shown = cli.run(["inbox"]);
        shown.exits(0).says(&["May Ann pass?", "May Bob pass?", "approve", "until 2", &runs[1]]);
        let open_now = open(cli);
        assert_eq!(open_now.iter().map(|it| &it["run"]).collect::<Vec<_>>(), runs.each_ref());
        let ask = open_now[1]["wants"]["answer"]["question"].as_str().expect("an id");
        let wrong = cli.run(["inbox", "answer", ask, "perhaps"]);
        wrong.exits(2);
        let ended = cli.run(["inbox", "answer", ask, "yes", "--output", "json"]).exits(0).json();
        assert_eq!(
            (&ended["run_id"], &ended["output"]["yes"]),
            (&runs[1].clone().into(), &true.into())
        );
        assert_eq!(open(cli).len(), 1);
        cli.run(["inbox", "answer", ask, "yes"]).exits(2).says(&["wforge inbox lists"]);
    });
}

#[test]
fn an_empty_inbox_says_so() {
    let cli = Cli::new();
    cli.run(["inbox"]).exits(0).says(&["nothing waits for a person"]);
    cli.run(["inbox", "answer", "nonsense", "yes"]).exits(2).says(&["ask_", "wforge inbox"]);
}
