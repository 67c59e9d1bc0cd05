//! How much of the sandbox's limits is left to whom.

use std::fmt::Debug;

use wforge_model::limits::SandboxLimits;
use wforge_model::{PluginName, TenantId};

/// The limits of a call, by whose it is. Asked before each one, so it answers from memory; never
/// more than what the host itself is limited to.
pub trait LimitPolicy: Debug + Send + Sync {
    /// The limits of a call of that plugin in that tenant.
    fn limits(&self, tenant: &TenantId, plugin: &PluginName) -> SandboxLimits;
}

/// The same for everybody.
impl LimitPolicy for SandboxLimits {
    fn limits(&self, _tenant: &TenantId, _plugin: &PluginName) -> SandboxLimits {
        self.clone()
    }
}
