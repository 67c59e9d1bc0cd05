//! One deed.

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use workflowforge_sdk::http::Request;
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
    /// Returns what the environment holds.
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
    /// Says a secret in the log, as an event, and to stdout; and returns it.
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
            Self::Connect { address } => {
                said(std::net::TcpStream::connect(address)).map(|_| json!("connected"))
            }
            Self::Say { value } => Ok(value.clone()),
            Self::Log { .. } | Self::Print { .. } | Self::Emit { .. } => self.speak(ctx),
            Self::Fetch { .. } | Self::Send { .. } => self.reach_out(ctx),
            Self::Reveal { secret } => Ok(json!(ctx.secret(secret)?.reveal()?)),
            Self::Leak { secret } => leak(ctx, secret),
            Self::Remember { .. } | Self::Recall { .. } => self.recall(ctx),
            Self::Tool { name, input } => ctx.tool(name, input),
            Self::Prompt { model, text } => Ok(json!(ctx.prompt(model, text)?)),
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
            Self::Fetch { url, method, headers, timeout_ms } => {
                let request = headers
                    .iter()
                    .fold(Request::new(method, url), |it, (name, value)| it.header(name, value));
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
        Ok(json!({ "status": response.status, "body": body }))
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
    json!({ "variables": variables, "arguments": arguments })
}

fn read(path: &str) -> Result<Value, Failure> {
    if let Ok(entries) = std::fs::read_dir(path) {
        return Ok(json!(entries.count()));
    }
    said(std::fs::read(path)).map(|bytes| json!(bytes.len()))
}

fn leak(ctx: &Ctx, name: &str) -> Result<Value, Failure> {
    let value = ctx.secret(name)?.reveal()?;
    ctx.info(&format!("log {value}"));
    println!("out {value}");
    ctx.emit("leak", &json!({ "value": value }))?;
    Ok(json!(value))
}

fn said<T>(result: std::io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::failed("io", error.to_string()))
}
