//! `/v1/system`: what this server is, who asks, and to whoever runs it, what it takes and holds.
//!
//! Everybody with a key sees what is no other tenant's matter: versions, how long it has been up,
//! and the limits of requests. Whatever grows and shrinks with what other tenants do (memory,
//! disk, descriptors, sandboxes, queues, the store) is for the role `platform` alone; a tenant's
//! own share is in `/v1/usage`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wforge_engine::EngineFigures;
use wforge_model::{Role, TenantId, Timestamp};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{NoQuery, QueryOf};
use crate::machine::MachineFigures;
use crate::state::{Api, Shared, SystemInfo};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    #[serde(flatten)]
    host: SystemInfo,
    /// When the server began, in milliseconds since 1970.
    began_at: Timestamp,
    /// How long it has been up.
    uptime_ms: u64,
    /// The versions of the control API that are served.
    #[schema(value_type = Vec<String>)]
    api: [&'static str; 1],
    you: You,
    limits: Limits,
    #[serde(flatten)]
    whole: Whole,
}

/// Figures over all tenants: all of them for the role `platform`, none for others.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ServerFigures)]
struct Whole {
    /// What the process takes of its machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<MachineFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<Pool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Queue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreLag>,
    /// All counters of the engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    figures: Option<EngineFigures>,
}

/// The sandboxes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SandboxPool)]
struct Pool {
    /// `pooling` or `on-demand`.
    allocator: &'static str,
    /// Sandboxes that are in use.
    used: u64,
    /// Sandboxes that there are.
    total: u64,
}

/// What waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkWaiting)]
struct Queue {
    /// Calls of agents that wait for a sandbox.
    calls_waiting: u64,
    /// Runs in memory.
    runs_live: u64,
    /// Runs that are looked at again at a moment: they sleep, have a deadline, or found no room.
    runs_asleep: u64,
}

/// How far the store is behind.
#[derive(Debug, Serialize, ToSchema)]
struct StoreLag {
    /// `memory` or `sled`.
    kind: &'static str,
    /// Operations that are durable in the journal and not yet in the view.
    view_lag: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Caller)]
pub(crate) struct You {
    tenant: TenantId,
    role: Role,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestLimits)]
pub(crate) struct Limits {
    run_bytes_max: usize,
    workflow_bytes_max: usize,
    plugin_bytes_max: usize,
    json_depth_max: usize,
    #[schema(value_type = u64)]
    wait_ms_max: u128,
    page_items_max: usize,
}

/// `GET /v1/system`: what this server is, and to whoever runs it, what it takes and holds.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<System>, ApiError> {
    let limits = &api.parts.limits;
    let whole = if principal.is_platform() { whole(&api).await? } else { Whole::default() };
    Ok(Json(System {
        host: api.parts.system.clone(),
        began_at: api.began_at,
        uptime_ms: api.parts.clock.now().0.saturating_sub(api.began_at.0),
        api: ["v1"],
        whole,
        you: You { tenant: principal.tenant, role: principal.role, name: principal.name },
        limits: Limits {
            run_bytes_max: limits.run_bytes_max,
            workflow_bytes_max: limits.workflow_bytes_max,
            plugin_bytes_max: limits.plugin_bytes_max,
            json_depth_max: limits.json_depth_max,
            wait_ms_max: limits.wait_max.as_millis(),
            page_items_max: limits.page_items_max,
        },
    }))
}

async fn whole(api: &Shared) -> Result<Whole, ApiError> {
    let machine = api.parts.machine.clone();
    // Files are looked at, which may block.
    let reading = api.parts.tasks.spawn_blocking(move || {
        let mut figures = machine.read();
        if let Some(disk) = &mut figures.disk {
            disk.used_bytes = machine.data_bytes();
        }
        figures
    });
    let machine = reading.await.map_err(ApiError::internal)?;
    let figures = api.parts.engine.figures();
    let runtime = &figures.runtime;
    Ok(Whole {
        machine: Some(machine),
        pool: Some(Pool {
            allocator: runtime.allocator,
            used: runtime.sandboxes,
            total: runtime.sandboxes_max,
        }),
        queue: Some(Queue {
            calls_waiting: runtime.waiting,
            runs_live: figures.runs_live,
            runs_asleep: figures.runs_asleep,
        }),
        store: Some(StoreLag { kind: figures.store.kind, view_lag: figures.store.view_lag }),
        figures: Some(figures),
    })
}
