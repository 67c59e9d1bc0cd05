//! Keys, people and tenants as the API asks for them, and the key of whoever owns the data
//! directory.

use wforge_api::{Credential, Credentials, IssuedKey, Pepper, Role, Standing};
use wforge_engine::Handle;
use wforge_model::tenancy::TenantState;
use wforge_model::{Scopes, TenantId, Timestamp};
use wforge_ports::Entropy;

/// How logs and audit call whoever owns the data directory.
pub(crate) const OWNER: &str = "cli";

/// The engine's directory, and one key that it does not know: of this process, for this process.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) engine: Handle,
    pub(crate) own: OwnKey,
}

/// The key of whoever owns the data directory; a new one at each start, kept in no store.
#[derive(Debug)]
pub(crate) struct OwnKey {
    id: String,
    credential: Credential,
}

impl OwnKey {
    /// A new key and its text.
    pub(crate) fn issue(
        tenant: TenantId,
        entropy: &dyn Entropy,
        pepper: &Pepper,
    ) -> (Self, String) {
        let issued = IssuedKey::issue(entropy, pepper);
        let credential = Credential {
            mac: issued.mac,
            tenant,
            role: Role::Platform,
            scopes: Scopes::default(),
            name: OWNER.to_owned(),
            expires_at: None,
            is_passing: true,
        };
        (Self { id: issued.id, credential }, issued.text)
    }
}

impl Credentials for Known {
    fn find(&self, id: &str) -> Option<Credential> {
        if id == self.own.id {
            return Some(self.own.credential.clone());
        }
        let key = self.engine.key(id)?;
        Some(Credential {
            mac: key.mac,
            tenant: key.tenant.clone(),
            role: key.role,
            scopes: key.scopes.clone(),
            name: key.name.clone(),
            expires_at: key.expires_at,
            is_passing: false,
        })
    }

    fn standing(&self, tenant: &TenantId) -> Standing {
        match self.engine.tenant(tenant).map(|tenant| tenant.state) {
            Ok(TenantState::Active) => Standing::Active,
            Ok(TenantState::Suspended) => Standing::Suspended,
            Ok(TenantState::Erasing | TenantState::Erased) => Standing::Unknown,
            // The owner's own commands work before anybody made the tenant.
            Err(_) if *tenant == self.own.credential.tenant => Standing::Active,
            Err(_) => Standing::Unknown,
        }
    }

    fn tokens_since(&self, tenant: &TenantId) -> Timestamp {
        self.engine.tenant(tenant).map(|tenant| tenant.tokens_since).unwrap_or_default()
    }

    fn member(&self, tenant: &TenantId, subject: &str) -> Option<Role> {
        self.engine.member(tenant, subject).map(|member| member.role)
    }
}
