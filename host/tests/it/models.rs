//! Models of the operator's file: recorded to a cassette and played from it, and held to limits.

use serde_json::{Value, json};

use crate::harness::{Cli, Ran};

const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { result: {} }
input: []
output: [result]
nodes: { it: { agent: wforge/probe.denied, in: {}, out: { result: result } } }
edges: [{ from: START, to: it }]
";

const GRANT: &str =
    "[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:fast\"]\n";

const MOCK: &str = "[[model]]\nname = \"real\"\nprovider = \"mock\"\n";

fn cassette(mode: &str, more: &str) -> String {
    format!(
        "[[model]]\nname = \"fast\"\nprovider = \"cassette\"\nmode = \"{mode}\"\n\
         cassette = \"tape.jsonl\"\n{more}\n"
    )
}

/// The command line with models and the grant to ask one of them.
fn with_models(models: &str) -> Cli {
    let cli = Cli::new();
    let models = cli.file("models.toml", models);
    let grants = cli.file("grants.toml", GRANT);
    let path = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    cli.with("WFORGE_LLM__MODELS_FILE", &path(&models))
        .with("WFORGE_PLUGINS__GRANTS_FILE", &path(&grants))
}

fn ask(cli: &Cli) -> Ran {
    let file = cli.file("workflow.yaml", ASKS);
    cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"])
}

fn said(ran: &Ran) -> Value {
    ran.exits(0).json()["output"]["result"]["text"].clone()
}

#[test]
fn a_cassette_is_made_through_another_model_and_played_without_it() {
    let cli = with_models(&(cassette("record", "through = \"real\"") + MOCK));
    let first = said(&ask(&cli));
    assert!(first.as_str().expect("a text").contains("are you there?"), "{first}");
    assert_eq!(said(&ask(&cli)), first);
    let tape = cli.file("models.toml", cassette("replay", ""));
    let tape = tape.with_file_name("tape.jsonl");
    let text = fs_err::read_to_string(&tape).unwrap();
    assert_eq!(text.lines().count(), 2, "a line for each call: {text}");
    assert_eq!(said(&ask(&cli)), first, "no model but the cassette is left");

    // A miss fails closed and shows what came nearest.
    let entries: Vec<String> = text.lines().map(other_question).collect();
    fs_err::write(&tape, entries.join("\n")).unwrap();
    ask(&cli).exits(1).says(&["cassette_miss", "the nearest request is", "are you here?"]);
}

/// The same answer to another question.
fn other_question(line: &str) -> String {
    let mut line: Value = serde_json::from_str(line).expect("JSON");
    let request = line["request"].to_string().replace("are you there?", "are you here?");
    let request: Value = serde_json::from_str(&request).expect("JSON");
    json!({ "request": request, "answer": line["answer"].take() }).to_string()
}

#[test]
fn a_cassette_that_is_not_there_is_named_and_none_is_made_in_production() {
    let cli = with_models(&cassette("replay", ""));
    ask(&cli).says(&["tape.jsonl"]);
    let cli = with_models(&(cassette("record", "through = \"real\"") + MOCK));
    let cli = cli.with("WFORGE_ENV", "production");
    cli.run(["runs", "list"]).says(&["not in production"]);
}

#[test]
fn no_model_may_take_longer_than_the_plugin_that_asks_it() {
    let late = "[[model]]\nname = \"fast\"\nprovider = \"openai\"\nmodel = \"m\"\n\
                base_url = \"http://127.0.0.1:9/v1\"\ntimeout_ms = 180_001\n";
    ask(&with_models(late)).says(&["model fast: timeout_ms is more than", "180000"]);
    let cli = Cli::new()
        .with("WFORGE_LIMITS__SANDBOX__WALL_MS_MAX", "1000")
        .with("WFORGE_LIMITS__MODELS__TIMEOUT_MS", "2000");
    ask(&cli).says(&["limits.models.timeout_ms", "2000 is more than limits.sandbox.wall_ms_max"]);
}

/// A server that answers every request so.
fn answering(body: &str) -> std::net::SocketAddr {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let response = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 65_536]);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    address
}

#[test]
fn a_limit_of_the_configuration_holds_for_a_model_that_says_nothing() {
    let answer = json!({
        "choices": [{ "message": { "role": "assistant", "content": "here" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1 },
    });
    let address = answering(&answer.to_string());
    let model = format!(
        "[[model]]\nname = \"fast\"\nprovider = \"openai\"\nmodel = \"m\"\n\
         base_url = \"http://{address}/v1\"\n"
    );
    let cli = with_models(&model);
    assert_eq!(said(&ask(&cli)), "here");
    ask(&cli.with("WFORGE_LIMITS__MODELS__ANSWER_BYTES_MAX", "20"))
        .exits(1)
        .says(&["answer_bytes"]);
}
