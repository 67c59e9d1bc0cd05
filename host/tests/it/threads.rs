//! Threads by the command line: the state that runs share, its history, and what people change of
//! it.

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, everywhere};

const CHAT: &str = "apiVersion: workflowforge/v1
name: chat
version: 1.0.0
state:
  text: { schema: { type: string } }
  said: { reducer: append }
  count: { reducer: sum, schema: { type: integer } }
input: [text]
output: [said, count]
nodes:
  hear: { set: { said: '[state.text]' } }
  count: { set: { count: '1' } }
edges:
  - { from: START, to: hear }
  - { from: hear, to: count }
";

fn json_of(cli: &Cli, args: &[&str]) -> Ran {
    cli.run(args.iter().copied().chain(["--output", "json"]))
}

fn written(cli: &Cli, name: &str, text: &str) -> String {
    cli.file(name, text).to_str().expect("UTF-8").to_owned()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// A thread over so many runs.
fn chat(cli: &Cli, texts: &[&str]) -> (String, Value) {
    let file = written(cli, "chat.yaml", CHAT);
    let mut thread = "new".to_owned();
    let mut last = Value::Null;
    for text in texts {
        let input = format!("text={text}");
        last =
            json_of(cli, &["run", &file, "--thread", &thread, "--input", &input]).exits(0).json();
        thread = field(&last, "thread").to_owned();
    }
    (thread, last)
}

fn history(cli: &Cli, thread: &str) -> Vec<Value> {
    let listed = json_of(cli, &["threads", "history", thread]).exits(0).json();
    listed.as_array().expect("a list").clone()
}

#[test]
fn runs_of_a_thread_go_on_from_each_other() {
    everywhere(|cli| {
        let (thread, last) = chat(cli, &["a", "b", "c"]);
        assert_eq!(last["output"], json!({ "said": ["a", "b", "c"], "count": 3 }));
        cli.run(["threads", "list"]).exits(0).says(&[&thread, "chat"]);
        let shown = json_of(cli, &["threads", "show", &thread]).exits(0).json();
        assert_eq!(shown["state"]["said"], json!(["a", "b", "c"]));
        assert_eq!((&shown["status"], &shown["next"]), (&json!("completed"), &json!([])));
        cli.run(["threads", "show", &thread]).exits(0).says(&["completed", r#"["a","b","c"]"#]);
        let run = field(&last, "run_id");
        let page = written(cli, "page.html", "");
        cli.run(["runs", "show", run, "--html", &page]).exits(0);
        let page = fs_err::read_to_string(page).unwrap();
        assert!(page.contains("started from run_") && page.contains("Step 2"), "{page}");
    });
}

#[test]
fn the_history_names_every_border_and_the_state_there() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a", "b"]);
        let all = history(cli, &thread);
        let told: Vec<String> = all
            .iter()
            .map(|it| {
                format!("{} {} {} {}", it["source"], it["step"], it["next"], it["state"]["said"])
            })
            .collect();
        let expected = [
            r#""loop" 2 [] ["a","b"]"#,
            r#""loop" 1 ["count"] ["a","b"]"#,
            r#""input" 0 ["hear"] ["a"]"#,
            r#""loop" 2 [] ["a"]"#,
            r#""loop" 1 ["count"] ["a"]"#,
            r#""input" 0 ["hear"] []"#,
        ];
        assert_eq!(told, expected);
        assert_eq!(all[2]["parent"], all[3]["checkpoint"]);
        let at = field(&all[4], "checkpoint");
        let older = json_of(cli, &["threads", "history", &thread, "--before", at]).exits(0).json();
        assert_eq!(older.as_array().expect("a list").as_slice(), &all[5..]);
        let shown = json_of(cli, &["threads", "show", &thread, "--at", at]).exits(0).json();
        assert_eq!(shown, all[4]);
        cli.run(["threads", "show", &thread, "--at", "run_1@2"]).exits(2).says(&["checkpoint"]);
    });
}

#[test]
fn a_fork_writes_an_older_state_and_what_follows_runs_on_it() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a", "b"]);
        let all = history(cli, &thread);
        let before = field(&all[4], "checkpoint");
        let made = json_of(
            cli,
            &["threads", "fork", &thread, "--at", before, "--set", r#"said=["x"]"#, "--as", "hear"],
        );
        assert_eq!(made.exits(0).json()["thread"], thread.as_str());
        let ended = json_of(cli, &["threads", "replay", &thread]).exits(0).json();
        assert_eq!(ended["output"], json!({ "said": ["a", "x"], "count": 1 }));
        let after = history(cli, &thread);
        assert_eq!(&after[after.len() - 6..], all.as_slice(), "what was before is kept");
        assert!(after.iter().any(|it| it["source"] == "update"), "{after:?}");
    });
}

