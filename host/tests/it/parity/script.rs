//! The commands that are run both ways, in order; and those that have one way only.

/// A command, and what is looked for.
pub(super) struct Step {
    /// Its words; `{name}` stands for what an earlier command told.
    pub(super) words: &'static str,
    /// Its exit code.
    pub(super) ends: i32,
    /// What later commands need of its JSON.
    pub(super) tells: &'static [(&'static str, &'static str)],
    /// Whether what it prints is compared, beside its exit code.
    pub(super) compares: bool,
}

const fn step(words: &'static str) -> Step {
    Step { words, ends: 0, tells: &[], compares: true }
}

const fn tells(
    words: &'static str,
    ends: i32,
    tells: &'static [(&'static str, &'static str)],
) -> Step {
    Step { words, ends, tells, compares: true }
}

const fn refused(words: &'static str) -> Step {
    Step { words, ends: 2, tells: &[], compares: true }
}

const RUN: &[(&str, &str)] = &[("run", "/run_id")];

/// Files that the commands name.
pub(super) const FILES: &[(&str, &str)] = &[
    ("chat.yaml", CHAT),
    ("chat2.yaml", CHAT_NEXT),
    ("asks.yaml", ASKS),
    ("steps.yaml", STEPS),
    ("fails.yaml", FAILS),
    ("keeps.yaml", KEEPS),
    ("input.json", "{\"text\": \"a\"}"),
    ("secret.txt", "s3cr3t-of-parity\n"),
];

