//! Names that people give: nodes, state keys, tenants, plugins. Each parses once and is then known
//! to be well formed.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

pub use crate::manifest::PluginName;

/// The longest name of any kind, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Text that is no name of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no {kind}: {rule}")]
pub struct ParseNameError {
    pub(crate) kind: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) text: String,
}

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $rule:literal, $pattern:literal, $fits:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, ParseNameError> {
                let fits: fn(&str) -> bool = $fits;
                if text.len() <= NAME_BYTES_MAX && fits(text) {
                    return Ok(Self(text.into()));
                }
                Err(ParseNameError { kind: $kind, rule: $rule, text: text.to_string() })
            }
        }

        impl core::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        crate::id::text_serde!($name, $pattern);
    )*};
}

name! {
    /// A node of a workflow.
    NodeId = "node name",
        "letters, digits, _ and -, beginning with a letter, at most 64; not START or END",
        "^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        |text| is_word(text, "_-") && text != "START" && text != "END";
    /// A key of a workflow's state.
    Key = "state key",
        "letters, digits and _, beginning with a letter or _, at most 64",
        "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        |text| text.starts_with('_') && is_tail(text, "_") || is_word(text, "_");
    /// Whose data it is. Comes from the credential only.
    TenantId = "tenant name",
        "small letters, digits and -, beginning with a letter, at most 64",
        "^[a-z][a-z0-9-]{0,63}$",
        |text| is_word(text, "-") && !text.contains(|c: char| c.is_ascii_uppercase());
    /// What starts runs by the clock.
    ScheduleName = "schedule name",
        "letters, digits, _ and -, beginning with a letter, at most 64; not preview",
        "^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        |text| is_word(text, "_-") && text != "preview";
    /// A webhook, inbound or outbound.
    HookName = "webhook name",
        "small letters, digits and -, beginning with a letter, at most 64",
        "^[a-z][a-z0-9-]{0,63}$",
        |text| is_word(text, "-") && !text.contains(|c: char| c.is_ascii_uppercase());
}

/// Where a node is found in a run: through the nodes that run the workflows around it. Written
/// `outer/inner`; a node of the run's own workflow is its name alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodePath {
    around: Vec<NodeId>,
    node: NodeId,
}

impl NodePath {
    /// The node at the end of the way through these.
    #[must_use]
    pub const fn new(around: Vec<NodeId>, node: NodeId) -> Self {
        Self { around, node }
    }

    /// The nodes on the way, the outermost first.
    #[must_use]
    pub fn around(&self) -> &[NodeId] {
        &self.around
    }

    /// The node itself.
    #[must_use]
    pub const fn node(&self) -> &NodeId {
        &self.node
    }
}

impl From<NodeId> for NodePath {
    fn from(node: NodeId) -> Self {
        Self { around: Vec::new(), node }
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.around.iter().try_for_each(|node| write!(f, "{node}/"))?;
        fmt::Display::fmt(&self.node, f)
    }
}

impl fmt::Debug for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NodePath {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        let (around, node) = text.rsplit_once('/').map_or((None, text), |(a, n)| (Some(a), n));
        let around = around.into_iter().flat_map(|around| around.split('/')).map(str::parse);
        Ok(Self { around: around.collect::<Result<_, _>>()?, node: node.parse()? })
    }
}

crate::id::text_serde!(NodePath, "^[A-Za-z][A-Za-z0-9_/-]*$");

pub(crate) fn is_word(text: &str, extra: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && is_tail(text, extra)
}

fn is_tail(text: &str, extra: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}
