//! The course of a run, and the inbox: asked of either engine.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_engine::InterruptId;
use wforge_model::head::RunHead;
use wforge_model::{QuestionId, RunId, Value};

use super::embedded::BY;
use super::problem::of_engine;
use super::{Client, Embedded, Remote, Report, either};

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

    /// The run that asks a question.
    pub(crate) async fn run_that_asks(&self, ask: QuestionId) -> anyhow::Result<RunId> {
        either!(self, client => client.run_that_asks(ask))
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

    async fn run_that_asks(&self, ask: QuestionId) -> anyhow::Result<RunId> {
        let found = self.host.handle.interrupt(&self.tenant, InterruptId::Question(ask)).await;
        found.map(|entry| entry.run).map_err(of_engine)
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

    async fn run_that_asks(&self, ask: QuestionId) -> anyhow::Result<RunId> {
        #[derive(Deserialize)]
        struct Asks {
            run: RunId,
        }
        let asks: Asks = self.json(self.get(&format!("/v1/interrupts/{ask}"))).await?;
        Ok(asks.run)
    }
}