macro_rules! chat {
    ($version:literal) => {
        concat!(
            "apiVersion: workflowforge/v1
name: chat
version: ",
            $version,
            "
state: { text: { schema: { type: string } }, said: { reducer: append } }
input: [text]
output: [said]
nodes:
  hear: { set: { said: '[state.text]' } }
  more: { set: { said: \"['more']\" } }
edges: [{ from: START, to: hear }, { from: hear, to: more }]
"
        )
    };
}

const CHAT: &str = chat!("1.0.0");
const CHAT_NEXT: &str = chat!("1.1.0");

const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { said: {} }
input: []
output: [said]
nodes: { ask: { ask: { prompt: Go on?, schema: { type: string } }, out: { said: result } } }
edges: [{ from: START, to: ask }]
";

const STEPS: &str = "apiVersion: workflowforge/v1
name: steps
version: 1.0.0
state: { said: { reducer: append } }
input: []
output: [said]
nodes: { a: { set: { said: \"['a']\" } }, b: { set: { said: \"['b']\" } } }
edges: [{ from: START, to: a }, { from: a, to: b }]
";

const FAILS: &str = "apiVersion: workflowforge/v1
name: fails
version: 1.0.0
state: { said: {} }
input: []
output: [said]
nodes:
  it:
    agent: mock
    mock:
      script:
        - { fail: { kind: failed, code: full, message: the disk is full, times: 1 } }
        - { set: { text: \"'done'\" } }
    out: { said: result.text }
edges: [{ from: START, to: it }]
";

const KEEPS: &str = "apiVersion: workflowforge/v1
name: keeps
version: 1.0.0
state: { file: { schema: { type: object, properties: { $blob: { type: string } } } } }
input: [file]
output: [file]
nodes: { it: { set: { file: state.file } } }
edges: [{ from: START, to: it }]
";

/// In this order, on a new data directory.
pub(super) const SCRIPT: &[Step] = &[
    tells("plugin install {probe}", 0, &[("digest", "/0/component")]),
    step("plugin list"),
    step("plugin versions wforge/probe"),
    refused("plugin versions probe"),
    step("plugin inspect wforge/probe"),
    step("inspect wforge/probe"),
    step("plugin use wforge/probe@0.1.0 --reason same"),
    step("plugin quarantine {digest} --reason spins"),
    step("plugin release {digest}"),
    step("plugin precompile wforge/probe"),
    step("workflow register {chat.yaml}"),
    step("workflow list"),
    step("workflow versions chat"),
    tells(
        "run {chat.yaml} --thread new --input text=a",
        0,
        &[("run", "/run_id"), ("thread", "/thread")],
    ),
    tells("run {chat.yaml} --thread {thread} --input text=b", 0, RUN),
    step("runs list"),
    step("runs show {run}"),
    step("runs show {run} --events"),
    step("runs watch {run}"),
    step("runs stream {run} --mode updates,values"),
    step("runs receipt {run}"),
    step("runs report {run}"),
    step("runs export {run}"),
    step("replay {run}"),
    step("logs {run} --level debug"),
    step("logs --thread {thread}"),
    tells("run {asks.yaml}", 3, &[("asks", "/run_id")]),
    tells("inbox", 0, &[("ask", "/0/wants/answer/question")]),
    step("inbox assign {ask} ann --note soon"),
    step("inbox list --assignee ann"),
    step("inbox answer {ask} well"),
    tells("run {asks.yaml}", 3, &[("asks", "/run_id")]),
    step("runs resume {asks} --answer well"),
    tells("run {asks.yaml}", 3, &[("asks", "/run_id")]),
    step("runs pause {asks}"),
    step("runs cancel {asks} --reason enough"),
    tells("run {steps.yaml} --steps 1", 3, &[("paused", "/run_id")]),
    step("runs continue {paused}"),
    tells("run {steps.yaml} --steps 1", 3, &[("paused", "/run_id")]),
    step("runs step {paused}"),
    tells("run {fails.yaml}", 1, &[("failed", "/run_id")]),
    step("runs retry {failed}"),
    step("threads list"),
    step("threads show {thread}"),
    tells("threads history {thread}", 0, &[("at", "/1/checkpoint")]),
    step("threads fork {thread} --at {at}"),
    step("threads replay {thread}"),
    step("threads update {thread} --set said=[\"x\"] --as hear"),
    step("threads copy {thread}"),
    step("threads migrate {thread} --to {chat2.yaml} --dry-run"),
    step("workflow migrate {thread} --to {chat2.yaml} --dry-run"),
    step("threads prune {thread} --keep 1"),
    step("run {keeps.yaml} --input file=@{input.json}"),
    tells("blobs list", 0, &[("blob", "/0/digest")]),
    step("blobs get {blob} --to -"),
    step("blobs gc --dry-run"),
    step("kv put plugin:wforge/probe total 7 --expected 0"),
    step("kv get plugin:wforge/probe total"),
    step("kv list plugin:wforge/probe"),
    step("kv delete plugin:wforge/probe total"),
    step("schedules add yearly --workflow chat --cron @yearly --input @{input.json}"),
    step("schedules pause yearly"),
    step("schedules continue yearly"),
    step("schedules trigger yearly"),
    step("schedules list"),
    step("schedules show yearly"),
    step("schedules next yearly"),
    step("schedules next --cron @daily --zone Europe/Berlin"),
    step("schedules remove yearly"),
    step("webhooks add ci https://ci.invalid/in --event run.failed --workflow chat --label a=b"),
    step("webhooks list"),
    step("webhooks deliveries ci"),
    step("webhooks off ci"),
    step("webhooks on ci"),
    step("webhooks show ci"),
    step("webhooks rotate ci"),
    step("webhooks test ci"),
    // None has ended where no server sends any, so this one is none that there is.
    refused("webhooks redeliver ci dlv_018bcfe5680000000000000000000001"),
    step("webhooks remove ci"),
    step("hooks add issues --start chat --input text=/title --verify github"),
    step("hooks list"),
    step("hooks url issues"),
    step("hooks rotate issues"),
    step("hooks remove issues"),
    tells("keys add ada --role viewer", 0, &[("key", "/id")]),
    step("keys list"),
    step("keys rotate {key}"),
    step("keys revoke {key}"),
    step("grants request wforge/probe ask --reason ours"),
    step("grants approve wforge/probe ask"),
    step("grants list"),
    step("grants explain wforge/probe ask"),
    step("grants revoke wforge/probe ask --reason enough"),
    step("grants deny wforge/probe llm:fast"),
    step("members add ada --role viewer"),
    step("members list"),
    step("members remove ada"),
    step("secrets set token --from-file {secret.txt}"),
    step("secrets list"),
    step("secrets remove token"),
    step("trust add me {signer.pub}"),
    tells("trust list", 0, &[("signer", "/0/id")]),
    step("trust revoke {signer} --reason lost"),
    step("trust restore {signer}"),
    step("trust policy"),
    step("tenants create acme"),
    step("tenants list"),
    step("tenants quotas acme --quota runs_live_max=3"),
    step("tenants plugins acme wforge/probe"),
    step("tenants show acme"),
    step("tenants suspend acme"),
    step("tenants resume acme"),
    step("tenants erase acme --confirm acme"),
    step("token revoke-all"),
    // Each command is an entry of its own, and a server makes some that nobody asked for.
    Step { words: "audit list", ends: 0, tells: &[], compares: false },
    Step { words: "audit verify", ends: 0, tells: &[], compares: false },
    // What a process takes of its machine is its own.
    Step { words: "system", ends: 0, tells: &[], compares: false },
    Step { words: "usage", ends: 0, tells: &[], compares: false },
    Step { words: "export", ends: 0, tells: &[], compares: false },
];

/// Those whose text is compared as well: they change nothing, so they can be asked twice.
pub(super) const READS: &[&str] = &[
    "plugin list",
    "plugin versions",
    "plugin inspect",
    "inspect",
    "workflow list",
    "workflow versions",
    "runs list",
    "runs show",
    "runs receipt",
    "inbox list",
    "blobs list",
    "kv get",
    "kv list",
    "schedules list",
    "schedules show",
    "schedules next",
    "webhooks list",
    "webhooks show",
    "webhooks deliveries",
    "hooks list",
    "logs",
    "threads list",
    "threads show",
    "threads history",
    "keys list",
    "grants list",
    "grants explain",
    "members list",
    "secrets list",
    "trust list",
    "trust policy",
    "tenants list",
    "tenants show",
];

const AUTHOR: &str = "is for authors: it needs no engine, and takes the compilers of this machine";
const FILE: &str = "reads a file of this machine and asks no engine";
const LOGIN: &str = "is about which server is asked";

/// Those that have one way only, and why.
pub(super) const ONE_WAY: &[(&str, &str)] = &[
    ("dev", AUTHOR),
    ("new agent", AUTHOR),
    ("new workflow", AUTHOR),
    ("build", AUTHOR),
    ("doctor", AUTHOR),
    ("test", AUTHOR),
    ("check", AUTHOR),
    ("keygen", FILE),
    ("sign", FILE),
    ("verify", FILE),
    ("publish", "asks a registry"),
    ("pull", "asks a registry"),
    ("validate", FILE),
    ("graph", FILE),
    ("openapi", "prints what the program knows of its own API"),
    ("explain", "prints a page that the program has"),
    ("completions", "is about the shell"),
    ("config schema", FILE),
    ("config show", FILE),
    ("config check", FILE),
    ("config reference", FILE),
    ("keys generate", "makes a key before there is a server"),
    ("token mint", "uses the deployment's own secret, and no engine"),
    ("login", LOGIN),
    ("context list", LOGIN),
    ("context use", LOGIN),
    ("context remove", LOGIN),
    ("serve", "is the server"),
    ("health", "asks a server whether it takes work"),
    ("system log-level", "is about the log of a server; that of a command ends with it"),
    ("top", "looks at a server; without one there is nothing to look at"),
];
