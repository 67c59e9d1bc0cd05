//! Rule 14: what is durable has an id and comes in order, each once, after any reconnect; words of
//! a model come as they are said, have no id, and are never repeated.

use serde_json::{Value, json};

use super::{Stage, ask_model};
use crate::harness::{Sse, TestHost};

/// The ids and the kinds of what is durable.
fn durable(events: &[Sse]) -> Vec<(u64, String)> {
    let with_id = events.iter().filter_map(|event| Some((event.id.as_ref()?, &event.event)));
    with_id.map(|(id, kind)| (id.parse().expect("a number"), kind.clone())).collect()
}

fn of_kind(events: &[Sse], kind: &str) -> Vec<Value> {
    let found = events.iter().filter(|event| event.event == kind);
    found.map(|event| serde_json::from_str(&event.data).expect("JSON")).collect()
}

fn answer(host: &TestHost, run: &str, value: &str) {
    let shown = host.get(&format!("/v1/runs/{run}")).status(200).json();
    let question = &shown["questions"][0]["id"];
    let body = json!({ "answers": [{ "question": question, "answer": value }] });
    host.post(&format!("/v1/runs/{run}/resume"), &body).status(202);
}

/// A run that waits before it says anything.
fn waiting() -> (Stage, Value) {
    let stage = Stage::new();
    let mut words = ask_model("fixed", "say something");
    words["stream_to"] = "words".into();
    let steps = json!([
        { "do": "ask", "prompt": "begin?" },
        { "do": "emit", "topic": "progress", "data": 1 },
        words,
        { "do": "emit", "topic": "progress", "data": 2 },
        { "do": "ask", "prompt": "publish?" },
        { "do": "emit", "topic": "progress", "data": 3 },
    ]);
    let file = stage.workflow(&steps, "");
    stage.cli.run(["workflow", "register", &file]).exits(0);
    (stage, json!({ "workflow": "steps", "input": {} }))
}

/// Reads until a question was put, that one included.
fn until_asked(events: impl Iterator<Item = Sse>) -> Vec<Sse> {
    let mut read = Vec::new();
    for event in events {
        let is_asked = event.event == "task_suspended";
        read.push(event);
        if is_asked {
            break;
        }
    }
    read
}

#[test]
fn rule_14_ids_go_on_in_order_after_a_reconnect_and_words_are_never_repeated() {
    let (stage, start) = waiting();
    let Stage { cli, models, posts, mcp } = stage;
    let host = TestHost::on(cli);
    let started = host.post("/v1/runs", &start);
    assert!([200, 201, 202].contains(&started.status), "{}", started.text);
    let run = started.json()["id"].as_str().expect("an id").to_owned();
    let mut stream = host.events(&run, None);
    let mut live = until_asked(&mut stream);
    answer(&host, &run, "yes");
    live.extend(until_asked(&mut stream));
    let deltas = of_kind(&live, "delta");
    assert!(deltas.len() >= 2, "word by word: {live:?}");
    let said: String = deltas.iter().filter_map(|delta| delta["text"].as_str()).collect();
    assert!(said.starts_with("answer "), "{said}");
    let counted: Vec<&Value> = deltas.iter().map(|delta| &delta["n"]).collect();
    assert_eq!(
        counted,
        (0..deltas.len()).map(|n| json!(n)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    assert!(live.iter().filter(|event| event.event == "delta").all(|event| event.id.is_none()));
    drop(stream);

    // The host is killed; whoever read goes on from the last id.
    let read = durable(&live);
    let last = read.last().expect("an id").0.to_string();
    let host = host.restart();
    let mut stream = host.events(&run, Some(&last));
    answer(&host, &run, "yes");
    let rest: Vec<Sse> = stream.by_ref().collect();
    drop(stream);
    let all: Vec<(u64, String)> = read.into_iter().chain(durable(&rest)).collect();
    let numbers: Vec<u64> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "in order, each once");
    assert_eq!(all.last().expect("an end").1, "run_completed");
    assert_eq!(of_kind(&rest, "delta"), Vec::<Value>::new(), "not said a second time");
    // The guest ran from its top three times; what it had published before it asked stays said.
    let progress = |emit: &Value| (emit["ordinal"].clone(), emit["payload"].clone());
    let before: Vec<_> = of_kind(&live, "emit").iter().map(progress).collect();
    assert_eq!(before, [(json!(0), json!(1)), (json!(1), json!(2))], "each progress once");
    let after: Vec<_> = of_kind(&rest, "emit").iter().map(progress).collect();
    assert_eq!(after, [(json!(2), json!(3))], "and none of it again after the kill");
    drop((models, posts, mcp));
}
