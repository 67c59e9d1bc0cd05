//! Who asks.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use wforge_model::access::Noun;
use wforge_model::{Role, Scope, Scopes, TenantId, Timestamp};

use super::bearer::refusal;
use super::{Credentials, Standing};
use crate::codes;
use crate::error::ApiError;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// Whose data is reached.
    pub(crate) tenant: TenantId,
    /// What is allowed.
    pub(crate) role: Role,
    /// What it is narrowed to.
    pub(crate) scopes: Scopes,
    /// How logs, runs and audit call whoever asks.
    pub(crate) name: String,
    /// Which credential it is; of visible letters without a slash.
    pub(crate) key_id: String,
    /// What the credential was.
    pub(crate) kind: CredentialKind,
}

/// What stands behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// An API key.
    Key,
    /// The key of one process, kept nowhere.
    PassingKey,
    /// A token, as its issuer dated it.
    Token {
        /// When it was issued.
        issued_at: Timestamp,
        /// From when on it is refused.
        ends_at: Timestamp,
    },
}

impl Principal {
    /// How the audit log calls it: names are chosen freely, ids are not. A name without an id is
    /// nobody's but of a key that is kept nowhere.
    pub(crate) fn actor(&self) -> String {
        match self.kind {
            CredentialKind::PassingKey => self.name.clone(),
            CredentialKind::Key | CredentialKind::Token { .. } => {
                format!("{} ({})", self.name, self.key_id)
            }
        }
    }

    /// Whether the credential is still good, for what goes on longer than a request.
    pub(crate) fn still_holds(&self, credentials: &dyn Credentials, now: Timestamp) -> bool {
        let holds = match self.kind {
            CredentialKind::Key | CredentialKind::PassingKey => credentials
                .find(&self.key_id)
                .is_some_and(|known| known.expires_at.is_none_or(|end| end > now)),
            CredentialKind::Token { issued_at, ends_at } => {
                issued_at >= credentials.tokens_since(&self.tenant) && ends_at > now
            }
        };
        holds && credentials.standing(&self.tenant) == Standing::Active
    }

    /// # Errors
    /// The credential is narrowed, and what is asked for shows everything.
    pub(crate) fn require_all_scopes(&self) -> Result<(), ApiError> {
        if self.scopes.is_all() {
            return Ok(());
        }
        let detail = "an export shows all data of the tenant: use a credential without scopes";
        Err(ApiError::new(&codes::FORBIDDEN, detail))
    }

    /// # Errors
    /// The role is less than that.
    pub(crate) fn require(&self, least: Role, to: &str) -> Result<(), ApiError> {
        if self.role >= least {
            return Ok(());
        }
        let detail = format!("{to} needs the role {least}; this credential has {}", self.role);
        Err(ApiError::new(&codes::FORBIDDEN, detail))
    }

    /// # Errors
    /// The credential was narrowed to something else.
    pub(crate) fn require_scope(&self, wanted: Scope) -> Result<(), ApiError> {
        if self.scopes.allow(wanted) {
            return Ok(());
        }
        let detail = format!("this needs the scope {wanted}, which this credential was not given");
        Err(ApiError::new(&codes::FORBIDDEN, detail))
    }

    /// # Errors
    /// It would give away more than it has.
    pub(crate) fn require_to_give(&self, role: Role, scopes: &Scopes) -> Result<(), ApiError> {
        self.require(role, "giving that role")?;
        if self.scopes.include(scopes) {
            return Ok(());
        }
        let detail = "a credential gives no scopes that it was not given itself";
        Err(ApiError::new(&codes::FORBIDDEN, detail))
    }

    /// Whether it may see figures over all tenants.
    pub(crate) fn is_platform(&self) -> bool {
        self.role >= Role::Platform && self.scopes.allow(Scope::read(Noun::Tenants))
    }
}

/// Set by the check of the route; a handler of an open route has nobody.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(refusal)
    }
}
