//! The open questions of all runs, and answers to them by their ids.

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost, everywhere, within_a_minute};

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

fn listed(cli: &Cli, flags: &[&str]) -> Vec<Value> {
    let args = ["inbox", "list", "--output", "json"].iter().chain(flags);
    cli.run(args).exits(0).json().as_array().expect("a list").clone()
}

#[test]
fn a_question_is_put_to_somebody_and_the_audit_log_says_by_whom() {
    everywhere(|cli| {
        let run = start(cli, "Ann");
        let ask = open(cli)[0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(listed(cli, &["--unassigned"]).len(), 1);
        let note = ["inbox", "assign", &ask, "ann", "--note", "before noon"];
        cli.run(note).exits(0).says(&["is for ann now"]);
        let of_ann = listed(cli, &["--assignee", "ann"]);
        assert_eq!((of_ann.len(), &of_ann[0]["note"]), (1, &json!("before noon")));
        assert_eq!(listed(cli, &["--unassigned"]).len(), 0);
        assert_eq!(listed(cli, &["--mine"]).len(), 0);
        cli.run(["inbox", "assign", &ask, "cli"]).exits(0);
        assert_eq!(listed(cli, &["--mine", "--run", &run, "--by-deadline"]).len(), 1);
        cli.run(["inbox", "assign", &ask, "--nobody"]).exits(0).says(&["whoever comes"]);
        assert_eq!(listed(cli, &["--older-than", "1d"]).len(), 0);
        assert_eq!(listed(cli, &["--workflow", "asks", "--node", "approve"]).len(), 1);
        cli.run(["inbox", "list", "--older-than", "soon"]).exits(2).says(&["older_than"]);
        cli.run(["inbox", "list", "--mine", "--unassigned"]).exits(2);
        let audit = cli.run(["audit", "list", "--output", "json"]).exits(0).json();
        let assigned = |entry: &&Value| entry.to_string().contains("interrupt.assign");
        assert_eq!(audit.as_array().expect("a list").iter().filter(assigned).count(), 3);
        cli.run(["inbox", "answer", &ask, "yes"]).exits(0);
        cli.run(["inbox", "assign", &ask, "ann"]).exits(2).says(&["wforge inbox lists"]);
    });
}

#[test]
fn a_question_that_nobody_answers_is_somebody_elses_after_a_while_also_over_a_restart() {
    let host = TestHost::start();
    let escalates =
        ASKS.replace("deadline: 24h", "assignee: ann, escalate: { after: 2s, to: bob }");
    let file = host.cli.file("escalates.yaml", escalates);
    let file = file.to_str().expect("UTF-8");
    host.cli.run(["run", file, "--input", "who=Ann"]).exits(3);
    let host = host.restart();
    assert!(within_a_minute(|| listed(&host.cli, &["--assignee", "bob"]).len() == 1));
    assert_eq!(listed(&host.cli, &["--overdue"]).len(), 1);
    let audit = host.cli.run(["audit", "list", "--output", "json"]).exits(0).json();
    let escalated = |entry: &&Value| entry.to_string().contains("interrupt.escalate");
    assert_eq!(audit.as_array().expect("a list").iter().filter(escalated).count(), 1);
}

#[test]
fn over_the_api_a_question_is_a_thing_with_an_address_until_it_is_answered() {
    let host = TestHost::start();
    let run = start(&host.cli, "Ann");
    let entry = host.get("/v1/interrupts?kind=question").status(200).json()["items"][0].clone();
    let href = entry["href"].as_str().expect("an address").to_owned();
    let shown = host.get(&href).status(200).json();
    assert_eq!((&shown["kind"], &shown["run"]), (&json!("interrupt"), &json!(run)));
    host.get("/v1/interrupts?mine=true&assignee=ann").status(400);
    let answer = |answer: Value| host.post(&format!("{href}/answer?wait=30s"), &answer);
    answer(json!({ "answer": "perhaps" })).status(422);
    let ended = answer(json!({ "answer": true })).status(200).json();
    assert_eq!((&ended["id"], &ended["status"]), (&json!(run), &json!("completed")));
    answer(json!({ "answer": false })).status(404);
    host.get(&href).status(404);
}
