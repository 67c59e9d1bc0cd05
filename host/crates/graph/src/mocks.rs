//! The mock agent: what it answers at a node. A pure function of node, input and seed, so that two
//! runs agree.

use alloc::format;
use alloc::string::{String, ToString};

use wforge_model::id::IdHasher;
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::workflow::{Fallback, Node, Work};
use wforge_model::{Failure, Key, NodeId, Object, Problem, Value};

use crate::call::input_of;
use crate::expressions::Expressions;
use crate::frame::Task;
use crate::result::TaskResult;
use crate::site::Site;
use crate::template::{computed_name, overwritten};
use crate::workflow::Workflow;

/// What the mock agent was told to answer at a node: at the run's start, else in the file.
pub(crate) fn told<'a>(site: &Site<'a>, task: &Task, node: &'a Node) -> Option<&'a MockAnswer> {
    given_at_start(site, &task.node).or(node.mock.as_ref())
}

/// What it was told at the run's start.
pub(crate) fn given_at_start<'a>(site: &Site<'a>, node: &NodeId) -> Option<&'a MockAnswer> {
    site.given_mock(node).filter(|answer| **answer != MockAnswer::default())
}

/// Whether the mock agent does a node's task: from the first, or since it took over with a script.
pub(crate) fn is_mocked(site: &Site<'_>, task: &Task, node: &Node) -> bool {
    let Some(started) = &site.run.started else {
        return false;
    };
    if task.on_fallback {
        return !matches!(node.fallback, Some(Fallback::Agent(_)));
    }
    let named = site.given_mock(&task.node).is_some();
    match &node.work {
        Work::Mock => true,
        Work::Set(_) | Work::Workflow(_) => false,
        Work::Agent(_) | Work::Ask(_) if named => true,
        Work::Agent(_) => {
            started.mock_mode == MockMode::Always
                && crate::policy::may_be_replaced(node, MockMode::Always)
        }
        Work::Ask(_) => started.mock_mode == MockMode::Always,
    }
}

/// What the mock agent replies at a node that has no script.
pub(crate) fn built_reply(
    site: &Site<'_>,
    task: &Task,
    node: &Node,
    expressions: &dyn Expressions,
) -> Result<TaskResult, Failure> {
    let told = told(site, task, node);
    if let Some(output) = told.and_then(|told| told.output.clone()) {
        return Ok(TaskResult::of(output));
    }
    let seed = match told.and_then(|told| told.seed) {
        Some(seed) => seed,
        None => default_seed(site, task, node, expressions),
    };
    let pinned = site.pin(task).map(|pin| &pin.output);
    let output = match pinned.filter(|schema| schema.as_object().is_some_and(|s| !s.is_empty())) {
        Some(schema) => expressions.build(schema, seed),
        None => built(site.workflow, task, node, seed, expressions)?,
    };
    Ok(TaskResult::of(output))
}

/// H(node, input).
fn default_seed(site: &Site<'_>, task: &Task, node: &Node, expressions: &dyn Expressions) -> u64 {
    let schema = site.pin(task).map_or(&Value::Null, |pin| &pin.input);
    // An input that cannot be made seeds like none: the node's name alone.
    let input = input_of(site, task, node, schema, expressions).unwrap_or_default();
    let hasher = IdHasher::new("wforge.mock.v1").field(task.node.as_str().as_bytes());
    let bytes = hasher.field(input.to_string().as_bytes()).finish();
    let (head, _) = bytes.split_at(8);
    head.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// A result from the schemas of the state keys that `out` writes.
fn built(
    workflow: &Workflow,
    task: &Task,
    node: &Node,
    seed: u64,
    expressions: &dyn Expressions,
) -> Result<Value, Failure> {
    let mut result = Value::Null;
    let Some(out) = &node.out else {
        return Err(needs_output(task, "the node has no `out` whose schemas could be used"));
    };
    for (key, template) in out {
        let (template, _) = overwritten(template).map_or((template, false), |t| (t, true));
        let schema = workflow.state.get(key).and_then(|spec| spec.schema.as_ref());
        let builder = Builder { task, key, seed, expressions };
        builder.visit(template, schema.unwrap_or(&Value::Null), &mut result)?;
    }
    Ok(result)
}

struct Builder<'a> {
    task: &'a Task,
    key: &'a Key,
    seed: u64,
    expressions: &'a dyn Expressions,
}

impl Builder<'_> {
    /// Builds what each select chain of `result` in a template needs, from the schema at its place.
    fn visit(&self, template: &Value, schema: &Value, result: &mut Value) -> Result<(), Failure> {
        match template {
            Value::String(source) => self.leaf(source, schema, result),
            Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
                self.visit(value, schema_below(schema, name), result)
            }),
            Value::Array(items) => {
                let below = schema.get("items").unwrap_or(&Value::Null);
                items.iter().try_for_each(|item| self.visit(item, below, result))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn leaf(&self, source: &str, schema: &Value, result: &mut Value) -> Result<(), Failure> {
        let info = self.expressions.inspect(source).unwrap_or_default();
        if !info.roots.contains("result") {
            return Ok(());
        }
        let Some(chain) = info.select_chain else {
            let why = format!("`{source}` in the write of {} is no plain selection", self.key);
            return Err(needs_output(self.task, &why));
        };
        let path = chain.get(1..).unwrap_or_default();
        let hasher = IdHasher::new("wforge.mock.part.v1").number(self.seed);
        let bytes = path.iter().fold(hasher, |h, part| h.field(part.as_bytes())).finish();
        let seed = bytes.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        let value = self.expressions.build(schema, seed);
        place(result, path, value);
        Ok(())
    }
}

fn schema_below<'a>(schema: &'a Value, name: &str) -> &'a Value {
    let named = schema.get("properties").and_then(|properties| properties.get(name));
    let computed = computed_name(name).is_some();
    named
        .filter(|_| !computed)
        .or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()))
        .unwrap_or(&Value::Null)
}

/// Puts a value at a path, making objects on the way; two values at one place are merged.
fn place(target: &mut Value, path: &[String], value: Value) {
    match path {
        [] => match (target, value) {
            (Value::Object(fields), Value::Object(more)) => fields.extend(more),
            (target, value) => *target = value,
        },
        [name, rest @ ..] => {
            if !target.is_object() {
                *target = Value::Object(Object::new());
            }
            if let Value::Object(fields) = target {
                place(fields.entry(name.clone()).or_insert(Value::Null), rest, value);
            }
        }
    }
}

fn needs_output(task: &Task, why: &str) -> Failure {
    let message = format!(
        "the mock agent cannot answer for node {0}: {why}; write nodes.{0}.mock.output",
        task.node
    );
    Failure::Failed(Problem::new("mock_output_needed", message))
}
