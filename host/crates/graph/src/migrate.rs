//! What becomes of the state of a thread that goes on with another version of its workflow.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use wforge_model::workflow::{KeySpec, Reducer};
use wforge_model::{Key, NodeId, Value};

use crate::carried::Carried;
use crate::expressions::Expressions;
use crate::reduce::kind_of;
use crate::workflow::Workflow;

/// The difference that a migration makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = MigrationDifference))]
pub struct Migration {
    /// Keys that are new: their default, or unwritten.
    pub added: Vec<Key>,
    /// Keys that go, with their values.
    pub dropped: Vec<Key>,
    /// Keys that keep their value.
    pub kept: Vec<Key>,
    /// Values that do not fit their key any more.
    pub misfits: Vec<Misfit>,
    /// Nodes that were to be started and that there are not any more.
    pub dropped_nodes: Vec<NodeId>,
}

/// A value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Misfit {
    /// The key.
    pub key: Key,
    /// Why, in a sentence.
    pub why: String,
}

/// What a migration to a workflow would make of what a checkpoint left.
#[must_use]
pub fn migration(carried: &Carried, to: &Workflow, expressions: &dyn Expressions) -> Migration {
    let mut found = Migration::default();
    let state = carried.state();
    found.dropped.extend(state.keys().filter(|key| !to.state.contains_key(*key)).cloned());
    for (key, spec) in &to.state {
        let Some(value) = state.get(key).filter(|_| !spec.ephemeral) else {
            found.added.push(key.clone());
            continue;
        };
        found.kept.push(key.clone());
        let why = misfit(spec, value, expressions);
        found.misfits.extend(why.map(|why| Misfit { key: key.clone(), why }));
    }
    let gone = carried.next().into_iter().filter(|node| !to.nodes.contains_key(node));
    found.dropped_nodes.extend(gone);
    found
}

fn misfit(spec: &KeySpec, value: &Value, expressions: &dyn Expressions) -> Option<String> {
    let fits = match spec.reducer {
        Reducer::Append | Reducer::Union | Reducer::Messages => value.is_array(),
        Reducer::Merge => value.is_object(),
        Reducer::Sum => value.is_number(),
        Reducer::Min | Reducer::Max => value.is_number() || value.is_string(),
        Reducer::Last | Reducer::Any => true,
    };
    if !fits {
        let reducer = alloc::format!("{:?}", spec.reducer).to_lowercase();
        return Some(alloc::format!("the reducer {reducer} cannot go on from {}", kind_of(value)));
    }
    let schema = spec.schema.as_ref()?;
    expressions.check(schema, value).err().map(|misses| misses.join("; "))
}
