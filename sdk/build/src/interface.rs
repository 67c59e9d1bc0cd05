//! The interfaces of the contract, and which needs lead to which of them.

use serde::Deserialize;
use wforge_model::Capability;
use wforge_model::manifest::API_VERSION;

/// An interface that a plugin can import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// Log lines.
    Log,
    /// Progress events.
    Events,
    /// Files and large values.
    Blobs,
    /// Waiting.
    Timer,
    /// Memory.
    Kv,
    /// Language models.
    Llm,
    /// Secrets.
    Secrets,
    /// HTTP.
    Http,
    /// Other agents and MCP tools.
    Tools,
    /// Questions to people.
    Human,
}

impl Interface {
    /// Those that need no grant.
    pub const FREE: [Self; 4] = [Self::Log, Self::Events, Self::Blobs, Self::Timer];
    const ALL: [Self; 10] = [
        Self::Log,
        Self::Events,
        Self::Blobs,
        Self::Timer,
        Self::Kv,
        Self::Llm,
        Self::Secrets,
        Self::Http,
        Self::Tools,
        Self::Human,
    ];

    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Events => "events",
            Self::Blobs => "blobs",
            Self::Timer => "timer",
            Self::Kv => "kv",
            Self::Llm => "llm",
            Self::Secrets => "secrets",
            Self::Http => "http",
            Self::Tools => "tools",
            Self::Human => "human",
        }
    }

    /// The interface that a component imports under `name`, if it is one of the contract's.
    #[must_use]
    pub fn imported_as(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interface| qualified(interface.name()) == name)
    }

    /// Whether it needs no grant.
    #[must_use]
    pub fn is_free(self) -> bool {
        Self::FREE.contains(&self)
    }

    /// The need to write in `plugin.toml`, as an example; none where there is nothing to need.
    #[must_use]
    pub const fn example_need(self) -> Option<&'static str> {
        match self {
            Self::Log | Self::Events | Self::Blobs | Self::Timer => None,
            Self::Kv => Some("kv:run"),
            Self::Llm => Some("llm:fast"),
            Self::Secrets => Some("secret:name:hold"),
            Self::Http => Some("http:https://api.example.com"),
            Self::Tools => Some("tool:name"),
            Self::Human => Some("ask"),
        }
    }

    /// The interfaces that a need leads to. `http` has the type of a secret in its requests, so it
    /// brings `secrets` along; what a plugin may do there is checked at each call.
    #[must_use]
    pub fn needed_for(need: &Capability) -> &'static [Self] {
        match need.kind() {
            "ask" => &[Self::Human],
            "http" => &[Self::Http, Self::Secrets],
            "kv" => &[Self::Kv],
            "llm" => &[Self::Llm],
            "secret" => &[Self::Secrets],
            "tool" => &[Self::Tools],
            // `http.raw` is WASI's interface, none of the contract's.
            _ => &[],
        }
    }
}

/// `workflowforge:plugin/<name>@<version>`.
pub(crate) fn qualified(name: &str) -> String {
    format!("workflowforge:plugin/{name}@{API_VERSION}")
}
