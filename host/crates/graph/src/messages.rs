//! The reducer `messages`: a conversation whose messages are known by their ids.
//!
//! A message is an object; `id` names it. `{ remove: ID }` takes one away and `{ remove: "*" }` all
//! that came before. The semantics are those of LangGraph's `add_messages`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wforge_model::event::Write;
use wforge_model::id::IdHasher;
use wforge_model::workflow::Reducer;
use wforge_model::{Object, Value};

use crate::workflow::Workflow;

/// Removes everything that came before.
const ALL: &str = "*";

/// Adds what is written to the conversation.
pub(crate) fn add(conversation: &mut Vec<Value>, written: &Value) -> Result<(), String> {
    let one = core::slice::from_ref(written);
    let mut written = written.as_array().map_or(one, Vec::as_slice);
    if let Some(last) = written.iter().rposition(|message| removed(message) == Some(ALL)) {
        conversation.clear();
        written = written.get(last + 1..).unwrap_or_default();
    }
    let placed = conversation.iter().enumerate();
    let mut place_of: BTreeMap<String, usize> =
        placed.filter_map(|(place, message)| Some((id_of(message)?.to_string(), place))).collect();
    let mut taken_away = BTreeSet::new();
    for message in written {
        if let Some(id) = removed(message) {
            let place = place_of.get(id).ok_or_else(|| unknown(id))?;
            taken_away.insert(*place);
            continue;
        }
        check(message)?;
        match id_of(message).and_then(|id| place_of.get(id)).copied() {
            Some(place) => {
                taken_away.remove(&place);
                if let Some(there) = conversation.get_mut(place) {
                    *there = message.clone();
                }
            }
            None => {
                if let Some(id) = id_of(message) {
                    place_of.insert(id.to_string(), conversation.len());
                }
                conversation.push(message.clone());
            }
        }
    }
    let mut place = 0;
    conversation.retain(|_| {
        place += 1;
        !taken_away.contains(&(place - 1))
    });
    Ok(())
}

fn id_of(message: &Value) -> Option<&str> {
    message.get("id")?.as_str()
}

/// The id of the message that is to be taken away.
fn removed(message: &Value) -> Option<&str> {
    match message {
        Value::Object(fields) if fields.len() == 1 => fields.get("remove")?.as_str(),
        _ => None,
    }
}

fn check(message: &Value) -> Result<(), String> {
    match message {
        Value::Object(fields) => match fields.get("id") {
            None | Some(Value::String(_)) => Ok(()),
            Some(id) => {
                Err(format!("the id of a message is text, not {}", crate::reduce::kind_of(id)))
            }
        },
        other => Err(format!(
            "messages takes objects, not {}: write {{ role: \"'user'\", content: x }}",
            crate::reduce::kind_of(other)
        )),
    }
}

fn unknown(id: &str) -> String {
    format!("messages cannot remove \"{id}\": there is no message with that id")
}

/// Gives an id to every message that has none: a hash, so that a replay gives the same. `seed` is
/// what makes the write: its task, its run.
pub(crate) fn name_writes(workflow: &Workflow, writes: &mut [Write], seed: &[u8]) {
    for (ordinal, write) in (0..).zip(writes) {
        let spec = workflow.state.get(&write.key);
        if spec.is_some_and(|spec| spec.reducer == Reducer::Messages) {
            name(&mut write.value, seed, write.key.as_str(), ordinal);
        }
    }
}

/// The same for the input of a workflow.
pub(crate) fn name_input(workflow: &Workflow, input: &mut Object, seed: &[u8]) {
    for (key, value) in input {
        let spec = workflow.state.get(key.as_str());
        if spec.is_some_and(|spec| spec.reducer == Reducer::Messages) {
            name(value, seed, key, 0);
        }
    }
}

fn name(value: &mut Value, seed: &[u8], key: &str, write: u64) {
    let messages = match value {
        Value::Array(messages) => messages.as_mut_slice(),
        one => core::slice::from_mut(one),
    };
    for (ordinal, message) in (0..).zip(messages) {
        let is_removal = removed(message).is_some();
        let Value::Object(fields) = message else { continue };
        if is_removal || fields.get("id").is_some_and(|id| !id.is_null()) {
            continue;
        }
        let hasher = IdHasher::new("wforge.message.v1").field(seed).field(key.as_bytes());
        let id = hasher.number(write).number(ordinal).finish();
        let text: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        fields.insert("id".into(), Value::String(format!("msg_{text}")));
    }
}