#[test]
fn a_replay_runs_an_older_checkpoint_once_more() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a", "b"]);
        let all = history(cli, &thread);
        let at = field(&all[4], "checkpoint");
        let ended = json_of(cli, &["threads", "replay", &thread, "--at", at]).exits(0).json();
        assert_eq!(ended["output"], json!({ "said": ["a"], "count": 1 }));
        let other = chat(cli, &["z"]).0;
        let foreign = cli.run(["threads", "replay", &other, "--at", at]);
        foreign.exits(2).says(&["not_found", "checkpoint"]);
    });
}

#[test]
fn a_fork_without_a_write_copies_its_checkpoint() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a"]);
        let all = history(cli, &thread);
        let at = field(&all[1], "checkpoint");
        let made = json_of(cli, &["threads", "fork", &thread, "--at", at]).exits(0).json();
        let newest = history(cli, &thread).remove(0);
        assert_eq!(newest["checkpoint"], made["checkpoint"]);
        assert_eq!((&newest["source"], &newest["next"]), (&json!("fork"), &json!(["count"])));
        assert_eq!(newest["parent"], all[2]["checkpoint"], "it stands beside the one it copies");
        let ended = json_of(cli, &["threads", "replay", &thread]).exits(0).json();
        assert_eq!(ended["output"], json!({ "said": ["a"], "count": 1 }));
        let nobody = ["threads", "fork", &thread, "--at", at, "--as", "hear"];
        cli.run(nobody).exits(2).says(&["--set"]);
    });
}

const REVIEW: &str = "apiVersion: workflowforge/v1
name: review
version: 1.0.0
state: { draft: { schema: { type: string } }, published: {} }
input: []
output: [published]
nodes:
  write: { set: { draft: \"'rough'\" } }
  publish: { set: { published: state.draft } }
edges:
  - { from: START, to: write }
  - { from: write, to: publish }
interrupt: { before: [publish] }
";

#[test]
fn a_state_is_updated_at_a_pause_and_the_run_goes_on_with_it() {
    everywhere(|cli| {
        let file = written(cli, "review.yaml", REVIEW);
        let paused = json_of(cli, &["run", &file, "--thread", "new"]).exits(3).json();
        let thread = field(&paused, "thread").to_owned();
        let next = json_of(cli, &["threads", "show", &thread]).exits(0).json();
        assert_eq!(next["next"], json!(["publish"]));
        let update = ["threads", "update", &thread, "--set", "draft=smooth", "--as", "write"];
        cli.run(update).exits(0).says(&["wforge threads replay"]);
        let ended = json_of(cli, &["threads", "replay", &thread]).exits(0).json();
        assert_eq!(ended["output"]["published"], "smooth");
        cli.run(["threads", "update", &thread, "--set", "draf=x"])
            .exits(2)
            .says(&["did you mean draft?"]);
        let nobody = ["threads", "update", &thread, "--set", "draft=x", "--as", "nobody"];
        cli.run(nobody).exits(2).says(&["nobody"]);
    });
}

#[test]
fn several_super_steps_are_written_from_a_file() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a"]);
        let steps = r#"[{ "as": "hear", "writes": { "said": ["b"] } },
                       [{ "as": "count", "writes": [{ "key": "count", "value": 5, "overwrite": true }] }]]"#;
        let steps = written(cli, "steps.json", steps);
        json_of(cli, &["threads", "update", &thread, "--updates", &steps]).exits(0);
        let shown = json_of(cli, &["threads", "show", &thread]).exits(0).json();
        assert_eq!(shown["state"], json!({ "text": "a", "said": ["a", "b"], "count": 5 }));
        let wrong = written(cli, "wrong.json", "[{}, 7]");
        let ran = cli.run(["threads", "update", &thread, "--updates", &wrong]);
        ran.exits(2).says(&["wrong.json", "write a JSON list of super-steps"]);
    });
}

#[test]
fn a_thread_is_copied_and_pruned() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a", "b"]);
        let copied = json_of(cli, &["threads", "copy", &thread]).exits(0).json();
        let copy = field(&copied, "thread").to_owned();
        assert_ne!(copy, thread);
        let file = written(cli, "chat.yaml", CHAT);
        let more = json_of(cli, &["run", &file, "--thread", &copy, "--input", "text=c"]);
        assert_eq!(more.exits(0).json()["output"]["said"], json!(["a", "b", "c"]));
        let all = history(cli, &thread);
        let pruned = json_of(cli, &["threads", "prune", &thread, "--keep", "5"]).exits(0).json();
        assert_eq!((&pruned["kept"], &pruned["runs_removed"]), (&json!(5), &json!(0)));
        assert_eq!(history(cli, &thread), all[..5]);
        let at = field(&all[2], "checkpoint");
        let pruned = cli.run(["threads", "prune", &thread, "--before", at]);
        pruned.exits(0).says(&[at, "kept 3 checkpoints; removed 0 runs", "1 older run kept"]);
        assert_eq!(history(cli, &thread), all[..3]);
        let gone = cli.run(["threads", "prune", &thread, "--before", field(&all[4], "checkpoint")]);
        gone.exits(2).says(&["not_found", "checkpoint"]);
        cli.run(["threads", "prune", &thread]).exits(0);
        assert_eq!(history(cli, &thread), all[..1]);
        let shown = json_of(cli, &["threads", "show", &thread]).exits(0).json();
        assert_eq!(shown["state"]["said"], json!(["a", "b"]), "the copy's run did not count here");
    });
}

