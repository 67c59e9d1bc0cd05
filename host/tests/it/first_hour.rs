//! The first hour of a client, over HTTP alone: from a key to what came of another decision.

use serde_json::{Value, json};

use crate::harness::{Cli, Reply, Sse, TestHost, component};

const PLUGIN: &str = "wforge/probe";
const THREAD: &str = "thread_0000000000000000000000000000000e";

const GREETS: &str = "
apiVersion: workflowforge/v1
name: greets
version: 1.0.0
state: { who: { schema: { type: string } }, said: {}, greeting: {} }
input: [who]
output: [greeting]
nodes:
  it:
    agent: wforge/probe.ask
    in: { prompt: \"'How does one greet ' + state.who + '?'\" }
    out: { said: result.answer }
  greet: { set: { greeting: \"state.said + ', ' + state.who\" } }
edges:
  - { from: START, to: it }
  - { from: it, to: greet }
";

/// A client with a key of its own.
struct Client<'a> {
    host: &'a TestHost,
    key: String,
}

impl Client<'_> {
    fn get(&self, path: &str) -> Value {
        self.host.get_as(path, Some(&self.key)).status(200).json()
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.host.post_as(path, body, &self.key)
    }

    fn approve_all(&self) {
        let asked = self.get(&format!("/v1/grants?plugin={PLUGIN}&standing=requested"));
        let asked = asked["items"].as_array().expect("a list").clone();
        assert_eq!(asked.len(), 2, "{asked:?}");
        for grant in &asked {
            let path = format!("{}/approve", text(grant, "href"));
            let approved = self.post(&path, &json!({ "reason": "ours" })).status(200).json();
            assert_eq!(approved["standing"], "granted");
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// A server on which nothing is granted beforehand.
fn strict() -> TestHost {
    let cli = Cli::new();
    let file = cli.file("grants.toml", "");
    let cli = cli
        .with("WFORGE_PLUGINS__GRANTS_FILE", file.to_str().expect("UTF-8"))
        .with("WFORGE_ENV", "testing")
        .with("WFORGE_MOCK", "off");
    TestHost::on(cli)
}

#[test]
fn a_client_gets_from_a_key_to_a_fork_by_what_the_answers_tell_it() {
    let host = strict();
    let wanted = json!({ "name": "ada", "role": "admin" });
    let made = host.post("/v1/keys", &wanted).status(201).json();
    let client = Client { host: &host, key: text(&made, "key").to_owned() };
    assert_eq!(client.get("/v1/system")["you"]["name"], "ada");

    let wasm = fs_err::read(component(PLUGIN)).expect("a component");
    let installed = host
        .post_bytes_as("/v1/plugins", "application/wasm", &wasm, &client.key)
        .status(201)
        .json();
    assert_eq!(installed["manifest"]["name"], PLUGIN);

    // What it may not yet do is refused before the first step, with the command that mends it.
    host.post_text_as("/v1/workflows", "application/yaml", GREETS, &client.key).status(201);
    let start = json!({
        "workflow": { "name": "greets" }, "thread": THREAD, "input": { "who": "Ada" },
    });
    let refused = client.post("/v1/runs", &start);
    let hint = "wforge grants approve wforge/probe ask llm:fast";
    assert!(refused.status(422).text.contains(hint), "{}", refused.text);
    let why = client.get(&format!("/v1/grants/explain?plugin={PLUGIN}&capability=ask"));
    assert_eq!(why["may"], false, "{why}");
    client.approve_all();

    let started = client.post("/v1/runs", &start).status(202).json();
    let run = text(&started, "id");
    let path = format!("/v1/runs/{run}/events");
    let mut events = host.events_at(&path, None, &client.key);
    let mut seen: Vec<Sse> = Vec::new();
    while seen.last().is_none_or(|event| event.event != "task_suspended") {
        seen.push(events.next().expect("the run waits, so its stream is open"));
    }
    drop(events);

    let inbox = client.get("/v1/interrupts");
    assert_eq!(inbox["items"].as_array().map(Vec::len), Some(1), "{inbox}");
    let interrupt = &inbox["items"][0];
    assert!(interrupt.to_string().contains("How does one greet Ada?"), "{interrupt}");
    assert_eq!(interrupt["run"], run);
    let answer = json!({ "answers": [{ "question": interrupt["id"], "answer": "Hello" }] });
    let answered = client.post(&format!("/v1/runs/{run}/resume?wait=30s"), &answer);
    let ended = answered.status(200).json();
    assert_eq!(ended["output"], json!({ "greeting": "Hello, Ada" }));
    // The stream goes on where it was left, to the end.
    let last = seen.iter().rev().find_map(|event| event.id.as_deref());
    let rest: Vec<Sse> = host.events_at(&path, last, &client.key).collect();
    assert_eq!(rest.last().expect("events").event, "run_completed");

    let receipt = client.get(&format!("/v1/runs/{run}/receipt"));
    assert!(receipt.to_string().contains(run), "{receipt}");

    forked(&client, run);
}

/// The same thread with another answer, and both beside each other.
fn forked(client: &Client<'_>, run: &str) {
    let history = client.get(&format!("/v1/threads/{THREAD}/history"));
    let borders = history["items"].as_array().expect("a list");
    let asked = borders.iter().find(|border| border["next"] == json!(["greet"]));
    let at = text(asked.expect("the border after the question"), "checkpoint").to_owned();
    let other = json!({ "at": at, "writes": { "said": "Good day" }, "as": "it" });
    client.post(&format!("/v1/threads/{THREAD}/fork"), &other).status(201);
    let replay = client.post(&format!("/v1/threads/{THREAD}/replay?wait=30s"), &json!({}));
    let other = replay.status(200).json();
    assert_eq!(other["output"], json!({ "greeting": "Good day, Ada" }));

    let before = client.get(&format!("/v1/runs/{run}"));
    let greetings = [&before, &other].map(|run| text(&run["output"], "greeting").to_owned());
    assert_eq!(greetings, ["Hello, Ada", "Good day, Ada"]);
    assert_eq!(before["workflow"], other["workflow"]);
    assert_ne!(before["id"], other["id"]);
    let thread = client.get(&format!("/v1/threads/{THREAD}"));
    assert_eq!(thread["state"]["greeting"], "Good day, Ada");
}
