//! What agents reach and what becomes of it: the real program, an agent that does what it is told
//! step by step, and servers in processes of their own.

mod events;
mod forks;
mod http;
mod models;
mod nondeterminism;
mod retries;
mod tools;
mod unknown;
mod upgrades;

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, proof};
use crate::stand_in::{Arrived, Server};

/// Models that the server knows by the same names; each is asked once.
const MODELS: [&str; 11] = [
    "fixed",
    "busy-once",
    "busy",
    "broken-once",
    "broken",
    "cut",
    "cut-once",
    "garbage",
    "odd",
    "silent",
    "reviewer",
];

/// What the variable `MODEL_KEY` holds, for models that want a key.
const MODEL_KEY: &str = "sk-0123456789-nobody-sees-this";

const GRANTS: &str = "[[grant]]
plugin = \"wforge/effects-steps\"
capabilities = [\"llm:*\", \"http:*\", \"kv:run\", \"kv:thread\", \"tool:*\", \"ask\"]
reason = \"the tests\"

[[grant]]
plugin = \"wforge/effects-rust\"
capabilities = [\"llm:*\", \"http:*\", \"kv:run\", \"ask\"]
reason = \"the tests\"

[[grant]]
plugin = \"wforge/verify\"
capabilities = [\"tool:*\", \"llm:*\"]
reason = \"the example review\"

[[grant]]
plugin = \"wforge/react\"
capabilities = [\"llm:*\", \"tool:*\", \"ask\"]
reason = \"the example research-agent\"
";

/// A data directory, and the servers that its agents may reach.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) cli: Cli,
    pub(crate) models: Server,
    pub(crate) posts: Server,
    pub(crate) mcp: Server,
}

impl Stage {
    /// With the usual models.
    pub(crate) fn new() -> Self {
        Self::with_models("")
    }

    /// With further models; `URL` in them is the server's.
    pub(crate) fn with_models(more: &str) -> Self {
        let cli = Cli::new();
        let start = |what: &str| {
            Server::start(what, cli.file(&format!("{what}.log"), "")).expect("a server")
        };
        let (models, posts, mcp) = (start("models"), start("posts"), start("mcp"));
        let url = format!("http://{}/v1", models.address);
        let usual = MODELS.map(|name| model(name, name, "retries_max = 0"));
        let file = format!("{}{more}", usual.concat()).replace("URL", &url);
        let models_file = cli.file("models.toml", file);
        let mcp_file = cli.file("mcp.toml", mcp_toml(&mcp.address, 30_000));
        let grants = cli.file("grants.toml", GRANTS);
        let cli = cli
            .with("MODEL_KEY", MODEL_KEY)
            .with("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32")
            .with("WFORGE_LLM__MODELS_FILE", &text(&models_file))
            .with("WFORGE_TOOLS__MCP_FILE", &text(&mcp_file))
            .with("WFORGE_PLUGINS__GRANTS_FILE", &text(&grants));
        for name in ["wforge/effects-steps", "wforge/effects-rust"] {
            cli.run(["plugin", "install", &text(&proof(name))]).exits(0);
        }
        Self { cli, models, posts, mcp }
    }

    /// The same with a variable in the program's environment.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        Self { cli: self.cli.with(name, value), ..self }
    }

    /// The file of a workflow of one node `it` that does these steps, with more of its fields.
    pub(crate) fn workflow(&self, steps: &Value, more: &str) -> String {
        Self::workflow_in(&self.cli, steps, more)
    }

    /// The same beside that data directory.
    pub(crate) fn workflow_in(cli: &Cli, steps: &Value, more: &str) -> String {
        let yaml = format!(
            "apiVersion: workflowforge/v1
name: steps
version: 1.0.0
state: {{ steps: {{ default: {steps} }}, seen: {{}} }}
input: []
output: [seen]
nodes:
  it:
    agent: wforge/effects-steps.steps
    in: {{ steps: state.steps }}
    out: {{ seen: result.seen }}
    {more}
edges: [{{ from: START, to: it }}]
"
        );
        text(&cli.file("workflow.yaml", yaml))
    }

    /// Runs the steps to their end or to a question.
    pub(crate) fn run(&self, steps: &Value, more: &str) -> Ran {
        self.cli.run(["run", &self.workflow(steps, more), "--output", "json"])
    }

    /// What became of one step whose failure is seen.
    pub(crate) fn seen_of(&self, mut step: Value) -> Value {
        step["catch"] = true.into();
        self.run(&json!([step]), "").exits(0).json()["output"]["seen"][0].clone()
    }
}

/// A `[[model]]`.
pub(crate) fn model(name: &str, at_server: &str, more: &str) -> String {
    format!(
        "[[model]]
name = \"{name}\"
provider = \"openai\"
base_url = \"URL\"
model = \"{at_server}\"
{more}

"
    )
}

/// A file of MCP servers with this one.
pub(crate) fn mcp_toml(address: &str, timeout_ms: u64) -> String {
    format!(
        "[[server]]
name = \"shelf\"
url = \"http://{address}/mcp\"
timeout_ms = {timeout_ms}
tools = [\"*\"]
"
    )
}

/// Steps that ask a model.
pub(crate) fn ask_model(model: &str, prompt: &str) -> Value {
    json!({ "do": "model", "model": model, "prompt": prompt })
}

/// A failure that was seen: its kind and code.
pub(crate) fn kind(seen: &Value) -> String {
    format!("{} {}", seen["failure"].as_str().unwrap_or("none"), seen["code"])
}

/// What the last message of each request said, in order, with its key.
pub(crate) fn prompts(server: &Server) -> Vec<(String, String)> {
    let words = |arrived: Arrived| {
        let messages = arrived.body["messages"].as_array().cloned().unwrap_or_default();
        let last = messages.last().map(|last| last["content"].clone()).unwrap_or_default();
        (last.as_str().unwrap_or_default().to_owned(), arrived.key)
    };
    server.arrived().unwrap().into_iter().map(words).collect()
}

/// How often a prompt arrived, and under how many keys.
pub(crate) fn times(server: &Server, prompt: &str) -> (usize, usize) {
    let all = prompts(server);
    let its_own: Vec<&str> =
        all.iter().filter(|(words, _)| words == prompt).map(|(_, key)| key.as_str()).collect();
    let keys: std::collections::BTreeSet<&str> = its_own.iter().copied().collect();
    (its_own.len(), keys.len())
}

pub(crate) fn run_id(ran: &Ran) -> String {
    ran.json()["run_id"].as_str().expect("a run id").to_owned()
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}
