//! The shell around the pure core: decide, commit, apply, publish, perform.
//!
//! [`Engine`] owns the live runs, one [`actor`] each; the world sees the cheap [`Handle`]. Durable
//! before visible: nothing is published or performed before the commit that it follows from has
//! returned. Never here: what follows from what (`wforge-graph`), or how anything is stored, run
//! or served (the ports).

mod actor;
mod allowed;
mod attended;
mod breaker;
mod breakers;
mod bus;
mod cache;
mod cassette;
mod catalog;
mod choice;
mod chunks;
mod deeds;
mod door;
mod failure;
mod filter;
mod flows;
mod followed;
mod forgotten;
mod handle;
mod idle;
mod ids;
mod inbox;
mod install;
mod lines;
mod lists;
mod load;
mod memory;
mod mocked;
mod notes;
mod parts;
mod perform;
mod pinning;
mod planned;
mod prepare;
mod quarantine;
mod receipt;
mod registry;
mod replay;
mod request;
mod resolve;
mod retention;
mod schedules;
mod service;
mod snapshots;
mod start;
mod stats;
mod steps;
mod subscribe;
mod sweep;
mod tenancy;
mod thread_request;
mod thread_stream;
mod threads;
mod tools;
mod traces;
mod trust;
mod views;
mod webhooks;
mod workflows;

pub use breaker::Circuit;
pub use bus::RunBus;
pub use cassette::CassetteEntry;
pub use choice::VersionChoice;
pub use chunks::Streamed;
pub use door::PlaceToBegin;
pub use filter::{RunFilter, RunPage};
pub use handle::{Assign, Handle, KvPut, LinesWanted, ScheduleView};
pub use inbox::{
    Escalating, InboxEntry, InboxFilter, InboxKind, InboxOrder, InboxPlace, InboxQuery, InboxWants,
    InterruptId, NoPlace, PutTo,
};
pub use lines::LogLine;
pub use parts::{
    BlobOptions, CallLog, EngineOptions, EngineParts, FixedGrants, GrantPolicy, Lanes,
    MemoryOptions, RetentionOptions,
};
pub use quarantine::Quarantine;
pub use receipt::{HostCalls, NodeSpent, Receipt, Spent};
pub use replay::{Difference, Instead, ReplayReport};
pub use request::{
    AnswerGiven, AnswerTo, CancelRun, EngineError, Idempotency, Multitask, PluginInfo,
    PluginStanding, PluginUpload, QuestionView, RunMessage, RunView, StartRun, Started,
    StreamRequest, TaskView, WaitFor, WorkflowChoice, WorkflowInfo, event_parts,
};
pub use retention::Retired;
pub use schedules::{
    BadTimes, CATCH_UP_MAX, CronTimes, DueTime, FiringError, FiringOutcome, LastFiring, Missed,
    Overlap, PutSchedule, Schedule, ScheduleCounts, ScheduleOptions, ScheduleSpec, ScheduledThread,
    ScheduledWorkflow,
};
pub use service::Engine;
pub use stats::{EngineFigures, ModelFigures};
pub use sweep::{BlobsSwept, SweepMode, SweptBlob};
pub use tenancy::{
    AuditVerdict, Days, Explained, GrantDecision, GrantRequest, LiveGrants, NewKey, SecretPut,
    TenantTokens, TenantUsage, UsedDay,
};
pub use thread_request::{
    CheckpointSource, CheckpointTask, CheckpointView, ContinueFrom, ForkPoint, ForkThread,
    KeepBorders, Made, MigrateThread, Migrated, Pruned, ThreadView, UpdateAs, UpdateGiven,
    UpdateState,
};
pub use thread_stream::ThreadMessage;
pub use traces::{TraceHooks, TraceOrigin};
pub use trust::minisign::{BadPublicKey, BadSignature, Minisign, PublicKey};
pub use trust::{NewTrustedKey, PolicyChange, PolicyShown};
pub use webhooks::{
    InboundMade, InboundPut, OpenedHook, PostedSignature, PostedUrl, WebhookFigures, WebhookMade,
    WebhookPut,
};
