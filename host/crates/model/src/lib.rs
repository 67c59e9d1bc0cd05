//! Ids, values, workflows, run events and commands: the plain data that every other crate speaks.
//!
//! Never here: decisions (`wforge-graph`), input and output, clocks, randomness, or anything that
//! needs std; the crate compiles for `x86_64-unknown-none`.
//!
//! The feature `openapi` gives the types that the API sends their schemas, and std with them; only
//! `wforge-api` turns it on.
#![cfg_attr(not(feature = "openapi"), no_std)]

extern crate alloc;

pub mod access;
pub mod agent;
pub mod beginning;
pub mod capability;
pub mod checkpoint;
pub mod command;
pub mod defence;
pub mod edge;
pub mod effect;
pub mod event;
pub mod failure;
pub mod grant;
pub mod head;
pub mod http_rule;
pub mod id;
pub mod inbound;
pub mod json;
pub mod label;
pub mod limits;
pub mod lines;
pub mod manifest;
pub mod mock;
pub mod name;
pub mod recording;
pub mod reference;
pub mod retry;
pub mod secret;
pub mod tenancy;
pub mod text;
pub mod time;
pub mod tool;
pub mod trust;
pub mod usage;
pub mod webhook;
pub mod workflow;

pub use access::{Role, Scope, Scopes};
pub use capability::{Capability, Grants};
pub use checkpoint::Checkpoint;
pub use failure::{Denial, Failure, FailureKind, Problem};
pub use http_rule::{HttpRule, HttpRuleError};
pub use id::{
    DeliveryId, Digest, Epoch, InboundId, QuestionId, RunId, Seq, TaskId, ThreadId, Version,
};
pub use label::{BadLabels, Labels};
pub use lines::Lines;
pub use name::{HookName, Key, NodeId, NodePath, PluginName, ScheduleName, TenantId};
pub use recording::Recording;
pub use reference::{AgentRef, Target, WorkflowRef};
pub use secret::{SecretLimits, SecretName, SecretRecord};
pub use time::Timestamp;
pub use usage::{Deeds, ModelUsage, SandboxUse, Usage};

/// JSON, as state and messages hold it. Objects keep their keys in order of the alphabet.
pub type Value = serde_json::Value;
/// A JSON object.
pub type Object = serde_json::Map<alloc::string::String, Value>;