const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { n: { schema: { type: integer } }, all: { reducer: append } }
input: [n]
output: [all]
nodes:
  ask: { ask: { prompt: 'Is {{ state.n }} fine?' }, out: { all: '[result]' } }
edges: [{ from: START, to: ask }]
";

#[test]
fn what_becomes_of_the_run_that_is_under_way_is_said_at_the_start() {
    everywhere(|cli| {
        let file = written(cli, "asks.yaml", ASKS);
        let first =
            json_of(cli, &["run", &file, "--thread", "new", "--input", "n=1"]).exits(3).json();
        let thread = field(&first, "thread").to_owned();
        let again = |how: &str, n: &str| {
            let input = format!("n={n}");
            json_of(
                cli,
                &["run", &file, "--thread", &thread, "--multitask", how, "--input", &input],
            )
        };
        again("reject", "2").exits(2).says(&["thread_busy", "wforge run --multitask"]);
        let second = again("interrupt", "3").exits(3).json();
        let shown = json_of(cli, &["runs", "show", field(&first, "run_id")]).exits(0).json();
        assert_eq!(shown["status"], "cancelled");
        again("rollback", "4").exits(3);
        let shown = json_of(cli, &["runs", "show", field(&second, "run_id")]).exits(0).json();
        assert_eq!(shown["status"], "rolled_back");
    });
}

#[test]
fn a_queued_run_begins_when_the_one_before_it_has_ended() {
    let cli = Cli::new();
    let file = written(&cli, "asks.yaml", ASKS);
    let first = json_of(&cli, &["run", &file, "--thread", "new", "--input", "n=1"]).exits(3).json();
    let thread = field(&first, "thread");
    let second = json_of(&cli, &["run", &file, "--thread", thread, "--input", "n=2"]);
    second.exits(3).says(&["queued", "names the run that goes first"]);
    let second = second.json();
    let resumed = cli.run(["runs", "resume", field(&first, "run_id"), "--answer", "yes"]);
    let id = field(&second, "run_id");
    resumed.exits(0).says(&[&format!("{id}  waited for its turn"), &format!("{id}  waiting")]);
    let ended = json_of(&cli, &["runs", "resume", field(&second, "run_id"), "--answer", "no"]);
    assert_eq!(ended.exits(0).json()["output"]["all"], json!(["yes", "no"]));
}

/// Without a server whoever ends a run drives what waited for it; a stream only tells the log.
#[test]
fn what_waited_for_a_run_is_driven_to_its_end_after_it() {
    let cli = Cli::new();
    let file = written(&cli, "review.yaml", REVIEW);
    let first = json_of(&cli, &["run", &file, "--thread", "new"]).exits(3).json();
    let thread = field(&first, "thread");
    let mut queued = Vec::new();
    for _ in 0..2 {
        let ran = json_of(&cli, &["run", &file, "--thread", thread, "--durability", "exit"]);
        queued.push(field(&ran.exits(3).json(), "run_id").to_owned());
    }
    let streamed = cli.run(["runs", "stream", &queued[0]]);
    streamed.exits(0).says(&["is queued, and nobody drives it", "wforge serve"]);
    let cancel = |run: &str| cli.run(["runs", "cancel", run]);
    cancel(&queued[1]).exits(0);
    let ended = cli.run(["runs", "continue", field(&first, "run_id")]);
    ended.exits(0).says(&[&format!("{}  paused", queued[0]), "wforge runs continue"]);
    let streamed = cli.run(["runs", "stream", &queued[0]]);
    streamed.exits(0).says(&["is paused", &format!("wforge runs continue {}", queued[0])]);
    cli.run(["runs", "continue", &queued[0]]).exits(0);
    let told = cli.run(["runs", "stream", &queued[0]]);
    assert!(!told.exits(0).stderr.contains("nobody drives"), "{}", told.stderr);
}

