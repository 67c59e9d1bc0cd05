//! Schedules: list, make, change, pause, continue, fire by hand, remove, and when they are due.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wforge_engine::{
    DueTime, FiringError, LastFiring, Missed, Overlap, PutSchedule, ScheduleCounts, ScheduleSpec,
    ScheduleView, ScheduledThread, ScheduledWorkflow,
};
use wforge_model::head::RunStatus;
use wforge_model::{Object, RunId, ScheduleName, Timestamp, Value};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, JsonOrNothing, NoQuery, PathOf, QueryOf, named};
use crate::idempotency::Keyed;
use crate::resource::{Page, PageQuery, Resource};
use crate::run_request::{NamedWorkflow, WorkflowField, WorkflowMeant};
use crate::runs::{WaitQuery, hold, marked, when_settled};
use crate::state::Api;
use crate::steering::NoBody;

/// Times that are shown where nothing is said.
const TIMES: usize = 5;
/// Times that are shown at most.
const TIMES_MAX: usize = 100;
/// The zone where none is said.
const UTC: &str = "UTC";

/// A schedule with what came of it and what it does next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduleFields)]
pub(crate) struct ShownSchedule {
    name: ScheduleName,
    #[serde(flatten)]
    spec: ScheduleSpec,
    paused: bool,
    /// What it does next; null where it is paused or over.
    next: Option<DueTime>,
    /// What came of the last time that was its turn.
    last: Option<LastFiring>,
    /// The run that it started last.
    last_run: Option<RunId>,
    /// How that run stands.
    last_status: Option<RunStatus>,
    /// Why the last start that failed did.
    last_error: Option<FiringError>,
    counts: ScheduleCounts,
    created_at: Timestamp,
    created_by: String,
    changed_at: Timestamp,
    changed_by: String,
}

/// The moments at which a schedule is due.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduleTimesFields)]
pub(crate) struct ShownTimes {
    cron: String,
    zone: String,
    /// `scheduled_at`, `fires_at` and `local` of each.
    times: Vec<DueTime>,
}

/// The body of [`create`].
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ScheduleCreate)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    name: ScheduleName,
    /// A registered workflow: `name`, `name@version`, or name and version apart.
    workflow: WorkflowField,
    /// The input keys of each run.
    #[serde(default)]
    input: Object,
    /// Read-only JSON of each run.
    #[serde(default)]
    context: Value,
    /// The input key that gets the time by the expression, as RFC 3339 in UTC.
    #[serde(default)]
    time_key: Option<String>,
    /// `none`, `new` for each run, or the id of one.
    #[serde(default)]
    #[schema(value_type = String)]
    thread: ScheduledThread,
    /// Minute, hour, day of the month, month, day of the week; or `@daily` and the like.
    cron: String,
    /// The zone of IANA, such as `Europe/Berlin`; UTC where none is said.
    #[serde(default)]
    zone: Option<String>,
    /// `skip`, `one` or `all`: what becomes of times at which the server was off.
    #[serde(default)]
    missed: Missed,
    /// `allow` or `skip`: what becomes of a time at which the run before has not ended.
    #[serde(default)]
    overlap: Overlap,
    /// The most that a start is put off, in seconds.
    #[serde(default)]
    jitter_s: u32,
    /// Not after that, in milliseconds since 1970.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Not more runs than that.
    #[serde(default)]
    runs_max: Option<u64>,
    /// Whether it starts nothing until it is continued; where nothing is said, a new one is not
    /// paused, and one that is there stays as it is.
    #[serde(default)]
    paused: Option<bool>,
}

/// The body of [`preview`].
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SchedulePreview)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    /// Minute, hour, day of the month, month, day of the week; or `@daily` and the like.
    cron: String,
    /// The zone of IANA; UTC where none is said.
    #[serde(default)]
    zone: Option<String>,
    /// How many times.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    count: Option<usize>,
}

/// The query of [`next`].
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NextQuery {
    /// How many times, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    count: Option<usize>,
}

/// The variable part of a path about one schedule.
#[derive(Debug, Deserialize)]
pub(crate) struct SchedulePath {
    schedule: String,
}

/// Lists the schedules, by name.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownSchedule>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let views = engine.schedules(tenant, at.cursor.as_deref(), at.items_max + 1).await?;
    Ok(Json(Page::cut(views.into_iter().map(resource).collect(), at.items_max)))
}

/// Makes a schedule.
pub(crate) async fn create(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(body): JsonOf<CreateBody>,
) -> Result<Response, ApiError> {
    let made = save(&api, principal, body, PutSchedule::Create).await?;
    Ok(made.respond(StatusCode::CREATED))
}

/// Makes a schedule, or has the one of that name do something else from now on.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(fields): JsonOf<Object>,
) -> Result<Json<Resource<ShownSchedule>>, ApiError> {
    let body = named(fields, &schedule)?;
    save(&api, principal, body, PutSchedule::CreateOrReplace).await.map(Json)
}

async fn save(
    api: &Api,
    principal: Principal,
    body: CreateBody,
    put: PutSchedule,
) -> Result<Resource<ShownSchedule>, ApiError> {
    let (name, what) = ((body.name.clone(), put), meant(body)?);
    let engine = api.parts.engine.clone();
    let save =
        async move { engine.put_schedule(&principal.tenant, name, what, &principal.actor()).await };
    Ok(resource(api.whole(save).await?))
}

