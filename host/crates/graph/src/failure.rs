//! A failure as the node that handles it sees it.

use alloc::string::ToString;

use wforge_model::{Failure, NodeId, Object, Value};

/// What is bound as `sent` in the task that handles a failure: node, kind, code, message, details.
pub(crate) fn sent(node: &NodeId, failure: &Failure) -> Value {
    let mut fields = Object::new();
    let message = failure.problem().map_or_else(|| failure.to_string(), |p| p.message.clone());
    fields.insert("node".into(), node.as_str().into());
    fields.insert("kind".into(), failure.kind().as_str().into());
    fields.insert("code".into(), failure.code().into());
    fields.insert("message".into(), message.into());
    let details = failure.problem().map_or(Value::Null, |problem| problem.details.clone());
    fields.insert("details".into(), details);
    Value::Object(fields)
}
