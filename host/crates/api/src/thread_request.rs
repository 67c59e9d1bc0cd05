//! The bodies of the requests about threads, and what they mean to the engine.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use wforge_engine::{
    ContinueFrom, ForkPoint, Idempotency, KeepBorders, UpdateAs, UpdateGiven, WorkflowChoice,
};
use wforge_model::checkpoint::Durability;
use wforge_model::event::Write;
use wforge_model::{Checkpoint, Digest, Key, NodeId, NodePath, ThreadId, Value};

use crate::codes;
use crate::error::ApiError;
use crate::run_request::{FileField, WorkflowField};

/// Super-steps of one update.
const STEPS_MAX: usize = 1_000;

/// Where a request begins: at the checkpoint that it names, else at the newest of its thread.
pub(crate) fn place(thread: ThreadId, at: Option<Checkpoint>) -> ForkPoint {
    at.map_or(ForkPoint::Thread(thread), ForkPoint::Checkpoint)
}

/// The body of `POST /v1/threads/{thread}/state`, and of `…/fork`, where `at` must be named.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ThreadUpdate)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateBody {
    #[serde(default)]
    pub(crate) at: Option<Checkpoint>,
    /// The workflow of a thread that has no run yet.
    #[serde(default)]
    pub(crate) workflow: Option<WorkflowField>,
    #[serde(default)]
    writes: Option<WritesField>,
    #[serde(default, rename = "as")]
    as_node: Option<String>,
    /// Super-steps, one after the other, in the place of `writes` and `as`.
    #[serde(default)]
    steps: Option<Vec<Vec<GivenBody>>>,
}

/// What an update writes, and where.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) at: Option<Checkpoint>,
    /// The workflow of a thread that has no run yet.
    pub(crate) workflow: Option<WorkflowChoice>,
    pub(crate) steps: Vec<Vec<UpdateGiven>>,
}

/// The writes of one node.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NodeWrites)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenBody {
    #[serde(default)]
    writes: WritesField,
    /// A node, `START` or `END`.
    #[serde(default, rename = "as")]
    as_node: Option<String>,
}

/// Values by key, or writes in order.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = WritesGiven)]
#[serde(
    untagged,
    expecting = "writes are {key: value, …} or [{\"key\": …, \"value\": …, \"overwrite\": …}, …]"
)]
pub(crate) enum WritesField {
    ByKey(BTreeMap<Key, Value>),
    InOrder(Vec<Write>),
}

impl Default for WritesField {
    fn default() -> Self {
        Self::InOrder(Vec::new())
    }
}

impl WritesField {
    fn meant(self) -> Vec<Write> {
        let write = |(key, value)| Write { key, value, overwrite: false };
        match self {
            Self::ByKey(values) => values.into_iter().map(write).collect(),
            Self::InOrder(writes) => writes,
        }
    }
}

impl UpdateBody {
    /// Whether it names no write and nobody who could write: a fork that is a copy.
    pub(crate) const fn writes_nothing(&self) -> bool {
        self.writes.is_none() && self.steps.is_none() && self.as_node.is_none()
    }

    /// What is written, by super-step.
    ///
    /// # Errors
    /// Nothing is written, or both forms are given, or too many steps.
    pub(crate) fn steps(&mut self) -> Result<Vec<Vec<UpdateGiven>>, ApiError> {
        let refused = |detail: String| Err(ApiError::new(&codes::UNACCEPTABLE, detail));
        let as_node = self.as_node.take();
        match (self.writes.take(), self.steps.take()) {
            (Some(writes), None) => Ok(vec![vec![GivenBody { writes, as_node }.meant()?]]),
            (None, Some(steps)) if as_node.is_none() => {
                if steps.len() > STEPS_MAX {
                    return refused(format!("at most {STEPS_MAX} super-steps at once"));
                }
                let step =
                    |given: Vec<GivenBody>| given.into_iter().map(GivenBody::meant).collect();
                steps.into_iter().map(step).collect()
            }
            (None, None) if as_node.as_deref() == Some("END") => {
                let writes = WritesField::default();
                Ok(vec![vec![GivenBody { writes, as_node }.meant()?]])
            }
            (None, None) => refused(
                "say what is written: {\"writes\": {key: value}, \"as\": node}, or steps; to run \
                 a checkpoint once more without a change, post to replay"
                    .to_owned(),
            ),
            (Some(_) | None, Some(_)) => {
                refused("send either writes, with as, or steps".to_owned())
            }
        }
    }
}