/// Shows a schedule, what came of it and what it does next.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownSchedule>>, ApiError> {
    let view = api.parts.engine.schedule(&principal.tenant, &schedule).await?;
    Ok(Json(resource(view)))
}

/// Removes a schedule; runs that it started go on.
pub(crate) async fn remove(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownSchedule>>, ApiError> {
    let engine = api.parts.engine.clone();
    let remove = async move {
        engine.remove_schedule(&principal.tenant, &schedule, &principal.actor()).await
    };
    Ok(Json(resource(api.whole(remove).await?)))
}

/// Has a schedule start nothing until it is continued.
pub(crate) async fn pause(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownSchedule>>, ApiError> {
    set_paused(&api, principal, schedule, true).await
}

/// Has a schedule start runs again, from its next time on.
pub(crate) async fn go_on(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownSchedule>>, ApiError> {
    set_paused(&api, principal, schedule, false).await
}

async fn set_paused(
    api: &Api,
    principal: Principal,
    schedule: String,
    paused: bool,
) -> Result<Json<Resource<ShownSchedule>>, ApiError> {
    let engine = api.parts.engine.clone();
    let set = async move {
        engine.pause_schedule(&principal.tenant, &schedule, paused, &principal.actor()).await
    };
    Ok(Json(resource(api.whole(set).await?)))
}

/// Starts a run of a schedule now, and answers with the run.
pub(crate) async fn trigger(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(wait): QueryOf<WaitQuery>,
    headers: HeaderMap,
    JsonOrNothing(NoBody {}): JsonOrNothing<NoBody>,
) -> Result<Response, ApiError> {
    let wait = wait.checked(&api)?;
    // The same key for another schedule is another request.
    let keyed = Keyed {
        headers: &headers,
        route: "schedules.trigger",
        thread: None,
        body: schedule.as_bytes(),
    };
    let (idempotency, held) = hold(&api, &principal, keyed)?;
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let by = principal.actor();
    let trigger =
        async move { engine.trigger_schedule(&tenant, &schedule, idempotency, &by).await };
    let started = api.whole_under(held, trigger).await?;
    let response = when_settled(&api, &principal.tenant, started.run, wait).await?;
    Ok(marked(response, started.replayed))
}

/// Shows the next times of a schedule, paused or not.
pub(crate) async fn next(
    State(api): State<Api>,
    principal: Principal,
    PathOf(SchedulePath { schedule }): PathOf<SchedulePath>,
    QueryOf(NextQuery { count }): QueryOf<NextQuery>,
) -> Result<Json<Resource<ShownTimes>>, ApiError> {
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let times = engine.schedule_times(tenant, &schedule, checked(count, &codes::MALFORMED)?)?;
    let spec = engine.schedule(tenant, &schedule).await?.schedule.spec;
    let href = format!("/v1/schedules/{schedule}/next");
    let shown = ShownTimes { cron: spec.cron, zone: spec.zone, times };
    Ok(Json(Resource::new("schedule_times", schedule, href, shown)))
}

/// Shows the next times of an expression that no schedule has yet.
pub(crate) async fn preview(
    State(api): State<Api>,
    _: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(PreviewBody { cron, zone, count }): JsonOf<PreviewBody>,
) -> Result<Json<Resource<ShownTimes>>, ApiError> {
    let zone = zone.unwrap_or_else(|| UTC.to_owned());
    let count = checked(count, &codes::UNACCEPTABLE)?;
    let times = api.parts.engine.preview_schedule(&cron, &zone, count)?;
    let (id, href) = ("preview".to_owned(), "/v1/schedules/preview".to_owned());
    Ok(Json(Resource::new("schedule_times", id, href, ShownTimes { cron, zone, times })))
}

fn checked(count: Option<usize>, code: &'static codes::Code) -> Result<usize, ApiError> {
    let count = count.unwrap_or(TIMES);
    if (1..=TIMES_MAX).contains(&count) {
        return Ok(count);
    }
    Err(ApiError::new(code, format!("count is a number from 1 to {TIMES_MAX}")))
}

fn meant(body: CreateBody) -> Result<(ScheduleSpec, Option<bool>), ApiError> {
    let WorkflowMeant::Named(NamedWorkflow { name, version }) = body.workflow.meant()? else {
        let detail = "workflow: a schedule runs a registered workflow; register the file first";
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    };
    let spec = ScheduleSpec {
        workflow: ScheduledWorkflow { name, version },
        input: body.input,
        context: body.context,
        time_key: body.time_key,
        thread: body.thread,
        cron: body.cron,
        zone: body.zone.unwrap_or_else(|| UTC.to_owned()),
        missed: body.missed,
        overlap: body.overlap,
        jitter_s: body.jitter_s,
        until: body.until,
        runs_max: body.runs_max,
    };
    Ok((spec, body.paused))
}

fn resource(view: ScheduleView) -> Resource<ShownSchedule> {
    let ScheduleView { schedule, next, last_status } = view;
    let (id, href) = (schedule.name.to_string(), format!("/v1/schedules/{}", schedule.name));
    let shown = ShownSchedule {
        name: schedule.name,
        spec: schedule.spec,
        paused: schedule.paused,
        next,
        last: schedule.last,
        last_run: schedule.last_run,
        last_status,
        last_error: schedule.last_error,
        counts: schedule.counts,
        created_at: schedule.created_at,
        created_by: schedule.created_by,
        changed_at: schedule.changed_at,
        changed_by: schedule.changed_by,
    };
    Resource::new("schedule", id, href, shown)
}
