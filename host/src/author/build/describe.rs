//! Asks a component what it knows of its agents, in the host's own sandbox.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use wforge_model::limits::SandboxLimits;

use crate::author::sandbox::{Sandbox, refusal_of};

/// What it knows; none where its SDK tells nothing.
///
/// The component was packed before, since the host lets in nothing that does not say what it is. So
/// what a host would refuse is refused here.
pub(super) async fn ask(component: &[u8]) -> anyhow::Result<Option<Value>> {
    let sandbox = Sandbox::open(&SandboxLimits::default()).context("opening the sandbox")?;
    let admitted = sandbox.admit(component.to_vec()).await;
    let admitted = admitted.map_err(|error| refusal_of(error, Path::new("the component")))?;
    sandbox.describe(&admitted).await
}
