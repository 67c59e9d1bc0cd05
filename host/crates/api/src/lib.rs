//! The control API over the engine's handle: HTTP in, plain requests to the engine, JSON out.
//!
//! [`router`] is everything between a request and the engine; [`serve`] drives connections. Never
//! here: what a run, a workflow or a plugin is (the engine), files, environment, or a key itself
//! beyond the moment of its check. Start at [`ROUTES`] for what is served and to whom, at
//! [`codes`] for what is refused.

mod audit;
mod auth;
mod blobs;
mod body;
mod bulk;
pub mod codes;
mod cors;
mod envelope;
mod error;
mod etag;
mod events;
mod export;
mod extract;
mod gate;
mod grants;
mod guard;
mod health;
mod host_log;
mod idempotency;
mod inbound;
mod interrupts;
mod keys;
mod kv;
mod limits;
mod log_level;
mod machine;
mod members;
mod metrics;
mod openapi;
mod plugins;
mod quarantine;
mod rates;
mod replay;
mod resource;
mod router;
mod routes;
mod run_filter;
mod run_request;
mod run_views;
mod runs;
mod schedules;
mod secrets;
mod serve;
mod sse;
mod state;
mod steering;
mod stream;
mod subject;
mod system;
mod tenants;
mod thread_changes;
mod thread_request;
mod threads;
mod tls;
mod trust;
mod upload;
mod usage;
mod webhooks;
mod workflow_views;
mod workflows;

pub use auth::{
    Bearer, Credential, Credentials, IssuedKey, KeyIds, KeyTable, MintRequest, Pepper, SigningKeys,
    Standing, TokenRules, TokenSecret, WeakSecret, mint, presented,
};
pub use cors::Origins;
pub use error::{ApiError, ErrorItem};
pub use guard::HostNames;
pub use host_log::{HostLog, LogFigures, NoLog};
pub use limits::{ApiLimits, Share};
pub use machine::{DescriptorFigures, DiskFigures, Machine, MachineFigures, MemoryFigures};
pub use openapi::{document, text as document_text};
pub use router::router;
pub use routes::{Access, ROUTES, Route};
pub use serve::{Door, serve};
pub use state::{ApiParts, BuildInfo, Phase, Readiness, SystemInfo};
pub use tls::{BadTls, Tls};
pub use wforge_model::Role;