impl GivenBody {
    fn meant(self) -> Result<UpdateGiven, ApiError> {
        let as_node = match self.as_node.as_deref() {
            None => UpdateAs::LastWriter,
            Some("START") => UpdateAs::Input,
            Some("END") => UpdateAs::End,
            Some(name) => UpdateAs::Node(
                name.parse::<NodeId>()
                    .map_err(|error| ApiError::new(&codes::UNACCEPTABLE, format!("as: {error}")))?,
            ),
        };
        Ok(UpdateGiven { writes: self.writes.meant(), as_node })
    }
}

/// The body of `POST /v1/threads/{thread}/replay`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ThreadReplay)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    #[serde(default)]
    pub(crate) at: Option<Checkpoint>,
    #[serde(default)]
    answers: BTreeMap<NodePath, Value>,
    #[serde(default)]
    durability: Durability,
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    steps: Option<NonZeroU32>,
}

impl ReplayBody {
    pub(crate) fn meant(
        self,
        thread: ThreadId,
        idempotency: Option<Idempotency>,
        by: String,
    ) -> ContinueFrom {
        let Self { at, answers, durability, steps } = self;
        let (at, steps) = (place(thread, at), steps.map(NonZeroU32::get));
        ContinueFrom { at, answers, durability, steps, idempotency, by }
    }
}

/// The body of `POST /v1/threads/{thread}/copy`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ThreadCopy)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyBody {
    #[serde(default)]
    pub(crate) to: Option<ThreadId>,
}

/// The body of `POST /v1/threads/{thread}/prune`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ThreadPrune)]
#[serde(deny_unknown_fields)]
pub(crate) struct PruneBody {
    /// How many of the newest checkpoints are kept.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    keep: Option<NonZeroU32>,
    /// What came before this checkpoint goes.
    #[serde(default)]
    before: Option<Checkpoint>,
}

impl PruneBody {
    /// # Errors
    /// Both are named.
    pub(crate) fn meant(self) -> Result<KeepBorders, ApiError> {
        match (self.keep, self.before) {
            (Some(_), Some(_)) => {
                let detail = "say what is kept once: either keep or before";
                Err(ApiError::new(&codes::UNACCEPTABLE, detail))
            }
            (None, Some(oldest)) => Ok(KeepBorders::From(oldest)),
            (keep, None) => Ok(KeepBorders::Newest(keep.unwrap_or(NonZeroU32::MIN))),
        }
    }
}

/// The body of `POST /v1/threads/{thread}/migrate`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ThreadMigrate)]
#[serde(deny_unknown_fields)]
pub(crate) struct MigrateBody {
    pub(crate) to: WorkflowField,
    /// Further workflow files, for nodes that run a workflow.
    #[serde(default)]
    pub(crate) with: Vec<FileField>,
    #[serde(default)]
    pub(crate) plugins: Option<Vec<Digest>>,
    #[serde(default)]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) restart_tasks: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse;

    fn check(json: &str) -> String {
        let said = parse::<UpdateBody>(json.as_bytes(), 64).and_then(|mut body| body.steps());
        match said {
            Ok(steps) => {
                let of_step = |step: &Vec<UpdateGiven>| {
                    let given = step.iter().map(|given| {
                        let keys = given.writes.iter().map(|write| write.key.to_string());
                        format!("{:?} {}", given.as_node, keys.collect::<Vec<_>>().join(","))
                    });
                    given.collect::<Vec<_>>().join(" + ")
                };
                steps.iter().map(of_step).collect::<Vec<_>>().join("; ")
            }
            Err(error) => format!("{} {}", error.code.id, error.detail),
        }
    }

    #[test]
    fn an_update_writes_in_the_place_of_a_node_or_of_nobody() {
        assert_eq!(check(r#"{"writes":{"a":1,"b":2}}"#), "LastWriter a,b");
        assert_eq!(check(r#"{"writes":[{"key":"b","value":1}],"as":"START"}"#), "Input b");
        assert_eq!(check(r#"{"as":"END"}"#), "End ");
        let steps = r#"{"steps":[[{"writes":{"a":1},"as":"END"}],[{"writes":{"b":1}},{}]]}"#;
        assert_eq!(check(steps), "End a; LastWriter b + LastWriter ");
    }

    #[test]
    fn an_update_that_says_nothing_or_two_things_is_refused() {
        assert!(check("{}").starts_with("WF0422 say what is written"), "{}", check("{}"));
        assert!(check(r#"{"writes":{},"steps":[]}"#).contains("either writes"));
        assert!(check(r#"{"writes":7}"#).contains("writes are {key: value"));
        assert!(check(r#"{"writes":{},"as":"no such name!"}"#).starts_with("WF0422 as: "));
        assert!(check(r#"{"writes":{},"tenant":"x"}"#).contains("unknown field `tenant`"));
        let many = format!(r#"{{"steps":[{}]}}"#, vec!["[]"; STEPS_MAX + 1].join(","));
        assert!(check(&many).contains("at most 1000"), "{}", check(&many));
    }
}
