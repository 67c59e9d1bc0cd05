//! What agents do with secrets: use them as they are meant to be used, and let them slip in every
//! way that is easy.

use serde::Deserialize;
use workflowforge_sdk::http::Request;
use workflowforge_sdk::kv::Scope;
use workflowforge_sdk::{Ctx, Failure, Level, Question, Value, agents, json};

/// What is let slip.
#[derive(Debug, Default, Deserialize)]
pub struct Leak {
    /// The secret's name.
    #[serde(default)]
    pub name: String,
    /// In its place a text that is none.
    #[serde(default)]
    pub text: Option<String>,
    /// Under what it is remembered.
    #[serde(default)]
    pub key: String,
    /// How the call ends: it returns, `fails`, `panics` or `asks`.
    #[serde(default)]
    pub end: String,
}

/// What was remembered.
#[derive(Debug, Deserialize)]
pub struct Recall {
    /// Under what.
    pub key: String,
}

/// A request with a secret that the agent never sees.
#[derive(Debug, Deserialize)]
pub struct Hold {
    /// The secret's name.
    pub name: String,
    /// Where to send it.
    pub url: String,
}

/// The agents.
#[agents]
pub mod agent {
    use super::*;

    /// Reveals a secret, or takes a text, and says it wherever an agent can say something.
    pub fn leak(ctx: &Ctx, input: Leak) -> Result<Value, Failure> {
        let said = match &input.text {
            Some(text) => text.clone(),
            None => ctx.secret(&input.name)?.reveal()?,
        };
        say(ctx, &said, &input)
    }

    /// Returns what `leak` remembered.
    pub fn recall(ctx: &Ctx, input: Recall) -> Result<Value, Failure> {
        Ok(json!({ "was": ctx.kv_get::<Value>(Scope::Plugin, &input.key)? }))
    }

    /// Sends a request with a secret that it never sees.
    pub fn hold(ctx: &Ctx, input: Hold) -> Result<Value, Failure> {
        let secret = ctx.secret(&input.name)?;
        let request = Request::get(&input.url).credential("authorization", "Bearer {}", &secret);
        let response = ctx.fetch(request)?;
        Ok(json!({ "status": response.status, "body": response.text()? }))
    }
}

#[expect(clippy::panic, reason = "what a panic says must be searched as well")]
fn say(ctx: &Ctx, said: &str, input: &Leak) -> Result<Value, Failure> {
    let forms = [said.to_owned(), base64(said.as_bytes()), hex(said), percent(said)];
    for form in &forms {
        ctx.info(&format!("log {form}"));
        ctx.log(Level::Warn, "field", &[("form", form)]);
        println!("out {form}");
        eprintln!("err {form}");
        ctx.emit("leak", &json!({ form.as_str(): form }))?;
    }
    ctx.kv_set(Scope::Plugin, &input.key, &forms)?;
    // In the middle of something else that was encoded.
    let inside = [format!("x{said}y"), format!("xx{said}y"), format!("xxx{said}y")];
    let inside = inside.map(|text| base64(text.as_bytes()));
    let all = forms.join(" ");
    let blob = ctx.blob_write("text/plain", all.as_bytes())?;
    match input.end.as_str() {
        "fails" => Err(Failure::failed("leak", &all)),
        "panics" => panic!("{all}"),
        "asks" => {
            let answer: Value = ctx.ask(Question::new(&all).assignee(said))?;
            Ok(json!({ "answer": answer }))
        }
        _ => Ok(json!({ "forms": forms, "inside": inside, "blob": blob })),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let digit = DIGITS.get(usize::try_from(digit).unwrap_or(0)).copied().unwrap_or(b'A');
            text.push(if place > group.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}
