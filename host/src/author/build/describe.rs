//! Asks a component what it knows of its agents, in the host's own sandbox.

use anyhow::Context as _;
use serde_json::Value;
use wforge_model::limits::SandboxLimits;

use crate::author::sandbox::Sandbox;
use crate::cli::refusal::Refusal;

/// What it knows; none where its SDK tells nothing.
///
/// The component was packed before, since the host lets in nothing that does not say what it is. So
/// what a host would refuse is refused here.
pub(super) async fn ask(component: &[u8]) -> anyhow::Result<Option<Value>> {
    let sandbox = Sandbox::open(&SandboxLimits::default()).context("opening the sandbox")?;
    let admitted = sandbox.admit(component.to_vec()).await.map_err(|error| {
        Refusal::user("not_admitted", format!("a host would refuse the component: {error}"))
    })?;
    sandbox.describe(&admitted).await
}
