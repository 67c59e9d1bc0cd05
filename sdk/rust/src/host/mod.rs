//! The way to the host, and what stands in for it where there is none.
//!
//! On wasm a call goes to the host. Elsewhere, in a native test, a [`Rehearsal`] answers in its
//! order what it was told, and then denies, as a host that granted nothing.

mod rehearsal;

use serde_json::Value;

pub use rehearsal::Rehearsal;

use crate::bindings::workflowforge::plugin as wit;
use crate::failure::Failure;
use crate::json::read;
use crate::{Blob, http, kv, llm};

/// Whether this code runs inside a host.
const HOSTED: bool = cfg!(target_family = "wasm");
/// How much of a blob is handed over at once, in bytes.
const PIECE_BYTES_MAX: usize = 1 << 20;

/// What a call with a list gives: an answer for each request, in their order.
pub(crate) type Answers<T> = Result<Vec<Result<T, Failure>>, Failure>;

pub(crate) fn log(level: wit::log::Level, message: &str, fields: &[(String, String)]) {
    if HOSTED {
        wit::log::write(level, message, fields);
    }
}

pub(crate) fn emit(script: &Rehearsal, topic: &str, payload: &str) -> Result<(), Failure> {
    if HOSTED {
        return wit::events::emit(topic, payload);
    }
    script.note(format!("emit {topic} {payload}"));
    Ok(())
}

pub(crate) fn sleep(script: &Rehearsal, ms: u64) -> Result<(), Failure> {
    if HOSTED {
        return wit::timer::sleep(ms);
    }
    script.note(format!("sleep {ms}"));
    Ok(())
}

/// Asks people; the answers are JSON text.
pub(crate) fn ask(script: &Rehearsal, requests: &[wit::human::Request]) -> Answers<String> {
    if HOSTED {
        return wit::human::ask(requests);
    }
    each(requests, |request| {
        let line = format!("ask {}", request.prompt);
        script.next(["ask", &request.prompt], line).map(|answer| answer.to_string())
    })
}

/// Calls tools; the answers are JSON text.
pub(crate) fn call_tools(script: &Rehearsal, requests: &[wit::tools::Request]) -> Answers<String> {
    if HOSTED {
        return wit::tools::call(requests);
    }
    each(requests, |request| {
        let line = format!("tool {}", request.name);
        script.next(["tool", &request.name], line).map(|answer| answer.to_string())
    })
}

pub(crate) fn list_tools(script: &Rehearsal) -> Result<Vec<wit::tools::Tool>, Failure> {
    if HOSTED {
        return wit::tools::list();
    }
    let answer = script.next(["tool", "*"], "tools".to_owned())?;
    Ok(answer.as_array().into_iter().flatten().map(rehearsal::tool).collect())
}

pub(crate) fn complete(script: &Rehearsal, requests: &[llm::Request]) -> Answers<llm::Response> {
    if HOSTED {
        return llm::complete(requests);
    }
    each(requests, |request| {
        let line = format!("llm {} {}", request.model, rehearsal::last_text(request));
        let answer = script.next(["llm", &request.model], line)?;
        Ok(rehearsal::model_says(&request.model, &answer))
    })
}

pub(crate) fn fetch(script: &Rehearsal, requests: &[http::Request<'_>]) -> Answers<http::Response> {
    if HOSTED {
        return http::fetch(requests);
    }
    each(requests, |request| {
        let answer = script.next(["http", &request.url], rehearsal::sent(request))?;
        Ok(rehearsal::server_says(&answer))
    })
}

pub(crate) fn kv_get(
    script: &Rehearsal,
    scope: kv::Scope,
    key: &str,
) -> Result<Option<kv::Entry>, Failure> {
    if HOSTED {
        return kv::get(scope, key);
    }
    let answer = script.next(["kv", key], format!("kv get {} {key}", scope.name()))?;
    Ok((!answer.is_null()).then(|| rehearsal::entry(key, &answer.to_string())))
}

pub(crate) fn kv_set(
    script: &Rehearsal,
    scope: kv::Scope,
    key: &str,
    value: &str,
    ttl_ms: Option<u64>,
) -> Result<kv::Entry, Failure> {
    if HOSTED {
        return kv::set(scope, key, value, ttl_ms);
    }
    script.next(["kv", key], format!("kv set {} {key} {value}", scope.name()))?;
    Ok(rehearsal::entry(key, value))
}

pub(crate) fn kv_delete(script: &Rehearsal, scope: kv::Scope, key: &str) -> Result<bool, Failure> {
    if HOSTED {
        return kv::delete(scope, key);
    }
    let answer = script.next(["kv", key], format!("kv delete {} {key}", scope.name()))?;
    Ok(answer == Value::Bool(true))
}

pub(crate) fn kv_list(
    script: &Rehearsal,
    scope: kv::Scope,
    prefix: &str,
    limit: u32,
    cursor: Option<&str>,
) -> Result<kv::Page, Failure> {
    if HOSTED {
        return kv::list(scope, prefix, limit, cursor);
    }
    let answer = script.next(["kv", prefix], format!("kv list {} {prefix}", scope.name()))?;
    let fields = answer.as_object().into_iter().flatten();
    let entries = fields.map(|(key, value)| rehearsal::entry(key, &value.to_string())).collect();
    Ok(kv::Page { entries, cursor: None })
}

pub(crate) fn kv_swap(
    script: &Rehearsal,
    scope: kv::Scope,
    key: &str,
    expected: Option<u64>,
    value: &str,
) -> Result<bool, Failure> {
    if HOSTED {
        return kv::compare_and_swap(scope, key, expected, value);
    }
    let answer = script.next(["kv", key], format!("kv swap {} {key} {value}", scope.name()))?;
    Ok(answer == Value::Bool(true))
}

pub(crate) fn blob_write(
    script: &Rehearsal,
    media_type: &str,
    bytes: &[u8],
) -> Result<Blob, Failure> {
    if HOSTED {
        let writer = wit::blobs::create(media_type)?;
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            writer.append(piece)?;
        }
        return writer.finish().map(Blob::from);
    }
    let line = format!("blob write {media_type} {}", bytes.len());
    read("rehearsed blob", &script.next(["blobs", media_type], line)?.to_string())
}

pub(crate) fn blob_read(
    script: &Rehearsal,
    blob: &Blob,
    offset: u64,
    len: u32,
) -> Result<Vec<u8>, Failure> {
    if HOSTED {
        return wit::blobs::read(&blob.into(), offset, len);
    }
    let line = format!("blob read {} {offset} {len}", blob.digest);
    let answer = script.next(["blobs", &blob.digest], line)?;
    Ok(rehearsal::text(&answer).into_bytes())
}

pub(crate) fn secret(script: &Rehearsal, name: &str) -> Result<wit::secrets::Secret, Failure> {
    if HOSTED {
        return wit::secrets::get(name);
    }
    // A handle is the host's to make, so there is none to rehearse with.
    script.note(format!("secret {name}"));
    Err(rehearsal::denied("secret", name))
}

/// The answer to the only request of a list.
pub(crate) fn only<T>(answers: Answers<T>) -> Result<T, Failure> {
    answers?.into_iter().next().unwrap_or_else(|| {
        Err(Failure::failed("no_answer", "the host answered an empty list to one request"))
    })
}

fn each<R, T>(requests: &[R], answer: impl FnMut(&R) -> Result<T, Failure>) -> Answers<T> {
    Ok(requests.iter().map(answer).collect())
}
