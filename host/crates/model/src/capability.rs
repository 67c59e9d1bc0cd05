//! Capabilities and the one check that every host call goes through.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::Denial;
use crate::http_rule::{HttpRule, HttpRuleError};

/// The longest written capability, in bytes.
pub const CAPABILITY_BYTES_MAX: usize = 512;

/// The kinds that the contract knows, as they begin a written capability.
const KINDS: [&str; 7] = ["ask", "http", "http.raw", "kv", "llm", "secret", "tool"];

/// The kinds whose resource is an [`HttpRule`].
const HTTP_KINDS: [&str; 2] = ["http", "http.raw"];

/// Something that a plugin may be granted, written `kind` or `kind:resource`, such as `ask`,
/// `kv:run:ro`, `llm:fast` or `secret:token:hold`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(String);

impl Capability {
    /// The capability of that kind for that resource.
    #[must_use]
    pub fn of(kind: &str, resource: &str) -> Self {
        if resource.is_empty() {
            return Self(kind.to_string());
        }
        Self([kind, ":", resource].concat())
    }

    /// The part before the first colon.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(kind, _)| kind)
    }

    /// The part after the first colon; empty where there is none.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, resource)| resource)
    }

    /// Whether who holds `self` may do `wanted`: the same; or `kind:*` for any resource of that
    /// kind; or without `:ro` for the same with it. Of HTTP: what [`HttpRule::covers`] says.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        if self.kind() != wanted.kind() {
            return false;
        }
        match (self.http_rule(), wanted.http_rule()) {
            (Some(Ok(own)), Some(Ok(wanted))) => own.covers(&wanted),
            (Some(_), _) | (_, Some(_)) => false,
            (None, None) => {
                self == wanted
                    || self.resource() == "*"
                    || wanted.0.strip_suffix(":ro").is_some_and(|full| full == self.0)
            }
        }
    }

    /// The rule, where it is of a kind that has one.
    fn http_rule(&self) -> Option<Result<HttpRule, HttpRuleError>> {
        HTTP_KINDS.contains(&self.kind()).then(|| HttpRule::parse(self.resource()))
    }

    /// As an operator would write it: of HTTP without what holds by default, and without a path
    /// that is too long for a grant.
    fn in_short(&self) -> Self {
        let Some(Ok(rule)) = self.http_rule() else {
            return self.clone();
        };
        let short = Self::of(self.kind(), &rule.to_string());
        if short.0.len() <= CAPABILITY_BYTES_MAX {
            return short;
        }
        Self::of(self.kind(), &rule.with_all_paths().to_string())
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCapabilityError {
    /// Of none of the known forms.
    #[error(
        "\"{text}\" is no capability: write one of ask, kv:<scope>[:ro], llm:<model>, http:<rule>, \
         http.raw:<rule>, tool:<name>, secret:<name>:hold, secret:<name>:reveal"
    )]
    Shape {
        /// What was written.
        text: String,
    },
    /// Of HTTP, with something else than a rule.
    #[error("\"{text}\" is no capability: {reason}")]
    HttpRule {
        /// What was written.
        text: String,
        /// What is wrong with the rule.
        reason: HttpRuleError,
    },
}

impl FromStr for Capability {
    type Err = ParseCapabilityError;

    fn from_str(text: &str) -> Result<Self, ParseCapabilityError> {
        let capability = Self(text.to_string());
        let known = KINDS.contains(&capability.kind());
        let needs_resource = capability.kind() != "ask";
        let printable = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
        let is_shaped = known
            && printable
            && text.len() <= CAPABILITY_BYTES_MAX
            && needs_resource != capability.resource().is_empty();
        if !is_shaped {
            return Err(ParseCapabilityError::Shape { text: text.to_string() });
        }
        match capability.http_rule() {
            Some(Err(reason)) => {
                Err(ParseCapabilityError::HttpRule { text: text.to_string(), reason })
            }
            Some(Ok(_)) | None => Ok(capability),
        }
    }
}

crate::id::text_serde!(Capability);

/// What one node's plugin may do. Deny by default: the empty set allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(BTreeSet<Capability>);

impl Grants {
    /// Those of `needs` that the operator's `granted` covers. A need is a request, never a grant.
    pub fn intersect<'a>(
        needs: impl IntoIterator<Item = &'a Capability>,
        granted: &[Capability],
    ) -> Self {
        let covered = |need: &&Capability| granted.iter().any(|grant| grant.covers(need));
        Self(needs.into_iter().filter(covered).cloned().collect())
    }

    /// Those that `allow` covers as well: a workflow can narrow, never widen.
    #[must_use]
    pub fn narrow(&self, allow: &[Capability]) -> Self {
        Self::intersect(&self.0, allow)
    }

    /// Whether `wanted` is among them.
    #[must_use]
    pub fn allow(&self, wanted: &Capability) -> bool {
        self.0.iter().any(|grant| grant.covers(wanted))
    }

    /// Whether any of them is of that kind.
    #[must_use]
    pub fn has_kind(&self, kind: &str) -> bool {
        self.0.iter().any(|grant| grant.kind() == kind)
    }

    /// What both sets allow.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        let covered = |one: &Self, by: &Self| {
            one.0.iter().filter(|wanted| by.allow(wanted)).cloned().collect::<Vec<_>>()
        };
        covered(self, other).into_iter().chain(covered(other, self)).collect()
    }

    /// Whether `wanted` is among them. This is the one check; every host call begins with it.
    ///
    /// # Errors
    /// The denial that the guest sees, with the line that would grant it.
    pub fn require(&self, plugin: &str, wanted: &Capability) -> Result<(), Denial> {
        if self.allow(wanted) {
            return Ok(());
        }
        Err(Denial {
            capability: wanted.kind().to_string(),
            resource: wanted.resource().to_string(),
            hint: [
                "to grant it: wforge grants approve ",
                plugin,
                " ",
                &wanted.in_short().0,
                "; the plugin's manifest must name it among its needs",
            ]
            .concat(),
        })
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.iter()
    }
}

impl FromIterator<Capability> for Grants {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().collect())
    }
}
