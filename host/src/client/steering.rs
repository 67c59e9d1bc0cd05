//! The course of a run, and the inbox: asked of either engine.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_model::event::InterruptedAt;
use wforge_model::head::RunHead;
use wforge_model::{NodeId, QuestionId, RunId, ThreadId, Timestamp, Value};

use super::embedded::BY;
use super::problem::of_engine;
use super::remote::in_path;
use super::{Client, Embedded, Remote, Report, either};

/// Runs of the inbox that are read at once.
const PAGE: usize = 200;

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interrupt {
    pub(crate) run: RunId,
    /// `name@version`.
    pub(crate) workflow: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<ThreadId>,
    /// When the run last moved.
    pub(crate) since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<NodeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assignee: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) degraded: bool,
    pub(crate) wants: Wants,
}

/// What a run wants of a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wants {
    /// An answer.
    Answer {
        question: QuestionId,
        prompt: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<Value>,
    },
    /// To be let go on.
    Resume {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<InterruptedAt>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nodes: Vec<NodeId>,
    },
}

impl Interrupt {
    /// The question, where it is one.
    pub(crate) const fn question(&self) -> Option<QuestionId> {
        match self.wants {
            Wants::Answer { question, .. } => Some(question),
            Wants::Resume { .. } => None,
        }
    }
}

impl Client {
    /// Stops a run at its next border.
    pub(crate) async fn pause(&self, run: RunId) -> anyhow::Result<RunHead> {
        either!(self, client => client.pause(run))
    }

    /// Lets a paused run go on, for so many super-steps or to its end.
    pub(crate) async fn go_on(&self, run: RunId, steps: Option<u32>) -> anyhow::Result<RunHead> {
        either!(self, client => client.go_on(run, steps))
    }

    /// Takes up a run that failed.
    pub(crate) async fn retry(&self, run: RunId) -> anyhow::Result<RunHead> {
        either!(self, client => client.retry(run))
    }

    /// What waits for people, or what was put to one of them; the oldest run first.
    pub(crate) async fn interrupts(
        &self,
        limit: usize,
        assignee: Option<&str>,
    ) -> anyhow::Result<Vec<Interrupt>> {
        either!(self, client => client.interrupts(limit, assignee))
    }

    /// The run that asks a question; none where it is not open.
    pub(crate) async fn run_that_asks(&self, ask: QuestionId) -> anyhow::Result<Option<RunId>> {
        let open = self.interrupts(usize::MAX, None).await?;
        Ok(open.iter().find(|entry| entry.question() == Some(ask)).map(|entry| entry.run))
    }
}

impl Embedded {
    async fn pause(&self, run: RunId) -> anyhow::Result<RunHead> {
        self.host.handle.pause(&self.tenant, run, BY).await.map_err(of_engine)
    }

    async fn go_on(&self, run: RunId, steps: Option<u32>) -> anyhow::Result<RunHead> {
        self.host.handle.resume_paused(&self.tenant, run, steps, BY).await.map_err(of_engine)
    }

    async fn retry(&self, run: RunId) -> anyhow::Result<RunHead> {
        self.host.handle.revive(&self.tenant, run, BY).await.map_err(of_engine)
    }

    async fn interrupts(
        &self,
        limit: usize,
        assignee: Option<&str>,
    ) -> anyhow::Result<Vec<Interrupt>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.host.handle.inbox(&self.tenant, after, PAGE, assignee).await;
            let (entries, next) = page.map_err(of_engine)?;
            for entry in entries {
                found.push(same(&entry)?);
            }
            after = next;
            if after.is_none() || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }
}

/// What the engine says, as the API would have sent it.
pub(super) fn same<T: serde::de::DeserializeOwned>(said: &impl Serialize) -> anyhow::Result<T> {
    let said = serde_json::to_value(said).context("writing what the engine said")?;
    serde_json::from_value(said).context("reading what the engine said")
}

impl Remote {
    async fn pause(&self, run: RunId) -> anyhow::Result<RunHead> {
        self.steer(run, "pause", &json!({})).await
    }

    async fn go_on(&self, run: RunId, steps: Option<u32>) -> anyhow::Result<RunHead> {
        self.steer(run, "continue", &json!({ "steps": steps })).await
    }

    async fn retry(&self, run: RunId) -> anyhow::Result<RunHead> {
        self.steer(run, "retry", &json!({})).await
    }

    async fn steer(&self, run: RunId, how: &str, body: &Value) -> anyhow::Result<RunHead> {
        let report: Report = self.json(self.post(&format!("/v1/runs/{run}/{how}"), body)).await?;
        Ok(report.head)
    }

    async fn interrupts(
        &self,
        limit: usize,
        assignee: Option<&str>,
    ) -> anyhow::Result<Vec<Interrupt>> {
        let path = match assignee {
            Some(name) => {
                format!("/v1/interrupts?assignee={}", in_path(name).replace('/', "%2F"))
            }
            None => "/v1/interrupts".to_owned(),
        };
        let mut found = self.pages(&path, limit).await?;
        found.truncate(limit);
        Ok(found)
    }
}
