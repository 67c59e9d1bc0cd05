//! Recorded runs: run again without any effect, and given away as a cassette.

use wforge_model::{RunId, TenantId};

use super::Handle;
use crate::cassette::{self, CassetteEntry};
use crate::replay::{self, Instead, ReplayReport};
use crate::request::EngineError;

impl Handle {
    /// Makes every call of a recorded run again, answered from its record alone, and gives the
    /// first that comes to something else. `instead` tries other components of its plugins; they
    /// must be let in already. Nothing is written.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        run: RunId,
        instead: &[Instead],
    ) -> Result<ReplayReport, EngineError> {
        replay::replay(&self.shared, tenant, run, instead).await
    }

    /// Every recorded answer of a run, in the order of its tasks.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn cassette(
        &self,
        tenant: &TenantId,
        run: RunId,
    ) -> Result<Vec<CassetteEntry>, EngineError> {
        cassette::of_run(&self.shared, tenant, run).await
    }
}