const BOTH: &str = "apiVersion: workflowforge/v1
name: both
version: 1.0.0
state: { log: { reducer: append }, it: {} }
input: []
output: [log]
nodes:
  first: { ask: { prompt: 'First?' }, out: { log: [result] } }
  second: { ask: { prompt: 'Second?' }, out: { log: [result] } }
  echo: { set: { it: '1' } }
edges:
  - { from: START, to: [first, second] }
  - { from: [first, second], to: echo }
";

#[test]
fn a_migration_keeps_answers_and_takes_plugins_from_a_folder() {
    everywhere(|cli| {
        let file = written(cli, "both.yaml", BOTH);
        let ran = json_of(cli, &["run", &file, "--thread", "new"]).exits(3).json();
        let (thread, run) = (field(&ran, "thread"), field(&ran, "run_id"));
        cli.run(["runs", "resume", run, "--answer", "first=1"]).exits(3);
        let agent =
            "echo: { agent: wforge/probe.echo, in: { message: \"'x'\" }, out: { it: result } }";
        let newer = BOTH.replace("1.0.0", "2.0.0").replace("echo: { set: { it: '1' } }", agent);
        let newer = written(cli, "newer.yaml", &newer);
        let migrate = |more: &[&str]| {
            let args = ["workflow", "migrate", thread, "--to", &newer, "--restart-tasks"];
            cli.run(args.iter().chain(more).copied())
        };
        let empty = cli.file("empty/.keep", "");
        let empty = empty.parent().expect("a folder").to_str().expect("UTF-8").to_owned();
        migrate(&["--plugins", &empty]).exits(2).says(&["missing_agents", "wforge/probe"]);
        let plugins = crate::harness::plugins();
        let plugins = plugins.to_str().expect("UTF-8");
        let dry = migrate(&["--plugins", plugins, "--dry-run"]);
        dry.exits(0).says(&["nodes.first", "\"First?\" its answer, where it asks the same"]);
        let done = migrate(&["--plugins", plugins, "--output", "json"]).exits(0).json();
        let again = field(&done, "continued");
        let shown = json_of(cli, &["runs", "show", again]).exits(0).json();
        let asked = shown["questions"].as_array().expect("questions").iter();
        let asked: Vec<&Value> = asked.map(|question| &question["prompt"]).collect();
        assert_eq!(asked, ["Second?"]);
        let ended = json_of(cli, &["runs", "resume", again, "--answer", "second=2"]);
        assert_eq!(ended.exits(0).json()["output"]["log"], json!([1, 2]));
    });
}

#[test]
fn a_migration_shows_what_differs_before_it_changes_anything() {
    everywhere(|cli| {
        let (thread, _) = chat(cli, &["a"]);
        let next = CHAT
            .replace("version: 1.0.0", "version: 2.0.0")
            .replace(
                "  count: { reducer: sum, schema: { type: integer } }\n",
                "  total: { default: 7 }\n",
            )
            .replace("output: [said, count]", "output: [said, total]")
            .replace(
                "count: { set: { count: '1' } }",
                "count: { set: { total: state.total + 1 } }",
            );
        let file = written(cli, "next.yaml", &next);
        let busy = cli.run(["run", &file, "--thread", &thread, "--input", "text=b"]);
        busy.exits(2).says(&["thread_version", "wforge workflow migrate"]);
        let dry = ["workflow", "migrate", &thread, "--to", &file, "--dry-run"];
        cli.run(dry).exits(0).says(&[
            "added",
            "state.total",
            "dropped",
            "state.count",
            "--dry-run",
        ]);
        let shown = json_of(cli, &["threads", "show", &thread]).exits(0).json();
        assert_eq!(shown["state"]["count"], 1, "nothing was changed");
        cli.run(["threads", "migrate", &thread, "--to", &file]).exits(0);
        let ran = json_of(cli, &["run", &file, "--thread", &thread, "--input", "text=b"]);
        assert_eq!(ran.exits(0).json()["output"], json!({ "said": ["a", "b"], "total": 8 }));
        let misfit = next
            .replace("version: 2.0.0", "version: 3.0.0")
            .replace("said: { reducer: append }", "said: { default: '', schema: { type: string } }")
            .replace("'[state.text]'", "state.text");
        let file = written(cli, "misfit.yaml", &misfit);
        let refused = cli.run(["threads", "migrate", &thread, "--to", &file]);
        refused.exits(2).says(&["migration_misfit", "state.said"]);
    });
}

#[test]
fn a_thread_that_is_none_says_where_they_are_listed() {
    let cli = Cli::new();
    cli.run(["threads", "show", "nonsense"]).exits(2).says(&["wforge threads list"]);
    let nobody = "thread_0123456789abcdef0123456789abcdef";
    cli.run(["threads", "show", nobody]).exits(2).says(&["not_found", nobody]);
    cli.run(["threads", "list"]).exits(0).says(&["--thread new"]);
}
