//! Asks a component what it knows of its agents, in the host's own sandbox.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use wforge_model::limits::SandboxLimits;

use crate::author::sandbox::{Sandbox, refusal_of};

/// What it knows; null where its SDK tells nothing.
///
/// The component was packed before, since the host lets in nothing that does not say what it is. So
/// what a host would refuse is refused here. `place` is where it will lie.
pub(super) async fn ask(component: &[u8], place: &Path) -> anyhow::Result<Value> {
    let sandbox = Sandbox::for_component(place, &SandboxLimits::default());
    let sandbox = sandbox.context("opening the sandbox")?;
    let admitted = sandbox.admit(component.to_vec()).await;
    let admitted = admitted.map_err(|error| refusal_of(error, place))?;
    let described = sandbox.describe(&admitted).await?;
    Ok(described.map_err(anyhow::Error::msg)?.unwrap_or_default())
}
