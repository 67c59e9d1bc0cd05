//! Rule 3: what another attempt keeps of the one before, by how that one ended and what the retry
//! policy says. What is kept is not asked again, as the server's log shows.

use serde_json::{Value, json};

use super::{Stage, ask_model, kind, model, run_id, times};

/// How a first attempt can end after it asked "one", and what holds where the policy says nothing.
fn endings() -> [(&'static str, Value, bool); 6] {
    [
        ("upstream, from its last answer", ask_model("broken", "fails"), true),
        ("limit, from its last answer", ask_model("wordy", "fails"), true),
        ("upstream, of its own", json!({ "do": "fail", "kind": "upstream", "message": "" }), false),
        ("trap", json!({ "do": "trap" }), false),
        ("failed", json!({ "do": "fail", "kind": "failed", "message": "" }), false),
        ("bad output", json!({ "do": "say", "output": { "wrong": 1 } }), false),
    ]
}

fn retry(effects: &str) -> String {
    format!(
        "retry: [{{ on: [upstream, limit, trap, failed, bad_output], max_attempts: 2, \
         initial: 1ms{effects} }}]"
    )
}

#[test]
fn rule_3_what_is_kept_of_an_attempt_by_a_table_of_failures() {
    let wordy = model("wordy", "fixed", "retries_max = 0\nanswer_bytes_max = 10");
    let stage = Stage::with_models(&wordy);
    let mut wrong = Vec::new();
    let mut cells = 0;
    for (ending, mut step, keeps) in endings() {
        step["attempt"] = 1.into();
        let policies = [("", keeps), (", effects: keep", true), (", effects: discard", false)];
        for (policy, keeps) in policies {
            cells += 1;
            // Another question for each cell, so that the log tells them apart.
            let (one, two) = (format!("one {cells}"), format!("two {cells}"));
            let steps = json!([ask_model("fixed", &one), step, ask_model("fixed", &two)]);
            stage.run(&steps, &retry(policy)).exits(0);
            let expected = if keeps { (1, 1) } else { (2, 1) };
            if times(&stage.models, &one) != expected || times(&stage.models, &two) != (1, 1) {
                let seen = times(&stage.models, &one);
                wrong.push(format!("{ending}{policy}: {seen:?}, not {expected:?}"));
            }
        }
    }
    println!("rule 3: {cells} cells of failure by policy");
    assert_eq!(wrong, Vec::<String>::new(), "requests and keys for the first question");
}

#[test]
fn rule_3_the_call_that_failed_is_made_again_under_the_same_key() {
    let stage = Stage::new();
    let steps = json!([ask_model("fixed", "one"), ask_model("broken-once", "two")]);
    stage.run(&steps, &retry("")).exits(0);
    assert_eq!(times(&stage.models, "one"), (1, 1));
    assert_eq!(times(&stage.models, "two"), (2, 1));
}

#[test]
fn rule_3_peoples_answers_are_kept_whatever_the_policy_says() {
    for policy in ["", ", effects: discard"] {
        let stage = Stage::new();
        let steps = json!([
            ask_model("fixed", "one"),
            { "do": "ask", "prompt": "colour?" },
            { "do": "trap", "attempt": 1 },
        ]);
        let run = run_id(stage.run(&steps, &retry(policy)).exits(3));
        let resume = ["runs", "resume", &run, "--answer", "it=red", "--output", "json"];
        let ended = stage.cli.run(resume).exits(0).json();
        assert_eq!(ended["output"]["seen"][1], "red");
        assert_eq!(ended["tasks"][0]["attempt"], 2);
        assert_eq!(times(&stage.models, "one"), (2, 1));
    }
}

#[test]
fn rule_3_without_a_retry_policy_there_is_one_attempt() {
    let stage = Stage::new();
    stage.run(&json!([ask_model("broken", "one")]), "").exits(1);
    assert_eq!(times(&stage.models, "one"), (1, 1));
    assert_eq!(kind(&stage.seen_of(ask_model("broken", "two"))), "upstream \"provider_failed\"");
}
