//! Whether everything that a task does to the world is on record.

use serde::{Deserialize, Serialize};

use crate::capability::Grants;

/// What the record of a task holds of its effects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// All of them: none is done again.
    #[default]
    Recorded,
    /// All but those by the language's own HTTP client, which are done again on a rerun.
    Partial,
}

impl Recording {
    /// The kind of grant under which an effect is not recorded.
    pub const UNRECORDED_KIND: &'static str = "http.raw";

    /// Of a task whose node is declared idempotent or not, and that may do this. It is the
    /// possibility that counts: nobody keeps count of what is not recorded.
    #[must_use]
    pub fn of(is_idempotent: bool, grants: &Grants) -> Self {
        if is_idempotent && grants.has_kind(Self::UNRECORDED_KIND) {
            return Self::Partial;
        }
        Self::Recorded
    }

    /// How outputs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Partial => "partial",
        }
    }
}
